import type { Instant } from '../time/instant.ts'

/** Duty statuses of North America (49 CFR 395.8(b)), personal conveyance and yard move beside them. */
export type NorthAmericanStatus = 'OFF' | 'SB' | 'D' | 'ON' | 'PC' | 'YM'
/** Activities of (EC) 561/2006 and (EU) 165/2014 art. 34; FERRY is rest taken on a ferry or train. */
export type EuropeanStatus = 'REST' | 'DRIVE' | 'WORK' | 'POA' | 'FERRY'
export type DutyStatus = NorthAmericanStatus | EuropeanStatus
/** All of them, in an order that stays. */
export const DUTY_STATUSES: readonly DutyStatus[] = [
  'OFF',
  'SB',
  'D',
  'ON',
  'PC',
  'YM',
  'REST',
  'DRIVE',
  'WORK',
  'POA',
  'FERRY',
]

/** A status begins at `at` and holds until the next event, the last one until the instant asked about. */
export interface DutyEvent {
  at: Instant
  status: DutyStatus
}

export type RulesetId =
  | 'us-property-60-7'
  | 'us-property-70-8'
  | 'us-passenger-60-7'
  | 'us-passenger-70-8'
  | 'us-short-haul'
  | 'us-short-haul-non-cdl'
  | 'us-alaska-property'
  | 'us-alaska-property-70-7'
  | 'us-alaska-passenger'
  | 'us-alaska-passenger-70-7'
  | 'us-texas-intrastate'
  | 'us-california-intrastate'
  | 'us-florida-intrastate-70-7'
  | 'us-florida-intrastate-80-8'
  | 'ca-south-70-7'
  | 'ca-south-120-14'
  | 'ca-north-80-7'
  | 'ca-north-120-14'
  | 'eu-561'
  | 'eu-wtd'
  | 'gb-domestic'
  | 'gb-domestic-passenger'

/** Is its log one of European activities? */
export const isEuropean = (ruleset: RulesetId): boolean => /^(eu|gb)-/.test(ruleset)

/** A log of more events is refused. */
export const MOST_EVENTS = 100_000

/** The circumstances that a rule asks about. Instants are UTC; a calendar date is `YYYY-MM-DD` in `timeZone`. */
export interface HosOptions {
  /** IANA zone of the driver's home terminal. */
  timeZone: string
  /** Start of the carrier's 24-hour period, minutes after local midnight. */
  dayStartMinutes: number
  /** On-duty minutes of the days before the first event's day, oldest first. */
  carriedMinutes?: readonly number[]
  adverseConditions?: readonly Instant[]
  shortHaul?: boolean
  shortHaul16?: readonly Instant[]
  /** 49 CFR 395.1(c): the 60 or 70 h do not apply while driving stays within 40 h in 7 days. */
  driverSalesperson?: boolean
  team?: boolean
  deferral?: readonly { day1: string }[]
  multiManning?: boolean
  /** Art. 8(6), third subparagraph of (EC) 561/2006 may be used: two reduced weekly rests in a row abroad. */
  internationalTwoReduced?: boolean
  /** Does a crew's daily rest of 9 to 11 h use up one of the three reduced ones? Disputed; true if not said. */
  crewReducedRestCounts?: boolean
  /** When night time begins, minutes after local midnight: Directive 2002/15/EC art. 3(h); 0 if not said. */
  nightStartMinutes?: number
  /** By agreement the average of working time is taken over 26 weeks and not 17: Directive 2002/15/EC art. 8. */
  averageOver26Weeks?: boolean
}

/** The clock of a rule: how long the driver may still do the thing, looking at that rule alone. */
export interface Clock {
  name: ClockName
  rule: string
  limitMs: number
  /** At the instant asked about; never below zero. */
  remainingMs: number
  /** Does it run down while the present status goes on? */
  running: boolean
  /** When it reaches zero if the present status goes on; null if it does not, or is already at zero. */
  runsOutAt: Instant | null
  /** Where it began to count; left out where there is no one such instant. */
  since?: Instant | null
}

export type ClockName =
  | 'drive'
  | 'window'
  | 'duty'
  | 'break'
  | 'cycle'
  | 'driveDaily'
  | 'driveWeekly'
  | 'driveFortnight'
  | 'dutyDaily'
  | 'restFortnight'
  | 'breakDaily'
  | 'workNight'
  | 'workWeekly'
  | 'workAverage'

export interface Violation {
  rule: string
  /** The first instant at which the rule is broken. */
  from: Instant
  /** The last instant of it so far (the instant asked about while it goes on). */
  until: Instant
  /** One sentence for people; instants inside it are formatted by `explain` with the driver's zone. */
  explanation: Explanation
}

export interface Explanation {
  /** e.g. `49 CFR 395.3(a)(3)(i)` */
  citation: string
  limitMs: number
  /** What was reached against the limit by `until`, same unit. */
  reachedMs: number
  /** Where counting began: the end of the rest that reset the rule (null: before the log). */
  since: Instant | null
  /** The rests that were counted to get there. */
  rests: readonly { from: Instant; until: Instant }[]
}

/** Everything one evaluation answers. */
export interface Evaluation {
  asOf: Instant
  status: DutyStatus
  /** Since when the present status holds. */
  statusSince: Instant
  clocks: readonly Clock[]
  /** In order of `from`, then of rule. */
  violations: readonly Violation[]
  /** The next instant at which any answer changes with no new event; null if none does. */
  nextChangeAt: Instant | null
}

/** What of a log can still matter: every later answer of it is that of the whole log. */
export interface SettledPart {
  log: DutyEvent[]
  /** Violations before this stay as they are. */
  until: Instant
  /** The same for those of whole weeks, which may hang on what comes much later: (EC) 561/2006 art. 8(6) to (9). */
  weeksUntil: Instant
}

/** A log that can't be judged: which event, and why. Never a wrong number. */
export class HosRefusal extends Error {
  constructor(
    readonly code:
      | 'out-of-order'
      | 'unknown-status'
      | 'wrong-jurisdiction'
      | 'unknown-zone'
      | 'unknown-ruleset'
      | 'bad-option'
      | 'too-long',
    readonly index: number | null,
    reason: string,
  ) {
    super(index === null ? reason : `event ${index}: ${reason}`)
    this.name = 'HosRefusal'
  }
}
