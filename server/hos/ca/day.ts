import { type Counted, countsNow } from '../north-america/counted.ts'
import { type Extension, extensionAt, type Gauge, STANDING } from '../north-america/gauge.ts'
import type { Limit } from '../north-america/limits.ts'
import type { Timeline } from '../north-america/timeline.ts'
import type { ClockName } from '../types.ts'
import type { Deferrals } from './deferral.ts'

/**
 * Driving or time on duty in the carrier's present day: SOR/2005-313 s. 12. A day that defers rest has the deferred hours to
 * work in: s. 16.
 */
export function dayGauge(
  line: Timeline,
  name: ClockName,
  counted: Counted,
  limit: Limit,
  extensions: readonly Extension[],
  deferrals: Deferrals,
): Gauge {
  const total = line[counted]
  let limitMs = limit.ms
  let began = 0
  const limitOn = (day: number, at: number) =>
    limit.ms +
    (extensions.length > 0 ? extensionAt(extensions, at) : 0) +
    (deferrals.firstDays.has(day) ? deferrals.mostMs : 0)
  return {
    name,
    rule: limit.rule,
    citation: limit.citation,
    levelAt(boundary) {
      const day = line.day[boundary]!
      limitMs = limitOn(day, line.at[boundary]!)
      began = line.dayBoundary[day]!
      return limitMs - (total[boundary]! - total[began]!)
    },
    basis: () => ({ limitMs, since: line.at[began]!, rests: [] }),
    ahead(levelMs) {
      if (!countsNow(line, counted)) return STANDING
      if (levelMs <= 0) return { running: true, runsOutAt: null }
      const runsOutAt = line.at[line.count]! + levelMs
      if (runsOutAt < line.nextDayAt) return { running: true, runsOutAt }
      // The next day begins first, and with it a whole new limit.
      const nextDayMs = limitOn(line.day[line.count]! + 1, line.nextDayAt)
      return { running: true, runsOutAt: line.nextDayAt + nextDayMs }
    },
  }
}
