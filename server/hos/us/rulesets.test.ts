import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HOUR, type Instant, MINUTE } from '../../time/instant.ts'
import { evaluate } from '../evaluate.ts'
import { explain, ruleTitle } from '../explain.ts'
import type { DutyEvent, DutyStatus, HosOptions, RulesetId } from '../types.ts'

/** Monday, 06:00 in Chicago. */
const START = Date.UTC(2026, 2, 2, 12)
const CENTRAL: HosOptions = { timeZone: 'America/Chicago', dayStartMinutes: 0 }

/** Statuses one after the other, from START on. */
function told(...stretches: readonly (readonly [DutyStatus, number])[]): {
  log: DutyEvent[]
  until: Instant
} {
  let at = START
  const log = stretches.map(([status, hours]): DutyEvent => {
    const event = { at, status }
    at += hours * HOUR
    return event
  })
  return { log, until: at }
}

function broken(
  ruleset: RulesetId,
  stretches: readonly (readonly [DutyStatus, number])[],
  options: Partial<HosOptions> = {},
) {
  const { log, until } = told(...stretches)
  return evaluate(log, ruleset, { ...CENTRAL, ...options }, until).violations.map(
    ({ rule, from }) => `${rule} +${((from - START) / HOUR).toFixed(2)}`,
  )
}
const clocks = (
  ruleset: RulesetId,
  stretches: readonly (readonly [DutyStatus, number])[],
  options: Partial<HosOptions> = {},
) => {
  const { log, until } = told(...stretches)
  const evaluation = evaluate(log, ruleset, { ...CENTRAL, ...options }, until)
  return Object.fromEntries(evaluation.clocks.map(({ name, remainingMs }) => [name, remainingMs / HOUR]))
}

describe('Alaska, 49 CFR 395.1(h)', () => {
  test('15 hours of driving and 20 on duty, rests between not counted; no interruption, no window', () => {
    assert.deepEqual(broken('us-alaska-property', [['D', 15]]), [])
    assert.deepEqual(broken('us-alaska-property', [['D', 15 + 1 / 60]]), ['us.ak.drive-15 +15.00'])
    assert.deepEqual(
      broken('us-alaska-property', [
        ['ON', 10],
        ['OFF', 6],
        ['ON', 9.5],
        ['D', 1],
      ]),
      ['us.ak.duty-20 +26.00'],
    )
    assert.deepEqual(
      clocks('us-alaska-property', [
        ['ON', 1],
        ['D', 3],
      ]),
      { drive: 12, duty: 16, cycle: 76 },
    )
    assert.deepEqual(
      clocks('us-alaska-passenger-70-7', [
        ['ON', 1],
        ['D', 3],
      ]),
      { drive: 12, duty: 16, cycle: 66 },
    )
  })

  test('property rests 10 hours, passengers 8', () => {
    const day = [
      ['D', 14],
      ['OFF', 8],
      ['D', 2],
    ] as const
    assert.deepEqual(broken('us-alaska-passenger', [...day]), [])
    assert.deepEqual(broken('us-alaska-property', [...day]), ['us.ak.drive-15 +23.00'])
  })

  test('in adverse conditions the run may be finished, whatever it takes; then the limits are back', () => {
    const adverseConditions = [START + 10 * HOUR]
    const run = [['D', 24]] as const
    assert.deepEqual(broken('us-alaska-property', [...run], { adverseConditions }), [])
    assert.deepEqual(Object.keys(clocks('us-alaska-property', [...run], { adverseConditions })), ['cycle'])
    assert.deepEqual(broken('us-alaska-property', [...run, ['OFF', 10], ['D', 16]], { adverseConditions }), [
      'us.ak.drive-15 +49.00',
    ])
  })
})

describe('short haul, 49 CFR 395.1(e)', () => {
  test('(1): no interruption is asked for, the rest stands', () => {
    assert.deepEqual(broken('us-short-haul', [['D', 10]]), [])
    assert.deepEqual(broken('us-short-haul', [['D', 12]]), ['us.drive-11 +11.00'])
    assert.deepEqual(
      broken('us-short-haul', [
        ['ON', 14],
        ['D', 1],
      ]),
      ['us.window-14 +14.00'],
    )
  })

  test('(2): the 16th hour on two days of any seven, the 14th on the others', () => {
    const long = [
      ['ON', 8],
      ['OFF', 1],
      ['D', 6],
      ['OFF', 9],
    ] as const
    const longOff = [
      ['ON', 8],
      ['OFF', 1],
      ['D', 6],
      ['OFF', 33],
    ] as const
    assert.deepEqual(broken('us-short-haul-non-cdl', [...longOff, ...longOff]), [])
    assert.deepEqual(broken('us-short-haul-non-cdl', [...longOff, ...longOff, ...long]), [
      'us.window-14 +110.00',
    ])
    assert.equal(clocks('us-short-haul-non-cdl', [['ON', 8]]).window, 8)
    assert.equal(clocks('us-short-haul-non-cdl', [...longOff, ...longOff, ['ON', 8]]).window, 6)
    // A week later the first one counts no more.
    const week = [['OFF', 24 * 5]] as const
    assert.deepEqual(broken('us-short-haul-non-cdl', [...longOff, ...longOff, ...week, ...longOff]), [])
    assert.deepEqual(
      broken('us-short-haul-non-cdl', [
        ['ON', 16],
        ['D', 1],
      ]),
      ['us.window-14 +16.00'],
    )
  })

  test('(2): two rests never stand for one', () => {
    const split = [
      ['D', 6],
      ['SB', 7],
      ['D', 4],
      ['OFF', 3],
      ['D', 4],
    ] as const
    assert.deepEqual(broken('us-property-70-8', [...split]), [])
    assert.ok(broken('us-short-haul-non-cdl', [...split]).length > 0)
  })
})

describe('a driver-salesperson', () => {
  const sells = { driverSalesperson: true }
  /** Seven days of 4 h driving and 7 h calling on customers: 77 h on duty, 28 h of them driving. */
  const week = Array.from({ length: 7 }, (): [DutyStatus, number][] => [
    ['D', 4],
    ['ON', 7],
    ['OFF', 13],
  ]).flat()

  test('may drive past 70 hours on duty while driving stays within 40 in 7 days', () => {
    assert.deepEqual(broken('us-property-60-7', week), ['us.cycle-60-7 +144.00'])
    assert.deepEqual(broken('us-property-60-7', week, sells), [])
    assert.equal(clocks('us-property-60-7', week, sells).cycle, 16)
  })

  test('past 40 hours of driving the cycle counts again', () => {
    const drives = Array.from({ length: 6 }, (): [DutyStatus, number][] => [
      ['D', 7],
      ['ON', 4],
      ['OFF', 13],
    ]).flat()
    // The sixth day: 35 h driven before it, 55 h on duty. 40 h are driven at +5 h, when the 60 h are reached too.
    assert.deepEqual(broken('us-property-60-7', drives, sells), ['us.cycle-60-7 +125.00'])
    assert.deepEqual(broken('us-property-70-8', drives, sells), [])
  })

  test('the larger of the two is the clock, and other work uses up the cycle only', () => {
    const { log, until } = told(['D', 4], ['ON', 2])
    const at = (ruleset: RulesetId) =>
      evaluate(log, ruleset, { ...CENTRAL, ...sells }, until).clocks.find(({ name }) => name === 'cycle')!
    assert.equal(at('us-property-60-7').remainingMs, 54 * HOUR)
    assert.equal(at('us-property-60-7').running, true)
    assert.equal(at('us-property-60-7').runsOutAt, null)
  })

  test('no one else is asked', () => {
    assert.deepEqual(broken('us-passenger-60-7', week, sells), broken('us-passenger-60-7', week))
  })
})

describe('intrastate rules', () => {
  test('Texas: 12 hours of driving, 15 on duty, 8 hours off, 70 in 7', () => {
    assert.deepEqual(
      broken('us-texas-intrastate', [
        ['D', 12],
        ['OFF', 8],
        ['D', 12],
      ]),
      [],
    )
    assert.deepEqual(broken('us-texas-intrastate', [['D', 13]]), ['us.tx.drive-12 +12.00'])
    assert.deepEqual(
      broken('us-texas-intrastate', [
        ['ON', 14],
        ['OFF', 3],
        ['D', 2],
      ]),
      ['us.tx.duty-15 +18.00'],
    )
    assert.deepEqual(clocks('us-texas-intrastate', [['D', 2]]), { drive: 10, duty: 13, cycle: 68 })
  })

  test('California: 12 in a window of 16, 80 in 8', () => {
    assert.deepEqual(
      broken('us-california-intrastate', [
        ['ON', 4],
        ['D', 12],
      ]),
      [],
    )
    assert.deepEqual(
      broken('us-california-intrastate', [
        ['ON', 5],
        ['D', 12],
      ]),
      ['us.ca.window-16 +16.00'],
    )
    assert.deepEqual(clocks('us-california-intrastate', [['D', 2]]), { drive: 10, window: 14, cycle: 78 })
  })

  test('Florida: 12 in a window of 16, 70 in 7 or 80 in 8', () => {
    assert.deepEqual(clocks('us-florida-intrastate-70-7', [['D', 2]]), { drive: 10, window: 14, cycle: 68 })
    assert.deepEqual(clocks('us-florida-intrastate-80-8', [['D', 2]]), { drive: 10, window: 14, cycle: 78 })
    assert.deepEqual(broken('us-florida-intrastate-70-7', [['D', 12 + 1 / 60]]), ['us.fl.drive-12 +12.00'])
  })

  test('every rule has a title and a sentence of its own', () => {
    assert.equal(ruleTitle('us.tx.cycle-70-7'), '70-hour/7-day limit')
    const { log, until } = told(['D', 13])
    const [violation] = evaluate(log, 'us-texas-intrastate', CENTRAL, until + MINUTE).violations
    assert.equal(
      explain(violation!, 'America/Chicago'),
      '12 h driving reached at 18:00 (since 06:00), 37 TAC 4.12',
    )
  })
})
