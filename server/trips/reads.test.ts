import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newId } from '../db/id.ts'
import { ensurePartitions } from '../db/partitions.ts'
import { testDatabase } from '../db/testing.ts'
import { journey, TestFleet } from '../logs/fleet.testing.ts'
import { DAY, HOUR, type Instant, MINUTE } from '../time/instant.ts'
import { addDays, zone } from '../time/zone.ts'
import { work } from '../work.ts'
import { loadFleetMonth } from './month.ts'
import { odometerAfter } from './odometer.ts'
import { randomBy } from './scenario.testing.ts'

const { pool } = await testDatabase()
/** 00:00 in Chicago. */
const START = Date.UTC(2026, 10, 20, 6)
await ensurePartitions(pool, START)

async function fleetOfDays(count: number): Promise<{ fleet: TestFleet; now: Instant }> {
  const fleet = await TestFleet.make(pool, START - 20 * DAY)
  const legs: [number, number][] = [[HOUR, 0]]
  for (let day = 0; day < count; day++) {
    // The last one goes on over midnight, as the first one of the next day.
    legs.push([2 * HOUR, 80], [40 * MINUTE, 0], [3 * HOUR, 85], [16 * HOUR + 20 * MINUTE, 0], [2 * HOUR, 60])
  }
  const fixes = journey(START, ...legs, [3 * HOUR, 0])
  const now = fixes.at(-1)!.at + MINUTE
  for (let i = 0; i < fixes.length; i += 1_000) await fleet.report(fixes.slice(i, i + 1_000), now)
  for (let i = 1; i < 4; i++) await work(pool, () => now + i * 400 * DAY)
  return { fleet, now }
}

describe('what is read of trips', () => {
  test('a day asked alone is the day within the month, a trip over midnight counted once', async () => {
    const { fleet, now } = await fleetOfDays(4)
    const { vehicleId } = fleet.trucks[0]!
    const { trips } = fleet.person(now)
    const { vehicles } = await trips.month({ month: '2026-11' })
    assert.equal(vehicles.length, 1)
    const [month] = vehicles
    assert.equal(month!.trips, 9)
    for (let date = '2026-11-19'; date <= '2026-11-25'; date = addDays(date, 1)) {
      const { totals } = await trips.day({ vehicleId, date })
      const inMonth = month!.days.find((one) => one.date === date)
      assert.deepEqual({ date, ...totals }, inMonth ?? { date, trips: 0, distanceMeters: 0, movingMs: 0 })
    }
    const second = await trips.day({ vehicleId, date: '2026-11-21' })
    assert.equal(second.timeZone, 'America/Chicago')
    assert.equal(second.homeTerminal, 'Home')
    assert.equal(second.from, START + DAY)
    assert.deepEqual(
      second.entries.map(({ kind }) => kind),
      ['trip', 'stop', 'trip', 'stop', 'trip'].slice(0, second.entries.length),
    )
    const [carried] = second.entries
    assert.ok(carried!.startedAt < second.from && carried!.endedAt > second.from)
  })

  test('a month is added up by each truck’s own days, also where clocks change and where zones are a day apart', async () => {
    const zones = [
      'America/Chicago',
      'Europe/Berlin',
      'Pacific/Kiritimati',
      'Asia/Kolkata',
      'America/Phoenix',
    ]
    const fleetId = newId()
    await pool.query("insert into fleets (id, name, slug, time_zone) values ($1, 'Zones', $2, 'UTC')", [
      fleetId,
      `zones-${fleetId}`,
    ])
    const vehicles = zones.map(() => newId())
    for (const [i, vehicleId] of vehicles.entries()) {
      const [terminalId, driverId] = [newId(), newId()]
      await pool.query('insert into vehicles (fleet_id, id, unit_number) values ($1, $2, $3)', [
        fleetId,
        vehicleId,
        `${i}`,
      ])
      await pool.query(
        `insert into home_terminals (fleet_id, id, name, time_zone, latitude, longitude) values ($1, $2, $3::text, $3::text, 0, 0)`,
        [fleetId, terminalId, zones[i]],
      )
      await pool.query(
        `insert into drivers (fleet_id, id, name, employee_number, home_terminal_id, ruleset) values ($1, $2, 'D', $3, $4, 'us-property-70-8')`,
        [fleetId, driverId, `${i}`, terminalId],
      )
      await pool.query(
        'insert into driver_assignments (fleet_id, vehicle_id, driver_id, from_at) values ($1, $2, $3, $4)',
        [fleetId, vehicleId, driverId, new Date(START - 400 * DAY)],
      )
    }
    const random = randomBy(7)
    // All around both ends of the months in which the clocks change there.
    const trips = Array.from({ length: 3_000 }, (_, i) => ({
      vehicle: i % zones.length,
      at: Date.UTC(2026, i % 2 ? 9 : 10, 1) + Math.floor((random() - 0.5) * (i % 3 ? 4 : 70) * DAY) + i,
      meters: 1_000 + i,
    }))
    await pool.query(
      `insert into trips (fleet_id, vehicle_id, started_at, ended_at, start_latitude_e7, start_longitude_e7, end_latitude_e7,
         end_longitude_e7, starts_by, ends_by, distance_m, odometer_share_m, moving_ms, points, version)
       select $1, v, t, t + interval '1 ms', 0, 0, 0, 0, 'standstill', 'standstill', m, 0, 60000, 2, 1
       from unnest($2::int8[], $3::timestamptz[], $4::int4[]) as k(v, t, m)`,
      [
        fleetId,
        trips.map(({ vehicle }) => vehicles[vehicle]),
        trips.map(({ at }) => new Date(at)),
        trips.map(({ meters }) => meters),
      ],
    )
    for (const month of ['2026-09', '2026-10', '2026-11']) {
      const read = await loadFleetMonth(pool, fleetId, month)
      for (const [i, name] of zones.entries()) {
        const expected = new Map<string, { trips: number; distanceMeters: number; movingMs: number }>()
        for (const { vehicle, at, meters } of trips) {
          const date = zone(name).dateOf(at)
          if (vehicle !== i || !date.startsWith(month)) continue
          const day = expected.get(date) ?? { trips: 0, distanceMeters: 0, movingMs: 0 }
          expected.set(date, {
            trips: day.trips + 1,
            distanceMeters: day.distanceMeters + meters,
            movingMs: day.movingMs + 60_000,
          })
        }
        const one = read.vehicles.find(({ vehicleId }) => vehicleId === vehicles[i])!
        assert.deepEqual(
          one.days,
          [...expected].sort(([a], [b]) => (a < b ? -1 : 1)).map(([date, totals]) => ({ date, ...totals })),
        )
        assert.equal(
          one.trips,
          one.days.reduce((sum, day) => sum + day.trips, 0),
        )
      }
    }
  })

  test('what was not believed is counted by device and reason', async () => {
    const { fleet, now } = await fleetOfDays(1)
    const { vehicleId, device } = fleet.trucks[0]!
    await fleet.report(
      [
        { at: START + 30 * MINUTE + 1_000, speedKph: 0, km: 200 },
        { at: START + 31 * MINUTE + 1_000, speedKph: 300, km: 0 },
      ],
      now,
    )
    for (let i = 1; i < 4; i++) await work(pool, () => now + i * 2_000 * DAY)
    const { devices } = await fleet.person(now).trips.day({ vehicleId, date: '2026-11-20' })
    assert.deepEqual(devices, [
      {
        device: device.name,
        points: 1_442,
        doubtful: 2,
        reasons: [
          { reason: 'jump', points: 1 },
          { reason: 'speed', points: 1 },
        ],
      },
    ])
  })

  test('the way of a trip is its believed points, in order', async () => {
    const { fleet, now } = await fleetOfDays(1)
    const { vehicleId } = fleet.trucks[0]!
    const { trips } = fleet.person(now)
    const { entries } = await trips.day({ vehicleId, date: '2026-11-20' })
    const trip = entries.find(({ kind }) => kind === 'trip')!
    const { latitudes, longitudes } = await trips.track({
      vehicleId,
      from: trip.startedAt,
      until: trip.endedAt,
    })
    assert.equal(latitudes.length, longitudes.length)
    assert.ok(latitudes.length > 100)
    assert.deepEqual(
      latitudes.toSorted((a, b) => a - b),
      latitudes,
    )
  })

  test('an odometer goes on over a reset, another unit and a gap', () => {
    const leg = (km: number, reading: number | null) => ({ meters: km * 1_000, unseen: false, reading })
    const gap = (km: number) => ({ meters: km * 1_000, unseen: true, reading: null })
    assert.equal(odometerAfter([]), null)
    assert.equal(odometerAfter([leg(10, null)]), null)
    assert.equal(odometerAfter([leg(10, 500_000), leg(100, 602_000)]), 602_000)
    // A new device counts from nothing, and then as it should.
    assert.equal(odometerAfter([leg(10, 500_000), leg(100, 7), leg(50, 51_007)]), 651_000)
    // It counts in kilometers for a while.
    assert.equal(odometerAfter([leg(10, 500_000), leg(100, 600), leg(100, 700), leg(50, 750_000)]), 750_000)
    // Carried by a ferry, which no odometer counts; driven unseen, which it does; and a new device after it.
    assert.equal(odometerAfter([leg(10, 500_000), gap(40), leg(100, 601_000)]), 601_000)
    assert.equal(odometerAfter([leg(10, 500_000), gap(40), leg(100, 645_000)]), 645_000)
    assert.equal(odometerAfter([leg(10, 500_000), gap(40), leg(100, 7)]), 640_000)
    // Nothing said at the end: what was driven counts.
    assert.equal(odometerAfter([leg(10, 500_000), leg(30, null)]), 530_000)
  })
})
