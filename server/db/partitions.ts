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
