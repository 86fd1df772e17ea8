import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HOUR, MINUTE, SECOND } from '../server/time/instant.ts'
import {
  age,
  ago,
  brokenFor,
  clockTime,
  clockTimeSeconds,
  coordinates,
  dateIn,
  dateShort,
  dateTitle,
  distance,
  fileSize,
  heading,
  hoursMinutesSpoken,
  lasting,
  plural,
  speed,
  zonedDateTime,
  zonedDateTimeYear,
  zonedTime,
  zoneLongName,
  zoneName,
} from './format.ts'

const at = Date.parse('2026-11-23T20:25:07Z')
const chicago = 'America/Chicago'

test('sizes of files', () => {
  assert.deepEqual([0, 999, 1_000, 12_345, 999_500, 3_440_000, 9_950_000, 123_000_000].map(fileSize), [
    '0 B',
    '999 B',
    '1 kB',
    '12 kB',
    '1.0 MB',
    '3.4 MB',
    '10 MB',
    '123 MB',
  ])
})

describe('durations', () => {
  test('for ears', () => {
    assert.equal(hoursMinutesSpoken(HOUR + 2 * MINUTE), '1 hour 2 minutes')
    assert.equal(hoursMinutesSpoken(2 * HOUR), '2 hours')
    assert.equal(hoursMinutesSpoken(20 * SECOND), '0 minutes')
  })
  test('what has just begun is no “0:00”', () => {
    assert.deepEqual([0, 59 * SECOND, MINUTE, HOUR].map(lasting), [
      'just now',
      'just now',
      'for 0:01',
      'for 1:00',
    ])
    const violation = (ms: number) => brokenFor({ from: at, until: at + ms }, chicago)
    assert.deepEqual([0, 59 * SECOND, MINUTE, 65 * MINUTE].map(violation), [
      'from 14:25 CST',
      'from 14:25 CST',
      '0:01 long',
      '1:05 long',
    ])
  })
  test('ages tick from seconds to days', () => {
    const said = [0, 12 * SECOND, 3 * MINUTE, 2 * HOUR, 2 * HOUR + 5 * MINUTE, 76 * HOUR].map(ago)
    assert.deepEqual(said, ['now', '12 s ago', '3 min ago', '2 h ago', '2 h 5 min ago', '3 d ago'])
    assert.equal(age(-5), 'now')
  })
})

describe('times name their zone', () => {
  test('in winter and in summer', () => {
    assert.equal(zonedTime(at, chicago), '14:25 CST')
    assert.equal(zonedTime(Date.parse('2026-07-01T05:00:00Z'), chicago), '00:00 CDT')
    assert.equal(zoneName(at, 'America/Phoenix'), 'MST')
    assert.equal(zoneLongName(at, chicago), 'Central Standard Time')
    assert.equal(clockTime(at, 'America/New_York'), '15:25')
    assert.equal(clockTimeSeconds(at, 'UTC'), '20:25:07')
  })
  test('the date is left out for today', () => {
    assert.equal(zonedDateTime(at, chicago, at - HOUR), '14:25 CST')
    assert.equal(zonedDateTime(at, chicago, at + 24 * HOUR), 'Nov 23, 14:25 CST')
    assert.equal(zonedDateTime(at, chicago), 'Nov 23, 14:25 CST')
    assert.equal(zonedDateTimeYear(at, chicago), 'Nov 23, 2026, 14:25 CST')
  })
})

describe('calendar dates', () => {
  test('are the zone’s', () => {
    assert.equal(dateIn(Date.parse('2026-11-24T03:00:00Z'), chicago), '2026-11-23')
    assert.equal(dateIn(Date.parse('2026-11-24T03:00:00Z'), 'UTC'), '2026-11-24')
  })
  test('step over months and leap days', () => {})
  test('have a title', () => {
    assert.equal(dateTitle('2026-11-23'), 'Monday, November 23, 2026')
    assert.equal(dateShort('2026-11-23'), 'Mon, Nov 23')
  })
})

describe('measures', () => {
  test('in the fleet’s unit', () => {
    assert.equal(distance(1_609_344, 'mi'), '1,000 mi')
    assert.equal(distance(12_499, 'km'), '12 km')
    assert.equal(speed(100, 'mi'), '62 mph')
    assert.equal(speed(99.6, 'km'), '100 km/h')
  })
  test('headings, places, counts', () => {
    assert.equal(heading(359.8), 'N, 0°')
    assert.equal(heading(45), 'NE, 45°')
    assert.equal(coordinates(41.6, -87.3), '41.60000, -87.30000')
    assert.equal(plural(1, 'truck', 'trucks'), '1 truck')
    assert.equal(plural(1204, 'truck', 'trucks'), '1,204 trucks')
  })
})
