import type { Violation } from '../types.ts'
import type { Period } from './dailyRest.ts'
import { LIMITS, MS } from './limits.ts'
import { shown } from './timeline.ts'

export const RULE = 'eu.rest-daily-reduced'

/** Art. 8(4): at most three reduced daily rests between two weekly rests; the fourth and each later one breaks it. */
export function reducedRestViolations(periods: readonly Period[]): Violation[] {
  const violations: Violation[] = []
  for (const period of periods) {
    const { closing } = period
    if (period.kind !== 'reduced' || !closing || period.reducedCount <= MS.reducedDailyRests) continue
    const from = Math.min(closing.until, period.windowUntil)
    violations.push({
      rule: RULE,
      from,
      until: from,
      explanation: {
        citation: LIMITS.reducedDailyRests.citation,
        limitMs: MS.dailyRest,
        reachedMs: period.insideMs,
        since: period.from,
        rests: shown([closing]),
      },
    })
  }
  return violations
}
