import type pg from 'pg'
import { nonceBytes, type Spend } from '../auth/nonces.ts'
import { type Db, within, withTransaction } from '../db/pool.ts'
import type { Batch } from './batch.ts'
import { Column, columnsOf } from './columns.ts'
import { Months } from './months.ts'
import { pipelined, type Step } from './pipeline.ts'
import { columnsOfRows, copyMessages, POSITION_COLUMNS } from './rows.ts'

/** A database that does not answer within this is away. */
const STATEMENT_MS = 20_000
/** A fleet that comes back repeats itself for a while: so many groups are not taken for new after one that was not. */
const CAREFUL_GROUPS = 30

const COLUMNS = POSITION_COLUMNS.map(([name]) => name).join(', ')

/**
 * What a group leaves behind for the worker: one row for all its vehicles of a fleet, between which fixes their driving must be derived
 * again. Nobody waits for anybody with it; the worker makes one note for each vehicle of it (server/logs/recheck.ts).
 */
const noteOf = (vehicle: string) => `insert into recheck_notes (fleet_id, vehicle_ids, from_at, until_at)
  select fleet_id, array_agg(vehicle_id), array_agg(earliest_at), array_agg(latest_at) from ${vehicle}
  where earliest_at is not null group by fleet_id`
const NOTE = noteOf(
  'unnest($1::int8[], $2::int8[], $3::timestamptz[], $4::timestamptz[]) as v(fleet_id, vehicle_id, earliest_at, latest_at)',
)

/**
 * For groups that hold what is stored already, or dates without a month of their own: it answers how many rows of each device were
 * new. Vehicles of which nothing was new are not noted. It says the same when it is sent again.
 */
const STORE_ANY = `
with stored as (
  insert into positions (${COLUMNS})
  select * from unnest(${POSITION_COLUMNS.map(([, type], at) => `$${at + 1}::${type}[]`).join(', ')})
  on conflict do nothing returning device_number
),
counted as (select device_number, count(*)::int4 as stored from stored group by device_number),
vehicle as (
  select v.* from unnest($19::int8[], $20::int8[], $21::timestamptz[], $22::timestamptz[], $23::int4[])
    as v(fleet_id, vehicle_id, earliest_at, latest_at, device_number)
  join counted using (device_number)
),
noted as (${noteOf('vehicle')})
select device_number as "deviceNumber", stored from counted`

/** The nonces of signed requests, used up in the transaction that stores what they ask for (device-signatures section 5). */
const SPEND = `insert into device_nonces (fleet_id, key_ref, bucket, nonce)
  select * from unnest($1::int8[], $2::int8[], $3::int4[], $4::bytea[])`
/** Alone and first in a transaction: the requests that are new; the others may store nothing. */
const SPEND_ANY = `${SPEND} on conflict do nothing returning fleet_id as "fleetId", key_ref as "keyRef", nonce`

/** What one request asks to store: all of it, or nothing. */
export interface Request {
  /** Of one device, or of several behind one gateway. */
  batches: readonly Batch[]
  /** What makes the request unrepeatable, if it is signed. */
  spend: Spend | null
}

/** How many rows of each batch were new; null for a request that has been here before. */
export type Stored = number[] | null

/**
 * Stores groups of requests, each in one transaction. A group is taken for new first and copied into the months that it belongs to; that
 * costs PostgreSQL half of what an upsert does, and fails as a whole where something of it is stored already. Then, and for a while
 * after it, groups go the careful way.
 */
export class PositionStore {
  readonly #pool: pg.Pool
  readonly #months: Months
  #careful = 0

  constructor(pool: pg.Pool) {
    this.#pool = pool
    this.#months = new Months(pool, STATEMENT_MS)
  }

  /** Resolves after the commit; @throws what PostgreSQL says, and nothing of the group is stored */
  async store(group: readonly Request[]): Promise<Stored[]> {
    if (this.#careful > 0) this.#careful--
    else {
      const copied = await this.#copy(group)
      if (copied) return copied
    }
    if (group.some(({ spend }) => spend !== null)) return await this.#storeSigned(group)
    return await this.#storeAny(this.#pool, group)
  }

  /** Undefined if it can't be done so: something is stored already, or has no month. */
  async #copy(group: readonly Request[]): Promise<Stored[] | undefined> {
    const batches = group.flatMap((one) => one.batches)
    const messages = copyMessages(batches.map(({ rows }) => rows))
    if (!(await this.#months.haveAll([...messages.keys()]))) return undefined
    const spends = group.flatMap(({ spend }) => spend ?? [])
    // First the nonces, as everywhere: of two instances with the same request one waits, and neither for the other in a circle.
    const steps: Step[] =
      spends.length > 0 ? [{ name: 'spend-nonces', text: SPEND, values: noncesOf(spends) }] : []
    for (const [table, copy] of messages)
      steps.push({
        name: `copy ${table}`,
        text: `copy ${table} (${COLUMNS}) from stdin (format binary)`,
        values: [],
        copy,
      })
    if (batches.some(({ earliestAt }) => earliestAt !== null))
      steps.push({ name: 'note-rechecks', text: NOTE, values: vehiclesOf(batches) })
    try {
      await pipelined(this.#pool, STATEMENT_MS, steps)
      return group.map((one) => one.batches.map(({ size }) => size))
    } catch (error) {
      if (isWithoutMonth(error)) this.#months.forget()
      // A replay makes nobody careful, so that nobody can slow the door down by repeating himself.
      else if (isDuplicate(error) && !isReplay(error)) this.#careful = CAREFUL_GROUPS
      else if (!isReplay(error)) throw error
      return undefined
    }
  }

  /** In one transaction: which requests are new, and then what those ask to store. */
  async #storeSigned(group: readonly Request[]): Promise<Stored[]> {
    return await withTransaction(this.#pool, async (tx) => {
      const { rows } = await this.#run<{ fleetId: number; keyRef: number; nonce: Buffer }>(
        tx,
        'spend-nonces-any',
        SPEND_ANY,
        noncesOf(group.flatMap(({ spend }) => spend ?? [])),
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

  async #storeAny(db: Db, group: readonly Request[]): Promise<number[][]> {
    const batches = group.flatMap((one) => one.batches)
    const { rows } = await this.#run<{ deviceNumber: number; stored: number }>(
      db,
      'store-any-positions',
      STORE_ANY,
      [
        ...columnsOfRows(batches.map((batch) => batch.rows)),
        ...vehiclesOf(batches),
        ...columnsOf(batches, { deviceNumber: ['int4', ({ device }) => device.deviceNumber] }),
      ],
    )
    const counts = new Map(rows.map(({ deviceNumber, stored }) => [deviceNumber, stored]))
    return group.map((one) => one.batches.map(({ device }) => counts.get(device.deviceNumber) ?? 0))
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

const codeOf = (error: unknown) => (error as { code?: unknown }).code
const isDuplicate = (error: unknown) => codeOf(error) === '23505'
const isReplay = (error: unknown) =>
  isDuplicate(error) && /^device_nonces/.test(String((error as { table?: unknown }).table))
/** The month was dropped just now, or is another one's. */
const isWithoutMonth = (error: unknown) => codeOf(error) === '42P01' || codeOf(error) === '42501'

const vehiclesOf = (batches: readonly Batch[]) =>
  columnsOf(batches, {
    fleetId: ['int8', ({ device }) => device.fleetId],
    vehicleId: ['int8', ({ device }) => device.vehicleId],
    earliestAt: ['timestamptz', ({ earliestAt }) => earliestAt],
    latestAt: ['timestamptz', ({ latest }) => latest?.fixAt ?? null],
  })

/** In one order in every group, so that two processes never wait for each other's. */
function noncesOf(spends: Spend[]): Buffer[] {
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
