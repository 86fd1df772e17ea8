import { newId } from '../db/id.ts'
import type { Db } from '../db/pool.ts'
import { ALARM_KINDS, ALARM_QUIET_MS, TOLD_FROM } from '../fleet/device-alarms.ts'
import { isAtWork } from '../fleet/state.ts'
import { nearestTown } from '../geo/places.ts'
import { DUTY_STATUSES } from '../hos/types.ts'
import type { Instant } from '../time/instant.ts'
import { noteAlerts } from '../webhooks/outbox.ts'
import { type AlarmFacts, assessAlarm, assessSilence, type SilentFacts, type WantedAlert } from './assess.ts'
import type { AlertKind } from './schema.ts'

/** Whose alerts were assessed: what they do not want any more is resolved by the facts. */
export interface Assessed {
  fleetId: number
  driverId: number
  wanted: readonly WantedAlert[]
}

/** Opens, moves and resolves the limit alerts of drivers. Said again it changes nothing. */
export async function keepDriverAlerts(
  tx: Db,
  assessed: readonly Assessed[],
  now: Instant,
): Promise<Set<number>> {
  if (assessed.length === 0) return new Set()
  const changed = await open(
    tx,
    assessed.flatMap(({ fleetId, wanted }) => wanted.map((alert) => ({ fleetId, alert }))),
    now,
  )
  const { rows } = await tx.query<{ fleetId: number; id: number }>(
    `update alerts a set resolved_at = $1, revision = pg_current_xact_id()::text::bigint
     from unnest($2::bigint[], $3::bigint[]) as k(fleet_id, driver_id)
     where a.fleet_id = k.fleet_id and a.driver_id = k.driver_id and a.kind <> 'truck-silent' and a.resolved_at is null
       and a.subject <> all($4)
     returning a.fleet_id as "fleetId", a.id`,
    [
      new Date(now),
      assessed.map((one) => one.fleetId),
      assessed.map((one) => one.driverId),
      assessed.flatMap(({ wanted }) => wanted.map((alert) => alert.subject)),
    ],
  )
  await noteAlerts(tx, 'alert.resolved', rows, now)
  for (const { fleetId } of rows) changed.add(fleetId)
  return changed
}

/** Opens an alert for each truck that should be heard and is not, and resolves those of trucks that were heard again. */
export async function keepSilenceAlerts(tx: Db, now: Instant): Promise<Set<number>> {
  const { rows: silent } = await tx.query<
    Omit<SilentFacts, 'place'> & {
      fleetId: number
      latitudeE7: number
      longitudeE7: number
      unit: 'mi' | 'km'
    }
  >(
    `select p.fleet_id as "fleetId", p.vehicle_id as "vehicleId", v.unit_number as "unitNumber", c.driver_id as "driverId",
       d.name as "driverName", c.status, coalesce(t.time_zone, f.time_zone) as "timeZone", p.received_at as "receivedAt",
       f.silent_after_minutes as "silentAfterMinutes",
       coalesce(p.speed_ckph > f.motion_threshold_kph * 100, false) as moving,
       p.latitude_e7 as "latitudeE7", p.longitude_e7 as "longitudeE7", f.distance_unit as unit
     from latest_positions p
     join fleets f on f.id = p.fleet_id
     join vehicles v on v.fleet_id = p.fleet_id and v.id = p.vehicle_id
     left join driver_clocks c on c.fleet_id = p.fleet_id and c.vehicle_id = p.vehicle_id
     left join drivers d on d.fleet_id = c.fleet_id and d.id = c.driver_id
     left join home_terminals t on t.fleet_id = d.fleet_id and t.id = d.home_terminal_id
     where p.received_at < $1::timestamptz - make_interval(mins => f.silent_after_minutes)
       and (p.speed_ckph > f.motion_threshold_kph * 100 or c.status = any($2))`,
    [new Date(now), AT_WORK],
  )
  const wanted = silent.map(({ fleetId, latitudeE7, longitudeE7, unit, ...truck }) => ({
    fleetId,
    alert: assessSilence({ ...truck, place: nearestTown(latitudeE7 / 1e7, longitudeE7 / 1e7, unit) }),
  }))
  return await keepKinds(tx, ['truck-silent'], wanted, now)
}

/**
 * Opens an alert for what is wrong around a device (two trackers with one identity), one for each device and kind, and resolves it when
 * nothing of it was seen for an hour.
 */
export async function keepDeviceAlerts(tx: Db, now: Instant): Promise<Set<number>> {
  const { rows: alarms } = await tx.query<AlarmFacts & { fleetId: number }>(
    `select a.fleet_id as "fleetId", a.kind, a.device_id as "deviceId", d.name as "deviceName", d.vehicle_id as "vehicleId",
       v.unit_number as "unitNumber", f.time_zone as "timeZone", a.since, a.detail
     from device_alarms a
     join unnest($1::text[], $2::int8[]) as t(kind, told_from) on t.kind = a.kind and a.count >= t.told_from
     join devices d on d.fleet_id = a.fleet_id and d.id = a.device_id
     join vehicles v on v.fleet_id = d.fleet_id and v.id = d.vehicle_id
     join fleets f on f.id = a.fleet_id
     where a.last_at >= $3`,
    [ALARM_KINDS, ALARM_KINDS.map((kind) => TOLD_FROM[kind]), new Date(now - ALARM_QUIET_MS)],
  )
  const wanted = alarms.map(({ fleetId, ...alarm }) => ({ fleetId, alert: assessAlarm(alarm) }))
  return await keepKinds(tx, ALARM_KINDS, wanted, now)
}

/** Opens what is wanted of these kinds in all fleets, and resolves all else of them. */
async function keepKinds(
  tx: Db,
  kinds: readonly AlertKind[],
  wanted: readonly { fleetId: number; alert: WantedAlert }[],
  now: Instant,
): Promise<Set<number>> {
  const changed = await open(tx, wanted, now)
  const { rows } = await tx.query<{ fleetId: number; id: number }>(
    `update alerts set resolved_at = $1, revision = pg_current_xact_id()::text::bigint
     where kind = any($2) and resolved_at is null and subject <> all($3)
     returning fleet_id as "fleetId", id`,
    [new Date(now), kinds, wanted.map(({ alert }) => alert.subject)],
  )
  await noteAlerts(tx, 'alert.resolved', rows, now)
  for (const { fleetId } of rows) changed.add(fleetId)
  return changed
}

const AT_WORK = DUTY_STATUSES.filter(isAtWork)

/**
 * Inserts what is not there. One that the facts had resolved opens again when they come back (the driver drove on); one that
 * a person resolved stays so. The instant that it is due moves with the facts.
 * @returns the fleets in which something changed
 */
async function open(
  tx: Db,
  wanted: readonly { fleetId: number; alert: WantedAlert }[],
  now: Instant,
): Promise<Set<number>> {
  if (wanted.length === 0) return new Set()
  const { rows } = await tx.query<{ fleetId: number; id: number; opened: boolean }>(
    `insert into alerts as a (fleet_id, id, kind, subject, driver_id, vehicle_id, rule, due_at, facts, opened_at)
     select fleet_id, id, kind, subject, driver_id, vehicle_id, rule, due_at, facts, $1
     from unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::text[],
       $9::timestamptz[], $10::jsonb[])
       as w(fleet_id, id, kind, subject, driver_id, vehicle_id, rule, due_at, facts)
     on conflict (fleet_id, subject) do update set due_at = excluded.due_at, facts = excluded.facts,
       vehicle_id = excluded.vehicle_id, resolved_at = null,
       opened_at = case when a.resolved_at is null then a.opened_at else excluded.opened_at end,
       revision = pg_current_xact_id()::text::bigint
     where (a.resolved_at is null and a.due_at <> excluded.due_at)
       or (a.resolved_at is not null and a.resolved_by is null)
     returning a.fleet_id as "fleetId", a.id, a.opened_at = $1 as opened`,
    [
      new Date(now),
      wanted.map(({ fleetId }) => fleetId),
      wanted.map(() => newId()),
      wanted.map(({ alert }) => alert.kind),
      wanted.map(({ alert }) => alert.subject),
      wanted.map(({ alert }) => alert.driverId),
      wanted.map(({ alert }) => alert.vehicleId),
      wanted.map(({ alert }) => alert.rule),
      wanted.map(({ alert }) => new Date(alert.dueAt)),
      wanted.map(({ alert }) =>
        JSON.stringify({ title: alert.title, detail: alert.detail, deviceId: alert.deviceId }),
      ),
    ],
  )
  await noteAlerts(
    tx,
    'alert.opened',
    rows.filter(({ opened }) => opened),
    now,
  )
  return new Set(rows.map(({ fleetId }) => fleetId))
}
