import { z } from 'zod'
import type { AlarmKind } from '../fleet/device-alarms.ts'
import { Id } from '../fleet/schema.ts'
import type { Instant } from '../time/instant.ts'

export type AlertKind = 'limit-60' | 'limit-30' | 'limit-passed' | 'truck-silent' | AlarmKind
export type AlertState = 'open' | 'acknowledged' | 'resolved'

export const ListAlerts = z.strictObject({
  state: z.enum(['open', 'acknowledged', 'resolved', 'all']).default('open'),
  /** Older than this alert: the next page. */
  before: Id.optional(),
  limit: z.number().int().min(1).max(200).default(100),
})
export const AlertById = z.strictObject({ id: Id })

export interface AlertRow {
  id: number
  kind: AlertKind
  state: AlertState
  /** 'violation', the highest, when a limit has passed or help is called for; else 'warning' */
  severity: 'warning' | 'violation'
  /** "Maria Lopez reaches the 11-hour driving limit at 14:25 CST" */
  title: string
  /** The second line: what it rests on, with the paragraph. */
  detail: string
  rule: string | null
  driverId: number | null
  driverName: string | null
  vehicleId: number | null
  unitNumber: string | null
  /** Of an alert about a device. */
  deviceId: number | null
  timeZone: string
  dueAt: Instant
  openedAt: Instant
  acknowledgedAt: Instant | null
  acknowledgedBy: string | null
  resolvedAt: Instant | null
  /** null: the facts resolved it (the driver rested, the truck reported) */
  resolvedBy: string | null
}
