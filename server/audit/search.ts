import type { Db } from '../db/pool.ts'
import type { AuditFilter, AuditRow } from './schema.ts'

/** A page of a fleet's audit log, the newest first. A text is looked for as it stands: wildcards mean themselves. */
export async function listAudit(
  db: Db,
  fleetId: number,
  { text, from, until, before, limit }: AuditFilter & { before?: number; limit: number },
): Promise<AuditRow[]> {
  const { rows } = await db.query<AuditRow>(
    `select sequence, at, actor_kind as "actorKind", actor_name as "actorName", action, object_kind as "objectKind",
       object_id as "objectId", before::text, after::text, address
     from audit_log
     where fleet_id = $1 and ($2::bigint is null or sequence < $2)
       and ($3::date is null or at >= $3::date at time zone 'UTC')
       and ($4::date is null or at < ($4::date + 1) at time zone 'UTC')
       and ($5::text is null or position(lower($5) in lower(concat_ws(' ', actor_name, action, object_kind, object_id,
         address, before::text, after::text))) > 0)
     order by sequence desc limit $6`,
    [fleetId, before ?? null, from ?? null, until ?? null, text || null, limit],
  )
  return rows
}
