import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ensurePartitions } from './db/partitions.ts'
import { testDatabase } from './db/testing.ts'
import { judge } from './logs/clocks.ts'
import { findDrivers } from './logs/drivers.ts'
import { type Fix, journey, run, TestFleet } from './logs/fleet.testing.ts'
import { horizonMs, loadLogs } from './logs/load.ts'
import fc from './property.testing.ts'
import { HOUR, type Instant, MINUTE, SECOND } from './time/instant.ts'
import { work } from './work.ts'

const { pool } = await testDatabase()
/** 06:00 in Chicago. */
const START = Date.UTC(2026, 10, 23, 12)
const BEFORE = START - 20 * 24 * HOUR
await ensurePartitions(pool, START)

const hhmm = (at: Instant) => new Date(at).toISOString().slice(11, 19)
const workAt = (at: Instant) => work(pool, () => at)

async function statuses(fleet: TestFleet, now: Instant) {
  const { events } = await fleet.person(now).logs.day({ driverId: fleet.trucks[0]!.driverId })
  return events.map(({ at, status, origin }) => `${hhmm(at)} ${status} ${origin}`)
}
async function alerts(
  fleet: TestFleet,
  now: Instant,
  state: 'open' | 'acknowledged' | 'resolved' | 'all' = 'open',
) {
  const found = await fleet.person(now).alerts.list({ state })
  return found.alerts.map(({ kind, rule }) => [kind, rule].filter(Boolean).join(' ')).sort()
}
const spans = async (fleet: TestFleet) =>
  (
    await pool.query(
      'select from_at, last_motion_at, until_at from driving_spans where fleet_id = $1 order by vehicle_id, from_at',
      [fleet.id],
    )
  ).rows

describe('driving from motion (us-canada 4)', () => {
  test('begins with motion, ends after five minutes and one, and a short stop is driving', async () => {
    const fleet = await TestFleet.make(pool, BEFORE)
    const fixes = journey(START, [HOUR, 90], [4 * MINUTE, 0], [HOUR, 90], [20 * MINUTE, 0])
    const now = fixes.at(-1)!.at + MINUTE
    await fleet.report(fixes, now)
    await workAt(now)
    assert.deepEqual(await statuses(fleet, now), [
      '06:00:00 OFF carried',
      '12:00:00 D automatic',
      // Six minutes after the fix at 14:04, which stands where the truck had still to get to.
      '14:10:00 ON automatic',
    ])
  })

  test('a status that a person sets once the truck stands ends it then, and not before', async () => {
    const fleet = await TestFleet.make(pool, BEFORE)
    const { driverId } = fleet.trucks[0]!
    const moving = run(START, START + HOUR, 90)
    const stopped = moving.at(-1)!.at
    await fleet.report(moving, stopped + SECOND)
    await workAt(stopped + SECOND)
    await assert.rejects(
      fleet.person(stopped + 2 * SECOND).logs.setStatus({ driverId, status: 'OFF', annotation: 'Rest' }),
      /The truck is moving/,
    )
    // What the driver's own device says is kept, and counts for nothing while the truck moves.
    await fleet.device(stopped + 2 * SECOND).logs.reportStatus({ status: 'OFF' })
    await fleet.report(run(stopped + MINUTE, stopped + 3 * MINUTE, 90, 90), stopped + 3 * MINUTE)
    const end = stopped + 2 * MINUTE
    await fleet.report([{ at: end + 10 * SECOND, speedKph: 0, km: 93 }], end + 10 * SECOND)
    await workAt(end + 10 * SECOND)
    const row = await fleet
      .person(end + 30 * SECOND)
      .logs.setStatus({ driverId, status: 'SB', annotation: 'Rest' })
    assert.equal(row.status, 'SB')
    await workAt(end + 30 * SECOND)
    assert.deepEqual(await statuses(fleet, end + HOUR), [
      '06:00:00 OFF carried',
      '12:00:00 D automatic',
      `${hhmm(end + 30 * SECOND)} SB dispatcher`,
    ])
    // The same again changes nothing.
    await fleet
      .person(end + HOUR)
      .logs.setStatus({ driverId, status: 'SB', at: end + 30 * SECOND, annotation: 'Rest' })
    const { rows } = await pool.query('select 1 from duty_events where fleet_id = $1', [fleet.id])
    assert.equal(rows.length, 2)
    await assert.rejects(
      fleet
        .person(end + HOUR)
        .logs.setStatus({ driverId, status: 'ON', at: end + 2 * HOUR, annotation: 'Rest' }),
      /future/,
    )
  })

  test('neither order, grouping nor repetition of what arrives shows in what is derived', async () => {
    const legs = fc.array(
      fc.tuple(fc.constantFrom(2, 5, 6, 7, 20, 45, 70, 130), fc.constantFrom(0, 0, 6, 30, 90)),
      { minLength: 1, maxLength: 8 },
    )
    const shuffled = legs.chain((chosen) => {
      const fixes = journey(
        START,
        ...chosen.map(([minutes, kph]): [number, number] => [minutes * MINUTE, kph]),
      )
        // Holes, as a device without reception leaves them.
        .filter((_, i) => i % 7 !== 3 && !(i > 40 && i < 75))
      return fc.tuple(
        fc.constant(fixes),
        fc.shuffledSubarray(fixes, { minLength: fixes.length }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 6 }),
      )
    })
    await fc.assert(
      fc.asyncProperty(shuffled, async ([fixes, mixed, sizes]) => {
        const now = fixes.at(-1)!.at + 5 * MINUTE
        const [straight, crooked] = [await TestFleet.make(pool, BEFORE), await TestFleet.make(pool, BEFORE)]
        await straight.report(fixes, now)
        await workAt(now)
        let sent = 0
        for (let i = 0; sent < mixed.length; i++) {
          const group = mixed.slice(sent, sent + sizes[i % sizes.length]!)
          sent += group.length
          await crooked.report([...group, ...mixed.slice(0, 3)], now)
          await workAt(now - (mixed.length - sent))
        }
        await workAt(now)
        assert.deepEqual(await spans(crooked), await spans(straight))
        await assertBoardIsTrue(crooked, now)
        await assertBoardIsTrue(straight, now)
      }),
      { numRuns: 25 },
    )
  })

  test('a round waits for no heartbeat that is being stored, and its note stays', async () => {
    const fleet = await TestFleet.make(pool, BEFORE, { trucks: 2 })
    const [first, second] = fleet.trucks
    const now = START + HOUR
    const note = async () =>
      (
        await pool.query(
          `select vehicle_id as id from vehicle_rechecks where fleet_id = $1
           union all select unnest(vehicle_ids) from recheck_notes where fleet_id = $1`,
          [fleet.id],
        )
      ).rows
    await fleet.report(run(START, now, 80), now, first)
    await fleet.report(run(START, now, 80), now, second)
    const storing = await pool.connect()
    try {
      await storing.query('begin')
      await storing.query(
        `insert into recheck_notes (fleet_id, vehicle_ids, from_at, until_at)
         values ($1, array[$2::bigint], array[now()], array[now()])`,
        [fleet.id, first!.vehicleId],
      )
      await workAt(now)
      assert.deepEqual(await note(), [])
      assert.equal((await spans(fleet)).length, 2)
      await storing.query('commit')
      assert.deepEqual(await note(), [{ id: first!.vehicleId }])
    } finally {
      storing.release()
    }
    await workAt(now)
    assert.deepEqual(await note(), [])
    await assertBoardIsTrue(fleet, now)
  })

  test('workers side by side come to the same', async () => {
    const fleet = await TestFleet.make(pool, BEFORE, { trucks: 12 })
    const now = START + 2 * HOUR
    await Promise.all(
      fleet.trucks.map(async (truck, i) => {
        const fixes = journey(START, [HOUR + i * MINUTE, 80], [10 * MINUTE, 0])
        for (let from = 0; from < fixes.length; from += 20)
          await Promise.all([fleet.report(fixes.slice(from, from + 20), now, truck), workAt(now)])
      }),
    )
    await Promise.all([workAt(now), workAt(now), workAt(now)])
    const { rows } = await pool.query(
      'select from vehicle_rechecks where fleet_id = $1 union all select from recheck_notes where fleet_id = $1',
      [fleet.id],
    )
    assert.equal(rows.length, 0)
    assert.equal((await spans(fleet)).length, 12)
    await assertBoardIsTrue(fleet, now)
  })
})

/** What the board says of each driver, carried on to `now`, is what a fresh evaluation of the log says. */
async function assertBoardIsTrue(fleet: TestFleet, now: Instant): Promise<void> {
  const rows = await fleet.person(now).logs.drivers()
  assert.equal(rows.length, fleet.trucks.length)
  for (const row of rows) {
    const key = { fleetId: fleet.id, driverId: row.driverId }
    const [driver] = await findDrivers(pool, [key])
    const [log] = await loadLogs(pool, [{ ...key, from: now - horizonMs(driver!.ruleset), until: now }])
    const fresh = judge(driver!, log!, now)
    const passed = now - row.evaluatedAt
    assert.equal(row.status, fresh.status)
    assert.equal(row.statusSince, fresh.statusSince)
    for (const clock of row.clocks) {
      const now = fresh.clocks.find(({ name }) => name === clock.name)!
      const remaining = clock.running ? Math.max(0, clock.remainingMs - passed) : clock.remainingMs
      assert.equal(now.remainingMs, remaining, `${clock.name}, evaluated ${passed} ms ago`)
    }
  }
}

describe('clocks and alerts', () => {
  test('a clock runs out though no truck says anything: 60 minutes, 30 minutes, passed', async () => {
    const fleet = await TestFleet.make(pool, BEFORE)
    // Nine hours and a half with a break, and then no signal any more: it is presumed to drive on.
    const fixes = journey(START, [5 * HOUR, 90], [45 * MINUTE, 0], [5.2 * HOUR, 90])
    const last = fixes.at(-1)!.at
    await fleet.report(fixes, last)
    await workAt(last)
    assert.deepEqual(await alerts(fleet, last), ['limit-60 us.drive-11'])
    const seen = await alerts(fleet, last)
    let now = last
    for (;;) {
      const { rows } = await pool.query<{ at: Instant }>(
        'select next_change_at as at from driver_clocks where fleet_id = $1',
        [fleet.id],
      )
      if (rows[0]!.at > last + 55 * MINUTE) break
      assert.ok(rows[0]!.at > now, 'each wake-up is later than the one before')
      now = rows[0]!.at
      await workAt(now)
      seen.push(
        ...(await alerts(fleet, now)).filter((alert) => alert !== seen.at(-1) && alert.includes('drive-11')),
      )
    }
    assert.deepEqual(seen, ['limit-60 us.drive-11', 'limit-30 us.drive-11', 'limit-passed us.drive-11'])
    const { alerts: open } = await fleet.person(now).alerts.list({ state: 'open' })
    const passed = open.find(({ kind }) => kind === 'limit-passed')!
    assert.match(passed.title, /^Driver 1 passed the 11-hour driving limit at \d\d:\d\d CST$/)
    assert.match(passed.detail, /49 CFR 395\.3\(a\)\(3\)\(i\)$/)
  })

  test('a truck that comes back after hours is judged for all of them', async () => {
    const fleet = await TestFleet.make(pool, BEFORE)
    const fixes = journey(START, [5 * HOUR, 90], [35 * MINUTE, 0], [7 * HOUR, 90])
    const now = fixes.at(-1)!.at
    await fleet.report(fixes.slice(0, 400), fixes[399]!.at)
    await workAt(fixes[399]!.at)
    await workAt(now - MINUTE)
    assert.equal((await fleet.person(now).logs.drivers())[0]!.status, 'ON')
    await fleet.report(fixes.slice(400), now)
    await workAt(now)
    assert.equal((await fleet.person(now).logs.drivers())[0]!.status, 'D')
    assert.ok((await alerts(fleet, now)).includes('limit-passed us.drive-11'))
    await assertBoardIsTrue(fleet, now)
  })

  test('a European driver is judged by European rules, from the same motion and statuses', async () => {
    const fleet = await TestFleet.make(pool, BEFORE, { ruleset: 'eu-561', timeZone: 'Europe/Berlin' })
    const { driverId } = fleet.trucks[0]!
    const fixes = journey(START, [4.75 * HOUR, 80], [MINUTE, 0])
    const now = fixes.at(-1)!.at + 10 * SECOND
    await fleet.report(fixes, now)
    await workAt(now)
    assert.ok((await alerts(fleet, now)).includes('limit-passed eu.break-45'))
    const [row] = await fleet.person(now).logs.drivers()
    assert.equal(row!.status, 'DRIVE')
    const set = await fleet
      .person(now + MINUTE)
      .logs.setStatus({ driverId, status: 'OFF', annotation: 'Rest' })
    assert.equal(set.status, 'REST')
    await workAt(now + 46 * MINUTE)
    assert.ok(!(await alerts(fleet, now + 46 * MINUTE)).includes('limit-passed eu.break-45'))
    const day = await fleet.person(now + 46 * MINUTE).logs.day({ driverId })
    assert.ok(day.violations.some(({ rule }) => rule === 'eu.break-45'))
    assert.equal(day.advice?.driveMs, 4.5 * HOUR)
  })

  test('what the facts resolve is resolved, what a person resolved stays so', async () => {
    const fleet = await TestFleet.make(pool, BEFORE)
    const { driverId } = fleet.trucks[0]!
    const fixes = journey(START, [7.5 * HOUR, 90], [MINUTE, 0])
    let now = fixes.at(-1)!.at + 10 * SECOND
    await fleet.report(fixes, now)
    await workAt(now)
    assert.deepEqual(await alerts(fleet, now), ['limit-30 us.break-30'])
    const [warning] = (await fleet.person(now).alerts.list({})).alerts
    const acknowledged = await fleet.person(now).alerts.acknowledge({ id: warning!.id })
    assert.equal(acknowledged.acknowledgedBy, 'Pat')
    assert.deepEqual(await alerts(fleet, now), [])
    assert.deepEqual(await alerts(fleet, now, 'acknowledged'), ['limit-30 us.break-30'])

    await fleet.person(now).logs.setStatus({ driverId, status: 'OFF', annotation: 'Rest' })
    await workAt(now)
    const [resolved] = (await fleet.person(now).alerts.list({ state: 'resolved' })).alerts
    assert.equal(resolved?.id, warning!.id)
    assert.equal(resolved?.resolvedBy, null)

    // It drives again without the break: the same warning comes back, and stays away once a person has resolved it.
    now += 5 * MINUTE
    await fleet.report(run(now, now + 2 * MINUTE, 90, 700), now + 2 * MINUTE)
    now += 2 * MINUTE
    await workAt(now)
    const back = (await fleet.person(now).alerts.list({ state: 'all' })).alerts.filter(
      ({ kind, resolvedAt }) => kind === 'limit-30' && resolvedAt === null,
    )
    assert.equal(back.length, 1)
    await fleet.person(now).alerts.resolve({ id: back[0]!.id })
    await fleet.report(run(now, now + 2 * MINUTE, 90, 705), now + 2 * MINUTE)
    await pool.query('update driver_clocks set next_change_at = $2 where fleet_id = $1', [
      fleet.id,
      new Date(now),
    ])
    await workAt(now + 2 * MINUTE)
    assert.deepEqual(await alerts(fleet, now), [])
  })

  test('a silent truck is told of once, until it is heard; the next silence is another', async () => {
    const fleet = await TestFleet.make(pool, BEFORE)
    const moving = run(START, START + HOUR, 90)
    await fleet.report(moving, START + HOUR)
    const { rows } = await pool.query<{ minutes: number }>(
      'select silent_after_minutes as minutes from fleets where id = $1',
      [fleet.id],
    )
    const silent = rows[0]!.minutes * MINUTE
    await workAt(START + HOUR + silent)
    assert.deepEqual(await alerts(fleet, START), [])
    await workAt(START + HOUR + silent + 1)
    await workAt(START + HOUR + silent + MINUTE)
    assert.deepEqual(await alerts(fleet, START), ['truck-silent'])
    const heard = START + HOUR + silent + 2 * MINUTE
    await fleet.report(run(heard, heard + MINUTE, 90, 120), heard)
    await workAt(heard)
    assert.deepEqual(await alerts(fleet, heard), [])
    await workAt(heard + silent + 1)
    assert.equal((await alerts(fleet, heard, 'all')).filter((kind) => kind === 'truck-silent').length, 2)
  })

  test('a round cut off in the middle is done again', async () => {
    const fleet = await TestFleet.make(pool, BEFORE)
    const now = START + HOUR
    await fleet.report(run(START, now, 90), now)
    await pool.query(
      `create function refuse() returns trigger language plpgsql as $$ begin raise exception 'cut off'; end $$;
       create trigger refuse before insert on driver_clocks for each row when (new.fleet_id = ${fleet.id}) execute function refuse()`,
    )
    await assert.rejects(workAt(now), /cut off/)
    assert.deepEqual(await spans(fleet), [])
    await pool.query('drop trigger refuse on driver_clocks')
    await workAt(now)
    assert.equal((await spans(fleet)).length, 1)
    await assertBoardIsTrue(fleet, now)
  })
})

describe('a driver’s day', () => {
  test('is the same alone and within a month, and adds up though the clocks change', async () => {
    // 2026-11-01 has 25 hours in Chicago.
    const start = Date.UTC(2026, 9, 31, 20)
    await ensurePartitions(pool, start)
    const fleet = await TestFleet.make(pool, start - 24 * HOUR)
    const { driverId } = fleet.trucks[0]!
    const fixes: Fix[] = journey(start, [3 * HOUR, 90], [10 * MINUTE, 0], [2 * HOUR, 70], [9 * MINUTE, 0])
    const now = start + 60 * HOUR
    await fleet.report(fixes, now)
    await workAt(now)
    const { loadDays } = await import('./logs/day.ts')
    const days = await loadDays(pool, fleet.id, driverId, '2026-10-30', '2026-11-30', now)
    assert.deepEqual(
      days.map(({ date, from, until }) => [date, (until - from) / HOUR]),
      [
        ['2026-10-30', 24],
        ['2026-10-31', 24],
        ['2026-11-01', 25],
        ['2026-11-02', 24],
        ['2026-11-03', 24],
      ],
    )
    for (const day of days) {
      const { OFF, SB, D, ON } = day.totals
      assert.equal(OFF + SB + D + ON, day.recordedUntil - day.from)
      assert.deepEqual(await fleet.person(now).logs.day({ driverId, date: day.date }), day)
    }
    const [, driven] = days
    assert.equal(driven!.totals.D, 5 * HOUR + 2 * 6 * MINUTE)
    assert.ok(Math.abs(driven!.distanceMeters! - 410_000) < 3_000)
    await assert.rejects(fleet.person(now).logs.day({ driverId, date: '2026-11-04' }), /has not begun/)
    await assert.rejects(fleet.person(now).logs.day({ driverId, date: '2026-02-30' }), /is no date/)
  })
})
