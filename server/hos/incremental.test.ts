import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from '../property.testing.ts'
import { HOUR, MINUTE } from '../time/instant.ts'
import { evaluate } from './evaluate.ts'
import { LogState } from './incremental.ts'
import { PackedLog } from './packed-log.ts'
import {
  type DutyEvent,
  type DutyStatus,
  type HosOptions,
  HosRefusal,
  isEuropean,
  type RulesetId,
} from './types.ts'

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

const RULESETS: RulesetId[] = [
  'us-property-70-8',
  'us-property-60-7',
  'us-passenger-70-8',
  'us-alaska-property',
  'ca-south-70-7',
  'ca-south-120-14',
  'eu-561',
  'eu-wtd',
  'gb-domestic',
  'gb-domestic-passenger',
]

describe('a log that grows', () => {
  for (const ruleset of RULESETS) {
    const statuses = STATUSES[isEuropean(ruleset) ? 'eu' : 'na']
    const heartbeats = fc.array(fc.integer({ min: 0, max: 500 }), { maxLength: 5 })
    test(`${ruleset}: step by step is as all at once`, () => {
      fc.assert(
        fc.property(logOf(statuses, 40), heartbeats, (log, minutes) => {
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
        { numRuns: 1_500 },
      )
    })
  }

  test('the order in which events come changes nothing', () => {
    const keys = fc.array(fc.nat(), { minLength: 25, maxLength: 25 })
    fc.assert(
      fc.property(logOf(STATUSES.na, 25), keys, fc.nat(600), (log, order, minutes) => {
        const state = new LogState('us-property-70-8', OPTIONS)
        const shuffled = log.map((event, i) => ({ event, key: order[i]! })).sort((a, b) => a.key - b.key)
        for (const { event } of shuffled) state.advance(event)
        const asOf = log.at(-1)!.at + minutes * MINUTE
        assert.deepEqual(state.answer(asOf), evaluate(log, 'us-property-70-8', OPTIONS, asOf))
      }),
      { numRuns: 10_000 },
    )
  })

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
      { numRuns: 10_000 },
    )
  })

  for (const ruleset of RULESETS) {
    test(`${ruleset}: after months it answers as the whole log, from less than 2 KiB`, () => {
      for (let seed = 1; seed <= 8; seed++) {
        const log = monthsOf(seed, isEuropean(ruleset))
        const state = new LogState(ruleset, OPTIONS)
        log.forEach((event, i) => {
          state.advance(event)
          const until = log[i + 1]?.at ?? event.at + HOUR
          const answer = state.answer(until)
          if (i % 9 !== 0 && i < log.length - 20) return
          assert.deepEqual(answer, evaluate(log.slice(0, i + 1), ruleset, OPTIONS, until), `seed ${seed}`)
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
