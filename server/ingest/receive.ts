import type pg from 'pg'
import { AppError } from '../errors.ts'
import type { Instant } from '../time/instant.ts'
import type { Batch, Columns } from './batch.ts'
import { Column } from './columns.ts'

/** Rows in one statement; more wait for the next. */
const GROUP_ROWS = 4_000
/** While one statement waits for the disk the next is made; more of them only wait for each other. */
const WRITERS = 2
/** What may wait for the disk. Beyond it the door says 503, and the devices keep what they have. */
const QUEUE_ROWS = 100_000
const QUEUE_BYTES = 64 << 20
/** A database that does not answer within this is away. */
const STATEMENT_MS = 20_000

const POSITION_COLUMNS = [
  'received_at',
  'fleet_number',
  'device_number',
  'fix_second',
  'digest',
  'latitude_e7',
  'longitude_e7',
  'speed_ckph',
  'odometer_m',
  'fix_ms',
  'heading_deg',
  'flags',
  'altitude_m',
  'accuracy_dm',
  'engine_seconds',
  'sequence',
  'sent_at',
  'attributes',
].join(', ')

/**
 * One statement a group: it stores what is new, moves each vehicle's latest position forward, notes from where its driving
 * must be derived again, tells the other processes, and answers how many rows of each device were new. Vehicles
 * of which nothing was new are not touched. It says the same when it is sent again.
 */
const STORE = `
with stored as (
  insert into positions (${POSITION_COLUMNS})
  select * from unnest($1::timestamptz[], $2::int4[], $3::int4[], $4::int4[], $5::int4[], $6::int4[], $7::int4[],
    $8::int4[], $9::int4[], $10::int2[], $11::int2[], $12::int2[], $13::int2[], $14::int4[], $15::int4[], $16::int8[],
    $17::timestamptz[], $18::jsonb[])
  on conflict do nothing
  returning device_number
), counted as (
  select device_number, count(*)::int4 as stored from stored group by device_number
), vehicle as (
  select v.* from unnest($19::int4[], $20::int8[], $21::int8[], $22::int8[], $23::timestamptz[], $24::timestamptz[],
    $25::timestamptz[], $26::int4[], $27::int4[], $28::int4[], $29::int4[], $30::int2[], $31::int2[])
    as v(device_number, fleet_id, vehicle_id, device_id, earliest_at, fix_at, received_at, latitude_e7, longitude_e7,
      odometer_m, speed_ckph, heading_deg, flags)
  join counted using (device_number)
), latest as (
  insert into latest_positions as l (fleet_id, vehicle_id, device_id, fix_at, received_at, latitude_e7, longitude_e7,
    odometer_m, speed_ckph, heading_deg, flags)
  select fleet_id, vehicle_id, device_id, fix_at, received_at, latitude_e7, longitude_e7, odometer_m, speed_ckph,
    heading_deg, flags from vehicle where fix_at is not null
  on conflict (fleet_id, vehicle_id) do update set device_id = excluded.device_id, fix_at = excluded.fix_at,
    received_at = excluded.received_at, latitude_e7 = excluded.latitude_e7, longitude_e7 = excluded.longitude_e7,
    odometer_m = excluded.odometer_m, speed_ckph = excluded.speed_ckph, heading_deg = excluded.heading_deg,
    flags = excluded.flags, revision = pg_current_xact_id()::text::bigint
  where l.fix_at < excluded.fix_at
), recheck as (
  insert into vehicle_rechecks as r (fleet_id, vehicle_id, from_at)
  select fleet_id, vehicle_id, earliest_at from vehicle where earliest_at is not null
  on conflict (fleet_id, vehicle_id) do update set from_at = least(r.from_at, excluded.from_at)
), told as (
  select pg_notify('restline', fleet_id::text) from (select distinct fleet_id from vehicle) as f
)
select device_number as "deviceNumber", stored, (select count(*) from told) as told from counted`

interface Waiting {
  batch: Batch
  bytes: number
  resolve: (stored: number) => void
  reject: (error: Error) => void
}

/**
 * Heartbeats of concurrent requests share a transaction: written at once when idle, gathered while a write is under way.
 * A promise resolves after the commit, with the number of rows that were new. At most one batch of a vehicle is in
 * a group: so a device's counts are its request's, and nobody's backlog starves another.
 */
export class Receiver {
  readonly #pool: pg.Pool
  #waiting: Waiting[] = []
  #rows = 0
  #bytes = 0
  #writing = 0
  readonly #beingWritten = new Set<number>()
  #idle: (() => void)[] = []

  constructor(pool: pg.Pool) {
    this.#pool = pool
  }

  /** Rows that wait for the disk. */
  get depth(): number {
    return this.#rows
  }

  /**
   * Stores a batch durably.
   * @returns how many of its rows were new
   * @throws AppError busy when too much waits already, or when the database is away: nothing is acknowledged, send it again
   */
  store(batch: Batch): Promise<number> {
    if (batch.size === 0) return Promise.resolve(0)
    const bytes = batch.byteLength
    if (this.#rows + batch.size > QUEUE_ROWS || this.#bytes + bytes > QUEUE_BYTES) {
      return Promise.reject(
        new AppError('busy', 'Too much is waiting to be stored: send it again in a moment.'),
      )
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ batch, bytes, resolve, reject })
      this.#rows += batch.size
      this.#bytes += bytes
      this.#pump()
    })
  }

  /** Resolves when everything taken has been answered. */
  async drained(): Promise<void> {
    if (this.#writing > 0 || this.#waiting.length > 0) {
      await new Promise<void>((resolve) => this.#idle.push(resolve))
    }
  }

  #pump(): void {
    if (this.#writing >= WRITERS) return
    if (this.#waiting.length === 0) {
      if (this.#writing === 0) for (const tell of this.#idle.splice(0)) tell()
      return
    }
    const group: Waiting[] = []
    const later: Waiting[] = []
    const vehicles = new Set(this.#beingWritten)
    let rows = 0
    for (const one of this.#waiting) {
      const { size, device } = one.batch
      if (vehicles.has(device.vehicleId) || (rows > 0 && rows + size > GROUP_ROWS)) {
        later.push(one)
        continue
      }
      vehicles.add(device.vehicleId)
      rows += size
      group.push(one)
    }
    this.#waiting = later
    if (group.length === 0) return
    for (const { batch } of group) this.#beingWritten.add(batch.device.vehicleId)
    this.#writing++
    void this.#write(group).finally(() => {
      for (const { batch, bytes } of group) {
        this.#beingWritten.delete(batch.device.vehicleId)
        this.#rows -= batch.size
        this.#bytes -= bytes
      }
      this.#writing--
      this.#pump()
    })
  }

  async #write(group: readonly Waiting[]): Promise<void> {
    try {
      const stored = await this.#store(group)
      for (const { batch, resolve } of group) resolve(stored.get(batch.device.deviceNumber) ?? 0)
    } catch (error) {
      if (group.length > 1 && isOfOneBatch(error)) {
        // One of them can't be stored (its vehicle was removed meanwhile, say): the others must not suffer for it.
        for (const one of group) await this.#write([one])
        return
      }
      console.error(`storing ${group.length} reports failed: ${(error as Error).message}`)
      for (const { reject } of group) {
        reject(new AppError('busy', 'The store is away: nothing of this was kept, send it again.'))
      }
    }
  }

  async #store(group: readonly Waiting[]): Promise<Map<number, number>> {
    const { rows } = await this.#pool.query<{ deviceNumber: number; stored: number }>({
      name: 'store-positions',
      text: STORE,
      values: parametersOf(group.map(({ batch }) => batch)),
      // The pool's own way to say so.
      query_timeout: STATEMENT_MS,
    } as pg.QueryConfig)
    return new Map(rows.map(({ deviceNumber, stored }) => [deviceNumber, stored]))
  }
}

/** PostgreSQL answered, and it is about the rows (class 22, 23, or a deadlock): not about the connection. */
function isOfOneBatch(error: unknown): boolean {
  const code = (error as { code?: unknown }).code
  return typeof code === 'string' && /^(22|23|40)/.test(code)
}

const receivers = new WeakMap<pg.Pool, Receiver>()

/** The process's one receiver of a pool: all doors share its groups. */
export function receiverOf(pool: pg.Pool): Receiver {
  let receiver = receivers.get(pool)
  if (!receiver) {
    receiver = new Receiver(pool)
    receivers.set(pool, receiver)
  }
  return receiver
}

function parametersOf(batches: readonly Batch[]): Buffer[] {
  const names = Object.keys(batches[0]!.columns) as (keyof Columns)[]
  const positions = names.map((name) => Column.joined(batches.map((batch) => batch.columns[name])))
  // In one order in every group, so that two processes never wait for each other's vehicles.
  const ordered = [...batches].sort((a, b) => a.device.vehicleId - b.device.vehicleId)
  const whole = (
    type: 'int2' | 'int4' | 'int8' | 'timestamptz',
    read: (batch: Batch) => Instant | number | null,
  ) => {
    const column = new Column(type, ordered.length * 12)
    for (const batch of ordered) column[type](read(batch))
    return Column.joined([column])
  }
  return [
    ...positions,
    whole('int4', (batch) => batch.device.deviceNumber),
    whole('int8', (batch) => batch.device.fleetId),
    whole('int8', (batch) => batch.device.vehicleId),
    whole('int8', (batch) => batch.device.deviceId),
    whole('timestamptz', (batch) => batch.earliestAt),
    whole('timestamptz', (batch) => batch.latest?.fixAt ?? null),
    whole('timestamptz', (batch) => batch.receivedAt),
    whole('int4', (batch) => batch.latest?.latitudeE7 ?? null),
    whole('int4', (batch) => batch.latest?.longitudeE7 ?? null),
    whole('int4', (batch) => batch.latest?.odometerM ?? null),
    whole('int4', (batch) => batch.latest?.speedCkph ?? null),
    whole('int2', (batch) => batch.latest?.headingDeg ?? null),
    whole('int2', (batch) => batch.latest?.flags ?? null),
  ]
}
