import { DAY, HOUR, MINUTE } from '../../time/instant.ts'
import type { Limit, PairLaw } from '../north-america/limits.ts'
import { HosRefusal, type RulesetId } from '../types.ts'

/** The rest that a day must hold: SOR/2005-313 s. 14. */
export interface DailyRestLaw {
  rule: string
  inForceSince: string
  /** All rests of the day together. */
  totalMs: number
  totalCitation: string
  /** A shorter rest counts nothing. */
  leastMs: number
  /** The consecutive hours that end a shift; what lies beyond them is further rest. */
  mandatoryMs: number
  furtherCitation: string
}

/** Rest of one day taken on the next: SOR/2005-313 s. 16. */
export interface DeferralLaw {
  mostMs: number
  /** In the two days together. */
  drivingMs: number
  mandatoryCitation: string
  totalCitation: string
  addedCitation: string
  drivingCitation: string
  /** A driver who splits may not defer. */
  splitCitation: string
}

export interface CanadianLaw {
  /** A rest of this length ends the shift. */
  reset: { ms: number; citation: string }
  pair: { single: PairLaw; team: PairLaw }
  /** By shift, and south of 60° by day. */
  drive: { shift: Limit; day: Limit | null }
  duty: { shift: Limit; day: Limit | null }
  window: Limit
  /** null north of 60°. */
  dailyRest: DailyRestLaw | null
  deferral: DeferralLaw
  /** What limits grow by and daily rest shrinks by. */
  adverse: { ms: number; citation: string }
  /** A rest of `restMs` must lie within the `withinMs` before any driving. */
  longRest: { limit: Limit; restMs: number; withinMs: number }
  cycle: {
    limit: Limit
    days: number
    restartMs: number
    restartCitation: string
    /** Leaving this cycle for the other asks for the same rest first. */
    switchRule: string
    switchCitation: string
    /** On-duty time since the last rest of `restMs`. */
    withoutRest: { limit: Limit; restMs: number } | null
  }
}

const IN_FORCE_SINCE = '2007-01-01'
const limit = (rule: string, ms: number, section: string): Limit => ({
  ms,
  rule,
  citation: `SOR/2005-313 ${section}`,
  inForceSince: IN_FORCE_SINCE,
})

/** South of latitude 60°, whatever the cycle. */
const SOUTH: Omit<CanadianLaw, 'cycle'> = {
  reset: { ms: 8 * HOUR, citation: 'SOR/2005-313 s. 13' },
  pair: {
    single: {
      of: 'berth',
      leastMs: 2 * HOUR,
      togetherMs: 10 * HOUR,
      berthMs: 0,
      citation: 'SOR/2005-313 s. 18(1)',
    },
    team: {
      of: 'berth',
      leastMs: 4 * HOUR,
      togetherMs: 8 * HOUR,
      berthMs: 0,
      citation: 'SOR/2005-313 s. 19(1)',
    },
  },
  drive: {
    shift: limit('ca.drive-13', 13 * HOUR, 's. 13(1)'),
    day: limit('ca.drive-13', 13 * HOUR, 's. 12(1)'),
  },
  duty: {
    shift: limit('ca.duty-14', 14 * HOUR, 's. 13(2)'),
    day: limit('ca.duty-14', 14 * HOUR, 's. 12(2)'),
  },
  window: limit('ca.window-16', 16 * HOUR, 's. 13(3)'),
  dailyRest: {
    rule: 'ca.off-10-day',
    inForceSince: IN_FORCE_SINCE,
    totalMs: 10 * HOUR,
    totalCitation: 'SOR/2005-313 s. 14(1)',
    leastMs: 30 * MINUTE,
    mandatoryMs: 8 * HOUR,
    furtherCitation: 'SOR/2005-313 s. 14(3)',
  },
  deferral: {
    mostMs: 2 * HOUR,
    drivingMs: 26 * HOUR,
    mandatoryCitation: 'SOR/2005-313 s. 16(a)',
    totalCitation: 'SOR/2005-313 s. 16(b)',
    addedCitation: 'SOR/2005-313 s. 16(c)',
    drivingCitation: 'SOR/2005-313 s. 16(d)',
    splitCitation: 'SOR/2005-313 s. 16',
  },
  adverse: { ms: 2 * HOUR, citation: 'SOR/2005-313 s. 76(2)' },
  longRest: {
    // The rest must lie wholly within the fourteen days, so it may have ended thirteen days ago.
    limit: limit('ca.off-24-in-14', 13 * DAY, 's. 25'),
    restMs: 24 * HOUR,
    withinMs: 14 * DAY,
  },
}

/** North of latitude 60°, ss. 37 to 54: shifts only, no daily limits and no daily rest. */
const NORTH: Omit<CanadianLaw, 'cycle'> = {
  ...SOUTH,
  reset: { ms: 8 * HOUR, citation: 'SOR/2005-313 s. 39' },
  pair: {
    single: { ...SOUTH.pair.single, togetherMs: 8 * HOUR, citation: 'SOR/2005-313 s. 41' },
    team: { ...SOUTH.pair.team, citation: 'SOR/2005-313 s. 42' },
  },
  drive: { shift: limit('ca.north.drive-15', 15 * HOUR, 's. 39(1)(a)'), day: null },
  duty: { shift: limit('ca.north.duty-18', 18 * HOUR, 's. 39(1)(b)'), day: null },
  window: limit('ca.north.window-20', 20 * HOUR, 's. 39(1)(c)'),
  dailyRest: null,
  longRest: { ...SOUTH.longRest, limit: limit('ca.north.off-24-in-14', 13 * DAY, 's. 50') },
}

const SWITCH_SOUTH = { switchRule: 'ca.cycle-switch', switchCitation: 'SOR/2005-313 s. 29' }
const SWITCH_NORTH = { switchRule: 'ca.north.cycle-switch', switchCitation: 'SOR/2005-313 s. 54' }

/** The rules of Canada. */
export const CANADA: Partial<Record<RulesetId, CanadianLaw>> = {
  'ca-south-70-7': {
    ...SOUTH,
    cycle: {
      limit: limit('ca.cycle-70-7', 70 * HOUR, 's. 26'),
      days: 7,
      restartMs: 36 * HOUR,
      restartCitation: 'SOR/2005-313 s. 28(1)(a)',
      ...SWITCH_SOUTH,
      withoutRest: null,
    },
  },
  'ca-south-120-14': {
    ...SOUTH,
    cycle: {
      limit: limit('ca.cycle-120-14', 120 * HOUR, 's. 27(a)'),
      days: 14,
      restartMs: 72 * HOUR,
      restartCitation: 'SOR/2005-313 s. 28(1)(b)',
      ...SWITCH_SOUTH,
      withoutRest: { limit: limit('ca.cycle-120-14', 70 * HOUR, 's. 27(b)'), restMs: 24 * HOUR },
    },
  },
  'ca-north-80-7': {
    ...NORTH,
    cycle: {
      limit: limit('ca.north.cycle-80-7', 80 * HOUR, 's. 51'),
      days: 7,
      restartMs: 36 * HOUR,
      restartCitation: 'SOR/2005-313 s. 53(1)(a)',
      ...SWITCH_NORTH,
      withoutRest: null,
    },
  },
  'ca-north-120-14': {
    ...NORTH,
    cycle: {
      limit: limit('ca.north.cycle-120-14', 120 * HOUR, 's. 52(a)'),
      days: 14,
      restartMs: 72 * HOUR,
      restartCitation: 'SOR/2005-313 s. 53(1)(b)',
      ...SWITCH_NORTH,
      withoutRest: { limit: limit('ca.north.cycle-120-14', 80 * HOUR, 's. 52(b)'), restMs: 24 * HOUR },
    },
  },
}

/** @throws HosRefusal for a ruleset of another country */
export function canadianLaw(ruleset: RulesetId): CanadianLaw {
  const law = CANADA[ruleset]
  if (!law) throw new HosRefusal('unknown-ruleset', null, `"${ruleset}" is no ruleset of Canada`)
  return law
}
