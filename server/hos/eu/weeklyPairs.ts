import type { Violation } from '../types.ts'
import { MS } from './limits.ts'
import { type Rest, shown } from './timeline.ts'
import type { Reading } from './weeklyReading.ts'
import type { Weeks } from './weeks.ts'

export const RULE = 'eu.rest-weekly-reduced'

/** Art. 8(6): any two consecutive weeks have two regular weekly rests, or a regular and a reduced one. */
export function weeklyPairViolations(
  reading: Reading,
  weeklyRests: readonly Rest[],
  weeks: Weeks,
): Violation[] {
  return reading.broken.map(({ secondWeek, from }) => {
    const since = weeks.startOf(secondWeek - 1)
    const rests = weeklyRests.filter(
      (rest) => rest.until > since && rest.from < weeks.startOf(secondWeek + 1),
    )
    return {
      rule: RULE,
      from,
      until: from,
      explanation: {
        citation: '(EC) 561/2006 art. 8(6)',
        limitMs: MS.weeklyRest,
        reachedMs: Math.max(0, ...rests.filter((rest) => !rest.beforeLog).map((rest) => rest.restMs)),
        since,
        rests: shown(rests),
      },
    }
  })
}
