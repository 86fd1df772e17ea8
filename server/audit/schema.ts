import { z } from 'zod'
import type { Instant } from '../time/instant.ts'

const Day = z.iso.date()

/** What to look for; the same in the page's address, the procedure and the export. */
export const AuditFilter = z.strictObject({
  /** In the actor, the action, the object and its name, the address, or what was before and after. */
  text: z.string().trim().max(100).optional(),
  /** First and last day, in the fleet's zone. */
  from: Day.optional(),
  until: Day.optional(),
})
export const ListAudit = AuditFilter.extend({
  /** Older than this row: the next page. */
  before: z.number().int().positive().max(Number.MAX_SAFE_INTEGER).optional(),
  limit: z.number().int().min(1).max(200).default(100),
})
export type AuditFilter = z.infer<typeof AuditFilter>

export interface AuditRow {
  sequence: number
  at: Instant
  actorKind: 'person' | 'device' | 'system' | 'stranger'
  actorName: string
  action: string
  objectKind: string
  objectId: string
  /** What people call it now, or did then; null where nobody knows any more. */
  objectName: string | null
  /** JSON as it was written; null where there is nothing to say. */
  before: string | null
  after: string | null
  /** What is called how now that stands in a field of these by its id, by `FIELD ID`; what is gone is not here. */
  fieldNames: Record<string, string>
  address: string | null
}
