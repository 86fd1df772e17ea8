import { type Day, lastOf, passing, sumOf } from '../eu/days.ts'
import { shown, type Timeline } from '../eu/timeline.ts'
import type { EuropeanStatus, Violation } from '../types.ts'
import { LIMITS, MS } from './limits.ts'

export const RULE = 'gb.drive-10'

export const isDriving = (status: EuropeanStatus) => status === 'DRIVE'

/** S. 96(1): at most 10 h of driving on a working day. */
export function drivingViolations(days: readonly Day[], timeline: Timeline): Violation[] {
  return days.flatMap((day) => {
    const from = passing(day, MS.drivingDay, isDriving)
    if (from === null) return []
    const explanation = {
      citation: LIMITS.drivingDay.citation,
      limitMs: MS.drivingDay,
      reachedMs: sumOf(day, isDriving),
      since: day.from,
      rests: shown(timeline.rests.filter((rest) => rest.until === day.from)),
    }
    return [{ rule: RULE, from, until: lastOf(day, isDriving)!, explanation }]
  })
}
