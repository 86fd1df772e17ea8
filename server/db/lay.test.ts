import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import pg from 'pg'
import { enrolDevices } from '../auth/device.ts'
import type { DevicePrincipal } from '../auth/principal.ts'
import { standing } from '../ingest/batch.testing.ts'
import { until } from '../ingest/doors.testing.ts'
import { receiverOf } from '../ingest/receive.ts'
import { DAY, HOUR, type Instant, MINUTE } from '../time/instant.ts'
import { fixSecond } from './fix-time.ts'
import { newId } from './id.ts'
import { type LayOptions, layMonth } from './lay.ts'
import { ensurePartitions } from './partitions.ts'
import { createPool } from './pool.ts'
import { dropExpired } from './retention.ts'
import { testDatabase } from './testing.ts'
import { Upkeep } from './upkeep.ts'

const { pool, url } = await testDatabase()
const NOW = Date.UTC(2026, 10, 10, 12)
const OCTOBER = Date.UTC(2026, 9, 1)
const TRUCKS = 20
const log: string[] = []
const quiet: LayOptions = { log: (line) => void log.push(line) }

const fleetId = newId()
const fleet = await pool.query<{ number: number }>(
  `insert into fleets (id, name, slug, time_zone) values ($1, 'Laid', 'laid', 'UTC') returning number`,
  [fleetId],
)
const fleetNumber = fleet.rows[0]!.number
const trucks = Array.from({ length: TRUCKS }, (_, i) => ({ name: `unit-${i}`, vehicleId: newId() }))
await pool.query(
  'insert into vehicles (fleet_id, id, unit_number) select $1, * from unnest($2::bigint[], $3::text[])',
  [fleetId, trucks.map(({ vehicleId }) => vehicleId), trucks.map(({ name }) => name)],
)
await enrolDevices(pool, fleetId, trucks)
const devices = await pool.query<{ number: number; id: number; vehicleId: number; name: string }>(
  `select number, id, vehicle_id as "vehicleId", name from devices where fleet_id = $1 order by number`,
  [fleetId],
)
const first = devices.rows[0]!
const device: DevicePrincipal = {
  ...{ kind: 'device', method: 'token', fleetId, deviceId: first.id, vehicleId: first.vehicleId },
  ...{ fleetNumber, deviceNumber: first.number, name: first.name },
}

/** Every truck an hour, side by side. */
async function fill(from: Instant, hours: number): Promise<void> {
  // An autovacuum holds a table for longer than laying waits; it would just be laid a minute later.
  await pool.query(`do $$ declare month text; begin
    for month in select inhrelid::regclass from pg_inherits where inhparent = 'positions'::regclass loop
      execute format('alter table %s set (autovacuum_enabled = false)', month);
    end loop; end $$`)
  await pool.query(
    `insert into positions (received_at, fleet_number, device_number, fix_second, fix_ms, digest, flags, attributes)
     select fix_at(s, 0::int2), $1, d, s, 0, s # d, 0, case when d % 7 = 0 then '{"door": "open"}'::jsonb end
     from generate_series($2::int4, $3::int4 - 1, 3600) s, unnest($4::int4[]) d order by s, d`,
    [fleetNumber, fixSecond(from), fixSecond(from) + hours * 3_600, devices.rows.map(({ number }) => number)],
  )
}

/** All that is stored, and in which table. */
const stored = async () =>
  (
    await pool.query(
      'select tableoid::regclass::text as month, p.* from positions p order by device_number, fix_second, digest',
    )
  ).rows

/** In how many pages of its table the first truck lies. */
async function pages(month: string): Promise<number> {
  const { rows } = await pool.query<{ pages: number }>(
    `select count(distinct (ctid::text::point)[0]) as pages from ${month} where device_number = $1`,
    [device.deviceNumber],
  )
  return rows[0]!.pages
}

const leftovers = async () =>
  (
    await pool.query<{ laid: string | null; triggers: number; notes: number }>(
      `select to_regclass('positions_laid')::text as laid, (select count(*) from changed_positions) as notes,
         (select count(*) from pg_trigger where tgname = 'note_changed') as triggers`,
    )
  ).rows[0]

const CLEAN = { laid: null, triggers: 0, notes: 0 }

/** Somebody who did something and did not commit it, until the function is called that is returned. */
async function hold(statement: string): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query('begin')
  await client.query(statement)
  return () => client.end()
}

/** The copy stands in front of a table of its name, which somebody is making. */
const COPY_WAITS = `exists (select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()
  and query like 'create table positions_laid%')`

/** Returns once it is so. */
const when = (condition: string) =>
  until(condition, async () => (await pool.query(`select 1 where ${condition}`)).rows.length > 0)

beforeEach(async () => {
  log.length = 0
  await pool.query('truncate positions')
  await pool.query(`do $$ declare month text; begin
    for month in select inhrelid::regclass from pg_inherits where inhparent = 'positions'::regclass loop
      execute format('comment on table %s is null', month);
    end loop; end $$`)
  for (const at of [OCTOBER, NOW]) await ensurePartitions(pool, at)
})

describe('laying a month in the order of trucks', () => {
  test('keeps every row as it was, a truck in few pages, a smaller index; once', async () => {
    await fill(OCTOBER, 31 * 24)
    await fill(NOW - DAY, 20)
    const receiver = receiverOf(createPool(url, 2, 'restline_service'))
    assert.equal(await receiver.store(standing(device, OCTOBER + HOUR + 2, NOW)), 1)
    const before = await stored()
    assert.ok((await pages('positions_2026_10')) > 100)
    assert.deepEqual(await layMonth(pool, NOW, { ...quiet, rowsAPass: 2_000 }), {
      month: 'positions_2026_10',
      more: false,
    })
    assert.deepEqual(await stored(), before)
    assert.ok((await pages('positions_2026_10')) <= 12)
    assert.match(
      log[0]!,
      /^upkeep: laid positions_2026_10 in the order of trucks, [\d.]+ to [\d.]+ MB, [\d.]+ s$/,
    )
    assert.deepEqual(await leftovers(), CLEAN)
    assert.deepEqual(await layMonth(pool, NOW, quiet), { more: false })
    // The service stores into it as before, what is there already is a repeat, and the walls stand.
    assert.equal(await receiver.store(standing(device, OCTOBER + HOUR + 1, NOW)), 1)
    assert.equal(await receiver.store(standing(device, OCTOBER + HOUR + 1, NOW)), 0)
    assert.equal((await stored()).find((row) => row.fix_ms === 1)!.month, 'positions_2026_10')
    await receiver.drained()
  })

  test('a month is left alone until two days after its end, and where nothing is in it', async () => {
    await fill(OCTOBER, 24)
    const closed = Date.UTC(2026, 10, 3)
    assert.deepEqual(await layMonth(pool, closed - 1, quiet), { more: false })
    assert.deepEqual(await layMonth(pool, closed, quiet), { month: 'positions_2026_10', more: false })
    assert.deepEqual(await layMonth(pool, Date.UTC(2027, 0, 10), quiet), { more: false })
  })

  /** A row comes, others change and go; answers all that is stored then. */
  async function change() {
    const receiver = receiverOf(pool)
    assert.equal(await receiver.store(standing(device, OCTOBER + 5, NOW)), 1)
    await receiver.drained()
    const [second, third] = devices.rows.slice(1).map(({ number }) => number)
    await pool.query('update positions set flags = 3 where device_number = $1', [second])
    await pool.query('delete from positions where device_number = $1 and fix_second < $2', [
      third,
      fixSecond(OCTOBER + DAY),
    ])
    const rows = await stored()
    assert.equal(rows.length, 48 * TRUCKS + 1 - 24)
    assert.equal(rows.filter((row) => row.flags === 3).length, 48)
    return rows
  }

  test('what comes, changes or goes between the trigger and the copy is kept so', async () => {
    await fill(OCTOBER, 48)
    const release = await hold('create table positions_laid ()')
    const laying = layMonth(pool, NOW, { ...quiet, rowsAPass: 40, lockWaitMs: 60_000 })
    await when(COPY_WAITS)
    const whole = await change()
    await release()
    assert.equal((await laying).month, 'positions_2026_10')
    assert.deepEqual(await stored(), whole)
    assert.deepEqual(await leftovers(), CLEAN)
    assert.equal(await receiverOf(pool).store(standing(device, OCTOBER + 5, NOW)), 0)
  })

  test('what comes, changes or goes between the copy and the exchange is kept so', async () => {
    await fill(OCTOBER, 48)
    const release = await hold('select from positions limit 1')
    assert.deepEqual(await layMonth(pool, NOW, quiet), { more: true })
    const whole = await change()
    await release()
    assert.equal((await layMonth(pool, NOW, quiet)).month, 'positions_2026_10')
    assert.deepEqual(await stored(), whole)
    assert.deepEqual(await leftovers(), CLEAN)
  })

  test('a copy that is whole is not made again where somebody reads for long', async () => {
    await fill(OCTOBER, 48)
    const release = await hold('select from positions limit 1')
    assert.deepEqual(await layMonth(pool, NOW, quiet), { more: true })
    const copy = async () =>
      (await pool.query<{ oid: number }>(`select to_regclass('positions_laid')::oid::int8 as oid`)).rows[0]!
        .oid
    const first = await copy()
    assert.deepEqual(await layMonth(pool, NOW, quiet), { more: true })
    assert.equal(await copy(), first)
    await release()
    assert.equal((await layMonth(pool, NOW, quiet)).month, 'positions_2026_10')
    const { rows } = await pool.query<{ oid: number }>(
      `select 'positions_2026_10'::regclass::oid::int8 as oid`,
    )
    assert.equal(rows[0]!.oid, first)
  })

  test('a copy that was killed is made anew, and nothing of it stays', async () => {
    await fill(OCTOBER, 72)
    const release = await hold('create table positions_laid ()')
    const killed = assert.rejects(layMonth(pool, NOW, { ...quiet, lockWaitMs: 60_000 }))
    await when(COPY_WAITS)
    await pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where query like 'create table positions_laid%' and datname = current_database() and wait_event_type = 'Lock'`,
    )
    await killed
    await release()
    // Ingest goes on over the trigger that is left of it.
    const receiver = receiverOf(pool)
    assert.equal(await receiver.store(standing(device, OCTOBER + 7, NOW)), 1)
    await receiver.drained()
    assert.equal((await leftovers())!.notes, 1)
    // As one that is killed a moment later leaves it.
    await pool.query('create table positions_laid (like positions)')
    assert.equal((await layMonth(pool, NOW, quiet)).month, 'positions_2026_10')
    assert.equal((await stored()).length, 72 * TRUCKS + 1)
    assert.deepEqual(await leftovers(), CLEAN)
  })

  test('of two at once one does nothing; retention and laying never meet', async () => {
    await fill(OCTOBER, 240)
    const [one, two, dropped] = await Promise.all([
      layMonth(pool, NOW, quiet),
      layMonth(pool, NOW, quiet),
      dropExpired(pool, NOW, {}),
    ])
    const laid = [one, two].filter(({ month }) => month)
    assert.ok(laid.length <= 1)
    assert.equal(dropped.rows, 0)
    await layMonth(pool, NOW, quiet)
    assert.ok((await pages('positions_2026_10')) <= 5)
  })

  test('the months of years are dropped when they expire, laid or not', async () => {
    await fill(OCTOBER, 24)
    await layMonth(pool, NOW, quiet)
    const { months } = await dropExpired(pool, Date.UTC(2027, 11, 2), { log: () => {} })
    assert.ok(months.includes('positions_2026_10'))
  })

  test('upkeep lays one an hour, and a stop breaks it off', async () => {
    await fill(OCTOBER, 24)
    const upkeep = new Upkeep(pool)
    await upkeep.run(NOW)
    assert.ok((await pages('positions_2026_10')) === 1)
    await fill(OCTOBER + 24 * HOUR, 500)
    await pool.query('comment on table positions_2026_10 is null')
    await upkeep.run(NOW + 59 * MINUTE)
    assert.ok((await pages('positions_2026_10')) > 10)
    const running = upkeep.run(NOW + 61 * MINUTE)
    await upkeep.stop()
    await running
    assert.ok((await pages('positions_2026_10')) > 10)
    // The lock of what was broken off goes with its connection, a moment after it; the next comes an hour later, or after a restart.
    await until('the next one lays it', async () => {
      await new Upkeep(pool).run(NOW + 61 * MINUTE)
      return (await pages('positions_2026_10')) <= 10
    })
  })

  test('a signal breaks off what waits, in the middle of a statement', async () => {
    await fill(OCTOBER, 24)
    const release = await hold('create table positions_laid ()')
    const stop = new AbortController()
    const broken = assert.rejects(
      layMonth(pool, NOW, { ...quiet, lockWaitMs: 60_000, signal: stop.signal }),
      { code: '57014' },
    )
    await when(COPY_WAITS)
    stop.abort()
    await broken
    await release()
  })
})
