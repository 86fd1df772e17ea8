import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from '../property.testing.ts'
import { HOUR, MINUTE } from '../time/instant.ts'
import { evaluate } from './evaluate.ts'
import { LogState } from './incremental.ts'
import { PackedLog } from './packed-log.ts'
import { assertSame, JURISDICTIONS, samplesOf } from './samples.testing.ts'
import { type DutyEvent, type DutyStatus, type HosOptions, HosRefusal, isEuropean } from './types.ts'

const START = Date.UTC(2026, 2, 2, 12)
const OPTIONS: HosOptions = { timeZone: 'America/Chicago', dayStartMinutes: 0 }

/** So many drivers of each ruleset are followed for ten weeks. */
const MONTHS = 2

/** Ten weeks of a driver who works hard, and now and then too hard. */
function monthsOf(seed: number, european: boolean): DutyEvent[] {
  let state = seed * 7_919
  const draw = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 4_294_967_296
  }
  const words = (european ? EUROPEAN : NORTH_AMERICAN) as Record<keyof typeof EUROPEAN, DutyStatus>
  const weekends = european ? [45, 46, 66, 24, 30] : [34, 36, 72]
  const log: DutyEvent[] = []
  let at = START + Math.floor(draw() * 600) * MINUTE
  const put = (word: keyof typeof EUROPEAN, hours: number) => {
    log.push({ at, status: words[word] })
    at += Math.max(1, Math.round(hours * 60)) * MINUTE
  }
  for (let day = 0; day < 70; day++) {
    put('work', 0.2 + draw() / 2)
    const legs = 1 + Math.floor(draw() * 4)
    for (let leg = 0; leg < legs; leg++) {
      put('drive', 0.5 + draw() * (draw() < 0.1 ? 4.5 : 2.2))
      put(draw() < 0.4 ? 'work' : 'rest', 0.1 + draw() * 0.9)
    }
    put('drive', draw())
    const weekend = weekends[Math.floor(draw() * weekends.length)]! + draw() * 2
    put(
      draw() < 0.5 ? 'rest' : 'berth',
      day % 6 === 5 ? weekend : draw() < 0.9 ? 10 + draw() * 2 : 7 + draw() * 3,
    )
  }
  return log
}

const EUROPEAN = { drive: 'DRIVE', work: 'WORK', rest: 'REST', berth: 'REST' } as const
const NORTH_AMERICAN = { drive: 'D', work: 'ON', rest: 'OFF', berth: 'SB' } as const

const RULESETS = Object.values(JURISDICTIONS).flatMap(({ rulesets }) => rulesets)

/** Puts an event where it belongs; after those of the same instant. */
function putInOrder(log: DutyEvent[], event: DutyEvent): void {
  const i = log.findIndex(({ at }) => at > event.at)
  log.splice(i < 0 ? log.length : i, 0, event)
}

describe('a log that grows', () => {
  for (const [name, jurisdiction] of Object.entries(JURISDICTIONS)) {
    test(`${name}: step by step is as all at once, also where an event comes late or is edited`, () => {
      const drawn = fc.record({
        one: samplesOf(jurisdiction, 8),
        parts: fc.tuple(fc.nat(1_000), fc.nat(1_000)),
        late: fc.nat(),
        by: fc.integer({ min: 1, max: 3 }),
        edited: fc.nat(),
        status: fc.constantFrom(...jurisdiction.statuses),
      })
      fc.assert(
        fc.property(drawn, ({ one, parts, late, by, edited, status }) => {
          const { log, ruleset, options } = one
          const state = new LogState(ruleset, options)
          const known: DutyEvent[] = []
          const take = (event: DutyEvent) => {
            state.advance(event)
            putInOrder(known, event)
          }
          const lateAt = late % (2 * log.length)
          const editedAt = edited % (2 * log.length)
          log.forEach((event, i) => {
            if (i !== lateAt) take(event)
            if (i === lateAt + by) take(log[lateAt]!)
            // The later of two events at one instant holds.
            if (i === editedAt + by) take({ at: log[editedAt]!.at, status })
            const until = log[i + 1]?.at ?? one.asOf
            const [first, second] = parts
              .map((part) => event.at + Math.floor(((until - event.at) * part) / 1_000))
              .sort((a, b) => a - b)
            // The first answer is what the second is carried on from.
            state.answer(first!)
            assertSame(state.answer(second!), evaluate(known, ruleset, options, second!))
          })
        }),
        { numRuns: 10_000 },
      )
    })
  }

  for (const ruleset of RULESETS) {
    test(`${ruleset}: after months it answers as the whole log, from less than 2 KiB`, () => {
      for (let seed = 1; seed <= MONTHS; seed++) {
        const log = monthsOf(seed, isEuropean(ruleset))
        const state = new LogState(ruleset, OPTIONS)
        log.forEach((event, i) => {
          state.advance(event)
          const until = log[i + 1]?.at ?? event.at + HOUR
          const answer = state.answer(until)
          if (i % 9 !== 0 && i < log.length - 20) return
          assertSame(answer, evaluate(log.slice(0, i + 1), ruleset, OPTIONS, until))
        })
        assert.ok(state.events < log.length / 2, `${state.events} of ${log.length} events are held`)
        assert.ok(state.bytes <= 2_048, `${state.bytes} bytes`)
      }
    })
  }

  test('an event that comes too late for what it holds is refused, not misjudged', () => {
    const state = new LogState('us-property-70-8', OPTIONS)
    const log = monthsOf(1, false)
    for (const event of log) {
      state.advance(event)
      state.answer(event.at + MINUTE)
    }
    assert.throws(
      () => state.advance({ at: log[0]!.at + HOUR, status: 'D' }),
      (error) => error instanceof HosRefusal && error.code === 'out-of-order',
    )
  })

  test('years, and instants between milliseconds, are held exactly', () => {
    const log = [0, 0.25, 1.5, 3 * 365 * 24 * HOUR, 3 * 365 * 24 * HOUR + 0.5].map(
      (after, i): DutyEvent => ({
        at: START + after,
        status: i % 2 ? 'OFF' : 'D',
      }),
    )
    const packed = new PackedLog()
    for (const event of [log[3]!, log[0]!, log[4]!, log[1]!, log[2]!]) packed.insert(event)
    assert.deepEqual(packed.events(), log)
  })

  test('what is no event is refused by name', () => {
    const state = new LogState('us-property-70-8', OPTIONS)
    assert.throws(() => state.advance({ at: START, status: 'X' as DutyStatus }), /"X" is no status/)
    assert.throws(() => state.advance({ at: Number.NaN, status: 'D' }), /not an instant/)
  })
})
