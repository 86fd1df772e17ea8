import { fixMs, fixSecond } from '../db/fix-time.ts'
import type { Db } from '../db/pool.ts'
import { nearestTown } from '../geo/places.ts'
import { HOUR, type Instant, SECOND } from '../time/instant.ts'

/** A position further away in time says nothing about where something happened. */
const NEAR_MS = HOUR

export interface Happened {
  vehicleId: number | null
  at: Instant
}

/**
 * Where vehicles were at given instants, by the last trusted fix before each, in the words of 49 CFR 395.8(h): "2 mi ESE
 * of Darien, IL". Empty where no fix or no town is near.
 */
export async function placesOf(db: Db, fleetId: number, happened: readonly Happened[]): Promise<string[]> {
  const places = happened.map(() => '')
  const known = happened.flatMap(({ vehicleId, at }, i) => (vehicleId === null ? [] : [{ vehicleId, at, i }]))
  if (known.length === 0) return places
  const { rows } = await db.query<{
    i: number
    latitudeE7: number
    longitudeE7: number
    unit: 'mi' | 'km'
  }>(
    `select k.i, p.latitude_e7 as "latitudeE7", p.longitude_e7 as "longitudeE7", f.distance_unit as unit
     from unnest($2::bigint[], $3::int4[], $4::int2[], $5::int[]) as k(vehicle_id, second, ms, i)
     join fleets f on f.id = $1
     cross join lateral (
       select p.latitude_e7, p.longitude_e7
       from devices d join positions p on p.device_number = d.number
         and p.fix_second >= k.second - $6 and (p.fix_second, p.fix_ms) <= (k.second, k.ms) and (p.flags & -256) = 0
       where d.fleet_id = $1 and d.vehicle_id = k.vehicle_id
       order by p.fix_second desc, p.fix_ms desc limit 1) p`,
    [
      fleetId,
      known.map(({ vehicleId }) => vehicleId),
      known.map(({ at }) => fixSecond(at)),
      known.map(({ at }) => fixMs(at)),
      known.map(({ i }) => i),
      NEAR_MS / SECOND,
    ],
  )
  for (const { i, latitudeE7, longitudeE7, unit } of rows)
    places[i] = nearestTown(latitudeE7 / 1e7, longitudeE7 / 1e7, unit) ?? ''
  return places
}
