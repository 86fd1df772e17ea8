import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from '../property.testing.ts'
import { HOUR, MINUTE } from '../time/instant.ts'
import { evaluate } from './evaluate.ts'
import {
  fillingOf,
  type Gapped,
  gappedOf,
  isBeyond,
  JURISDICTIONS,
  randomOf,
  START,
  statusesOf,
} from './gaps.testing.ts'
import { evaluateWithGaps, type GapEvent } from './gaps.ts'
import type { HosOptions, RulesetId } from './types.ts'

const LOGS = 700
const FILLINGS = 15
/** That of all properties: see `server/property.testing.ts`. */
const SEED = fc.readConfigureGlobal().seed ?? Math.floor(Math.random() * HOUR)

/** The circumstances that turn a rule round. */
const OPTIONS: Partial<
  Record<RulesetId, (gapped: Gapped, random: (below: number) => number) => Partial<HosOptions>>
> = {
  'us-property-60-7': ({ log }, random) => ({
    adverseConditions: [log[random(log.length)]!.at + random(60) * MINUTE],
    shortHaul16: [log[random(log.length)]!.at, log[random(log.length)]!.at],
    carriedMinutes: [600, 600, 500, 700, 400, 300],
    driverSalesperson: random(2) === 0,
  }),
  'ca-south-120-14': (_, random) => ({
    team: random(2) === 0,
    deferral: random(2) === 0 ? [{ day1: `2026-03-0${3 + random(5)}` }] : [],
  }),
}

describe('however the gaps are filled, what is proven is broken, what is broken is proven or possible, clocks lie between', () => {
  for (const [ruleset, timeZone] of JURISDICTIONS)
    test(`${ruleset}: ${LOGS * FILLINGS} fillings`, () => {
      for (let i = 0; i < LOGS; i++) {
        const random = randomOf(SEED + i)
        const gapped = gappedOf(ruleset, random, timeZone)
        Object.assign(gapped.options, OPTIONS[ruleset]?.(gapped, random))
        const bounds = evaluateWithGaps(gapped.log, ruleset, gapped.options, gapped.asOf)
        for (let f = 0; f < FILLINGS; f++) {
          const filling = fillingOf(gapped, statusesOf(ruleset), random)
          const judged = evaluate(filling, ruleset, gapped.options, gapped.asOf)
          assert.equal(isBeyond(judged, bounds), null, `log ${i}, filling ${f}`)
        }
      }
    })
})

type Stretch = readonly [GapEvent['status'], number]

function gapped(timeZone: string, stretches: readonly Stretch[]): Gapped {
  let at = START
  const log = stretches.map(([status, hours]): GapEvent => {
    const event = { at, status }
    at += hours * HOUR
    return event
  })
  return { log, options: { timeZone, dayStartMinutes: 0 }, asOf: at }
}

/** Rules with the hours from the start of the log, and clocks in hours. */
function told(ruleset: RulesetId, timeZone: string, stretches: readonly Stretch[]) {
  const { log, options, asOf } = gapped(timeZone, stretches)
  const { proven, possible, clocks } = evaluateWithGaps(log, ruleset, options, asOf)
  const spans = (all: typeof proven) =>
    all.map(({ rule, from, until }) => `${rule} ${(from - START) / HOUR} to ${(until - START) / HOUR}`)
  return {
    proven: spans(proven),
    possible: spans(possible),
    left: Object.fromEntries(
      clocks.map(({ name, leastMs, mostMs }) => [name, [leastMs / HOUR, mostMs / HOUR]]),
    ),
  }
}

/** A filling that an earlier reading had wrong. */
function holds(
  ruleset: RulesetId,
  timeZone: string,
  stretches: readonly Stretch[],
  ...fillings: readonly (readonly Stretch[])[]
) {
  const log = gapped(timeZone, stretches)
  const bounds = evaluateWithGaps(log.log, ruleset, log.options, log.asOf)
  for (const filling of fillings) {
    const filled = gapped(timeZone, filling)
    assert.equal(filled.asOf, log.asOf)
    const events = filled.log.flatMap(({ at, status }) => (status === 'UNKNOWN' ? [] : [{ at, status }]))
    assert.equal(isBeyond(evaluate(events, ruleset, log.options, log.asOf), bounds), null)
  }
}

const CHICAGO = 'America/Chicago'
const BERLIN = 'Europe/Berlin'

describe('half an hour without data on a plain day', () => {
  const day: Stretch[] = [
    ['OFF', 6],
    ['ON', 1],
    ['D', 4],
    ['UNKNOWN', 0.5],
    ['D', 3],
  ]
  test('in the United States and Canada it puts half an hour in doubt, and the break', () => {
    assert.deepEqual(told('us-property-70-8', CHICAGO, day), {
      proven: [],
      possible: [],
      left: { drive: [3.5, 4], window: [5.5, 5.5], break: [0.5, 5], cycle: [61.5, 62] },
    })
    assert.deepEqual(told('ca-south-70-7', CHICAGO, day), {
      proven: [],
      possible: [],
      left: { drive: [5.5, 6], duty: [5.5, 6], window: [7.5, 7.5], cycle: [61.5, 62] },
    })
  })
  test('after the next full rest nothing of the day is in doubt', () => {
    const { left } = told('us-property-70-8', CHICAGO, [...day, ['OFF', 10], ['D', 2]])
    assert.deepEqual(
      [left.drive, left.window, left.break],
      [
        [9, 9],
        [12, 12],
        [6, 6],
      ],
    )
  })
  test('in the EU the break may lack, the day does not', () => {
    const { proven, possible, left } = told('eu-561', BERLIN, [
      ['REST', 11],
      ['WORK', 1],
      ['DRIVE', 4],
      ['UNKNOWN', 0.5],
      ['DRIVE', 1],
    ])
    // Half an hour of rest is no break, so at 4 h 30 of known driving it is broken for sure.
    assert.deepEqual(proven, ['eu.break-45 17 to 17.5'])
    assert.deepEqual(possible, ['eu.break-45 16.5 to 17'])
    assert.deepEqual(
      [left.driveDaily, left.dutyDaily],
      [
        [4.5, 5],
        [8.5, 8.5],
      ],
    )
  })
  test('in the EU a week later only the sums remember it', () => {
    const days = (gap: number): Stretch[] => [
      ['REST', 11],
      ['WORK', 1],
      ['DRIVE', 4],
      ['UNKNOWN', gap],
      ['REST', 0.75],
      ['DRIVE', 4],
      ['REST', 3.25 - gap],
    ]
    const plain: Stretch[] = days(0).filter(([, hours]) => hours > 0)
    const week: Stretch[] = [...plain, ...days(0.5), ...plain, ...plain, ...plain, ['REST', 48]]
    const { proven, possible, left } = told('eu-561', BERLIN, [...week, ...plain.slice(0, 3)])
    assert.deepEqual([proven, possible], [[], []])
    assert.deepEqual(left.driveFortnight, [45.5, 46])
    assert.deepEqual(
      [left.break, left.driveDaily, left.dutyDaily],
      [
        [0.5, 0.5],
        [6, 6],
        [10, 10],
      ],
    )
  })
})

describe('twelve hours without data at night', () => {
  test('in the United States it may have been a full rest: nothing is proven, and what is left is all or nothing', () => {
    const night: Stretch[] = [
      ['OFF', 6],
      ['D', 6],
      ['OFF', 1],
      ['D', 4],
      ['OFF', 1],
      ['UNKNOWN', 12],
      ['D', 3],
      ['OFF', 1],
      ['D', 2],
    ]
    const { proven, possible, left } = told('us-property-70-8', CHICAGO, night)
    assert.deepEqual(proven, [])
    // Eleven hours may have been driven an hour into the gap.
    assert.deepEqual(possible, ['us.drive-11 19 to 36', 'us.window-14 20 to 36', 'us.break-30 26 to 33'])
    assert.deepEqual(left, { drive: [0, 6], window: [0, 8], break: [6, 6], cycle: [43, 55] })
  })
  test('what no rest could have cured is proven', () => {
    const { proven } = told('us-property-70-8', CHICAGO, [
      ['D', 8],
      ['UNKNOWN', 9],
      ['D', 4],
    ])
    assert.deepEqual(proven, ['us.window-14 17 to 21', 'us.drive-11 20 to 21'])
  })
  test('in the EU the daily rest is possible and not proven, until the gap is too short for it', () => {
    const rest = (hours: number) =>
      told('eu-561', BERLIN, [
        ['REST', 11],
        ['DRIVE', 4],
        ['REST', 0.75],
        ['DRIVE', 4],
        ['WORK', 6],
        ['UNKNOWN', hours],
        ['WORK', 13],
      ])
    const rule = (all: string[]) => all.filter((one) => one.startsWith('eu.rest-daily '))
    assert.deepEqual(rule(rest(12).proven), [])
    assert.deepEqual(rule(rest(12).possible), ['eu.rest-daily 35 to 50.75'])
    assert.deepEqual(rule(rest(8).proven), ['eu.rest-daily 35 to 46.75'])
  })
})

describe('what earlier readings had wrong', () => {
  test('a rest that is full with the gap before it is the first of no pair', () => {
    const rest: Stretch[] = [
      ['SB', 7],
      ['D', 5.5],
      ['OFF', 8],
      ['D', 5],
      ['SB', 1],
      ['D', 2],
    ]
    holds('us-property-70-8', CHICAGO, [['UNKNOWN', 1], ...rest], [['SB', 1], ...rest], [['D', 1], ...rest])
  })
  test('a full rest in a gap parts two rests that made a pair', () => {
    const [before, after]: Stretch[][] = [
      [
        ['OFF', 10],
        ['D', 6],
        ['OFF', 3],
        ['D', 5],
        ['ON', 2],
      ],
      [
        ['SB', 7],
        ['D', 2],
      ],
    ]
    holds(
      'us-property-70-8',
      CHICAGO,
      [...before!, ['UNKNOWN', 11], ...after!],
      [...before!, ['OFF', 10], ['ON', 1], ...after!],
      [...before!, ['D', 11], ...after!],
    )
  })
  test('in Canada eight hours of rest in a gap are no further rest of the day', () => {
    const [before, after]: Stretch[][] = [
      [
        ['OFF', 2],
        ['ON', 2],
      ],
      [
        ['ON', 2],
        ['OFF', 7.5],
        ['ON', 6],
      ],
    ]
    holds(
      'ca-south-70-7',
      CHICAGO,
      [...before!, ['UNKNOWN', 8], ...after!],
      [...before!, ['OFF', 8], ...after!],
      [...before!, ['OFF', 7.5], ['ON', 0.5], ...after!],
      [...before!, ['ON', 8], ...after!],
    )
  })
  test('in the EU a break in a gap uses up the first part of a later one', () => {
    const [before, after]: Stretch[][] = [
      [
        ['DRIVE', 1],
        ['REST', 0.25],
        ['DRIVE', 0.5],
      ],
      [
        ['DRIVE', 2],
        ['REST', 0.5],
        ['DRIVE', 3],
      ],
    ]
    holds(
      'eu-561',
      BERLIN,
      [...before!, ['UNKNOWN', 0.75], ...after!],
      [...before!, ['REST', 0.75], ...after!],
      [...before!, ['DRIVE', 0.75], ...after!],
    )
  })
  test('in the EU a gap may be a crossing that makes the driving before it part of a rest', () => {
    const before: Stretch[] = [
      ['REST', 11],
      ['DRIVE', 8.5],
      ['REST', 1],
      ['DRIVE', 1],
    ]
    holds(
      'eu-561',
      BERLIN,
      [...before, ['UNKNOWN', 10]],
      [...before, ['FERRY', 10]],
      [...before, ['DRIVE', 10]],
    )
  })
})

test('without a gap it is what is proven, and the clocks are points', () => {
  const { proven, possible, left } = told('us-property-70-8', CHICAGO, [['D', 12]])
  assert.deepEqual(proven, ['us.break-30 8 to 12', 'us.drive-11 11 to 12'])
  assert.deepEqual([possible, left.drive], [[], [0, 0]])
})
