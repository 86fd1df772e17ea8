import type { Instant } from '../../time/instant.ts'
import { isRest, openRest, type Timeline } from '../eu/timeline.ts'
import type { Weeks } from '../eu/weeks.ts'
import type { Clock, Violation } from '../types.ts'
import { LIMITS, MS } from './limits.ts'

export const RULE = 'gb.rest-24-in-14'

/** The most rest without an interruption within two weeks, the second being `week`. */
function longestIn(timeline: Timeline, weeks: Weeks, week: number): number {
  const [from, until] = [weeks.startOf(week - 1), weeks.startOf(week + 1)]
  let longest = 0
  for (let i = timeline.rests.length - 1; i >= 0; i--) {
    const rest = timeline.rests[i]!
    if (rest.until <= from) break
    longest = Math.max(longest, Math.min(rest.until, until) - Math.max(rest.from, from))
  }
  return longest
}

/** So late may the rest of two weeks begin. */
const dueAt = (weeks: Weeks, week: number): Instant => weeks.startOf(week + 1) - MS.fortnightlyRest

/**
 * S. 96(6), vehicles for passengers: a rest of 24 h in any two weeks. It is broken by duty after the last instant at which that
 * rest could have begun.
 */
export function fortnightlyRestViolations(timeline: Timeline, weeks: Weeks): Violation[] {
  const [first] = timeline.stretches
  if (!first) return []
  const violations: Violation[] = []
  const last = weeks.of(timeline.asOf)
  for (let week = weeks.of(first.from); week <= last; week++) {
    const [due, end] = [dueAt(weeks, week), weeks.startOf(week + 1)]
    if (timeline.asOf <= due) break
    if (longestIn(timeline, weeks, week) >= MS.fortnightlyRest) continue
    const duties = timeline.stretches.filter(
      ({ status, from, until }) => !isRest(status) && until > due && from < end,
    )
    const [earliest] = duties
    const latest = duties.at(-1)
    if (!earliest || !latest) continue
    const explanation = {
      citation: LIMITS.fortnightlyRest.citation,
      limitMs: MS.fortnightlyRest,
      reachedMs: longestIn(timeline, weeks, week),
      since: weeks.startOf(week - 1),
      rests: [],
    }
    const from = Math.max(due, earliest.from)
    violations.push({ rule: RULE, from, until: Math.min(end, latest.until), explanation })
  }
  return violations
}

/** By when the next such rest must begin. */
export function fortnightlyRestClock(timeline: Timeline, weeks: Weeks): { clock: Clock; changes: Instant[] } {
  const { asOf } = timeline
  const week = weeks.of(asOf)
  const open = [week, week + 1].find((one) => longestIn(timeline, weeks, one) < MS.fortnightlyRest)
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
