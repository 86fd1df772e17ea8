import { type Counted, countedBefore, countsNow } from '../north-america/counted.ts'
import {
  type Ahead,
  type Basis,
  type Extension,
  extensionAt,
  type Gauge,
  STANDING,
} from '../north-america/gauge.ts'
import type { Limit } from '../north-america/limits.ts'
import type { Timeline } from '../north-america/timeline.ts'
import type { ClockName } from '../types.ts'
import type { Deferrals } from './deferral.ts'

/**
 * Driving or time on duty in the carrier's present day: SOR/2005-313 s. 12. A day that defers rest has the deferred hours to
 * work in: s. 16.
 */
export class DayGauge implements Gauge {
  readonly rule: string
  readonly citation: string
  readonly gradual: boolean
  readonly #line: Timeline
  readonly #counted: Counted
  readonly #ms: number
  readonly #extensions: readonly Extension[]
  readonly #deferrals: Deferrals
  #limitMs: number
  #began = 0

  constructor(
    line: Timeline,
    readonly name: ClockName,
    counted: Counted,
    limit: Limit,
    extensions: readonly Extension[],
    deferrals: Deferrals,
  ) {
    this.rule = limit.rule
    this.citation = limit.citation
    this.gradual = extensions.length === 0 && deferrals.firstDays.size === 0
    this.#line = line
    this.#counted = counted
    this.#ms = limit.ms
    this.#limitMs = limit.ms
    this.#extensions = extensions
    this.#deferrals = deferrals
  }

  #limitOn(day: number, at: number): number {
    if (this.gradual) return this.#ms
    const { firstDays, mostMs } = this.#deferrals
    return this.#ms + extensionAt(this.#extensions, at) + (firstDays.has(day) ? mostMs : 0)
  }

  levelAt(boundary: number): number {
    const line = this.#line
    const day = line.day[boundary]!
    this.#limitMs = this.#limitOn(day, line.at[boundary]!)
    this.#began = line.dayBoundary[day]!
    const before = countedBefore(line, this.#counted, this.#began)
    return this.#limitMs - (countedBefore(line, this.#counted, boundary) - before)
  }

  basis(): Basis {
    return { limitMs: this.#limitMs, since: this.#line.at[this.#began]!, rests: [] }
  }

  ahead(levelMs: number): Ahead {
    const line = this.#line
    if (!countsNow(line, this.#counted)) return STANDING
    if (levelMs <= 0) return { running: true, runsOutAt: null }
    const runsOutAt = line.at[line.count]! + levelMs
    if (runsOutAt < line.nextDayAt) return { running: true, runsOutAt }
    // The next day begins first, and with it a whole new limit.
    const nextDayMs = this.#limitOn(line.day[line.count]! + 1, line.nextDayAt)
    return { running: true, runsOutAt: line.nextDayAt + nextDayMs }
  }

  mark(): void {}

  rewind(): void {}
}
