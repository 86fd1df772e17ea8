import { fixInstant, fixSecond } from '../db/fix-time.ts'
import type { Db } from '../db/pool.ts'
import type { Instant } from '../time/instant.ts'
import { ARRIVAL_DOUBTS, MARKS } from './flags.ts'
import { CONTEXT_POINTS, type Window } from './reopen.ts'
import type { TrackPoint } from './types.ts'

/** A point as it is stored; `flags` is without the marks of this room, which are answers and no evidence. */
export interface StoredPoint extends TrackPoint {
  deviceNumber: number
  fixSecond: number
  /** Of JUMP and ASIDE those that are stored. */
  marks: number
}

/** Arrays and no objects: a vehicle's day is some 2,900 of them, and naming their values took a third of reading it. */
type Row = [
  deviceNumber: number,
  second: number,
  ms: number,
  digest: number,
  latitudeE7: number,
  longitudeE7: number,
  speedCkph: number | null,
  odometerM: number | null,
  accuracyDm: number | null,
  flags: number,
]

const ROW = `p.device_number, p.fix_second, p.fix_ms, p.digest, p.latitude_e7, p.longitude_e7, p.speed_ckph, p.odometer_m,
  p.accuracy_dm, p.flags`
/** What was doubted on arrival is evidence, and never read here. */
const TRUSTED = `(p.flags & ${ARRIVAL_DOUBTS}) = 0`
const SECONDS_END = 2_147_483_647

const IGNITION_KNOWN = 1
const IGNITION_ON = 2

const pointOf = ([
  deviceNumber,
  second,
  ms,
  digest,
  latitudeE7,
  longitudeE7,
  speedCkph,
  odometerM,
  accuracyDm,
  flags,
]: Row): StoredPoint => ({
  fixAt: fixInstant(second, ms),
  latitude: latitudeE7 / 1e7,
  longitude: longitudeE7 / 1e7,
  speedKph: speedCkph === null ? null : speedCkph / 100,
  odometerMeters: odometerM,
  ignition: flags & IGNITION_KNOWN ? (flags & IGNITION_ON) !== 0 : null,
  accuracyMeters: accuracyDm === null ? null : accuracyDm / 10,
  flags: flags & ~MARKS,
  digest,
  deviceNumber,
  fixSecond: second,
  marks: flags & MARKS,
})

async function readBetween(db: Db, devices: readonly number[], from: number, until: number) {
  const { rows } = await db.query<Row>({
    name: 'trip-points-between',
    text: `select ${ROW} from unnest($1::int4[]) as d(number)
      join positions p on p.device_number = d.number and p.fix_second >= $2 and p.fix_second <= $3
      where ${TRUSTED}`,
    values: [devices, from, until],
    rowMode: 'array',
  })
  return rows.map(pointOf)
}

/** The trusted points next to a second, at least `instants` different ones unless there are fewer, and none left out between. */
async function readBeside(
  db: Db,
  devices: readonly number[],
  side: 'before' | 'after',
  second: number,
  instants: number,
): Promise<StoredPoint[]> {
  const [compare, order] = side === 'before' ? ['<', 'desc'] : ['>', 'asc']
  for (let limit = Math.ceil(instants * 1.5); ; limit *= 2) {
    const { rows } = await db.query<Row>({
      name: `trip-points-${side}`,
      text: `select p.* from unnest($1::int4[]) as d(number) cross join lateral (
        select ${ROW} from positions p
        where p.device_number = d.number and p.fix_second ${compare} $2 and ${TRUSTED}
        order by p.fix_second ${order} limit $3) p`,
      values: [devices, second, limit],
      rowMode: 'array',
    })
    // Where one device's rows end with the limit, the others' beyond it would be the truck without it.
    const farthest = new Map<number, { count: number; second: number }>()
    for (const [deviceNumber, at] of rows) {
      const one = farthest.get(deviceNumber)
      farthest.set(deviceNumber, { count: (one?.count ?? 0) + 1, second: at })
    }
    const cuts = [...farthest.values()].filter(({ count }) => count === limit).map((one) => one.second)
    if (cuts.length === 0) return rows.map(pointOf)
    const cut = side === 'before' ? Math.max(...cuts) : Math.min(...cuts)
    // Of the second at the cut there may be more.
    const whole = rows.filter(([, at]) => (side === 'before' ? at > cut : at < cut)).map(pointOf)
    if (new Set(whole.map(({ fixAt }) => fixAt)).size >= instants) return whole
  }
}

/** What `rederive` wants to see of a vehicle for a window: its trusted points, and `context` instants more on either side. */
export async function readWindow(
  db: Db,
  devices: readonly number[],
  { readFrom, readUntil }: Pick<Window, 'readFrom' | 'readUntil'>,
  context: number = CONTEXT_POINTS,
): Promise<StoredPoint[]> {
  const from = readFrom === null ? -SECONDS_END : fixSecond(readFrom)
  const until = readUntil === null ? SECONDS_END : fixSecond(readUntil)
  const before = readFrom === null ? [] : await readBeside(db, devices, 'before', from, context)
  const between = await readBetween(db, devices, from, until)
  const after = readUntil === null ? [] : await readBeside(db, devices, 'after', until, context)
  return [...before, ...between, ...after].sort((a, b) => a.fixAt - b.fixAt || a.digest - b.digest)
}

/** The trusted points of a stretch of time, in order; for a track on the map. */
export async function readTrack(
  db: Db,
  devices: readonly number[],
  from: Instant,
  until: Instant,
): Promise<StoredPoint[]> {
  const points = await readBetween(db, devices, fixSecond(from), fixSecond(until))
  return points
    .filter(({ fixAt, marks }) => marks === 0 && fixAt >= from && fixAt <= until)
    .sort((a, b) => a.fixAt - b.fixAt || a.digest - b.digest)
}

/** The devices that a vehicle has or had, by their numbers in `positions`. */
export async function devicesOf(db: Db, fleetId: number, vehicleId: number): Promise<number[]> {
  const { rows } = await db.query<{ number: number }>({
    name: 'trip-devices',
    text: 'select number from devices where fleet_id = $1 and vehicle_id = $2 order by number',
    values: [fleetId, vehicleId],
  })
  return rows.map(({ number }) => number)
}

/** Marks on stored points; a mark is JUMP, ASIDE or 0. */
export async function writeMarks(
  db: Db,
  changed: readonly { point: StoredPoint; marks: number }[],
): Promise<void> {
  if (changed.length === 0) return
  await db.query(
    `update positions p set flags = ((p.flags & ${~MARKS}) | k.marks)::int2
     from unnest($1::int4[], $2::int4[], $3::int4[], $4::int4[]) as k(device_number, fix_second, digest, marks)
     where p.device_number = k.device_number and p.fix_second = k.fix_second and p.digest = k.digest`,
    [
      changed.map(({ point }) => point.deviceNumber),
      changed.map(({ point }) => point.fixSecond),
      changed.map(({ point }) => point.digest),
      changed.map(({ marks }) => marks),
    ],
  )
}
