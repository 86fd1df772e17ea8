import type { Instant } from '../../time/instant.ts'
import { type Gauge, STANDING } from '../north-america/gauge.ts'
import type { Limit } from '../north-america/limits.ts'
import { DRIVING, type Span, type Timeline } from '../north-america/timeline.ts'

/** Driving since the last 30 consecutive minutes without any: 49 CFR 395.3(a)(3)(ii). */
export function breakGauge(line: Timeline, limit: Limit, interruptionMs: number): Gauge {
  let drivenAtBreak = 0
  let last: Span | null = null
  /** Where the present stretch without driving began; -1 while driving. */
  let stoppedAt = -1
  let seen = 0
  return {
    name: 'break',
    rule: limit.rule,
    citation: limit.citation,
    levelAt(boundary) {
      for (; seen < boundary; seen++) {
        if (line.kind[seen] === DRIVING) {
          stoppedAt = -1
          continue
        }
        if (stoppedAt < 0) stoppedAt = seen
        const from = line.at[stoppedAt]!
        const until = line.at[seen + 1]!
        if (until - from < interruptionMs) continue
        drivenAtBreak = line.drivenMs[seen]!
        last = { from, until, first: stoppedAt, end: seen + 1 }
      }
      return limit.ms - (line.drivenMs[boundary]! - drivenAtBreak)
    },
    basis: () => ({ limitMs: limit.ms, since: last?.until ?? line.at[0]!, rests: last ? [last] : [] }),
    ahead(levelMs) {
      if (line.present !== DRIVING) return STANDING
      return { running: true, runsOutAt: levelMs > 0 ? line.at[line.count]! + levelMs : null }
    },
  }
}

/** When the present stretch without driving will have been a break; null if it is one already, or while driving. */
export function breakDoneAt(line: Timeline, interruptionMs: number): Instant | null {
  if (line.present === DRIVING) return null
  let first = line.count
  while (first > 0 && line.kind[first - 1] !== DRIVING) first--
  const doneAt = line.at[first]! + interruptionMs
  return doneAt > line.at[line.count]! ? doneAt : null
}
