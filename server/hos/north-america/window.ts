import type { Instant } from '../../time/instant.ts'
import type { CalculationPoint } from './calculation-point.ts'
import { type Extension, extensionAt, type Gauge, STANDING } from './gauge.ts'
import type { Limit } from './limits.ts'
import { ON_DUTY, type Timeline } from './timeline.ts'

/**
 * Time that passes from the first on-duty minute after the calculation point, less the one rest that a pair leaves out:
 * 49 CFR 395.3(a)(2), 395.1(g)(1)(iii). `restedAt` tells when the present rest, going on, resets the window or makes a pair.
 */
export function windowGauge(
  line: Timeline,
  limit: Limit,
  extensions: readonly Extension[],
  restedAt: () => Instant | null,
): Gauge {
  const opens = firstOnDuty(line)
  let best: CalculationPoint | undefined
  let limitMs = limit.ms
  /** What has passed by a point that leaves out the rest which ends here: it stays so while that rest goes on. */
  let standingMs = Number.POSITIVE_INFINITY

  return {
    name: 'window',
    rule: limit.rule,
    citation: limit.citation,
    levelAt(boundary, points) {
      limitMs = limit.ms + (extensions.length > 0 ? extensionAt(extensions, line.at[boundary]!) : 0)
      best = points[0]!
      standingMs = Number.POSITIVE_INFINITY
      let least = Number.POSITIVE_INFINITY
      for (const point of points) {
        const elapsed = elapsedMs(line, opens, boundary, point)
        const stands = point.left?.end === boundary
        if (stands && elapsed < standingMs) standingMs = elapsed
        if (elapsed < least || (stands && elapsed === least)) {
          least = elapsed
          best = point
        }
      }
      return limitMs - least
    },
    basis: () => ({ limitMs, since: line.at[opens[best!.boundary]!]!, rests: best!.rests }),
    ahead(levelMs) {
      const { count } = line
      const resting = line.present < ON_DUTY
      // What is used up runs down no further while the driver rests.
      const stands = resting && (levelMs <= 0 || opens[best!.boundary]! >= count || best!.left?.end === count)
      if (best === undefined || stands) return STANDING
      const runsOutAt = line.at[count]! + levelMs
      if (resting && standingMs < limitMs) {
        return {
          running: true,
          runsOutAt: null,
          settlesAt: line.at[count]! + levelMs - (limitMs - standingMs),
        }
      }
      const rested = resting ? restedAt() : null
      const ends = levelMs > 0 && !(rested !== null && rested <= runsOutAt)
      return { running: true, runsOutAt: ends ? runsOutAt : null }
    },
  }
}

/** What has passed of the window that opens after a calculation point, less the rest that it leaves out. */
function elapsedMs(
  line: Timeline,
  opens: readonly number[],
  boundary: number,
  { boundary: point, left }: CalculationPoint,
): number {
  const opened = opens[point]!
  if (opened >= boundary) return 0
  const from = line.at[opened]!
  const until = line.at[boundary]!
  if (left === null) return until - from
  const leftFrom = Math.max(left.from, from)
  const leftUntil = Math.min(left.until, until)
  return until - from - (leftUntil > leftFrom ? leftUntil - leftFrom : 0)
}

/** For each boundary the first segment from there on that is on duty; `count` if none is. */
function firstOnDuty(line: Timeline): number[] {
  const opens = new Array<number>(line.count + 1)
  opens[line.count] = line.count
  for (let i = line.count - 1; i >= 0; i--) opens[i] = line.kind[i]! >= ON_DUTY ? i : opens[i + 1]!
  return opens
}
