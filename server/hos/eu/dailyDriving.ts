import type { Instant } from '../../time/instant.ts'
import type { Violation } from '../types.ts'
import { isBroken, type Period } from './dailyRest.ts'
import { LIMITS, MS } from './limits.ts'
import { type Rest, type Span, shown, type Timeline } from './timeline.ts'
import type { Weeks } from './weeks.ts'

export const RULE = 'eu.drive-daily'

/** The daily driving time that runs at `asOf`, and what was broken before and in it. */
export interface DailyDriving {
  drivenMs: number
  /** 10 h if the day has its extension or the week of `asOf` has one left, else 9 h. */
  limitMs: number
  /** Did the day pass its ninth hour with an extension? */
  extended: boolean
  /** Of the fixed week of `asOf`. */
  extensionsLeft: number
  violations: Violation[]
}

interface Day {
  since: Instant | null
  drivenMs: number
  extended: boolean
  violation: Violation | null
  rests: Rest[]
  /** How many of them had been taken when the driver last drove past the limit. */
  restsBefore: number
}

/**
 * Art. 6(1): 9 h of driving between two daily rests, 10 h at most twice in a fixed week. The extension belongs to the
 * week in which the ninth hour is passed. Where the daily rest was missing by `brokenAt`, 7 h of rest end the day too.
 */
export function dailyDriving(
  timeline: Timeline,
  periods: readonly Period[],
  weeks: Weeks,
  brokenAt: Instant = timeline.asOf,
): DailyDriving {
  const violations: Violation[] = []
  const extensions = new Map<number, number>()
  let day = begin(timeline.joined[0]?.until ?? null)
  let period = 0
  let nextRest = 1

  const walk = {
    passRests(until: Instant): void {
      for (; nextRest < timeline.joined.length; nextRest++) {
        const rest = timeline.joined[nextRest] as Rest
        if (rest.from > until) return
        while (period < periods.length - 1 && (periods[period] as Period).until <= rest.from) period++
        const owner = periods[period]
        const enough = owner && isBroken(owner, brokenAt) ? MS.restEndingDayWhenMissing : MS.dailyRestReduced
        if (rest.restMs < enough && rest.restMs < MS.dailyRestReduced) {
          day.rests.push(rest)
          continue
        }
        end(day, violations)
        day = begin(rest.until)
      }
    },
  }

  for (const stretch of timeline.stretches) {
    if (stretch.status !== 'DRIVE') continue
    walk.passRests(stretch.from)
    // Driving that interrupts a rest on a ferry counts for the week only.
    if ((timeline.joined[nextRest - 1] as Rest).until > stretch.from) continue
    drive(day, stretch, weeks, extensions)
  }
  walk.passRests(Number.POSITIVE_INFINITY)
  end(day, violations)

  const left = MS.extensionsPerWeek - (extensions.get(weeks.of(timeline.asOf)) ?? 0)
  const limitMs = day.extended || left > 0 ? MS.drivingDayExtended : MS.drivingDay
  return { drivenMs: day.drivenMs, limitMs, extended: day.extended, extensionsLeft: left, violations }
}

const begin = (since: Instant | null): Day => ({
  since,
  drivenMs: 0,
  extended: false,
  violation: null,
  rests: [],
  restsBefore: 0,
})

/** What a day broke, told with the rests in it once: a day without end has thousands. */
function end({ violation, rests, restsBefore }: Day, violations: Violation[]): void {
  if (violation === null) return
  violation.explanation.rests = shown(rests.slice(0, restsBefore))
  violations.push(violation)
}

function drive(day: Day, stretch: Span, weeks: Weeks, extensions: Map<number, number>): void {
  day.drivenMs += stretch.until - stretch.from
  if (day.drivenMs <= MS.drivingDay) return
  let from: Instant | null = null
  const ninthHour = passing(MS.drivingDay, day, stretch)
  if (ninthHour !== null) {
    const week = weeks.of(ninthHour)
    const used = extensions.get(week) ?? 0
    if (used < MS.extensionsPerWeek) {
      day.extended = true
      extensions.set(week, used + 1)
    } else from = ninthHour
  }
  if (day.extended) from = passing(MS.drivingDayExtended, day, stretch)
  from = day.violation?.from ?? from
  if (from === null) return
  day.restsBefore = day.rests.length
  day.violation = {
    rule: RULE,
    from,
    until: stretch.until,
    explanation: {
      citation: LIMITS.drivingDay.citation,
      limitMs: day.extended ? MS.drivingDayExtended : MS.drivingDay,
      reachedMs: day.drivenMs,
      since: day.since,
      rests: [],
    },
  }
}

/** When driving goes past a limit in the day's latest stretch; null if it did so before, or has not. */
function passing(limitMs: number, day: Day, stretch: Span): Instant | null {
  const beforeMs = day.drivenMs - (stretch.until - stretch.from)
  return beforeMs > limitMs || day.drivenMs <= limitMs ? null : stretch.from + (limitMs - beforeMs)
}

/** When `driveDaily` reaches zero if driving goes on from `asOf`. */
export function dailyDrivingRunsOut(
  driving: DailyDriving,
  timeline: Timeline,
  periods: readonly Period[],
  weeks: Weeks,
): Instant | null {
  const { asOf } = timeline
  const runsOutAt = runsOut(driving, asOf, weeks)
  const open = periods.at(-1)
  if (runsOutAt === null || open?.kind !== 'open' || runsOutAt < open.windowUntil) return runsOutAt
  // The window ends on the way without a daily rest in it, and a rest of 7 h, if there was one, has then ended the day.
  const missing: Period[] = [...periods.slice(0, -1), { ...open, kind: 'missing' }]
  return runsOut(dailyDriving(timeline, missing, weeks, open.windowUntil), asOf, weeks)
}

/** The same where no rest changes its meaning on the way; a new week may still bring an extension. */
function runsOut(driving: DailyDriving, asOf: Instant, weeks: Weeks): Instant | null {
  const remainingMs = driving.limitMs - driving.drivenMs
  if (remainingMs <= 0) return null
  const ninthHour = asOf + MS.drivingDay - driving.drivenMs
  const more = MS.drivingDayExtended - MS.drivingDay
  if (!driving.extended && ninthHour >= asOf && weeks.of(ninthHour) !== weeks.of(asOf))
    return ninthHour + more
  return asOf + remainingMs
}
