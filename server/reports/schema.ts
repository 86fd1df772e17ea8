import { z } from 'zod'
import { AuditFilter } from '../audit/schema.ts'
import { Id } from '../fleet/schema.ts'
import type { RulesetId } from '../hos/types.ts'
import { LogDate } from '../logs/schema.ts'
import type { Instant } from '../time/instant.ts'

/** A report covers so many days at most: a month. */
export const LONGEST_RANGE_DAYS = 31
const DAY_MS = 86_400_000

const range = { from: LogDate, until: LogDate }

function checkRange({ from, until }: { from: string; until: string }, context: z.RefinementCtx): void {
  const [first, last] = [Date.parse(`${from}T00:00:00Z`), Date.parse(`${until}T00:00:00Z`)]
  const fault = (field: string, message: string) =>
    context.addIssue({ code: 'custom', path: [field], message })
  if (last < first) fault('until', 'is before the first day')
  else if (last - first >= LONGEST_RANGE_DAYS * DAY_MS)
    fault('until', `is more than ${LONGEST_RANGE_DAYS} days after the first; ask for less at a time`)
}

/** What the address of a driver's days on paper asks for. `until` is the last day, included. */
export const DriverDaysRequest = z
  .strictObject({ driver: z.coerce.number().pipe(Id), ...range })
  .superRefine(checkRange)

/** What the address of a fleet's violations on paper asks for; the days are those of each driver's home terminal. */
export const ViolationsRequest = z.strictObject(range).superRefine(checkRange)

/** A report that is made as a file. Days as on paper; those of the audit log are in UTC. */
export const ReportAsked = z.discriminatedUnion('kind', [
  z
    .strictObject({
      kind: z.literal('driver-days'),
      driverId: Id,
      ...range,
      /** A row a day, or a row a change of status. */
      rows: z.enum(['days', 'events']).default('days'),
    })
    .superRefine(checkRange),
  z.strictObject({ kind: z.literal('violations'), ...range }).superRefine(checkRange),
  z.strictObject({ kind: z.literal('audit'), ...AuditFilter.shape }),
])
export type ReportAsked = z.infer<typeof ReportAsked>
export type ReportKind = ReportAsked['kind']

/** A violation in a fleet's report. */
export interface FleetViolation {
  driverId: number
  driverName: string
  employeeNumber: string
  homeTerminal: string
  timeZone: string
  ruleset: RulesetId
  /** The driver's day on which it began. */
  date: string
  rule: string
  title: string
  from: Instant
  until: Instant
  /** It was still going on when the report was made. */
  open: boolean
  explanation: string
  citation: string
}

/** A driver whose log can't be judged: said, not left out. */
export interface NotJudged {
  driverId: number
  driverName: string
  employeeNumber: string
  reason: string
}

export interface FleetViolations {
  violations: FleetViolation[]
  notJudged: NotJudged[]
  driverCount: number
}
