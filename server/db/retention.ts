import type pg from 'pg'
import { log } from '../log.ts'
import type { Instant } from '../time/instant.ts'
import { devicesIn, type Month, monthsOf } from './partitions.ts'
import { isLocked, UPKEEP_LOCK } from './upkeep-lock.ts'

/** What a fleet keeps that no longer exists: the default of `fleets.keep_positions_months`. */
const MONTHS_OF_GONE_FLEETS = 13
/** Dropping a month needs the whole table for a moment. It waits so long for it, and so long ingest may wait behind it. */
const LOCK_WAIT_MS = 100
/** Rows of one statement, its own transaction: some 20 ms. */
const ROWS_AT_ONCE = 2_000
/** Rows of one call; the rest is for the next. */
const ROWS_A_CALL = 100_000

export interface Dropped {
  /** Names of the months that are gone as a whole. */
  months: string[]
  /** Rows deleted one by one, of fleets that keep less than others. */
  rows: number
  /** There is more that expired: call again soon. */
  more: boolean
}

export interface RetentionOptions {
  /** Gets a line for everything that was dropped. */
  log?: (line: string) => void
  /** How long to wait for a table that others use, milliseconds. */
  lockWaitMs?: number
  /** Rows of one statement. */
  rowsAtOnce?: number
  /** Rows of this call. */
  rowsACall?: number
}

interface Fleet {
  number: number
  label: string
  /** What lies before has expired. */
  cutoffSecond: number
  cutoffAt: Instant
}

interface Device {
  device: number
  fleet: number
}

/**
 * Drops the positions that no fleet keeps any more (`fleets.keep_positions_months`, calendar months before `now`).
 *
 * A month of positions expires as a whole, when its end is so old: what a fleet asks for is kept at least, and at most a month
 * longer. Once it has expired for every fleet with rows in it, the table of the month is dropped. While one of them keeps it, the
 * rows of the others are deleted in small batches by primary key.
 *
 * In the catch-all (`positions_other`: dates without a month of their own, absurd ones among them) a fix does not say how old
 * the row is: those rows expire by `received_at`.
 *
 * Ingest waits for none of this longer than `lockWaitMs`: where the table can't be had within it, the month is left for the next
 * call. (DETACH CONCURRENTLY would not wait at all, and PostgreSQL refuses it where there is a default partition.) Every step is
 * a transaction of its own, so a process that is killed leaves nothing half done; of two at once one does nothing.
 * Only `positions` is touched: never a record of duty, nor what was derived.
 *
 * @throws what the database says when it is away
 */
export async function dropExpired(
  pool: pg.Pool,
  now: Instant,
  options: RetentionOptions = {},
): Promise<Dropped> {
  const client = await pool.connect()
  let broken: Error | undefined
  try {
    const { rows } = await client.query<{ mine: boolean }>('select pg_try_advisory_lock($1) as mine', [
      UPKEEP_LOCK,
    ])
    if (!rows[0]!.mine) return { months: [], rows: 0, more: false }
    return await new Retention(client, now, options).run()
  } catch (error) {
    broken = error as Error // with it go the lock and the settings
    throw error
  } finally {
    if (!broken) {
      await client.query(`select pg_advisory_unlock(${UPKEEP_LOCK})`).catch((failure: Error) => {
        broken = failure
      })
    }
    if (!broken) await client.query('reset lock_timeout; reset synchronous_commit')
    client.release(broken)
  }
}

class Retention {
  readonly #client: pg.PoolClient
  readonly #now: Instant
  readonly #log: (line: string) => void
  readonly #lockWaitMs: number
  readonly #rowsAtOnce: number
  #rowsLeft: number
  readonly #fleets = new Map<number, Fleet>()
  readonly #done: Dropped = { months: [], rows: 0, more: false }

  constructor(client: pg.PoolClient, now: Instant, options: RetentionOptions) {
    this.#client = client
    this.#now = now
    this.#log = options.log ?? log.info
    this.#lockWaitMs = options.lockWaitMs ?? LOCK_WAIT_MS
    this.#rowsAtOnce = options.rowsAtOnce ?? ROWS_AT_ONCE
    this.#rowsLeft = options.rowsACall ?? ROWS_A_CALL
  }

  async run(): Promise<Dropped> {
    // A deletion that a crash undoes is done again: it need not wait for the disk.
    await this.#client.query(
      `set lock_timeout = ${Math.max(1, Math.ceil(this.#lockWaitMs))}; set synchronous_commit = off`,
    )
    await this.#readFleets()
    const latest = Math.max(...[...this.#fleets.values()].map(({ cutoffSecond }) => cutoffSecond))
    for (const month of await monthsOf(this.#client)) {
      if (month.endSecond > latest) break
      await this.#expire(month)
    }
    await this.#expireOther()
    return this.#done
  }

  /** Every fleet, and as number 0 all those that are gone. */
  async #readFleets(): Promise<void> {
    const { rows } = await this.#client.query<Fleet>(
      `select number, label, at as "cutoffAt", fix_second(greatest(at, timestamptz '1940-01-01T00:00:00Z')) as "cutoffSecond"
       from (
         select number, slug as label, $1::timestamptz - make_interval(months => keep_positions_months) as at
         from fleets
         union all
         select 0, 'fleets that are gone', $1::timestamptz - make_interval(months => $2)) f`,
      [new Date(this.#now), MONTHS_OF_GONE_FLEETS],
    )
    for (const row of rows) this.#fleets.set(row.number, row)
  }

  #fleetOf(number: number): Fleet {
    return this.#fleets.get(number) ?? this.#fleets.get(0)!
  }

  async #expire(month: Month): Promise<void> {
    const expired: Device[] = []
    let kept = false
    for (const device of await devicesIn(this.#client, month.name)) {
      if (this.#keeps(device, month)) kept = true
      else expired.push(device)
    }
    if (!kept) {
      await this.#drop(month)
      return
    }
    const rowsOf = new Map<Fleet, number>()
    for (const device of expired) {
      const fleet = this.#fleetOf(device.fleet)
      rowsOf.set(fleet, (rowsOf.get(fleet) ?? 0) + (await this.#deleteDevice(month, device.device)))
    }
    for (const [fleet, rows] of rowsOf)
      if (rows > 0) this.#log(`retention: deleted ${rows} rows of ${fleet.label} from ${month.name}`)
  }

  #keeps(device: Device, month: Month): boolean {
    return this.#fleetOf(device.fleet).cutoffSecond < month.endSecond
  }

  /** One transaction: a kill leaves all of it or nothing. The files themselves go after its locks are released. */
  async #drop(month: Month): Promise<void> {
    const client = this.#client
    await client.query('begin')
    try {
      // Late heartbeats of just this month wait now. One of a fleet that keeps it may have come since we looked.
      await client.query(`lock table ${month.name} in share mode`)
      const kept = (await devicesIn(this.#client, month.name)).some((device) => this.#keeps(device, month))
      if (kept) {
        await client.query('rollback')
        this.#done.more = true
        return
      }
      const { rows } = await client.query<{ bytes: number }>(
        `select pg_total_relation_size('${month.name}') as bytes`,
      )
      await client.query(`drop table ${month.name}`)
      await client.query('commit')
      this.#done.months.push(month.name)
      this.#log(`retention: dropped ${month.name}, ${(rows[0]!.bytes / 1e6).toFixed(1)} MB`)
    } catch (error) {
      if (!isLocked(error)) throw error
      await client.query('rollback')
      this.#done.more = true
    }
  }

  /** The rows of one device in a month; as many as this call may yet. */
  async #deleteDevice(month: Month, device: number): Promise<number> {
    // Goes on behind what it deleted: the index still holds those entries.
    let [second, digest] = [-(2 ** 31), -(2 ** 31)]
    let deleted = 0
    for (;;) {
      const rows = await this.#deleteBatch(
        month.name,
        `select ctid, fix_second, digest from ${month.name}
         where device_number = $1 and (fix_second, digest) > ($2, $3) order by fix_second, digest`,
        [device, second, digest],
      )
      deleted += rows.length
      const last = rows.at(-1)
      if (!last || rows.length < this.#rowsAtOnce) return deleted
      ;[second, digest] = [last.second, last.digest]
    }
  }

  async #expireOther(): Promise<void> {
    const { rows: present } = await this.#client.query<{ number: number }>(
      `with recursive f as (
         (select fleet_number from positions_other order by fleet_number limit 1)
         union all
         select n.* from f cross join lateral (
           select fleet_number from positions_other p
           where p.fleet_number > f.fleet_number order by p.fleet_number limit 1) n)
       select fleet_number as number from f`,
    )
    for (const { number } of present) {
      const fleet = this.#fleetOf(number)
      let deleted = 0
      for (let more = true; more; ) {
        const rows = await this.#deleteBatch(
          'positions_other',
          `select ctid, fix_second, digest from positions_other
           where fleet_number = $1 and received_at < $2 order by received_at`,
          [number, new Date(fleet.cutoffAt)],
        )
        deleted += rows.length
        more = rows.length === this.#rowsAtOnce
      }
      if (deleted > 0) this.#log(`retention: deleted ${deleted} rows of ${fleet.label} from positions_other`)
    }
  }

  /** Deletes what `select` finds, at most a batch of it. Fewer than a batch: that was all, or all for this call. */
  async #deleteBatch(
    table: string,
    select: string,
    values: unknown[],
  ): Promise<{ second: number; digest: number }[]> {
    const limit = Math.min(this.#rowsAtOnce, this.#rowsLeft)
    if (limit === 0) {
      this.#done.more = true
      return []
    }
    try {
      const { rows } = await this.#client.query<{ second: number; digest: number }>(
        `with gone as materialized (${select} limit ${limit}),
         deleted as (delete from ${table} where ctid = any(array(select ctid from gone)))
         select fix_second as second, digest from gone`,
        values,
      )
      this.#rowsLeft -= rows.length
      this.#done.rows += rows.length
      if (this.#rowsLeft === 0) this.#done.more = true
      return rows
    } catch (error) {
      if (!isLocked(error)) throw error
      this.#done.more = true
      return []
    }
  }
}
