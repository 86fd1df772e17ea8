import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DAY, HOUR, MINUTE } from '../../time/instant.ts'
import { zone } from '../../time/zone.ts'
import { type DutyEvent, type DutyStatus, type HosOptions, HosRefusal } from '../types.ts'
import { evaluateEu } from './evaluate.ts'
import { LIMITS } from './limits.ts'

/** Days are those of May 2026; the 4th is a Monday. */
const at = (text: string, timeZone = 'UTC') => {
  const [day, time] = text.split(' ')
  return zone(timeZone).instantOf(Date.parse(`2026-05-${day}T${time}:00Z`))
}

/** `04 06:00 DRIVE` a line or a comma. */
const logOf = (text: string, timeZone?: string): DutyEvent[] =>
  text
    .split(/[,\n]/)
    .map((line) => line.trim())
    .filter(Boolean)
    .map((line) => {
      const [day, time, status] = line.split(' ')
      return { at: at(`${day} ${time}`, timeZone), status: status as DutyStatus }
    })

function judge(log: string, asOf: string, options: Partial<HosOptions> = {}) {
  const timeZone = options.timeZone ?? 'UTC'
  const evaluation = evaluateEu(
    logOf(log, timeZone),
    { timeZone, dayStartMinutes: 0, ...options },
    at(asOf, timeZone),
  )
  return {
    evaluation,
    violations: evaluation.violations.map(({ rule, from }) => `${rule} ${stamp(from)}`),
    clocks: Object.fromEntries(evaluation.clocks.map((c) => [c.name, c.remainingMs / MINUTE])),
    next: evaluation.nextChangeAt === null ? null : stamp(evaluation.nextChangeAt),
  }
}

const stamp = (instant: number) => new Date(instant).toISOString().slice(8, 16).replace('T', ' ')

describe('breaks, art. 7', () => {
  test('other work and short stops do not interrupt the driving period', () => {
    const { violations, clocks } = judge(
      '04 08:00 DRIVE, 04 10:00 WORK, 04 11:00 DRIVE, 04 12:00 REST, 04 12:14 DRIVE, 04 14:00 WORK',
      '04 14:30',
    )
    assert.deepEqual(violations, ['eu.break-45 04 13:44'])
    assert.equal(clocks.break, 0)
  })

  test('thirty and fifteen are no break, fifteen and thirty are one', () => {
    const wrong = judge(
      '04 06:00 DRIVE, 04 08:00 REST, 04 08:30 DRIVE, 04 10:00 REST, 04 10:15 DRIVE, 04 11:30 WORK',
      '04 11:30',
    )
    assert.deepEqual(wrong.violations, ['eu.break-45 04 11:15'])
    const right = judge(
      '04 06:00 DRIVE, 04 08:00 REST, 04 08:15 DRIVE, 04 10:00 REST, 04 10:30 DRIVE, 04 11:30 WORK',
      '04 11:30',
    )
    assert.deepEqual(right.violations, [])
    assert.equal(right.clocks.break, 210)
  })

  test('a limit passed while standing is broken when driving resumes', () => {
    const { violations } = judge('04 06:00 DRIVE, 04 10:30 WORK, 04 11:00 DRIVE', '04 11:01')
    assert.deepEqual(violations, ['eu.break-45 04 11:00'])
  })

  test('availability is a break of a crew, of 45 minutes and no less', () => {
    const log = '04 06:00 DRIVE, 04 10:30 POA, 04 11:15 DRIVE'
    assert.deepEqual(judge(log, '04 12:15', { multiManning: true }).violations, [])
    assert.deepEqual(judge(log, '04 12:15').violations, ['eu.break-45 04 11:15'])
    const short = '04 06:00 DRIVE, 04 10:30 POA, 04 11:14 DRIVE'
    assert.equal(judge(short, '04 12:15', { multiManning: true }).violations.length, 1)
  })

  test('reaching the limit is lawful to the millisecond', () => {
    const log = logOf('04 06:00 DRIVE')
    const options = { timeZone: 'UTC', dayStartMinutes: 0 }
    const limit = at('04 10:30')
    const reached = evaluateEu(log, options, limit)
    assert.deepEqual(reached.violations, [])
    assert.equal(reached.nextChangeAt, limit + 1)
    assert.equal(evaluateEu(log, options, limit + 1).violations[0]?.from, limit)
  })

  test('the violation says what was driven, since when, and with which stops', () => {
    const { evaluation } = judge(
      '04 06:00 DRIVE, 04 08:00 REST, 04 08:20 DRIVE, 04 11:20 REST, 04 12:30 DRIVE',
      '04 13:00',
    )
    assert.deepEqual(evaluation.violations, [
      {
        rule: 'eu.break-45',
        from: at('04 10:50'),
        until: at('04 11:20'),
        explanation: {
          citation: LIMITS.drivingPeriod.citation,
          limitMs: 270 * MINUTE,
          reachedMs: 300 * MINUTE,
          since: null,
          rests: [{ from: at('04 08:00'), until: at('04 08:20') }],
        },
      },
    ])
  })
})

describe('driving, art. 6', () => {
  const tenHours = (day: string) =>
    `${day} 05:00 DRIVE, ${day} 09:30 REST, ${day} 10:15 DRIVE, ${day} 14:45 REST, ${day} 15:30 DRIVE, ${day} 16:30 REST,`

  test('the third extension of a week breaks at the ninth hour, the first of the next week does not', () => {
    const three = judge(tenHours('04') + tenHours('05') + tenHours('06'), '07 04:00')
    assert.deepEqual(three.violations, ['eu.drive-daily 06 15:30'])
    const turned = judge(tenHours('09') + tenHours('10') + tenHours('11'), '12 04:00')
    assert.deepEqual(turned.violations, [])
    assert.equal(turned.clocks.driveDaily, 600)
  })

  test('a rest of seven hours ends the day once the daily rest is known to be missing', () => {
    const log = '04 06:00 DRIVE, 04 10:30 REST, 04 11:15 DRIVE, 04 15:45 REST, 04 23:00 DRIVE'
    const before = judge(log, '05 02:00')
    assert.deepEqual(before.violations, ['eu.drive-daily 05 00:00'])
    const after = judge(`${log}, 05 02:00 WORK`, '05 06:00')
    assert.deepEqual(after.violations, ['eu.rest-daily 05 06:00'])
    assert.equal(after.clocks.driveDaily, 420)
  })

  test('weekly and fortnightly balance turn with the week of the zone', () => {
    const log = '10 22:00 DRIVE'
    assert.equal(judge(log, '11 01:00', { timeZone: 'Europe/Lisbon' }).clocks.driveWeekly, 3300)
    assert.equal(judge(log, '11 01:00', { timeZone: 'Europe/Lisbon' }).clocks.driveFortnight, 5220)
  })

  test('ninety hours in two weeks', () => {
    const days = ['04', '05', '06', '07', '08', '11', '12', '13', '14', '15']
    const log = days
      .map(
        (day) =>
          `${day} 05:00 DRIVE, ${day} 09:30 REST, ${day} 10:15 DRIVE, ${day} 14:45 REST, ${day === '15' ? '15 15:30 DRIVE, 15 15:50 REST' : ''}`,
      )
      .join(',')
    assert.deepEqual(judge(log, '15 20:00').violations, ['eu.drive-fortnight 15 15:30'])
  })
})

describe('daily rest, art. 8', () => {
  test('nine hours within 24 are reduced, eleven regular, eight missing', () => {
    assert.deepEqual(judge('04 06:00 WORK, 04 21:00 REST, 05 06:00 WORK', '05 07:00').violations, [])
    assert.deepEqual(judge('04 06:00 WORK, 04 22:00 REST, 05 06:00 WORK', '05 07:00').violations, [
      'eu.rest-daily 05 06:00',
    ])
  })

  test('the clock runs to nine hours before the window ends, to eleven when reduced rests are used up', () => {
    assert.equal(judge('04 06:00 WORK', '04 08:00').clocks.dutyDaily, 13 * 60)
    const fourthDay = ['04', '05', '06'].map((day) => `${day} 06:00 WORK, ${day} 20:59 REST`).join(',')
    const used = judge(`${fourthDay}, 07 06:00 WORK`, '07 08:00')
    assert.deepEqual(used.violations, [])
    assert.equal(used.clocks.dutyDaily, 11 * 60)
    const split = judge(`${fourthDay}, 07 06:00 WORK, 07 08:00 REST`, '07 11:00')
    assert.equal(split.clocks.dutyDaily, 10 * 60)
    assert.equal(split.evaluation.clocks.find((c) => c.name === 'dutyDaily')?.running, true)
  })

  test('a fourth reduced rest breaks art. 8(4) and not the daily rest itself', () => {
    const days = ['04', '05', '06', '07'].map((day) => `${day} 06:00 WORK, ${day} 20:30 REST`).join(',')
    const log = `${days}, 08 06:00 WORK`
    assert.deepEqual(judge(log, '08 07:00').violations, ['eu.rest-daily-reduced 08 06:00'])
    // Still at rest, it may become a weekly rest.
    assert.deepEqual(judge(days, '08 06:30').violations, [])
  })

  test('a crew has thirty hours; its nine hours use up a reduced rest unless the carrier says otherwise', () => {
    const crew = { multiManning: true }
    assert.deepEqual(judge('04 06:00 WORK, 05 03:00 REST, 05 12:00 WORK', '05 13:00', crew).violations, [])
    let log = ''
    for (let i = 0, t = at('04 06:00'); i < 4; i++, t += 30 * HOUR) {
      log += `${stamp(t)} WORK, ${stamp(t + 21 * HOUR)} REST,`
    }
    log += '09 06:00 WORK'
    assert.deepEqual(judge(log, '09 07:00', crew).violations, ['eu.rest-daily-reduced 09 06:00'])
    assert.deepEqual(judge(log, '09 07:00', { ...crew, crewReducedRestCounts: false }).violations, [])
  })

  test('a rest on a ferry may be interrupted twice for an hour in all', () => {
    const log = (second: string) =>
      `04 06:00 WORK, 04 18:00 REST, 04 19:00 DRIVE, 04 19:30 FERRY, 05 03:30 DRIVE, ${second} REST, 05 06:30 WORK`
    assert.deepEqual(judge(log('05 04:00'), '05 07:00').violations, [])
    assert.equal(judge(log('05 04:00'), '05 07:00').clocks.driveDaily, 600)
    assert.deepEqual(judge(log('05 04:01'), '05 07:00').violations, ['eu.rest-daily 05 06:00'])
  })
})

describe('weekly rest, art. 8(6)', () => {
  /** Work of eight hours a day, from day to day. */
  const days = (from: number, until: number) => {
    let log = ''
    for (let day = from; day <= until; day++) {
      const name = String(day).padStart(2, '0')
      log += `${name} 06:00 WORK, ${name} 14:00 REST,`
    }
    return log
  }

  test('it begins within six 24-hour periods', () => {
    assert.deepEqual(judge(`${days(4, 9)}10 06:00 WORK`, '10 06:00').violations, [])
    assert.deepEqual(judge(`${days(4, 9)}10 06:00 WORK`, '10 06:01').violations, ['eu.rest-weekly 10 06:00'])
    // A day's rest that runs across the end may yet become a weekly rest.
    assert.deepEqual(judge(days(4, 9), '10 07:00').violations, [])
  })

  test('two reduced rests in two weeks break the second; abroad they may stand between two regular ones', () => {
    // Reduced rests of 40 h from Friday 14:00 and from Friday 14:00 a week on, work across both Sunday midnights.
    const log = `03 20:00 WORK, 04 04:00 REST, ${days(5, 8)}
      10 06:00 WORK, 10 14:00 REST, 10 23:30 WORK, 11 04:00 REST, ${days(12, 15)}
      17 06:00 WORK, 17 14:00 REST, 17 23:30 WORK, 18 04:00 REST, ${days(19, 20)}
      23 06:00 WORK, 23 14:00 REST, 24 23:30 WORK`
    assert.deepEqual(judge(log, '25 00:00').violations, ['eu.rest-weekly-reduced 18 00:00'])
    assert.deepEqual(judge(log, '25 00:00', { internationalTwoReduced: true }).violations, [])
  })

  test('a reduction unpaid by the end of the third week after is broken there', () => {
    let log = `${days(4, 8)}10 02:00 WORK, 10 15:00 REST, `
    for (const monday of [11, 18, 25]) log += days(monday, monday + 4)
    const options = { timeZone: 'UTC', dayStartMinutes: 0 }
    const events = logOf(log)
    const deadline = at('04 00:00') + 28 * DAY
    const paid = evaluateEu(events, options, deadline)
    assert.deepEqual(paid.violations, [])
    // The same with weekends of 45 h, which have nothing to spare, and nights of 16 h that have 7 h.
    const bare = events.flatMap((event) => {
      const date = new Date(event.at)
      return date.getUTCDay() === 5 && date.getUTCHours() === 14 && event.at > at('11 00:00')
        ? [
            event,
            { at: event.at + 45 * HOUR, status: 'WORK' as const },
            { at: event.at + 50 * HOUR, status: 'REST' as const },
          ]
        : [event]
    })
    const owed = evaluateEu(bare, options, deadline)
    assert.deepEqual(
      owed.violations.map(({ rule, from }) => [rule, from]),
      [['eu.rest-compensation', deadline]],
    )
    assert.equal(owed.violations[0]?.explanation.limitMs, 9 * HOUR)
  })
})

describe('what is said beside the rules', () => {
  test('a clock that runs says when it runs out, one that does not says null', () => {
    const { evaluation } = judge('04 06:00 DRIVE', '04 08:00')
    const named = Object.fromEntries(evaluation.clocks.map((c) => [c.name, c]))
    assert.equal(named.break?.runsOutAt, at('04 10:30'))
    assert.equal(named.driveDaily?.runsOutAt, at('04 16:00'))
    assert.equal(named.dutyDaily?.runsOutAt, at('04 21:00'))
    assert.equal(evaluation.nextChangeAt, at('04 10:30'))
    const resting = judge('04 06:00 DRIVE, 04 08:00 REST', '04 08:10')
    assert.equal(resting.evaluation.clocks[0]?.runsOutAt, null)
    assert.equal(resting.next, '04 08:45')
  })

  test('an empty log is a rested driver to whom nothing will happen', () => {
    const { evaluation, clocks } = judge('', '04 08:00')
    assert.equal(evaluation.status, 'REST')
    assert.equal(evaluation.nextChangeAt, null)
    assert.deepEqual(evaluation.violations, [])
    assert.deepEqual(clocks, {
      break: 270,
      driveDaily: 600,
      driveWeekly: 3360,
      driveFortnight: 5400,
      dutyDaily: 900,
    })
  })

  test('what cannot be judged is refused, with the event and why', () => {
    const refused = (log: string, options: Partial<HosOptions> = {}) => {
      try {
        judge(log, '04 12:00', options)
      } catch (error) {
        if (error instanceof HosRefusal) return [error.code, error.index]
        throw error
      }
      return null
    }
    assert.deepEqual(refused('04 08:00 DRIVE, 04 07:00 REST'), ['out-of-order', 1])
    assert.deepEqual(refused('04 08:00 SB'), ['wrong-jurisdiction', 0])
    assert.deepEqual(refused('04 08:00 NAP'), ['unknown-status', 0])
    assert.throws(
      () => evaluateEu([], { timeZone: 'Europe/Atlantis', dayStartMinutes: 0 }, 0),
      (error) => error instanceof HosRefusal && error.code === 'unknown-zone',
    )
  })
})

test('a rest of less than 45 minutes with which the log opens is no first part of a break', () => {
  const start = Date.UTC(2026, 4, 4)
  const log: DutyEvent[] = [
    { at: start, status: 'REST' },
    { at: start + 44 * MINUTE, status: 'DRIVE' },
    { at: start + 54 * MINUTE, status: 'REST' },
    { at: start + 84 * MINUTE, status: 'DRIVE' },
  ]
  const { clocks } = evaluateEu(log, { timeZone: 'UTC', dayStartMinutes: 0 }, start + 94 * MINUTE)
  assert.equal(clocks.find(({ name }) => name === 'break')!.remainingMs, (270 - 20) * MINUTE)
})
