import type { CalculationPoint } from '../north-america/calculation-point.ts'
import type { Ahead, Basis, Gauge } from '../north-america/gauge.ts'
import type { ClockName } from '../types.ts'

/** One rule made of two limits, such as one for the shift and one for the day: the one that leaves less binds. */
export class SmallerGauge implements Gauge {
  readonly name: ClockName
  readonly rule: string
  readonly gradual: boolean
  readonly #one: Gauge
  readonly #other: Gauge
  #oneMs = 0
  #otherMs = 0

  constructor(one: Gauge, other: Gauge) {
    this.name = one.name
    this.rule = one.rule
    this.gradual = one.gradual && other.gradual
    this.#one = one
    this.#other = other
  }

  get #binding(): Gauge {
    return this.#otherMs < this.#oneMs ? this.#other : this.#one
  }

  get citation(): string {
    return this.#binding.citation
  }

  levelAt(boundary: number, points: readonly CalculationPoint[]): number {
    this.#oneMs = this.#one.levelAt(boundary, points)
    this.#otherMs = this.#other.levelAt(boundary, points)
    return Math.min(this.#otherMs, this.#oneMs)
  }

  basis(): Basis {
    return this.#binding.basis()
  }

  ahead(levelMs: number): Ahead {
    const one = this.#one.ahead(this.#oneMs)
    const other = this.#other.ahead(this.#otherMs)
    const running = one.running || other.running
    // One that is past its limit holds the rule at zero, whatever the other still leaves.
    if (levelMs <= 0) return { running, runsOutAt: null }
    const first = one.runsOutAt ?? Number.POSITIVE_INFINITY
    const runsOutAt = Math.min(first, other.runsOutAt ?? Number.POSITIVE_INFINITY)
    return { running, runsOutAt: runsOutAt < Number.POSITIVE_INFINITY ? runsOutAt : null }
  }

  mark(): void {
    this.#one.mark()
    this.#other.mark()
  }

  rewind(): void {
    this.#one.rewind()
    this.#other.rewind()
  }
}
