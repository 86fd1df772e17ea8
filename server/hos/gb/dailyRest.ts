import { shown, type Timeline } from '../eu/timeline.ts'
import type { Weeks } from '../eu/weeks.ts'
import type { Violation } from '../types.ts'
import { LIMITS, MS } from './limits.ts'

export const RULE = 'gb.rest-10'

/**
 * S. 96(4), vehicles for passengers: 10 h of rest between two working days, three times a week 8 h 30. A rest counts for the week
 * in which it ends; the fourth reduced one and each later one is too short.
 */
export function dailyRestViolations(timeline: Timeline, weeks: Weeks): Violation[] {
  const taken = new Map<number, number>()
  return timeline.rests.flatMap((rest) => {
    if (rest.open || rest.beforeLog || rest.restMs < MS.dailyRestReduced || rest.restMs >= MS.dailyRest)
      return []
    const week = weeks.of(rest.until)
    const count = (taken.get(week) ?? 0) + 1
    taken.set(week, count)
    if (count <= MS.reducedRestsPerWeek) return []
    const explanation = {
      citation: LIMITS.dailyRest.citation,
      limitMs: MS.dailyRest,
      reachedMs: rest.restMs,
      since: rest.from,
      rests: shown([rest]),
    }
    return [{ rule: RULE, from: rest.until, until: rest.until, explanation }]
  })
}
