import { type Gauge, STANDING } from '../north-america/gauge.ts'
import { DRIVING, type Rest, type Timeline } from '../north-america/timeline.ts'
import type { CanadianLaw } from './limits.ts'

/**
 * Time that passes since the last 24 consecutive hours off; nobody may drive once they no longer lie wholly within the
 * fourteen days before: SOR/2005-313 s. 25. The fourteen days are taken as elapsed time.
 */
export function longRestGauge(line: Timeline, { longRest }: CanadianLaw): Gauge {
  const { limit, restMs } = longRest
  // The driver comes to the log rested, and the rest that it opens with is the end of that rest.
  const began = line.rests[0]?.opening ? line.rests[0].until : line.at[0]!
  let nextRest = 0
  let last: Rest | null = null
  const since = () => last?.until ?? began
  return {
    name: 'cycle',
    clockless: true,
    rule: limit.rule,
    citation: limit.citation,
    levelAt(boundary) {
      for (; nextRest < line.rests.length && line.rests[nextRest]!.end <= boundary; nextRest++) {
        const rest = line.rests[nextRest]!
        if (rest.until - rest.from >= restMs) last = rest
      }
      return limit.ms - (line.at[boundary]! - since())
    },
    basis: () => ({ limitMs: limit.ms, since: since(), rests: last ? [last] : [] }),
    ahead(levelMs) {
      if (line.present !== DRIVING) return STANDING
      return { running: true, runsOutAt: levelMs > 0 ? line.at[line.count]! + levelMs : null }
    },
  }
}
