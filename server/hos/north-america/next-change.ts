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
  const asked = between(maybe, asOf, certain)
  const pairs = between(paired, asOf, certain)
  if (asked.length === 0 && pairs.length === 0) return certain
  for (let seen = asOf; ; ) {
    const at = firstAfter(seen, asked)
    const made = between(pairs, seen, at)
    if (made.length > 0) {
      const same = lastSame(made, now, certain, asked, answersAt)
      if (same < 0) return made[0]!
      seen = made[same]!
    } else {
      if (at === null) return certain
      if (!isSame(at, now, certain, asked, answersAt)) return at
      seen = at
    }
  }
}

/** Those of some instants after one and before another. */
function between(instants: readonly (Instant | null)[], after: Instant, before: Instant | null): Instant[] {
  const found: Instant[] = []
  for (const at of instants) if (at !== null && at > after && (before === null || at < before)) found.push(at)
  return found
}

function isSame(
  at: Instant,
  now: Answers,
  certain: Instant | null,
  asked: Instant[],
  answersAt: (at: Instant) => Answers,
): boolean {
  const then = answersAt(at)
  if (!stands(now, then)) return false
  // What is known only there, such as when the rest of a pair just made outgrows that of another.
  for (const change of between(then.changes, now.asOf, certain)) asked.push(change)
  return true
}

/** The index of the last instant at which all is the same, -1 if at none: from the first that is not on, no later one is. */
function lastSame(
  instants: readonly Instant[],
  now: Answers,
  certain: Instant | null,
  asked: Instant[],
  answersAt: (at: Instant) => Answers,
): number {
  if (!isSame(instants[0]!, now, certain, asked, answersAt)) return -1
  let same = 0
  let other = instants.length
  for (let probe = other - 1; other - same > 1; probe = (same + other) >> 1) {
    if (isSame(instants[probe]!, now, certain, asked, answersAt)) same = probe
    else other = probe
  }
  return same
}

/** Are the answers the same but for what moves by itself? As `standing` tells it, without the text. */
function stands(one: Answers, other: Answers): boolean {
  if (one.clocks.length !== other.clocks.length || one.open.length !== other.open.length) return false
  for (let c = 0; c < one.clocks.length; c++)
    if (!isSameClock(one.clocks[c]!, one, other.clocks[c]!, other)) return false
  for (let v = 0; v < one.open.length; v++)
    if (!isSameViolation(one.open[v]!, one, other.open[v]!, other)) return false
  return true
}

function isSameClock(a: Clock, one: Answers, b: Clock, other: Answers): boolean {
  if (a.name !== b.name || a.limitMs !== b.limitMs || a.running !== b.running || a.runsOutAt !== b.runsOutAt)
    return false
  const isNow = a.since === one.asOf && waits(a.name, one.status)
  if (isNow !== (b.since === other.asOf && waits(b.name, other.status))) return false
  if (!isNow && a.since !== b.since) return false
  const runsDown = a.running && a.remainingMs > 0
  if (runsDown !== (b.running && b.remainingMs > 0)) return false
  return runsDown ? one.asOf + a.remainingMs === other.asOf + b.remainingMs : a.remainingMs === b.remainingMs
}

function isSameViolation(a: Violation, one: Answers, b: Violation, other: Answers): boolean {
  if (a.rule !== b.rule || a.from !== b.from || a.explanation.since !== b.explanation.since) return false
  const moves = isMoving(a, one)
  if (moves !== isMoving(b, other)) return false
  return moves || (a.until === b.until && a.explanation.reachedMs === b.explanation.reachedMs)
}

/** What is being broken grows by itself, and so does a rest that is reckoned to a day gone by. */
const isMoving = (violation: Violation, answers: Pick<Evaluation, 'asOf' | 'status' | 'clocks'>): boolean =>
  goesOn(violation, answers) ||
  (RESTS.has(answers.status) && !answers.clocks.some((clock) => clock.rule === violation.rule))

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
    const moves = isMoving(violation, { asOf, status, clocks })
    return `${rule}@${from}:${moves ? 'on' : `${until}:${explanation.reachedMs}`}:${explanation.since}`
  }
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
