import { parseArgs } from 'node:util'
import pg from 'pg'
import { fixSecond } from '../db/fix-time.ts'
import { ensurePartitions } from '../db/partitions.ts'
import { createPool } from '../db/pool.ts'
import { type Bench, type Print, progress, ROUNDS, report, serve, withBench } from './bench/stand.ts'

const DEFAULT_ROWS = 20_000_000
/** Trucks that report side by side, each so often. */
const TRUCKS = 2_000
const EVERY_SECONDS = 30
const ROWS_AT_ONCE = 1_000_000
const CONNECTIONS = 16
const PER_REQUEST = 100
const ROUND_MS = 4_000
const DAY_MS = 24 * 3_600_000
const DAY_READS = 50

/**
 * `ingest-batch` into a table that has grown to `--rows` against the same into an empty one, in turns; then a vehicle's day read
 * from the grown one, and its bytes a row. Needs 0.15 GB of disk for a million rows, until it ends.
 */
export async function benchIngestGrowth(print: Print, options: string[]): Promise<void> {
  const { values } = parseArgs({
    args: options,
    options: { rows: { type: 'string', default: String(DEFAULT_ROWS) } },
  })
  const rows = Number(values.rows)
  if (!Number.isInteger(rows) || rows < TRUCKS) throw new Error(`--rows must be ${TRUCKS} or more`)
  await withBench(CONNECTIONS, async (grown) => {
    const range = await fill(grown, rows)
    await withBench(CONNECTIONS, async (empty) => {
      await compare(print, grown, empty)
    })
    const admin = new pg.Client({ connectionString: grown.url })
    await admin.connect()
    await readDays(print, admin, range)
    await admin.end()
  })
}

interface Range {
  /** Of the trucks, one after the other. */
  firstNumber: number
  fromMs: number
  untilMs: number
}

/** What trucks side by side would have sent, in that order, written by the database itself. */
async function fill({ url }: Bench, rows: number): Promise<Range> {
  const pool = createPool(url, 2)
  const perTruck = Math.ceil(rows / TRUCKS)
  const untilMs = Math.floor(Date.now() / 1_000) * 1_000 - 2 * DAY_MS
  const fromMs = untilMs - perTruck * EVERY_SECONDS * 1_000
  for (let at = fromMs; at < untilMs; at += 27 * DAY_MS) await ensurePartitions(pool, at)
  const { rows: known } = await pool.query<{ fleet: number; last: number }>(
    'select (select number from fleets) as fleet, max(number) as last from devices',
  )
  const { fleet, last } = known[0]!
  const firstNumber = last + 1
  const client = await pool.connect()
  await client.query('set synchronous_commit = off')
  const roundsAtOnce = Math.max(1, Math.floor(ROWS_AT_ONCE / TRUCKS))
  for (let round = 0; round < perTruck; round += roundsAtOnce) {
    const until = Math.min(round + roundsAtOnce, perTruck)
    await client.query(
      `insert into positions (received_at, fleet_number, device_number, fix_second, digest, latitude_e7, longitude_e7,
         speed_ckph, odometer_m, fix_ms, heading_deg, flags)
       select to_timestamp($1::float8 / 1000 + round * $2::int4) + interval '1 second', $3, $4::int4 + truck,
         $5::int4 + round * $2::int4, hashint4(round * 7919 + truck), 415000000 + round, -936000000 - truck,
         8850 + truck % 100, 412345678 + round * 25, truck % 1000, round % 360, 3
       from generate_series($6::int4, $7::int4) round, generate_series(0, $8::int4) truck`,
      [fromMs, EVERY_SECONDS, fleet, firstNumber, fixSecond(fromMs), round, until - 1, TRUCKS - 1],
    )
    console.error(`ingest-growth: ${until * TRUCKS} of ${perTruck * TRUCKS} rows`)
  }
  client.release()
  await pool.query('vacuum (analyze) positions')
  await pool.query('checkpoint')
  await pool.end()
  return { firstNumber, fromMs, untilMs }
}

async function compare(print: Print, grown: Bench, empty: Bench): Promise<void> {
  const pool = createPool(empty.url, 1)
  const sides = await Promise.all(
    [grown, empty].map(async ({ url, devices, load }) => ({
      ...{ door: await serve('door', url), devices, load, rates: [] as number[] },
      fixAt: Date.now() - DAY_MS,
    })),
  )
  for (let round = 0; round <= ROUNDS; round++) {
    await pool.query('truncate positions')
    // Each goes first as often as the other.
    for (const side of round % 2 === 0 ? sides : [...sides].reverse()) {
      const result = await side.load({
        ...{ port: side.door.port, devices: side.devices, perRequest: PER_REQUEST },
        ...{ durationMs: round === 0 ? 1_000 : ROUND_MS, firstFixAt: side.fixAt }, // the first warms up
      })
      side.fixAt = result.firstFixAt
      if (round > 0) side.rates.push((result.heartbeats / result.ms) * 1000)
    }
    if (round > 0) progress('ingest-growth', round, sides[0]!.rates, sides[1]!.rates)
  }
  await Promise.all(sides.map(({ door }) => door.stop()))
  await pool.end()
  report(
    print,
    'ingest-growth',
    sides[0]!.rates,
    'the same on the empty table',
    'heartbeats/s',
    sides[1]!.rates,
  )
}

/** Each time another truck and another day, so that nothing of it was read just before. */
async function readDays(
  print: Print,
  client: pg.Client,
  { firstNumber, fromMs, untilMs }: Range,
): Promise<void> {
  const times: number[] = []
  let read = 0
  for (let i = 0; i < DAY_READS; i++) {
    const truck = firstNumber + ((i * 37) % TRUCKS)
    const from = fixSecond(fromMs + ((i * 7) % Math.max(1, Math.floor((untilMs - fromMs) / DAY_MS))) * DAY_MS)
    const startedAt = performance.now()
    // As server/trips/points.ts reads it: arrays, no objects.
    const { rows } = await client.query({
      text: `select fix_second, fix_ms, latitude_e7, longitude_e7, speed_ckph, heading_deg, odometer_m, flags from positions
       where device_number = $1 and fix_second >= $2 and fix_second < $3 order by fix_second, fix_ms`,
      values: [truck, from, from + 86_400],
      rowMode: 'array',
    })
    times.push(performance.now() - startedAt)
    read = Math.max(read, rows.length)
  }
  const { rows } = await client.query<{ bytes: string; rows: string }>(
    `select sum(pg_total_relation_size(inhrelid)) as bytes, (select count(*) from positions) as rows
     from pg_inherits where inhparent = 'positions'::regclass`,
  )
  times.sort((a, b) => a - b)
  const bytes = Number(rows[0]!.bytes) / Number(rows[0]!.rows)
  const line = (name: string, value: number, unit: string, limit: number) => ({
    ...{ name, value: Number(value.toFixed(1)), unit },
    ...{ baseline: { name: 'the limit', value: limit, unit }, ratio: Number((value / limit).toFixed(3)) },
  })
  print(line(`ingest-growth, a vehicle's day of ${read} positions`, times[DAY_READS >> 1]!, 'ms', 50))
  print(line("ingest-growth, the slowest vehicle's day", times.at(-1)!, 'ms', 50))
  print(line('ingest-growth, storage', bytes, 'bytes/heartbeat', 120))
}
