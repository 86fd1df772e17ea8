import { z } from 'zod'
import { Id } from '../fleet/schema.ts'
import type { EuRestKind } from '../hos/advice.ts'
import type { EuCost, PairAdvice } from '../hos/pairs.ts'
import type { Clock, ClockName, DutyStatus, RulesetId } from '../hos/types.ts'
import { line } from '../text-schema.ts'
import type { Instant } from '../time/instant.ts'

/** What a person may set; driving is derived from motion and can't be set. */
export const SettableStatus = z.enum(['OFF', 'SB', 'ON'])
export type SettableStatus = z.infer<typeof SettableStatus>

export const SetStatus = z.strictObject({
  driverId: Id,
  status: SettableStatus,
  /** Epoch milliseconds; not in the future; now if left out. */
  at: z.number().int().positive().optional(),
  /** Why: whoever writes into another's record of duty says so (49 CFR 395.30(c)(2)), in 4 to 60 characters (App. A to subpart B, 7.6). */
  annotation: line(60).min(4, 'Say why, in 4 to 60 characters.'),
})

/** A calendar date that exists; `Date` alone would take February 30. */
export const LogDate = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}$/, 'must be YYYY-MM-DD')
  .refine((date) => {
    const at = Date.parse(`${date}T00:00:00Z`)
    return !Number.isNaN(at) && new Date(at).toISOString().startsWith(date)
  }, 'is no date')
export const DayOfDriver = z.strictObject({ driverId: Id, date: LogDate.optional() })

/** A violation as people read it. */
export interface ViolationRow {
  rule: string
  /** "11-hour driving limit" */
  title: string
  from: Instant
  until: Instant
  /** The whole sentence, times in the driver's zone, paragraph cited. */
  explanation: string
  citation: string
}

/** A driver on the board. Clocks tick on in the browser: `running` and `runsOutAt` say how. */
export interface DriverRow {
  driverId: number
  name: string
  employeeNumber: string
  homeTerminal: string
  timeZone: string
  ruleset: RulesetId
  vehicleId: number | null
  unitNumber: string | null
  status: DutyStatus
  statusSince: Instant
  clocks: Clock[]
  /** The clock that stops this driver first: the one with the least remaining. */
  tightest: { name: ClockName; remainingMs: number; running: boolean; runsOutAt: Instant | null } | null
  /** Rules broken now or within the last 24 hours. */
  violations: ViolationRow[]
  evaluatedAt: Instant
}

/** A stretch of one status inside a day. */
export interface DaySegment {
  from: Instant
  until: Instant
  status: DutyStatus
}

/** A change of status, or the one carried in at the start of the day. */
export interface DayEvent {
  at: Instant
  status: DutyStatus
  /** 'automatic' from motion, 'driver', 'dispatcher', 'carried' from the day before */
  origin: 'automatic' | 'driver' | 'dispatcher' | 'carried'
  unitNumber: string | null
  place: string
  annotation: string
  recordedBy: string | null
}

/** What the driver may still do, and which rest to take, as of now. */
export interface AdviceRow {
  /** How long driving could go on from now, and the rule that ends it. */
  driveUntil: Instant
  driveMs: number
  limitedBy: string | null
  /** The shortest rests that give more driving, each more than the one before; with what ends the driving after it. */
  rests: {
    status: DutyStatus
    ms: number
    until: Instant
    driveMs: number
    limitedBy: string | null
    paired: boolean
    /** What the law of the EU calls it; null elsewhere. */
    kind: EuRestKind | null
    /** What it leaves to spend and owes, in the EU. */
    cost: EuCost | null
  }[]
  /** Rests in two parts: by when the second must begin, and the driving after it. */
  pairs: (Omit<PairAdvice, 'driving'> & { driveMs: number; limitedBy: string | null })[]
}

/** One driver's 24-hour period: the same model for screen, CSV and paper, so that they cannot disagree. */
export interface DayLog {
  driver: {
    id: number
    name: string
    employeeNumber: string
    homeTerminal: string
    timeZone: string
    ruleset: RulesetId
    licence: string
  }
  carrier: { name: string; usdotNumber: string | null; mainOffice: string; distanceUnit: 'mi' | 'km' }
  date: string
  from: Instant
  /** End of the period (23, 24 or 25 hours after `from`). */
  until: Instant
  /** How far the record goes: `until`, or now for today. */
  recordedUntil: Instant
  segments: DaySegment[]
  /** Per row of the grid, milliseconds; they add up to recordedUntil − from. */
  totals: { OFF: number; SB: number; D: number; ON: number }
  events: DayEvent[]
  violations: ViolationRow[]
  /** As of recordedUntil. */
  clocks: Clock[]
  /** For the day that is going on; null for those that are over. */
  advice: AdviceRow | null
  unitNumbers: string[]
  distanceMeters: number | null
}
