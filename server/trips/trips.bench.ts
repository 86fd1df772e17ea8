import * as fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import type pg from 'pg'
import { enrolDevices } from '../auth/device.ts'
import { startEmbedded } from '../db/embedded.ts'
import { fixSecond } from '../db/fix-time.ts'
import { newId } from '../db/id.ts'
import { migrate } from '../db/migrate.ts'
import { ensurePartitions } from '../db/partitions.ts'
import { createPool } from '../db/pool.ts'
import { median } from '../ingest/bench/median.ts'
import { addDays } from '../time/zone.ts'
import { loadTrack, loadVehicleDay } from './day.ts'
import { loadFleetMonth } from './month.ts'
import { deriveTrips } from './refresh.ts'

const MONTH = '2026-10'
const DAYS = 31
const FROM = Date.UTC(2026, 9, 1)
const UNTIL = Date.UTC(2026, 10, 1)
/** A point every 30 s, day and night */
const POINTS_A_DAY = 2_880
/** Of every four hours it drives 3 h 20, north and then back south. */
const BLOCK_S = 14_400
const DRIVING_S = 12_000
const METERS_PER_S = 22
const DAY_READS = 200
const MONTH_READS = 7

type Print = (line: object) => void

/**
 * `bench trips [--rows 20000000]`: ms to read a vehicle's day, the way of it, and a fleet's month of trips, on a generated month of
 * one fleet whose trips the worker has derived; points derived a second.
 */
export async function benchTrips(print: Print, options: string[]): Promise<void> {
  const { values } = parseArgs({ args: options, options: { rows: { type: 'string', default: '20000000' } } })
  const vehicles = Math.max(1, Math.round(Number(values.rows) / (POINTS_A_DAY * DAYS)))
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'restline-bench-'))
  const embedded = await startEmbedded(directory, { database: 'bench' })
  await migrate(embedded.url)
  const pool = createPool(embedded.url)
  try {
    const { fleetId, vehicleIds } = await fill(pool, vehicles)
    await deriveAll(pool, print)
    await measureDays(pool, fleetId, vehicleIds, print)
    await measureMonth(pool, fleetId, print)
  } finally {
    await pool.end()
    await embedded.stop()
    fs.rmSync(directory, { recursive: true, force: true })
  }
}

async function fill(pool: pg.Pool, count: number): Promise<{ fleetId: number; vehicleIds: number[] }> {
  await ensurePartitions(pool, UNTIL)
  const fleetId = newId()
  const fleet = await pool.query<{ number: number }>(
    "insert into fleets (id, name, slug, time_zone) values ($1, 'Bench', 'bench', 'UTC') returning number",
    [fleetId],
  )
  const vehicleIds = Array.from({ length: count }, newId)
  await pool.query(
    `insert into vehicles (fleet_id, id, unit_number)
     select $1, v.id, v.i::text from unnest($2::bigint[]) with ordinality as v(id, i)`,
    [fleetId, vehicleIds],
  )
  await enrolDevices(
    pool,
    fleetId,
    vehicleIds.map((vehicleId, i) => ({ name: `device-${i}`, vehicleId })),
  )
  const devices = await pool.query<{ number: number }>('select number from devices order by number')
  for (const [i, { number }] of devices.rows.entries()) {
    await pool.query(
      `insert into positions (received_at, fleet_number, device_number, fix_second, digest, latitude_e7, longitude_e7,
         speed_ckph, odometer_m, fix_ms, heading_deg, flags, accuracy_dm)
       select fix_at(s, 0::int2), $1, $2, s, hashint4(s), 350000000 + (case when away then m else ${DRIVING_S * METERS_PER_S} - m end * 1e7 / 111195)::int4,
         -930000000 + $2 * 1000, case when driving then ${METERS_PER_S * 360} else 0 end, 0, 0, case when away then 0 else 180 end,
         case when driving then 3 else 1 end, 50
       from (select s, k / ${BLOCK_S} % 2 = 0 as away, k % ${BLOCK_S} < ${DRIVING_S} as driving,
           least(k % ${BLOCK_S}, ${DRIVING_S}) * ${METERS_PER_S} as m
         from (select s, s - $3::int4 + $2 * 61 as k from generate_series($3::int4, $4::int4 - 30, 30) as s) t) t`,
      [fleet.rows[0]!.number, number, fixSecond(FROM), fixSecond(UNTIL)],
    )
    if (i % 20 === 19) console.error(`  ${(i + 1) * POINTS_A_DAY * DAYS} rows`)
  }
  await pool.query(`insert into vehicle_motion (fleet_id, vehicle_id) select fleet_id, id from vehicles`)
  await pool.query(
    `insert into trip_rechecks (fleet_id, vehicle_id, from_at, until_at, due_at) select fleet_id, id, $1, $2, $1 from vehicles`,
    [new Date(FROM), new Date(UNTIL)],
  )
  await pool.query('vacuum analyze')
  return { fleetId, vehicleIds }
}

async function deriveAll(pool: pg.Pool, print: Print): Promise<void> {
  const started = performance.now()
  let points = 0
  for (;;) {
    const done = await deriveTrips(pool, UNTIL, 20)
    if (done.vehicles === 0) break
    points += done.points
    console.error(`  ${points} points derived`)
  }
  const perSecond = points / ((performance.now() - started) / 1000)
  const read = await timed(() => pool.query('select latitude_e7 from positions limit 500000'))
  const baseline = 500_000 / (read / 1000)
  line(print, 'trips-derive', perSecond, 'points/s', 'points read from the table', baseline)
  await pool.query('vacuum analyze')
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return performance.now() - started
}

function line(print: Print, name: string, value: number, unit: string, of: string, baseline: number): void {
  const round = (n: number) => Number(n.toPrecision(4))
  print({
    name,
    value: round(value),
    unit,
    baseline: { name: of, value: round(baseline), unit },
    ratio: round(value / baseline),
  })
}

async function measureDays(
  pool: pg.Pool,
  fleetId: number,
  vehicleIds: readonly number[],
  print: Print,
): Promise<void> {
  const [days, tracks, raws]: number[][] = [[], [], []]
  for (let i = 0; i < DAY_READS; i++) {
    // Everywhere in the month, no two after each other alike.
    const vehicleId = vehicleIds[(i * 7919) % vehicleIds.length]!
    const date = addDays(`${MONTH}-01`, (i * 13) % DAYS)
    const from = Date.parse(date)
    days!.push(await timed(() => loadVehicleDay(pool, fleetId, vehicleId, date, UNTIL)))
    tracks!.push(await timed(() => loadTrack(pool, fleetId, vehicleId, from, from + 86_400_000)))
    raws!.push(
      await timed(() =>
        pool.query(
          `select p.* from positions p join devices d on d.number = p.device_number
           where d.fleet_id = $1 and d.vehicle_id = $2 and p.fix_second >= $3 and p.fix_second < $4`,
          [fleetId, vehicleId, fixSecond(from), fixSecond(from) + 86_400],
        ),
      ),
    )
  }
  const worst = Math.max(...days!)
  console.error(`  the slowest day of ${DAY_READS} took ${worst.toFixed(1)} ms`)
  const raw = median(raws!)
  line(print, 'trips-day', median(days!), 'ms', 'SELECT of the day’s positions', raw)
  line(print, 'trips-track', median(tracks!), 'ms', 'SELECT of the day’s positions', raw)
}

async function measureMonth(pool: pg.Pool, fleetId: number, print: Print): Promise<void> {
  const [months, raws]: number[][] = [[], []]
  let trips = 0
  for (let i = 0; i < MONTH_READS; i++) {
    const month = await timed(async () => {
      const { vehicles } = await loadFleetMonth(pool, fleetId, MONTH)
      trips = vehicles.reduce((sum, one) => sum + one.trips, 0)
    })
    months!.push(month)
    raws!.push(
      await timed(() =>
        pool.query('select * from trips where fleet_id = $1 and started_at >= $2 and started_at < $3', [
          fleetId,
          new Date(FROM),
          new Date(UNTIL),
        ]),
      ),
    )
  }
  console.error(`  ${trips} trips in the month`)
  line(print, 'trips-month', median(months!), 'ms', 'SELECT of the month’s trips', median(raws!))
}
