import type { Instant } from '../../time/instant.ts'
import type { Extension, Gauge } from '../north-america/gauge.ts'
import type { Limit } from '../north-america/limits.ts'
import { BERTH, REST, type Timeline } from '../north-america/timeline.ts'
import { windowGauge as shiftGauge } from '../north-america/window.ts'

/**
 * Time that passes from the first on-duty minute after the calculation point, less the one run in the berth that a pair
 * leaves out: SOR/2005-313 s. 13(3), 18(2). `restedAt` tells when the present rest, going on, resets or makes a pair.
 */
export function windowGauge(
  line: Timeline,
  limit: Limit,
  extensions: readonly Extension[],
  restedAt: () => Instant | null,
): Gauge {
  const gauge = shiftGauge(line, limit, extensions, restedAt)
  // Only the berth is left out: a driver who leaves it at the very instant asked about lets the window run on.
  const leftBerth = line.present === REST && line.kind[line.count - 1] === BERTH
  if (!leftBerth) return gauge
  return {
    ...gauge,
    ahead(levelMs) {
      const notOpen = levelMs === gauge.basis().limitMs
      if (notOpen || levelMs <= 0) return gauge.ahead(levelMs)
      const runsOutAt = line.at[line.count]! + levelMs
      const rested = restedAt()
      const ends = levelMs > 0 && !(rested !== null && rested <= runsOutAt)
      return { running: true, runsOutAt: ends ? runsOutAt : null }
    },
  }
}
