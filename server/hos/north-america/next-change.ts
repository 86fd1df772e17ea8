import type { Instant } from '../../time/instant.ts'
import type { Clock, DutyEvent, DutyStatus, Evaluation, Violation } from '../types.ts'
import { firstAfter } from './audit.ts'

/** What an evaluation says at one instant, but for when it will say something else. */
export interface Answers extends Pick<Evaluation, 'asOf' | 'status' | 'clocks' | 'violations'> {
  /** Instants at which the clocks themselves say that they change. */
  changes: readonly Instant[]
}

/**
 * A log of more stretches is not judged again and again: its next change is the first instant at which one may come.
 */
export const LONG_LOG = 2_000

/**
 * The first instant at which an answer is another though nothing happens: a clock stops, runs out, gains, or is counted from
 * elsewhere; a violation comes, goes, or goes on again. That a clock runs down is no change.
 * @param sure instants at which something changes for certain, null where none does
 * @param maybe instants at which something may change; they are asked one after the other till one does
 */
export function nextChange(
  now: Answers,
  sure: readonly (Instant | null)[],
  maybe: readonly (Instant | null)[],
  answersAt: (at: Instant) => Answers,
): Instant | null {
  const { asOf } = now
  const certain = firstAfter(asOf, sure)
  const isBefore = (at: Instant | null): at is Instant =>
    at !== null && at > asOf && (certain === null || at < certain)
  const asked = maybe.filter(isBefore)
  if (asked.length === 0) return certain
  const before = standing(now)
  for (let seen = asOf; ; ) {
    const at = firstAfter(seen, asked)
    if (at === null) return certain
    const then = answersAt(at)
    if (standing(then) !== before) return at
    // What is known only there, such as when the rest of a pair just made outgrows that of another.
    asked.push(...then.changes.filter(isBefore))
    seen = at
  }
}

/**
 * The same where what is known are only instants between which at most one thing changes, and stays so: what changes between
 * two of them is found by halving.
 */
export function searchedChange(
  now: Answers,
  known: readonly (Instant | null)[],
  answersAt: (at: Instant) => Answers,
): Instant | null {
  const before = standing(now)
  const changedAt = (at: Instant) => standing(answersAt(at)) !== before
  let same = now.asOf
  const later = new Set(known.filter((at): at is Instant => at !== null && at > now.asOf))
  for (const at of [...later].sort((a, b) => a - b)) {
    if (at - 1 > same && changedAt(at - 1)) {
      let changed = at - 1
      while (changed - same > 1) {
        const middle = same + Math.floor((changed - same) / 2)
        if (changedAt(middle)) changed = middle
        else same = middle
      }
      return changed
    }
    if (changedAt(at)) return at
    same = at
  }
  return null
}

/** The events that have begun by an instant: what comes after it is not known. */
export const knownOf = (log: readonly DutyEvent[], asOf: Instant): readonly DutyEvent[] =>
  (log.at(-1)?.at ?? asOf) <= asOf ? log : log.filter(({ at }) => at <= asOf)

/** The answers without what moves by itself. */
export function standing({ asOf, status, clocks, violations }: Omit<Answers, 'changes'>): string {
  const ofClock = (clock: Clock): string => {
    const { name, limitMs, remainingMs, running, runsOutAt, since } = clock
    // One that is used up has nothing left to lose; one that has not begun begins at every instant anew.
    const left = running && remainingMs > 0 ? `until ${asOf + remainingMs}` : remainingMs
    return `${name}:${limitMs}:${running}:${runsOutAt}:${left}:${since === asOf && waits(name, status) ? 'now' : since}`
  }
  const ofViolation = (violation: Violation): string => {
    const { rule, from, until, explanation } = violation
    // What is being broken grows by itself, and so does a rest that is reckoned to a day gone by.
    const moves = goesOn(violation, { asOf, status, clocks }) || (RESTS.has(status) && !hasClock(rule))
    return `${rule}@${from}:${moves ? 'on' : `${until}:${explanation.reachedMs}`}:${explanation.since}`
  }
  const hasClock = (rule: string) => clocks.some((clock) => clock.rule === rule)
  return [...clocks.map(ofClock), ...violations.map(ofViolation)].join(' ')
}

/** Is a rule being broken just now? Not one whose hours have come back at this very instant. */
export const goesOn = (
  { rule, from, until }: Violation,
  { asOf, status, clocks }: Pick<Evaluation, 'asOf' | 'status' | 'clocks'>,
): boolean =>
  status === 'D' &&
  until === asOf &&
  from < asOf &&
  !clocks.some((clock) => clock.rule === rule && clock.remainingMs > 0)

const RESTS: ReadonlySet<DutyStatus> = new Set(['OFF', 'SB', 'PC'])

/** Does a clock wait for what it counts to begin, while a status goes on? One of a break waits for driving. */
export const waits = (name: Clock['name'], status: DutyStatus): boolean =>
  name === 'break' ? status !== 'D' : RESTS.has(status)
