import { createHash } from 'node:crypto'
import type { Db } from '../db/pool.ts'
import type { Instant } from '../time/instant.ts'
import type { Gap, Place, Stop, StopEdge, Trip, TripEdge } from './types.ts'

export interface VehicleKey {
  fleetId: number
  vehicleId: number
}

type Value = string | number | null
type Row = Record<string, Value>

/** How one kind of what is derived is kept. */
interface Table<T> {
  name: string
  /** The columns that say from when and until when it is. */
  from: string
  until: string
  columns: Record<string, string>
  toRow: (one: T) => Row
}

const e7 = (degrees: number) => Math.round(degrees * 1e7)
const time = (at: Instant | null) => (at === null ? null : new Date(at).toISOString())

const TRIPS: Table<Trip> = {
  name: 'trips',
  from: 'started_at',
  until: 'ended_at',
  columns: {
    started_at: 'timestamptz',
    ended_at: 'timestamptz',
    start_latitude_e7: 'int4',
    start_longitude_e7: 'int4',
    end_latitude_e7: 'int4',
    end_longitude_e7: 'int4',
    starts_by: 'text',
    ends_by: 'text',
    distance_m: 'int4',
    odometer_share_m: 'int4',
    moving_ms: 'int8',
    max_speed_ckph: 'int4',
    end_odometer_m: 'int4',
    points: 'int4',
  },
  toRow: (trip) => ({
    started_at: time(trip.startedAt),
    ended_at: time(trip.endedAt),
    start_latitude_e7: e7(trip.start.latitude),
    start_longitude_e7: e7(trip.start.longitude),
    end_latitude_e7: e7(trip.end.latitude),
    end_longitude_e7: e7(trip.end.longitude),
    starts_by: trip.startsBy,
    ends_by: trip.endsBy,
    distance_m: trip.distanceMeters,
    odometer_share_m: trip.odometerShareMeters,
    moving_ms: trip.movingMs,
    max_speed_ckph: trip.maxSpeedKph === null ? null : Math.round(trip.maxSpeedKph * 100),
    end_odometer_m: trip.endOdometerMeters,
    points: trip.points,
  }),
}

const STOPS: Table<Stop> = {
  name: 'stops',
  from: 'started_at',
  until: 'ended_at',
  columns: {
    started_at: 'timestamptz',
    ended_at: 'timestamptz',
    latitude_e7: 'int4',
    longitude_e7: 'int4',
    starts_by: 'text',
    ends_by: 'text',
    longest_silence_ms: 'int8',
    points: 'int4',
    start_firm_after: 'timestamptz',
    end_firm_before: 'timestamptz',
  },
  toRow: (stop) => ({
    started_at: time(stop.startedAt),
    ended_at: time(stop.endedAt),
    latitude_e7: e7(stop.place.latitude),
    longitude_e7: e7(stop.place.longitude),
    starts_by: stop.startsBy,
    ends_by: stop.endsBy,
    longest_silence_ms: stop.longestSilenceMs,
    points: stop.points,
    start_firm_after: time(stop.startFirmAfter),
    end_firm_before: time(stop.endFirmBefore),
  }),
}

const GAPS: Table<Gap> = {
  name: 'track_gaps',
  from: 'from_at',
  until: 'until_at',
  columns: {
    from_at: 'timestamptz',
    until_at: 'timestamptz',
    reason: 'text',
    start_latitude_e7: 'int4',
    start_longitude_e7: 'int4',
    end_latitude_e7: 'int4',
    end_longitude_e7: 'int4',
    distance_m: 'int4',
  },
  toRow: (gap) => ({
    from_at: time(gap.from),
    until_at: time(gap.until),
    reason: gap.reason,
    start_latitude_e7: e7(gap.start.latitude),
    start_longitude_e7: e7(gap.start.longitude),
    end_latitude_e7: e7(gap.end.latitude),
    end_longitude_e7: e7(gap.end.longitude),
    distance_m: gap.distanceMeters,
  }),
}

/** Names a content with 48 bits: the same row has the same version, whoever derived it and whenever. */
const versionOf = (row: Row) =>
  createHash('sha256')
    .update(JSON.stringify(Object.values(row)))
    .digest()
    .readUIntBE(0, 6)

/**
 * Makes one kind of what is kept of a vehicle between two instants what was derived, and touches no row that is so already.
 * @returns how many rows were written or deleted
 */
async function keep<T>(
  tx: Db,
  table: Table<T>,
  key: VehicleKey,
  window: { from: Instant | null; until: Instant | null },
  derived: readonly T[],
): Promise<number> {
  const ids = [key.fleetId, key.vehicleId]
  const { rows: old } = await tx.query<{ at: Instant; version: number }>({
    name: `kept-${table.name}`,
    text: `select ${table.from} as at, version from ${table.name}
      where fleet_id = $1 and vehicle_id = $2 and ${table.from} >= $3 and ${table.until} <= $4`,
    values: [...ids, time(window.from) ?? '-infinity', time(window.until) ?? 'infinity'],
  })
  const versions = new Map(old.map(({ at, version }) => [at, version]))
  const changed: Row[] = []
  for (const one of derived) {
    const row = table.toRow(one)
    const at = Date.parse(row[table.from] as string)
    const version = versionOf(row)
    if (versions.get(at) !== version) changed.push({ ...row, version })
    versions.delete(at)
  }
  const gone = [...versions.keys()]
  if (gone.length > 0) {
    await tx.query(
      `delete from ${table.name} where fleet_id = $1 and vehicle_id = $2 and ${table.from} = any($3::timestamptz[])`,
      [...ids, gone.map((at) => new Date(at))],
    )
  }
  if (changed.length > 0) {
    const columns = { ...table.columns, version: 'int8' }
    const names = Object.keys(columns)
    const types = Object.entries(columns).map(([name, type]) => `${name} ${type}`)
    const sets = names.filter((name) => name !== table.from).map((name) => `${name} = excluded.${name}`)
    await tx.query({
      name: `keep-${table.name}`,
      text: `insert into ${table.name} (fleet_id, vehicle_id, ${names.join(', ')})
        select $1, $2, ${names.map((name) => `r.${name}`).join(', ')} from json_to_recordset($3::json) as r(${types.join(', ')})
        on conflict (fleet_id, vehicle_id, ${table.from}) do update set ${sets.join(', ')}`,
      values: [...ids, JSON.stringify(changed)],
    })
  }
  return gone.length + changed.length
}

/** What was derived of a vehicle between two instants; null: from the first point, to the last one. */
export interface Part {
  from: Instant | null
  until: Instant | null
  trips: readonly Trip[]
  stops: readonly Stop[]
  gaps: readonly Gap[]
}

/** Keeps a part. @returns how many rows differed */
export async function keepPart(tx: Db, key: VehicleKey, part: Part): Promise<number> {
  return (
    (await keep(tx, TRIPS, key, part, part.trips)) +
    (await keep(tx, STOPS, key, part, part.stops)) +
    (await keep(tx, GAPS, key, part, part.gaps))
  )
}

const place = (latitudeE7: number, longitudeE7: number): Place => ({
  latitude: latitudeE7 / 1e7,
  longitude: longitudeE7 / 1e7,
})

export const STOP_COLUMNS = `started_at as "startedAt", ended_at as "endedAt", latitude_e7 as "latitudeE7",
  longitude_e7 as "longitudeE7", starts_by as "startsBy", ends_by as "endsBy",
  longest_silence_ms as "longestSilenceMs", points, start_firm_after as "startFirmAfter",
  end_firm_before as "endFirmBefore"`
export interface StopRow extends Omit<Stop, 'place'> {
  latitudeE7: number
  longitudeE7: number
  startsBy: StopEdge
  endsBy: StopEdge
}
export const toStop = ({ latitudeE7, longitudeE7, ...stop }: StopRow): Stop => ({
  ...stop,
  place: place(latitudeE7, longitudeE7),
})

export const TRIP_COLUMNS = `started_at as "startedAt", ended_at as "endedAt", start_latitude_e7 as "startLatitudeE7",
  start_longitude_e7 as "startLongitudeE7", end_latitude_e7 as "endLatitudeE7", end_longitude_e7 as "endLongitudeE7",
  starts_by as "startsBy", ends_by as "endsBy", distance_m as "distanceMeters", odometer_share_m as "odometerShareMeters",
  moving_ms as "movingMs", max_speed_ckph as "maxSpeedCkph", end_odometer_m as "endOdometerMeters", points`
export interface TripRow extends Omit<Trip, 'start' | 'end' | 'maxSpeedKph'> {
  startLatitudeE7: number
  startLongitudeE7: number
  endLatitudeE7: number
  endLongitudeE7: number
  startsBy: TripEdge
  endsBy: TripEdge
  maxSpeedCkph: number | null
}
export const toTrip = ({
  startLatitudeE7,
  startLongitudeE7,
  endLatitudeE7,
  endLongitudeE7,
  maxSpeedCkph,
  ...trip
}: TripRow): Trip => ({
  ...trip,
  start: place(startLatitudeE7, startLongitudeE7),
  end: place(endLatitudeE7, endLongitudeE7),
  maxSpeedKph: maxSpeedCkph === null ? null : maxSpeedCkph / 100,
})

export const GAP_COLUMNS = `from_at as "from", until_at as "until", reason, start_latitude_e7 as "startLatitudeE7",
  start_longitude_e7 as "startLongitudeE7", end_latitude_e7 as "endLatitudeE7", end_longitude_e7 as "endLongitudeE7",
  distance_m as "distanceMeters"`
export interface GapRow extends Omit<Gap, 'start' | 'end'> {
  startLatitudeE7: number
  startLongitudeE7: number
  endLatitudeE7: number
  endLongitudeE7: number
}
export const toGap = ({
  startLatitudeE7,
  startLongitudeE7,
  endLatitudeE7,
  endLongitudeE7,
  ...gap
}: GapRow): Gap => ({
  ...gap,
  start: place(startLatitudeE7, startLongitudeE7),
  end: place(endLatitudeE7, endLongitudeE7),
})
