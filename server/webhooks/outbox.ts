import { newId } from '../db/id.ts'
import type { Db } from '../db/pool.ts'
import type { Instant } from '../time/instant.ts'

export type WebhookEvent = 'alert.opened' | 'alert.resolved'

interface Wanted {
  fleetId: number
  endpointId: number
  alertId: number
  kind: string
  title: string | null
  detail: string | null
  rule: string | null
  driverId: number | null
  driverName: string | null
  employeeNumber: string | null
  vehicleId: number | null
  unitNumber: string | null
  dueAt: Instant
  openedAt: Instant
  resolvedAt: Instant | null
  resolvedBy: string | null
}

/**
 * Notes for each endpoint that wants to know what became of alerts, in the transaction in which it did: both commit or neither does.
 * What is sent is written down now, as it was at this instant.
 */
export async function noteAlerts(
  tx: Db,
  event: WebhookEvent,
  alerts: readonly { fleetId: number; id: number }[],
  now: Instant,
): Promise<void> {
  if (alerts.length === 0) return
  const { rows } = await tx.query<Wanted>(
    `select a.fleet_id as "fleetId", e.id as "endpointId", a.id as "alertId", a.kind, a.facts->>'title' as title,
       a.facts->>'detail' as detail, a.rule, a.driver_id as "driverId", d.name as "driverName",
       d.employee_number as "employeeNumber", a.vehicle_id as "vehicleId", v.unit_number as "unitNumber",
       a.due_at as "dueAt", a.opened_at as "openedAt", a.resolved_at as "resolvedAt", a.resolved_by as "resolvedBy"
     from unnest($1::bigint[], $2::bigint[]) as k(fleet_id, id)
     join alerts a on a.fleet_id = k.fleet_id and a.id = k.id
     join webhook_endpoints e on e.fleet_id = a.fleet_id and e.enabled and a.kind = any(e.kinds)
     left join drivers d on d.fleet_id = a.fleet_id and d.id = a.driver_id
     left join vehicles v on v.fleet_id = a.fleet_id and v.id = a.vehicle_id`,
    [alerts.map(({ fleetId }) => fleetId), alerts.map(({ id }) => id)],
  )
  if (rows.length === 0) return
  const ids = rows.map(() => newId())
  await tx.query(
    `insert into webhook_deliveries (fleet_id, id, endpoint_id, event, body, due_at, created_at)
     select fleet_id, id, endpoint_id, $1, body, $2, $2
     from unnest($3::bigint[], $4::bigint[], $5::bigint[], $6::text[]) as w(fleet_id, id, endpoint_id, body)`,
    [
      event,
      new Date(now),
      rows.map(({ fleetId }) => fleetId),
      ids,
      rows.map(({ endpointId }) => endpointId),
      rows.map((row, i) => JSON.stringify(bodyOf(row, event, ids[i]!, now))),
    ],
  )
}

/** How much an alert of a kind matters: a limit that is passed and a call for help before all others. */
export const severityOf = (kind: string): 'warning' | 'violation' =>
  kind === 'limit-passed' || kind === 'sos' ? 'violation' : 'warning'

/** What a receiver gets: instants in ISO 8601, UTC. */
function bodyOf(row: Wanted, event: WebhookEvent, id: number, now: Instant) {
  const iso = (at: Instant | null) => (at === null ? null : new Date(at).toISOString())
  return {
    id: String(id),
    event,
    at: iso(now),
    alert: {
      id: String(row.alertId),
      kind: row.kind,
      severity: severityOf(row.kind),
      title: row.title,
      detail: row.detail,
      rule: row.rule,
      driver: row.driverId && {
        id: String(row.driverId),
        name: row.driverName,
        employeeNumber: row.employeeNumber,
      },
      vehicle: row.vehicleId && { id: String(row.vehicleId), unitNumber: row.unitNumber },
      dueAt: iso(row.dueAt),
      openedAt: iso(row.openedAt),
      resolvedAt: iso(row.resolvedAt),
      resolvedBy: row.resolvedBy,
    },
  }
}
