import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HOUR } from '../../time/instant.ts'
import { evaluate } from '../evaluate.ts'
import { explain } from '../explain.ts'
import { drivingFrom } from '../forecast.ts'
import type { DutyEvent, DutyStatus, RulesetId } from '../types.ts'

/** Monday, 06:00 in Great Britain, in winter. */
const START = Date.UTC(2026, 0, 5, 6)
const OPTIONS = { timeZone: 'Europe/London', dayStartMinutes: 0 }

type Stretch = readonly [DutyStatus, number]

function course(ruleset: RulesetId, ...stretches: readonly Stretch[]) {
  let at = START
  const log = stretches.map(([status, hours]): DutyEvent => {
    const event = { at, status }
    at += hours * HOUR
    return event
  })
  return { log, ruleset, options: OPTIONS, asOf: at }
}

function told(ruleset: RulesetId, ...stretches: readonly Stretch[]) {
  const { log, asOf } = course(ruleset, ...stretches)
  const { violations, clocks } = evaluate(log, ruleset, OPTIONS, asOf)
  return {
    violations: violations.map(({ rule, from }) => `${rule} ${(from - START) / HOUR}`),
    sentences: violations.map((violation) => explain(violation, OPTIONS.timeZone)),
    left: Object.fromEntries(clocks.map(({ name, remainingMs }) => [name, remainingMs / HOUR])),
  }
}

describe('goods vehicles', () => {
  const goods = (...stretches: Stretch[]) => told('gb-domestic', ...stretches)

  test('10 h of driving in the 24 h from the start of duty', () => {
    const { violations, sentences, left } = goods(['WORK', 0.5], ['DRIVE', 10], ['REST', 9], ['DRIVE', 1])
    assert.deepEqual(violations, ['gb.drive-10 19.5', 'gb.duty-11 20'])
    assert.match(
      sentences[0]!,
      /^10 h driving in the day reached at .*since .*06:00\), Transport Act 1968 s. 96\(1\)$/,
    )
    assert.equal(left.driveDaily, 0)
    // The next 24 h begin with the first duty after these.
    assert.equal(goods(['DRIVE', 10], ['REST', 14], ['WORK', 1]).left.driveDaily, 10)
  })

  test('11 h of duty bind who drives more than 4 h on a day of the week', () => {
    assert.deepEqual(goods(['WORK', 14]).violations, [])
    assert.deepEqual(goods(['DRIVE', 3], ['WORK', 12]).violations, [])
    assert.deepEqual(goods(['DRIVE', 4.5], ['WORK', 8]).violations, ['gb.duty-11 11'])
    // Work first: it is broken when driving goes past 4 h.
    assert.deepEqual(goods(['WORK', 10], ['DRIVE', 5]).violations, ['gb.duty-11 14'])
  })

  test('a heavy day takes the exception from the long one before it', () => {
    const light: Stretch[] = [
      ['DRIVE', 2],
      ['WORK', 11],
      ['REST', 11],
    ]
    assert.deepEqual(goods(...light, ['DRIVE', 4]).violations, [])
    assert.equal(goods(...light, ['DRIVE', 1]).left.duty, 3)
    assert.deepEqual(goods(...light, ['DRIVE', 5]).violations, ['gb.duty-11 28'])
    assert.equal(drivingFrom(course('gb-domestic', ...light)).ms, 4 * HOUR)
  })
})

describe('vehicles for passengers', () => {
  const bus = (...stretches: Stretch[]) => told('gb-domestic-passenger', ...stretches)
  const [m15, m30] = [0.25, 0.5]

  test('5 h 30 of driving, then half an hour', () => {
    assert.deepEqual(bus(['DRIVE', 5.75]).violations, ['gb.break-30 5.5'])
    assert.deepEqual(bus(['DRIVE', 5.5], ['REST', m30], ['DRIVE', 4.5]).violations, [])
    assert.deepEqual(bus(['DRIVE', 3], ['REST', m15], ['DRIVE', 3]).violations, ['gb.break-30 5.75'])
  })

  test('45 minutes of breaks within 8 h 30 in their place, once they are taken', () => {
    const spell: Stretch[] = [
      ['DRIVE', 2],
      ['REST', m15],
      ['DRIVE', 2],
      ['REST', m15],
      ['DRIVE', 2],
    ]
    assert.deepEqual(bus(...spell).violations, ['gb.break-30 6'])
    const whole: Stretch[] = [...spell, ['REST', m15], ['DRIVE', 1.75]]
    assert.deepEqual(bus(...whole).violations, [])
    assert.equal(bus(...whole).left.break, 0)
    assert.deepEqual(bus(...whole, ['DRIVE', 1]).violations, ['gb.break-30 8.5'])
  })

  test('16 h of a day, 10 h of rest, three times 8 h 30', () => {
    const day: Stretch[] = [
      ['WORK', 12],
      ['REST', 8.5],
    ]
    assert.deepEqual(bus(...day, ...day, ...day, ['WORK', 1]).violations, [])
    const { violations, sentences } = bus(...day, ...day, ...day, ...day, ['WORK', 1])
    assert.deepEqual(violations, ['gb.rest-10 82'])
    assert.match(sentences[0]!, /Transport Act 1968 s. 96\(4\)$/)
    // A rest of 8 h is none: the day goes on.
    assert.deepEqual(bus(['WORK', 9], ['REST', 8], ['WORK', 1]).violations, ['gb.day-16 17'])
  })

  test('24 h off in two weeks', () => {
    const days = Array.from({ length: 14 }, (): Stretch[] => [
      ['WORK', 10],
      ['REST', 14],
    ]).flat()
    // The last instant to begin it is Sunday 00:00; the work of that day comes too late.
    assert.deepEqual(bus(...days).violations, [`gb.rest-24-in-14 ${13 * 24}`])
    assert.deepEqual(bus(...days.slice(0, 12), ['REST', 10], ...days.slice(0, 20)).violations, [])
    const { left } = bus(...days.slice(0, 8))
    assert.equal(left.restFortnight, (Date.UTC(2026, 0, 18) - START) / HOUR - 4 * 24)
    assert.equal(left.window, 16)
  })

  test('the clocks of a day under way', () => {
    const { left } = bus(['WORK', 1], ['DRIVE', 2])
    assert.deepEqual([left.break, left.driveDaily, left.window], [3.5, 8, 13])
  })
})
