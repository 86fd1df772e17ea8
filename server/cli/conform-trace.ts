import { createHash } from 'node:crypto'
import * as fs from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { gunzipSync } from 'node:zlib'
import type pg from 'pg'
import { z } from 'zod'
import { enrolDevices } from '../auth/device.ts'
import { startEmbedded } from '../db/embedded.ts'
import { newId } from '../db/id.ts'
import { migrate } from '../db/migrate.ts'
import { ensurePartitions } from '../db/partitions.ts'
import { createPool } from '../db/pool.ts'
import { distanceMeters } from '../geo/distance.ts'
import { createDoor } from '../ingest/http.ts'
import { AHEAD_MS } from '../ingest/judge.ts'
import type { Receipt } from '../ingest/schema.ts'
import { intakeOf } from '../ingest/take.ts'
import { DAY, type Instant, MINUTE, SECOND } from '../time/instant.ts'
import { ARRIVAL_DOUBTS, MARKS } from '../trips/flags.ts'
import { work } from '../work.ts'
import { readTrace, type TraceRow } from './replay/trace.ts'
import { Random } from './soak/random.ts'

/** A trip is right within this at both ends, and this share of its distance. */
const END_MS = 60 * SECOND
const SHARE = 0.01
const SAME_PLACE_METERS = 1
const ROWS_A_REQUEST = 200
/** The worker has a round after so many requests, and so many rounds at least, so that later ones reopen what was derived. */
const REQUESTS_A_ROUND = 25
const LEAST_ROUNDS = 8

const Time = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text))
const Truth = z.object({
  devices: z.record(
    z.string(),
    z.object({
      goodPoints: z.number().int(),
      lastGoodPoint: z.object({ time: Time, lat: z.number(), lon: z.number() }),
      trips: z.array(z.object({ start: Time, end: Time, distanceKm: z.number() })),
    }),
  ),
})
export type Truth = z.infer<typeof Truth>

/** How the rows of a file are fed. */
export interface Feed {
  /** Mixes them by this seed; null: the file's order */
  shuffle: number | null
  /** All of them, and then all of them again */
  twice: boolean
}

export interface Outcome {
  passed: number
  /** A block for each case that failed. */
  failed: string[]
  /** SHA-256 of every row that is kept, without ids that each run makes anew and times of receipt: the same for the same points. */
  digest: string
}

/** @throws Error naming the field, when a file can't be read as a trace's truth */
export function readTruth(file: string): Truth {
  const bytes = fs.readFileSync(file)
  const text = (bytes[0] === 0x1f ? gunzipSync(bytes) : bytes).toString('utf8')
  try {
    return Truth.parse(JSON.parse(text))
  } catch (error) {
    const [issue] = error instanceof z.ZodError ? error.issues : []
    throw new Error(
      issue ? `${file}: ${issue.path.join('.')}: ${issue.message}` : `${file}: ${(error as Error).message}`,
    )
  }
}

interface Device {
  vehicleId: number
  token: string
}

/** A fleet of its own with a vehicle and a token for each device of the trace. */
async function enrol(pool: pg.Pool, names: readonly string[], now: Instant): Promise<Map<string, Device>> {
  const fleetId = newId()
  await pool.query(
    "insert into fleets (id, name, slug, time_zone) values ($1::bigint, 'Conformance', 'conformance-' || $1::bigint, 'UTC')",
    [fleetId],
  )
  const vehicleIds = names.map(() => newId())
  await pool.query(
    'insert into vehicles (fleet_id, id, unit_number) select $1, * from unnest($2::bigint[], $3::text[])',
    [fleetId, vehicleIds, names],
  )
  const devices = names.map((name, i) => ({ name, vehicleId: vehicleIds[i]! }))
  const enrolled = await enrolDevices(pool, fleetId, devices)
  // The door goes by the trace's clock, and a trace is of any year.
  await pool.query('update devices set token_expires_at = $2 where fleet_id = $1', [
    fleetId,
    new Date(now + DAY),
  ])
  return new Map(enrolled.map(({ name, vehicleId, token }) => [name, { vehicleId, token }]))
}

interface Sending {
  device: string
  rows: TraceRow[]
  receivedAt: Instant
}

/**
 * Requests as they are sent: each device's rows in the order of the feed, those of all devices as they come. All are received at
 * `end`, so that they are judged alike in all feeds; but a clock that was ahead is known when it is received, and no longer
 * when its time has come. So such a row comes alone, at its own time.
 */
function requestsOf(rows: readonly TraceRow[], end: Instant): Sending[] {
  const requests: Sending[] = []
  const gathering = new Map<string, TraceRow[]>()
  for (const row of rows) {
    const { device } = row.heartbeat
    if (row.fixAt > row.receivedAt + AHEAD_MS) {
      requests.push({ device, rows: [row], receivedAt: row.receivedAt })
      continue
    }
    const gathered = gathering.get(device) ?? []
    gathering.set(device, gathered)
    gathered.push(row)
    if (gathered.length < ROWS_A_REQUEST) continue
    requests.push({ device, rows: gathered, receivedAt: end })
    gathering.delete(device)
  }
  for (const [device, left] of gathering) requests.push({ device, rows: left, receivedAt: end })
  return requests
}

/**
 * Posts the rows of a trace to the HTTP door on a free port, lets the worker derive in between, and compares what is kept with the
 * truth. The door's clock says for each request when it is received (see requestsOf).
 */
export async function runTrace(
  pool: pg.Pool,
  rows: readonly TraceRow[],
  truth: Truth,
  feed: Feed,
): Promise<Outcome> {
  const end = rows.reduce((latest, row) => Math.max(latest, row.receivedAt), 0)
  for (let at = end; at > rows[0]!.receivedAt - 31 * DAY; at -= 28 * DAY) await ensurePartitions(pool, at)
  const devices = await enrol(pool, [...new Set(rows.map((row) => row.heartbeat.device))], end)
  let clock = end
  const intake = intakeOf(pool, () => clock)
  const door = createDoor(intake)
  const server = createServer((req, res) => void door.handle(req, res))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/heartbeats`
  let now: Instant = end
  try {
    const doubled = feed.twice ? [...rows, ...rows] : rows
    const fed = feed.shuffle === null ? doubled : new Random(feed.shuffle).shuffled(doubled)
    const requests = requestsOf(fed, end)
    const apart = Math.min(REQUESTS_A_ROUND, Math.ceil(requests.length / LEAST_ROUNDS))
    for (const [i, request] of requests.entries()) {
      clock = request.receivedAt
      await post(url, devices.get(request.device)!.token, request.rows)
      if (i % apart !== apart - 1) continue
      now += 2 * MINUTE
      await work(pool, () => now)
    }
    await intake.receiver.drained()
  } finally {
    server.closeAllConnections()
    server.close()
  }
  await settle(pool, now)
  const vehicles = [...devices].map(([name, { vehicleId }]) => ({ name, vehicleId }))
  const outcome = await compare(pool, vehicles, truth)
  return { ...outcome, digest: await digestOf(pool, vehicles) }
}

async function post(url: string, token: string, rows: readonly TraceRow[]): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(rows.map((row) => row.heartbeat)),
  })
  if (!response.ok) throw new Error(`the door answered ${response.status}: ${await response.text()}`)
  const { refused } = (await response.json()) as Receipt
  const [first] = refused
  if (first) throw new Error(`line ${rows[first.index]!.line}: refused: ${first.field} ${first.reason}`)
}

/** Rounds of the worker until nothing is noted any more. A standing truck's trips can wait, so the clock goes on. */
async function settle(pool: pg.Pool, from: Instant): Promise<void> {
  for (let now = from; ; now += 30 * DAY) {
    await work(pool, () => now)
    const { rows } = await pool.query<{ left: number }>(
      `select (select count(*) from recheck_notes) + (select count(*) from vehicle_rechecks)
         + (select count(*) from trip_rechecks) as left`,
    )
    if (rows[0]!.left === 0) return
    if (now > from + 900 * DAY) throw new Error('the worker does not come to an end')
  }
}

interface Vehicle {
  name: string
  vehicleId: number
}

interface Kept {
  points: number
  latest: { at: Instant; latitude: number; longitude: number } | null
  trips: { startedAt: Instant; endedAt: Instant; meters: number }[]
}

async function keptOf(pool: pg.Pool, vehicleId: number): Promise<Kept> {
  const points = await pool.query<{ count: number }>(
    `select count(*) from positions p join devices d on d.number = p.device_number
     where d.vehicle_id = $1 and (p.flags & ${ARRIVAL_DOUBTS | MARKS}) = 0`,
    [vehicleId],
  )
  const latest = await pool.query<{ at: Instant; latitude: number; longitude: number }>(
    `select fix_at as at, latitude_e7 / 1e7::float8 as latitude, longitude_e7 / 1e7::float8 as longitude
     from latest_positions where vehicle_id = $1`,
    [vehicleId],
  )
  const trips = await pool.query<Kept['trips'][number]>(
    `select started_at as "startedAt", ended_at as "endedAt", distance_m as meters from trips
     where vehicle_id = $1 order by started_at`,
    [vehicleId],
  )
  return { points: points.rows[0]!.count, latest: latest.rows[0] ?? null, trips: trips.rows }
}

const iso = (at: Instant) => new Date(at).toISOString()
const kilometers = (meters: number) => `${(meters / 1000).toFixed(2)} km`

async function compare(
  pool: pg.Pool,
  vehicles: readonly Vehicle[],
  truth: Truth,
): Promise<{ passed: number; failed: string[] }> {
  const failed: string[] = []
  let passed = 0
  const check = (id: string, right: boolean, expected: string, came: string) => {
    if (right) passed++
    else failed.push(`${id}\n  expected ${expected}\n  came     ${came}`)
  }
  for (const [name, expected] of Object.entries(truth.devices)) {
    const vehicle = vehicles.find((one) => one.name === name)
    const kept: Kept = vehicle
      ? await keptOf(pool, vehicle.vehicleId)
      : { points: 0, latest: null, trips: [] }
    check(
      `${name} points`,
      kept.points === expected.goodPoints,
      `${expected.goodPoints} stored`,
      `${kept.points}`,
    )
    const { time, lat, lon } = expected.lastGoodPoint
    const { latest } = kept
    check(
      `${name} latest`,
      latest !== null &&
        latest.at === time &&
        distanceMeters(latest, { latitude: lat, longitude: lon }) <= SAME_PLACE_METERS,
      `${iso(time)} ${lat}, ${lon}`,
      latest ? `${iso(latest.at)} ${latest.latitude}, ${latest.longitude}` : 'none',
    )
    const left = [...kept.trips]
    for (const trip of expected.trips) {
      const meters = trip.distanceKm * 1000
      const offMs = (one: Kept['trips'][number]) =>
        Math.max(Math.abs(one.startedAt - trip.start), Math.abs(one.endedAt - trip.end))
      const nearest = left.toSorted((a, b) => offMs(a) - offMs(b))[0]
      const right =
        nearest !== undefined &&
        offMs(nearest) <= END_MS &&
        Math.abs(nearest.meters - meters) <= meters * SHARE
      if (right) left.splice(left.indexOf(nearest), 1)
      const words = (start: Instant, end: Instant, m: number) =>
        `${iso(start)} to ${iso(end)}, ${kilometers(m)}`
      check(
        `${name} trip of ${iso(trip.start)}`,
        right,
        words(trip.start, trip.end, meters),
        nearest ? words(nearest.startedAt, nearest.endedAt, nearest.meters) : 'none',
      )
    }
    for (const one of left)
      failed.push(
        `${name} trip of ${iso(one.startedAt)}\n  expected none\n  came     until ${iso(one.endedAt)}, ${kilometers(one.meters)}`,
      )
  }
  for (const { name } of vehicles)
    if (!truth.devices[name]) failed.push(`${name}\n  expected no such device\n  came     points of it`)
  return { passed, failed }
}

async function digestOf(pool: pg.Pool, vehicles: readonly Vehicle[]): Promise<string> {
  const hash = createHash('sha256')
  for (const { name, vehicleId } of vehicles.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    hash.update(name)
    for (const [table, without, order] of [
      ['trips', "'{fleet_id,vehicle_id}'", 'started_at'],
      ['stops', "'{fleet_id,vehicle_id}'", 'started_at'],
      ['track_gaps', "'{fleet_id,vehicle_id}'", 'from_at'],
      ['latest_positions', "'{fleet_id,vehicle_id,device_id,revision}'", 'fix_at'],
      [
        '(select vehicle_id, p.* from positions p join devices d on d.number = p.device_number)',
        "'{vehicle_id,fleet_number,device_number,received_at}'",
        'fix_second, digest',
      ],
    ]) {
      const { rows } = await pool.query<{ row: string }>(
        `select (to_jsonb(t) - ${without}::text[])::text as row from ${table} t where vehicle_id = $1 order by ${order}`,
        [vehicleId],
      )
      for (const { row } of rows) hash.update(row)
    }
  }
  return hash.digest('hex')
}

/** The truth beside a trace, by its name. */
function truthOf(file: string): string {
  const base = file.replace(/\.csv(\.gz)?$/, '')
  for (const name of [`${base}.truth.json`, `${base}.truth.json.gz`]) if (fs.existsSync(name)) return name
  throw new Error(`${file} has no truth beside it (${base}.truth.json)`)
}

/** `conform trace FILE… [--shuffle SEED] [--twice]` on an embedded database. */
export async function conformTrace(args: string[]): Promise<{ passed: number; failed: number }> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { shuffle: { type: 'string' }, twice: { type: 'boolean', default: false } },
  })
  const seed = values.shuffle === undefined ? null : Number(values.shuffle)
  if (seed !== null && !Number.isSafeInteger(seed)) throw new Error('--shuffle takes a whole number')
  const traces = positionals
    .filter((file) => !/\.truth\.json(\.gz)?$/.test(file))
    .map((file) => ({ file, rows: readTrace(file), truth: readTruth(truthOf(file)) }))
  if (traces.length === 0) throw new Error('conform trace wants FILE.csv.gz, with FILE.truth.json beside it')
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'restline-conform-'))
  const embedded = await startEmbedded(directory, { database: 'conform', settings: ['fsync=off'] })
  const pool = createPool(embedded.url)
  try {
    await migrate(embedded.url)
    const tally = { passed: 0, failed: 0 }
    for (const { file, rows, truth } of traces) {
      const { passed, failed, digest } = await runTrace(pool, rows, truth, {
        shuffle: seed,
        twice: values.twice,
      })
      for (const block of failed) console.log(block)
      // The same for the same points in any order; not a case, so not among them.
      console.error(`${path.basename(file)}: rows ${digest}`)
      tally.passed += passed
      tally.failed += failed.length
    }
    return tally
  } finally {
    await pool.end()
    await embedded.stop()
    fs.rmSync(directory, { recursive: true, force: true })
  }
}
