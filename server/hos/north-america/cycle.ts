import { DAY, HOUR, type Instant, MINUTE } from '../../time/instant.ts'
import { addDays } from '../../time/zone.ts'
import { type HosOptions, HosRefusal } from '../types.ts'
import { type Counted, countsNow } from './counted.ts'
import { type Gauge, STANDING } from './gauge.ts'
import type { Limit } from './limits.ts'
import { ON_DUTY, type Span, type Timeline } from './timeline.ts'

export interface CycleGauge extends Gauge {
  /** When days that fall out lift the level above zero, if nothing more is counted; null if none of the next days does. */
  comesBackAt(): Instant | null
  /** The first start of a day from which on counting begins elsewhere. Carried minutes may fall out sooner. One that cannot lie before `before` is not looked for. */
  dayTurnsAt(before: Instant | null): Instant | null
}

/**
 * Time on duty in the carrier's present day and the ones before it, since the last restart: 49 CFR 395.3(b) and (c), 395.5(b).
 * @param days how many days count, the present one among them
 * @param restartMs a rest of this length sets it to nothing; null if none does
 * @param counted driving alone counts for a driver-salesperson; carried minutes then count as driven, nothing says they were not
 */
export function cycleGauge(
  line: Timeline,
  limit: Limit,
  days: number,
  restartMs: number | null,
  options: HosOptions,
  counted: Counted = 'onDutyMs',
): CycleGauge {
  const total = line[counted]
  const carried = carriedOf(options, days)
  let nextRest = 0
  let restart: Span | null = null
  let oldest = 0

  /** Carried minutes of the days before the log that still count on a day of it. */
  const carriedOn = (day: number) => (restart ? 0 : (carried[day] ?? 0))
  /** Of the total, what has fallen out by a day. */
  const goneBy = (day: number) => {
    const first = day - days + 1
    const dropped = first > 0 ? total[line.dayBoundary[first]!]! : 0
    return restart ? Math.max(dropped, total[restart.end]!) : dropped
  }

  /** Where the days that count on a day begin; those to come begin after all that is known. */
  const countsFrom = (day: number): Instant => {
    const first = Math.max(0, day - days + 1)
    const from =
      first < line.dayBoundary.length ? line.at[line.dayBoundary[first]!]! : Number.POSITIVE_INFINITY
    return restart ? Math.max(from, restart.until) : from
  }

  return {
    name: 'cycle',
    rule: limit.rule,
    citation: limit.citation,
    levelAt(boundary) {
      if (restartMs !== null) {
        for (; nextRest < line.rests.length && line.rests[nextRest]!.end <= boundary; nextRest++) {
          const rest = line.rests[nextRest]!
          if (rest.until - rest.from >= restartMs) restart = rest
        }
      }
      const day = line.day[boundary]!
      oldest = Math.max(0, day - days + 1)
      return limit.ms - (total[boundary]! - goneBy(day)) - carriedOn(day)
    },
    basis() {
      const from = line.at[line.dayBoundary[oldest]!]!
      // A restart before the days that count has nothing to do with what was reached.
      return restart && restart.until > from
        ? { limitMs: limit.ms, since: restart.until, rests: [restart] }
        : { limitMs: limit.ms, since: from, rests: [] }
    },
    ahead(levelMs) {
      const { count } = line
      if (!countsNow(line, counted)) return STANDING
      if (levelMs <= 0) return { running: true, runsOutAt: null }
      // Day by day: what falls out at each day's start comes back.
      let at: Instant = line.at[count]!
      let left = levelMs
      let day = line.day[count]!
      let date = line.clock.dateOf(at, options.dayStartMinutes)
      for (let i = 0; i <= days; i++) {
        date = addDays(date, 1)
        const nextAt = line.clock.startOf(date, options.dayStartMinutes)
        if (at + left < nextAt) return { running: true, runsOutAt: at + left }
        left -= nextAt - at
        at = nextAt
        const known = day + 1 - days + 1 < line.dayBoundary.length
        if (known) left += goneBy(day + 1) - goneBy(day)
        left += carriedOn(day) - carriedOn(day + 1)
        day++
        if (left === 0) return { running: true, runsOutAt: at }
      }
      return { running: true, runsOutAt: null }
    },
    dayTurnsAt(before) {
      // A restart that goes on is what counting begins after, on whatever day.
      if (restart && restart.end === line.count && line.present < ON_DUTY) return null
      const day = line.day[line.count]!
      for (let later = day + 1; later <= day + days; later++) {
        if (countsFrom(later) === countsFrom(day)) continue
        if (later === day + 1) return line.nextDayAt
        const soonest = line.nextDayAt + (later - day - 1) * SHORTEST_DAY_MS
        if (before !== null && soonest >= before) return null
        const date = line.clock.dateOf(line.at[line.count]!, options.dayStartMinutes)
        return line.clock.startOf(addDays(date, later - day), options.dayStartMinutes)
      }
      return null
    },
    comesBackAt() {
      const day = line.day[line.count]!
      let date = line.clock.dateOf(line.at[line.count]!, options.dayStartMinutes)
      for (let later = day + 1; later <= day + days; later++) {
        date = addDays(date, 1)
        const gone = later - days + 1 < line.dayBoundary.length ? goneBy(later) : total[line.count]!
        if (limit.ms - (total[line.count]! - gone) - carriedOn(later) > 0)
          return line.clock.startOf(date, options.dayStartMinutes)
      }
      return null
    },
  }
}

/** Where the clocks change a day is shorter. */
const SHORTEST_DAY_MS = DAY - 2 * HOUR

const NOTHING: readonly number[] = []

/** Carried milliseconds that count on each day of the log, day 0 first. */
function carriedOf(options: HosOptions, days: number): readonly number[] {
  const minutes = options.carriedMinutes
  if (minutes === undefined || minutes.length === 0) return NOTHING
  for (const value of minutes) {
    if (!Number.isFinite(value) || value < 0) {
      throw new HosRefusal('bad-option', null, 'carriedMinutes must be minutes, none below zero')
    }
  }
  // The last is of the day just before day 0; on day d those of the days from d − days + 1 on count.
  return Array.from({ length: days }, (_, day) => {
    const counting = minutes.slice(Math.max(0, minutes.length - (days - 1 - day)))
    return counting.reduce((sum, value) => sum + value, 0) * MINUTE
  })
}
