import type { CalculationPoint } from '../calculation-point.ts'
import { type Extension, extensionAt, type Gauge, STANDING } from '../gauge.ts'
import type { Limit } from '../limits.ts'
import { ON_DUTY, type Timeline } from '../timeline.ts'

/** Time on duty since the calculation point, rests standing still: 49 CFR 395.5(a)(2). */
export function dutyGauge(line: Timeline, limit: Limit, extensions: readonly Extension[]): Gauge {
  let best: CalculationPoint | undefined
  let limitMs = limit.ms
  return {
    name: 'duty',
    rule: limit.rule,
    citation: limit.citation,
    levelAt(boundary, points) {
      limitMs = limit.ms + (extensions.length > 0 ? extensionAt(extensions, line.at[boundary]!) : 0)
      best = points[0]!
      for (const point of points) if (point.boundary > best.boundary) best = point
      return limitMs - (line.onDutyMs[boundary]! - line.onDutyMs[best.boundary]!)
    },
    basis: () => ({ limitMs, since: line.at[best!.boundary]!, rests: best!.rests }),
    ahead(levelMs) {
      if (line.present < ON_DUTY) return STANDING
      return { running: true, runsOutAt: levelMs > 0 ? line.at[line.count]! + levelMs : null }
    },
  }
}
