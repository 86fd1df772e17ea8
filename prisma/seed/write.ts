import type { EnrolledDevice } from '../../server/auth/device.ts'
import { enrolDevices } from '../../server/auth/device.ts'
import { makeOwnKeys, type OwnKey } from '../../server/auth/own-keys.ts'
import { newId } from '../../server/db/id.ts'
import type { Db } from '../../server/db/pool.ts'
import { nearestTown } from '../../server/geo/places.ts'
import type { Instant } from '../../server/time/instant.ts'
import type { Person, Terminal, Truck } from './carrier.ts'
import { type Cadence, fixTimes } from './fixes.ts'
import type { Itinerary, SetStatus } from './plan.ts'

/** `positions.flags`: the device said whether the ignition is on, and it is. */
const IGNITION_KNOWN = 1
const IGNITION_ON = 2
/** Who has enrolled the keys of simulated trucks. */
export const SIMULATOR = 'the simulator'
const ROWS_AT_ONCE = 20_000

export interface NewFleet {
  name: string
  slug: string
  usdotNumber: string
  mainOffice: string
  timeZone: string
}

export async function insertFleet(db: Db, fleet: NewFleet, now: Instant): Promise<number> {
  const id = newId()
  await db.query(
    `insert into fleets (id, name, slug, usdot_number, main_office, time_zone, created_at)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [id, fleet.name, fleet.slug, fleet.usdotNumber, fleet.mainOffice, fleet.timeZone, new Date(now)],
  )
  return id
}

/** @returns the terminals' ids, in their order */
export async function insertTerminals(
  db: Db,
  fleetId: number,
  terminals: readonly Terminal[],
): Promise<number[]> {
  const ids = terminals.map(() => newId())
  await db.query(
    `insert into home_terminals (fleet_id, id, name, time_zone, latitude, longitude)
     select $1, * from unnest($2::bigint[], $3::text[], $4::text[], $5::float8[], $6::float8[])`,
    [
      fleetId,
      ids,
      terminals.map(({ name }) => name),
      terminals.map(({ timeZone }) => timeZone),
      terminals.map(({ latitude }) => latitude),
      terminals.map(({ longitude }) => longitude),
    ],
  )
  return ids
}

/** A truck with its device and its one driver. */
export interface Crew {
  truck: Truck
  person: Person
  terminalId: number
  licenceState: string
  ruleset?: string
}

export interface Enrolled extends Crew {
  vehicleId: number
  driverId: number
  device: EnrolledDevice
  key: OwnKey
}

/** Trucks, drivers, who drives what since `since`, and devices with their tokens. */
export async function insertCrews(
  db: Db,
  fleetId: number,
  crews: readonly Crew[],
  since: Instant,
): Promise<Enrolled[]> {
  const vehicleIds = crews.map(() => newId())
  const driverIds = crews.map(() => newId())
  await db.query(
    `insert into vehicles (fleet_id, id, unit_number, make_model, plate, vin, created_at)
     select $1, v.*, $2 from unnest($3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[]) as v`,
    [
      fleetId,
      new Date(since),
      vehicleIds,
      crews.map(({ truck }) => truck.unitNumber),
      crews.map(({ truck }) => truck.makeModel),
      crews.map(({ truck }) => truck.plate),
      crews.map(({ truck }) => truck.vin),
    ],
  )
  await db.query(
    `insert into drivers (fleet_id, id, name, employee_number, licence_number, licence_state, home_terminal_id, ruleset,
       created_at)
     select $1, d.*, $2 from unnest($3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::text[])
       as d`,
    [
      fleetId,
      new Date(since),
      driverIds,
      crews.map(({ person }) => person.name),
      crews.map(({ person }) => person.employeeNumber),
      crews.map(({ person }) => person.licenceNumber),
      crews.map(({ licenceState }) => licenceState),
      crews.map(({ terminalId }) => terminalId),
      crews.map(({ ruleset }) => ruleset ?? 'us-property-70-8'),
    ],
  )
  await db.query(
    `insert into driver_assignments (fleet_id, vehicle_id, from_at, driver_id)
     select $1, vehicle_id, $2, driver_id from unnest($3::bigint[], $4::bigint[]) as a(vehicle_id, driver_id)`,
    [fleetId, new Date(since), vehicleIds, driverIds],
  )
  const devices = await enrolDevices(
    db,
    fleetId,
    crews.map(({ truck }, i) => ({ vehicleId: vehicleIds[i]!, name: `ELD-${truck.unitNumber}` })),
  )
  const keys = await makeOwnKeys(
    db,
    fleetId,
    devices.map(({ id }) => id),
    SIMULATOR,
    since,
  )
  return crews.map((crew, i) => ({
    ...crew,
    vehicleId: vehicleIds[i]!,
    driverId: driverIds[i]!,
    device: devices[i]!,
    key: keys[i]!,
  }))
}

/** One truck's past: what its device reported and its driver set, up to `heardUntil`. */
export interface Past {
  crew: Enrolled
  itinerary: Itinerary
  from: Instant
  heardUntil: Instant
}

class Rows {
  readonly columns: (number | string | null | Date)[][]
  constructor(width: number) {
    this.columns = Array.from({ length: width }, () => [])
  }
  add(...values: (number | string | null | Date)[]): void {
    for (let i = 0; i < this.columns.length; i++) this.columns[i]!.push(values[i]!)
  }
  get size(): number {
    return this.columns[0]!.length
  }
}

/**
 * Writes the past as the door would have: positions, the latest of each truck, and the note that driving must be derived.
 * `cadenceAt` says how densely a truck reported at a time; the coarser, the fewer rows.
 * @returns how many positions were written
 */
export async function insertPast(
  db: Db,
  fleetId: number,
  pasts: readonly Past[],
  periods: readonly { until: Instant; cadence: Cadence }[],
): Promise<number> {
  let written = 0
  let rows = new Rows(9)
  const latest = new Rows(10)
  const recheck = new Rows(2)
  const flush = async () => {
    if (rows.size === 0) return
    await db.query(
      `insert into positions (fleet_number, device_number, digest, fix_second, fix_ms, received_at, latitude_e7, longitude_e7, odometer_m,
         speed_ckph, heading_deg, flags)
       select f.number, d.number, p.ms, fix_second(p.fix_at), p.ms, p.received_at, p.latitude_e7, p.longitude_e7, p.odometer_m, p.speed_ckph,
         p.heading_deg, p.flags
       from (select *, (extract(epoch from k.fix_at) * 1000)::int8 % 1000 as ms from unnest($2::bigint[], $3::timestamptz[], $4::timestamptz[], $5::int[], $6::int[], $7::int[],
         $8::int[], $9::smallint[], $10::smallint[]) as k(device_id, fix_at, received_at, latitude_e7,
         longitude_e7, odometer_m, speed_ckph, heading_deg, flags)) p
       join fleets f on f.id = $1 join devices d on d.fleet_id = $1 and d.id = p.device_id`,
      [fleetId, ...rows.columns],
    )
    written += rows.size
    rows = new Rows(9)
  }
  for (const { crew, itinerary, from, heardUntil } of pasts) {
    let last: (number | string | null | Date)[] | undefined
    let after = from
    for (const { until, cadence } of periods) {
      for (const at of fixTimes(itinerary, after, Math.min(until, heardUntil), cadence)) {
        const state = itinerary.at(at)
        last = [
          crew.device.id,
          new Date(at),
          new Date(at + 400),
          Math.round(state.latitude * 1e7),
          Math.round(state.longitude * 1e7),
          Math.round(state.odometerMeters),
          Math.round(state.speedKph * 100),
          Math.round(state.headingDegrees) % 360,
          IGNITION_KNOWN | (state.ignition ? IGNITION_ON : 0),
        ]
        rows.add(...last)
      }
      after = Math.max(after, Math.min(until, heardUntil))
      if (rows.size >= ROWS_AT_ONCE) await flush()
    }
    if (!last) continue
    latest.add(crew.vehicleId, ...last)
    recheck.add(crew.vehicleId, new Date(from))
  }
  await flush()
  await db.query(
    `insert into latest_positions (fleet_id, vehicle_id, device_id, fix_at, received_at, latitude_e7, longitude_e7,
       odometer_m, speed_ckph, heading_deg, flags)
     select $1, * from unnest($2::bigint[], $3::bigint[], $4::timestamptz[], $5::timestamptz[], $6::int[], $7::int[],
       $8::int[], $9::int[], $10::smallint[], $11::smallint[])`,
    [fleetId, ...latest.columns],
  )
  await db.query(
    'insert into vehicle_rechecks (fleet_id, vehicle_id, from_at) select $1, * from unnest($2::bigint[], $3::timestamptz[])',
    [fleetId, ...recheck.columns],
  )
  return written
}

/** What a driver set, with where the truck stood. */
export interface PastStatus extends SetStatus {
  crew: Enrolled
  place: { latitude: number; longitude: number } | null
}

export async function insertStatuses(
  db: Db,
  fleetId: number,
  statuses: readonly PastStatus[],
): Promise<void> {
  await db.query(
    `insert into duty_events (fleet_id, origin, id, driver_id, vehicle_id, at, recorded_at, status, place, annotation)
     select $1, 'driver', id, driver_id, vehicle_id, at, at, status, place, annotation
     from unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::timestamptz[], $6::text[], $7::text[], $8::text[])
       as e(id, driver_id, vehicle_id, at, status, place, annotation)`,
    [
      fleetId,
      statuses.map(() => newId()),
      statuses.map(({ crew }) => crew.driverId),
      statuses.map(({ crew }) => crew.vehicleId),
      statuses.map(({ at }) => new Date(at)),
      statuses.map(({ status }) => status),
      statuses.map(({ place }) => (place && nearestTown(place.latitude, place.longitude, 'mi')) ?? ''),
      statuses.map(({ note }) => note),
    ],
  )
}
