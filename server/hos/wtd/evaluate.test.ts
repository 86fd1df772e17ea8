import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HOUR } from '../../time/instant.ts'
import { evaluate } from '../evaluate.ts'
import { explain } from '../explain.ts'
import { evaluateWithGaps } from '../gaps.ts'
import type { DutyEvent, DutyStatus, HosOptions } from '../types.ts'

/** Monday, 06:00 in Berlin, in winter. */
const START = Date.UTC(2026, 0, 5, 5)
const OPTIONS: HosOptions = { timeZone: 'Europe/Berlin', dayStartMinutes: 0 }

type Stretch = readonly [DutyStatus, number]

function told(stretches: readonly Stretch[], options = OPTIONS) {
  let at = START
  const log = stretches.map(([status, hours]): DutyEvent => {
    const event = { at, status }
    at += hours * HOUR
    return event
  })
  const { violations, clocks } = evaluate(log, 'eu-wtd', options, at)
  return {
    violations: violations.map(({ rule, from }) => `${rule} ${(from - START) / HOUR}`),
    sentences: violations.map((violation) => explain(violation, options.timeZone)),
    left: Object.fromEntries(clocks.map(({ name, remainingMs }) => [name, remainingMs / HOUR])),
  }
}

test('waiting that is known beforehand is no work', () => {
  assert.deepEqual(
    told([
      ['WORK', 3],
      ['POA', 8],
      ['DRIVE', 3],
      ['REST', 9],
    ]).violations,
    [],
  )
})

test('6 h of work, then a break of a quarter of an hour at least', () => {
  assert.deepEqual(
    told([
      ['WORK', 3],
      ['DRIVE', 4],
    ]).violations,
    ['wtd.work-6 6'],
  )
  assert.deepEqual(
    told([
      ['WORK', 6],
      ['REST', 0.25],
      ['DRIVE', 1],
    ]).violations,
    [],
  )
  assert.deepEqual(
    told([
      ['WORK', 6],
      ['REST', 0.2],
      ['DRIVE', 1],
    ]).violations,
    ['wtd.work-6 6.2'],
  )
})

test('30 minutes in a day of more than 6 h, 45 above 9 h; judged when the day is over', () => {
  const day: Stretch[] = [
    ['WORK', 5],
    ['REST', 0.25],
    ['DRIVE', 3],
  ]
  assert.deepEqual(told([...day, ['REST', 8.9]]).violations, [])
  assert.deepEqual(told([...day, ['REST', 9]]).violations, ['wtd.break-daily 6.25'])
  assert.deepEqual(told([...day, ['REST', 0.25], ['DRIVE', 1], ['REST', 9]]).violations, [])
  const long = told([...day, ['REST', 0.25], ['DRIVE', 2], ['REST', 9]])
  assert.deepEqual(long.violations, ['wtd.break-daily 9.5'])
  assert.match(long.sentences[0]!, /^45 min of breaks not reached at 15:30 \(since 06:00, .*art. 5\(1\)$/)
  assert.equal(told([...day, ['REST', 0.25]]).left.breakDaily, 1)
})

test('10 h in 24 h where some of it is night work', () => {
  const day: Stretch[] = [
    ['WORK', 5],
    ['REST', 1],
    ['WORK', 6],
  ]
  assert.ok(!told(day).violations.includes('wtd.night-10 11'))
  // On till midnight with rests: broken by the first work of the night.
  assert.deepEqual(
    told([...day, ['REST', 5], ['WORK', 0.5], ['REST', 1], ['WORK', 1]]).violations.filter((one) =>
      /night/.test(one),
    ),
    ['wtd.night-10 18.5'],
  )
  const late = { ...OPTIONS, nightStartMinutes: 60 }
  assert.deepEqual(
    told([...day, ['REST', 7], ['WORK', 0.5]], late).violations.filter((one) => /night/.test(one)),
    ['wtd.night-10 19'],
  )
})

test('60 h in a week', () => {
  const days = Array.from({ length: 6 }, (): Stretch[] => [
    ['WORK', 5],
    ['REST', 1],
    ['DRIVE', 6],
    ['REST', 12],
  ]).flat()
  const { violations, left } = told(days.slice(0, -1))
  assert.deepEqual(
    violations.filter((one) => /60/.test(one)),
    [`wtd.work-60 ${5 * 24 + 6}`],
  )
  assert.equal(left.workWeekly, 0)
})

test('48 h on average over 17 weeks, or 26 by agreement', () => {
  const day: Stretch[] = [
    ['WORK', 5],
    ['REST', 1],
    ['DRIVE', 5],
    ['REST', 13],
  ]
  const week: Stretch[] = [...Array.from({ length: 5 }, () => day).flat(), ['REST', 48]]
  const weeks = (count: number) => Array.from({ length: count }, () => week).flat()
  const average = (stretches: Stretch[], options = OPTIONS) =>
    told(stretches, options).violations.filter((one) => /average/.test(one))
  // 16 weeks of 50 h are 800 of 816: the fourth hour of the second day of the 17th goes beyond.
  const broken = (16 * 7 + 1) * 24 + 7
  assert.deepEqual(average(weeks(17)), [`wtd.work-48-average ${broken}`])
  assert.deepEqual(average(weeks(17), { ...OPTIONS, averageOver26Weeks: true }), [])
  assert.equal(told(weeks(10)).left.workAverage, 316)
})

test('a gap may have been work: possible, not proven', () => {
  const log = [
    { at: START, status: 'WORK' as const },
    { at: START + 4 * HOUR, status: 'UNKNOWN' as const },
    { at: START + 7 * HOUR, status: 'DRIVE' as const },
  ]
  const { proven, possible, clocks } = evaluateWithGaps(log, 'eu-wtd', OPTIONS, START + 8 * HOUR)
  assert.deepEqual(proven, [])
  assert.deepEqual([...new Set(possible.map(({ rule }) => rule))], ['wtd.work-6'])
  const { leastMs, mostMs } = clocks.find(({ name }) => name === 'break')!
  assert.deepEqual([leastMs, mostMs], [0, 5 * HOUR])
})
