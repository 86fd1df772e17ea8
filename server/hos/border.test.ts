import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HOUR } from '../time/instant.ts'
import { crossing, evaluateAlong, type Regime } from './border.ts'
import { evaluate } from './evaluate.ts'
import { evaluateWithGaps, type GapEvent } from './gaps.ts'
import type { DutyEvent, HosOptions } from './types.ts'

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
