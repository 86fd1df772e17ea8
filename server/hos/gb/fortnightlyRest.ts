import type { Instant } from '../../time/instant.ts'
import { isRest, openRest, type Timeline } from '../eu/timeline.ts'
import type { Weeks } from '../eu/weeks.ts'
import type { Clock, Violation } from '../types.ts'
import { LIMITS, MS } from './limits.ts'

export const RULE = 'gb.rest-24-in-14'

/** So late may the rest of two weeks begin, the second of which is `week`. */
const dueAt = (weeks: Weeks, week: number): Instant => weeks.startOf(week + 1) - MS.fortnightlyRest

/** The most rest without an interruption within each two weeks, by the second of them. */
function longestRests({ rests }: Timeline, weeks: Weeks): (week: number) => number {
  const longest = new Map<number, number>()
  for (const { from, until } of rests) {
    const last = weeks.of(until - 1)
    for (let week = weeks.of(from); week <= last + 1; week++) {
      const within = Math.min(until, weeks.startOf(week + 1)) - Math.max(from, weeks.startOf(week - 1))
      if (within > (longest.get(week) ?? 0)) longest.set(week, within)
    }
  }
  return (week) => longest.get(week) ?? 0
}

/**
 * S. 96(6), vehicles for passengers: a rest of 24 h in any two weeks. It is broken by duty after the last instant at which that
 * rest could have begun.
 */
export function fortnightlyRestViolations(timeline: Timeline, weeks: Weeks): Violation[] {
  const longest = longestRests(timeline, weeks)
  const found = new Map<number, Violation>()
  for (const { status, from, until } of timeline.stretches) {
    if (isRest(status) || until === from) continue
    for (let week = weeks.of(from); weeks.startOf(week) < until; week++) {
      const [due, end] = [dueAt(weeks, week), weeks.startOf(week + 1)]
      if (until <= due || longest(week) >= MS.fortnightlyRest) continue
      const violation = found.get(week) ?? {
        rule: RULE,
        from: Math.max(due, from),
        until,
        explanation: {
          citation: LIMITS.fortnightlyRest.citation,
          limitMs: MS.fortnightlyRest,
          reachedMs: longest(week),
          since: weeks.startOf(week - 1),
          rests: [],
        },
      }
      violation.until = Math.min(end, until)
      found.set(week, violation)
    }
  }
  return [...found.values()]
}

/** By when the next such rest must begin. */
export function fortnightlyRestClock(timeline: Timeline, weeks: Weeks): { clock: Clock; changes: Instant[] } {
  const { asOf } = timeline
  const week = weeks.of(asOf)
  const longest = longestRests(timeline, weeks)
  const open = [week, week + 1].find((one) => longest(one) < MS.fortnightlyRest)
  const due = open === undefined ? null : dueAt(weeks, open)
  const rest = openRest(timeline.rests)
  const limitMs = MS.beforeFortnightlyRest
  const remainingMs = due === null ? limitMs : Math.min(limitMs, Math.max(0, due - asOf))
  const running = due !== null && remainingMs > 0 && remainingMs < limitMs
  const begun = rest !== null && due !== null && rest.from <= due
  return {
    clock: {
      name: 'restFortnight',
      rule: RULE,
      limitMs,
      remainingMs,
      running,
      runsOutAt: running && !begun ? due : null,
    },
    changes: [
      ...[1, 2, 3].map((ahead) => weeks.startOf(week + ahead)),
      ...[week, week + 1].map((one) => dueAt(weeks, one)),
      ...(due === null ? [] : [due - limitMs]),
      ...(rest
        ? [rest.from, weeks.startOf(week - 1), weeks.startOf(week)].map((from) => from + MS.fortnightlyRest)
        : []),
    ],
  }
}
