import { DAY, type Instant } from '../../time/instant.ts'
import type { Zone } from '../../time/zone.ts'
import { type Day, daysOf, goneOn, lastOf, passing, sumOf } from '../eu/days.ts'
import type { Timeline } from '../eu/timeline.ts'
import type { Clock, Violation } from '../types.ts'
import { LIMITS, MS } from './limits.ts'
import { isWork } from './weeks.ts'

export const RULE = 'wtd.night-10'

/** Where night is: a zone, and when its 4 h begin, milliseconds after local midnight (art. 3(h), set by each country). */
export interface Night {
  zone: Zone
  startMs: number
}

/** The first night that ends after an instant. */
export function nightAfter({ zone, startMs }: Night, at: Instant): { from: Instant; until: Instant } {
  const local = at + zone.offsetAt(at)
  for (let day = Math.floor(local / DAY) * DAY - DAY; ; day += DAY) {
    const from = zone.instantOf(day + startMs)
    const until = from + MS.nightTime
    if (until > at) return { from, until }
  }
}

/** When work of a period first lies in the night; null if none does. */
function firstNightWork(day: Day, night: Night): Instant | null {
  for (const { status, from, until } of day.stretches) {
    if (!isWork(status) || until === from) continue
    const dark = nightAfter(night, from)
    if (dark.from < until) return Math.max(from, dark.from)
  }
  return null
}

/** The 24 h in which night work counts, one after the other. */
export const periods = (timeline: Timeline) => daysOf(timeline, MS.periodWithNight, isWork)

/**
 * Art. 7(1): where night work is done, at most 10 h of work in each 24 h. These begin with the first work, and then with the first
 * after the end of those before.
 */
export function nightViolations(ofDays: readonly Day[], night: Night): Violation[] {
  return ofDays.flatMap((day) => {
    const over = passing(day, MS.workWithNight, isWork)
    if (over === null) return []
    const dark = firstNightWork(day, night)
    if (dark === null) return []
    const explanation = {
      citation: LIMITS.workWithNight.citation,
      limitMs: MS.workWithNight,
      reachedMs: sumOf(day, isWork),
      since: day.from,
      rests: [],
    }
    const from = Math.max(over, dark)
    return [{ rule: RULE, from, until: Math.max(from, lastOf(day, isWork)!), explanation }]
  })
}

interface Left {
  day: Day | undefined
  /** Of the 10 h. */
  workMs: number
  /** Till the next night, whichever work is done; null once some was done at night. */
  tillNightMs: number | null
  remainingMs: number
}

function leftAt({ asOf }: Timeline, ofDays: readonly Day[], night: Night): Left {
  const last = ofDays.at(-1)
  const day = last && last.until > asOf ? last : undefined
  const workMs = Math.max(0, MS.workWithNight - (day ? sumOf(day, isWork) : 0))
  if (day && firstNightWork(day, night) !== null)
    return { day, workMs, tillNightMs: null, remainingMs: workMs }
  const tillNightMs = Math.max(0, nightAfter(night, asOf).from - asOf)
  return { day, workMs, tillNightMs, remainingMs: Math.max(workMs, tillNightMs) }
}

/** Work till the limit: what is left of 10 h, or all till the night as long as none was done at night. */
export function nightClock(
  timeline: Timeline,
  ofDays: readonly Day[],
  night: Night,
): { clock: Clock; changes: Instant[] } {
  const { asOf, stretches } = timeline
  const status = stretches.at(-1)?.status
  const working = status !== undefined && isWork(status)
  const left = leftAt(timeline, ofDays, night)
  const { day, workMs, tillNightMs, remainingMs } = left
  const bySky = tillNightMs !== null && tillNightMs > workMs
  const running = remainingMs > 0 && (working || bySky)
  let runsOutAt: Instant | null = null
  if (running && working) {
    const end = day?.until
    runsOutAt = asOf + remainingMs
    if (end !== undefined && runsOutAt >= end) {
      const then = goneOn(timeline, end)
      runsOutAt = end + leftAt(then, periods(then), night).remainingMs
    }
  } else if (running && workMs === 0 && !(day && asOf + remainingMs >= day.until)) {
    runsOutAt = asOf + remainingMs
  }
  const next = nightAfter(night, asOf)
  const nights = [next.from, nightAfter(night, next.until).from]
  return {
    clock: { name: 'workNight', rule: RULE, limitMs: MS.workWithNight, remainingMs, running, runsOutAt },
    changes: [
      next.from,
      next.until,
      asOf + workMs,
      // Where the night comes to be nearer than the hours that are left, or that a new period brings.
      ...nights.flatMap((from) => [from - workMs, from - MS.workWithNight]),
      ...(day ? [day.until] : []),
    ],
  }
}
