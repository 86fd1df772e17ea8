import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ensurePartitions } from '../db/partitions.ts'
import { testDatabase } from '../db/testing.ts'
import { journey, TestFleet } from '../logs/fleet.testing.ts'
import { DAY, HOUR, type Instant, MINUTE } from '../time/instant.ts'
import { addDays } from '../time/zone.ts'
import { work } from '../work.ts'
import { odometerAfter } from './odometer.ts'

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

  test('an odometer goes on over a reset and another unit', () => {
    const leg = (km: number, reading: number | null) => ({ meters: km * 1_000, reading })
    assert.equal(odometerAfter([]), null)
    assert.equal(odometerAfter([leg(10, null)]), null)
    assert.equal(odometerAfter([leg(10, 500_000), leg(100, 602_000)]), 602_000)
    // A new device counts from nothing, and then as it should.
    assert.equal(odometerAfter([leg(10, 500_000), leg(100, 7), leg(50, 51_007)]), 651_000)
    // It counts in kilometers for a while.
    assert.equal(odometerAfter([leg(10, 500_000), leg(100, 600), leg(100, 700), leg(50, 750_000)]), 750_000)
    // Nothing said at the end: what was driven counts.
    assert.equal(odometerAfter([leg(10, 500_000), leg(30, null)]), 530_000)
  })
})
