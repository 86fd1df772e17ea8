import type { Instant } from '../../time/instant.ts'
import type { ClockName } from '../types.ts'
import type { CalculationPoint } from './calculation-point.ts'
import { type Ahead, type Basis, type Extension, extensionAt, type Gauge, STANDING } from './gauge.ts'
import type { Limit } from './limits.ts'
import { DRIVING, ON_DUTY, type Timeline } from './timeline.ts'

/** What a limit counts: driving, or all time on duty. */
export type Counted = 'drivenMs' | 'onDutyMs'

/** Does what the driver does now count? */
export const countsNow = (line: Timeline, counted: Counted): boolean =>
  line.present >= (counted === 'drivenMs' ? DRIVING : ON_DUTY)

/** The time that counts before a boundary. */
export const countedBefore = (line: Timeline, counted: Counted, boundary: number): number =>
  counted === 'drivenMs' ? line.drivenMs[boundary]! : line.onDutyMs[boundary]!

/** What runs down as time passes from the last boundary on. */
export const runningDown = (
  line: Timeline,
  levelMs: number,
): { running: true; runsOutAt: Instant | null } => ({
  running: true,
  runsOutAt: levelMs > 0 ? line.at[line.count]! + levelMs : null,
})

/**
 * Driving or time on duty since the calculation point, rests standing still: 49 CFR 395.3(a)(3)(i), 395.5(a); SOR/2005-313
 * s. 13(1), (2).
 */
export class CountedGauge implements Gauge {
  readonly rule: string
  readonly citation: string
  readonly gradual: boolean
  readonly #line: Timeline
  readonly #counted: Counted
  readonly #ms: number
  readonly #extensions: readonly Extension[]
  #best: CalculationPoint | null = null
  #limitMs: number

  constructor(
    line: Timeline,
    readonly name: ClockName,
    counted: Counted,
    limit: Limit,
    extensions: readonly Extension[],
  ) {
    this.rule = limit.rule
    this.citation = limit.citation
    this.gradual = extensions.length === 0
    this.#line = line
    this.#counted = counted
    this.#ms = limit.ms
    this.#limitMs = limit.ms
    this.#extensions = extensions
  }

  levelAt(boundary: number, points: readonly CalculationPoint[]): number {
    const line = this.#line
    this.#limitMs = this.gradual ? this.#ms : this.#ms + extensionAt(this.#extensions, line.at[boundary]!)
    let best = points[0]!
    for (let p = 1; p < points.length; p++) if (points[p]!.boundary > best.boundary) best = points[p]!
    this.#best = best
    const before = countedBefore(line, this.#counted, best.boundary)
    return this.#limitMs - (countedBefore(line, this.#counted, boundary) - before)
  }

  basis(): Basis {
    const { boundary, rests } = this.#best!
    return { limitMs: this.#limitMs, since: this.#line.at[boundary]!, rests }
  }

  ahead(levelMs: number): Ahead {
    return countsNow(this.#line, this.#counted) ? runningDown(this.#line, levelMs) : STANDING
  }

  mark(): void {}

  rewind(): void {}
}
