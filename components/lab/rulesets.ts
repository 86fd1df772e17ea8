import type { DutyStatus, RulesetId } from '../../server/hos/types.ts'
import { STATUS_WORDS } from '../logs/clocks.ts'
import type { LabStatus } from './draw.ts'

/** Where rules are alike: the same statuses, rows and circumstances. */
export type Jurisdiction = 'us' | 'ca' | 'eu'

/** A circumstance that can be said of a log; what it is to the engine stands in `options.ts`. */
export type OptionId =
  | 'shortHaul'
  | 'shortHaul16'
  | 'driverSalesperson'
  | 'adverse'
  | 'carried'
  | 'team'
  | 'deferral'
  | 'multiManning'
  | 'crewReducedRestCounts'
  | 'internationalTwoReduced'
  | 'nightStart'
  | 'averageOver26Weeks'

export interface Ruleset {
  title: string
  jurisdiction: Jurisdiction
  /** What its rules ask about. */
  options: readonly OptionId[]
}

const us = (title: string, options: readonly OptionId[] = ['adverse', 'carried']): Ruleset => ({
  title,
  jurisdiction: 'us',
  options,
})
const PROPERTY = ['shortHaul', 'shortHaul16', 'driverSalesperson', 'adverse', 'carried'] as const
const CANADA = ['team', 'deferral', 'adverse', 'carried'] as const
/** North of 60° no rule looks at a day, so none can be deferred. */
const CANADA_NORTH = ['team', 'adverse', 'carried'] as const
const canada = (title: string, options: readonly OptionId[] = CANADA): Ruleset => ({
  title,
  jurisdiction: 'ca',
  options,
})

/**
 * Every ruleset that the engine takes, in the order of the list. A record over all ids: one that the engine learns is asked
 * for here by the compiler, so none is missing on the page.
 */
export const RULESETS: Readonly<Record<RulesetId, Ruleset>> = {
  'us-property-70-8': us('United States, property, 70 h / 8 days', PROPERTY),
  'us-property-60-7': us('United States, property, 60 h / 7 days', PROPERTY),
  'us-passenger-70-8': us('United States, passengers, 70 h / 8 days'),
  'us-passenger-60-7': us('United States, passengers, 60 h / 7 days'),
  'us-short-haul': us('United States, short haul, 70 h / 8 days', ['shortHaul16', 'adverse', 'carried']),
  'us-short-haul-non-cdl': us('United States, short haul without CDL, 70 h / 8 days'),
  'us-alaska-property': us('Alaska, property, 80 h / 8 days'),
  'us-alaska-property-70-7': us('Alaska, property, 70 h / 7 days'),
  'us-alaska-passenger': us('Alaska, passengers, 80 h / 8 days'),
  'us-alaska-passenger-70-7': us('Alaska, passengers, 70 h / 7 days'),
  'us-california-intrastate': us('California, intrastate, 80 h / 8 days'),
  'us-florida-intrastate-70-7': us('Florida, intrastate, 70 h / 7 days'),
  'us-florida-intrastate-80-8': us('Florida, intrastate, 80 h / 8 days'),
  'us-texas-intrastate': us('Texas, intrastate, 70 h / 7 days'),
  'ca-south-70-7': canada('Canada south of 60°, cycle 1, 70 h / 7 days'),
  'ca-south-120-14': canada('Canada south of 60°, cycle 2, 120 h / 14 days'),
  'ca-north-80-7': canada('Canada north of 60°, 80 h / 7 days', CANADA_NORTH),
  'ca-north-120-14': canada('Canada north of 60°, 120 h / 14 days', CANADA_NORTH),
  'eu-561': {
    title: 'European Union, (EC) 561/2006',
    jurisdiction: 'eu',
    options: ['multiManning', 'crewReducedRestCounts', 'internationalTwoReduced'],
  },
  'eu-wtd': {
    title: 'European Union, working time, 2002/15/EC',
    jurisdiction: 'eu',
    options: ['nightStart', 'averageOver26Weeks'],
  },
  'gb-domestic': { title: 'Great Britain, domestic, goods', jurisdiction: 'eu', options: [] },
  'gb-domestic-passenger': { title: 'Great Britain, domestic, passengers', jurisdiction: 'eu', options: [] },
}

/** Their ids, in the order of the list. */
export const RULESET_IDS = Object.keys(RULESETS) as RulesetId[]

/** Is it the id of a ruleset? */
export const isRulesetId = (text: string): text is RulesetId => Object.hasOwn(RULESETS, text)

export interface LabRow<Status extends LabStatus = DutyStatus> {
  /** What drawing in this row sets. */
  status: Status
  title: string
  short: string
}

const NORTH_AMERICA: readonly LabRow[] = [
  { status: 'OFF', title: 'Off duty', short: 'Off' },
  { status: 'SB', title: 'Sleeper berth', short: 'Sleep' },
  { status: 'D', title: 'Driving', short: 'Drive' },
  { status: 'ON', title: 'On duty', short: 'On' },
]
const EUROPE: readonly LabRow[] = [
  { status: 'REST', title: 'Rest', short: 'Rest' },
  { status: 'POA', title: 'Available', short: 'Avail' },
  { status: 'WORK', title: 'Other work', short: 'Work' },
  { status: 'DRIVE', title: 'Driving', short: 'Drive' },
]

/** The rows of the statuses; the first is what holds before the log begins. */
export const rowsOf = (ruleset: RulesetId): readonly LabRow[] =>
  RULESETS[ruleset].jurisdiction === 'eu' ? EUROPE : NORTH_AMERICA

/** Under them, where what is not known is drawn. */
const UNKNOWN: LabRow<LabStatus> = { status: 'UNKNOWN', title: 'Unknown', short: 'Gap' }

/** All rows of the drawing. */
export const drawnRowsOf = (ruleset: RulesetId): readonly LabRow<LabStatus>[] => [...rowsOf(ruleset), UNKNOWN]

/** Each status in its own words and in those of the other side of the ocean. */
const PLACES: Record<DutyStatus, { northAmerica: DutyStatus; europe: DutyStatus }> = {
  OFF: { northAmerica: 'OFF', europe: 'REST' },
  SB: { northAmerica: 'SB', europe: 'REST' },
  D: { northAmerica: 'D', europe: 'DRIVE' },
  ON: { northAmerica: 'ON', europe: 'WORK' },
  PC: { northAmerica: 'PC', europe: 'REST' },
  YM: { northAmerica: 'YM', europe: 'WORK' },
  REST: { northAmerica: 'OFF', europe: 'REST' },
  FERRY: { northAmerica: 'SB', europe: 'FERRY' },
  DRIVE: { northAmerica: 'D', europe: 'DRIVE' },
  WORK: { northAmerica: 'ON', europe: 'WORK' },
  POA: { northAmerica: 'ON', europe: 'POA' },
}

/** The status of the ruleset's jurisdiction that comes nearest. */
export const statusIn = (ruleset: RulesetId, status: LabStatus): LabStatus =>
  status === 'UNKNOWN'
    ? status
    : PLACES[status][RULESETS[ruleset].jurisdiction === 'eu' ? 'europe' : 'northAmerica']

/** Which of the rows a status is drawn in, 0 the topmost; one of another jurisdiction where it comes nearest, and last what is not known. */
export function rowIndexOf(ruleset: RulesetId, status: LabStatus): number {
  if (status === 'UNKNOWN') return rowsOf(ruleset).length
  const near = statusIn(ruleset, status)
  const drawn = near === 'PC' ? 'OFF' : near === 'YM' ? 'ON' : near === 'FERRY' ? 'REST' : near
  return rowsOf(ruleset).findIndex((row) => row.status === drawn)
}

/** Is its line dashed, because it shares a row with another status? */
export const isDashed = (status: LabStatus): boolean =>
  status === 'PC' || status === 'YM' || status === 'FERRY'

/** Two rulesets as people name them at a border: by the country, and where that is the same by all of the title. */
export function borderWords(before: RulesetId, after: RulesetId): { before: string; after: string } {
  const [one, other] = [RULESETS[before].title, RULESETS[after].title]
  const country = (title: string) => title.split(',')[0]!
  return country(one) === country(other)
    ? { before: one, after: other }
    : { before: country(one), after: country(other) }
}

/** Every status in words; time of which nothing is known too. */
export const labWords = (status: LabStatus): string =>
  status === 'UNKNOWN' ? 'Unknown' : STATUS_WORDS[status]
