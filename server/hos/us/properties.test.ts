import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from '../../property.testing.ts'
import { DAY, HOUR, type Instant, MINUTE } from '../../time/instant.ts'
import { standing } from '../north-america/next-change.ts'
import type { DutyEvent, DutyStatus, Evaluation, HosOptions, RulesetId } from '../types.ts'
import { evaluateUnitedStates as evaluate } from './evaluate.ts'
import { minuteByMinute } from './minute-by-minute.testing.ts'

const START = Date.UTC(2026, 2, 4, 11)
const RULESETS: RulesetId[] = [
  'us-property-60-7',
  'us-property-70-8',
  'us-passenger-60-7',
  'us-passenger-70-8',
]
/** The properties hold for these too, which nobody has read minute by minute. */
const ALL_RULESETS: RulesetId[] = [
  ...RULESETS,
  'us-short-haul',
  'us-short-haul-non-cdl',
  'us-alaska-property',
  'us-alaska-property-70-7',
  'us-alaska-passenger',
  'us-alaska-passenger-70-7',
  'us-texas-intrastate',
  'us-california-intrastate',
  'us-florida-intrastate-70-7',
  'us-florida-intrastate-80-8',
]
const RUNS = 10_000

interface Sample {
  log: DutyEvent[]
  ruleset: RulesetId
  options: HosOptions
  asOf: Instant
}

/** Lengths where the law looks: beside the limits more often than anywhere else. */
const minutes = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 300 }) },
  { weight: 2, arbitrary: fc.constantFrom(29, 30, 31, 119, 120, 121, 179, 180, 181, 299, 300) },
  { weight: 2, arbitrary: fc.constantFrom(419, 420, 421, 479, 480, 481, 599, 600, 601, 659, 660, 661) },
  { weight: 1, arbitrary: fc.constantFrom(840, 841, 2_039, 2_040, 2_041) },
)
const status = fc.constantFrom<DutyStatus>('OFF', 'SB', 'SB', 'D', 'D', 'D', 'ON', 'PC', 'YM')

const sample = (
  zones: readonly string[],
  most: number,
  rulesets: readonly RulesetId[] = ALL_RULESETS,
): fc.Arbitrary<Sample> =>
  fc
    .record({
      stretches: fc.array(fc.tuple(status, minutes), { minLength: 1, maxLength: most }),
      ruleset: fc.constantFrom(...rulesets),
      timeZone: fc.constantFrom(...zones),
      dayStartMinutes: fc.constantFrom(0, 0, 150, 240, 720),
      carriedMinutes: fc.option(fc.array(fc.integer({ min: 0, max: 840 }), { maxLength: 9 }), {
        nil: undefined,
      }),
      adverseAfter: fc.option(fc.integer({ min: 0, max: 4_000 }), { nil: undefined, freq: 4 }),
      shortHaul: fc.constantFrom(false, false, false, true),
      claimedAfter: fc.option(fc.array(fc.integer({ min: 0, max: 6_000 }), { maxLength: 3 }), {
        nil: undefined,
        freq: 3,
      }),
      driverSalesperson: fc.constantFrom(false, false, false, true),
    })
    .map((drawn) => {
      const { ruleset, timeZone, dayStartMinutes, carriedMinutes, adverseAfter, shortHaul } = drawn
      let at = START
      const log = drawn.stretches.map(([one, length]) => {
        const event = { at, status: one }
        at += length * MINUTE
        return event
      })
      const { driverSalesperson } = drawn
      const options: HosOptions = { timeZone, dayStartMinutes, carriedMinutes, shortHaul, driverSalesperson }
      // Later ones nobody knows yet.
      const met = START + (adverseAfter ?? 0) * MINUTE
      if (adverseAfter !== undefined && met < at) options.adverseConditions = [met]
      options.shortHaul16 = drawn.claimedAfter
        ?.map((after) => START + after * MINUTE)
        .filter((one) => one < at)
      return { log, ruleset, options, asOf: at }
    })

const chicago = ['America/Chicago', 'America/Chicago', 'America/Phoenix']

const judge = ({ log, ruleset, options, asOf }: Sample) => evaluate(log, ruleset, options, asOf)
const verdicts = ({ violations }: Evaluation) => violations.map(({ rule, from }) => ({ rule, from }))
const left = ({ clocks }: Evaluation) =>
  Object.fromEntries(clocks.map(({ name, remainingMs }) => [name, remainingMs / MINUTE]))
/** All that an evaluation says, but for what it was asked about. */
const said = ({ violations, clocks, nextChangeAt, status: now }: Evaluation) => ({
  violations,
  clocks,
  nextChangeAt,
  now,
})

function holds(
  property: (sample: Sample, random: number) => void,
  numRuns = RUNS,
  samples = sample(chicago, 25),
) {
  fc.assert(
    fc.property(samples, fc.nat(1_000_000), (one, random) => property(one, random)),
    { numRuns },
  )
}

describe('hours of the United States', () => {
  test('a: as the law read minute by minute', () => {
    holds(
      (one) => {
        const answer = judge(one)
        const expected = minuteByMinute(one.log, one.ruleset, one.options, one.asOf)
        assert.deepEqual(verdicts(answer), expected.violations)
        assert.deepEqual(left(answer), expected.remaining)
      },
      400,
      sample(chicago, 14, RULESETS),
    )
  })

  test('b: splitting an event in two changes nothing', () => {
    holds((one, random) => {
      const i = random % one.log.length
      const { at, status: same } = one.log[i]!
      const until = one.log[i + 1]?.at ?? one.asOf
      const middle = at + ((random >> 4) % ((until - at) / MINUTE)) * MINUTE
      const log = [...one.log.slice(0, i + 1), { at: middle, status: same }, ...one.log.slice(i + 1)]
      assert.deepEqual(said(judge({ ...one, log })), said(judge(one)))
    })
  })

  test('c: joining equal neighbours changes nothing', () => {
    holds((one) => {
      const log = one.log.filter((event, i) => event.status !== one.log[i - 1]?.status)
      assert.deepEqual(judge({ ...one, log }), judge(one))
    })
  })

  test('d: the last of several events at one instant holds', () => {
    holds((one, random) => {
      const i = random % one.log.length
      const log = [...one.log.slice(0, i), { at: one.log[i]!.at, status: 'D' as const }, ...one.log.slice(i)]
      assert.deepEqual(judge({ ...one, log }), judge(one))
    })
  })

  test('e: what happens after the instant asked about is not known', () => {
    holds((one, random) => {
      const asOf = one.log[0]!.at + (random % ((one.asOf - one.log[0]!.at) / MINUTE + 1)) * MINUTE
      const known = one.log.filter((event) => event.at <= asOf)
      assert.deepEqual(judge({ ...one, asOf }), judge({ ...one, asOf, log: known }))
    })
  })

  test('f: no clock rises while driving, and each falls by the time that passes', () => {
    holds((one, random) => {
      const before = judge({ ...one, log: [...one.log, { at: one.asOf, status: 'D' }] })
      const length = 1 + (random % 300)
      const after = judge({
        ...one,
        log: [...one.log, { at: one.asOf, status: 'D' }],
        asOf: one.asOf + length * MINUTE,
      })
      for (const [name, minutesLeft] of Object.entries(left(after))) {
        const earlier = left(before)[name]!
        // Hours of the cycle come back when a day begins.
        if (name === 'cycle') continue
        assert.equal(minutesLeft, Math.max(0, earlier - length), name)
      }
    })
  })

  test('g: a log shifted by whole weeks gives the same answer shifted', () => {
    fc.assert(
      fc.property(sample(['America/Phoenix'], 25), fc.integer({ min: -500, max: 500 }), (one, weeks) => {
        const by = weeks * 7 * DAY
        const moved = judge({
          ...one,
          log: one.log.map(({ at, status: same }) => ({ at: at + by, status: same })),
          options: {
            ...one.options,
            adverseConditions: one.options.adverseConditions?.map((at) => at + by),
            shortHaul16: one.options.shortHaul16?.map((at) => at + by),
          },
          asOf: one.asOf + by,
        })
        const back = JSON.parse(JSON.stringify(moved), (_, value) =>
          typeof value === 'number' && Math.abs(value) > 1e11 ? value - by : value,
        )
        assert.deepEqual(back, JSON.parse(JSON.stringify(judge(one))))
      }),
      { numRuns: RUNS },
    )
  })

  test('h: what was found earlier is found later, unless a completed pair took it back', () => {
    holds((one, random) => {
      const asOf = one.log[0]!.at + (random % ((one.asOf - one.log[0]!.at) / MINUTE + 1)) * MINUTE
      const later = verdicts(judge(one))
      const anyPair = one.log.some(({ status: berth }) => berth === 'SB')
      if (anyPair) return
      for (const found of verdicts(judge({ ...one, asOf }))) {
        assert.ok(later.some(({ rule, from }) => rule === found.rule && from === found.from))
      }
    })
  })

  test('i: nothing changes before the next change but what runs down, and something does then', () => {
    holds((one, random) => {
      const next = (['OFF', 'SB', 'D', 'ON'] as const)[random % 4]!
      const log = random % 3 === 0 ? [...one.log, { at: one.asOf, status: next }] : one.log
      const now = judge({ ...one, log })
      const later = (at: Instant) => standing(judge({ ...one, log, asOf: at }))
      const { nextChangeAt: change } = now
      const horizon = change ?? one.asOf + 30 * DAY
      if (horizon - one.asOf > 1) {
        assert.equal(later(one.asOf + 1 + (random % (horizon - one.asOf - 1))), standing(now))
        assert.equal(later(horizon - 1), standing(now))
      }
      if (change !== null) assert.notEqual(later(change), standing(now))
    })
  })

  test('j: a clock runs out when it says', () => {
    holds((one) => {
      for (const { name, runsOutAt } of judge(one).clocks) {
        if (runsOutAt === null || runsOutAt > one.asOf + 20 * DAY) continue
        assert.equal(left(judge({ ...one, asOf: runsOutAt }))[name], 0)
        assert.ok(left(judge({ ...one, asOf: runsOutAt - MINUTE }))[name]! > 0, name)
      }
    })
  })

  test('l: without a split, on-duty time turned into rest where it stands never makes a violation', () => {
    let turned = 0
    holds((sample, random) => {
      // Adverse conditions met in a rest count for nothing. 395.1(o) is claimed tour by tour, and is lost where the rest
      // ends the claimed tour early, or makes good an earlier claim that then uses the exception up.
      const options = { ...sample.options, adverseConditions: undefined, shortHaul16: undefined }
      const one = { ...sample, options }
      const log = one.log.map((event) =>
        event.status === 'SB' ? { ...event, status: 'OFF' as const } : event,
      )
      // As far as the log is lawful.
      const asOf = judge({ ...one, log }).violations[0]?.from ?? one.asOf
      const onDuty = log.filter(({ at, status: now }) => at < asOf && (now === 'ON' || now === 'YM'))
      if (onDuty.length === 0) return
      const chosen = onDuty[random % onDuty.length]
      const rested = log.map((event) => (event === chosen ? { ...event, status: 'OFF' as const } : event))
      turned++
      assert.deepEqual(judge({ ...one, log: rested, asOf }).violations, [])
    })
    assert.ok(turned > RUNS / 4, `${turned} logs had anything to turn`)
  })

  test('k: the clocks that people change neither add nor lose a minute', () => {
    fc.assert(
      fc.property(sample(['America/Chicago'], 25), (one) => {
        // Over the change, only the cycle knows days, and claims that must lie days apart.
        const options = { ...one.options, shortHaul16: undefined }
        const moved = { ...one, options: { ...options, timeZone: 'America/Phoenix' } }
        const [here, there] = [judge({ ...one, options }), judge(moved)]
        const timed = (answer: Evaluation) => verdicts(answer).filter(({ rule }) => !rule.includes('cycle'))
        assert.deepEqual(timed(here), timed(there))
        assert.deepEqual({ ...left(here), cycle: 0 }, { ...left(there), cycle: 0 })
      }),
      { numRuns: RUNS },
    )
  })
})

describe('the instant asked about', () => {
  test('a status that begins at it holds, though nothing of it has passed', () => {
    const log: DutyEvent[] = [
      { at: START, status: 'OFF' },
      { at: START + 10 * HOUR, status: 'D' },
    ]
    const options: HosOptions = { timeZone: 'America/Chicago', dayStartMinutes: 0 }
    const answer = evaluate(log, 'us-property-70-8', options, START + 10 * HOUR)
    assert.deepEqual([answer.status, answer.statusSince], ['D', START + 10 * HOUR])
    const [drive, window] = answer.clocks
    assert.deepEqual([drive!.running, drive!.runsOutAt], [true, START + 21 * HOUR])
    assert.deepEqual([window!.running, window!.runsOutAt], [true, START + 24 * HOUR])
    assert.equal(answer.nextChangeAt, START + 18 * HOUR)
  })
})

describe('logs that can not be judged', () => {
  const options: HosOptions = { timeZone: 'America/Chicago', dayStartMinutes: 0 }
  const at = (hour: number, one: string) => ({ at: START + hour * HOUR, status: one as DutyStatus })
  const refusal = (log: DutyEvent[], more: Partial<HosOptions> = {}, ruleset = 'us-property-70-8') => {
    try {
      evaluate(log, ruleset as RulesetId, { ...options, ...more }, START + DAY)
    } catch (error) {
      const { name, code, index } = error as { name: string; code: string; index: number | null }
      return [name, code, index]
    }
    return 'an answer'
  }

  test('each with its reason and the event', () => {
    assert.deepEqual(refusal([at(2, 'ON'), at(1, 'D')]), ['HosRefusal', 'out-of-order', 1])
    assert.deepEqual(refusal([at(Number.NaN, 'ON')]), ['HosRefusal', 'out-of-order', 0])
    assert.deepEqual(refusal([at(0, 'ON'), at(1, 'DRIVING')]), ['HosRefusal', 'unknown-status', 1])
    assert.deepEqual(refusal([at(0, 'REST')]), ['HosRefusal', 'wrong-jurisdiction', 0])
    assert.deepEqual(refusal([], { timeZone: 'America/Nowhere' }), ['HosRefusal', 'unknown-zone', null])
    assert.deepEqual(refusal([], { adverseConditions: [Number.NaN] }), ['HosRefusal', 'bad-option', null])
    assert.deepEqual(refusal([], {}, 'us-moon'), ['HosRefusal', 'unknown-ruleset', null])
    assert.deepEqual(refusal([], { dayStartMinutes: 1440 }), ['HosRefusal', 'bad-option', null])
    assert.deepEqual(refusal([], { carriedMinutes: [-1] }), ['HosRefusal', 'bad-option', null])
    const long = Array.from({ length: 100_001 }, (_, i) => ({ at: START + i, status: 'OFF' as const }))
    assert.deepEqual(refusal(long), ['HosRefusal', 'too-long', 100_000])
  })

  test('a log of 100,000 events without a full rest is answered in time that grows with it', () => {
    const log = Array.from({ length: 100_000 }, (_, i) => at(i * 3, i % 2 ? 'SB' : 'D'))
    const end = START + 300_000 * HOUR
    const startedAt = performance.now()
    assert.ok(evaluate(log, 'us-property-70-8', options, end).violations.length > 0)
    assert.ok(performance.now() - startedAt < 10_000)
  })
})
