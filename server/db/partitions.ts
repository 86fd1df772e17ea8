import type { Instant } from '../time/instant.ts'
import { fixSecond } from './fix-time.ts'
import type { Db } from './pool.ts'

const LOCK_WAIT_MS = 200

const monthStart = (year: number, month: number) => new Date(Date.UTC(year, month, 1))

/**
 * Makes the monthly partitions of `positions` from the month before `now` to two months after it.
 * Rows that the catch-all took meanwhile (a truck whose clock ran ahead) move over first, or the month could not be attached.
 * Attaching needs the catch-all for a moment, and whoever reads waits behind it: where somebody uses it for longer, it gives up.
 * @throws lock_not_available (55P03) then: the months are made long ahead, so there is time to try again
 */
export async function ensurePartitions(tx: Db, now: Instant): Promise<void> {
  const today = new Date(now)
  for (let offset = -1; offset <= 2; offset++) {
    const from = monthStart(today.getUTCFullYear(), today.getUTCMonth() + offset)
    const until = monthStart(from.getUTCFullYear(), from.getUTCMonth() + 1)
    const name = `positions_${from.toISOString().slice(0, 7).replace('-', '_')}`
    const [first, end] = [fixSecond(from.getTime()), fixSecond(until.getTime())]
    // One statement block, so one transaction: no row is ever in neither table.
    await tx.query(`
      do $$ begin
        perform pg_advisory_xact_lock(727275);
        perform set_config('lock_timeout', '${LOCK_WAIT_MS}', true);
        if to_regclass('${name}') is null then
          create table ${name} (like positions including defaults including constraints);
          with moved as (
            delete from positions_other
            where fix_second >= ${first} and fix_second < ${end} returning *
          ) insert into ${name} select * from moved;
          alter table positions attach partition ${name} for values from (${first}) to (${end});
          grant insert on ${name} to restline_service;
        end if;
      end $$`)
  }
}

/** A month of `positions`: its table, and the `fix_second` of its first instant and of the one after it. */
export interface Month {
  name: string
  fromSecond: number
  endSecond: number
  /** What upkeep has written on it (server/db/lay.ts). */
  comment: string | null
}

/** The months there are, the oldest first; without the catch-all. */
export async function monthsOf(db: Db): Promise<Month[]> {
  const { rows } = await db.query<Month>(
    `select name, bounds[1]::int4 as "fromSecond", bounds[2]::int4 as "endSecond", comment from (
       select c.relname as name, obj_description(c.oid, 'pg_class') as comment,
         regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \\(''?(-?\\d+)''?\\) TO \\(''?(-?\\d+)''?\\)') as bounds
       from pg_inherits i join pg_class c on c.oid = i.inhrelid
       where i.inhparent = 'positions'::regclass) m
     where bounds is not null order by "endSecond"`,
  )
  return rows
}

/** The numbers of the devices with rows in a month, and of their fleets: one look into the primary key for each, however many rows it has. */
export async function devicesIn(db: Db, month: string): Promise<{ device: number; fleet: number }[]> {
  const { rows } = await db.query<{ device: number; fleet: number }>(
    `with recursive d as (
       (select device_number, fleet_number from ${month} order by device_number limit 1)
       union all
       select n.* from d cross join lateral (
         select device_number, fleet_number from ${month} p
         where p.device_number > d.device_number order by p.device_number limit 1) n)
     select device_number as device, fleet_number as fleet from d`,
  )
  return rows
}
