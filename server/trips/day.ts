import { fixSecond } from '../db/fix-time.ts'
import type { Db } from '../db/pool.ts'
import { AppError } from '../errors.ts'
import type { DistanceUnit } from '../fleet/schema.ts'
import { nearestTown } from '../geo/places.ts'
import type { Instant } from '../time/instant.ts'
import { addDays, zone } from '../time/zone.ts'
import { type Leg, odometerAfter } from './odometer.ts'
import { devicesOf, readTrack } from './points.ts'
import {
  GAP_COLUMNS,
  type GapRow,
  STOP_COLUMNS,
  type StopRow,
  TRIP_COLUMNS,
  type TripRow,
  toGap,
  toStop,
  toTrip,
} from './rows.ts'
import type { DayEntry, DayTotals, DeviceDoubts, DoubtName, Spot, Track, VehicleDay } from './schema.ts'
import type { Place } from './types.ts'

/** The zone of a vehicle's days: its latest driver's home terminal, else the fleet's. */
export const HOME_OF_VEHICLE = `left join lateral (
    select t.name, t.time_zone from driver_assignments a
    join drivers d on d.fleet_id = a.fleet_id and d.id = a.driver_id
    join home_terminals t on t.fleet_id = d.fleet_id and t.id = d.home_terminal_id
    where a.fleet_id = v.fleet_id and a.vehicle_id = v.id order by a.from_at desc limit 1) home on true`

interface VehicleRow {
  id: number
  unitNumber: string
  makeModel: string
  homeTerminal: string | null
  timeZone: string
  distanceUnit: DistanceUnit
}

async function vehicleOf(db: Db, fleetId: number, vehicleId: number): Promise<VehicleRow> {
  const { rows } = await db.query<VehicleRow>(
    `select v.id, v.unit_number as "unitNumber", v.make_model as "makeModel", home.name as "homeTerminal",
       coalesce(home.time_zone, f.time_zone) as "timeZone", f.distance_unit as "distanceUnit"
     from vehicles v join fleets f on f.id = v.fleet_id ${HOME_OF_VEHICLE}
     where v.fleet_id = $1 and v.id = $2`,
    [fleetId, vehicleId],
  )
  if (!rows[0]) throw new AppError('not-found', 'There is no such vehicle in this fleet.', 'vehicleId')
  return rows[0]
}

/** Rows of a table that lie in [from, until) or reach into it. */
const within = (table: string, columns: string, start: string, end: string) =>
  `select ${columns} from ${table} where fleet_id = $1 and vehicle_id = $2 and ${start} < $4 and ${end} > $3
     and ${start} >= coalesce((select max(${start}) from ${table}
       where fleet_id = $1 and vehicle_id = $2 and ${start} <= $3), '-infinity')
   order by ${start}`

/** What a vehicle did from `from` until `until`, in order: trips, stops and gaps. */
async function entriesOf(
  db: Db,
  key: readonly [fleetId: number, vehicleId: number],
  from: Instant,
  until: Instant,
  unit: DistanceUnit,
): Promise<DayEntry[]> {
  const spot = ({ latitude, longitude }: Place): Spot => ({
    latitude,
    longitude,
    place: nearestTown(latitude, longitude, unit),
  })
  const values = [...key, new Date(from), new Date(until)]
  const trips = await db.query<TripRow>(within('trips', TRIP_COLUMNS, 'started_at', 'ended_at'), values)
  const stops = await db.query<StopRow>(within('stops', STOP_COLUMNS, 'started_at', 'ended_at'), values)
  const gaps = await db.query<GapRow>(within('track_gaps', GAP_COLUMNS, 'from_at', 'until_at'), values)
  const entries: DayEntry[] = [
    ...trips.rows.map(toTrip).map(
      (trip): DayEntry => ({
        kind: 'trip',
        startedAt: trip.startedAt,
        endedAt: trip.endedAt,
        startsBy: trip.startsBy,
        endsBy: trip.endsBy,
        start: spot(trip.start),
        end: spot(trip.end),
        distanceMeters: trip.distanceMeters,
        movingMs: trip.movingMs,
        maxSpeedKph: trip.maxSpeedKph,
      }),
    ),
    ...stops.rows.map(toStop).map(
      (stop): DayEntry => ({
        kind: 'stop',
        startedAt: stop.startedAt,
        endedAt: stop.endedAt,
        startsBy: stop.startsBy,
        endsBy: stop.endsBy,
        spot: spot(stop.place),
        longestSilenceMs: stop.longestSilenceMs,
      }),
    ),
    ...gaps.rows.map(toGap).map(
      (gap): DayEntry => ({
        kind: 'gap',
        startedAt: gap.from,
        endedAt: gap.until,
        reason: gap.reason,
        start: spot(gap.start),
        end: spot(gap.end),
        distanceMeters: gap.distanceMeters,
      }),
    ),
  ]
  return entries.sort((a, b) => a.startedAt - b.startedAt || a.endedAt - b.endedAt)
}

function totalsOf(entries: readonly DayEntry[], from: Instant, until: Instant): DayTotals {
  const totals: DayTotals = { trips: 0, distanceMeters: 0, movingMs: 0 }
  for (const entry of entries) {
    if (entry.kind !== 'trip' || entry.startedAt < from || entry.startedAt >= until) continue
    totals.trips++
    totals.distanceMeters += entry.distanceMeters
    totals.movingMs += entry.movingMs
  }
  return totals
}

async function odometerOf(
  db: Db,
  key: readonly [fleetId: number, vehicleId: number],
  until: Instant,
): Promise<number | null> {
  const { rows } = await db.query<Leg>(
    `select meters, unseen, reading from (
       select ended_at as at, distance_m as meters, false as unseen, end_odometer_m as reading from trips
       where fleet_id = $1 and vehicle_id = $2 and started_at < $3
       union all
       select until_at, distance_m, true, null from track_gaps where fleet_id = $1 and vehicle_id = $2 and from_at < $3) legs
     order by at`,
    [...key, new Date(until)],
  )
  return odometerAfter(rows)
}

/** The bits of server/ingest/judge.ts in words; of a mark that says ASIDE the row tells why. */
const REASON = `case when p.flags & 256 <> 0 then 'future clock' when p.flags & 512 <> 0 then 'past clock'
  when p.flags & 8192 <> 0 then 'no fix' when p.flags & 1024 <> 0 then 'zero fix'
  when p.flags & 2048 <> 0 then 'speed' when p.flags & 4096 <> 0 then 'accuracy'
  when p.flags & 16384 <> 0 then 'jump'
  when p.flags < 0 then case when p.flags & 4 <> 0 then 'said twice' else 'accuracy' end end`

async function doubtsOf(
  db: Db,
  key: readonly [fleetId: number, vehicleId: number],
  from: Instant,
  until: Instant,
): Promise<DeviceDoubts[]> {
  const { rows } = await db.query<{ device: string; reason: DoubtName | null; points: number }>(
    `select d.name as device, ${REASON} as reason, count(*) as points
     from devices d join positions p on p.device_number = d.number and p.fix_second >= $3 and p.fix_second < $4
     where d.fleet_id = $1 and d.vehicle_id = $2 group by 1, 2 order by 1, 3 desc, 2`,
    [...key, fixSecond(from), fixSecond(until)],
  )
  const devices = new Map<string, DeviceDoubts>()
  for (const { device, reason, points } of rows) {
    const one = devices.get(device) ?? { device, points: 0, doubtful: 0, reasons: [] }
    devices.set(device, one)
    one.points += points
    if (reason === null) continue
    one.doubtful += points
    one.reasons.push({ reason, points })
  }
  return [...devices.values()]
}

/**
 * A vehicle's day in its home terminal's zone: what it did, how far it went, and what of its devices was not believed.
 * @param date today there if left out
 * @throws AppError not-found
 */
export async function loadVehicleDay(
  db: Db,
  fleetId: number,
  vehicleId: number,
  date: string | undefined,
  now: Instant,
): Promise<VehicleDay> {
  const { id, unitNumber, makeModel, ...home } = await vehicleOf(db, fleetId, vehicleId)
  const clock = zone(home.timeZone)
  const day = date ?? clock.dateOf(now)
  const from = clock.startOf(day)
  const until = clock.startOf(addDays(day, 1))
  const key = [fleetId, vehicleId] as const
  const entries = await entriesOf(db, key, from, until, home.distanceUnit)
  return {
    vehicle: { id, unitNumber, makeModel },
    ...home,
    date: day,
    from,
    until,
    entries,
    totals: totalsOf(entries, from, until),
    odometerMeters: await odometerOf(db, key, until),
    devices: await doubtsOf(db, key, from, until),
  }
}

/** Nobody looks at more points of a way on one map. */
const MOST_TRACK_POINTS = 5_000
/** A trip is no longer than this; who asks for more asks for the first part. */
const MOST_TRACK_MS = 72 * 3_600_000

/** The way between two instants, by the points that are believed. @throws AppError not-found */
export async function loadTrack(
  db: Db,
  fleetId: number,
  vehicleId: number,
  from: Instant,
  until: Instant,
): Promise<Track> {
  await vehicleOf(db, fleetId, vehicleId)
  const devices = await devicesOf(db, fleetId, vehicleId)
  const points = await readTrack(db, devices, from, Math.min(until, from + MOST_TRACK_MS))
  const step = Math.ceil(points.length / MOST_TRACK_POINTS)
  const shown = points.filter((_, i) => i % step === 0 || i === points.length - 1)
  return {
    latitudes: shown.map(({ latitude }) => latitude),
    longitudes: shown.map(({ longitude }) => longitude),
  }
}
