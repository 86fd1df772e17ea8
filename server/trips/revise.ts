import type { Db } from '../db/pool.ts'
import type { Instant } from '../time/instant.ts'
import { type Recount, recountsOf } from './doubts.ts'
import { ASIDE, JUMP } from './flags.ts'
import { devicesOf, readWindow, type StoredPoint, writeMarks } from './points.ts'
import { CONTEXT_POINTS, rederive, reopenedBy, TooLittleContext, type Window } from './reopen.ts'
import { keepPart, STOP_COLUMNS, type StopRow, toStop, type VehicleKey } from './rows.ts'
import type { Derived, Implausible, Stop, TripSettings } from './types.ts'

/** What one vehicle's revision did. */
export interface Revision {
  /** Points that were read. */
  points: number
  /** Rows that differed. */
  rows: number
  /** What changed marks change in the counts of devices. */
  recounts: Recount[]
  /** Between which fixes marks changed; null: none did. */
  marked: { from: Instant; until: Instant } | null
}

/** Given so much context without success, all is derived again: nearly nothing there is to be believed. */
const MOST_CONTEXT = 64 * CONTEXT_POINTS

/** Of the kept stops those that `reopenedBy` looks for: the last whose beginning is firm, the first whose end is. */
async function edgesOf(tx: Db, key: VehicleKey, first: Instant, last: Instant): Promise<Stop[]> {
  const { rows } = await tx.query<StopRow>({
    name: 'trip-edges',
    text: `(select ${STOP_COLUMNS} from stops
        where fleet_id = $1 and vehicle_id = $2 and started_at < $3 and start_firm_after < $3
        order by started_at desc limit 1)
      union all
      (select ${STOP_COLUMNS} from stops
        where fleet_id = $1 and vehicle_id = $2 and end_firm_before > $4
          and started_at >= coalesce((select max(started_at) from stops
            where fleet_id = $1 and vehicle_id = $2 and started_at <= $4), '-infinity')
        order by started_at limit 1)`,
    values: [key.fleetId, key.vehicleId, new Date(first), new Date(last)],
  })
  const [a, b] = rows.map(toStop)
  if (!a) return []
  return !b || b.startedAt === a.startedAt
    ? [a]
    : [a, b].sort((one, other) => one.startedAt - other.startedAt)
}

/** Where what is kept reaches back behind the first point that there still is: retention has dropped the rest. */
async function keptBefore(tx: Db, key: VehicleKey, first: Instant): Promise<Instant | null> {
  const { rows } = await tx.query<{ until: Instant | null }>(
    `select max(until) as until from (
       select ended_at as until from trips where fleet_id = $1 and vehicle_id = $2 and started_at < $3
       union all select ended_at from stops where fleet_id = $1 and vehicle_id = $2 and started_at < $3
       union all select until_at from track_gaps where fleet_id = $1 and vehicle_id = $2 and from_at < $3) k`,
    [key.fleetId, key.vehicleId, new Date(first)],
  )
  return rows[0]!.until
}

const keyOf = ({ fixAt, digest }: { fixAt: Instant; digest: number }) => `${fixAt} ${digest}`

/** The points within whose mark is another now. */
function changedMarks(
  points: readonly StoredPoint[],
  implausible: readonly Implausible[],
  within: (at: Instant) => boolean,
): { point: StoredPoint; marks: number }[] {
  const wanted = new Map(
    implausible.map(({ point, doubt }) => [keyOf(point), doubt === 'jump' ? JUMP : ASIDE]),
  )
  return points.flatMap((point) => {
    const marks = wanted.get(keyOf(point)) ?? 0
    return marks !== point.marks && within(point.fixAt) ? [{ point, marks }] : []
  })
}

/**
 * Derives again what fixes between `first` and `last` can have changed of a vehicle's trips, and writes what differs: rows, and the
 * marks of points that can't be true. The answer is that of all its points, whatever their order of arrival. The caller
 * holds the vehicle's row of `vehicle_motion` locked.
 */
export async function reviseVehicle(
  tx: Db,
  key: VehicleKey,
  settings: TripSettings,
  first: Instant,
  last: Instant,
): Promise<Revision> {
  const devices = await devicesOf(tx, key.fleetId, key.vehicleId)
  const edges = await edgesOf(tx, key, first, last)
  const old: Derived = { trips: [], stops: edges, gaps: [], implausible: [], latest: null }
  let window: Window = reopenedBy(edges, settings, first, last)
  let context = CONTEXT_POINTS
  let read = 0
  for (;;) {
    const points = await readWindow(tx, devices, window, context)
    read += points.length
    let part: Derived
    try {
      part = rederive(old, points, window, settings)
    } catch (error) {
      if (!(error instanceof TooLittleContext)) throw error
      context *= 4
      if (context > MOST_CONTEXT) window = { from: null, until: null, readFrom: null, readUntil: null }
      continue
    }
    const oldest = points[0]?.fixAt
    if (oldest === undefined) return { points: read, rows: 0, recounts: [], marked: null }
    let { from } = window
    if (from === null) from = Math.max(oldest, (await keptBefore(tx, key, oldest)) ?? oldest)
    const start = from
    const rows = await keepPart(tx, key, {
      from,
      until: window.until,
      trips: part.trips.filter((trip) => trip.startedAt >= start),
      stops: part.stops.filter((stop) => stop.startedAt >= start),
      gaps: part.gaps.filter((gap) => gap.from >= start),
    })
    const until = window.until ?? Number.POSITIVE_INFINITY
    const changed = changedMarks(points, part.implausible, (at) => at >= start && at <= until)
    await writeMarks(tx, changed)
    const times = changed.map(({ point }) => point.fixAt)
    const marked = times.length === 0 ? null : { from: Math.min(...times), until: Math.max(...times) }
    return { points: read, rows, recounts: recountsOf(changed), marked }
  }
}
