import { type Db, db as servicePool } from '../db/pool.ts'
import { addDays, zone } from '../time/zone.ts'
import { type Thing, thingsCalled, withNames } from './names.ts'
import type { AuditFilter, AuditRow } from './schema.ts'

/**
 * A page of a fleet's audit log, the newest first. Days are those of the fleet's own zone. A text is looked for as it stands: wildcards
 * mean themselves; what a deed is on is found by its name too.
 * @param db behind the walls of the fleet
 * @param accounts where people's accounts are, which belong to no fleet; the service's pool if left out
 */
export async function listAudit(
  db: Db,
  fleetId: number,
  { text, from, until, before, limit }: AuditFilter & { before?: number; limit: number },
  accounts: Db = servicePool(),
): Promise<AuditRow[]> {
  const startOf = from || until ? await daysOf(db, fleetId) : () => null
  const called: Thing[] = text ? await thingsCalled(db, accounts, fleetId, text) : []
  const { rows } = await db.query<Omit<AuditRow, 'objectName' | 'fieldNames'>>(
    `select sequence, at, actor_kind as "actorKind", actor_name as "actorName", action, object_kind as "objectKind",
       object_id as "objectId", before::text, after::text, address
     from audit_log
     where fleet_id = $1 and ($2::bigint is null or sequence < $2)
       and ($3::timestamptz is null or at >= $3) and ($4::timestamptz is null or at < $4)
       and ($5::text is null or position(lower($5) in lower(concat_ws(' ', actor_name, action, object_kind, object_id,
         address, before::text, after::text))) > 0
         or (object_kind, object_id) in (select * from unnest($6::text[], $7::text[])))
     order by sequence desc limit $8`,
    [
      fleetId,
      before ?? null,
      from ? startOf(from) : null,
      until ? startOf(addDays(until, 1)) : null,
      text || null,
      called.map(({ kind }) => kind),
      called.map(({ id }) => id),
      limit,
    ],
  )
  return await withNames(db, accounts, fleetId, rows)
}

/** When a day of the fleet begins, by its own clock. */
async function daysOf(db: Db, fleetId: number): Promise<(date: string) => Date> {
  const { rows } = await db.query<{ name: string }>('select time_zone as name from fleets where id = $1', [
    fleetId,
  ])
  const { startOf } = zone(rows[0]?.name ?? 'UTC')
  return (date) => new Date(startOf(date))
}
