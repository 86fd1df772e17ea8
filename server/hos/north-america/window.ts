import type { Instant } from '../../time/instant.ts'
import type { CalculationPoint } from './calculation-point.ts'
import { type Ahead, type Basis, type Extension, extensionAt, type Gauge, STANDING } from './gauge.ts'
import type { Limit } from './limits.ts'
import { ON_DUTY, onDutyFrom, type Timeline } from './timeline.ts'

/** When the present rest, going on, resets the window or makes a pair; null on duty. */
export interface Resting {
  restedAt: Instant | null
}

/**
 * Time that passes from the first on-duty minute after the calculation point, less the one rest that a pair leaves out:
 * 49 CFR 395.3(a)(2), 395.1(g)(1)(iii).
 */
export class WindowGauge implements Gauge {
  readonly name = 'window'
  readonly rule: string
  readonly citation: string
  readonly gradual: boolean
  protected readonly line: Timeline
  protected readonly resting: Resting
  readonly #ms: number
  readonly #extensions: readonly Extension[]
  #best: CalculationPoint | null = null
  #limitMs: number
  /** What has passed by a point that leaves out the rest which ends here: it stays so while that rest goes on. */
  #standingMs = Number.POSITIVE_INFINITY

  constructor(line: Timeline, limit: Limit, extensions: readonly Extension[], resting: Resting) {
    this.rule = limit.rule
    this.citation = limit.citation
    this.gradual = extensions.length === 0
    this.line = line
    this.resting = resting
    this.#ms = limit.ms
    this.#limitMs = limit.ms
    this.#extensions = extensions
  }

  levelAt(boundary: number, points: readonly CalculationPoint[]): number {
    const { line } = this
    this.#limitMs = this.gradual ? this.#ms : this.#ms + extensionAt(this.#extensions, line.at[boundary]!)
    let best = points[0]!
    let standing = Number.POSITIVE_INFINITY
    let least = Number.POSITIVE_INFINITY
    for (let p = 0; p < points.length; p++) {
      const point = points[p]!
      const elapsed = elapsedMs(line, boundary, point)
      const stands = point.left !== null && point.left.end === boundary
      if (stands && elapsed < standing) standing = elapsed
      if (elapsed < least || (stands && elapsed === least)) {
        least = elapsed
        best = point
      }
    }
    this.#best = best
    this.#standingMs = standing
    return this.#limitMs - least
  }

  /** Of the boundary asked about last. */
  protected get limitMs(): number {
    return this.#limitMs
  }

  basis(): Basis {
    const best = this.#best!
    return { limitMs: this.#limitMs, since: this.line.at[opened(this.line, best)]!, rests: best.rests }
  }

  ahead(levelMs: number): Ahead {
    const { line } = this
    const { count } = line
    const best = this.#best!
    const resting = line.present < ON_DUTY
    // What is used up runs down no further while the driver rests.
    if (resting && (levelMs <= 0 || opened(line, best) >= count || best.left?.end === count)) return STANDING
    const runsOutAt = line.at[count]! + levelMs
    if (resting && this.#standingMs < this.#limitMs) {
      const settlesAt = runsOutAt - (this.#limitMs - this.#standingMs)
      return { running: true, runsOutAt: null, settlesAt }
    }
    const rested = resting ? this.resting.restedAt : null
    const ends = levelMs > 0 && !(rested !== null && rested <= runsOutAt)
    return { running: true, runsOutAt: ends ? runsOutAt : null }
  }

  mark(): void {}

  rewind(): void {}
}

/** The first segment on duty from a calculation point on. */
function opened(line: Timeline, point: CalculationPoint): number {
  const found = onDutyFrom(line, point.opened)
  // What is known stays, so that the next look begins there.
  point.opened = found < line.known.count ? found : point.opened
  return found
}

/** What has passed of the window that opens after a calculation point, less the rest that it leaves out. */
function elapsedMs(line: Timeline, boundary: number, point: CalculationPoint): number {
  const first = opened(line, point)
  if (first >= boundary) return 0
  const from = line.at[first]!
  const until = line.at[boundary]!
  const { left } = point
  if (left === null) return until - from
  const leftFrom = Math.max(left.from, from)
  const leftUntil = Math.min(left.until, until)
  return until - from - (leftUntil > leftFrom ? leftUntil - leftFrom : 0)
}
