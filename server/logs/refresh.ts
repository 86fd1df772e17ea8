import type { Db } from '../db/pool.ts'
import type { Instant } from '../time/instant.ts'
import { noteTrips } from '../trips/refresh.ts'
import { deriveDriving } from './derive.ts'
import type { Claim } from './derive-read.ts'
import type { DriverKey } from './drivers.ts'
import { advanceLatest } from './latest.ts'

/** Notes that a vehicle's driving must be derived again from an instant on; the worker takes it up. */
export async function recheckVehicle(
  tx: Db,
  fleetId: number,
  vehicleId: number,
  from: Instant,
): Promise<void> {
  await tx.query(
    `insert into vehicle_rechecks as r (fleet_id, vehicle_id, from_at, until_at) values ($1, $2, $3, $3)
     on conflict (fleet_id, vehicle_id) do update set from_at = least(r.from_at, excluded.from_at),
       until_at = greatest(r.until_at, excluded.until_at)`,
    [fleetId, vehicleId, new Date(from)],
  )
}

/** Rows of one statement: each holds the vehicles of a group of heartbeats. */
const NOTES_AT_ONCE = 500

/**
 * Makes of what groups of heartbeats left behind one note for each vehicle. A row that another process has is left to it. In one order,
 * so that nobody waits in a circle.
 * @returns whether there may be more
 */
export async function takeNotes(tx: Db): Promise<boolean> {
  const { rows } = await tx.query<{ taken: number }>(
    `with taken as (
       delete from recheck_notes n using (
         select fleet_id, id from recheck_notes order by fleet_id, id limit $1 for update skip locked
       ) as t
       where n.fleet_id = t.fleet_id and n.id = t.id
       returning n.fleet_id, n.vehicle_ids, n.from_at, n.until_at
     ),
     noted as (
       insert into vehicle_rechecks as r (fleet_id, vehicle_id, from_at, until_at)
       select t.fleet_id, v.vehicle_id, min(v.from_at), max(v.until_at)
       from taken t, unnest(t.vehicle_ids, t.from_at, t.until_at) as v(vehicle_id, from_at, until_at)
       group by t.fleet_id, v.vehicle_id order by t.fleet_id, v.vehicle_id
       on conflict (fleet_id, vehicle_id) do update set from_at = least(r.from_at, excluded.from_at),
         until_at = greatest(r.until_at, excluded.until_at)
     )
     select count(*)::int4 as taken from taken`,
    [NOTES_AT_ONCE],
  )
  return rows[0]!.taken === NOTES_AT_ONCE
}

/**
 * Nobody else derives this vehicle until the transaction ends. To be taken before the locks of drivers, as the worker does,
 * so that nobody waits in a circle.
 */
export async function lockVehicle(tx: Db, fleetId: number, vehicleId: number): Promise<void> {
  await tx.query('insert into vehicle_motion (fleet_id, vehicle_id) values ($1, $2) on conflict do nothing', [
    fleetId,
    vehicleId,
  ])
  await tx.query('select 1 from vehicle_motion where fleet_id = $1 and vehicle_id = $2 for update', [
    fleetId,
    vehicleId,
  ])
}

interface Recheck extends Claim {
  untilAt: Instant
  /** The row's version: a heartbeat that comes meanwhile makes another, and the row stays. */
  version: string
}

/**
 * Takes up to `limit` vehicles whose fixes changed, and derives their driving again. A vehicle that another process has is
 * left to it. Whatever is cut off here is done again: the note goes only with the commit.
 * @param only this vehicle, which the caller has locked
 * @returns how many vehicles were taken, and the drivers whose logs changed
 */
export async function deriveChanged(
  tx: Db,
  limit: number,
  now: Instant,
  only?: { fleetId: number; vehicleId: number },
): Promise<{ taken: number; drivers: DriverKey[] }> {
  if (only) while (await takeNotes(tx));
  await tx.query(
    `insert into vehicle_motion (fleet_id, vehicle_id)
     select fleet_id, vehicle_id from vehicle_rechecks r
     where not exists (select 1 from vehicle_motion m where m.fleet_id = r.fleet_id and m.vehicle_id = r.vehicle_id)
     order by fleet_id, vehicle_id
     on conflict do nothing`,
  )
  const { rows: claims } = await tx.query<Recheck>(
    `select r.fleet_id as "fleetId", r.vehicle_id as "vehicleId", r.from_at as "fromAt", r.until_at as "untilAt", r.xmin::text as version,
       m.derived_through as "derivedThrough", f.motion_threshold_kph as "thresholdKph"
     from vehicle_rechecks r
     join vehicle_motion m on m.fleet_id = r.fleet_id and m.vehicle_id = r.vehicle_id
     join fleets f on f.id = r.fleet_id
     where $2::bigint is null or (r.fleet_id = $2 and r.vehicle_id = $3)
     order by r.fleet_id, r.vehicle_id limit $1
     for update of m skip locked`,
    [limit, only?.fleetId ?? null, only?.vehicleId ?? null],
  )
  if (claims.length === 0) return { taken: 0, drivers: [] }
  await advanceLatest(tx, claims)
  await noteTrips(tx, claims, now)
  const changes = await deriveDriving(tx, claims, now)
  const { rows: drivers } = await tx.query<DriverKey>(
    `select distinct a.fleet_id as "fleetId", a.driver_id as "driverId"
     from unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) as k(fleet_id, vehicle_id, since)
     join driver_assignments a on a.fleet_id = k.fleet_id and a.vehicle_id = k.vehicle_id
       and (a.until_at is null or a.until_at > k.since)`,
    [
      changes.map((change) => change.fleetId),
      changes.map((change) => change.vehicleId),
      changes.map((change) => new Date(change.since)),
    ],
  )
  // A note that a heartbeat holds just now is about to say something new, so it stays; waiting for it could go in a circle.
  await tx.query(
    `with done as (
       select r.fleet_id, r.vehicle_id
       from unnest($1::bigint[], $2::bigint[], $3::text[]) as k(fleet_id, vehicle_id, version)
       join vehicle_rechecks r on r.fleet_id = k.fleet_id and r.vehicle_id = k.vehicle_id and r.xmin::text = k.version
       for update of r skip locked
     )
     delete from vehicle_rechecks r using done d where r.fleet_id = d.fleet_id and r.vehicle_id = d.vehicle_id`,
    [
      claims.map((claim) => claim.fleetId),
      claims.map((claim) => claim.vehicleId),
      claims.map((claim) => claim.version),
    ],
  )
  return { taken: claims.length, drivers }
}

/** Drivers whose answers change by `now` though nothing happened, and those who were never evaluated. */
export async function driversDue(tx: Db, now: Instant, limit: number): Promise<DriverKey[]> {
  const { rows } = await tx.query<DriverKey>(
    `with due as (
       select fleet_id, driver_id from driver_clocks
       where next_change_at <= $1 order by next_change_at limit $2 for update skip locked
     ), unknown as (
       select fleet_id, id as driver_id from drivers d
       where not exists (select 1 from driver_clocks c where c.fleet_id = d.fleet_id and c.driver_id = d.id) limit $2
     )
     select fleet_id as "fleetId", driver_id as "driverId" from (select * from due union all select * from unknown) as k`,
    [new Date(now), limit],
  )
  return rows
}
