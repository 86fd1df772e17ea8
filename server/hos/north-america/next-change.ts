import type { Instant } from '../../time/instant.ts'
import type { Clock, DutyStatus, Evaluation, Violation } from '../types.ts'
import { firstAfter } from './audit.ts'

/** What an evaluation says at one instant, but for when it will say something else. */
export interface Answers extends Pick<Evaluation, 'asOf' | 'status' | 'clocks'> {
  /** The violations that may still be others at a later instant, though nothing happens. */
  open: readonly Violation[]
  /** Instants at which the clocks themselves say that they change. */
  changes: readonly Instant[]
}

/**
 * The first instant at which an answer is another though nothing happens: a clock stops, runs out, gains, or is counted from
 * elsewhere; a violation comes, goes, or goes on again. That a clock runs down is no change.
 * @param sure instants at which something changes for certain, null where none does
 * @param maybe instants at which something may change; they are asked one after the other till one does
 * @param paired when the present rest makes pairs; a pair only leaves more than was left, so that what has changed by one
 *   stays changed, and the first that does is found by halving
 */
export function nextChange(
  now: Answers,
  sure: readonly (Instant | null)[],
  maybe: readonly (Instant | null)[],
  paired: readonly Instant[],
  answersAt: (at: Instant) => Answers,
): Instant | null {
  const { asOf } = now
  const certain = firstAfter(asOf, sure)
  if (maybe.length === 0 && paired.length === 0) return certain
  const isBefore = (at: Instant | null): at is Instant =>
    at !== null && at > asOf && (certain === null || at < certain)
  const asked = maybe.filter(isBefore)
  const pairs = paired.filter(isBefore)
  if (asked.length === 0 && pairs.length === 0) return certain
  const before = said(now)
  const isSame = (at: Instant): boolean => {
    const then = answersAt(at)
    if (said(then) !== before) return false
    // What is known only there, such as when the rest of a pair just made outgrows that of another.
    asked.push(...then.changes.filter(isBefore))
    return true
  }
  for (let seen = asOf; ; ) {
    const at = firstAfter(seen, asked)
    const between = pairs.filter((pair) => pair > seen && (at === null || pair < at))
    if (between.length > 0) {
      const same = lastSame(between, isSame)
      if (same < 0) return between[0]!
      seen = between[same]!
    } else {
      if (at === null) return certain
      if (!isSame(at)) return at
      seen = at
    }
  }
}

/** The index of the last instant at which all is the same, -1 if at none: from the first that is not on, no later one is. */
function lastSame(instants: readonly Instant[], isSame: (at: Instant) => boolean): number {
  if (!isSame(instants[0]!)) return -1
  let same = 0
  let other = instants.length
  for (let probe = other - 1; other - same > 1; probe = (same + other) >> 1) {
    if (isSame(instants[probe]!)) same = probe
    else other = probe
  }
  return same
}

const said = ({ asOf, status, clocks, open }: Answers) => standing({ asOf, status, clocks, violations: open })

/** The answers without what moves by itself. */
export function standing({
  asOf,
  status,
  clocks,
  violations,
}: Pick<Evaluation, 'asOf' | 'status' | 'clocks' | 'violations'>): string {
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
