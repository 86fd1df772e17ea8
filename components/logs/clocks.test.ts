import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Clock } from '../../server/hos/types.ts'
import type { ViolationRow } from '../../server/logs/schema.ts'
import { HOUR, MINUTE } from '../../server/time/instant.ts'
import { boardClock, clockWords, driverLevel, readClocks, tightestOf } from './clocks.ts'

const evaluatedAt = Date.parse('2026-11-23T18:00:00Z')
const clock = (over: Partial<Clock>): Clock => ({
  name: 'drive',
  rule: 'driving-limit',
  limitMs: 11 * HOUR,
  remainingMs: 2 * HOUR,
  running: true,
  runsOutAt: evaluatedAt + 2 * HOUR,
  ...over,
})
const violation = (over: Partial<ViolationRow>): ViolationRow => ({
  rule: 'driving-limit',
  title: '11-hour driving limit',
  from: evaluatedAt - 12 * MINUTE,
  until: evaluatedAt,
  explanation: '',
  citation: '49 CFR 395.3(a)(3)(i)',
  ...over,
})
const row = (clocks: Clock[], violations: ViolationRow[] = []) => ({ clocks, violations, evaluatedAt })

describe('clocks of the board', () => {
  test('a running clock ticks on without news', () => {
    const [reading] = readClocks(row([clock({})]), evaluatedAt + 96 * MINUTE)
    assert.equal(clockWords(reading!), '0:24 left')
    assert.equal(reading!.level, 'close')
    assert.equal(reading!.runsOutAt, evaluatedAt + 2 * HOUR)
  })
  test('a still clock stays', () => {
    const still = clock({ running: false, runsOutAt: null })
    const [reading] = readClocks(row([still]), evaluatedAt + 5 * HOUR)
    assert.equal(clockWords(reading!), '2:00 left')
    assert.equal(reading!.level, 'still')
  })
  test('it passes by itself, before the server has said so', () => {
    const [reading] = readClocks(row([clock({})]), evaluatedAt + 2 * HOUR + 3 * MINUTE)
    assert.equal(clockWords(reading!), 'passed 0:03 ago')
    assert.equal(reading!.level, 'passed')
    assert.equal(reading!.runsOutAt, null)
  })
  test('in its first minute it has passed just now, not 0:00 ago', () => {
    const at = (ms: number) => clockWords(readClocks(row([clock({})]), evaluatedAt + 2 * HOUR + ms)[0]!)
    assert.deepEqual(
      [at(1), at(MINUTE - 1), at(MINUTE)],
      ['passed just now', 'passed just now', 'passed 0:01 ago'],
    )
  })
  test('a violation that goes on is told from its first minute', () => {
    const out = clock({ remainingMs: 0, runsOutAt: null })
    const [reading] = readClocks(row([out], [violation({})]), evaluatedAt + 2 * MINUTE)
    assert.equal(clockWords(reading!), 'passed 0:14 ago')
  })
  test('a violation that is over does not colour a driver who rests', () => {
    const out = clock({ remainingMs: 0, running: false, runsOutAt: null })
    const over = violation({ until: evaluatedAt - HOUR, from: evaluatedAt - 2 * HOUR })
    assert.equal(driverLevel(row([out], [over]), evaluatedAt), 'still')
    assert.equal(clockWords(readClocks(row([out], [over]), evaluatedAt)[0]!), '0:00 left')
  })
  test('the levels change at 60 and 30 minutes', () => {
    const level = (left: number) => driverLevel(row([clock({})]), evaluatedAt + 2 * HOUR - left)
    assert.deepEqual(
      [61, 60, 31, 30, 1].map((minutes) => level(minutes * MINUTE)),
      ['fine', 'soon', 'soon', 'close', 'close'],
    )
  })
  test('a column of the board holds what a country has in its place, of several the tightest', () => {
    const readings = readClocks(
      row([
        clock({ name: 'break', runsOutAt: evaluatedAt + 2 * HOUR }),
        clock({ name: 'breakDaily', runsOutAt: evaluatedAt + HOUR }),
        clock({ name: 'driveDaily' }),
        clock({ name: 'driveFortnight', runsOutAt: evaluatedAt + 3 * HOUR }),
        clock({ name: 'driveWeekly', runsOutAt: evaluatedAt + 9 * HOUR }),
        clock({ name: 'window', runsOutAt: evaluatedAt + 9 * HOUR }),
        clock({ name: 'duty', runsOutAt: evaluatedAt + HOUR }),
      ]),
      evaluatedAt,
    )
    const names = (['drive', 'window', 'break', 'cycle'] as const).map(
      (column) => boardClock(readings, column)?.name,
    )
    assert.deepEqual(names, ['driveDaily', 'window', 'breakDaily', 'driveFortnight'])
    assert.equal(boardClock([], 'drive'), null)
  })
  test('the tightest: what passed, then what runs, then what is still', () => {
    const still = clock({
      name: 'cycle',
      rule: 'cycle',
      running: false,
      remainingMs: MINUTE,
      runsOutAt: null,
    })
    const window = clock({ name: 'window', rule: 'window', runsOutAt: evaluatedAt + HOUR })
    assert.equal(tightestOf(readClocks(row([still, clock({}), window]), evaluatedAt))!.name, 'window')
    assert.equal(tightestOf(readClocks(row([clock({}), window]), evaluatedAt + 3 * HOUR))!.name, 'window')
    assert.equal(tightestOf([]), null)
  })
})
