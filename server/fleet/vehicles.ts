import type { Db } from '../db/pool.ts'
import { AppError } from '../errors.ts'
import { nearestTown } from '../geo/places.ts'
import type { Instant } from '../time/instant.ts'
import type { DistanceUnit, VehicleCard, VehicleRow } from './schema.ts'

/** Who drives a vehicle at $2: the last assignment that has begun and has not ended. */
const DRIVER_AT = `
  left join lateral (
    select a.driver_id from driver_assignments a
    where a.fleet_id = v.fleet_id and a.vehicle_id = v.id
      and a.from_at <= $2 and (a.until_at is null or a.until_at > $2)
    order by a.from_at desc limit 1
  ) a on true
  left join drivers d on d.fleet_id = v.fleet_id and d.id = a.driver_id`

const DEVICE = `
  left join lateral (
    select e.name from devices e
    where e.fleet_id = v.fleet_id and e.vehicle_id = v.id and e.revoked_at is null
    order by e.created_at desc, e.id desc limit 1
  ) e on true`

const ROW = `v.id, v.unit_number as "unitNumber", v.make_model as "makeModel", v.plate,
  d.id as "driverId", d.name as "driverName", e.name as "deviceName"`

/** Every vehicle of the fleet with the driver it has at `now`, by unit number as people count (2 before 10). */
export async function listVehicles(db: Db, fleetId: number, now: Instant): Promise<VehicleRow[]> {
  const { rows } = await db.query<VehicleRow>(
    `select ${ROW} from vehicles v ${DRIVER_AT} ${DEVICE} where v.fleet_id = $1`,
    [fleetId, new Date(now)],
  )
  const order = new Intl.Collator('en', { numeric: true })
  return rows.sort((a, b) => order.compare(a.unitNumber, b.unitNumber))
}

/** One vehicle with its last report. A vehicle of another fleet is not found (404). */
export async function getVehicle(db: Db, fleetId: number, id: number, now: Instant): Promise<VehicleCard> {
  const { rows } = await db.query<
    VehicleRow & {
      vin: string
      terminal: string | null
      timeZone: string | null
      unit: DistanceUnit
      fixAt: Instant | null
      receivedAt: Instant
      latitudeE7: number
      longitudeE7: number
      odometerM: number | null
      speedCkph: number | null
      headingDeg: number | null
    }
  >(
    `select ${ROW}, v.vin, t.name as terminal, t.time_zone as "timeZone", f.distance_unit as unit,
       lp.fix_at as "fixAt", lp.received_at as "receivedAt", lp.latitude_e7 as "latitudeE7",
       lp.longitude_e7 as "longitudeE7", lp.odometer_m as "odometerM", lp.speed_ckph as "speedCkph",
       lp.heading_deg as "headingDeg"
     from vehicles v ${DRIVER_AT} ${DEVICE}
     join fleets f on f.id = v.fleet_id
     left join home_terminals t on t.fleet_id = v.fleet_id and t.id = d.home_terminal_id
     left join latest_positions lp on lp.fleet_id = v.fleet_id and lp.vehicle_id = v.id
     where v.fleet_id = $1 and v.id = $3`,
    [fleetId, new Date(now), id],
  )
  const row = rows[0]
  if (!row) throw new AppError('not-found', 'There is no such vehicle in this fleet.', 'id')
  const latitude = row.latitudeE7 / 1e7
  const longitude = row.longitudeE7 / 1e7
  return {
    id: row.id,
    unitNumber: row.unitNumber,
    makeModel: row.makeModel,
    plate: row.plate,
    driverId: row.driverId,
    driverName: row.driverName,
    deviceName: row.deviceName,
    vin: row.vin,
    homeTerminal: row.terminal && row.timeZone ? { name: row.terminal, timeZone: row.timeZone } : null,
    lastReport:
      row.fixAt === null
        ? null
        : {
            fixAt: row.fixAt,
            receivedAt: row.receivedAt,
            latitude,
            longitude,
            speedKph: row.speedCkph === null ? null : row.speedCkph / 100,
            headingDegrees: row.headingDeg,
            odometerMeters: row.odometerM,
            place: nearestTown(latitude, longitude, row.unit),
          },
  }
}
