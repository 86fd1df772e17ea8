import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import pg from 'pg'
import { enrolDevices } from '../auth/device.ts'
import type { DevicePrincipal } from '../auth/principal.ts'
import { standing } from '../ingest/batch.testing.ts'
import { receiverOf } from '../ingest/receive.ts'
import { HOUR, type Instant, MINUTE } from '../time/instant.ts'
import { newId } from './id.ts'
import { ensurePartitions } from './partitions.ts'
import { dropExpired } from './retention.ts'
import { testDatabase } from './testing.ts'
import { Upkeep } from './upkeep.ts'

const { pool, url } = await testDatabase()
/** Months as they were when they were made, by the worker of their time. */
const MONTHS = [Date.UTC(2025, 2, 10), Date.UTC(2025, 6, 10), Date.UTC(2025, 9, 10), Date.UTC(2026, 2, 10)]
const NOW = Date.UTC(2026, 10, 25, 12)
const log: string[] = []
const quiet = { log: (line: string) => void log.push(line) }

interface Fleet {
  fleetId: number
  device: DevicePrincipal
}

async function fleetThatKeeps(months: number, slug: string): Promise<Fleet> {
  const [fleetId, vehicleId, name] = [newId(), newId(), 'unit']
  const fleet = await pool.query<{ number: number }>(
    `insert into fleets (id, name, slug, time_zone, keep_positions_months) values ($1, $2, $2, 'UTC', $3) returning number`,
    [fleetId, slug, months],
  )
  await pool.query(`insert into vehicles (fleet_id, id, unit_number) values ($1, $2, '1')`, [
    fleetId,
    vehicleId,
  ])
  const [device] = await enrolDevices(pool, fleetId, [{ vehicleId, name }])
  const { rows } = await pool.query<{ number: number }>('select number from devices where id = $1', [
    device!.id,
  ])
  return {
    fleetId,
    device: {
      ...{ kind: 'device', method: 'token', fleetId, deviceId: device!.id, vehicleId, name },
      ...{ fleetNumber: fleet.rows[0]!.number, deviceNumber: rows[0]!.number },
    },
  }
}

/** One position an hour. */
async function fill({ device }: Fleet, from: Instant, count: number, receivedAt = from): Promise<void> {
  await pool.query(
    `insert into positions (received_at, fleet_number, device_number, fix_second, fix_ms, digest, flags)
     select $1::timestamptz, $2, $3, fix_second($4) + n * 3600, 0, n, 0 from generate_series(0, $5 - 1) n`,
    [new Date(receivedAt), device.fleetNumber, device.deviceNumber, new Date(from), count],
  )
}

/** How many rows of a fleet are in which table. */
async function rowsOf({ device }: Fleet): Promise<Record<string, number>> {
  const { rows } = await pool.query<{ name: string; count: number }>(
    `select tableoid::regclass::text as name, count(*) from positions where device_number = $1 group by 1 order by 1`,
    [device.deviceNumber],
  )
  return Object.fromEntries(rows.map(({ name, count }) => [name, count]))
}

/** Somebody who reads a table, all of its months, until the function is called that is returned. */
async function readForLong(table: string): Promise<() => Promise<void>> {
  const reader = new pg.Client({ connectionString: url })
  await reader.connect()
  await reader.query('begin')
  await reader.query(`select count(*) from ${table}`)
  return () => reader.end()
}

const exists = async (name: string) =>
  (await pool.query<{ found: boolean }>('select to_regclass($1) is not null as found', [name])).rows[0]!.found

beforeEach(async () => {
  log.length = 0
  await pool.query('truncate positions, fleets cascade')
  for (const at of MONTHS) await ensurePartitions(pool, at)
  await ensurePartitions(pool, NOW)
})

describe('retention', () => {
  test('a month that no fleet keeps is dropped as a whole, and only once all of it is so old', async () => {
    const fleet = await fleetThatKeeps(13, 'a')
    await fill(fleet, Date.UTC(2025, 8, 1), 24) // September 2025 has ended 13 months and 25 days ago
    await fill(fleet, Date.UTC(2025, 9, 1), 24) // October has days that are younger than 13 months
    await fill(fleet, NOW, 5)
    const { months, rows, more } = await dropExpired(pool, NOW, quiet)
    assert.ok(months.includes('positions_2025_09') && months.includes('positions_2025_02'), months.join())
    assert.deepEqual([rows, more], [0, false])
    assert.deepEqual(await rowsOf(fleet), { positions_2025_10: 24, positions_2026_11: 5 })
    assert.ok(log.some((line) => /^retention: dropped positions_2025_09, [\d.]+ MB$/.test(line)))
    // An hour before October is 13 months old it is kept; an hour after, it goes.
    const edge = Date.UTC(2026, 11, 1)
    assert.deepEqual((await dropExpired(pool, edge - HOUR, quiet)).months, [])
    assert.deepEqual((await dropExpired(pool, edge, quiet)).months, ['positions_2025_10'])
  })

  test('each fleet for itself: rows of one go, the month stays for the other', async () => {
    const [short, long] = [await fleetThatKeeps(3, 'short'), await fleetThatKeeps(13, 'long')]
    for (const fleet of [short, long]) {
      await fill(fleet, Date.UTC(2026, 3, 1), 50)
      await fill(fleet, NOW - 24 * HOUR, 10)
    }
    const first = await dropExpired(pool, NOW, { ...quiet, rowsAtOnce: 7, rowsACall: 30 })
    assert.deepEqual([first.rows, first.more], [30, true])
    const second = await dropExpired(pool, NOW, { ...quiet, rowsAtOnce: 7, rowsACall: 30 })
    assert.deepEqual([second.rows, second.more], [20, false])
    assert.deepEqual(await rowsOf(short), { positions_2026_11: 10 })
    assert.deepEqual(await rowsOf(long), { positions_2026_04: 50, positions_2026_11: 10 })
    assert.ok(log.includes('retention: deleted 20 rows of short from positions_2026_04'))
  })

  test('a fleet that is gone keeps what the default says; another that keeps for ever holds its month', async () => {
    const [gone, ever] = [await fleetThatKeeps(1200, 'gone'), await fleetThatKeeps(1200, 'ever')]
    for (const fleet of [gone, ever]) await fill(fleet, Date.UTC(2025, 2, 1), 5)
    await pool.query('delete from fleets where id = $1', [gone.fleetId])
    const { rows } = await dropExpired(pool, NOW, quiet)
    assert.equal(rows, 5)
    assert.deepEqual([await rowsOf(gone), await rowsOf(ever)], [{}, { positions_2025_03: 5 }])
  })

  test('dates without a month expire by their receipt, and make no month', async () => {
    const fleet = await fleetThatKeeps(13, 'absurd')
    await fill(fleet, Date.UTC(1999, 0, 1), 5, NOW - HOUR)
    await fill(fleet, Date.UTC(2066, 0, 1), 5, Date.UTC(2025, 5, 1))
    const { rows } = await dropExpired(pool, NOW, quiet)
    assert.equal(rows, 5)
    assert.deepEqual(await rowsOf(fleet), { positions_other: 5 })
    assert.equal(await exists('positions_1999_01'), false)
  })

  test('records of duty and what was derived stay, however old', async () => {
    const fleet = await fleetThatKeeps(1, 'duty')
    const driverId = newId()
    const at = new Date(Date.UTC(2025, 2, 1))
    await pool.query(
      `with terminal as (
         insert into home_terminals (fleet_id, id, name, time_zone, latitude, longitude)
         values ($1, $2, 'Yard', 'UTC', 41.5, -93.6) returning id)
       insert into drivers (fleet_id, id, name, employee_number, home_terminal_id) select $1, $2, 'Ana', '1', id from terminal`,
      [fleet.fleetId, driverId],
    )
    await pool.query(
      `insert into duty_events (fleet_id, driver_id, id, status, origin, at) values ($1, $2, $3, 'driving', 'driver', $4)`,
      [fleet.fleetId, driverId, newId(), at],
    )
    await fill(fleet, at.getTime(), 5)
    await dropExpired(pool, NOW, quiet)
    assert.deepEqual(await rowsOf(fleet), {})
    const { rows } = await pool.query('select at from duty_events where driver_id = $1', [driverId])
    assert.deepEqual(rows, [{ at: at.getTime() }])
  })

  test('ingest goes on while a month is dropped and somebody reads for long', async () => {
    const fleet = await fleetThatKeeps(13, 'busy')
    await fill(fleet, Date.UTC(2025, 2, 1), 100)
    const done = await readForLong('positions')
    const receiver = receiverOf(pool)
    let stored = 0
    let dropping = true
    const ingest = (async () => {
      for (let i = 0; dropping; i++)
        stored += await receiver.store(standing(fleet.device, NOW - i * MINUTE, NOW))
    })()
    const refused = await dropExpired(pool, NOW, quiet)
    const during = stored
    assert.deepEqual([refused.months, refused.more], [[], true])
    assert.ok(during > 3, `${during} stored while the drop waited`)
    await done()
    const { months } = await dropExpired(pool, NOW, quiet)
    dropping = false
    await ingest
    assert.ok(months.includes('positions_2025_03'))
    await receiver.drained()
    assert.deepEqual(
      Object.values(await rowsOf(fleet)).reduce((a, b) => a + b),
      stored,
    )
  })

  test('of two at once one does nothing', async () => {
    const fleet = await fleetThatKeeps(13, 'two')
    await fill(fleet, Date.UTC(2025, 2, 1), 5)
    const both = await Promise.all([dropExpired(pool, NOW, quiet), dropExpired(pool, NOW, quiet)])
    const dropped = both.flatMap(({ months }) => months)
    assert.equal(new Set(dropped).size, dropped.length)
    assert.ok(dropped.includes('positions_2025_03'))
  })
})

describe('upkeep', () => {
  test('makes months ahead across the end of a year, and drops them in their time', async () => {
    const fleet = await fleetThatKeeps(3, 'year')
    const upkeep = new Upkeep(pool)
    for (const [year, month] of [
      [2026, 10],
      [2026, 11],
      [2027, 0],
      [2027, 1],
    ] as const) {
      for (const at of [Date.UTC(year, month, 1), Date.UTC(year, month + 1, 1) - 1]) {
        await upkeep.run(at)
        // A truck whose clock is up to a month ahead still finds its month.
        for (const ahead of [0, 31 * 24 * HOUR]) {
          await fill(fleet, at + ahead, 1)
          const name = `positions_${new Date(at + ahead).toISOString().slice(0, 7).replace('-', '_')}`
          assert.equal((await rowsOf(fleet))[name], 1, name)
          await pool.query('delete from positions')
        }
      }
    }
    assert.equal(await exists('positions_2026_11'), true)
    await upkeep.run(Date.UTC(2027, 2, 1, 1))
    assert.equal(await exists('positions_2026_11'), false)
  })

  test('does at an instant what is due then, and not twice', async () => {
    const fleet = await fleetThatKeeps(13, 'hourly')
    const upkeep = new Upkeep(pool)
    await upkeep.run(NOW)
    await fill(fleet, Date.UTC(1990, 0, 1), 5, Date.UTC(2020, 0, 1))
    await upkeep.run(NOW + 59 * MINUTE)
    assert.deepEqual(await rowsOf(fleet), { positions_other: 5 })
    await upkeep.run(NOW + 60 * MINUTE)
    assert.deepEqual(await rowsOf(fleet), {})
  })

  test('a catch-all in use is not waited for: the months are made at the next turn', async () => {
    const at = Date.UTC(2028, 5, 10)
    const done = await readForLong('positions_other')
    const upkeep = new Upkeep(pool)
    await upkeep.run(at)
    assert.equal(await exists('positions_2028_06'), false)
    await done()
    await upkeep.run(at + MINUTE)
    assert.equal(await exists('positions_2028_06'), true)
  })

  test('rows of a month that was not made yet move into it', async () => {
    const fleet = await fleetThatKeeps(13, 'early')
    await fill(fleet, Date.UTC(2029, 5, 10), 3)
    assert.deepEqual(await rowsOf(fleet), { positions_other: 3 })
    await ensurePartitions(pool, Date.UTC(2029, 5, 1))
    assert.deepEqual(await rowsOf(fleet), { positions_2029_06: 3 })
  })
})
