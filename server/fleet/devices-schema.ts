import { z } from 'zod'
import { line, name } from '../text-schema.ts'
import type { Instant } from '../time/instant.ts'
import { Id } from './schema.ts'

export const Protocol = z.enum(['json', 'osmand', 'owntracks', 'mqtt', 'teltonika'])
export type Protocol = z.infer<typeof Protocol>

/** Fifteen digits, the last of which checks the others. Source: 3GPP TS 23.003, annex B (Luhn). */
export function isImei(text: string): boolean {
  if (!/^\d{15}$/.test(text)) return false
  let sum = 0
  for (let i = 0; i < 15; i++) {
    const digit = Number(text[i]) * (i % 2 === 1 ? 2 : 1)
    sum += digit > 9 ? digit - 9 : digit
  }
  return sum % 10 === 0
}

/** `owntracks/<user>/<device>`, as the app names its topic. */
const TOPIC = /^[^/+#\s]{1,60}(\/[^/+#\s]{1,60}){2,4}$/

/** What is wrong with an identity of a protocol, as a sentence for the field; null: nothing. */
export function identityFault(protocol: Protocol, identity: string): string | null {
  switch (protocol) {
    case 'json':
      return identity === '' ? null : 'A device with a token of its own has no other identity.'
    case 'teltonika':
      if (!/^\d{15}$/.test(identity)) return 'The IMEI has 15 digits; it stands on the label of the tracker.'
      return isImei(identity) ? null : 'One digit of this IMEI is wrong: its check digit does not fit.'
    case 'osmand':
      return /^[^\s/?#&]{1,128}$/.test(identity)
        ? null
        : 'The device identifier of the app: up to 128 characters, no spaces.'
    case 'mqtt':
      return TOPIC.test(identity)
        ? null
        : 'The topic that the phone publishes to: owntracks/user/device, with no spaces.'
    case 'owntracks':
      return TOPIC.test(identity) || /^[^/+#\s]{2}$/.test(identity)
        ? null
        : 'The topic of the app: owntracks/user/device, with no spaces.'
  }
}

export const EnrolInput = z
  .strictObject({
    vehicleId: Id,
    /** What the fleet calls it; over our JSON door also what it must call itself. */
    name: name(64),
    protocol: Protocol,
    identity: line(256).default(''),
    /** It may report by its identity alone: weaker evidence. Trackers and what a broker hands on can't do otherwise. */
    open: z.boolean().default(false),
  })
  .superRefine(({ protocol, identity, open }, context) => {
    const fault = identityFault(protocol, identity)
    if (fault) context.addIssue({ code: 'custom', path: ['identity'], message: fault })
    if (protocol === 'json' && open)
      context.addIssue({ code: 'custom', path: ['open'], message: 'This door asks for the token.' })
  })
export type EnrolInput = z.input<typeof EnrolInput>

export const ListInput = z
  .strictObject({
    /** Only what has changed since this answer's `serverTime`. */
    since: z.number().int().positive().optional(),
  })
  .default({})
export const UnknownInput = z
  .strictObject({
    /** One that the installer reads from the label. */
    identity: z.string().trim().max(256).optional(),
  })
  .default({})
export const WatchInput = z.strictObject({ id: Id, lastEventId: z.string().max(32).nullish() })

/** One position of a message, as it was understood and stored. */
export interface DeviceReading {
  fixAt: Instant
  sentAt: Instant | null
  latitude: number | null
  longitude: number | null
  speedKph: number | null
  headingDegrees: number | null
  altitudeMeters: number | null
  accuracyMeters: number | null
  odometerMeters: number | null
  ignition: boolean | null
  /** Why nothing is derived from it; empty: it counts. */
  doubts: string[]
  /** What else it said; null: nothing, or too much to show. */
  attributes: Record<string, unknown> | null
}

/** One message of a device, as it came and as it was understood. */
export interface DeviceMessage {
  id: number
  receivedAt: Instant
  protocol: Protocol
  address: string
  /** Its beginning: text as it was, bytes in hexadecimal. */
  raw: string
  rawBytes: number
  received: number
  stored: number
  duplicates: number
  /** The first reason why something of it was refused; null: nothing was. */
  refusal: string | null
  /** The first few of its positions. */
  readings: DeviceReading[]
  acknowledgedInMs: number
}

/** A device in the list. Connection and work are two things: one that is heard may still be of no use. */
export interface DeviceRow {
  id: number
  name: string
  vehicleId: number
  unitNumber: string
  protocol: Protocol
  identity: string | null
  open: boolean
  createdAt: Instant
  revokedAt: Instant | null
  /** null: never heard */
  seenAt: Instant | null
  /** When a message with a position that counts came last, one with none, and one that was refused. */
  validAt: Instant | null
  doubtfulAt: Instant | null
  doubt: string | null
  refusedAt: Instant | null
  refusal: string | null
  /** How far the newest message's clock was ahead of ours; behind is negative. */
  clockOffsetMs: number | null
}

export interface DeviceList {
  serverTime: Instant
  /** A device is silent after this. */
  silentAfterMinutes: number
  rows: DeviceRow[]
}

export interface ReasonRow {
  kind: 'refused' | 'doubtful'
  reason: string
  count: number
  lastAt: Instant
}

export interface DeviceDetail extends DeviceRow {
  silentAfterMinutes: number
  address: string | null
  received: number
  stored: number
  duplicates: number
  refused: number
  doubtful: number
  acknowledgedInMs: number | null
  reasons: ReasonRow[]
  messages: DeviceMessage[]
}

/** How a device was heard in the last day. */
export interface DeviceSignal {
  from: Instant
  until: Instant
  /** Of each five minutes: positions that count, and those that don't. */
  counted: number[]
  doubtful: number[]
  /** Longer than the fleet's time for silence, the longest first, twenty at most. */
  gaps: { from: Instant; until: Instant }[]
}

/** Somebody who knocked and is not enrolled. */
export interface UnknownRow {
  protocol: Protocol
  identity: string
  address: string
  /** `unknown`, or of one that is enrolled: `no-token`, `wrong-token`, `elsewhere`, `wrong-key`, `wrong-clock`, `other-identity`, `encrypted`, `malformed` */
  reason: string
  firstSeenAt: Instant
  seenAt: Instant
  attempts: number
  /** The device that has this identity, if it is one of ours. */
  deviceId: number | null
}

/** The token is in this answer and nowhere else. */
export interface Enrolled {
  id: number
  token: string
}
