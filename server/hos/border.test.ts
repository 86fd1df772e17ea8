import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from '../property.testing.ts'
import { HOUR, MINUTE } from '../time/instant.ts'
import { crossing, crossingWithGaps, evaluateAlong, evaluateAlongWithGaps, type Regime } from './border.ts'
import { evaluate } from './evaluate.ts'
import { fillingOf, gappedOf, isBeyond, randomOf, statusesOf } from './gaps.testing.ts'
import { evaluateWithGaps, type GapEvent } from './gaps.ts'
import type { DutyEvent, HosOptions, RulesetId, Violation } from './types.ts'

const LOGS = 250
const FILLINGS = 10
const SEED = fc.readConfigureGlobal().seed ?? Math.floor(Math.random() * HOUR)

/** Monday, 06:00 in Toronto. */
const START = Date.UTC(2026, 2, 2, 11)
const OPTIONS: HosOptions = { timeZone: 'America/Toronto', dayStartMinutes: 0 }
const at = (hours: number) => START + hours * HOUR
const US: Regime = { from: START, ruleset: 'us-property-70-8', options: OPTIONS }
const CANADA = { ruleset: 'ca-south-70-7', options: OPTIONS } as const

describe('across a border', () => {
  const log: DutyEvent[] = [{ at: START, status: 'D' }]

  test('each country’s limits hold where the driver is, counted from the whole log', () => {
    const along = (border: number, asOf: number) =>
      evaluateAlong(log, [US, { ...CANADA, from: at(border) }], at(asOf)).violations.map(
        ({ rule, from }) => `${rule} +${(from - START) / HOUR}`,
      )
    // Crossed after seven hours: the 8-hour interruption is not asked for, and thirteen hours may be driven.
    assert.deepEqual(along(7, 13), [])
    assert.deepEqual(along(7, 14), ['ca.drive-13 +13'])
    // Crossed after twelve: what was broken before stays broken, up to the border.
    assert.deepEqual(along(12, 13), ['us.break-30 +8', 'us.drive-11 +11'])
    const [interruption] = evaluateAlong(log, [US, { ...CANADA, from: at(12) }], at(13)).violations
    assert.equal(interruption!.until, at(12))
    // Back into the United States: past eleven hours from the first minute on.
    const back: Regime[] = [
      { ...CANADA, from: START },
      { ...US, from: at(12) },
    ]
    assert.deepEqual(
      evaluateAlong(log, back, at(12.5)).violations.map(({ rule, from }) => [rule, (from - START) / HOUR]),
      [
        ['us.break-30', 12],
        ['us.drive-11', 12],
      ],
    )
  })

  test('both answers are there before the driver confirms', () => {
    const { stay, cross } = crossing(log, [US], CANADA, at(6))
    const left = (clocks: typeof stay.clocks) =>
      clocks.find(({ name }) => name === 'drive')!.remainingMs / HOUR
    assert.deepEqual([left(stay.clocks), left(cross.clocks)], [5, 7])
  })

  test('one ruleset along the log is that ruleset', () => {
    const { ruleset, ...found } = evaluateAlong(log, [US], at(9))
    assert.equal(ruleset, 'us-property-70-8')
    assert.deepEqual(found, evaluate(log, 'us-property-70-8', OPTIONS, at(9)))
    assert.throws(() => evaluateAlong(log, [], START), /needs a ruleset/)
    assert.throws(() => evaluateAlong(log, [US, US], START), /follow one another/)
  })
})

describe('from one Canadian cycle to the other', () => {
  const from = (ruleset: RulesetId, from_: number): Regime => ({ ruleset, options: OPTIONS, from: at(from_) })
  const switched = (rest: number, [first, second]: readonly [RulesetId, RulesetId], border = 20 + rest) => {
    const log: DutyEvent[] = [
      { at: at(0), status: 'ON' },
      { at: at(4), status: 'D' },
      { at: at(10), status: 'OFF' },
      { at: at(10 + rest), status: 'D' },
    ]
    return evaluateAlong(log, [from(first, 0), from(second, border)], at(12 + rest))
      .violations.filter(({ rule }) => rule.endsWith('cycle-switch'))
      .map(({ rule, from: broken, explanation }) => [rule, (broken - START) / HOUR, explanation.citation])
  }
  const ONE_TO_TWO = ['ca-south-70-7', 'ca-south-120-14'] as const
  const TWO_TO_ONE = ['ca-south-120-14', 'ca-south-70-7'] as const

  test('cycle 1 is left after 36 hours off, cycle 2 after 72: s. 29', () => {
    assert.deepEqual(switched(36, ONE_TO_TWO, 46), [])
    assert.deepEqual(switched(35, ONE_TO_TWO, 45), [['ca.cycle-switch', 45, 'SOR/2005-313 s. 29']])
    assert.deepEqual(switched(72, TWO_TO_ONE, 82), [])
    assert.deepEqual(switched(36, TWO_TO_ONE, 46), [['ca.cycle-switch', 46, 'SOR/2005-313 s. 29']])
    assert.deepEqual(switched(36, ['ca-north-120-14', 'ca-north-80-7'], 46), [
      ['ca.north.cycle-switch', 46, 'SOR/2005-313 s. 54'],
    ])
  })
  test('the rest may come after the change, and driving before it breaks the rule', () => {
    assert.deepEqual(switched(36, ONE_TO_TWO, 12), [])
    assert.deepEqual(switched(36, ONE_TO_TWO, 8), [['ca.cycle-switch', 8, 'SOR/2005-313 s. 29']])
  })
  test('to another country, or to the north, nothing is asked', () => {
    assert.deepEqual(switched(8, ['ca-south-70-7', 'us-property-70-8'], 18), [])
    assert.deepEqual(switched(8, ['ca-south-70-7', 'ca-north-120-14'], 18), [])
  })
})

describe('across a border with unknown time', () => {
  const log: GapEvent[] = [
    { at: at(0), status: 'D' },
    { at: at(6), status: 'UNKNOWN' },
    { at: at(9), status: 'D' },
  ]
  const along = (border: number, asOf: number) =>
    evaluateAlongWithGaps(log, [US, { ...CANADA, from: at(border) }], at(asOf))
  const spans = (all: readonly Violation[]) =>
    all.map(({ rule, from, until }) => `${rule} ${(from - START) / HOUR} to ${(until - START) / HOUR}`)

  test('each country’s limits hold for its time, proven and possible, and the clocks are those of the last', () => {
    // Up to eleven hours without an interruption may have been driven by the border, in the gap.
    const found = along(9, 13.5)
    assert.equal(found.ruleset, 'ca-south-70-7')
    assert.deepEqual(spans(found.proven), [])
    assert.deepEqual(spans(found.possible), ['us.break-30 8 to 9', 'ca.drive-13 13 to 13.5'])
    const drive = found.clocks.find(({ name }) => name === 'drive')!
    assert.deepEqual([drive.leastMs / HOUR, drive.mostMs / HOUR], [0, 2.5])
    // Three hours of the gap may have been rest, no more: thirteen are driven by 16:00 in any case.
    assert.deepEqual(spans(along(9, 17).proven), ['ca.drive-13 16 to 17', 'ca.window-16 16 to 17'])
  })

  test('what may be broken before the border is broken from it on by the other rules', () => {
    const back = evaluateAlongWithGaps(
      log,
      [
        { ...CANADA, from: START },
        { ...US, from: at(12) },
      ],
      at(14),
    )
    assert.deepEqual(spans(back.proven), [])
    assert.deepEqual(spans(back.possible), ['us.break-30 12 to 14', 'us.drive-11 12 to 14'])
  })

  test('the border may lie in the gap', () => {
    assert.deepEqual(spans(along(8.5, 9).possible), ['us.break-30 8 to 8.5'])
    assert.equal(along(8, 8.5).status, null)
  })

  test('both answers are there before the driver confirms', () => {
    const { stay, cross } = crossingWithGaps(log, [US], CANADA, at(9))
    const left = ({ clocks }: typeof stay) => {
      const { leastMs, mostMs } = clocks.find(({ name }) => name === 'drive')!
      return [leastMs / HOUR, mostMs / HOUR]
    }
    assert.deepEqual(
      [left(stay), left(cross)],
      [
        [2, 5],
        [4, 7],
      ],
    )
  })

  test('one ruleset along the log is that ruleset, and without a gap it is the plain answer', () => {
    const { ruleset, ...found } = evaluateAlongWithGaps(log, [US], at(13))
    assert.equal(ruleset, 'us-property-70-8')
    assert.deepEqual(found, evaluateWithGaps(log, 'us-property-70-8', OPTIONS, at(13)))
    const known: DutyEvent[] = [{ at: START, status: 'D' }]
    const regimes = [US, { ...CANADA, from: at(12) }]
    const plain = evaluateAlong(known, regimes, at(14))
    const doubly = evaluateAlongWithGaps(known, regimes, at(14))
    assert.deepEqual([doubly.proven, doubly.possible], [plain.violations, []])
    assert.throws(() => evaluateAlongWithGaps(log, [], START), /needs a ruleset/)
  })

  /** Rulesets that follow one another at borders, each with statuses of its own kind. */
  const PAIRS: readonly [string, readonly RulesetId[]][] = [
    ['America/Toronto', ['us-property-70-8', 'ca-south-70-7', 'us-property-70-8']],
    ['America/Toronto', ['ca-south-120-14', 'us-passenger-70-8', 'ca-north-80-7']],
    ['America/Toronto', ['ca-south-70-7', 'ca-south-120-14', 'ca-south-70-7']],
    ['Europe/London', ['gb-domestic', 'eu-561', 'gb-domestic']],
    ['Europe/London', ['gb-domestic-passenger', 'eu-wtd', 'eu-561']],
  ]
  for (const [timeZone, rulesets] of PAIRS)
    test(`${rulesets.join(', ')}: ${LOGS * FILLINGS} fillings are within the bounds`, () => {
      for (let i = 0; i < LOGS; i++) {
        const random = randomOf(SEED + i)
        const gapped = gappedOf(rulesets[0]!, random, timeZone)
        gapped.asOf = Math.max(gapped.asOf, gapped.log[0]!.at + HOUR)
        const [first, end] = [gapped.log[0]!.at, gapped.asOf]
        const borders = [random(1_000), random(1_000)].sort((a, b) => a - b)
        const regimes = rulesets.map((ruleset, r): Regime => {
          const part = r === 0 ? 0 : borders[r - 1]!
          const from = first + Math.floor((((end - first) / MINUTE) * part) / 1_000) * MINUTE + r
          return { from, ruleset, options: gapped.options }
        })
        const bounds = evaluateAlongWithGaps(gapped.log, regimes, gapped.asOf)
        for (let f = 0; f < FILLINGS; f++) {
          const filling = fillingOf(gapped, statusesOf(rulesets[0]!), random)
          const judged = evaluateAlong(filling, regimes, gapped.asOf)
          assert.equal(isBeyond(judged, bounds), null, `log ${i}, filling ${f}`)
        }
      }
    })
})

describe('a log with gaps', () => {
  test('what is proven, what is possible, and clocks as intervals', () => {
    const log: GapEvent[] = [
      { at: at(0), status: 'D' },
      { at: at(6), status: 'UNKNOWN' },
      { at: at(9), status: 'D' },
    ]
    const found = evaluateWithGaps(log, 'us-property-70-8', OPTIONS, at(13))
    assert.deepEqual(found.proven, [])
    assert.deepEqual(
      found.possible.map(({ rule }) => rule),
      ['us.break-30', 'us.drive-11'],
    )
    const drive = found.clocks.find(({ name }) => name === 'drive')
    assert.deepEqual([drive!.leastMs, drive!.mostMs], [0, HOUR])
    const later = evaluateWithGaps(log, 'us-property-70-8', OPTIONS, at(15))
    assert.deepEqual(
      later.proven.map(({ rule, from }) => [rule, (from - START) / HOUR]),
      [
        ['us.window-14', 14],
        ['us.drive-11', 14],
      ].sort(),
    )
    assert.equal(evaluateWithGaps(log.slice(0, 2), 'us-property-70-8', OPTIONS, at(8)).status, null)
  })
})
