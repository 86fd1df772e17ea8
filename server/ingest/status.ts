import type pg from 'pg'
import type { DeviceProtocol } from '../auth/device.ts'
import type { DevicePrincipal } from '../auth/principal.ts'
import { within } from '../db/pool.ts'
import { log } from '../log.ts'
import type { Instant } from '../time/instant.ts'
import type { Point } from './batch.ts'
import { countMessage, countRefusal } from './metrics.ts'

/** So often what was noted is written; an installer who watches is told at once. */
const FLUSH_MS = 5_000
const STATEMENT_MS = 20_000
/** Of a message only its beginning is kept. */
const MOST_RAW_BYTES = 1_024
const MESSAGES_KEPT = 20
/** One message of so long is enough to see that a device works; of one that is watched, or refused, each is held. */
const HELD_EVERY_MS = 10_000
/** Devices whose last messages are held; those heard of longest ago make room. */
const MOST_DEVICES = 2_000
/** Unknown identities held between two writes; whoever invents more of them is not listed. */
const MOST_UNKNOWN = 1_000

/** One message of a device as an installer sees it. */
export interface DeviceMessage {
  receivedAt: Instant
  protocol: DeviceProtocol
  address: string
  /** Its beginning: text as it was, bytes in hexadecimal. */
  raw: string
  rawBytes: number
  received: number
  stored: number
  duplicates: number
  /** Why something of it was refused; null if nothing was. */
  refusal: string | null
  /** What was understood of its newest position; null if nothing was. */
  latest: {
    fixAt: Instant
    latitude: number | null
    longitude: number | null
    speedKph: number | null
  } | null
  tookMs: number
}

interface Pending {
  device: DevicePrincipal
  protocol: DeviceProtocol
  address: string
  seenAt: Instant
  received: number
  stored: number
  duplicates: number
  refused: number
  doubtful: number
  clockOffsetMs: number | null
  tookMs: number
  refusal: string | null
  refusedAt: Instant | null
}

interface Unknown {
  protocol: DeviceProtocol
  identity: string
  address: string
  reason: string
  firstSeenAt: Instant
  seenAt: Instant
  attempts: number
}

/** What came of a message. */
export interface Outcome {
  protocol: DeviceProtocol
  address: string
  raw: Buffer
  receivedAt: Instant
  received: number
  stored: number
  duplicates: number
  refused: number
  refusal: string | null
  doubtful: number
  late: number
  latest: Point | null
  tookMs: number
}

const UPSERT = `
insert into device_status as s (fleet_id, device_id, protocol, address, seen_at, received, stored, duplicates, refused,
  doubtful, clock_offset_ms, acknowledged_in_ms, refusal, refused_at)
select p.* from jsonb_to_recordset($1::jsonb) as p(fleet_id bigint, device_id bigint, protocol text, address text,
  seen_at timestamptz, received bigint, stored bigint, duplicates bigint, refused bigint, doubtful bigint,
  clock_offset_ms bigint, acknowledged_in_ms real, refusal text, refused_at timestamptz)
join devices d on d.fleet_id = p.fleet_id and d.id = p.device_id
on conflict (fleet_id, device_id) do update set protocol = excluded.protocol, address = excluded.address,
  seen_at = greatest(s.seen_at, excluded.seen_at), received = s.received + excluded.received,
  stored = s.stored + excluded.stored, duplicates = s.duplicates + excluded.duplicates,
  refused = s.refused + excluded.refused, doubtful = s.doubtful + excluded.doubtful,
  clock_offset_ms = coalesce(excluded.clock_offset_ms, s.clock_offset_ms),
  acknowledged_in_ms = excluded.acknowledged_in_ms, refusal = coalesce(excluded.refusal, s.refusal),
  refused_at = coalesce(excluded.refused_at, s.refused_at)`

const UPSERT_UNKNOWN = `
insert into unknown_devices as u (protocol, identity, address, reason, first_seen_at, seen_at, attempts)
select * from jsonb_to_recordset($1::jsonb) as p(protocol text, identity text, address text, reason text,
  first_seen_at timestamptz, seen_at timestamptz, attempts bigint)
on conflict (protocol, identity) do update set address = excluded.address, reason = excluded.reason,
  seen_at = excluded.seen_at, attempts = u.attempts + excluded.attempts`

/**
 * What devices did, for installers and metrics: counted in memory, written behind the receipts every few seconds. The last messages
 * of a device are held by the process that received them.
 */
export class DeviceActivity {
  readonly #pool: pg.Pool
  #pending = new Map<number, Pending>()
  #unknown = new Map<string, Unknown>()
  readonly #messages = new Map<number, DeviceMessage[]>()
  readonly #watchers = new Map<number, Set<(message: DeviceMessage) => void>>()
  #timer: NodeJS.Timeout | undefined

  constructor(pool: pg.Pool) {
    this.#pool = pool
  }

  /** Takes note of a message that has been answered. */
  note(device: DevicePrincipal, outcome: Outcome): void {
    countMessage(outcome.protocol, outcome)
    const { deviceNumber } = device
    const known = this.#pending.get(deviceNumber)
    const clockOffsetMs = outcome.latest ? outcome.latest.fixAt - outcome.receivedAt : null
    if (known) {
      known.received += outcome.received
      known.stored += outcome.stored
      known.duplicates += outcome.duplicates
      known.refused += outcome.refused
      known.doubtful += outcome.doubtful
      known.seenAt = outcome.receivedAt
      known.address = outcome.address
      known.tookMs = outcome.tookMs
      if (clockOffsetMs !== null) known.clockOffsetMs = clockOffsetMs
      if (outcome.refusal !== null) {
        known.refusal = outcome.refusal
        known.refusedAt = outcome.receivedAt
      }
    } else {
      this.#pending.set(deviceNumber, {
        device,
        protocol: outcome.protocol,
        address: outcome.address,
        seenAt: outcome.receivedAt,
        received: outcome.received,
        stored: outcome.stored,
        duplicates: outcome.duplicates,
        refused: outcome.refused,
        doubtful: outcome.doubtful,
        clockOffsetMs,
        tookMs: outcome.tookMs,
        refusal: outcome.refusal,
        refusedAt: outcome.refusal === null ? null : outcome.receivedAt,
      })
    }
    this.#hold(device, outcome)
    this.#later()
  }

  /** Takes note of a message of somebody who may not report: never a device, only a line in the installer's list. */
  noteUnknown(
    protocol: DeviceProtocol,
    identity: string,
    address: string,
    reason: string,
    at: Instant,
  ): void {
    countRefusal(protocol, reason)
    const key = `${protocol} ${identity}`
    const known = this.#unknown.get(key)
    if (known) {
      known.attempts++
      known.seenAt = at
      known.address = address
      known.reason = reason
      return
    }
    if (this.#unknown.size >= MOST_UNKNOWN) return
    const shown = identity.slice(0, 256)
    this.#unknown.set(key, {
      protocol,
      identity: shown,
      address,
      reason,
      firstSeenAt: at,
      seenAt: at,
      attempts: 1,
    })
    this.#later()
  }

  /** The last messages of a device that this process received, the newest first. */
  messagesOf(device: Pick<DevicePrincipal, 'deviceNumber'>): readonly DeviceMessage[] {
    return [...(this.#messages.get(device.deviceNumber) ?? [])].reverse()
  }

  /** Each further message of a device, as it is answered, until the signal ends it. */
  async *watch(
    { deviceNumber }: Pick<DevicePrincipal, 'deviceNumber'>,
    signal: AbortSignal,
  ): AsyncGenerator<DeviceMessage> {
    const waiting: DeviceMessage[] = []
    let wake: (() => void) | undefined
    const tell = (message?: DeviceMessage) => {
      if (message) waiting.push(message)
      // A page that does not read on is shown the newest when it does.
      if (waiting.length > MESSAGES_KEPT) waiting.shift()
      wake?.()
    }
    const stop = () => tell()
    const watchers = this.#watchers.get(deviceNumber) ?? new Set()
    this.#watchers.set(deviceNumber, watchers)
    watchers.add(tell)
    signal.addEventListener('abort', stop)
    try {
      while (!signal.aborted) {
        const message = waiting.shift()
        if (message) yield message
        else
          await new Promise<void>((resolve) => {
            wake = resolve
          })
      }
    } finally {
      signal.removeEventListener('abort', stop)
      watchers.delete(tell)
      if (watchers.size === 0) this.#watchers.delete(deviceNumber)
    }
  }

  #hold({ deviceNumber }: DevicePrincipal, outcome: Outcome): void {
    const { raw, protocol, latest } = outcome
    const watchers = this.#watchers.get(deviceNumber)
    let held = this.#messages.get(deviceNumber)
    const last = held?.at(-1)
    if (!watchers && outcome.refusal === null && last && outcome.receivedAt - last.receivedAt < HELD_EVERY_MS)
      return
    const head = raw.subarray(0, MOST_RAW_BYTES)
    const message: DeviceMessage = {
      receivedAt: outcome.receivedAt,
      protocol,
      address: outcome.address,
      raw: protocol === 'teltonika' ? head.toString('hex') : head.toString('utf8'),
      rawBytes: raw.length,
      received: outcome.received,
      stored: outcome.stored,
      duplicates: outcome.duplicates,
      refusal: outcome.refusal,
      latest: latest && {
        fixAt: latest.fixAt,
        latitude: latest.latitudeE7 === null ? null : latest.latitudeE7 / 1e7,
        longitude: latest.longitudeE7 === null ? null : latest.longitudeE7 / 1e7,
        speedKph: latest.speedCkph === null ? null : latest.speedCkph / 100,
      },
      tookMs: outcome.tookMs,
    }
    // The map keeps its order: who is heard of again goes to its end.
    if (held) this.#messages.delete(deviceNumber)
    else held = []
    if (this.#messages.size >= MOST_DEVICES) this.#messages.delete(this.#messages.keys().next().value!)
    this.#messages.set(deviceNumber, held)
    held.push(message)
    if (held.length > MESSAGES_KEPT) held.shift()
    for (const tell of watchers ?? []) tell(message)
  }

  #later(): void {
    this.#timer ??= setTimeout(() => void this.flush(), FLUSH_MS).unref()
  }

  /** Writes what was noted. What can't be written is noted on. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const [pending, unknown] = [this.#pending, this.#unknown]
    if (pending.size + unknown.size === 0) return
    this.#pending = new Map()
    this.#unknown = new Map()
    try {
      if (pending.size > 0)
        await this.#pool.query(
          within(STATEMENT_MS, {
            text: UPSERT,
            values: [JSON.stringify([...pending.values()].map(statusRow))],
          }),
        )
      if (unknown.size > 0)
        await this.#pool.query(
          within(STATEMENT_MS, {
            text: UPSERT_UNKNOWN,
            values: [JSON.stringify([...unknown.values()].map(unknownRow))],
          }),
        )
    } catch (error) {
      log.warn('what devices did could not be noted', { error: (error as Error).message })
    }
  }
}

const statusRow = (one: Pending) => ({
  fleet_id: one.device.fleetId,
  device_id: one.device.deviceId,
  protocol: one.protocol,
  address: one.address,
  seen_at: new Date(one.seenAt),
  received: one.received,
  stored: one.stored,
  duplicates: one.duplicates,
  refused: one.refused,
  doubtful: one.doubtful,
  clock_offset_ms: one.clockOffsetMs,
  acknowledged_in_ms: one.tookMs,
  refusal: one.refusal,
  refused_at: one.refusedAt === null ? null : new Date(one.refusedAt),
})

const unknownRow = (one: Unknown) => ({
  protocol: one.protocol,
  identity: one.identity,
  address: one.address,
  reason: one.reason,
  first_seen_at: new Date(one.firstSeenAt),
  seen_at: new Date(one.seenAt),
  attempts: one.attempts,
})

const activities = new WeakMap<pg.Pool, DeviceActivity>()

/** The process's one record of a pool: all doors share it. */
export function activityOf(pool: pg.Pool): DeviceActivity {
  let activity = activities.get(pool)
  if (!activity) {
    activity = new DeviceActivity(pool)
    activities.set(pool, activity)
  }
  return activity
}
