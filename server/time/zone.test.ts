import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from '../property.testing.ts'
import { DAY, HOUR, MINUTE } from './instant.ts'
import { addDays, isoWithOffset, zone } from './zone.ts'

const utc = (text: string) => Date.parse(`${text}Z`)
const NAMES = [
  'America/Chicago',
  'America/Phoenix',
  'America/St_Johns',
  'Europe/Berlin',
  'Australia/Lord_Howe',
  'Africa/Casablanca',
  'Asia/Kathmandu',
  'Pacific/Apia',
]

describe('zone', () => {
  test('offsets change at the instant when the clocks do', () => {
    const chicago = zone('America/Chicago')
    assert.equal(chicago.offsetAt(utc('2026-03-08T07:59:59')), -6 * HOUR)
    assert.equal(chicago.offsetAt(utc('2026-03-08T08:00:00')), -5 * HOUR)
    assert.equal(chicago.offsetAt(utc('2026-11-01T06:59:59')), -5 * HOUR)
    assert.equal(chicago.offsetAt(utc('2026-11-01T07:00:00')), -6 * HOUR)
  })

  test('dates step over months and leap days', () => {
    assert.equal(addDays('2028-02-28', 1), '2028-02-29')
    assert.equal(addDays('2026-01-01', -1), '2025-12-31')
  })
  test('a day has 23 hours in spring and 25 in autumn', () => {
    const chicago = zone('America/Chicago')
    const length = (date: string) => (chicago.startOf(addDays(date, 1)) - chicago.startOf(date)) / HOUR
    assert.deepEqual(['2026-03-08', '2026-03-09', '2026-11-01'].map(length), [23, 24, 25])
  })

  test('a time that the clocks skip moves forward, one that comes twice is the first', () => {
    const chicago = zone('America/Chicago')
    assert.equal(chicago.instantOf(utc('2026-03-08T02:30:00')), utc('2026-03-08T08:30:00'))
    assert.equal(chicago.instantOf(utc('2026-11-01T01:30:00')), utc('2026-11-01T06:30:00'))
  })

  test('a period that begins at noon belongs to the date on which it began', () => {
    const denver = zone('America/Denver')
    assert.equal(denver.dateOf(utc('2026-06-02T17:59:00'), 720), '2026-06-01')
    assert.equal(denver.dateOf(utc('2026-06-02T18:00:00'), 720), '2026-06-02')
    assert.equal(denver.startOf('2026-06-02', 720), utc('2026-06-02T18:00:00'))
  })

  test('a period that begins in an hour that is skipped, or comes twice, begins once', () => {
    const chicago = zone('America/Chicago')
    // 02:30 does not occur on 8 March: the period begins at 03:30; 01:30 comes twice on 1 November.
    assert.equal(chicago.dateOf(utc('2026-03-08T08:29:00'), 150), '2026-03-07')
    assert.equal(chicago.dateOf(utc('2026-03-08T08:30:00'), 150), '2026-03-08')
    assert.equal(chicago.dateOf(utc('2026-11-01T07:10:00'), 90), '2026-11-01')
    fc.assert(
      fc.property(
        fc.constantFrom(...NAMES, 'America/Havana', 'America/Santiago'),
        fc.integer({ min: utc('1995-01-01T00:00') / MINUTE, max: utc('2045-01-01T00:00') / MINUTE }),
        fc.constantFrom(0, 90, 120, 150, 180, 1_439),
        (name, minute, dayStart) => {
          const at = minute * MINUTE
          const place = zone(name)
          const date = place.dateOf(at, dayStart)
          assert.ok(place.startOf(date, dayStart) <= at)
          assert.ok(at < place.startOf(addDays(date, 1), dayStart))
        },
      ),
      { numRuns: 10_000 },
    )
  })

  test('agrees with Intl everywhere, and local time leads back to its instant', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...NAMES),
        fc.integer({ min: utc('1995-01-01T00:00') / MINUTE, max: utc('2045-01-01T00:00') / MINUTE }),
        (name, minute) => {
          const at = minute * MINUTE
          const place = zone(name)
          const shown = new Intl.DateTimeFormat('sv-SE', {
            timeZone: name,
            dateStyle: 'short',
            timeStyle: 'medium',
          }).format(at)
          const local = at + place.offsetAt(at)
          assert.equal(new Date(local).toISOString().slice(0, 19).replace('T', ' '), shown)
          const back = place.instantOf(local)
          assert.ok(back <= at && back + place.offsetAt(back) === local)
          const start = place.startOf(place.dateOf(at))
          assert.ok(start <= at && at - start <= DAY + 2 * HOUR)
        },
      ),
      { numRuns: 3_000 },
    )
  })

  test('local time with its offset, to the second', () => {
    const at = utc('2026-11-23T20:25:07.900')
    assert.equal(isoWithOffset(at, zone('America/Chicago')), '2026-11-23T14:25:07-06:00')
    assert.equal(isoWithOffset(at, zone('Asia/Kathmandu')), '2026-11-24T02:10:07+05:45')
  })

  test('refuses what is no zone', () => {
    for (const name of ['Mars/Olympus', '', '+05:00']) assert.throws(() => zone(name), RangeError)
  })
})
