import type pg from 'pg'
import { log } from '../log.ts'
import { DAY, type Instant, SECOND } from '../time/instant.ts'
import { fixSecond } from './fix-time.ts'
import { devicesIn, type Month, monthsOf } from './partitions.ts'
import { isLocked, UPKEEP_LOCK } from './upkeep-lock.ts'

/** What a truck kept while it had no network comes within this, nearly always. What comes later is stored as ever, unordered. */
const CLOSED_AFTER_MS = 2 * DAY
/** How long readers and ingest may wait behind the exchange of two tables. */
const LOCK_WAIT_MS = 100
/** Rows of one pass over the month: a pass reads the whole month and sorts so many of its rows, some 1 GB on disk. */
const ROWS_A_PASS = 10_000_000
/** What a row takes in a month's table, for guessing how many there are. */
const ROW_BYTES = 84

/** Where a month is laid, and the trigger that notes meanwhile what changes in it. */
const LAID = 'positions_laid'
const TRIGGER = 'note_changed'
/** On a month that lies so. */
const DONE = 'in the order of trucks'

export interface LayOptions {
  /** Gets a line for every month that was laid. */
  log?: (line: string) => void
  /** How long to wait for a table that others use, milliseconds. */
  lockWaitMs?: number
  /** Rows of one pass. */
  rowsAPass?: number
  /** Breaks it off, in the middle of a statement too. */
  signal?: AbortSignal
}

export interface Laid {
  /** The month, if one was laid. */
  month?: string
  /** There is another one, or somebody used this one for too long: call again soon. */
  more: boolean
}

/**
 * Lays the youngest month of positions that has ended (two days ago) and does not lie so yet in the order of truck and time: heartbeats
 * come interleaved, so a truck's day of 2,880 lies in as many pages of a month, and in thirty of them afterwards. Its index, built
 * anew, is a third smaller.
 *
 * Nobody waits for it but for the moment in which the tables are exchanged, and for that no longer than `lockWaitMs`: rows are
 * copied, a trigger notes the keys of what comes, changes or goes meanwhile, and those are brought after in the transaction of the
 * exchange. Every step stands alone, so a process that is killed leaves nothing half done: a copy that was complete is exchanged the
 * next time, another is begun anew. It needs the room of a month and of a pass.
 *
 * @throws what the database says when it is away, or full; where `signal` broke it off, its reason or query_canceled (57014)
 */
export async function layMonth(pool: pg.Pool, now: Instant, options: LayOptions = {}): Promise<Laid> {
  const client = await pool.connect()
  let broken: Error | undefined
  let breakOff = () => {}
  try {
    const { rows } = await client.query<{ mine: boolean; pid: number }>(
      'select pg_try_advisory_lock($1) as mine, pg_backend_pid() as pid',
      [UPKEEP_LOCK],
    )
    if (!rows[0]!.mine) return { more: false }
    breakOff = () => void pool.query('select pg_cancel_backend($1)', [rows[0]!.pid]).catch(() => {})
    options.signal?.addEventListener('abort', breakOff)
    return await new Laying(client, options).run(now)
  } catch (error) {
    broken = error as Error // with it go the lock and the settings
    throw error
  } finally {
    options.signal?.removeEventListener('abort', breakOff)
    if (!broken) {
      await client.query(`select pg_advisory_unlock(${UPKEEP_LOCK}); reset all`).catch((failure: Error) => {
        broken = failure
      })
    }
    client.release(broken)
  }
}

class Laying {
  readonly #client: pg.PoolClient
  readonly #options: LayOptions

  constructor(client: pg.PoolClient, options: LayOptions) {
    this.#client = client
    this.#options = options
  }

  async run(now: Instant): Promise<Laid> {
    // A copy that a crash undoes is made again: it need not wait for the disk. One core is left to everybody else.
    await this.#client.query(
      `set lock_timeout = ${Math.max(1, Math.ceil(this.#options.lockWaitMs ?? LOCK_WAIT_MS))};
       set synchronous_commit = off; set work_mem = '64MB';
       set max_parallel_workers_per_gather = 0; set max_parallel_maintenance_workers = 0`,
    )
    this.#options.signal?.throwIfAborted()
    const months = await this.#months(now)
    const copied = await this.#copied()
    const month = months.find(({ name }) => name === copied) ?? months[0]
    const startedAt = performance.now()
    try {
      if (!month || month.name !== copied) await this.#clear()
      if (!month) return { more: false }
      if (month.name !== copied) await this.#copy(month)
      // Most of it while nobody waits.
      await this.#transaction(() => this.#bringAfter(month))
      const sizes = await this.#exchange(month)
      const seconds = ((performance.now() - startedAt) / SECOND).toFixed(1)
      ;(this.#options.log ?? log.info)(
        `upkeep: laid ${month.name} in the order of trucks, ${sizes} MB, ${seconds} s`,
      )
      return { month: month.name, more: months.length > 1 }
    } catch (error) {
      if (!isLocked(error)) throw error
      return { more: true }
    }
  }

  /** The months that are due, the youngest first. */
  async #months(now: Instant): Promise<Month[]> {
    const closed = fixSecond(now - CLOSED_AFTER_MS)
    const due: Month[] = []
    for (const month of (await monthsOf(this.#client)).reverse()) {
      if (month.endSecond > closed || month.comment === DONE) continue
      const { rows } = await this.#client.query(`select from ${month.name} limit 1`)
      if (rows.length > 0) due.push(month)
    }
    return due
  }

  /** The month of which a whole copy waits to be exchanged. */
  async #copied(): Promise<string | undefined> {
    const { rows } = await this.#client.query<{ month: string }>(
      `select obj_description(to_regclass('${LAID}'), 'pg_class') as month
       from pg_trigger where tgname = '${TRIGGER}' and tgrelid = to_regclass(obj_description(to_regclass('${LAID}'), 'pg_class'))`,
    )
    return rows[0]?.month
  }

  /** Takes away what was begun and not ended. */
  async #clear(): Promise<void> {
    const { rows } = await this.#client.query<{ month: string }>(
      `select tgrelid::regclass::text as month from pg_trigger where tgname = '${TRIGGER}'`,
    )
    await this.#transaction(async () => {
      for (const { month } of rows) await this.#client.query(`drop trigger ${TRIGGER} on ${month}`)
      await this.#client.query(`drop table if exists ${LAID}; delete from changed_positions`)
    })
  }

  async #copy({ name, fromSecond, endSecond }: Month): Promise<void> {
    const client = this.#client
    // It waits for whoever is storing into the month: whatever is not in the copies below is noted.
    await client.query(
      `create trigger ${TRIGGER} after insert or update or delete on ${name}
       for each row execute function note_changed_position()`,
    )
    // The check says what the exchange would else read all rows for; an autovacuum would lock us out of our own table.
    await client.query(
      `create table ${LAID} (like positions including defaults including constraints,
         constraint in_month check (fix_second >= ${fromSecond} and fix_second < ${endSecond}))
       with (autovacuum_enabled = false)`,
    )
    for (const [first, last] of await this.#passes(name)) {
      this.#options.signal?.throwIfAborted()
      await client.query(
        `insert into ${LAID} select * from ${name} where device_number between ${first} and ${last}
         order by device_number, fix_second, digest`,
      )
    }
    await client.query(
      `alter table ${LAID} add primary key (device_number, fix_second, digest) with (fillfactor = 100)`,
    )
    await client.query(`vacuum (freeze, analyze) ${LAID}`)
    await client.query(`comment on table ${LAID} is '${name}'`)
  }

  /** Numbers of devices, from and to, so that each pass has about as many rows. */
  async #passes(name: string): Promise<[number, number][]> {
    const devices = (await devicesIn(this.#client, name)).map(({ device }) => device)
    const { rows } = await this.#client.query<{ bytes: number }>(
      `select pg_relation_size('${name}') as bytes`,
    )
    const passes = Math.ceil(rows[0]!.bytes / ROW_BYTES / (this.#options.rowsAPass ?? ROWS_A_PASS))
    const atOnce = Math.max(1, Math.ceil(devices.length / Math.max(1, passes)))
    const result: [number, number][] = []
    for (let at = 0; at < devices.length; at += atOnce)
      result.push([devices[at]!, devices[Math.min(at + atOnce, devices.length) - 1]!])
    return result
  }

  /** What changed meanwhile, and the copy in place of the month; answers the megabytes before and after. */
  async #exchange({ name, fromSecond, endSecond }: Month): Promise<string> {
    return await this.#transaction(async () => {
      const client = this.#client
      await client.query(`lock table only positions, ${name}, positions_other in access exclusive mode`)
      const { rows } = await client.query<{ before: number; after: number }>(
        `select pg_total_relation_size('${name}') as before, pg_total_relation_size('${LAID}') as after`,
      )
      await this.#bringAfter({ name })
      await client.query(`
        drop table ${name};
        alter table ${LAID} rename to ${name};
        alter index ${LAID}_pkey rename to ${name}_pkey;
        alter table positions attach partition ${name} for values from (${fromSecond}) to (${endSecond});
        alter table ${name} drop constraint in_month, reset (autovacuum_enabled);
        grant insert on ${name} to restline_service;
        comment on table ${name} is '${DONE}'`)
      return `${(rows[0]!.before / 1e6).toFixed(1)} to ${(rows[0]!.after / 1e6).toFixed(1)}`
    })
  }

  /** Keys that are noted, into the copy as they are in the month; in one snapshot, so what is noted meanwhile stays noted. */
  async #bringAfter({ name }: Pick<Month, 'name'>): Promise<void> {
    // Key by key: of few keys PostgreSQL knows no number, and might read the whole month for them.
    await this.#client.query(`
      set local enable_hashjoin = off; set local enable_mergejoin = off;
      delete from ${LAID} l using changed_positions c
      where l.device_number = c.device_number and l.fix_second = c.fix_second and l.digest = c.digest;
      insert into ${LAID} select p.* from changed_positions c join ${name} p using (device_number, fix_second, digest);
      delete from changed_positions`)
  }

  async #transaction<T>(work: () => Promise<T>): Promise<T> {
    await this.#client.query('begin isolation level repeatable read')
    try {
      const result = await work()
      await this.#client.query('commit')
      return result
    } catch (error) {
      await this.#client.query('rollback')
      throw error
    }
  }
}
