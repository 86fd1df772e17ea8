import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HOUR, type Instant, MINUTE } from '../time/instant.ts'
import { evaluate } from './evaluate.ts'
import type { DutyEvent, DutyStatus, RulesetId } from './types.ts'

/** Stretches from an instant on, by status and hours that pass. */
function judged(
  ruleset: RulesetId,
  timeZone: string,
  from: Instant,
  stretches: readonly [DutyStatus, number][],
) {
  let at = from
  const log = stretches.map(([status, hours]): DutyEvent => {
    const event = { at, status }
    at += Math.round(hours * 60) * MINUTE
    return event
  })
  const { violations, clocks } = evaluate(log, ruleset, { timeZone, dayStartMinutes: 0 }, at)
  return {
    rules: violations.map(({ rule, from: broken }) => `${rule} +${(broken - from) / HOUR}`),
    left: Object.fromEntries(clocks.map(({ name, remainingMs }) => [name, remainingMs / HOUR])),
  }
}

const WINNIPEG = 'America/Winnipeg'
const BERLIN = 'Europe/Berlin'
const SHORT_DAY = Date.parse('2026-03-08T00:00:00-06:00')
const LONG_DAY = Date.parse('2026-11-01T00:00:00-05:00')

describe('a day of 23 or 25 hours', () => {
  test('in Canada a day of 23 hours still needs ten hours off: thirteen on duty leave them, a minute more does not', () => {
    const day = (onDuty: number) =>
      judged('ca-south-70-7', WINNIPEG, SHORT_DAY, [
        ['ON', onDuty],
        ['OFF', 23 - onDuty],
        ['OFF', 1],
      ]).rules
    assert.deepEqual(day(13), [])
    assert.deepEqual(day(13 + 1 / 60), ['ca.off-10-day +23'])
  })
  test('in Canada a day of 25 hours has an hour more beside its ten hours off, and ends with the 25th', () => {
    const day = (onDuty: number) =>
      judged('ca-south-70-7', WINNIPEG, LONG_DAY, [
        ['ON', onDuty],
        ['OFF', 25 - onDuty],
        ['OFF', 1],
      ]).rules
    assert.deepEqual(day(15), [])
    assert.deepEqual(day(15 + 1 / 60), ['ca.off-10-day +25'])
  })
  test('in Canada thirteen hours of driving are thirteen hours that pass, and the next day begins when the clock says so', () => {
    const drive = (day: Instant) => judged('ca-south-70-7', WINNIPEG, day, [['D', 12]]).left.drive
    assert.deepEqual([drive(SHORT_DAY), drive(LONG_DAY)], [1, 1])
    // Six hours to midnight, and then those of the day alone: of the 13, seven are left by the shift.
    const over = (day: Instant, hours: number) =>
      judged('ca-south-70-7', WINNIPEG, day + (hours - 6) * HOUR, [
        ['D', 5],
        ['OFF', 8],
        ['D', 2],
      ]).left
    assert.deepEqual([over(SHORT_DAY, 23).drive, over(LONG_DAY, 25).drive], [11, 11])
  })
  test('in the United States the day falls out of the cycle at midnight, with the hours that passed in it', () => {
    for (const [day, hours] of [
      [SHORT_DAY, 23],
      [LONG_DAY, 25],
    ] as const) {
      const week: [DutyStatus, number][] = [
        ['ON', 4],
        ['OFF', hours - 4 + 6 * 24 - 1],
      ]
      assert.equal(judged('us-passenger-60-7', WINNIPEG, day, week).left.cycle, 56)
      assert.equal(judged('us-passenger-60-7', WINNIPEG, day, [...week, ['OFF', 1]]).left.cycle, 60)
    }
  })
  test('in the EU a fixed week has 167 or 169 hours; what is driven over the change counts as it passes', () => {
    const spring = Date.parse('2026-03-29T00:00:00+01:00')
    const autumn = Date.parse('2026-10-25T00:00:00+02:00')
    for (const [sunday, hours] of [
      [spring, 23],
      [autumn, 25],
    ] as const) {
      const night: [DutyStatus, number][] = [
        ['DRIVE', 4],
        ['REST', hours - 5],
      ]
      assert.equal(judged('eu-561', BERLIN, sunday, night).left.driveWeekly, 52)
      assert.equal(judged('eu-561', BERLIN, sunday, [...night, ['REST', 1]]).left.driveWeekly, 56)
      const work: [DutyStatus, number][] = [
        ['WORK', 4],
        ['REST', hours - 5],
      ]
      assert.equal(judged('eu-wtd', BERLIN, sunday, work).left.workWeekly, 56)
      assert.equal(judged('eu-wtd', BERLIN, sunday, [...work, ['REST', 1]]).left.workWeekly, 60)
    }
  })
  test('the night of 2002/15/EC is four hours that pass from midnight on: in spring it is over at five', () => {
    // Eleven hours of work that begin at five are no night work, and they are if they begin a minute before.
    const from = Date.parse('2026-03-29T05:00:00+02:00')
    const night = (at: Instant) =>
      judged('eu-wtd', BERLIN, at, [
        ['WORK', 5],
        ['REST', 0.75],
        ['WORK', 6],
        ['REST', 1],
      ]).rules.filter((one) => one.startsWith('wtd.night'))
    assert.deepEqual(night(from), [])
    assert.equal(night(from - MINUTE).length, 1)
  })
})
