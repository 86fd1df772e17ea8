import { DAY, type Instant } from '../../time/instant.ts'
import { addDays } from '../../time/zone.ts'
import type { CalculationPoint } from '../north-america/calculation-point.ts'
import type { Ahead, Basis, Gauge } from '../north-america/gauge.ts'
import { DRIVING, type Timeline } from '../north-america/timeline.ts'
import { type ClockName, type HosOptions, HosRefusal } from '../types.ts'
import type { DeferralLaw } from './limits.ts'

/** The days that are declared day one, by their numbers in the log; the day after each is its day two. */
export interface Deferrals {
  firstDays: ReadonlySet<number>
  mostMs: number
}

/**
 * The declared deferrals: SOR/2005-313 s. 16. A day two has to make good, so it can't be day one of another.
 * @throws HosRefusal for what is no date
 */
export function deferralsOf(line: Timeline, options: HosOptions, { mostMs }: DeferralLaw): Deferrals {
  if (!options.deferral?.length) return { firstDays: NO_DAYS, mostMs }
  const firstDays = new Set<number>()
  const dates = options.deferral.map(({ day1 }) => {
    // A day that its month does not have would roll over into the next.
    const known = /^\d{4}-\d\d-\d\d$/.test(day1) && Number.isFinite(Date.parse(day1))
    if (known && addDays(day1, 0) === day1) return day1
    throw new HosRefusal('bad-option', null, 'day1 of a deferral must be a date, YYYY-MM-DD')
  })
  const zeroth = Date.parse(line.clock.dateOf(line.at[0]!, options.dayStartMinutes))
  const numbers = dates.map((date) => (Date.parse(date) - zeroth) / DAY).sort((a, b) => a - b)
  for (const day of numbers) if (!firstDays.has(day - 1)) firstDays.add(day)
  return { firstDays, mostMs }
}

const NO_DAYS: ReadonlySet<number> = new Set()

/** The number of the carrier's day that holds an instant, as the log's own days are numbered: 0 is that of its first event. */
export function dayNumber(
  { clock, at }: Timeline,
  { dayStartMinutes }: HosOptions,
  instant: Instant,
): number {
  const dateOf = (one: Instant) => Date.parse(clock.dateOf(one, dayStartMinutes)) / DAY
  return dateOf(instant) - dateOf(at[0]!)
}

/**
 * A gauge that notes the days on which driving was lawful only by a pair of rests in the berth: who splits may not
 * defer, s. 16.
 */
export class SplitsNotedGauge implements Gauge {
  readonly name: ClockName
  readonly rule: string
  readonly citation: string
  /** Every segment that is driven is looked at. */
  readonly gradual = false
  readonly #gauge: Gauge
  readonly #line: Timeline
  readonly #splitOn: Set<number>

  constructor(gauge: Gauge, line: Timeline, splitOn: Set<number>) {
    this.name = gauge.name
    this.rule = gauge.rule
    this.citation = gauge.citation
    this.#gauge = gauge
    this.#line = line
    this.#splitOn = splitOn
  }

  levelAt(boundary: number, points: readonly CalculationPoint[]): number {
    const line = this.#line
    if (points.length < 2 || boundary >= line.count || line.kind[boundary] !== DRIVING)
      return this.#gauge.levelAt(boundary, points)
    const length = line.at[boundary + 1]! - line.at[boundary]!
    // The first point is the last full rest, always.
    const unsplit = this.#gauge.levelAt(boundary, points.slice(0, 1))
    const lawful = this.#gauge.levelAt(boundary, points)
    if (unsplit < length && lawful > Math.max(0, unsplit)) this.#splitOn.add(line.day[boundary]!)
    return lawful
  }

  basis(): Basis {
    return this.#gauge.basis()
  }

  ahead(levelMs: number): Ahead {
    return this.#gauge.ahead(levelMs)
  }

  mark(): void {
    this.#gauge.mark()
  }

  rewind(): void {
    this.#gauge.rewind()
  }
}
