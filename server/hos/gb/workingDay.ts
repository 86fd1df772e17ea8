import type { Instant } from '../../time/instant.ts'
import { type Day, runningDay } from '../eu/days.ts'
import { isRest, openRest, type Timeline } from '../eu/timeline.ts'
import type { Clock, Violation } from '../types.ts'
import { LIMITS, MS } from './limits.ts'

export const RULE = 'gb.day-16'

/** S. 96(3)(c), vehicles for passengers: no duty after 16 h from the start of a working day, which only a daily rest ends. */
export function workingDayViolations(days: readonly Day[]): Violation[] {
  return days.flatMap((day) => {
    const limitAt = day.from + MS.workingDay
    const duties = day.stretches.filter(({ status, until }) => !isRest(status) && until > limitAt)
    const [first] = duties
    const last = duties.at(-1)
    if (!first || !last) return []
    const explanation = {
      citation: LIMITS.workingDay.citation,
      limitMs: MS.workingDay,
      reachedMs: last.until - day.from,
      since: day.from,
      rests: [],
    }
    return [{ rule: RULE, from: Math.max(limitAt, first.from), until: last.until, explanation }]
  })
}

/** What is left of the 16 h; it runs through breaks, until a daily rest is complete. */
export function workingDayClock(
  days: readonly Day[],
  timeline: Timeline,
): { clock: Clock; changes: Instant[] } {
  const { asOf } = timeline
  const day = runningDay(days, timeline, MS.dailyRestReduced)
  const limitAt = day ? day.from + MS.workingDay : null
  const rest = openRest(timeline.rests)
  const restedAt = rest && !rest.beforeLog ? rest.from + MS.dailyRestReduced : null
  const remainingMs = limitAt === null ? MS.workingDay : Math.max(0, limitAt - asOf)
  const running = limitAt !== null && remainingMs > 0
  const runsOutAt = running && !(restedAt !== null && restedAt <= limitAt) ? limitAt : null
  return {
    clock: {
      name: 'window',
      rule: RULE,
      limitMs: MS.workingDay,
      remainingMs,
      running,
      runsOutAt,
      since: day?.from ?? null,
    },
    changes: [...(limitAt === null ? [] : [limitAt]), ...(restedAt === null ? [] : [restedAt])],
  }
}
