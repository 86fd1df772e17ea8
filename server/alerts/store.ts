import type { Db } from '../db/pool.ts'
import { AppError } from '../errors.ts'
import { type LiveReader, setLiveReader } from '../fleet/live-read.ts'
import type { Instant } from '../time/instant.ts'
import { noteAlerts, severityOf } from '../webhooks/outbox.ts'
import type { AlertRow, AlertState } from './schema.ts'

interface Stored extends Omit<AlertRow, 'state' | 'severity'> {
  revision: number
}

const COLUMNS = `a.id, a.kind, a.facts->>'title' as title, a.facts->>'detail' as detail, a.rule,
  a.driver_id as "driverId", d.name as "driverName", a.vehicle_id as "vehicleId", v.unit_number as "unitNumber",
  (a.facts->>'deviceId')::bigint as "deviceId",
  coalesce(t.time_zone, f.time_zone) as "timeZone", a.due_at as "dueAt", a.opened_at as "openedAt",
  a.acknowledged_at as "acknowledgedAt", a.acknowledged_by as "acknowledgedBy",
  a.resolved_at as "resolvedAt", a.resolved_by as "resolvedBy", a.revision`

const FROM = `from alerts a
  join fleets f on f.id = a.fleet_id
  left join drivers d on d.fleet_id = a.fleet_id and d.id = a.driver_id
  left join home_terminals t on t.fleet_id = d.fleet_id and t.id = d.home_terminal_id
  left join vehicles v on v.fleet_id = a.fleet_id and v.id = a.vehicle_id`

const IN_STATE: Record<AlertState | 'all', string> = {
  open: 'a.resolved_at is null and a.acknowledged_at is null',
  acknowledged: 'a.resolved_at is null and a.acknowledged_at is not null',
  resolved: 'a.resolved_at is not null',
  all: 'true',
}

function toRow({ revision: _, ...stored }: Stored): AlertRow {
  const state =
    stored.resolvedAt !== null ? 'resolved' : stored.acknowledgedAt !== null ? 'acknowledged' : 'open'
  return { ...stored, state, severity: severityOf(stored.kind) }
}

/** A page of a fleet's alerts, the newest first; ids grow with time, so `before` is an id. */
export async function listAlerts(
  db: Db,
  fleetId: number,
  { state, before, limit }: { state: AlertState | 'all'; before?: number; limit: number },
): Promise<AlertRow[]> {
  const { rows } = await db.query<Stored>(
    `select ${COLUMNS} ${FROM}
     where a.fleet_id = $1 and ${IN_STATE[state]} and ($2::bigint is null or a.id < $2)
     order by a.id desc limit $3`,
    [fleetId, before ?? null, limit],
  )
  return rows.map(toRow)
}

export interface AlertCounts {
  open: number
  acknowledged: number
}

export async function countAlerts(db: Db, fleetId: number): Promise<AlertCounts> {
  const { rows } = await db.query<AlertCounts>(
    `select count(*) filter (where ${IN_STATE.open})::int as open,
       count(*) filter (where ${IN_STATE.acknowledged})::int as acknowledged
     from alerts a where a.fleet_id = $1 and a.resolved_at is null`,
    [fleetId],
  )
  return rows[0]!
}

/** One alert; of another fleet it is not found (404). */
export async function getAlert(db: Db, fleetId: number, id: number): Promise<AlertRow> {
  const { rows } = await db.query<Stored>(`select ${COLUMNS} ${FROM} where a.fleet_id = $1 and a.id = $2`, [
    fleetId,
    id,
  ])
  if (!rows[0]) throw new AppError('not-found', 'There is no such alert in this fleet.', 'id')
  return toRow(rows[0])
}

/** A person has seen it. The first one to say so is kept; said again, or once it is resolved, it changes nothing. */
export async function acknowledgeAlert(
  tx: Db,
  fleetId: number,
  id: number,
  by: string,
  now: Instant,
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update alerts set acknowledged_at = $3, acknowledged_by = $4, revision = pg_current_xact_id()::text::bigint
     where fleet_id = $1 and id = $2 and acknowledged_at is null and resolved_at is null`,
    [fleetId, id, new Date(now), by],
  )
  return rowCount === 1
}

/** A person says that it is dealt with; it stays so for its subject. */
export async function resolveAlert(
  tx: Db,
  fleetId: number,
  id: number,
  by: string,
  now: Instant,
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update alerts set resolved_at = $3, resolved_by = $4, revision = pg_current_xact_id()::text::bigint
     where fleet_id = $1 and id = $2 and resolved_at is null`,
    [fleetId, id, new Date(now), by],
  )
  if (rowCount !== 1) return false
  await noteAlerts(tx, 'alert.resolved', [{ fleetId, id }], now)
  return true
}

const liveAlerts: LiveReader<AlertRow> = async (db, fleetId, since) => {
  const { rows } = await db.query<Stored>(
    `select ${COLUMNS} ${FROM}
     where a.fleet_id = $1 and ${since ? 'a.revision >= $2' : 'a.resolved_at is null'} order by a.id`,
    since ? [fleetId, since.revision] : [fleetId],
  )
  return rows.map((stored) => ({ row: toRow(stored), version: String(stored.revision) }))
}

setLiveReader('alerts', liveAlerts)
