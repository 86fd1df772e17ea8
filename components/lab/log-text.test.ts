import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DUTY_STATUSES } from '../../server/hos/types.ts'
import fc from '../../server/property.testing.ts'
import { HOUR } from '../../server/time/instant.ts'
import { zone } from '../../server/time/zone.ts'
import { formatLocal, formatLog, parseLocal, parseLog } from './log-text.ts'

/** Plain objects, as they come from JSON. */
const record = <T>(shape: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record<T>(shape, { noNullPrototype: true })

const chicago = zone('America/Chicago')
const SIX = Date.parse('2026-03-02T12:00:00Z')

describe('a log as text', () => {
  test('what is written is read again, also where the clocks change', () => {
    const names = ['America/Chicago', 'Europe/Berlin', 'Australia/Lord_Howe', 'America/St_Johns', 'UTC']
    const near = fc.oneof(
      fc.integer({ min: Date.parse('2001-01-01'), max: Date.parse('2098-12-31') }),
      // Both changes of a year, to the minute.
      fc.integer({ min: 0, max: 600 }).map((m) => Date.parse('2026-11-01T02:00:00Z') + m * 60_000),
      fc.integer({ min: 0, max: 600 }).map((m) => Date.parse('2026-03-08T04:00:00Z') + m * 60_000),
      fc.integer({ min: 0, max: 600 }).map((m) => Date.parse('2026-10-24T20:00:00Z') + m * 60_000),
    )
    const event = record({ at: near, status: fc.constantFrom(...DUTY_STATUSES) })
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.array(event, { maxLength: 12 }), (name, log) => {
        const parsed = parseLog(formatLog(log, zone(name)), zone(name))
        assert.deepEqual(parsed.faults, [])
        assert.deepEqual(parsed.events, log)
        assert.deepEqual(
          parsed.lines,
          log.map((_, i) => i + 1),
        )
      }),
    )
  })
  test('is taken in many hands', () => {
    for (const line of [
      '2026-03-02 06:00 ON',
      '2026-03-02T06:00 on',
      '2026-03-02,06:00,On',
      '2026-03-02\t6:00\tON',
      '  2026-03-02; 06:00:00; ON ;',
      '2026-03-02T12:00Z ON',
      '2026-03-02 07:00-05:00 ON',
      '[{ "at": "2026-03-02T06:00", "status": "on" }]',
      `[{ "at": ${SIX}, "status": "ON" }]`,
      '[{ "at": "2026-03-02T12:00:00.000Z", "status": "ON", "note": 1 }]',
    ]) {
      const { events, faults } = parseLog(line, chicago)
      assert.deepEqual({ events, faults }, { events: [{ at: SIX, status: 'ON' }], faults: [] }, line)
    }
  })
  test('empty lines are none, and lines keep their numbers', () => {
    const { events, lines } = parseLog('\n2026-03-02 06:00 ON\r\n\r\n2026-03-02 07:00 D\n', chicago)
    assert.equal(events.length, 2)
    assert.deepEqual(lines, [2, 4])
  })
  const FAULTS: readonly [string, RegExp][] = [
    ['6 am ON', /does not begin with a date/],
    ['2026-02-30 06:00 ON', /“2026-02-30” is no date/],
    ['2026-03-02', /has no time/],
    ['2026-03-02 six ON', /“six” is no time such as/],
    ['2026-03-02 24:30 ON', /is no time of day/],
    ['2026-03-02 06:00', /has no status/],
    ['2026-03-02 06:00 DRVE', /“DRVE” is no status/],
    ['2026-03-02 06:00 ON duty', /“duty” after the status means nothing/],
    ['2026-03-08 02:30 ON', /never was in America\/Chicago/],
    ['20260-03-02 06:00 ON', /does not begin with a date/],
    ['9026-03-02 06:00 ON', /its year is not from 2000 to 2099/],
    ['[{ "at": "2026-03-02T06:00" }]', /is no \{ "at", "status" \}/],
    ['[null]', /is no \{ "at", "status" \}/],
    ['[{ "at": true, "status": "ON" }]', /neither text nor milliseconds/],
    ['[{ "at": 1e99, "status": "ON" }]', /its year/],
    ['[{', /begins a JSON array that is none/],
  ]
  for (const [line, reason] of FAULTS) {
    test(`“${line}” is named`, () => {
      const { events, faults } = parseLog(line, chicago)
      assert.deepEqual(events, [])
      assert.equal(faults.length, 1)
      assert.match(faults[0]!.reason, reason)
    })
  }
  test('a faulty line leaves the others', () => {
    const { events, faults } = parseLog('2026-03-02 06:00 ON\noops\n2026-03-02 07:00 D', chicago)
    assert.equal(events.length, 2)
    assert.deepEqual(
      faults.map(({ line }) => line),
      [2],
    )
  })
  test('whatever is pasted is read or named', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        parseLog(text, chicago)
        parseLocal(text, chicago)
      }),
    )
  })
})

describe('a local time', () => {
  test('that the clocks read twice carries its offset', () => {
    const first = Date.parse('2026-11-01T06:30:00Z')
    assert.equal(formatLocal(first, chicago), '2026-11-01 01:30')
    assert.equal(formatLocal(first + HOUR, chicago), '2026-11-01 01:30-06:00')
    assert.deepEqual(parseLocal('2026-11-01T01:30', chicago), { at: first })
  })
  test('with something after it is none', () => {
    assert.ok('reason' in parseLocal('2026-11-01 01:30 soon', chicago))
  })
})
