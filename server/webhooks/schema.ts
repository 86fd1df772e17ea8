import { z } from 'zod'
import { line, name } from '../text-schema.ts'
import type { Instant } from '../time/instant.ts'

/** What an endpoint may ask to be told of: the kinds of alerts. */
export const WEBHOOK_KINDS = [
  'limit-60',
  'limit-30',
  'limit-passed',
  'truck-silent',
  'sos',
  'two-trackers',
  'foreign-identity',
  'bad-frames',
] as const
export type WebhookKind = (typeof WEBHOOK_KINDS)[number]

export const KIND_NAME: Record<WebhookKind, string> = {
  'limit-60': 'An hour before a limit',
  'limit-30': 'Half an hour before a limit',
  'limit-passed': 'A limit is passed',
  'truck-silent': 'A truck is silent',
  sos: 'Help is called for',
  'two-trackers': 'Two trackers report as one',
  'foreign-identity': 'Somebody reports as another’s device',
  'bad-frames': 'Frames can’t be read',
}

const Id = z.number().int().positive()
const url = line(2_000, 'Enter the address that takes the deliveries.')

export const SaveWebhook = z.strictObject({
  /** Left out: a new one. */
  id: Id.optional(),
  name: name(80),
  url,
  kinds: z.array(z.enum(WEBHOOK_KINDS)).min(1, 'Choose at least one kind of alert.'),
  enabled: z.boolean(),
})
export type SaveWebhook = z.infer<typeof SaveWebhook>

export const WebhookById = z.strictObject({ id: Id })
export const ListDeliveries = z.strictObject({
  id: Id,
  /** Older than this delivery: the next page. */
  cursor: Id.nullish(),
  /** What tRPC's infinite queries send along; there is one way only. */
  direction: z.literal('forward').optional(),
})

export interface WebhookRow {
  id: number
  name: string
  url: string
  kinds: WebhookKind[]
  enabled: boolean
  /** Until when the secret before is good too; null when there is none. */
  previousUntil: Instant | null
  createdAt: Instant
  createdBy: string
  waiting: number
  lastDeliveredAt: Instant | null
  /** Of the latest try that failed, null where a later one went well. */
  problem: string | null
}

export type DeliveryState = 'waiting' | 'delivered' | 'given-up'

export interface DeliveryRow {
  id: number
  event: string
  state: DeliveryState
  attempts: number
  createdAt: Instant
  /** When it is tried next; counts while it waits. */
  dueAt: Instant
  settledAt: Instant | null
  /** What the receiver answered last. */
  status: number | null
  problem: string | null
}
