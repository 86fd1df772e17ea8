import type { Db } from '../db/pool.ts'

/**
 * Makes each vehicle's latest position the newest of its trusted ones. The door shows new positions by itself, behind its
 * receipts; this finds what it could not show because it was killed in between.
 */
export async function advanceLatest(
  tx: Db,
  vehicles: readonly { fleetId: number; vehicleId: number }[],
): Promise<void> {
  await tx.query(
    `insert into latest_positions as l (fleet_id, vehicle_id, device_id, fix_at, received_at, latitude_e7, longitude_e7,
       odometer_m, speed_ckph, heading_deg, flags)
     select distinct on (k.fleet_id, k.vehicle_id) k.fleet_id, k.vehicle_id, d.id, fix_at(p.fix_second, p.fix_ms),
       p.received_at, p.latitude_e7, p.longitude_e7, p.odometer_m, p.speed_ckph, p.heading_deg, p.flags
     from unnest($1::bigint[], $2::bigint[]) as k(fleet_id, vehicle_id)
     join devices d on d.fleet_id = k.fleet_id and d.vehicle_id = k.vehicle_id
     cross join lateral (
       select * from positions p where p.device_number = d.number and (p.flags & -256) = 0
       order by p.fix_second desc, p.fix_ms desc, p.digest limit 1) p
     left join latest_positions known on known.fleet_id = k.fleet_id and known.vehicle_id = k.vehicle_id
     where known.fix_at is null or known.fix_at < fix_at(p.fix_second, p.fix_ms)
     order by k.fleet_id, k.vehicle_id, p.fix_second desc, p.fix_ms desc
     on conflict (fleet_id, vehicle_id) do update set device_id = excluded.device_id, fix_at = excluded.fix_at,
       received_at = excluded.received_at, latitude_e7 = excluded.latitude_e7, longitude_e7 = excluded.longitude_e7,
       odometer_m = excluded.odometer_m, speed_ckph = excluded.speed_ckph, heading_deg = excluded.heading_deg,
       flags = excluded.flags, revision = pg_current_xact_id()::text::bigint
     where l.fix_at < excluded.fix_at`,
    [vehicles.map((one) => one.fleetId), vehicles.map((one) => one.vehicleId)],
  )
}
