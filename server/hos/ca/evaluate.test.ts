import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HOUR, MINUTE } from '../../time/instant.ts'
import { zone } from '../../time/zone.ts'
import { explain } from '../explain.ts'
import type { DutyEvent, DutyStatus, HosOptions, RulesetId } from '../types.ts'
import { evaluateCanada } from './evaluate.ts'
import { CANADA } from './limits.ts'

/** Days are those of March 2026, in a zone whose clocks never change unless another is named. */
const REGINA = 'America/Regina'
const at = (text: string, timeZone = REGINA) => {
  const [day, time] = text.split(' ')
  return zone(timeZone).instantOf(Date.parse(`2026-03-${day}T${time}:00Z`))
}

/** `04 06:00 D` a line or a comma. */
const logOf = (text: string, timeZone = REGINA): DutyEvent[] =>
  text
    .split(/[,\n]/)
    .map((line) => line.trim())
    .filter(Boolean)
    .map((line) => {
      const [day, time, status] = line.split(' ')
      return { at: at(`${day} ${time}`, timeZone), status: status as DutyStatus }
    })

function judge(
  log: string,
  asOf: string,
  options: Partial<HosOptions> = {},
  ruleset: RulesetId = 'ca-south-70-7',
) {
  const timeZone = options.timeZone ?? REGINA
  const circumstances = { timeZone, dayStartMinutes: 0, ...options }
  const evaluation = evaluateCanada(logOf(log, timeZone), ruleset, circumstances, at(asOf, timeZone))
  const stamp = (instant: number) =>
    new Date(instant + zone(timeZone).offsetAt(instant)).toISOString().slice(8, 16).replace('T', ' ')
  return {
    evaluation,
    violations: evaluation.violations.map(({ rule, from }) => `${rule} ${stamp(from)}`),
    citations: evaluation.violations.map(({ explanation }) =>
      explanation.citation.slice('SOR/2005-313 '.length),
    ),
    clocks: Object.fromEntries(evaluation.clocks.map((clock) => [clock.name, clock.remainingMs / MINUTE])),
    next: evaluation.nextChangeAt === null ? null : stamp(evaluation.nextChangeAt),
  }
}

/** The same hours on each day from one to another. */
const daily = (first: number, last: number, hours: string) =>
  Array.from({ length: last - first + 1 }, (_, i) => String(first + i).padStart(2, '0'))
    .map((day) =>
      hours
        .split(',')
        .map((hour) => `${day} ${hour.trim()}`)
        .join('\n'),
    )
    .join('\n')

const CYCLE_2: RulesetId = 'ca-south-120-14'

describe('13 hours of driving, 14 on duty, 16 elapsed in a shift: s. 13', () => {
  test('thirteen hours of driving are lawful, over midnight too; a minute more is not', () => {
    const log = '02 00:00 OFF, 02 18:00 D'
    const exact = judge(log, '03 07:00')
    assert.deepEqual(exact.violations, [])
    assert.deepEqual(exact.clocks, { drive: 0, duty: 60, window: 180, cycle: 3_420 })
    const more = judge(log, '03 07:01')
    assert.deepEqual([more.violations, more.citations], [['ca.drive-13 03 07:00'], ['s. 13(1)']])
  })

  test('after fourteen hours on duty driving is unlawful, work is not', () => {
    const log = '02 00:00 OFF, 02 16:00 ON, 02 20:00 D'
    assert.deepEqual(judge(log, '03 06:00').violations, [])
    assert.deepEqual(judge(log, '03 06:01').citations, ['s. 13(2)'])
    assert.deepEqual(judge(log, '03 06:01').violations, ['ca.duty-14 03 06:00'])
    assert.deepEqual(judge(`${log}, 03 06:00 ON`, '03 12:00').violations, [])
  })

  test('sixteen hours elapse from coming on duty, rest included', () => {
    const log = '02 00:00 OFF, 02 04:00 YM, 02 08:00 OFF, 02 15:59 D'
    assert.deepEqual(judge(log, '02 20:00').violations, [])
    assert.equal(judge(log, '02 20:00').clocks.window, 0)
    assert.deepEqual(judge(log, '02 20:01').violations, ['ca.window-16 02 20:00'])
  })

  test('eight consecutive hours off end the shift, a minute less does not', () => {
    const log = (back: string) =>
      `02 00:00 OFF, 02 14:00 D, 02 22:00 SB, 03 02:00 PC, 03 03:00 OFF, ${back} D`
    assert.equal(judge(log('03 06:00'), '03 06:00').clocks.drive, 780)
    assert.equal(judge(log('03 05:59'), '03 05:59').clocks.drive, 300)
    assert.deepEqual(judge(log('03 06:00'), '03 14:00').violations, [])
    assert.deepEqual(judge(log('03 05:59'), '03 14:00').violations, [
      'ca.window-16 03 06:00',
      'ca.drive-13 03 10:59',
      'ca.duty-14 03 11:59',
    ])
  })

  test('a violation stays one till the clock has been above zero again', () => {
    const log = '02 00:00 OFF, 02 18:00 D, 03 07:30 OFF, 03 08:00 D, 03 08:30 OFF, 03 16:30 D'
    assert.deepEqual(judge(log, '03 17:30').violations, ['ca.drive-13 03 07:00'])
    assert.equal(judge(log, '03 17:30').evaluation.violations[0]!.until, at('03 08:30'))
  })
})

describe('13 hours of driving, 14 on duty in a day: s. 12', () => {
  const two = '02 00:00 D, 02 06:00 OFF, 02 14:00 D'

  test('two shifts in a day have thirteen hours of driving between them', () => {
    assert.deepEqual(judge(two, '02 21:00').violations, [])
    assert.equal(judge(two, '02 21:00').clocks.drive, 0)
    const more = judge(two, '02 21:01')
    assert.deepEqual([more.violations, more.citations], [['ca.drive-13 02 21:00'], ['s. 12(1)']])
  })

  test('and fourteen on duty', () => {
    const log = '02 00:00 ON, 02 06:00 OFF, 02 14:00 D'
    assert.deepEqual(judge(log, '02 22:00').violations, [])
    assert.deepEqual(judge(log, '02 22:01').violations, ['ca.duty-14 02 22:00'])
    assert.deepEqual(judge(log, '02 22:01').citations, ['s. 12(2)'])
  })

  test('the next day begins with its own hours: past the limit again is another violation', () => {
    const log = '02 00:00 D, 02 08:00 OFF, 02 16:00 D'
    assert.deepEqual(judge(log, '03 05:01').violations, [
      'ca.drive-13 02 21:00',
      'ca.duty-14 02 22:00',
      'ca.off-10-day 03 00:00',
      'ca.drive-13 03 05:00',
    ])
  })

  test('the clock sees past midnight if the day leaves that long', () => {
    const drive = judge('02 00:00 D, 02 06:00 OFF, 02 20:00 D', '02 20:00').evaluation.clocks[0]!
    assert.equal(drive.remainingMs / MINUTE, 420)
    assert.equal(drive.runsOutAt, at('03 09:00'))
    const short = judge(two, '02 14:00').evaluation.clocks[0]!
    assert.equal(short.runsOutAt, at('02 21:00'))
  })

  test('a day begins at the hour that the carrier designates', () => {
    assert.deepEqual(judge(two, '02 22:00', { dayStartMinutes: 5 * 60 }).violations, [])
    assert.equal(judge(two, '02 22:00', { dayStartMinutes: 5 * 60 }).clocks.drive, 240)
  })

  test('a day on which clocks change has 23 hours', () => {
    const log = '07 00:00 OFF, 08 00:00 D, 08 07:00 OFF, 08 15:00 D'
    const { clocks, violations } = judge(log, '08 22:01', { timeZone: 'America/Toronto' })
    assert.deepEqual(violations, ['ca.drive-13 08 22:00'])
    assert.equal(clocks.duty, 59)
  })
})

describe('two periods in the berth: s. 18, 19', () => {
  const five = '02 00:00 OFF, 02 06:00 D, 02 12:00 SB, 02 17:00 D, 03 00:00 SB, 03 05:00 D'

  test('five and five hours: driving before and after each is thirteen together', () => {
    assert.deepEqual(judge(five, '03 11:00').violations, [])
    assert.deepEqual(judge(five, '03 11:00').clocks, { drive: 0, duty: 60, window: 180, cycle: 3_060 })
    assert.deepEqual(judge(five, '03 11:01').violations, ['ca.drive-13 03 11:00'])
    assert.equal(judge(five, '03 11:01').evaluation.violations[0]!.explanation.rests.length, 2)
  })

  test('a minute short of ten hours is no pair', () => {
    const log = five.replace('03 05:00', '03 04:59')
    assert.deepEqual(judge(log, '03 05:10').violations, ['ca.window-16 02 22:00', 'ca.drive-13 03 04:59'])
  })

  test('two and eight hours: the two are out of the window, the eight end the shift', () => {
    const log = (nap: string) =>
      `02 00:00 OFF, 02 05:00 D, 02 10:00 SB, ${nap} D, 02 16:00 OFF, 02 22:00 D, 02 23:00 SB, 03 07:00 D`
    assert.deepEqual(judge(log('02 12:00'), '03 08:00').violations, [])
    assert.deepEqual(judge(log('02 11:59'), '03 08:00').violations, ['ca.window-16 02 22:00'])
  })

  test('the first is counted till the second is long enough, and takes back what was found', () => {
    const log = '02 00:00 OFF, 02 04:00 D, 02 09:00 SB, 02 14:00 D, 02 19:00 OFF, 02 20:00 D, 02 21:00 SB'
    assert.deepEqual(judge(log, '03 01:59').violations, ['ca.window-16 02 20:00'])
    assert.equal(judge(log, '03 01:59').next, '03 02:00')
    assert.deepEqual(judge(log, '03 02:00').violations, [])
  })

  test('a run in the berth ends with personal conveyance, off duty is no part of it', () => {
    for (const between of ['PC', 'OFF']) {
      const log = five.replace('03 00:00 SB', `03 00:00 SB, 03 02:00 ${between}, 03 02:01 SB`)
      assert.equal(judge(log, '03 05:01').violations.length, 2, between)
    }
  })

  test('a team pairs four and four, not less', () => {
    const log = (end: string) => `02 00:00 OFF, 02 04:00 D, 02 08:00 SB, 02 12:00 D, 02 17:00 SB, ${end} D`
    assert.deepEqual(judge(log('02 21:00'), '02 23:00', { team: true }).violations, [])
    assert.deepEqual(judge(log('02 20:59'), '02 23:00', { team: true }).violations, ['ca.window-16 02 20:59'])
    assert.deepEqual(judge(log('02 21:00'), '02 23:00').violations, ['ca.window-16 02 21:00'])
    const uneven = '02 00:00 OFF, 02 04:00 D, 02 08:00 SB, 02 11:59 D, 02 17:00 SB, 02 21:01 D'
    assert.deepEqual(judge(uneven, '02 23:00', { team: true }).violations, ['ca.window-16 02 21:01'])
  })

  test('whoever leaves the berth at the instant asked about lets the window run on', () => {
    const log = '02 00:00 OFF, 02 06:00 D, 02 12:00 SB, 02 17:00 D, 03 00:00 SB'
    const window = (status: string) => judge(`${log}, 03 05:00 ${status}`, '03 05:00').evaluation.clocks[2]!
    assert.deepEqual([window('SB').running, window('SB').runsOutAt], [false, null])
    assert.equal(window('OFF').running, true)
    assert.equal(window('OFF').remainingMs, window('SB').remainingMs)
  })
})

describe('ten hours off in a day, two of them beyond the eight: s. 14', () => {
  test('ten hours, and a minute less', () => {
    const log = (end: string) =>
      `01 00:00 OFF, 02 00:00 D, 02 06:00 OFF, 02 08:00 ON, 02 16:00 ${end}, 03 02:00 D`
    assert.deepEqual(judge(log('OFF'), '03 03:00').violations, [])
    const less = judge(log('ON, 02 16:01 OFF'), '03 03:00')
    assert.deepEqual([less.violations, less.citations], [['ca.off-10-day 03 00:00'], ['s. 14(1)']])
    assert.equal(
      explain(less.evaluation.violations[0]!, REGINA),
      '10 h of rest not reached at 00:00 (since 03-02 00:00), SOR/2005-313 s. 14(1)',
    )
  })

  test('it is judged when the day has ended, and only where somebody worked', () => {
    const log = '01 00:00 OFF, 02 00:00 ON, 02 15:00 OFF'
    assert.deepEqual(judge(log, '02 23:59').violations, [])
    assert.equal(judge(log, '02 23:59').next, '03 00:00')
    assert.deepEqual(judge(log, '03 00:00').violations, ['ca.off-10-day 03 00:00'])
    assert.deepEqual(judge(log, '05 00:00').violations, ['ca.off-10-day 03 00:00'])
  })

  test('a stop of thirty minutes counts, of twenty-nine nothing', () => {
    const log = (stop: string, off: string) =>
      `01 00:00 OFF, 02 00:00 ON, 02 07:00 OFF, 02 ${stop} ON, 02 ${off} OFF`
    assert.deepEqual(judge(log('07:30', '14:30'), '03 08:00').violations, [])
    assert.deepEqual(judge(log('07:29', '14:29'), '03 08:00').violations, ['ca.off-10-day 03 00:00'])
  })

  test('a stop over midnight counts in both days once it is thirty minutes long', () => {
    const log = '01 00:00 OFF, 02 00:00 ON, 02 04:00 OFF, 02 13:50 ON, 02 23:50 OFF'
    assert.deepEqual(judge(log, '03 00:19').violations, ['ca.off-10-day 03 00:00'])
    assert.equal(judge(log, '03 00:00').next, '03 00:20')
    assert.deepEqual(judge(log, '03 00:20').violations, [])
  })

  test('exactly eight hours twice are no further two hours; the hours beyond eight are', () => {
    const log = (end: string) =>
      `01 00:00 OFF, 02 00:00 D, 02 04:00 OFF, 02 12:00 ON, 02 22:00 OFF, 03 ${end} D`
    assert.deepEqual(judge(log('08:00'), '03 09:00').violations, [])
    const less = judge(log('07:59'), '03 09:00')
    assert.deepEqual([less.violations, less.citations], [['ca.off-10-day 03 00:00'], ['s. 14(3)']])
  })

  test('the rest that goes on may bring what the day lacked', () => {
    const log = '01 00:00 OFF, 02 00:00 D, 02 04:00 OFF, 02 12:00 ON, 02 22:00 OFF'
    assert.deepEqual(judge(log, '03 05:59').violations, [])
    assert.deepEqual(judge(log, '03 07:59').violations, ['ca.off-10-day 03 00:00'])
    assert.equal(judge(log, '03 06:01').next, '03 08:00')
    assert.deepEqual(judge(log, '03 08:00').violations, [])
  })

  test('before its log a driver is rested: the rest it opens with is all further', () => {
    assert.deepEqual(judge('02 00:00 OFF, 02 08:00 ON, 02 22:00 OFF, 03 06:00 D', '03 07:00').violations, [])
    assert.deepEqual(judge('02 10:00 ON', '03 00:00').violations, [])
    assert.deepEqual(judge('02 09:59 ON', '03 00:00').violations, ['ca.off-10-day 03 00:00'])
  })

  test('each hour is given to one day only', () => {
    // Two hours beyond the eight, and both days lack them.
    const log = `01 00:00 OFF, 02 00:00 D, 02 04:00 OFF, 02 12:00 ON, 02 22:00 OFF, 03 08:00 D
      03 13:00 ON, 03 22:00 OFF, 04 06:00 D`
    assert.deepEqual(judge(log, '04 07:00').violations, ['ca.off-10-day 04 00:00'])
  })
})

describe('rest deferred to the next day: s. 16', () => {
  const options = { deferral: [{ day1: '2026-03-02' }] }
  /** Day one has eight hours off, day two twelve, of which ten are in one piece. */
  const hours = {
    first: '01 00:00 OFF, 02 00:00 D, 02 02:00 OFF, 02 10:00 D, 02 14:00 ON, 02 23:00 D, 03 00:00 ON',
    second: '03 01:00 OFF, 03 11:00 ON, 03 22:00 OFF',
  }
  const log = `${hours.first}, ${hours.second}`

  test('made good it lifts the daily limits by two hours on day one', () => {
    const { violations } = judge(log, '04 08:00', options)
    assert.deepEqual(violations, [])
    assert.deepEqual(judge(log, '04 08:00').violations, ['ca.duty-14 02 23:00', 'ca.off-10-day 03 00:00'])
  })

  test('fifteen hours of driving on day one, and a minute more', () => {
    const drive = '01 00:00 OFF, 02 00:00 D, 02 07:00 OFF, 02 15:00 D'
    assert.deepEqual(judge(drive, '02 23:00', options).violations, [])
    assert.equal(judge(drive, '02 20:00', options).clocks.drive, 180)
    assert.deepEqual(judge(drive, '02 23:01', options).violations, ['ca.drive-13 02 23:00'])
  })

  test('the mandatory eight hours are not deferred', () => {
    const short = judge(log.replace('02 10:00 D', '02 09:59 ON, 02 10:00 D'), '03 00:00', options)
    assert.deepEqual(
      [short.violations.at(-1), short.citations.at(-1)],
      ['ca.off-10-day 03 00:00', 's. 16(a)'],
    )
  })

  test('day two has to make good all of it', () => {
    const failing = (second: string) => {
      const { violations, citations } = judge(`${hours.first}, ${second}`, '04 08:00', options)
      assert.deepEqual(violations, ['ca.off-10-day 04 00:00'], second)
      return citations[0]
    }
    assert.equal(failing('03 01:00 OFF, 03 11:00 ON, 03 22:01 OFF'), 's. 16(b)')
    assert.equal(failing('03 01:00 OFF, 03 10:59 ON, 03 21:59 OFF, 04 07:30 ON'), 's. 16(c)')
  })

  test('the deferred time may be added to a rest that goes on beyond day two', () => {
    const late = `${hours.first}, 03 01:00 OFF, 03 09:00 ON, 03 12:00 OFF, 03 14:00 ON, 03 22:00 OFF`
    assert.deepEqual(judge(late, '04 07:59', options).citations, ['s. 16(c)'])
    assert.equal(judge(late, '04 06:00', options).next, '04 08:00')
    assert.deepEqual(judge(late, '04 08:00', options).violations, [])
  })

  test('the two days have at most 26 hours of driving', () => {
    const driven = (end: string) => `01 00:00 OFF, 02 00:00 D, 02 07:00 OFF, 02 15:00 D, 02 23:00 OFF
      03 09:00 D, 03 13:00 OFF, 03 14:00 D, 03 ${end} OFF`
    assert.deepEqual(judge(driven('21:00'), '04 08:00', options).violations, [])
    const { violations, citations } = judge(driven('21:01'), '04 08:00', options)
    assert.deepEqual([violations, citations], [['ca.off-10-day 04 00:00'], ['s. 16(d)']])
  })

  test('who splits may not defer', () => {
    const split = `01 00:00 OFF, 02 00:00 D, 02 05:00 SB, 02 10:00 D, 02 16:00 ON, 02 19:00 SB, 02 22:00 ON, 03 00:00 SB
      03 05:00 D, 03 06:00 OFF, 03 16:00 ON`
    const { violations, citations } = judge(split, '04 00:00', options)
    assert.deepEqual([violations, citations], [['ca.off-10-day 04 00:00'], ['s. 16']])
    // A pair that nobody drives on does no harm.
    assert.deepEqual(judge(split.replace('03 05:00 D', '03 05:00 ON'), '04 00:00', options).violations, [])
  })

  test('a day two is not day one of another', () => {
    const both = { deferral: [{ day1: '2026-03-03' }, { day1: '2026-03-02' }] }
    assert.deepEqual(judge(log, '04 08:00', both), judge(log, '04 08:00', options))
  })
})

describe('adverse conditions: s. 76(2)', () => {
  test('two hours more of driving, on duty and elapsed, in shift and day', () => {
    const options = { adverseConditions: [at('02 10:00')] }
    const drive = '02 00:00 OFF, 02 02:00 D'
    assert.deepEqual(judge(drive, '02 17:00', options).violations, [])
    assert.deepEqual(judge(drive, '02 17:01', options).violations, ['ca.drive-13 02 17:00'])
    const duty = '02 00:00 OFF, 02 02:00 ON, 02 12:00 D'
    assert.deepEqual(judge(duty, '02 18:00', options).violations, [])
    assert.deepEqual(judge(duty, '02 18:01', options).violations, ['ca.duty-14 02 18:00'])
    const window = '02 00:00 OFF, 02 02:00 D, 02 09:00 OFF, 02 16:00 D'
    assert.deepEqual(judge(window, '02 20:00', options).violations, [])
    assert.deepEqual(judge(window, '02 20:01', options).violations, ['ca.window-16 02 20:00'])
  })

  test('they hold from when they are met until the next full rest', () => {
    const log = '02 00:00 OFF, 02 02:00 D, 02 16:00 OFF, 03 00:00 D'
    assert.deepEqual(judge(log, '03 13:00', { adverseConditions: [at('02 15:30')] }).violations, [
      'ca.drive-13 02 15:00',
    ])
    assert.deepEqual(judge(log, '03 13:01', { adverseConditions: [at('02 10:00')] }).violations, [
      'ca.drive-13 03 13:00',
    ])
  })

  test('the day needs eight hours off, and no further ones', () => {
    const log = (end: string) => `01 00:00 OFF, 02 00:00 D, 02 08:00 ON, 02 12:00 OFF, 02 ${end} ON`
    const options = { adverseConditions: [at('02 05:00')] }
    assert.deepEqual(judge(log('20:00'), '03 00:00', options).violations, [])
    assert.deepEqual(judge(log('19:59'), '03 00:00', options).violations, ['ca.off-10-day 03 00:00'])
    assert.deepEqual(judge(log('20:00'), '03 00:00').violations, ['ca.off-10-day 03 00:00'])
  })
})

describe('24 hours off in fourteen days: s. 25', () => {
  /** Off duty all day, then a day's work each day till the 15th. */
  const log = `01 00:00 OFF\n${daily(2, 14, '00:00 ON, 01:00 OFF')}\n15 00:00 D`

  test('they must lie wholly in the fourteen days before', () => {
    assert.deepEqual(judge(log, '15 00:00').violations, [])
    assert.equal(judge(log, '15 00:00').evaluation.nextChangeAt, at('15 00:00') + 1)
    const more = judge(log, '15 00:01')
    assert.deepEqual([more.violations, more.citations], [['ca.off-24-in-14 15 00:00'], ['s. 25']])
    assert.equal(more.evaluation.clocks.length, 4)
  })

  test('24 hours begin anew, a minute less does not', () => {
    const rested = (back: string) => log.replace('15 00:00 D', `15 00:30 ON, 15 02:00 OFF, ${back} D`)
    assert.deepEqual(judge(rested('16 02:00'), '16 03:00').violations, [])
    assert.deepEqual(judge(rested('16 01:59'), '16 03:00').violations, ['ca.off-24-in-14 16 01:59'])
  })
})

describe('cycles: s. 26 to 28', () => {
  const tenHours = '06:00 ON, 16:00 OFF'

  test('seventy hours in seven days, and a minute more', () => {
    const log = `01 00:00 OFF\n${daily(1, 6, tenHours)}\n07 06:00 D`
    assert.deepEqual(judge(log, '07 16:00').violations, [])
    assert.equal(judge(log, '07 16:00').clocks.cycle, 0)
    const more = judge(log, '07 16:01')
    assert.deepEqual([more.violations, more.citations], [['ca.cycle-70-7 07 16:00'], ['s. 26']])
  })

  test('the eighth day brings the hours of the first back', () => {
    const log = `01 00:00 OFF\n${daily(1, 7, tenHours)}`
    assert.equal(judge(log, '07 23:59').clocks.cycle, 0)
    assert.equal(judge(log, '07 23:59').next, '08 00:00')
    assert.equal(judge(log, '08 00:00').clocks.cycle, 600)
  })

  test('hours from before the log count till their day has passed', () => {
    const options = { carriedMinutes: [999, 600, 600, 600, 600, 600, 600] }
    assert.equal(judge('09 00:00 OFF', '09 12:00', options).clocks.cycle, 600)
    assert.equal(judge('09 00:00 OFF', '10 00:00', options).clocks.cycle, 1_200)
  })

  test('36 hours off reset cycle 1, a minute less does not', () => {
    const log = (back: string) => `01 00:00 OFF\n${daily(1, 6, tenHours)}\n${back} D`
    assert.equal(judge(log('08 04:00'), '08 05:00').clocks.cycle, 4_140)
    assert.equal(judge(log('08 03:59'), '08 05:00').clocks.cycle, 1_200 - 61)
  })

  test('cycle 2: seventy hours without 24 hours off', () => {
    const log = `01 00:00 OFF\n${daily(1, 6, tenHours)}\n07 06:00 D`
    assert.deepEqual(judge(log, '07 16:00', {}, CYCLE_2).violations, [])
    const more = judge(log, '07 16:01', {}, CYCLE_2)
    assert.deepEqual([more.violations, more.citations], [['ca.cycle-120-14 07 16:00'], ['s. 27(b)']])
    const rested = (back: string) => `01 00:00 OFF\n${daily(1, 6, tenHours)}\n${back} D`
    assert.equal(judge(rested('07 16:00'), '07 16:00', {}, CYCLE_2).clocks.cycle, 60 * 60)
    assert.equal(judge(rested('07 15:59'), '07 15:59', {}, CYCLE_2).clocks.cycle, 10 * 60)
  })

  test('cycle 2: 120 hours in fourteen days, and 72 hours reset it', () => {
    const work = `01 00:00 OFF\n${daily(1, 6, tenHours)}\n${daily(8, 12, tenHours)}`
    const log = `${work}\n13 06:00 D`
    assert.deepEqual(judge(log, '13 16:00', {}, CYCLE_2).violations, [])
    const more = judge(log, '13 16:01', {}, CYCLE_2)
    assert.deepEqual([more.violations, more.citations], [['ca.cycle-120-14 13 16:00'], ['s. 27(a)']])
    assert.equal(judge(`${work}\n15 16:00 D`, '15 16:00', {}, CYCLE_2).clocks.cycle, 70 * 60)
    assert.equal(judge(`${work}\n15 15:59 D`, '15 15:59', {}, CYCLE_2).clocks.cycle, 20 * 60)
  })
})

describe('what is next', () => {
  test('a driver who begins to drive past a limit breaks it at once', () => {
    const log = '02 00:00 OFF, 02 04:00 ON, 02 19:00 D'
    assert.equal(judge(log, '02 19:00').evaluation.nextChangeAt, at('02 19:00') + 1)
  })

  test('of a log that has not begun nothing changes; of one that begins now, the day does', () => {
    assert.equal(judge('', '02 12:00').next, null)
    assert.equal(judge('02 12:00 OFF', '02 12:00').next, '02 20:00')
  })

  test('every number of the law has its place in it', () => {
    for (const law of Object.values(CANADA)) {
      for (const value of JSON.stringify(law).matchAll(/"\w*[cC]itation":"([^"]*)"/g)) {
        assert.match(value[1]!, /^SOR\/2005-313 s\. \d+/)
      }
    }
  })
})

describe('north of latitude 60°, SOR/2005-313 ss. 37 to 54', () => {
  const north = (
    stretches: readonly (readonly [DutyStatus, number])[],
    ruleset: RulesetId = 'ca-north-80-7',
  ) => {
    let at = Date.UTC(2026, 2, 2, 13)
    const start = at
    const log = stretches.map(([status, hours]) => {
      const event = { at, status }
      at += hours * HOUR
      return event
    })
    const options = { timeZone: 'America/Yellowknife', dayStartMinutes: 0 }
    const { violations, clocks } = evaluateCanada(log, ruleset, options, at)
    return {
      broken: violations.map(({ rule, from }) => `${rule} +${(from - start) / HOUR}`),
      left: Object.fromEntries(clocks.map(({ name, remainingMs }) => [name, remainingMs / HOUR])),
    }
  }

  test('15 hours of driving, 18 on duty, 20 elapsed, then 8 off', () => {
    assert.deepEqual(north([['D', 2]]).left, { drive: 13, duty: 16, window: 18, cycle: 78 })
    assert.deepEqual(north([['D', 16]]).broken, ['ca.north.drive-15 +15'])
    assert.deepEqual(
      north([
        ['ON', 17],
        ['D', 2],
      ]).broken,
      ['ca.north.duty-18 +18'],
    )
    assert.deepEqual(
      north([
        ['D', 1],
        ['OFF', 7],
        ['D', 1],
        ['OFF', 7],
        ['D', 1],
        ['OFF', 2],
        ['D', 2],
      ]).broken,
      ['ca.north.window-20 +20'],
    )
    assert.deepEqual(
      north([
        ['D', 15],
        ['OFF', 8],
        ['D', 15],
      ]).broken,
      [],
    )
  })

  test('no daily limits and no daily rest', () => {
    assert.deepEqual(
      north([
        ['D', 5],
        ['OFF', 8],
        ['D', 10],
        ['ON', 3],
      ]).broken,
      [],
    )
  })

  test('two berth periods of 2 hours and more, 8 together', () => {
    assert.deepEqual(
      north([
        ['D', 8],
        ['SB', 4],
        ['D', 7],
        ['SB', 4],
        ['D', 8],
      ]).broken,
      [],
    )
    assert.deepEqual(
      north([
        ['D', 8],
        ['SB', 4],
        ['D', 7],
        ['SB', 3],
        ['D', 8],
      ]).broken.slice(0, 1),
      ['ca.north.drive-15 +22'],
    )
  })

  test('80 hours without 24 off in cycle 2', () => {
    const day = [
      ['ON', 15],
      ['OFF', 9],
    ] as const
    assert.deepEqual(
      north([...day, ...day, ...day, ...day, ...day, ['ON', 5], ['D', 1]], 'ca-north-120-14').broken,
      ['ca.north.cycle-120-14 +125'],
    )
  })
})
