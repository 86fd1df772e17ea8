import type { Instant } from '../../time/instant.ts'
import type { Violation } from '../types.ts'
import { LIMITS, MS } from './limits.ts'
import { type Rest, shown, type Timeline } from './timeline.ts'

export const RULE = 'eu.rest-weekly'

/** Rests of at least 24 h, in order; the one before the log is the first. */
export const weeklyRestsOf = (timeline: Timeline): Rest[] =>
  timeline.joined.filter((rest) => rest.beforeLog || rest.restMs >= MS.weeklyRestReduced)

/** Art. 8(6): the next weekly rest begins at the latest after six 24-hour periods from the end of the last. */
export function weeklyRestViolations(timeline: Timeline, weeklyRests: readonly Rest[]): Violation[] {
  const violations: Violation[] = []
  weeklyRests.forEach((rest, i) => {
    if (rest.open) return
    const due = weeklyRestDue(rest)
    const next = weeklyRests[i + 1] ?? null
    // Work up to the very end of the sixth period is lawful: the rest may still begin there.
    if (next ? next.from <= due : timeline.asOf <= due) return
    const until = next?.from ?? timeline.asOf
    violations.push({
      rule: RULE,
      from: due,
      until,
      explanation: {
        citation: LIMITS.betweenWeeklyRests.citation,
        limitMs: MS.betweenWeeklyRests,
        reachedMs: until - rest.until,
        since: rest.until,
        rests: next ? shown([next]) : [],
      },
    })
  })
  return violations
}

/** By when the weekly rest after this one must begin. */
export const weeklyRestDue = (rest: Rest): Instant => rest.until + MS.betweenWeeklyRests
