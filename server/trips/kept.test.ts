import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ensurePartitions } from '../db/partitions.ts'
import { testDatabase } from '../db/testing.ts'
import { getDevice } from '../fleet/devices.ts'
import { type Fix, journey, run, TestFleet } from '../logs/fleet.testing.ts'
import fc from '../property.testing.ts'
import { DAY, HOUR, type Instant, MINUTE, SECOND } from '../time/instant.ts'
import { work } from '../work.ts'
import { deriveTrips } from './refresh.ts'
import { shuffled } from './scenario.testing.ts'

const { pool } = await testDatabase()
const START = Date.UTC(2026, 10, 23, 12)
const BEFORE = START - 20 * DAY
await ensurePartitions(pool, START)

const workAt = (at: Instant) => work(pool, () => at)
/** Rounds so long after that everything is due, until nothing is noted: a jump is news for the driving too. */
async function settleAt(at: Instant): Promise<void> {
  const notes =
    'select 1 from recheck_notes union all select 1 from vehicle_rechecks union all select 1 from trip_rechecks'
  for (let later = at + 400 * DAY; ; later += 400 * DAY) {
    await workAt(later)
    if ((await pool.query(notes)).rows.length === 0) return
  }
}

/** Through the door in requests as long as they may be. */
async function report(
  fleet: TestFleet,
  fixes: readonly Fix[],
  at: Instant,
  truck = fleet.trucks[0]!,
): Promise<void> {
  for (let i = 0; i < fixes.length; i += 1_000) await fleet.report(fixes.slice(i, i + 1_000), at, truck)
}

interface Row {
  table: string
  at: Instant
  row: string
  xmin: string
}

async function kept(fleet: TestFleet, truck = fleet.trucks[0]!): Promise<Row[]> {
  const { rows } = await pool.query<Row>(
    `select * from (
       select 'trip' as "table", started_at as at, (to_jsonb(t) - '{fleet_id,vehicle_id}'::text[])::text as row, xmin::text from trips t where vehicle_id = $1
       union all select 'stop', started_at, (to_jsonb(s) - '{fleet_id,vehicle_id}'::text[])::text, xmin::text from stops s where vehicle_id = $1
       union all select 'gap', from_at, (to_jsonb(g) - '{fleet_id,vehicle_id}'::text[])::text, xmin::text from track_gaps g where vehicle_id = $1) r
     order by at, "table"`,
    [truck.vehicleId],
  )
  return rows
}
const contents = async (fleet: TestFleet, truck?: TestFleet['trucks'][number]) =>
  (await kept(fleet, truck)).map(({ row }) => row)
const kinds = (rows: readonly Row[]) => rows.map(({ table }) => table).join(' ')

/** Days of work: three trips a day, with rests. */
function days(count: number): Fix[] {
  const legs: [number, number][] = []
  for (let day = 0; day < count; day++) {
    legs.push([2 * HOUR, 80], [40 * MINUTE, 0], [3 * HOUR, 85], [HOUR, 0], [2 * HOUR, 70])
    legs.push([DAY - 8 * HOUR - 40 * MINUTE, 0])
  }
  return journey(START, ...legs)
}

describe('trips that are kept', () => {
  test('neither order, grouping nor repetition of what arrives shows in the rows', async () => {
    const legs = fc.array(fc.tuple(fc.constantFrom(2, 7, 20, 70, 130), fc.constantFrom(0, 0, 30, 90)), {
      minLength: 2,
      maxLength: 9,
    })
    await fc.assert(
      fc.asyncProperty(legs, fc.nat(), fc.integer({ min: 5, max: 40 }), async (chosen, seed, size) => {
        const fixes = journey(START, ...chosen.map(([m, kph]): [number, number] => [m * MINUTE, kph]))
          .filter((_, i) => i % 7 !== 3 && !(i > 40 && i < 95))
          // A jump now and then.
          .map((fix, i) => (i % 31 === 11 ? { ...fix, km: fix.km + 150 } : fix))
        const now = fixes.at(-1)!.at + 5 * MINUTE
        const [straight, crooked] = [await TestFleet.make(pool, BEFORE), await TestFleet.make(pool, BEFORE)]
        await report(straight, fixes, now)
        await settleAt(now)
        const mixed = shuffled(fixes, seed)
        for (let sent = 0; sent < mixed.length; sent += size) {
          await crooked.report([...mixed.slice(sent, sent + size), ...mixed.slice(0, 3)], now)
          // Each round is due, and takes up what came so far.
          await workAt(now + (sent + 1) * DAY)
        }
        await settleAt(now)
        assert.deepEqual(await contents(crooked), await contents(straight))
        const flags = async ({ trucks: [truck] }: TestFleet) =>
          (
            await pool.query(
              'select fix_second, digest, flags from positions where device_number = $1 order by 1, 2',
              [truck!.device.deviceNumber],
            )
          ).rows
        assert.deepEqual(await flags(crooked), await flags(straight))
      }),
      { numRuns: 8 },
    )
  })

  test('a late point reopens the interval that it touches, and no other row is written', async () => {
    const fleet = await TestFleet.make(pool, BEFORE)
    const fixes = days(4)
    const now = fixes.at(-1)!.at + MINUTE
    // Of the second day's second trip 20 minutes are missing.
    const missing = (fix: Fix) =>
      fix.at >= START + DAY + 4 * HOUR && fix.at < START + DAY + 4 * HOUR + 20 * MINUTE
    await report(
      fleet,
      fixes.filter((fix) => !missing(fix)),
      now,
    )
    await settleAt(now)
    const before = await kept(fleet)
    assert.equal(kinds(before).match(/trip/g)!.length, 12)
    await report(fleet, fixes.filter(missing), now)
    await settleAt(now)
    const after = await kept(fleet)
    const rewritten = after.filter(({ table, at, xmin }) => {
      const old = before.find((one) => one.table === table && one.at === at)
      return old?.xmin !== xmin
    })
    assert.deepEqual(
      rewritten.map(({ table }) => table),
      ['trip'],
    )
    const whole = await TestFleet.make(pool, BEFORE)
    await report(whole, fixes, now)
    await settleAt(now)
    assert.deepEqual(await contents(fleet), await contents(whole))
  })

  test('a heartbeat costs the same whatever lies behind it', async () => {
    const fleet = await TestFleet.make(pool, BEFORE)
    const read = async (count: number) => {
      const fixes = days(count)
      const now = fixes.at(-1)!.at + MINUTE
      await report(fleet, fixes, now)
      await settleAt(now)
      await report(fleet, [{ at: now, speedKph: 0, km: fixes.at(-1)!.km }], now)
      await workAt(now)
      const { points, vehicles } = await deriveTrips(pool, now + 400 * DAY, 10)
      assert.equal(vehicles, 1)
      return points
    }
    const [few, many] = [await read(2), await read(7)]
    assert.ok(many < few + 200, `${few} points after 2 days, ${many} after 7`)
  })

  test('a moving truck is looked at once a minute, a standing one less and less often', async () => {
    const fleet = await TestFleet.make(pool, BEFORE)
    const dueIn = async (now: Instant) => {
      await workAt(now)
      const { rows } = await pool.query<{ due: Instant }>(
        'select due_at as due from trip_rechecks where fleet_id = $1',
        [fleet.id],
      )
      return rows[0]!.due - now
    }
    const moving = run(START, START + HOUR, 80)
    await report(fleet, moving, START + HOUR)
    assert.equal(await dueIn(START + HOUR), MINUTE)
    // More of the same does not put it off.
    await report(fleet, [{ at: START + HOUR, speedKph: 80, km: 80 }], START + HOUR + 10 * SECOND)
    assert.equal(await dueIn(START + HOUR + 10 * SECOND), 50 * SECOND)
    const end = START + 21 * HOUR
    const parked = run(START + HOUR + MINUTE, end, 0, 80, 5 * MINUTE)
    await report(fleet, parked, end)
    await settleAt(end)
    await report(fleet, [{ at: end, speedKph: 0, km: 80 }], end)
    const slow = await dueIn(end)
    assert.ok(slow > 55 * MINUTE && slow <= HOUR, String(slow / MINUTE))
    // It leaves: within a minute.
    await report(fleet, [{ at: end + MINUTE, speedKph: 60, km: 81 }], end + MINUTE)
    assert.equal(await dueIn(end + MINUTE), MINUTE)
  })

  test('a round that is cut off is done again, and workers side by side come to the same', async () => {
    const fleet = await TestFleet.make(pool, BEFORE, { trucks: 8 })
    const fixes = days(1)
    const now = fixes.at(-1)!.at + MINUTE
    for (const truck of fleet.trucks) await report(fleet, fixes, now, truck)
    await workAt(now)
    // PostgreSQL ends the connection in the middle of the transaction, as when the process is killed.
    let statements = 0
    const client = await pool.connect()
    client.on('error', () => {})
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
    const cut = {
      connect: async () => ({
        query: async (...query: Parameters<typeof client.query>) => {
          if (++statements === 30) await pool.query('select pg_terminate_backend($1)', [rows[0]!.pid])
          return await client.query(...query)
        },
        release: (error?: Error) => client.release(error),
      }),
    }
    await assert.rejects(deriveTrips(cut as unknown as typeof pool, now + DAY, 100))
    assert.ok(statements > 30)
    assert.deepEqual(await kept(fleet), [])
    const done = await Promise.all([1, 2, 3].map(() => deriveTrips(pool, now + DAY, 100)))
    const taken = done.reduce((sum, { vehicles }) => sum + vehicles, 0)
    assert.equal(taken, 8)
    const [first, ...others] = await Promise.all(fleet.trucks.map((truck) => contents(fleet, truck)))
    assert.equal(first!.length, 6)
    for (const other of others) assert.deepEqual(other, first)
  })

  test('what is implausible is marked with its reason, and neither driving nor the latest position counts it', async () => {
    const fleet = await TestFleet.make(pool, BEFORE)
    const fixes = run(START, START + HOUR, 0)
    const end = START + HOUR
    const jump = { at: end, speedKph: 100, km: 200 }
    await report(fleet, [...fixes, jump], end + SECOND)
    const latest = async () =>
      (
        await pool.query<{ at: Instant }>('select fix_at as at from latest_positions where fleet_id = $1', [
          fleet.id,
        ])
      ).rows[0]!.at
    assert.equal(await latest(), end)
    await settleAt(end)
    assert.equal(await latest(), fixes.at(-1)!.at)
    const spans = await pool.query('select 1 from driving_spans where fleet_id = $1', [fleet.id])
    assert.equal(spans.rows.length, 0)
    assert.equal(kinds(await kept(fleet)), 'stop')
    // The device's page counts it by its reason, beside what is doubted on arrival.
    const { device } = fleet.trucks[0]!
    await pool.query(
      `insert into device_status (fleet_id, device_id, protocol, address, seen_at, doubtful) values ($1, $2, 'json', '', now(), 2)
       on conflict (fleet_id, device_id) do update set doubtful = 2`,
      [fleet.id, device.deviceId],
    )
    const counted = async () => {
      const { reasons, doubtful } = await getDevice(pool, fleet.id, device.deviceId)
      return [reasons.map(({ kind, reason, count, lastAt }) => [kind, reason, count, lastAt]), doubtful]
    }
    assert.deepEqual(await counted(), [[['doubtful', 'jump', 1, end]], 2])
    // More of it, and the truck was really there.
    const there = run(end + MINUTE, end + 30 * MINUTE, 0, 200)
    await report(fleet, there, end + HOUR)
    await settleAt(end)
    assert.equal(await latest(), there.at(-1)!.at)
    const marked = await pool.query(
      'select 1 from positions where device_number = $1 and flags & 16384 <> 0',
      [fleet.trucks[0]!.device.deviceNumber],
    )
    assert.equal(marked.rows.length, 0)
    assert.deepEqual(await counted(), [[], 1])
  })

  test('other thresholds of the fleet are other trips', async () => {
    const fleet = await TestFleet.make(pool, BEFORE)
    const fixes = journey(START, [HOUR, 80], [8 * MINUTE, 0], [HOUR, 80], [HOUR, 0])
    const now = fixes.at(-1)!.at + MINUTE
    await report(fleet, fixes, now)
    await settleAt(now)
    assert.equal(kinds(await kept(fleet)), 'trip stop trip stop')
    await pool.query('update fleets set trip_standstill_minutes = 10 where id = $1', [fleet.id])
    await workAt(now)
    assert.equal(kinds(await kept(fleet)), 'trip stop')
  })

  test('what was derived outlives the positions that retention drops', async () => {
    const fleet = await TestFleet.make(pool, BEFORE)
    const fixes = days(3)
    const now = fixes.at(-1)!.at + MINUTE
    await report(fleet, fixes, now)
    await settleAt(now)
    const before = await contents(fleet)
    const cut = START + DAY + HOUR
    await pool.query(
      'delete from positions where device_number = $1 and fix_at(fix_second, fix_ms) < $2::timestamptz',
      [fleet.trucks[0]!.device.deviceNumber, new Date(cut)],
    )
    await pool.query('update fleets set trip_gap_minutes = 46 where id = $1', [fleet.id])
    await settleAt(now)
    assert.deepEqual((await contents(fleet)).slice(0, 6), before.slice(0, 6))
    assert.equal((await contents(fleet)).length, before.length)
  })
})
