import assert from 'node:assert/strict'
import { test } from 'node:test'
import pg from 'pg'
import type { DevicePrincipal } from '../auth/principal.ts'
import { createPool } from '../db/pool.ts'
import { testDatabase } from '../db/testing.ts'
import { takeNotes } from '../logs/refresh.ts'
import { DAY, HOUR } from '../time/instant.ts'
import { standing } from './batch.testing.ts'
import { Batch, type Point } from './batch.ts'
import { enrolFleet, until } from './doors.testing.ts'
import { receiverOf } from './receive.ts'
import { PositionStore } from './store.ts'

const { pool, url } = await testDatabase()
const NOW = Date.now()
/** Amid the month before: its table is there. */
const MONTH_AGO = Date.UTC(new Date(NOW).getUTCFullYear(), new Date(NOW).getUTCMonth() - 1, 15, 12)

/** What the door would know of newly enrolled devices. */
async function devicesOf(names: string[]): Promise<DevicePrincipal[]> {
  const enrolled = await enrolFleet(
    pool,
    names.map((name) => ({ name })),
  )
  const { rows } = await pool.query<Omit<DevicePrincipal, 'kind' | 'method'>>(
    `select d.fleet_id as "fleetId", d.id as "deviceId", d.vehicle_id as "vehicleId", d.name, f.number as "fleetNumber",
       d.number as "deviceNumber"
     from devices d join fleets f on f.id = d.fleet_id where d.id = any($1) order by d.number`,
    [enrolled.map(({ id }) => id)],
  )
  return rows.map((row) => ({ kind: 'device', method: 'token', ...row }))
}

const EMPTY = {
  ...{ sentAt: null, flags: 0, odometerM: null, engineSeconds: null, speedCkph: null, headingDeg: null },
  ...{ altitudeM: null, accuracyDm: null, ignition: null, sequence: null, attributes: null },
}
const pointAt = (fixAt: number, more: Partial<Point> = {}): Point => ({
  ...EMPTY,
  ...{ fixAt, latitudeE7: 415_000_000, longitudeE7: -936_000_000 },
  ...more,
})
const request = (device: DevicePrincipal, points: readonly Point[]) => {
  const batch = new Batch(device, NOW, points.length)
  for (const point of points) batch.add(point)
  return { batches: [batch], spend: null }
}
const storedOf = async ({ deviceNumber }: DevicePrincipal) =>
  (
    await pool.query(
      `select tableoid::regclass::text as month, to_jsonb(p) - 'device_number' - 'fleet_number' as row from positions p
       where device_number = $1 order by fix_second, fix_ms, digest`,
      [deviceNumber],
    )
  ).rows

/** The extremes of each column, nulls and text among them, in two months and in none. */
const POINTS = [
  pointAt(NOW - HOUR),
  pointAt(MONTH_AGO, { latitudeE7: -900_000_000, longitudeE7: 1_800_000_000, sentAt: NOW - 250 }),
  pointAt(NOW - HOUR + 1, { latitudeE7: null, longitudeE7: null, ignition: true, sequence: 2 ** 53 - 1 }),
  pointAt(NOW - HOUR + 2, { speedCkph: 300_000, headingDeg: 359, altitudeM: -1_000, sequence: 0 }),
  pointAt(NOW - 2 * HOUR + 999, {
    odometerM: 2_000_000_000,
    engineSeconds: 1_800_000_000,
    accuracyDm: 500_000_000,
  }),
  pointAt(NOW - HOUR, { attributes: '{"note": "Ünï ✓", "fuel": {"percent": 61.5}}', altitudeM: 30_000 }),
  pointAt(Date.UTC(2066, 11, 31, 23, 59, 59, 999), { ignition: false }),
  pointAt(Date.UTC(1980, 0, 6)),
]

test('rows that are copied and rows that go the careful way are the same, in months and without one', async () => {
  const [copied, careful] = await devicesOf(['copied', 'careful'])
  const store = new PositionStore(pool)
  const within = POINTS.filter(({ fixAt }) => fixAt > NOW - 70 * DAY && fixAt < NOW)
  assert.deepEqual(await store.store([request(copied!, within)]), [[within.length]])
  assert.deepEqual(await store.store([request(copied!, POINTS)]), [[POINTS.length - within.length]])
  // After a repeat all go the careful way for a while.
  assert.deepEqual(await store.store([request(careful!, POINTS)]), [[POINTS.length]])
  const rows = await storedOf(copied!)
  assert.deepEqual(rows, await storedOf(careful!))
  const months = new Set(rows.map(({ month }) => month as string))
  assert.ok(
    months.size >= 3 || new Date(NOW - HOUR).getUTCMonth() !== new Date(NOW).getUTCMonth(),
    [...months].join(),
  )
  assert.ok(months.has('positions_other'))
})

test('a group with one repeat is stored all the same, and counts it for its device alone', async () => {
  const [first, second] = await devicesOf(['first', 'second'])
  const store = new PositionStore(pool)
  const points = [pointAt(NOW - HOUR), pointAt(NOW - HOUR + 1_000)]
  assert.deepEqual(await store.store([request(first!, points.slice(1))]), [[1]])
  assert.deepEqual(await store.store([request(first!, points), request(second!, points)]), [[1], [2]])
  assert.equal((await storedOf(first!)).length, 2)
})

test('what little comes while a group is stuck is not stuck with it', async (t) => {
  const [stuck, other] = await devicesOf(['stuck', 'other'])
  const receiver = receiverOf(createPool(url, 4))
  // Somebody holds the month before for himself: whoever writes into it waits.
  const holder = new pg.Client({ connectionString: url })
  await holder.connect()
  t.after(() => holder.end())
  const { rows } = await holder.query<{ month: string }>(
    `select 'positions_' || to_char($1::timestamptz at time zone 'UTC', 'YYYY_MM') as month`,
    [new Date(MONTH_AGO)],
  )
  await holder.query('begin')
  await holder.query(`lock table only ${rows[0]!.month} in access exclusive mode`)
  let isStored = false
  const waits = receiver.store(standing(stuck!, MONTH_AGO + HOUR, NOW)).finally(() => {
    isStored = true
  })
  await until('it waits', async () => {
    const { rowCount } = await pool.query(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    )
    return rowCount! > 0
  })
  assert.equal(await receiver.store(standing(other!, NOW - HOUR, NOW)), 1)
  assert.equal(isStored, false)
  await holder.query('rollback')
  assert.equal(await waits, 1)
})

test('a month that goes away while it is known costs nothing: its rows go into the catch-all', async () => {
  const [device] = await devicesOf(['late'])
  const store = new PositionStore(pool)
  await store.store([request(device!, [pointAt(MONTH_AGO)])])
  const [{ month }] = await storedOf(device!)
  await pool.query(`alter table positions detach partition ${month}`)
  await pool.query(`drop table ${month}`)
  assert.deepEqual(await store.store([request(device!, [pointAt(MONTH_AGO + 1)])]), [[1]])
  assert.deepEqual(
    (await storedOf(device!)).map((row) => row.month),
    ['positions_other'],
  )
})

test('what a group leaves behind becomes one note for each vehicle, between its fixes that can be trusted', async () => {
  const [moved, doubtful] = await devicesOf(['moved', 'doubtful'])
  const store = new PositionStore(pool)
  for (const hours of [3, 1, 2])
    await store.store([
      request(moved!, [pointAt(NOW - hours * HOUR), pointAt(NOW - hours * HOUR + 1_000)]),
      request(doubtful!, [pointAt(NOW - hours * HOUR, { latitudeE7: 0, longitudeE7: 0 })]),
    ])
  await Promise.all([takeNotes(pool), takeNotes(pool)])
  const { rows } = await pool.query(
    'select vehicle_id as id, from_at as "from", until_at as "until" from vehicle_rechecks where fleet_id = $1',
    [moved!.fleetId],
  )
  assert.deepEqual(rows, [{ id: moved!.vehicleId, from: NOW - 3 * HOUR, until: NOW - HOUR + 1_000 }])
})
