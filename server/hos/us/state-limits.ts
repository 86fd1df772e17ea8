import { HOUR } from '../../time/instant.ts'
import type { Limit } from '../north-america/limits.ts'
import type { RulesetId } from '../types.ts'
import type { DailyLaw, UnitedStatesLaw } from './limits.ts'

type Restart = Pick<UnitedStatesLaw['cycle'], 'restartMs' | 'restartCitation'>

const limit = (rule: string, ms: number, citation: string, inForceSince: string): Limit => ({
  ms,
  rule,
  citation,
  inForceSince,
})

const TEXAS = '37 TAC 4.12'
const CALIFORNIA = '13 CCR 1212.5'
const FLORIDA = 'Fla. Stat. 316.302(2)'

/** What intrastate drivers follow in place of 49 CFR 395.3, where their state differs. No interruption is asked for. */
export function states(
  property: DailyLaw,
  passenger: DailyLaw,
  restart: Restart,
): Partial<Record<RulesetId, UnitedStatesLaw>> {
  const none = { window: null, duty: null, break: null, longTour: null }
  const florida: DailyLaw = {
    ...property,
    ...none,
    drive: limit('us.fl.drive-12', 12 * HOUR, FLORIDA, '2005-10-01'),
    window: limit('us.fl.window-16', 16 * HOUR, FLORIDA, '2005-10-01'),
  }
  return {
    // Twelve hours of driving and fifteen on duty after eight off, with the two berth periods that eight hours allow.
    'us-texas-intrastate': {
      ...property,
      ...none,
      reset: { ms: 8 * HOUR, citation: TEXAS },
      pair: passenger.pair,
      drive: limit('us.tx.drive-12', 12 * HOUR, TEXAS, '2003-01-01'),
      duty: limit('us.tx.duty-15', 15 * HOUR, TEXAS, '2003-01-01'),
      cycle: { limit: limit('us.tx.cycle-70-7', 70 * HOUR, TEXAS, '2003-01-01'), days: 7, ...restart },
    },
    'us-california-intrastate': {
      ...property,
      ...none,
      drive: limit('us.ca.drive-12', 12 * HOUR, CALIFORNIA, '2003-01-01'),
      window: limit('us.ca.window-16', 16 * HOUR, CALIFORNIA, '2003-01-01'),
      cycle: { limit: limit('us.ca.cycle-80-8', 80 * HOUR, CALIFORNIA, '2003-01-01'), days: 8, ...restart },
    },
    'us-florida-intrastate-70-7': {
      ...florida,
      cycle: { limit: limit('us.fl.cycle-70-7', 70 * HOUR, FLORIDA, '2005-10-01'), days: 7, ...restart },
    },
    'us-florida-intrastate-80-8': {
      ...florida,
      cycle: { limit: limit('us.fl.cycle-80-8', 80 * HOUR, FLORIDA, '2005-10-01'), days: 8, ...restart },
    },
  }
}
