import { fixInstant, fixMs, fixSecond } from '../db/fix-time.ts'
import type { Db } from '../db/pool.ts'
import type { Instant } from '../time/instant.ts'
import type { Fix, Span } from './motion.ts'

/** A vehicle whose fixes or set statuses changed from `fromAt` on. */
export interface Claim {
  fleetId: number
  vehicleId: number
  fromAt: Instant
  /** The last fix that its driving was derived from; null if none was. */
  derivedThrough: Instant | null
  thresholdKph: number
}

type Keyed = Pick<Claim, 'fleetId' | 'vehicleId'>

/** Doubtful positions (server/ingest/judge.ts: bits from 256 on) are kept, and nothing is derived from them. */
const TRUSTED = '(p.flags & -256) = 0'

const columnsOf = (keys: readonly Keyed[]) => [
  keys.map((key) => key.fleetId),
  keys.map((key) => key.vehicleId),
]
const KEYS =
  'unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) with ordinality as k(fleet_id, vehicle_id, at, i)'

/** The same with an instant in the columns of `positions`. */
const FIX_KEYS =
  'unnest($1::bigint[], $2::bigint[], $3::int4[], $4::int2[]) with ordinality as k(fleet_id, vehicle_id, second, ms, i)'
const fixKeysOf = (keys: readonly (Keyed & { at: Instant })[]) => [
  ...columnsOf(keys),
  keys.map(({ at }) => fixSecond(at)),
  keys.map(({ at }) => fixMs(at)),
]

/** For each claim the spans that can matter, in order: the last two that began by then, and all later ones. */
export async function storedSpans(db: Db, claims: readonly Claim[]): Promise<Span[][]> {
  const result = claims.map((): Span[] => [])
  const columns = 's.from_at as "from", s.last_motion_at as "lastMotionAt", s.until_at as "until"'
  const { rows } = await db.query<Span & { i: number }>(
    `select k.i, s.* from ${KEYS} cross join lateral (
       (select ${columns} from driving_spans s
        where s.fleet_id = k.fleet_id and s.vehicle_id = k.vehicle_id and s.from_at <= k.at
        order by s.from_at desc limit 2)
       union all
       (select ${columns} from driving_spans s
        where s.fleet_id = k.fleet_id and s.vehicle_id = k.vehicle_id and s.from_at > k.at)) s
     order by k.i, s."from"`,
    [...columnsOf(claims), claims.map((claim) => new Date(claim.fromAt))],
  )
  for (const { i, ...span } of rows) result[i - 1]!.push(span)
  return result
}

/** The last trusted fix before an instant, by `index`; absent where there is none. */
export async function anchorsBefore(
  db: Db,
  wanted: readonly (Keyed & { before: Instant; index: number })[],
): Promise<Map<number, Instant>> {
  if (wanted.length === 0) return new Map()
  const { rows } = await db.query<{ i: number; second: number; ms: number }>(
    `select distinct on (k.i) k.i, p.fix_second as second, p.fix_ms as ms from ${FIX_KEYS}
     join devices d on d.fleet_id = k.fleet_id and d.vehicle_id = k.vehicle_id
     cross join lateral (
       select p.fix_second, p.fix_ms from positions p
       where p.device_number = d.number and (p.fix_second, p.fix_ms) < (k.second, k.ms) and ${TRUSTED}
       order by p.fix_second desc, p.fix_ms desc limit 1) p
     order by k.i, p.fix_second desc, p.fix_ms desc`,
    fixKeysOf(wanted.map((one) => ({ ...one, at: one.before }))),
  )
  return new Map(rows.map(({ i, second, ms }) => [wanted[i - 1]!.index, fixInstant(second, ms)]))
}

interface FixRow {
  i: number
  second: number
  ms: number
  latitudeE7: number
  longitudeE7: number
  speedCkph: number | null
}

const FIX = `p.fix_second as second, p.fix_ms as ms, p.latitude_e7 as "latitudeE7", p.longitude_e7 as "longitudeE7", p.speed_ckph as "speedCkph"`

const toFix = (row: FixRow): Fix => ({
  at: fixInstant(row.second, row.ms),
  latitude: row.latitudeE7 / 1e7,
  longitude: row.longitudeE7 / 1e7,
  speedKph: row.speedCkph === null ? null : row.speedCkph / 100,
})

/** One fix an instant: the first one's place, and the fastest of the speeds that were told. */
function oneAnInstant(fixes: Fix[], next: Fix): void {
  const last = fixes.at(-1)
  if (last?.at !== next.at) fixes.push(next)
  else if (next.speedKph !== null) last.speedKph = Math.max(last.speedKph ?? 0, next.speedKph)
}

/**
 * The trusted fixes of each vehicle from an instant on, of all its devices. Where the first one tells no speed, the fix
 * before it comes too: its speed is what lies between them.
 */
export async function fixesFrom(db: Db, wanted: readonly (Keyed & { from: Instant })[]): Promise<Fix[][]> {
  const result = wanted.map((): Fix[] => [])
  const { rows } = await db.query<FixRow>(
    `select k.i, ${FIX} from ${FIX_KEYS}
     join devices d on d.fleet_id = k.fleet_id and d.vehicle_id = k.vehicle_id
     join positions p on p.device_number = d.number and (p.fix_second, p.fix_ms) >= (k.second, k.ms)
     where ${TRUSTED}
     order by k.i, p.fix_second, p.fix_ms, p.device_number, p.digest`,
    fixKeysOf(wanted.map((one) => ({ ...one, at: one.from }))),
  )
  for (const row of rows) oneAnInstant(result[row.i - 1]!, toFix(row))
  const without = wanted.flatMap((one, index) => {
    const first = result[index]![0]
    return first && first.speedKph === null ? [{ ...one, index, first }] : []
  })
  if (without.length === 0) return result
  const earlier = await db.query<FixRow>(
    `select distinct on (k.i) k.i, p.* from ${FIX_KEYS}
     join devices d on d.fleet_id = k.fleet_id and d.vehicle_id = k.vehicle_id
     cross join lateral (
       select ${FIX}, p.device_number, p.digest from positions p
       where p.device_number = d.number and (p.fix_second, p.fix_ms) < (k.second, k.ms) and ${TRUSTED}
       order by p.fix_second desc, p.fix_ms desc, p.digest limit 1) p
     order by k.i, p.second desc, p.ms desc, p.device_number, p.digest`,
    fixKeysOf(without.map((one) => ({ ...one, at: one.first.at }))),
  )
  for (const row of earlier.rows) result[without[row.i - 1]!.index]!.unshift(toFix(row))
  return result
}

/** The instants at which a person set a status for whoever drove the vehicle then, in order. */
export async function setInstants(
  db: Db,
  wanted: readonly (Keyed & { from: Instant })[],
): Promise<Instant[][]> {
  const result = wanted.map((): Instant[] => [])
  const { rows } = await db.query<{ i: number; at: Instant }>(
    `select distinct k.i, e.at from ${KEYS}
     join driver_assignments a on a.fleet_id = k.fleet_id and a.vehicle_id = k.vehicle_id
       and (a.until_at is null or a.until_at > k.at)
     join duty_events e on e.fleet_id = a.fleet_id and e.driver_id = a.driver_id
       and e.at >= greatest(k.at, a.from_at) and (a.until_at is null or e.at < a.until_at)
     order by k.i, e.at`,
    [...columnsOf(wanted), wanted.map((one) => new Date(one.from))],
  )
  for (const { i, at } of rows) result[i - 1]!.push(at)
  return result
}
