import { parseArgs } from 'node:util'
import pg from 'pg'
import { fixSecond } from '../db/fix-time.ts'
import { layMonth } from '../db/lay.ts'
import { ensurePartitions } from '../db/partitions.ts'
import { createPool } from '../db/pool.ts'
import { type Bench, type Print, progress, ROUNDS, report, serve, withBench } from './bench/stand.ts'
import { monthTable } from './rows.ts'

const DEFAULT_ROWS = 20_000_000
/** Trucks report side by side, each so often, for so long: a month that has ended is among it, and one that goes on. */
const EVERY_SECONDS = 30
const DAYS = 35
const ROUNDS_OF_ALL = (DAYS * 86_400) / EVERY_SECONDS
const ROWS_AT_ONCE = 1_000_000
const CONNECTIONS = 16
const PER_REQUEST = 100
const ROUND_MS = 4_000
const DAY_MS = 24 * 3_600_000
const DAY_READS = 50

/**
 * `ingest-batch` into a table that has grown to `--rows`, its ended month laid by the upkeep, against the same into an empty one, in
 * turns; then a vehicle's day read from either month, and the bytes of a row. Needs 0.3 GB of disk for a million rows, until it ends.
 */
export async function benchIngestGrowth(print: Print, options: string[]): Promise<void> {
  const { values } = parseArgs({
    args: options,
    options: { rows: { type: 'string', default: String(DEFAULT_ROWS) } },
  })
  const rows = Number(values.rows)
  if (!Number.isInteger(rows) || rows < ROUNDS_OF_ALL)
    throw new Error(`--rows must be ${ROUNDS_OF_ALL} or more`)
  await withBench(CONNECTIONS, async (grown) => {
    const range = await fill(grown, Math.round(rows / ROUNDS_OF_ALL))
    await lay(print, grown, range)
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
  trucks: number
  fromMs: number
  untilMs: number
  rowsPerSecond: number
}

/** What trucks side by side would have sent, in that order, written by the database itself. */
async function fill({ url }: Bench, trucks: number): Promise<Range> {
  const pool = createPool(url, 2)
  const untilMs = Math.floor(Date.now() / 1_000) * 1_000 - 2 * DAY_MS
  const fromMs = untilMs - DAYS * DAY_MS
  for (let at = fromMs; at < untilMs; at += 27 * DAY_MS) await ensurePartitions(pool, at)
  const { rows: known } = await pool.query<{ fleet: number; last: number }>(
    'select (select number from fleets) as fleet, max(number) as last from devices',
  )
  const { fleet, last } = known[0]!
  const firstNumber = last + 1
  const client = await pool.connect()
  await client.query('set synchronous_commit = off')
  const roundsAtOnce = Math.max(1, Math.floor(ROWS_AT_ONCE / trucks))
  const startedAt = performance.now()
  for (let round = 0; round < ROUNDS_OF_ALL; round += roundsAtOnce) {
    const until = Math.min(round + roundsAtOnce, ROUNDS_OF_ALL)
    await client.query(
      `insert into positions (received_at, fleet_number, device_number, fix_second, digest, latitude_e7, longitude_e7,
         speed_ckph, odometer_m, fix_ms, heading_deg, flags)
       select to_timestamp($1::float8 / 1000 + round * $2::int4) + interval '1 second', $3, $4::int4 + truck,
         $5::int4 + round * $2::int4, hashint4(round * 7919 + truck), 415000000 + round, -936000000 - truck,
         8850 + truck % 100, 412345678 + round * 25, truck % 1000, round % 360, 3
       from generate_series($6::int4, $7::int4) round, generate_series(0, $8::int4) truck`,
      [fromMs, EVERY_SECONDS, fleet, firstNumber, fixSecond(fromMs), round, until - 1, trucks - 1],
    )
    console.error(`ingest-growth: ${until * trucks} of ${ROUNDS_OF_ALL * trucks} rows`)
  }
  const rowsPerSecond = (ROUNDS_OF_ALL * trucks) / ((performance.now() - startedAt) / 1_000)
  client.release()
  await pool.query('vacuum (analyze) positions')
  await pool.query('checkpoint')
  await pool.end()
  return { firstNumber, trucks, fromMs, untilMs, rowsPerSecond }
}

/** What the upkeep does some days into the next month. */
async function lay(print: Print, { pool }: Bench, { rowsPerSecond }: Range): Promise<void> {
  for (let more = true; more; ) {
    const startedAt = performance.now()
    const laid = await layMonth(pool, Date.now(), { log: (line) => console.error(line) })
    more = laid.more
    if (!laid.month) continue
    const seconds = (performance.now() - startedAt) / 1_000
    const { rows } = await pool.query<{ count: number }>(`select count(*) from ${laid.month}`)
    print({
      name: `ingest-growth, laying ${rows[0]!.count} rows of an ended month`,
      ...{ value: Math.round(rows[0]!.count / seconds), unit: 'rows/s' },
      baseline: { name: 'PostgreSQL storing them', value: Math.round(rowsPerSecond), unit: 'rows/s' },
      ratio: Number((rows[0]!.count / seconds / rowsPerSecond).toFixed(3)),
    })
  }
  await pool.query('checkpoint')
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
async function readDays(print: Print, client: pg.Client, range: Range): Promise<void> {
  const { rows: months } = await client.query<{ name: string; bytes: number; rows: number; laid: boolean }>(
    `select c.relname as name, pg_total_relation_size(c.oid)::float8 as bytes,
       obj_description(c.oid, 'pg_class') is not null as laid,
       (xpath('/row/n/text()', query_to_xml('select count(*) as n from ' || c.relname, false, true, '')))[1]::text::float8 as rows
     from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'positions'::regclass`,
  )
  const line = (name: string, value: number, unit: string, limit: number) =>
    print({
      ...{ name: `ingest-growth, ${name}`, value: Number(value.toFixed(1)), unit },
      ...{ baseline: { name: 'the limit', value: limit, unit }, ratio: Number((value / limit).toFixed(3)) },
    })
  const days = Array.from({ length: DAYS - 1 }, (_, i) => range.fromMs + i * DAY_MS)
  const monthOf = (at: number) => monthTable(fixSecond(at))
  for (const laid of [true, false]) {
    const names = months.filter((month) => month.laid === laid).map(({ name }) => name)
    // Whole within the month, so that a day is of one kind.
    const of = days.filter((at) => names.includes(monthOf(at)) && names.includes(monthOf(at + DAY_MS)))
    if (of.length === 0) continue
    const times: number[] = []
    let read = 0
    for (let i = 0; i < DAY_READS; i++) {
      const startedAt = performance.now()
      read = Math.max(
        read,
        await readDay(client, range.firstNumber + ((i * 37) % range.trucks), of[(i * 7) % of.length]!),
      )
      times.push(performance.now() - startedAt)
    }
    times.sort((a, b) => a - b)
    const kind = laid ? 'an ended month' : 'the month that goes on'
    line(`a vehicle's day of ${read} positions in ${kind}`, times[DAY_READS >> 1]!, 'ms', 50)
    line(`the slowest of ${DAY_READS} in ${kind}`, times.at(-1)!, 'ms', 50)
  }
  const perRow = (of: typeof months) =>
    of.reduce((sum, { bytes }) => sum + bytes, 0) / of.reduce((sum, { rows }) => sum + rows, 0)
  for (const laid of [true, false]) {
    const of = months.filter((month) => month.laid === laid && month.rows > 0)
    if (of.length > 0)
      line(
        `storage in ${laid ? 'an ended month' : 'the month that goes on'}`,
        perRow(of),
        'bytes/heartbeat',
        120,
      )
  }
}

/** As server/trips/points.ts reads it: arrays, no objects. Answers how many there are. */
async function readDay(client: pg.Client, device: number, from: number): Promise<number> {
  const { rows } = await client.query({
    text: `select fix_second, fix_ms, latitude_e7, longitude_e7, speed_ckph, heading_deg, odometer_m, flags from positions
       where device_number = $1 and fix_second >= $2 and fix_second < $3 order by fix_second, fix_ms`,
    values: [device, fixSecond(from), fixSecond(from) + DAY_MS / 1_000],
    rowMode: 'array',
  })
  return rows.length
}
