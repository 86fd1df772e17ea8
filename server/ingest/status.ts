import { randomBytes } from 'node:crypto'
import type pg from 'pg'
import type { DeviceProtocol } from '../auth/device.ts'
import type { DevicePrincipal } from '../auth/principal.ts'
import { within } from '../db/pool.ts'
import { ALARM_QUIET_MS, type AlarmKind } from '../fleet/device-alarms.ts'
import { type Connected, hearOfDevices, tellDevices } from '../fleet/device-news.ts'
import { log } from '../log.ts'
import type { Instant } from '../time/instant.ts'
import type { Batch } from './batch.ts'
import { namedDoubts } from './judge.ts'
import { DeviceMessages } from './messages.ts'
import { countMessage, countRefusal, countRefused } from './metrics.ts'

/** So often what was noted is written. */
const FLUSH_MS = 5_000
const STATEMENT_MS = 20_000
/** Reasons of one device between two writes; whoever has more has one that says so. */
const MOST_REASONS = 20
/** Unknown identities held between two writes, and of those of one address; whoever invents more of them is counted and not listed. */
const MOST_UNKNOWN = 1_000
const MOST_UNKNOWN_OF_ADDRESS = 100
/** Unknown identities that are kept, those of an address among them, and for how long. */
const KEPT_UNKNOWN = 5_000
const KEPT_UNKNOWN_FOR = '30 days'

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
  tookMs: number | null
  refusal: string | null
  refusedAt: Instant | null
  validAt: Instant | null
  doubtfulAt: Instant | null
  doubt: string | null
  /** Counts by `kind reason`; most devices never have one. */
  reasons: Map<string, { count: number; lastAt: Instant }> | null
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

interface Alarm {
  device: DevicePrincipal
  kind: AlarmKind
  detail: string
  firstAt: Instant
  lastAt: Instant
  count: number
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
  /** Why something of it was refused, once for each. */
  refusals: readonly string[]
  /** What was understood; null: nothing. */
  batch: Batch | null
  tookMs: number
}

/** Each of these takes its rows in one order in every process, so that two never wait for each other's. */
const UPSERT = `
insert into device_status as s (fleet_id, device_id, protocol, address, seen_at, received, stored, duplicates, refused,
  doubtful, clock_offset_ms, acknowledged_in_ms, refusal, refused_at, valid_at, doubtful_at, doubt)
select p.* from jsonb_to_recordset($1::jsonb) as p(fleet_id bigint, device_id bigint, protocol text, address text,
  seen_at timestamptz, received bigint, stored bigint, duplicates bigint, refused bigint, doubtful bigint,
  clock_offset_ms bigint, acknowledged_in_ms real, refusal text, refused_at timestamptz, valid_at timestamptz,
  doubtful_at timestamptz, doubt text)
join devices d on d.fleet_id = p.fleet_id and d.id = p.device_id
order by p.fleet_id, p.device_id
on conflict (fleet_id, device_id) do update set protocol = excluded.protocol, address = excluded.address,
  seen_at = greatest(s.seen_at, excluded.seen_at), received = s.received + excluded.received,
  stored = s.stored + excluded.stored, duplicates = s.duplicates + excluded.duplicates,
  refused = s.refused + excluded.refused, doubtful = s.doubtful + excluded.doubtful,
  clock_offset_ms = coalesce(excluded.clock_offset_ms, s.clock_offset_ms),
  acknowledged_in_ms = coalesce(excluded.acknowledged_in_ms, s.acknowledged_in_ms),
  refusal = coalesce(excluded.refusal, s.refusal), refused_at = coalesce(excluded.refused_at, s.refused_at),
  valid_at = coalesce(excluded.valid_at, s.valid_at), doubtful_at = coalesce(excluded.doubtful_at, s.doubtful_at),
  doubt = coalesce(excluded.doubt, s.doubt)`

const UPSERT_REASONS = `
insert into device_reasons as r (fleet_id, device_id, kind, reason, count, last_at)
select p.* from jsonb_to_recordset($1::jsonb) as p(fleet_id bigint, device_id bigint, kind text, reason text, count bigint,
  last_at timestamptz)
join devices d on d.fleet_id = p.fleet_id and d.id = p.device_id
order by p.fleet_id, p.device_id, p.kind, p.reason
on conflict (fleet_id, device_id, kind, reason) do update set count = r.count + excluded.count,
  last_at = greatest(r.last_at, excluded.last_at)`

/** A device that names fields of its own invention has a reason for each. */
const TRIM_REASONS = `
delete from device_reasons where (fleet_id, device_id, kind, reason) in (
  select r.fleet_id, r.device_id, r.kind, r.reason from device_reasons r
  join unnest($1::bigint[], $2::bigint[]) as d(fleet_id, device_id)
    on r.fleet_id = d.fleet_id and r.device_id = d.device_id and r.last_at < (
      select k.last_at from device_reasons k where k.fleet_id = d.fleet_id and k.device_id = d.device_id
      order by k.last_at desc offset 49 limit 1)
  for update of r skip locked)`

/** The first words of an occurrence stay; after an hour of quiet it is another one. */
const UPSERT_ALARMS = `
insert into device_alarms as a (fleet_id, device_id, kind, since, last_at, count, detail)
select p.fleet_id, p.device_id, p.kind, p.since, p.last_at, p.count, p.detail
from jsonb_to_recordset($1::jsonb) as p(fleet_id bigint, device_id bigint, kind text, since timestamptz,
  last_at timestamptz, count bigint, detail text)
join devices d on d.fleet_id = p.fleet_id and d.id = p.device_id
order by p.fleet_id, p.device_id, p.kind
on conflict (fleet_id, device_id, kind) do update set last_at = greatest(a.last_at, excluded.last_at),
  (since, count, detail) = (select case when over then excluded.since else a.since end,
    case when over then excluded.count else a.count + excluded.count end,
    case when over then excluded.detail else a.detail end
    from (select a.last_at < excluded.since - interval '${ALARM_QUIET_MS} milliseconds' as over) o)`

const UPSERT_UNKNOWN = `
insert into unknown_devices as u (protocol, identity, address, reason, first_seen_at, seen_at, attempts)
select * from jsonb_to_recordset($1::jsonb) as p(protocol text, identity text, address text, reason text,
  first_seen_at timestamptz, seen_at timestamptz, attempts bigint)
order by protocol, identity
on conflict (protocol, identity) do update set address = excluded.address, reason = excluded.reason,
  seen_at = excluded.seen_at, attempts = u.attempts + excluded.attempts`

/**
 * Those heard of longest ago make room, first those of an address that has many: a flood pushes out its own. By the rows' places, so
 * that there is nothing to join: while PostgreSQL takes the list for nearly empty, a join of it with itself took 20 s.
 */
const TRIM_UNKNOWN = `
delete from unknown_devices where ctid = any(array(
  select ctid from unknown_devices where ctid = any(array(
    select ctid from (
      select ctid, seen_at, row_number() over (partition by address order by seen_at desc) as of_address,
        row_number() over (order by seen_at desc) as of_all from unknown_devices) k
    where k.of_address > $1 or k.of_all > $2 or k.seen_at < now() - $3::interval))
  for update skip locked))`

/** What devices did, for installers and metrics: counted in memory, written behind the receipts every few seconds. */
export class DeviceActivity {
  readonly #pool: pg.Pool
  readonly #messages: DeviceMessages
  #pending = new Map<number, Pending>()
  #unknown = new Map<string, Unknown>()
  #unknownOf = new Map<string, number>()
  #alarms = new Map<string, Alarm>()
  #timer: NodeJS.Timeout | undefined
  /** Of this process, since it was told the last time. */
  #connected = new Map<number, Connected>()
  readonly #process = randomBytes(8).toString('hex')
  /** Called with a device that has connected to another process, some seconds later. */
  onElsewhere: ((connected: Connected) => void) | undefined

  constructor(pool: pg.Pool) {
    this.#pool = pool
    this.#messages = new DeviceMessages(pool)
  }

  /**
   * Hears which devices installers watch, in whichever process, and calls `onList` when the list of devices has changed.
   * @returns what ends it, and writes what was noted
   */
  listen(onList: () => void): { close(): Promise<void> } {
    const listener = hearOfDevices(
      this.#pool,
      (news) => {
        if (news.kind === 'watch') this.#messages.watch(news.deviceNumber)
        else if (news.kind === 'list') onList()
        else if (news.kind === 'connected' && news.process !== this.#process) this.onElsewhere?.(news)
      },
      onList,
    )
    return {
      close: async () => {
        await listener.close()
        await this.flush()
      },
    }
  }

  /** Takes note of a message that has been answered. */
  note(device: DevicePrincipal, outcome: Outcome): void {
    const { batch, refusals, receivedAt } = outcome
    countMessage(outcome.protocol, outcome.stored, outcome.duplicates, batch?.late ?? 0, outcome.tookMs)
    if (refusals.length > 0) countRefused(outcome.protocol, refusals)
    const pending = this.#of(device, outcome)
    pending.received += outcome.received
    pending.stored += outcome.stored
    pending.duplicates += outcome.duplicates
    pending.tookMs = outcome.tookMs
    if (batch?.latest) {
      pending.validAt = receivedAt
      // Where the protocol says when it sent, a backlog is no wrong clock.
      pending.clockOffsetMs = (batch.latest.sentAt ?? batch.latest.fixAt) - receivedAt
    } else if (batch && batch.size > 0) {
      pending.doubtfulAt = receivedAt
      pending.doubt = namedDoubts(batch.doubts.at(-1)!)[0] ?? null
      const said = batch.shown.at(-1)!
      pending.clockOffsetMs = (said.sentAt ?? said.fixAt) - receivedAt
    }
    if (batch && batch.doubtful > 0) {
      pending.doubtful += batch.doubtful
      for (const flags of batch.doubts)
        for (const doubt of namedDoubts(flags)) countReason(pending, `doubtful ${doubt}`, receivedAt)
    }
    // They count for everything, and the device wants mending all the same.
    for (let left = batch?.repaired ?? 0; left > 0; left--)
      countReason(pending, 'doubtful rollover-repaired', receivedAt)
    if (refusals.length > 0) {
      pending.refused += refusals.length
      pending.refusal = refusals[0]!.slice(0, 500)
      pending.refusedAt = receivedAt
      for (const reason of refusals) countReason(pending, `refused ${reason.slice(0, 200)}`, receivedAt)
    }
    this.#messages.hold(device, outcome)
    this.#later()
  }

  /** A device is there, though it has said nothing yet: it logged in, and every other process will hear of it. */
  noteConnected(
    device: DevicePrincipal,
    arrival: Pick<Outcome, 'protocol' | 'address' | 'receivedAt'>,
  ): void {
    this.#of(device, arrival)
    const { deviceNumber } = device
    const { receivedAt: at, address } = arrival
    this.#connected.set(deviceNumber, {
      kind: 'connected',
      deviceNumber,
      at,
      process: this.#process,
      address,
    })
    this.#later()
  }

  /** A device shows as refused, with the reason, until its next good message. */
  noteRefusal(
    device: DevicePrincipal,
    arrival: Pick<Outcome, 'protocol' | 'address' | 'receivedAt'>,
    reason: string,
  ): void {
    const pending = this.#of(device, arrival)
    pending.refusal = reason
    pending.refusedAt = arrival.receivedAt
    countReason(pending, `refused ${reason}`, arrival.receivedAt)
    this.#later()
  }

  /** Something is wrong around a device that people must be told of (server/alerts). `detail` says it in a sentence. */
  raise(device: DevicePrincipal, kind: AlarmKind, detail: string, at: Instant): void {
    const key = `${device.deviceNumber} ${kind}`
    const alarm = this.#alarms.get(key) ?? { device, kind, detail, firstAt: at, lastAt: at, count: 0 }
    alarm.count++
    alarm.lastAt = at
    this.#alarms.set(key, alarm)
    this.#later()
  }

  #of(
    device: DevicePrincipal,
    { protocol, address, receivedAt }: Pick<Outcome, 'protocol' | 'address' | 'receivedAt'>,
  ): Pending {
    let pending = this.#pending.get(device.deviceNumber)
    if (!pending) {
      pending = {
        device,
        protocol,
        address,
        seenAt: receivedAt,
        received: 0,
        stored: 0,
        duplicates: 0,
        refused: 0,
        doubtful: 0,
        clockOffsetMs: null,
        tookMs: null,
        refusal: null,
        refusedAt: null,
        validAt: null,
        doubtfulAt: null,
        doubt: null,
        reasons: null,
      }
      this.#pending.set(device.deviceNumber, pending)
    }
    pending.seenAt = receivedAt
    pending.address = address
    return pending
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
    this.listUnknown(protocol, identity, address, reason, at)
  }

  /** The same for one whose refusal is counted already. */
  listUnknown(
    protocol: DeviceProtocol,
    identity: string,
    address: string,
    reason: string,
    at: Instant,
  ): void {
    const shown = identity.slice(0, 256).replaceAll('\0', '\ufffd')
    const key = `${protocol} ${shown}`
    const known = this.#unknown.get(key)
    if (known) {
      known.attempts++
      known.seenAt = at
      known.address = address
      known.reason = reason
      return
    }
    const ofAddress = this.#unknownOf.get(address) ?? 0
    if (this.#unknown.size >= MOST_UNKNOWN || ofAddress >= MOST_UNKNOWN_OF_ADDRESS) return
    this.#unknownOf.set(address, ofAddress + 1)
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

  #later(): void {
    this.#timer ??= setTimeout(() => void this.flush(), FLUSH_MS).unref()
  }

  /** Writes what was noted. What can't be written is noted on. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    await this.#messages.flush()
    const [pending, unknown, alarms] = [this.#pending, this.#unknown, this.#alarms]
    if (pending.size + unknown.size + alarms.size === 0) return
    this.#pending = new Map()
    this.#alarms = new Map()
    this.#unknown = new Map()
    this.#unknownOf = new Map()
    const connected = [...this.#connected.values()]
    this.#connected.clear()
    try {
      if (connected.length > 0) await tellDevices(this.#pool, ...connected)
      if (alarms.size > 0) await this.#run(UPSERT_ALARMS, [...alarms.values()].map(alarmRow))
      alarms.clear()
      if (pending.size > 0) await this.#run(UPSERT, [...pending.values()].map(statusRow))
      const reasons = [...pending.values()].flatMap(reasonRows)
      if (reasons.length > 0) {
        await this.#run(UPSERT_REASONS, reasons)
        await this.#pool.query(
          within(STATEMENT_MS, {
            text: TRIM_REASONS,
            values: [reasons.map((reason) => reason.fleet_id), reasons.map((reason) => reason.device_id)],
          }),
        )
      }
      if (unknown.size > 0) {
        await this.#run(UPSERT_UNKNOWN, [...unknown.values()].map(unknownRow))
        await this.#pool.query(
          within(STATEMENT_MS, {
            text: TRIM_UNKNOWN,
            values: [MOST_UNKNOWN_OF_ADDRESS, KEPT_UNKNOWN, KEPT_UNKNOWN_FOR],
          }),
        )
      }
    } catch (error) {
      // A counter may be lost, an alarm not.
      for (const [key, alarm] of alarms) if (!this.#alarms.has(key)) this.#alarms.set(key, alarm)
      if (alarms.size > 0) this.#later()
      log.warn('what devices did could not be noted', { error: (error as Error).message })
    }
  }

  async #run(text: string, rows: readonly object[]): Promise<void> {
    await this.#pool.query(within(STATEMENT_MS, { text, values: [JSON.stringify(rows)] }))
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
  refusal: one.refusal?.replaceAll('\0', '\ufffd') ?? null,
  refused_at: dateOf(one.refusedAt),
  valid_at: dateOf(one.validAt),
  doubtful_at: dateOf(one.doubtfulAt),
  doubt: one.doubt,
})

const dateOf = (at: Instant | null) => (at === null ? null : new Date(at))

/** @param key the kind, a space and the reason */
function countReason(pending: Pending, key: string, at: Instant): void {
  pending.reasons ??= new Map()
  const { reasons } = pending
  const known = reasons.has(key) || reasons.size < MOST_REASONS
  const counted = known ? key : `${key.split(' ')[0]} for other reasons`
  const entry = reasons.get(counted) ?? { count: 0, lastAt: at }
  entry.count++
  entry.lastAt = at
  reasons.set(counted, entry)
}

const reasonRows = ({ device, reasons }: Pending) =>
  [...(reasons ?? [])].map(([key, { count, lastAt }]) => ({
    fleet_id: device.fleetId,
    device_id: device.deviceId,
    kind: key.slice(0, key.indexOf(' ')),
    // PostgreSQL's texts hold no NUL, and a field's name is the device's to choose.
    reason: key.slice(key.indexOf(' ') + 1).replaceAll('\0', '\ufffd'),
    count,
    last_at: new Date(lastAt),
  }))

const alarmRow = ({ device, kind, detail, firstAt, lastAt, count }: Alarm) => ({
  fleet_id: device.fleetId,
  device_id: device.deviceId,
  kind,
  since: new Date(firstAt),
  last_at: new Date(lastAt),
  count,
  detail: detail.slice(0, 500).replaceAll('\0', '\ufffd'),
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
