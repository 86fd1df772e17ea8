import type { Db } from '../db/pool.ts'

/** Bits of server/ingest/judge.ts: doubted on arrival, or a jump. A coarse fix says where a truck is all the same. */
const DOUBTED = 32512
const JUMP = 16384

/**
 * Makes each vehicle's latest position the newest of its trusted ones, the same whatever the order of arrival. The door shows
 * new positions by itself, behind its receipts; this finds what it could not show because it was killed in between, and takes
 * back what turned out to be a jump. It never goes back for another reason: a newer one may be on its way.
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
       select * from positions p where p.device_number = d.number and (p.flags & ${DOUBTED}) = 0
       order by p.fix_second desc, p.fix_ms desc, p.digest limit 1) p
     left join latest_positions known on known.fleet_id = k.fleet_id and known.vehicle_id = k.vehicle_id
     where (known.fix_at, known.device_id, known.latitude_e7, known.longitude_e7, known.odometer_m, known.speed_ckph, known.flags)
       is distinct from
       (fix_at(p.fix_second, p.fix_ms), d.id, p.latitude_e7, p.longitude_e7, p.odometer_m, p.speed_ckph, p.flags)
     order by k.fleet_id, k.vehicle_id, p.fix_second desc, p.fix_ms desc, p.digest
     on conflict (fleet_id, vehicle_id) do update set device_id = excluded.device_id, fix_at = excluded.fix_at,
       received_at = excluded.received_at, latitude_e7 = excluded.latitude_e7, longitude_e7 = excluded.longitude_e7,
       odometer_m = excluded.odometer_m, speed_ckph = excluded.speed_ckph, heading_deg = excluded.heading_deg,
       flags = excluded.flags, revision = pg_current_xact_id()::text::bigint
     where l.fix_at <= excluded.fix_at or exists (
       select 1 from positions j join devices e on e.number = j.device_number
       where e.fleet_id = l.fleet_id and e.id = l.device_id and j.fix_second = fix_second(l.fix_at)
         and j.latitude_e7 = l.latitude_e7 and j.longitude_e7 = l.longitude_e7 and (j.flags & ${JUMP}) <> 0)`,
    [vehicles.map((one) => one.fleetId), vehicles.map((one) => one.vehicleId)],
  )
}
