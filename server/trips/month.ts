import type { Db } from '../db/pool.ts'
import type { DistanceUnit } from '../fleet/schema.ts'
import { DAY, type Instant } from '../time/instant.ts'
import { zone } from '../time/zone.ts'
import { HOME_OF_VEHICLE } from './day.ts'
import type { DayTotals, FleetMonth, VehicleMonth } from './schema.ts'

/** Zones are at most so far from UTC. */
const ZONE_MS = DAY

const none = (): DayTotals => ({ trips: 0, distanceMeters: 0, movingMs: 0 })

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
  const byVehicle = new Map<
    number,
    { month: VehicleMonth; clock: ReturnType<typeof zone>; days: Map<string, DayTotals> }
  >()
  for (const { vehicleId, unitNumber, timeZone } of vehicles) {
    const empty: VehicleMonth = { vehicleId, unitNumber, ...none(), days: [] }
    byVehicle.set(vehicleId, { month: empty, clock: zone(timeZone), days: new Map() })
  }
  // One array a row: a large fleet has a hundred thousand trips a month.
  const { rows: trips } = await db.query<
    [vehicleId: number, startedAt: Instant, meters: number, movingMs: number]
  >({
    text: `select vehicle_id, (extract(epoch from started_at) * 1000)::int8, distance_m, moving_ms from trips
      where fleet_id = $1 and started_at >= $2 and started_at < $3`,
    values: [fleetId, from, until],
    rowMode: 'array',
  })
  for (const [vehicleId, startedAt, meters, movingMs] of trips) {
    const vehicle = byVehicle.get(vehicleId)
    if (!vehicle) continue
    const date = vehicle.clock.dateOf(startedAt)
    if (!date.startsWith(month)) continue
    const day = vehicle.days.get(date) ?? none()
    vehicle.days.set(date, day)
    for (const sum of [day, vehicle.month]) {
      sum.trips++
      sum.distanceMeters += meters
      sum.movingMs += movingMs
    }
  }
  const order = new Intl.Collator('en', { numeric: true })
  return {
    month,
    distanceUnit: unit.rows[0]!.distanceUnit,
    vehicles: [...byVehicle.values()]
      .map(({ month: one, days }) => ({
        ...one,
        days: [...days].sort(([a], [b]) => (a < b ? -1 : 1)).map(([date, totals]) => ({ date, ...totals })),
      }))
      .sort((a, b) => order.compare(a.unitNumber, b.unitNumber)),
  }
}
