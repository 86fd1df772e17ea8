import { cycleGauge as daysGauge } from '../north-america/cycle.ts'
import { type Gauge, STANDING } from '../north-america/gauge.ts'
import type { Limit } from '../north-america/limits.ts'
import { ON_DUTY, type Span, type Timeline } from '../north-america/timeline.ts'
import type { HosOptions } from '../types.ts'
import type { CanadianLaw } from './limits.ts'
import { smallestOf } from './smallest.ts'

/** On-duty time in the 7 or 14 days and, in cycle 2, since the last 24 h off: SOR/2005-313 s. 26, 27, 28. */
export function cycleGauge(line: Timeline, { cycle }: CanadianLaw, options: HosOptions): Gauge {
  const days = daysGauge(line, cycle.limit, cycle.days, cycle.restartMs, options)
  if (!cycle.withoutRest) return days
  return smallestOf(days, withoutRestGauge(line, cycle.withoutRest.limit, cycle.withoutRest.restMs))
}

/** On-duty time since the last rest of `restMs`, or since the log began: s. 27(b). */
function withoutRestGauge(line: Timeline, limit: Limit, restMs: number): Gauge {
  let nextRest = 0
  let last: Span | null = null
  return {
    name: 'cycle',
    rule: limit.rule,
    citation: limit.citation,
    levelAt(boundary) {
      for (; nextRest < line.rests.length && line.rests[nextRest]!.end <= boundary; nextRest++) {
        const rest = line.rests[nextRest]!
        if (rest.until - rest.from >= restMs) last = rest
      }
      return limit.ms - (line.onDutyMs[boundary]! - line.onDutyMs[last?.end ?? 0]!)
    },
    basis: () => ({ limitMs: limit.ms, since: last?.until ?? line.at[0]!, rests: last ? [last] : [] }),
    ahead(levelMs) {
      if (line.present < ON_DUTY) return STANDING
      return { running: true, runsOutAt: levelMs > 0 ? line.at[line.count]! + levelMs : null }
    },
  }
}
