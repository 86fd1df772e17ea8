import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parse } from 'csv-parse/sync'
import { ensurePartitions } from '../db/partitions.ts'
import { testDatabase } from '../db/testing.ts'
import { loadDays } from '../logs/day.ts'
import { journey, TestFleet } from '../logs/fleet.testing.ts'
import { HOUR, MINUTE } from '../time/instant.ts'
import { work } from '../work.ts'
import { daysCsv, eventsCsv, violationsCsv } from './csv.ts'
import { DriverDaysRequest, ReportAsked, ViolationsRequest } from './schema.ts'
import { fleetViolations } from './violations.ts'

const { pool } = await testDatabase()
/** 06:00 in Chicago. */
const START = Date.UTC(2026, 10, 23, 12)
const NOW = START + 30 * HOUR
await ensurePartitions(pool, START)

async function drivenFleet() {
  const fleet = await TestFleet.make(pool, START - 10 * 24 * HOUR, { trucks: 2 })
  await fleet.report(journey(START, [8.5 * HOUR, 90], [20 * MINUTE, 0]), NOW)
  await work(pool, () => NOW)
  return fleet
}
const read = (csv: string) => parse(csv, { columns: true, bom: true }) as Record<string, string>[]

describe('CSV', () => {
  test('a row a day with times that add up, a row a change, in the driver’s own time', async () => {
    const fleet = await drivenFleet()
    const { driverId } = fleet.trucks[0]!
    await pool.query(`update drivers set name = '=cmd|''/C calc''!A0, "Jr"' where id = $1`, [driverId])
    const days = await loadDays(pool, fleet.id, driverId, '2026-11-22', '2026-11-24', NOW)
    const csv = daysCsv(days)
    assert.ok(csv.startsWith('\uFEFFdate,driver,'))
    assert.ok(csv.endsWith('\r\n'))
    const [, driven, today] = read(csv)
    assert.equal(driven!.driver, `'=cmd|'/C calc'!A0, "Jr"`)
    assert.equal(driven!.period_start, '2026-11-23T00:00:00-06:00')
    assert.equal(driven!.driving, '8:36')
    assert.equal(driven!.on_duty, '9:24')
    assert.equal(driven!.total, '24:00')
    assert.match(driven!.violations!, /49 CFR 395\.3\(a\)\(3\)\(ii\)/)
    assert.equal(today!.recorded_until, '2026-11-24T12:00:00-06:00')
    assert.equal(today!.total, '12:00')
    assert.equal(today!.distance, '')
    const events = read(eventsCsv(days))
    assert.deepEqual(
      events.map(({ from, status, duration }) => [from, status, duration]),
      [
        ['2026-11-22T00:00:00-06:00', 'OFF', '24:00'],
        ['2026-11-23T00:00:00-06:00', 'OFF', '6:00'],
        ['2026-11-23T06:00:00-06:00', 'D', '8:36'],
        ['2026-11-23T14:36:00-06:00', 'ON', '9:24'],
        ['2026-11-24T00:00:00-06:00', 'ON', '12:00'],
      ],
    )
  })

  test('a fleet’s violations: those of its drivers and days, and no others', async () => {
    const fleet = await drivenFleet()
    const other = await drivenFleet()
    const found = await fleetViolations(pool, fleet.id, '2026-11-23', '2026-11-23', NOW)
    assert.equal(found.driverCount, 2)
    assert.deepEqual(
      found.violations.map(({ driverId, rule, date, open }) => [driverId, rule, date, open]),
      [[fleet.trucks[0]!.driverId, 'us.break-30', '2026-11-23', false]],
    )
    assert.equal(
      (await fleetViolations(pool, fleet.id, '2026-11-20', '2026-11-22', NOW)).violations.length,
      0,
    )
    assert.equal(
      (await fleetViolations(pool, other.id, '2026-11-23', '2026-11-23', NOW)).violations.length,
      1,
    )
    const [row] = read(violationsCsv(found, true))
    assert.equal(row!.from, '2026-11-23T14:00:00-06:00')
    assert.equal(row!.duration, '0:36')
    assert.equal(row!.state, 'ended')
    // Nothing found is a table too.
    assert.match(violationsCsv({ violations: [], notJudged: [] }, true), /^\uFEFFdriver,[\w,]+\r\n$/)
  })

  test('a log that can’t be judged has a row that says so', () => {
    const notJudged = [{ driverId: 1, driverName: 'A', employeeNumber: 'E', reason: 'the log is odd' }]
    const [row] = read(violationsCsv({ violations: [], notJudged }, true))
    assert.equal(row!.state, 'not judged')
    assert.equal(row!.explanation, 'the log is odd')
  })
})

describe('what may be asked for', () => {
  const fault = (asked: object) => {
    const result = ReportAsked.safeParse({
      kind: 'driver-days',
      driverId: 7,
      from: '2026-11-01',
      until: '2026-11-30',
      ...asked,
    })
    return result.success
      ? null
      : result.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`)
  }
  test('a month, and each fault by its field', () => {
    assert.equal(fault({}), null)
    assert.equal(fault({ until: '2026-12-01' }), null)
    assert.deepEqual(fault({ until: '2026-12-02' }), [
      'until is more than 31 days after the first; ask for less at a time',
    ])
    assert.deepEqual(fault({ until: '2026-10-31' }), ['until is before the first day'])
    assert.deepEqual(fault({ from: '2026-02-30', until: '2026-03-10' }), ['from is no date'])
    assert.deepEqual(fault({ from: 'yesterday' }), ['from must be YYYY-MM-DD', 'from is no date'])
    assert.match(fault({ driverId: '7' })![0]!, /^driverId /)
    assert.match(fault({ rows: 'hours' })![0]!, /^rows /)
    assert.match(fault({ kind: 'everything' })![0]!, /^kind /)
    const range = { from: '2026-11-01', until: '2026-11-30' }
    assert.equal(ReportAsked.safeParse({ kind: 'violations', ...range, fleet: '9' }).success, false)
    // On paper it is asked for by an address.
    assert.equal(DriverDaysRequest.safeParse({ driver: '7', ...range }).success, true)
    assert.equal(DriverDaysRequest.safeParse({ driver: 'x', ...range }).success, false)
    assert.equal(ViolationsRequest.safeParse({ ...range, fleet: '9' }).success, false)
  })
})
