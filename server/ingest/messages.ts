import type pg from 'pg'
import type { DevicePrincipal } from '../auth/principal.ts'
import { newId } from '../db/id.ts'
import { withTransaction } from '../db/pool.ts'
import { tellDevices } from '../fleet/device-news.ts'
import type { DeviceReading } from '../fleet/devices-schema.ts'
import { log } from '../log.ts'
import type { Batch, Point } from './batch.ts'
import { IGNITION_KNOWN, IGNITION_ON, namedDoubts } from './judge.ts'
import type { Outcome } from './status.ts'

/** Of a message only its beginning is kept. */
const MOST_RAW_BYTES = 1_024
const MOST_ATTRIBUTES = 1_024
const KEPT = 20
/** One message of so long is enough to see that a device works; of one that is watched, or refused, each is held. */
const HELD_EVERY_MS = 10_000
/** Devices whose last messages are held; those heard of longest ago make room. */
const MOST_DEVICES = 2_000
/** A watcher says every few seconds that it is there. */
const WATCHED_FOR_MS = 15_000
const MOST_WATCHED = 1_000
/** What a watched device says is written together. */
const WRITE_AFTER_MS = 100
const MOST_WRITTEN = 500

interface Held {
  id: number
  device: DevicePrincipal
  receivedAt: number
  row: object
  written: boolean
}

const INSERT = `
insert into device_messages (fleet_id, device_id, id, received_at, protocol, address, raw, raw_bytes, received, stored,
  duplicates, refusal, readings, acknowledged_in_ms)
select m.* from jsonb_to_recordset($1::jsonb) as m(fleet_id bigint, device_id bigint, id bigint, received_at timestamptz,
  protocol text, address text, raw text, raw_bytes integer, received integer, stored integer, duplicates integer,
  refusal text, readings jsonb, acknowledged_in_ms real)
join devices d on d.fleet_id = m.fleet_id and d.id = m.device_id
on conflict do nothing`

const TRIM = `
delete from device_messages m
using unnest($1::bigint[], $2::bigint[]) as d(fleet_id, device_id)
where m.fleet_id = d.fleet_id and m.device_id = d.device_id and m.id < (
  select k.id from device_messages k where k.fleet_id = d.fleet_id and k.device_id = d.device_id
  order by k.id desc offset ${KEPT - 1} limit 1)`

/**
 * The last messages of devices, as they came. They are held in memory by the process that received them, and written down for
 * the installer when somebody watches the device, or when something was refused: the others cost no write.
 */
export class DeviceMessages {
  readonly #pool: pg.Pool
  readonly #rings = new Map<number, Held[]>()
  readonly #watchedUntil = new Map<number, number>()
  /** Devices with something to write. */
  readonly #due = new Set<number>()
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> = Promise.resolve()

  constructor(pool: pg.Pool) {
    this.#pool = pool
  }

  /** Somebody looks at this device: what is held of it is written now, and what comes as it comes. */
  watch(deviceNumber: number): void {
    const at = performance.now()
    const isNew = (this.#watchedUntil.get(deviceNumber) ?? 0) < at
    this.#watchedUntil.delete(deviceNumber)
    if (this.#watchedUntil.size >= MOST_WATCHED)
      this.#watchedUntil.delete(this.#watchedUntil.keys().next().value!)
    this.#watchedUntil.set(deviceNumber, at + WATCHED_FOR_MS)
    if (isNew && this.#rings.has(deviceNumber)) this.#write(deviceNumber)
  }

  hold(device: DevicePrincipal, outcome: Outcome): void {
    const { deviceNumber } = device
    const isWatched =
      this.#watchedUntil.size > 0 && (this.#watchedUntil.get(deviceNumber) ?? 0) >= performance.now()
    const isRefused = outcome.refusals.length > 0
    let ring = this.#rings.get(deviceNumber)
    const last = ring?.at(-1)
    if (!isWatched && !isRefused && last && outcome.receivedAt - last.receivedAt < HELD_EVERY_MS) return
    // The map keeps its order: who is heard of again goes to its end.
    if (ring) this.#rings.delete(deviceNumber)
    else ring = []
    if (this.#rings.size >= MOST_DEVICES) this.#rings.delete(this.#rings.keys().next().value!)
    this.#rings.set(deviceNumber, ring)
    const id = newId()
    ring.push({
      id,
      device,
      receivedAt: outcome.receivedAt,
      row: rowOf(device, id, outcome),
      written: false,
    })
    if (ring.length > KEPT) ring.shift()
    if (isWatched || isRefused) this.#write(deviceNumber)
  }

  #write(deviceNumber: number): void {
    if (this.#due.size >= MOST_DEVICES) return
    this.#due.add(deviceNumber)
    this.#timer ??= setTimeout(() => void this.flush(), WRITE_AFTER_MS).unref()
  }

  /** Writes what is due; resolves when it shows. What can't be written is left out. */
  flush(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#flush())
    return this.#writing
  }

  async #flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const numbers = [...this.#due]
    this.#due.clear()
    const messages = numbers
      .flatMap((number) => this.#rings.get(number) ?? [])
      .filter(({ written }) => !written)
      .slice(-MOST_WRITTEN)
    if (messages.length === 0) return
    for (const message of messages) message.written = true
    const devices = new Map(messages.map(({ device }) => [device.deviceNumber, device]))
    try {
      await withTransaction(this.#pool, async (tx) => {
        await tx.query(INSERT, [JSON.stringify(messages.map(({ row }) => row))])
        await tx.query(TRIM, [
          [...devices.values()].map(({ fleetId }) => fleetId),
          [...devices.values()].map(({ deviceId }) => deviceId),
        ])
        await tellDevices(
          tx,
          ...[...devices.keys()].map((deviceNumber) => ({ kind: 'said', deviceNumber }) as const),
        )
      })
    } catch (error) {
      log.warn('messages of devices could not be written down', { error: (error as Error).message })
    }
  }
}

/** A token may stand in an address; it is nobody's to read. */
const TOKEN = /\b(rl|fdt)_\w{1,11}_[\w-]{1,80}/g

const rowOf = (device: DevicePrincipal, id: number, outcome: Outcome) => {
  const head = outcome.raw.subarray(0, MOST_RAW_BYTES)
  const raw = outcome.protocol === 'teltonika' ? head.toString('hex') : head.toString('utf8')
  return {
    fleet_id: device.fleetId,
    device_id: device.deviceId,
    id,
    received_at: new Date(outcome.receivedAt),
    protocol: outcome.protocol,
    address: outcome.address,
    // PostgreSQL's texts hold no NUL.
    raw: raw.replace(TOKEN, '$1_…').replaceAll('\0', '\ufffd'),
    raw_bytes: outcome.raw.length,
    received: outcome.received,
    stored: outcome.stored,
    duplicates: outcome.duplicates,
    refusal: outcome.refusals[0]?.slice(0, 500) ?? null,
    readings: outcome.batch ? readingsOf(outcome.batch) : [],
    acknowledged_in_ms: outcome.tookMs,
  }
}

const readingsOf = ({ shown, shownFlags }: Batch): DeviceReading[] =>
  shown.map((point, i) => readingOf(point, shownFlags[i]!))

const scaled = (value: number | null, by: number) => (value === null ? null : value / by)

const readingOf = (point: Point, flags: number): DeviceReading => ({
  fixAt: point.fixAt,
  sentAt: point.sentAt,
  latitude: scaled(point.latitudeE7, 1e7),
  longitude: scaled(point.longitudeE7, 1e7),
  speedKph: scaled(point.speedCkph, 100),
  headingDegrees: point.headingDeg,
  altitudeMeters: point.altitudeM,
  accuracyMeters: scaled(point.accuracyDm, 10),
  odometerMeters: point.odometerM,
  ignition: flags & IGNITION_KNOWN ? (flags & IGNITION_ON) !== 0 : null,
  doubts: namedDoubts(flags),
  attributes:
    point.attributes !== null && point.attributes.length <= MOST_ATTRIBUTES
      ? (JSON.parse(point.attributes) as Record<string, unknown>)
      : null,
})
