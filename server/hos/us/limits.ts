import { HOUR, MINUTE } from '../../time/instant.ts'
import type { Limit, PairLaw } from '../north-america/limits.ts'
import { HosRefusal, type RulesetId } from '../types.ts'
import { alaska } from './alaska-limits.ts'
import { states } from './state-limits.ts'

/**
 * 395.1(o): a window of this length where the driver claims it, once in so many days unless a restart lies between.
 * 395.1(e)(2): on so many days of any seven, without a word.
 */
export interface LongTourLaw {
  windowMs: number
  allowed: { by: 'claim'; apartDays: number } | { by: 'days'; days: number; ofDays: number }
  citation: string
}

export interface UnitedStatesLaw {
  /** A rest of this length sets driving and window (or duty) to nothing. */
  reset: { ms: number; citation: string }
  /** null: a full rest must be taken in one piece. */
  pair: PairLaw | null
  drive: Limit
  /** Counted as time that passes since coming on duty. */
  window: Limit | null
  /** Counted as time on duty. */
  duty: Limit | null
  break: { limit: Limit; interruptionMs: number } | null
  cycle: { limit: Limit; days: number; restartMs: number | null; restartCitation: string }
  /** By how much a limit grows; Infinity: till the run is finished. */
  adverse: { driveMs: number; windowMs: number; citation: string }
  /** A longer window now and then. */
  longTour: LongTourLaw | null
  /** Driving that a driver-salesperson may do in so many days without counting the cycle; null where nobody may. */
  salesperson: { limit: Limit; days: number } | null
}

const SPLIT_SINCE = '2020-09-29'
const SINCE_2005 = '2005-10-01'

const CYCLE_60: Limit = {
  ms: 60 * HOUR,
  rule: 'us.cycle-60-7',
  citation: '49 CFR 395.3(b)(1)',
  inForceSince: SINCE_2005,
}
const CYCLE_70: Limit = {
  ms: 70 * HOUR,
  rule: 'us.cycle-70-8',
  citation: '49 CFR 395.3(b)(2)',
  inForceSince: SINCE_2005,
}

export type DailyLaw = Omit<UnitedStatesLaw, 'cycle'>

const PROPERTY: DailyLaw = {
  reset: { ms: 10 * HOUR, citation: '49 CFR 395.3(a)(1)' },
  pair: {
    of: 'rest',
    leastMs: 2 * HOUR,
    togetherMs: 10 * HOUR,
    berthMs: 7 * HOUR,
    citation: '49 CFR 395.1(g)(1)(ii)',
  },
  drive: { ms: 11 * HOUR, rule: 'us.drive-11', citation: '49 CFR 395.3(a)(3)(i)', inForceSince: SINCE_2005 },
  window: { ms: 14 * HOUR, rule: 'us.window-14', citation: '49 CFR 395.3(a)(2)', inForceSince: SINCE_2005 },
  duty: null,
  break: {
    limit: {
      ms: 8 * HOUR,
      rule: 'us.break-30',
      citation: '49 CFR 395.3(a)(3)(ii)',
      inForceSince: SPLIT_SINCE,
    },
    interruptionMs: 30 * MINUTE,
  },
  adverse: { driveMs: 2 * HOUR, windowMs: 2 * HOUR, citation: '49 CFR 395.1(b)(1)' },
  longTour: { windowMs: 16 * HOUR, allowed: { by: 'claim', apartDays: 6 }, citation: '49 CFR 395.1(o)' },
  salesperson: {
    limit: { ms: 40 * HOUR, rule: 'us.cycle', citation: '49 CFR 395.1(c)', inForceSince: SINCE_2005 },
    days: 7,
  },
}

const PASSENGER: DailyLaw = {
  reset: { ms: 8 * HOUR, citation: '49 CFR 395.5(a)' },
  pair: { of: 'berth', leastMs: 2 * HOUR, togetherMs: 8 * HOUR, berthMs: 0, citation: '49 CFR 395.1(g)(3)' },
  drive: { ms: 10 * HOUR, rule: 'us.drive-10', citation: '49 CFR 395.5(a)(1)', inForceSince: SINCE_2005 },
  window: null,
  duty: { ms: 15 * HOUR, rule: 'us.duty-15', citation: '49 CFR 395.5(a)(2)', inForceSince: SINCE_2005 },
  break: null,
  adverse: { driveMs: 2 * HOUR, windowMs: 2 * HOUR, citation: '49 CFR 395.1(b)(1)' },
  longTour: null,
  salesperson: null,
}

/** 395.1(c) lifts the hours of 395.3(b), and no others. */
const WITHOUT_SALES: DailyLaw = { ...PROPERTY, salesperson: null }

const RESTART = { restartMs: 34 * HOUR, restartCitation: '49 CFR 395.3(c)' }
const NO_RESTART = { restartMs: null, restartCitation: '' }
const passengerCycle = (limit: Limit, paragraph: string): Limit => ({
  ...limit,
  citation: `49 CFR 395.5(b)(${paragraph})`,
})

/** The rules of the United States; whoever drives under a state's own rules changes numbers, not code. */
const LAWS: Partial<Record<RulesetId, UnitedStatesLaw>> = {
  'us-property-60-7': { ...PROPERTY, cycle: { limit: CYCLE_60, days: 7, ...RESTART } },
  'us-property-70-8': { ...PROPERTY, cycle: { limit: CYCLE_70, days: 8, ...RESTART } },
  'us-passenger-60-7': {
    ...PASSENGER,
    cycle: { limit: passengerCycle(CYCLE_60, '1'), days: 7, ...NO_RESTART },
  },
  'us-passenger-70-8': {
    ...PASSENGER,
    cycle: { limit: passengerCycle(CYCLE_70, '2'), days: 8, ...NO_RESTART },
  },
  // 395.1(e)(1): within 150 air miles of the reporting location, released there within 14 h. No interruption is asked for.
  'us-short-haul': { ...PROPERTY, break: null, cycle: { limit: CYCLE_70, days: 8, ...RESTART } },
  // 395.1(e)(2): vehicles that need no commercial licence; not together with a split or 395.1(o).
  'us-short-haul-non-cdl': {
    ...PROPERTY,
    pair: null,
    break: null,
    longTour: {
      windowMs: 16 * HOUR,
      allowed: { by: 'days', days: 2, ofDays: 7 },
      citation: '49 CFR 395.1(e)(2)(iv)',
    },
    cycle: { limit: CYCLE_70, days: 8, ...RESTART },
  },
  ...alaska(WITHOUT_SALES, PASSENGER, RESTART, NO_RESTART),
  ...states(WITHOUT_SALES, PASSENGER, RESTART),
}

export function unitedStatesLaw(ruleset: RulesetId): UnitedStatesLaw {
  const law = LAWS[ruleset]
  if (!law) throw new HosRefusal('unknown-ruleset', null, `"${ruleset}" is no ruleset of the United States`)
  return law
}
