import type { CalculationPoint } from '../calculation-point.ts'
import { type Extension, extensionAt, type Gauge, STANDING } from '../gauge.ts'
import type { Limit } from '../limits.ts'
import { DRIVING, type Timeline } from '../timeline.ts'

/** Driving since the calculation point: 49 CFR 395.3(a)(3)(i), 395.5(a)(1). */
export function driveGauge(line: Timeline, limit: Limit, extensions: readonly Extension[]): Gauge {
  let best: CalculationPoint | undefined
  let limitMs = limit.ms
  return {
    name: 'drive',
    rule: limit.rule,
    citation: limit.citation,
    levelAt(boundary, points) {
      limitMs = limit.ms + (extensions.length > 0 ? extensionAt(extensions, line.at[boundary]!) : 0)
      best = points[0]!
      for (const point of points) if (point.boundary > best.boundary) best = point
      return limitMs - (line.drivenMs[boundary]! - line.drivenMs[best.boundary]!)
    },
    basis: () => ({ limitMs, since: line.at[best!.boundary]!, rests: best!.rests }),
    ahead(levelMs) {
      if (line.present !== DRIVING) return STANDING
      return { running: true, runsOutAt: levelMs > 0 ? line.at[line.count]! + levelMs : null }
    },
  }
}
