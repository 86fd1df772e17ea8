import type { Db } from '../db/pool.ts'
import type { DistanceUnit } from '../fleet/schema.ts'
import { DAY } from '../time/instant.ts'
import { addDays, zone } from '../time/zone.ts'
import { HOME_OF_VEHICLE } from './day.ts'
import type { DayTotals, FleetMonth, VehicleMonth } from './schema.ts'

/** Zones are at most so far from UTC. */
const ZONE_MS = DAY

const none = (): DayTotals => ({ trips: 0, distanceMeters: 0, movingMs: 0 })

function datesOf(month: string): string[] {
  const dates: string[] = []
  for (let date = `${month}-01`; date.startsWith(month); date = addDays(date, 1)) dates.push(date)
  return dates
}

/** When each of these days begins in a zone, and when the last ends: an array as PostgreSQL reads it. */
function boundsOf(timeZone: string, dates: readonly string[]): string {
  const clock = zone(timeZone)
  const starts = [...dates, addDays(dates.at(-1)!, 1)].map((date) => clock.startOf(date))
  return `{${starts.map((at) => new Date(at).toISOString()).join(',')}}`
}

/**
 * A fleet's trips of a calendar month, by vehicle and day: each trip on the day on which it begins in its vehicle's zone, so the
 * sums are those of the days asked alone.
 */
export async function loadFleetMonth(db: Db, fleetId: number, month: string): Promise<FleetMonth> {
  const [year, number] = month.split('-').map(Number) as [number, number]
  const from = new Date(Date.UTC(year, number - 1, 1) - ZONE_MS)
  const until = new Date(Date.UTC(year, number, 1) + ZONE_MS)
  const { rows: vehicles } = await db.query<{
    vehicleId: number
    unitNumber: string
    timeZone: string
    distanceUnit: DistanceUnit
  }>(
    `select v.id as "vehicleId", v.unit_number as "unitNumber", coalesce(home.time_zone, f.time_zone) as "timeZone",
       f.distance_unit as "distanceUnit"
     from vehicles v join fleets f on f.id = v.fleet_id ${HOME_OF_VEHICLE} where v.fleet_id = $1`,
    [fleetId],
  )
  const unit = await db.query<{ distanceUnit: DistanceUnit }>(
    'select distance_unit as "distanceUnit" from fleets where id = $1',
    [fleetId],
  )
  const dates = datesOf(month)
  const zones = [...new Set(vehicles.map(({ timeZone }) => timeZone))]
  const byVehicle = new Map(
    vehicles.map(({ vehicleId, unitNumber }): [number, VehicleMonth] => [
      vehicleId,
      { vehicleId, unitNumber, ...none(), days: [] },
    ]),
  )
  // Added up where they are: a large fleet has two hundred thousand trips a month. The days are those of our zones, not PostgreSQL's.
  const { rows } = await db.query<
    [vehicleId: number, day: number, trips: number, meters: number, movingMs: number]
  >({
    name: 'trips-of-month',
    text: `with z as materialized (select zone, bounds::timestamptz[] as bounds
        from unnest($6::text[]) with ordinality as b(bounds, zone))
      select t.vehicle_id, width_bucket(t.started_at, z.bounds) as day, count(*)::int4, sum(t.distance_m)::int8,
        sum(t.moving_ms)::int8
      from trips t join unnest($4::int8[], $5::int4[]) as v(id, zone) on v.id = t.vehicle_id join z on z.zone = v.zone
      where t.fleet_id = $1 and t.started_at >= $2 and t.started_at < $3
      group by 1, 2 order by 1, 2`,
    values: [
      fleetId,
      from,
      until,
      vehicles.map(({ vehicleId }) => vehicleId),
      vehicles.map(({ timeZone }) => zones.indexOf(timeZone) + 1),
      zones.map((name) => boundsOf(name, dates)),
    ],
    rowMode: 'array',
  })
  for (const [vehicleId, day, trips, distanceMeters, movingMs] of rows) {
    const date = dates[day - 1]
    const one = byVehicle.get(vehicleId)
    // The day before the month's first in its zone, or after its last.
    if (!one || date === undefined) continue
    one.days.push({ date, trips, distanceMeters, movingMs })
    one.trips += trips
    one.distanceMeters += distanceMeters
    one.movingMs += movingMs
  }
  const order = new Intl.Collator('en', { numeric: true })
  return {
    month,
    distanceUnit: unit.rows[0]!.distanceUnit,
    vehicles: [...byVehicle.values()].sort((a, b) => order.compare(a.unitNumber, b.unitNumber)),
  }
}
