import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from '../property.testing.ts'
import { HOUR, type Instant, MINUTE } from '../time/instant.ts'
import { advise } from './advice.ts'
import { evaluate } from './evaluate.ts'
import { type Course, comingBack, drivingFrom, drivingOf, restsOf, type Step, whatIf } from './forecast.ts'
import type { PairAdvice } from './pairs.ts'
import type { DutyEvent, DutyStatus, RulesetId, Violation } from './types.ts'

/** Monday, 06:00 in Chicago. */
const START = Date.UTC(2026, 2, 2, 12)

function course(ruleset: RulesetId, ...stretches: readonly [DutyStatus, number][]): Course {
  let at = START
  const log = stretches.map(([status, hours]): DutyEvent => {
    const event = { at, status }
    at += hours * HOUR
    return event
  })
  return { log, ruleset, options: { timeZone: 'America/Chicago', dayStartMinutes: 0 }, asOf: at }
}
const hours = (at: Instant) => (at - START) / HOUR
const step = (status: DutyStatus, h: number): Step => ({ status, ms: h * HOUR })

describe('what if', () => {
  test('drive, load, drive: legal or not, and when it is done', () => {
    const now = course('us-property-70-8', ['ON', 1])
    const plan = [step('D', 4), step('ON', 1), step('D', 6)]
    const possible = whatIf(now, plan)
    assert.equal(possible.legal, true)
    assert.equal(hours(possible.finishedAt), 12)
    const more = whatIf(now, [...plan, step('D', 2)])
    assert.deepEqual(
      more.violations.map(({ rule, from }) => [rule, hours(from)]),
      [['us.drive-11', 13]],
    )
    assert.equal(whatIf(now, [step('D', 8), step('OFF', 0.5), step('D', 3)]).legal, true)
    assert.equal(whatIf(now, [step('D', 8.1), step('OFF', 0.5), step('D', 2)]).legal, false)
  })

  test('what was broken before and is not broken on is not the plan’s', () => {
    const now = course('us-property-70-8', ['D', 12], ['OFF', 10])
    assert.equal(whatIf(now, [step('D', 2)]).legal, true)
  })

  test('in the EU a plan that leaves no time for its rest is none', () => {
    const now = course('eu-561', ['WORK', 1])
    assert.equal(
      whatIf(now, [step('DRIVE', 4), step('REST', 0.75), step('DRIVE', 4), step('WORK', 3)]).legal,
      true,
    )
    const late = whatIf(now, [step('DRIVE', 4), step('REST', 0.75), step('DRIVE', 4), step('WORK', 6)])
    assert.deepEqual(
      late.violations.map(({ rule }) => rule),
      ['eu.rest-daily'],
    )
  })

  test('in Canada a plan that leaves no ten hours in its day is none', () => {
    const now = course('ca-south-70-7', ['ON', 1])
    assert.equal(whatIf(now, [step('D', 12)]).legal, true)
    assert.deepEqual(
      whatIf(now, [step('D', 5), step('ON', 12)]).violations.map(({ rule }) => rule),
      ['ca.off-10-day'],
    )
  })
})

describe('hours that come back', () => {
  test('at the start of a day, and by rests of 10 and 34 hours', () => {
    const day: [DutyStatus, number][] = [
      ['ON', 1],
      ['D', 10],
      ['OFF', 13],
    ]
    const now = course('us-property-70-8', ...Array.from({ length: 6 }, () => day).flat(), ['D', 3])
    const back = comingBack(now)
    const [first] = back
    assert.equal(first!.restedMs, 0.5 * HOUR)
    assert.deepEqual(
      first!.clocks.map(({ name }) => name),
      ['break'],
    )
    const full = back.find(({ clocks }) => clocks.some(({ name }) => name === 'drive'))
    assert.equal(full!.restedMs, 10 * HOUR)
    const restart = back.find(({ restedMs }) => restedMs === 34 * HOUR)
    assert.deepEqual(
      restart!.clocks.map(({ name, remainingMs }) => [name, remainingMs / HOUR]),
      [['cycle', 70]],
    )
    // On the eighth day after the first its eleven hours fall out: six days have passed, and the 34 h come sooner.
    assert.ok(back.every(({ at, restedMs }) => at === now.asOf + restedMs))
  })
})

describe('advice', () => {
  test('eleven hours driven: ten hours off', () => {
    const { now, shortest } = advise(course('us-property-70-8', ['D', 8], ['OFF', 0.5], ['D', 3]))
    assert.equal(now.ms, 0)
    assert.equal(now.limitedBy, 'us.drive-11')
    assert.deepEqual([shortest!.status, shortest!.ms / HOUR, shortest!.driving.ms / HOUR], ['OFF', 10, 8])
    assert.equal(shortest!.driving.limitedBy, 'us.break-30')
  })

  test('eight hours driven on end: half an hour', () => {
    const { shortest } = advise(course('us-property-70-8', ['D', 8]))
    assert.deepEqual([shortest!.ms / HOUR, shortest!.driving.ms / HOUR], [0.5, 3])
  })

  test('after three hours off, seven in the berth make a pair: the shortest way on', () => {
    const { shortest, rests } = advise(course('us-property-70-8', ['D', 6], ['OFF', 3], ['D', 5]))
    assert.deepEqual([shortest!.status, shortest!.ms / HOUR, shortest!.driving.ms / HOUR], ['SB', 7, 6])
    assert.deepEqual([hours(shortest!.pairedWith!.from), hours(shortest!.pairedWith!.until)], [6, 9])
    const full = rests.find(({ ms }) => ms === 10 * HOUR)
    assert.equal(full!.pairedWith, null)
  })

  test('in the EU each rest with what it costs', () => {
    const { now, rests, shortest, ledger } = advise(
      course('eu-561', ['DRIVE', 4.5], ['REST', 0.75], ['DRIVE', 4.5], ['WORK', 1]),
    )
    assert.equal(now.limitedBy, 'eu.break-45')
    assert.equal(shortest!.ms, 45 * MINUTE)
    assert.equal(shortest!.driving.ms, HOUR)
    assert.equal(ledger!.reducedRestsLeft, 3)
    const cost = (h: number) => rests.find(({ ms }) => ms === h * HOUR)!.cost!
    assert.equal(cost(9).reducedRestsLeft, 2)
    assert.equal(cost(11).reducedRestsLeft, 3)
    assert.deepEqual(
      cost(24).owed.map(({ owedMs }) => owedMs / HOUR),
      [21],
    )
    assert.deepEqual(cost(45).owed, [])
  })

  test('a split under way: seven in the berth, by when, and what they give', () => {
    // Six hours driven before the three off, so five more; the window leaves out the three.
    const { pairs } = advise(course('us-property-70-8', ['D', 6], ['OFF', 3], ['D', 2]))
    const [split] = pairs
    assert.equal(pairs.length, 1)
    assert.deepEqual([split!.second.status, split!.second.ms / HOUR], ['SB', 7])
    assert.deepEqual([hours(split!.first.from), hours(split!.first.until)], [6, 9])
    assert.equal(hours(split!.beginBy), 14)
    // Five of the eleven are driven since the first rest.
    assert.equal(split!.driving.ms, 6 * HOUR)
    assert.equal(split!.citation, '49 CFR 395.1(g)(1)(ii)')
  })

  test('after eight in the berth two hours anywhere complete it', () => {
    const { pairs } = advise(course('us-property-70-8', ['D', 5], ['SB', 8], ['D', 2]))
    const [split] = pairs
    assert.deepEqual([split!.second.status, split!.second.ms / HOUR], ['OFF', 2])
    assert.equal(hours(split!.beginBy), 19)
    assert.equal(split!.driving.ms, 5 * HOUR)
  })

  test('no split where no rest could be the first of one, nor while at rest', () => {
    assert.deepEqual(advise(course('us-property-70-8', ['D', 6], ['OFF', 1], ['D', 2])).pairs, [])
    assert.deepEqual(advise(course('us-property-70-8', ['D', 6], ['OFF', 10], ['D', 2])).pairs, [])
    assert.deepEqual(advise(course('us-property-70-8', ['D', 6], ['OFF', 3])).pairs, [])
    assert.deepEqual(advise(course('us-short-haul-non-cdl', ['D', 6], ['OFF', 3], ['D', 2])).pairs, [])
  })

  test('in Canada both parts lie in the berth', () => {
    const [split] = advise(course('ca-south-70-7', ['D', 5], ['SB', 5], ['D', 2])).pairs
    assert.deepEqual([split!.second.status, split!.second.ms / HOUR], ['SB', 5])
    assert.deepEqual(advise(course('ca-south-70-7', ['D', 5], ['OFF', 5], ['D', 2])).pairs, [])
  })

  test('in the EU 15 + 30 and 3 + 9, from now on or with the first part taken', () => {
    const fresh = advise(course('eu-561', ['DRIVE', 2])).pairs
    const shown = fresh.map(({ kind, first, second, beginBy }) => [
      kind,
      hours(first.from),
      hours(first.until),
      second.ms / HOUR,
      hours(beginBy),
    ])
    assert.deepEqual(shown, [
      ['break', 2, 2.25, 0.5, 4.75],
      ['daily', 2, 5, 9, 15],
    ])
    assert.equal(fresh[0]!.driving.ms, 4.5 * HOUR)
    assert.equal(fresh[1]!.cost!.reducedRestsLeft, 3)
    const begun = advise(
      course('eu-561', ['DRIVE', 2], ['REST', 0.25], ['DRIVE', 1], ['REST', 3], ['DRIVE', 1]),
    )
    const taken = begun.pairs.find(({ kind }) => kind === 'daily')!
    assert.deepEqual(
      [hours(taken.first.from), hours(taken.first.until), hours(taken.beginBy)],
      [3.25, 6.25, 15],
    )
    const second = begun.rests.find(({ ms }) => ms === 9 * HOUR)!
    assert.equal(second.kind, 'daily-second-part')
    assert.equal(second.cost!.reducedRestsLeft, 3)
  })

  test('in the EU a rest has its name', () => {
    const named = (...log: [DutyStatus, number][]) =>
      advise(course('eu-561', ...log)).rests.map(({ kind, ms }) => `${kind} ${ms / HOUR}`)
    assert.deepEqual(named(['DRIVE', 4]), [
      'break-first-part 0.25',
      'break 0.75',
      'daily-first-part 3',
      'daily-reduced 9',
      'daily 11',
      'weekly-reduced 24',
      'weekly 45',
    ])
    const half = named(['DRIVE', 2], ['REST', 0.25], ['DRIVE', 2.5])
    assert.equal(half[0], 'break-second-part 0.5')
  })

  test('a minute after the last the second part is too late', () => {
    const now = course('us-property-70-8', ['D', 6], ['OFF', 3], ['D', 2])
    const [{ beginBy, second }] = advise(now).pairs as [PairAdvice]
    const legal = (late: number) =>
      whatIf(now, [{ status: 'D', ms: beginBy - now.asOf + late }, second, { status: 'D', ms: MINUTE }]).legal
    assert.equal(legal(0), true)
    assert.equal(legal(MINUTE), false)
  })

  const statuses: Record<string, DutyStatus[]> = {
    eu: ['REST', 'DRIVE', 'WORK', 'POA'],
    us: ['OFF', 'SB', 'D', 'ON'],
  }
  const rulesets: RulesetId[] = ['us-property-70-8', 'us-passenger-60-7', 'ca-south-70-7', 'eu-561']
  for (const ruleset of rulesets) {
    const mine = statuses[ruleset.startsWith('eu') ? 'eu' : 'us']!
    const logs = fc
      .array(fc.tuple(fc.constantFrom(...mine), fc.integer({ min: 1, max: 40 })), {
        minLength: 1,
        maxLength: 14,
      })
      .map((stretches) =>
        course(
          ruleset,
          ...stretches.map(([status, quarters]): [DutyStatus, number] => [status, quarters / 4]),
        ),
      )

    test(`${ruleset}: driving as long as it says breaks nothing, a minute more does`, () => {
      fc.assert(
        fc.property(logs, (now) => {
          const { ms, limitedBy } = drivingFrom(now)
          const named = ({ rule, from }: Violation) => `${rule} ${from}`
          const inAnyCase = whatIf(now, []).violations.map(named)
          const broken = (length: number) =>
            whatIf(now, [{ status: drivingOf(ruleset), ms: length }])
              .violations.map(named)
              .filter((one) => !inAnyCase.includes(one))
          if (ms > 0) assert.deepEqual(broken(ms), [])
          // What is broken already is broken on, which is nothing new. A rest of 7 h counts as the end of a day in the EU only once
          // the rest that was due is known to be missing, so a later look may find less.
          const end = now.asOf + ms + MINUTE
          const log = [
            ...now.log.filter(({ at }) => at < now.asOf),
            { at: now.asOf, status: drivingOf(ruleset) },
          ]
          const atOnce = evaluate(log, ruleset, now.options, end).violations.filter(
            ({ until }) => until === end,
          )
          if (limitedBy && !inAnyCase.some((one) => one.startsWith(`${limitedBy} `)))
            assert.ok(broken(ms + MINUTE).length + atOnce.length > 0)
        }),
        { numRuns: 2_500 },
      )
    })

    test(`${ruleset}: the rest that it names is enough, and a minute less is not`, () => {
      fc.assert(
        fc.property(logs, (now) => {
          const { shortest, now: straight } = advise(now)
          if (!shortest) return
          assert.equal(straight.ms < MINUTE, true)
          const after = (length: number): Course => ({
            ...now,
            log: [...now.log.filter(({ at }) => at < now.asOf), { at: now.asOf, status: shortest.status }],
            asOf: now.asOf + length,
          })
          assert.ok(drivingFrom(after(shortest.ms)).ms >= MINUTE)
          if (shortest.ms > MINUTE && !ruleset.startsWith('eu'))
            for (const status of restsOf(ruleset))
              assert.ok(
                drivingFrom({ ...after(shortest.ms - MINUTE), log: [...now.log, { at: now.asOf, status }] })
                  .ms <
                  2 * MINUTE,
              )
        }),
        { numRuns: 2_500 },
      )
    })
  }
})
