import { type Instant, MINUTE } from '../../time/instant.ts'
import { type HosOptions, HosRefusal } from '../types.ts'
import { type Counted, countedBefore, countsNow } from './counted.ts'
import { type Ahead, type Basis, type Gauge, STANDING } from './gauge.ts'
import type { Limit } from './limits.ts'
import { ON_DUTY, type Span, type Timeline } from './timeline.ts'

/**
 * Time on duty in the carrier's present day and the ones before it, since the last restart: 49 CFR 395.3(b) and (c), 395.5(b).
 * For a driver-salesperson driving alone counts; carried minutes then count as driven, nothing says they were not.
 */
export class CycleGauge implements Gauge {
  readonly name = 'cycle'
  readonly rule: string
  readonly citation: string
  readonly gradual = true
  readonly #line: Timeline
  readonly #limitMs: number
  readonly #days: number
  readonly #restartMs: number | null
  readonly #counted: Counted
  readonly #carried: readonly number[]
  #nextRest = 0
  #restart: Span | null = null
  #oldest = 0
  #markedRest = 0
  #markedRestart: Span | null = null

  /**
   * @param days how many days count, the present one among them
   * @param restartMs a rest of this length sets it to nothing; null if none does
   */
  constructor(
    line: Timeline,
    limit: Limit,
    days: number,
    restartMs: number | null,
    options: HosOptions,
    counted: Counted = 'onDutyMs',
  ) {
    this.rule = limit.rule
    this.citation = limit.citation
    this.#line = line
    this.#limitMs = limit.ms
    this.#days = days
    this.#restartMs = restartMs
    this.#counted = counted
    this.#carried = carriedOf(options, days)
  }

  #total(boundary: number): number {
    return countedBefore(this.#line, this.#counted, boundary)
  }

  /** Carried minutes of the days before the log that still count on a day of it. */
  #carriedOn(day: number): number {
    return this.#restart || this.#carried.length === 0 ? 0 : (this.#carried[day] ?? 0)
  }

  /** Of the total, what has fallen out by a day. */
  #goneBy(day: number): number {
    const first = day - this.#days + 1
    const dropped = first > 0 ? this.#total(this.#line.dayBoundary[first]!) : 0
    return this.#restart ? Math.max(dropped, this.#total(this.#restart.end)) : dropped
  }

  /** Where the days that count on a day begin; those to come begin after all that is known. */
  #countsFrom(day: number): Instant {
    const { at, dayBoundary, dayCount } = this.#line
    const first = Math.max(0, day - this.#days + 1)
    const from = first < dayCount ? at[dayBoundary[first]!]! : Number.POSITIVE_INFINITY
    return this.#restart ? Math.max(from, this.#restart.until) : from
  }

  levelAt(boundary: number): number {
    const line = this.#line
    if (this.#restartMs !== null) {
      const { rests } = line
      for (; this.#nextRest < rests.length && rests[this.#nextRest]!.end <= boundary; this.#nextRest++) {
        const rest = rests[this.#nextRest]!
        if (rest.until - rest.from >= this.#restartMs) this.#restart = rest
      }
    }
    const day = line.day[boundary]!
    this.#oldest = Math.max(0, day - this.#days + 1)
    return this.#limitMs - (this.#total(boundary) - this.#goneBy(day)) - this.#carriedOn(day)
  }

  basis(): Basis {
    const from = this.#line.at[this.#line.dayBoundary[this.#oldest]!]!
    const restart = this.#restart
    // A restart before the days that count has nothing to do with what was reached.
    return restart && restart.until > from
      ? { limitMs: this.#limitMs, since: restart.until, rests: [restart] }
      : { limitMs: this.#limitMs, since: from, rests: [] }
  }

  ahead(levelMs: number): Ahead {
    const line = this.#line
    const { count } = line
    if (!countsNow(line, this.#counted)) return STANDING
    if (levelMs <= 0) return { running: true, runsOutAt: null }
    // Day by day: what falls out at each day's start comes back.
    let at: Instant = line.at[count]!
    let left = levelMs
    let day = line.day[count]!
    for (let i = 0; i <= this.#days; i++) {
      const nextAt = i === 0 ? line.nextDayAt : line.dayStart(day + 1)
      if (at + left < nextAt) return { running: true, runsOutAt: at + left }
      left -= nextAt - at
      at = nextAt
      const known = day + 1 - this.#days + 1 < line.dayCount
      if (known) left += this.#goneBy(day + 1) - this.#goneBy(day)
      left += this.#carriedOn(day) - this.#carriedOn(day + 1)
      day++
      if (left === 0) return { running: true, runsOutAt: at }
    }
    return { running: true, runsOutAt: null }
  }

  /** The first start of a day from which on counting begins elsewhere. Carried minutes may fall out sooner. */
  dayTurnsAt(): Instant | null {
    const line = this.#line
    // A restart that goes on is what counting begins after, on whatever day.
    if (this.#restart && this.#restart.end === line.count && line.present < ON_DUTY) return null
    const day = line.day[line.count]!
    const now = this.#countsFrom(day)
    for (let later = day + 1; later <= day + this.#days; later++)
      if (this.#countsFrom(later) !== now) return line.dayStart(later)
    return null
  }

  /** When days that fall out lift the level above zero, if nothing more is counted; null if none of the next days does. */
  comesBackAt(): Instant | null {
    const line = this.#line
    const total = this.#total(line.count)
    const day = line.day[line.count]!
    for (let later = day + 1; later <= day + this.#days; later++) {
      const isKnown = later - this.#days + 1 < line.dayCount
      const gone = isKnown ? this.#goneBy(later) : total
      if (this.#limitMs - (total - gone) - this.#carriedOn(later) > 0) return line.dayStart(later)
    }
    return null
  }

  mark(): void {
    this.#markedRest = this.#nextRest
    this.#markedRestart = this.#restart
  }

  rewind(): void {
    this.#nextRest = this.#markedRest
    this.#restart = this.#markedRestart
  }
}

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
