import { HOUR } from '../../time/instant.ts'
import type { Limit } from '../north-america/limits.ts'
import type { RulesetId } from '../types.ts'
import type { DailyLaw, UnitedStatesLaw } from './limits.ts'

const SINCE = '2005-10-01'
const limit = (rule: string, ms: number, citation: string): Limit => ({
  ms,
  rule,
  citation: `49 CFR 395.1(h)${citation}`,
  inForceSince: SINCE,
})

type Restart = Pick<UnitedStatesLaw['cycle'], 'restartMs' | 'restartCitation'>

/**
 * Driving in Alaska: 15 h of driving, none after 20 h on duty; no interruption; 70 h in 7 days, or 80 h in 8 where the carrier
 * runs every day. In adverse conditions the run may be finished. 49 CFR 395.1(h)(1), (2), (3).
 */
export function alaska(
  property: DailyLaw,
  passenger: DailyLaw,
  restart: Restart,
  noRestart: Restart,
): Partial<Record<RulesetId, UnitedStatesLaw>> {
  const daily = (base: DailyLaw, paragraph: string): DailyLaw => ({
    ...base,
    drive: limit('us.ak.drive-15', 15 * HOUR, `${paragraph}(i)`),
    duty: limit('us.ak.duty-20', 20 * HOUR, `${paragraph}(ii)`),
    window: null,
    break: null,
    longTour: null,
    adverse: {
      driveMs: Number.POSITIVE_INFINITY,
      windowMs: Number.POSITIVE_INFINITY,
      citation: '49 CFR 395.1(h)(3)',
    },
  })
  const cycle70 = (paragraph: string) => limit('us.ak.cycle-70-7', 70 * HOUR, `${paragraph}(iii)`)
  const cycle80 = (paragraph: string) => limit('us.ak.cycle-80-8', 80 * HOUR, `${paragraph}(iv)`)
  return {
    'us-alaska-property': {
      ...daily(property, '(1)'),
      cycle: { limit: cycle80('(1)'), days: 8, ...restart },
    },
    'us-alaska-property-70-7': {
      ...daily(property, '(1)'),
      cycle: { limit: cycle70('(1)'), days: 7, ...restart },
    },
    'us-alaska-passenger': {
      ...daily(passenger, '(2)'),
      cycle: { limit: cycle80('(2)'), days: 8, ...noRestart },
    },
    'us-alaska-passenger-70-7': {
      ...daily(passenger, '(2)'),
      cycle: { limit: cycle70('(2)'), days: 7, ...noRestart },
    },
  }
}
