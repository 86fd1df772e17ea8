import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HOUR, type Instant, MINUTE } from '../../time/instant.ts'
import { zone } from '../../time/zone.ts'
import { evaluate } from '../evaluate.ts'
import type { DutyEvent, DutyStatus } from '../types.ts'
import { standing } from './next-change.ts'

/** 05:00 on 4 March 2026 in Chicago. */
const START = Date.UTC(2026, 2, 4, 11)

function told(...stretches: readonly (readonly [DutyStatus, number])[]): { log: DutyEvent[]; end: Instant } {
  let at = START
  const log = stretches.map(([status, hours]): DutyEvent => {
    const event = { at, status }
    at += hours * HOUR
    return event
  })
  return { log, end: at }
}

describe('what random logs have found', () => {
  const options = { timeZone: 'America/Chicago', dayStartMinutes: 0 }

  test('non-CDL short haul: the long window is there at rest as it is once under way', () => {
    const window = (log: DutyEvent[], at: Instant) =>
      evaluate(log, 'us-short-haul-non-cdl', options, at).clocks.find(({ name }) => name === 'window')!
        .limitMs
    const { log, end } = told(['OFF', 1])
    assert.equal(window(log, end), 16 * HOUR)
    assert.equal(window([...log, { at: end, status: 'D' }], end + HOUR), 16 * HOUR)
    // A tour that a rest has ended is not the present one: two long days are used up.
    const used = told(
      ['D', 4],
      ['OFF', 2],
      ['D', 9],
      ['OFF', 10],
      ['D', 10],
      ['OFF', 3],
      ['D', 2],
      ['OFF', 10],
    )
    assert.equal(window(used.log, used.end), 14 * HOUR)
  })

  test('hours that come back at the very instant end what was being broken', () => {
    const carriedMinutes = [606, 221, 82, 366, 187, 699]
    const { log, end } = told(['D', 24])
    const circumstances = { timeZone: 'America/Phoenix', dayStartMinutes: 240, carriedMinutes }
    const judge = (at: Instant) => evaluate(log, 'us-property-60-7', circumstances, at)
    const now = judge(end)
    assert.equal(standing(judge(now.nextChangeAt! - 1)), standing(now))
    assert.notEqual(standing(judge(now.nextChangeAt!)), standing(now))
  })

  test('a pair that changes nothing by being complete may do so by growing', () => {
    const { log, end } = told(['YM', 0.5], ['SB', 9.9], ['D', 7], ['OFF', 2.1], ['D', 0.1])
    const resting: DutyEvent[] = [...log, { at: end, status: 'OFF' }]
    const now = evaluate(resting, 'us-california-intrastate', options, end)
    assert.equal(now.nextChangeAt, end + 2.1 * HOUR)
  })

  test('16 hours claimed in the rest before any duty use nothing up: the next claim, two days on, is good', () => {
    const at = (hours: number) => START + hours * HOUR
    const shortHaul16 = [at(1 / 60), at(68)]
    const broken = (before: DutyStatus) => {
      const { log } = told([before, 34], ['OFF', 34], ['ON', 1 / 60], ['OFF', 7], ['D', 10])
      const asOf = at(68 + 15)
      return evaluate(log, 'us-property-60-7', { ...options, shortHaul16 }, asOf).violations
    }
    assert.deepEqual(broken('YM'), [])
    assert.deepEqual(broken('OFF'), [])
    // Claimed in the rest that ends a tour it is for that tour, and the 34 hours lie between the two.
    const { log, end } = told(['D', 1], ['OFF', 34], ['ON', 8], ['OFF', 1], ['D', 6.9])
    const judge = (claims: Instant[]) =>
      evaluate(log, 'us-property-60-7', { ...options, shortHaul16: claims }, end).violations
    assert.deepEqual(judge([at(2), at(36)]), [])
    assert.equal(judge([at(2)])[0]!.rule, 'us.window-14')
  })

  test('a day that begins in the hour which the clocks skip begins at its own hour on the next', () => {
    const local = (text: string) => zone('America/Toronto').instantOf(Date.parse(`2026-03-${text}:00Z`))
    const log: DutyEvent[] = [
      { at: local('07T12:00'), status: 'OFF' },
      { at: local('09T03:00'), status: 'D' },
      { at: local('09T12:00'), status: 'OFF' },
    ]
    const circumstances = { timeZone: 'America/Toronto', dayStartMinutes: 135 }
    const left = (text: string) =>
      evaluate(log, 'ca-south-70-7', circumstances, local(text)).clocks[0]!.remainingMs / HOUR
    // 02:15 did not occur on the 8th; on the 10th the day's thirteen hours are back at 02:15.
    assert.deepEqual([left('10T02:14'), left('10T02:15')], [4, 13])
  })

  test("past both of a salesperson's limits other work passes from one to the other, and that is a change", () => {
    const log = told(['D', 14], ['ON', 448 / 60])
    const circumstances = { ...options, carriedMinutes: [165, 26, 652, 787, 682], driverSalesperson: true }
    const judge = (at: Instant) => evaluate(log.log, 'us-property-60-7', circumstances, at)
    const now = judge(log.end)
    assert.equal(now.nextChangeAt, log.end + 752 * MINUTE + 1)
    assert.equal(standing(judge(now.nextChangeAt! - 1)), standing(now))
    assert.notEqual(standing(judge(now.nextChangeAt!)), standing(now))
  })

  for (const ruleset of [
    'us-property-70-8',
    'us-passenger-70-8',
    'ca-south-70-7',
    'ca-north-120-14',
  ] as const) {
    test(`${ruleset}: a log of 100,000 events without a full rest has its exact next change`, () => {
      const log = Array.from(
        { length: 100_000 },
        (_, i): DutyEvent => ({ at: START + i * 3 * HOUR, status: i % 2 ? 'SB' : 'D' }),
      )
      for (const [events, status] of [
        [100_000, 'SB'],
        [99_999, 'D'],
      ] as const) {
        const known = log.slice(0, events)
        const judge = (at: Instant) => evaluate(known, ruleset, options, at)
        const now = judge(known.at(-1)!.at + MINUTE)
        assert.equal(now.status, status)
        if (now.nextChangeAt === null) continue
        assert.equal(standing(judge(now.nextChangeAt - 1)), standing(now))
        assert.notEqual(standing(judge(now.nextChangeAt)), standing(now))
      }
    })
  }

  test('a claim of 16 hours in a rest that restarted: what it says changes just past the claim, not at it', () => {
    const [begun, claimed] = [1_793_289_240_000, 1_793_498_460_000]
    const log: DutyEvent[] = [
      { at: 1_793_272_980_000, status: 'YM' },
      { at: begun, status: 'PC' },
    ]
    const claims = { ...options, shortHaul16: [1_793_320_020_000, claimed] }
    const windowAt = (at: Instant) => {
      const found = evaluate(log, 'us-property-70-8', claims, at)
      return [found.clocks.find(({ name }) => name === 'window')!.limitMs, found.nextChangeAt] as const
    }
    assert.deepEqual(windowAt(claimed - HOUR), [16 * HOUR, claimed + 1])
    assert.equal(windowAt(claimed)[0], 16 * HOUR)
    assert.equal(windowAt(claimed + 1)[0], 14 * HOUR)
  })
})
