import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { HOUR, MINUTE } from '../time/instant.ts'
import { evaluate } from './evaluate.ts'
import { LogState } from './incremental.ts'
import { type DutyEvent, type DutyStatus, type HosOptions, HosRefusal, type RulesetId } from './types.ts'

const START = Date.UTC(2026, 2, 2, 12)
const OPTIONS: HosOptions = { timeZone: 'America/Chicago', dayStartMinutes: 0 }

const STATUSES: Record<'na' | 'eu', DutyStatus[]> = {
  na: ['OFF', 'SB', 'D', 'ON', 'PC', 'YM', 'D', 'OFF'],
  eu: ['REST', 'DRIVE', 'WORK', 'POA'],
}
/** Minutes that meet the limits and their neighbourhood, long rests among them. */
const LENGTHS = [1, 20, 30, 31, 120, 180, 420, 480, 600, 660, 840, 24 * 60, 34 * 60, 36 * 60, 73 * 60]

const logOf = (statuses: readonly DutyStatus[], most: number) =>
  fc
    .array(
      fc.tuple(
        fc.constantFrom(...statuses),
        fc.oneof(fc.constantFrom(...LENGTHS), fc.integer({ min: 1, max: 400 })),
      ),
      {
        minLength: 1,
        maxLength: most,
      },
    )
    .map((stretches) => {
      let at = START
      return stretches.map(([status, minutes]): DutyEvent => {
        const event = { at, status }
        at += minutes * MINUTE
        return event
      })
    })

const RULESETS: RulesetId[] = [
  'us-property-70-8',
  'us-property-60-7',
  'us-passenger-70-8',
  'us-alaska-property',
  'ca-south-70-7',
  'ca-south-120-14',
  'eu-561',
]

describe('a log that grows', () => {
  for (const ruleset of RULESETS) {
    const statuses = STATUSES[ruleset === 'eu-561' ? 'eu' : 'na']
    const heartbeats = fc.array(fc.integer({ min: 0, max: 500 }), { maxLength: 5 })
    test(`${ruleset}: step by step is as all at once`, () => {
      fc.assert(
        fc.property(logOf(statuses, 70), heartbeats, (log, minutes) => {
          const state = new LogState(ruleset, OPTIONS)
          log.forEach((event, i) => {
            state.advance(event)
            const until = log[i + 1]?.at ?? event.at + 20 * HOUR
            for (const asOf of [event.at, ...minutes.map((minute) => event.at + minute * MINUTE), until].sort(
              (a, b) => a - b,
            )) {
              if (asOf > until) continue
              assert.deepEqual(state.answer(asOf), evaluate(log.slice(0, i + 1), ruleset, OPTIONS, asOf))
            }
          })
        }),
        { numRuns: ruleset.startsWith('us-property') ? 1_500 : 400 },
      )
    })
  }

  test('a late event is as one that came in time', () => {
    fc.assert(
      fc.property(logOf(STATUSES.na, 25), fc.nat(), fc.nat(600), (log, which, minutes) => {
        const late = log[which % log.length]!
        const others = log.filter((event) => event !== late)
        const state = new LogState('us-property-70-8', OPTIONS)
        const asOf = log.at(-1)!.at + minutes * MINUTE
        for (const event of others) state.advance(event)
        if (others.length > 0) state.answer(asOf)
        state.advance(late)
        const whole = [...others, late].sort((a, b) => a.at - b.at)
        assert.deepEqual(state.answer(asOf), evaluate(whole, 'us-property-70-8', OPTIONS, asOf))
      }),
      { numRuns: 2_000 },
    )
  })

  test('it holds what can still matter, in less than 2 KiB, and says when an event comes too late for it', () => {
    const state = new LogState('us-property-70-8', OPTIONS)
    let at = START
    const put = (status: DutyStatus, hours: number) => {
      state.advance({ at, status })
      at += hours * HOUR
      state.answer(at)
    }
    for (let day = 0; day < 60; day++) {
      put('ON', 0.5)
      for (let leg = 0; leg < 3; leg++) {
        put('D', 2)
        put('ON', 0.25)
        put('OFF', 0.5)
      }
      put(day % 6 === 5 ? 'OFF' : 'SB', day % 6 === 5 ? 35 : 12)
    }
    assert.ok(state.events < 100, `${state.events} events`)
    assert.ok(state.bytes < 2_048, `${state.bytes} bytes`)
    assert.throws(
      () => state.advance({ at: START + HOUR, status: 'D' }),
      (error) => error instanceof HosRefusal && error.code === 'out-of-order',
    )
  })

  test('what is no event is refused by name', () => {
    const state = new LogState('us-property-70-8', OPTIONS)
    assert.throws(() => state.advance({ at: START, status: 'X' as DutyStatus }), /"X" is no status/)
    assert.throws(() => state.advance({ at: Number.NaN, status: 'D' }), /not an instant/)
  })
})
