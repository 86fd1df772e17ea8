import type { Instant } from '../../time/instant.ts'
import { type Day, lastOf, passing, sumOf } from '../eu/days.ts'
import { isRest } from '../eu/timeline.ts'
import type { Weeks } from '../eu/weeks.ts'
import type { Clock, EuropeanStatus, Violation } from '../types.ts'
import { isDriving } from './drivingDay.ts'
import { LIMITS, MS } from './limits.ts'

export const RULE = 'gb.duty-11'

/** Waiting at the employer's disposal is duty too. */
export const isDuty = (status: EuropeanStatus) => !isRest(status)

/** When the driving of a week's day goes past 4 h: from then on no day of the week is excepted. */
const endOfException = (days: readonly Day[]): Instant | null =>
  days.reduce<Instant | null>((earliest, day) => {
    const at = passing(day, MS.drivingOfLightWeek, isDriving)
    return at === null || (earliest !== null && earliest <= at) ? earliest : at
  }, null)

/**
 * S. 96(3)(a): at most 11 h of duty in the 24 h from the start of duty, on a day on which the driver drives, in a week on one of
 * whose days the driver drives for more than 4 h (s. 96(7)). It is broken when the last of the three comes true. A day
 * belongs to the week in which it begins.
 */
export function dutyViolations(days: readonly Day[], weeks: Weeks): Violation[] {
  const byWeek = new Map<number, Day[]>()
  for (const day of days) {
    const week = weeks.of(day.from)
    byWeek.set(week, [...(byWeek.get(week) ?? []), day])
  }
  return [...byWeek.values()].flatMap((ofWeek) => {
    const excepted = endOfException(ofWeek)
    if (excepted === null) return []
    return ofWeek.flatMap((day) => {
      const over = passing(day, MS.dutyDay, isDuty)
      const driven = passing(day, 0, isDriving)
      if (over === null || driven === null) return []
      const from = Math.max(over, driven, excepted)
      const explanation = {
        citation: LIMITS.dutyDay.citation,
        limitMs: MS.dutyDay,
        reachedMs: sumOf(day, isDuty),
        since: day.from,
        rests: [],
      }
      return [{ rule: RULE, from, until: Math.max(from, lastOf(day, isDuty)!), explanation }]
    })
  })
}

/** How long the driver may still be on duty and drive: 11 h of the day, or as long as the exception of a light week holds. */
export interface Duty {
  /** Of the day's 11 h. */
  dutyMs: number
  /** Until the exception ends by driving; zero where it has. */
  exceptedMs: number
  remainingMs: number
  /** With no exception, or one that would not outlast the 11 h: these run down on any duty. */
  byDuty: boolean
}

export function dutyAt(days: readonly Day[], day: Day | undefined, asOf: Instant, weeks: Weeks): Duty {
  const week = weeks.of(day?.from ?? asOf)
  const ofWeek = days.filter((one) => weeks.of(one.from) === week)
  const isExcepted = endOfException(ofWeek) === null
  const dutyMs = Math.max(0, MS.dutyDay - (day ? sumOf(day, isDuty) : 0))
  if (!isExcepted) return { dutyMs, exceptedMs: 0, remainingMs: dutyMs, byDuty: true }
  const exceptedMs = MS.drivingOfLightWeek - (day ? sumOf(day, isDriving) : 0)
  // An earlier day of more than 11 h is excepted only as long as the week stays light.
  const leansOnIt = ofWeek.some(
    (one) => one !== day && passing(one, MS.dutyDay, isDuty) !== null && passing(one, 0, isDriving) !== null,
  )
  if (leansOnIt) return { dutyMs, exceptedMs, remainingMs: exceptedMs, byDuty: false }
  return { dutyMs, exceptedMs, remainingMs: Math.max(dutyMs, exceptedMs), byDuty: dutyMs > exceptedMs }
}

/** Does the clock run down in this activity? */
export function runsDown(duty: Duty, status: EuropeanStatus | undefined): boolean {
  if (duty.remainingMs === 0 || status === undefined || isRest(status)) return false
  return isDriving(status) || duty.byDuty
}

export const dutyClock = (duty: Duty, running: boolean, runsOutAt: Instant | null): Clock => ({
  name: 'duty',
  rule: RULE,
  limitMs: MS.dutyDay,
  remainingMs: duty.remainingMs,
  running,
  runsOutAt,
})
