import type pg from 'pg'
import { REPLAYED, RefusedRequest } from '../auth/keys/refusal.ts'
import { nonceBytes, type Spend, spendNonce } from '../auth/nonces.ts'
import { type Db, within, withTransaction } from '../db/pool.ts'
import { AppError } from '../errors.ts'
import type { Batch, Columns } from './batch.ts'
import { Column, columnsOf } from './columns.ts'
import { LatestPositions } from './latest.ts'
import { commitSeconds, groupRows, measureQueue } from './metrics.ts'
import { StoreTrouble } from './trouble.ts'

/** Rows in one statement; more wait for the next. */
const GROUP_ROWS = 4_000
/** While one statement waits for the disk the next is made; more of them only wait for each other. */
const WRITERS = 2
/** What may wait for the disk. Beyond it the door says 503, and the devices keep what they have. */
const QUEUE_ROWS = 100_000
const QUEUE_BYTES = 64 << 20
/** What has waited in devices may fill so much of the queue: there is always room for what happens now. */
const BACKLOG_SHARE = 0.75
/** What happens now takes so much of a group before what has waited. */
const LIVE_SHARE = 0.75
/** One device may fill so much of it, however many connections it opens. */
const DEVICE_ROWS = 10_000
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

const INSERT = `insert into positions (${POSITION_COLUMNS})
  select * from unnest($1::timestamptz[], $2::int4[], $3::int4[], $4::int4[], $5::int4[], $6::int4[], $7::int4[],
    $8::int4[], $9::int4[], $10::int2[], $11::int2[], $12::int2[], $13::int2[], $14::int4[], $15::int4[], $16::int8[],
    $17::timestamptz[], $18::jsonb[])`
const VEHICLES = `unnest($19::int4[], $20::int8[], $21::int8[], $22::timestamptz[], $23::timestamptz[])
    as v(device_number, fleet_id, vehicle_id, earliest_at, latest_at)`
const RECHECK = `insert into vehicle_rechecks as r (fleet_id, vehicle_id, from_at, until_at)
  select fleet_id, vehicle_id, min(earliest_at), max(latest_at) from vehicle where earliest_at is not null
  group by fleet_id, vehicle_id
  on conflict (fleet_id, vehicle_id) do update set from_at = least(r.from_at, excluded.from_at),
    until_at = greatest(r.until_at, excluded.until_at)`

/**
 * One statement a group: it stores the positions and notes between which fixes each vehicle's driving must be derived again. This one
 * takes it that all of them are new, which costs PostgreSQL a third less; it fails as a whole where one is not.
 */
const STORE_NEW = `
with stored as (${INSERT}), vehicle as (select * from ${VEHICLES})
${RECHECK}`

/**
 * The same for groups that hold what is stored already: it answers how many rows of each device were new. Vehicles of which
 * nothing was new are not touched. It says the same when it is sent again.
 */
const STORE_ANY = `
with stored as (${INSERT} on conflict do nothing returning device_number),
counted as (select device_number, count(*)::int4 as stored from stored group by device_number),
vehicle as (select v.* from ${VEHICLES} join counted using (device_number)),
recheck as (${RECHECK})
select device_number as "deviceNumber", stored from counted`

/** The nonces of signed requests, used up in the statement that stores what they ask for (device-signatures section 5). */
const SPEND = `insert into device_nonces (fleet_id, key_ref, bucket, nonce)
  select * from unnest($24::int8[], $25::int8[], $26::int4[], $27::bytea[])`
/** First the nonces, as everywhere: of two instances with the same request one waits, and neither for the other in a circle. */
const STORE_NEW_SIGNED = STORE_NEW.replace('with ', () => `with spent as (${SPEND}),\n  `)
/** Alone and first in a transaction: the requests that are new; the others may store nothing. */
const SPEND_ANY = `${SPEND.replace(/\$2(\d)/g, (_, digit) => `$${Number(digit) - 3}`)}
  on conflict do nothing returning fleet_id as "fleetId", key_ref as "keyRef", nonce`

const DEADLOCK_TRIES = 3

/** A fleet that comes back repeats itself for a while: so many groups are not taken for new after one that was not. */
const CAREFUL_GROUPS = 30

interface Waiting {
  /** Of one request: of one device, or of several behind one gateway. All of them are stored, or none. */
  batches: readonly Batch[]
  /** What makes the request unrepeatable, if it is signed. */
  spend: Spend | null
  rows: number
  bytes: number
  resolve: (stored: number[]) => void
  reject: (error: Error) => void
}

/**
 * Heartbeats of concurrent requests share a transaction: written at once when idle, gathered while a write is under way.
 * A promise resolves after the commit, with the number of rows that were new. At most one batch of a vehicle is in
 * a group, and what happens now is written before what has waited in devices: so a device's counts are its request's, and nobody's
 * backlog starves another.
 */
export class Receiver {
  readonly #pool: pg.Pool
  /** What happens now is written first; what has waited in devices fills the groups up. */
  #live: Waiting[] = []
  #backlog: Waiting[] = []
  readonly #rowsOfDevice = new Map<number, number>()
  #rows = 0
  #bytes = 0
  #writing = 0
  readonly #beingWritten = new Set<number>()
  #careful = 0
  #idle: (() => void)[] = []
  readonly #latest: LatestPositions
  readonly #trouble = new StoreTrouble()

  constructor(pool: pg.Pool) {
    this.#pool = pool
    this.#latest = new LatestPositions(pool)
    measureQueue(() => ({ rows: this.#rows, bytes: this.#bytes }))
  }

  /** Rows that wait for the disk. */
  get depth(): number {
    return this.#rows
  }

  /**
   * Stores a batch durably.
   * @param spend of a signed request: the nonce is used up in the same transaction
   * @returns how many of its rows were new
   * @throws AppError busy when too much waits already, or when the database is away: nothing is acknowledged, send it again;
   *   RefusedRequest replayed if the request has been here before
   */
  async store(batch: Batch, spend: Spend | null = null): Promise<number> {
    return (await this.storeAll([batch], spend))[0]!
  }

  /** The same for the batches of one request, each of another device: all of them or none. */
  storeAll(batches: readonly Batch[], spend: Spend | null): Promise<number[]> {
    let [rows, late, bytes] = [0, 0, 0]
    for (const batch of batches) {
      rows += batch.size
      late += batch.late
      bytes += batch.byteLength
    }
    if (rows === 0) return this.#storeNothing(batches, spend)
    const isLive = late < rows
    const share = isLive ? 1 : BACKLOG_SHARE
    if (
      this.#rows + rows > QUEUE_ROWS * share ||
      this.#bytes + bytes > QUEUE_BYTES * share ||
      batches.some((batch) => this.#rowsWith(batch) > DEVICE_ROWS)
    ) {
      return Promise.reject(
        new AppError('busy', 'Too much is waiting to be stored: send it again in a moment.'),
      )
    }
    return new Promise((resolve, reject) => {
      const lane = isLive ? this.#live : this.#backlog
      lane.push({ batches, spend, rows, bytes, resolve, reject })
      for (const batch of batches) this.#rowsOfDevice.set(batch.device.deviceNumber, this.#rowsWith(batch))
      this.#rows += rows
      this.#bytes += bytes
      this.#pump()
    })
  }

  #rowsWith({ device, size }: Batch): number {
    return (this.#rowsOfDevice.get(device.deviceNumber) ?? 0) + size
  }

  /** A signed request is used up though nothing of it can be stored. */
  async #storeNothing(batches: readonly Batch[], spend: Spend | null): Promise<number[]> {
    if (spend && !(await spendNonce(this.#pool, spend))) throw new RefusedRequest(REPLAYED)
    return batches.map(() => 0)
  }

  /** Resolves when everything taken has been answered, and shows. */
  async drained(): Promise<void> {
    if (this.#writing > 0 || this.#rows > 0) {
      await new Promise<void>((resolve) => this.#idle.push(resolve))
    }
    await this.#latest.flushed()
  }

  #pump(): void {
    if (this.#writing >= WRITERS) return
    if (this.#rows === 0) {
      for (const tell of this.#idle.splice(0)) tell()
      return
    }
    const group: Waiting[] = []
    // However much happens now, what has waited gets a part of each group.
    let rows = this.#fill(group, this.#live, 0, GROUP_ROWS * LIVE_SHARE)
    rows = this.#fill(group, this.#backlog, rows, GROUP_ROWS)
    this.#fill(group, this.#live, rows, GROUP_ROWS)
    if (group.length === 0) return
    this.#writing++
    void this.#write(group).finally(() => {
      for (const one of group) this.#leave(one)
      this.#writing--
      this.#pump()
    })
  }

  /** Moves what fits from a lane to a group that has `rows` already; one batch a vehicle, the first that came first. */
  #fill(group: Waiting[], lane: Waiting[], rows: number, most: number): number {
    const later: Waiting[] = []
    let at = 0
    for (; at < lane.length && rows < most; at++) {
      const one = lane[at]!
      const isTaken = one.batches.some(({ device }) => this.#beingWritten.has(device.vehicleId))
      if (isTaken || (rows > 0 && rows + one.rows > most)) {
        later.push(one)
        continue
      }
      for (const { device } of one.batches) this.#beingWritten.add(device.vehicleId)
      rows += one.rows
      group.push(one)
    }
    lane.splice(0, at, ...later)
    return rows
  }

  #leave({ batches, rows, bytes }: Waiting): void {
    this.#rows -= rows
    this.#bytes -= bytes
    for (const { device, size } of batches) {
      this.#beingWritten.delete(device.vehicleId)
      const left = this.#rowsOfDevice.get(device.deviceNumber)! - size
      if (left > 0) this.#rowsOfDevice.set(device.deviceNumber, left)
      else this.#rowsOfDevice.delete(device.deviceNumber)
    }
  }

  async #write(group: readonly Waiting[], tries = DEADLOCK_TRIES): Promise<void> {
    const begun = this.#trouble.begin(group.length)
    try {
      const answers = await this.#store(group)
      this.#trouble.stored(begun)
      for (const [at, { batches, resolve, reject }] of group.entries()) {
        const stored = answers[at]
        if (!stored) {
          reject(new RefusedRequest(REPLAYED))
          continue
        }
        for (const [index, added] of stored.entries()) if (added > 0) this.#latest.add(batches[index]!)
        resolve(stored)
      }
    } catch (error) {
      if (group.length > 1 && isOfOneBatch(error)) {
        this.#trouble.stored(begun)
        // One of them can't be stored (its vehicle was removed meanwhile, say): the others must not suffer for it.
        for (const one of group) await this.#write([one])
        return
      }
      if (isDeadlock(error) && tries > 1) {
        this.#trouble.stored(begun)
        return await this.#write(group, tries - 1)
      }
      this.#trouble.failed(begun, error)
      for (const { reject } of group) {
        reject(new AppError('busy', 'The store is away: nothing of this was kept, send it again.'))
      }
    }
  }

  /** How many rows of each batch of each request were new; null for a request that has been here before. */
  async #store(group: readonly Waiting[]): Promise<(number[] | null)[]> {
    const from = performance.now()
    groupRows.observe(group.reduce((sum, { rows }) => sum + rows, 0))
    try {
      return await this.#storeGroup(group)
    } finally {
      commitSeconds.observe((performance.now() - from) / 1_000)
    }
  }

  async #storeGroup(group: readonly Waiting[]): Promise<(number[] | null)[]> {
    if (this.#careful === 0) {
      try {
        const isSigned = group.some(({ spend }) => spend !== null)
        const values = parametersOf(group)
        if (isSigned)
          await this.#run(this.#pool, 'store-new-signed', STORE_NEW_SIGNED, [...values, ...noncesOf(group)])
        else await this.#run(this.#pool, 'store-new-positions', STORE_NEW, values)
        return group.map(({ batches }) => batches.map(({ size }) => size))
      } catch (error) {
        if (!isDuplicate(error)) throw error
        // A replay makes nobody careful, so that nobody can slow the door down by repeating himself.
        if (!isReplay(error)) this.#careful = CAREFUL_GROUPS
      }
    } else this.#careful--
    if (group.some(({ spend }) => spend !== null)) return await this.#storeSigned(group)
    return await this.#storeAny(this.#pool, group)
  }

  /** In one transaction: which requests are new, and then what those ask to store. */
  async #storeSigned(group: readonly Waiting[]): Promise<(number[] | null)[]> {
    return await withTransaction(this.#pool, async (tx) => {
      const { rows } = await this.#run<{ fleetId: number; keyRef: number; nonce: Buffer }>(
        tx,
        'spend-nonces',
        SPEND_ANY,
        noncesOf(group),
      )
      const fresh = new Set(
        rows.map(({ fleetId, keyRef, nonce }) => `${fleetId} ${keyRef} ${nonce.toString('latin1')}`),
      )
      const taken = group.filter(({ spend }) => {
        // Taken out, so that of two of the same in one group one is new.
        return spend === null || fresh.delete(`${spend.fleetId} ${spend.keyRef} ${spend.nonce}`)
      })
      const stored = taken.length === 0 ? [] : await this.#storeAny(tx, taken)
      const answers = new Map(taken.map((one, at) => [one, stored[at]!]))
      return group.map((one) => answers.get(one) ?? null)
    })
  }

  async #storeAny(db: Db, group: readonly Waiting[]): Promise<number[][]> {
    const { rows } = await this.#run<{ deviceNumber: number; stored: number }>(
      db,
      'store-any-positions',
      STORE_ANY,
      parametersOf(group),
    )
    const counts = new Map(rows.map(({ deviceNumber, stored }) => [deviceNumber, stored]))
    return group.map(({ batches }) => batches.map(({ device }) => counts.get(device.deviceNumber) ?? 0))
  }

  #run<Row extends pg.QueryResultRow>(
    db: Db,
    name: string,
    text: string,
    values: Buffer[],
  ): Promise<pg.QueryResult<Row>> {
    return db.query<Row>(within(STATEMENT_MS, { name, text, values }))
  }
}

/** PostgreSQL ended us so that another instance could go on; nothing was stored. */
const isDeadlock = (error: unknown) => /^40/.test(String((error as { code?: unknown }).code))

const isDuplicate = (error: unknown) => (error as { code?: unknown }).code === '23505'

const isReplay = (error: unknown) => /^device_nonces/.test(String((error as { table?: unknown }).table))

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

/** The nonces of a group, in one order in every group, so that two processes never wait for each other's. */
function noncesOf(group: readonly Waiting[]): Buffer[] {
  const spends = group.flatMap(({ spend }) => spend ?? [])
  spends.sort((a, b) => a.fleetId - b.fleetId || a.keyRef - b.keyRef || (a.nonce < b.nonce ? -1 : 1))
  const nonces = new Column('bytea', spends.length * 32)
  for (const { nonce } of spends) nonces.bytea(nonceBytes(nonce))
  return [
    ...columnsOf(spends, {
      fleetId: ['int8', ({ fleetId }) => fleetId],
      keyRef: ['int8', ({ keyRef }) => keyRef],
      bucket: ['int4', ({ bucket }) => bucket],
    }),
    Column.joined([nonces]),
  ]
}

function parametersOf(group: readonly Waiting[]): Buffer[] {
  const batches = group.flatMap((one) => one.batches)
  const names = Object.keys(batches[0]!.columns) as (keyof Columns)[]
  const positions = names.map((name) => Column.joined(batches.map((batch) => batch.columns[name])))
  // In one order in every group, so that two processes never wait for each other's vehicles.
  const ordered = [...batches].sort((a, b) => a.device.vehicleId - b.device.vehicleId)
  return [
    ...positions,
    ...columnsOf(ordered, {
      deviceNumber: ['int4', ({ device }) => device.deviceNumber],
      fleetId: ['int8', ({ device }) => device.fleetId],
      vehicleId: ['int8', ({ device }) => device.vehicleId],
      earliestAt: ['timestamptz', ({ earliestAt }) => earliestAt],
      latestAt: ['timestamptz', ({ latest }) => latest?.fixAt ?? null],
    }),
  ]
}
