import type { ClockName } from '../types.ts'
import type { CalculationPoint } from './calculation-point.ts'
import { type Extension, extensionAt, type Gauge, STANDING } from './gauge.ts'
import type { Limit } from './limits.ts'
import { DRIVING, ON_DUTY, type Timeline } from './timeline.ts'

/** What a limit counts: driving, or all time on duty. */
export type Counted = 'drivenMs' | 'onDutyMs'

/** Does what the driver does now count? */
export const countsNow = (line: Timeline, counted: Counted): boolean =>
  line.present >= (counted === 'drivenMs' ? DRIVING : ON_DUTY)

/**
 * Driving or time on duty since the calculation point, rests standing still: 49 CFR 395.3(a)(3)(i), 395.5(a); SOR/2005-313
 * s. 13(1), (2).
 */
export function countedGauge(
  line: Timeline,
  name: ClockName,
  counted: Counted,
  limit: Limit,
  extensions: readonly Extension[],
): Gauge {
  const total = line[counted]
  let best: CalculationPoint | undefined
  let limitMs = limit.ms
  return {
    name,
    rule: limit.rule,
    citation: limit.citation,
    levelAt(boundary, points) {
      limitMs = limit.ms + (extensions.length > 0 ? extensionAt(extensions, line.at[boundary]!) : 0)
      best = points[0]!
      for (const point of points) if (point.boundary > best.boundary) best = point
      return limitMs - (total[boundary]! - total[best.boundary]!)
    },
    basis: () => ({ limitMs, since: line.at[best!.boundary]!, rests: best!.rests }),
    ahead(levelMs) {
      if (!countsNow(line, counted)) return STANDING
      return { running: true, runsOutAt: levelMs > 0 ? line.at[line.count]! + levelMs : null }
    },
  }
}
