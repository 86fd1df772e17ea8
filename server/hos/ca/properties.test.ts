import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from '../../property.testing.ts'
import { DAY, HOUR, type Instant, MINUTE } from '../../time/instant.ts'
import { addDays, zone } from '../../time/zone.ts'
import { standing } from '../north-america/next-change.ts'
import type { DutyEvent, DutyStatus, Evaluation, HosOptions, RulesetId } from '../types.ts'
import { evaluateCanada as evaluate } from './evaluate.ts'
import { minuteByMinute } from './minute-by-minute.testing.ts'

/** Three days before clocks change in most of Canada. */
const START = Date.UTC(2026, 2, 5, 11)
const FIRST_DATE = '2026-03-05'
const RUNS = 10_000

interface Sample {
  log: DutyEvent[]
  ruleset: RulesetId
  options: HosOptions
  asOf: Instant
}
type Stretch = readonly [DutyStatus, number]

/** Lengths where the law looks: beside the limits more often than anywhere else. */
const minutes = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 300 }) },
  { weight: 2, arbitrary: fc.constantFrom(29, 30, 31, 119, 120, 121, 239, 240, 241, 300, 359, 360) },
  { weight: 2, arbitrary: fc.constantFrom(479, 480, 481, 540, 599, 600, 601, 779, 780, 781, 840, 841) },
  { weight: 1, arbitrary: fc.constantFrom(960, 961, 1_439, 1_440, 1_441, 2_159, 2_160, 2_161, 4_320) },
)
const status = fc.constantFrom<DutyStatus>('OFF', 'OFF', 'SB', 'SB', 'D', 'D', 'D', 'ON', 'PC', 'YM')

/** Anything after anything. */
const wild = (most: number): fc.Arbitrary<Stretch[]> =>
  fc.array(fc.tuple(status, minutes), { minLength: 1, maxLength: most })

/** Days as drivers have them, near the limits of a day's rest, a deferral, a split, the fortnight. */
const workingDays = (most: number): fc.Arbitrary<Stretch[]> => {
  const legs = fc.tuple(
    fc.integer({ min: 0, max: 90 }),
    fc.integer({ min: 200, max: 420 }),
    fc.constantFrom(20, 29, 30, 60, 120),
    fc.integer({ min: 120, max: 400 }),
    fc.integer({ min: 0, max: 120 }),
  )
  const night = fc.oneof(
    {
      weight: 6,
      arbitrary: fc
        .constantFrom(479, 480, 510, 540, 570, 600, 600, 601, 660, 720, 780)
        .map((length): Stretch[] => [['OFF', length]]),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(
          fc.constantFrom(120, 180, 239, 240, 300),
          fc.integer({ min: 60, max: 300 }),
          fc.constantFrom(240, 300, 420, 479),
        )
        .map(([first, between, second]): Stretch[] => [
          ['SB', first],
          ['D', between],
          ['SB', second],
        ]),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom(1_439, 1_440, 2_160).map((length): Stretch[] => [['OFF', length]]),
    },
  )
  const day = fc
    .tuple(legs, night)
    .map(([[on, first, stop, second, off], rest]): Stretch[] => [
      ['ON', on],
      ['D', first],
      ['OFF', stop],
      ['D', second],
      ['ON', off],
      ...rest,
    ])
  return fc
    .tuple(fc.constantFrom(0, 360, 600), fc.array(day, { minLength: 1, maxLength: most }))
    .map(([opening, days]) => [['OFF', opening] as const, ...days.flat()].filter(([, length]) => length > 0))
}

const SOUTH: readonly RulesetId[] = ['ca-south-70-7', 'ca-south-120-14']
const ALL: readonly RulesetId[] = [...SOUTH, 'ca-north-80-7', 'ca-north-120-14']

const sample = (
  stretches: fc.Arbitrary<Stretch[]>,
  zones: readonly string[],
  rulesets = SOUTH,
): fc.Arbitrary<Sample> =>
  fc
    .record({
      stretches,
      ruleset: fc.constantFrom(...rulesets),
      timeZone: fc.constantFrom(...zones),
      dayStartMinutes: fc.constantFrom(0, 0, 150, 240, 720),
      carriedMinutes: fc.option(fc.array(fc.integer({ min: 0, max: 840 }), { maxLength: 15 }), {
        nil: undefined,
      }),
      adverseAfter: fc.option(fc.integer({ min: 0, max: 4_000 }), { nil: undefined, freq: 4 }),
      team: fc.constantFrom(undefined, false, true),
      deferredAfter: fc.option(fc.array(fc.integer({ min: -1, max: 6 }), { maxLength: 3 }), {
        nil: undefined,
      }),
    })
    .map((drawn) => {
      let at = START
      const log = drawn.stretches.map(([one, length]) => {
        const event = { at, status: one }
        at += length * MINUTE
        return event
      })
      const { ruleset, timeZone, dayStartMinutes, carriedMinutes, team } = drawn
      const options: HosOptions = { timeZone, dayStartMinutes, carriedMinutes, team }
      // Later ones nobody knows yet.
      const met = START + (drawn.adverseAfter ?? 0) * MINUTE
      if (drawn.adverseAfter !== undefined && met < at) options.adverseConditions = [met]
      options.deferral = drawn.deferredAfter?.map((days) => ({ day1: addDays(FIRST_DATE, days) }))
      return { log, ruleset, options, asOf: at }
    })

const TORONTO = ['America/Toronto', 'America/Toronto', 'America/Regina']

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
const oneOf = (zones = TORONTO) => sample(fc.oneof(wild(20), workingDays(6)), zones, ALL)

function holds(property: (sample: Sample, random: number) => void, numRuns = RUNS, samples = oneOf()) {
  fc.assert(
    fc.property(samples, fc.nat(1_000_000), (one, random) => property(one, random)),
    { numRuns },
  )
}

/** An instant between the first event and the last. */
const within = ({ log, asOf }: Sample, random: number) =>
  log[0]!.at + (random % ((asOf - log[0]!.at) / MINUTE + 1)) * MINUTE

function asTheLawReads(one: Sample) {
  const answer = judge(one)
  const expected = minuteByMinute(one.log, one.ruleset, one.options, one.asOf)
  assert.deepEqual(verdicts(answer), expected.violations)
  assert.deepEqual(left(answer), expected.remaining)
}

describe('hours of Canada', () => {
  test('a: as the law read minute by minute, anything after anything', () => {
    holds(asTheLawReads, 500, sample(wild(14), TORONTO))
  })

  test('b: as the law read minute by minute, days as drivers have them', () => {
    holds(asTheLawReads, 300, sample(workingDays(5), TORONTO))
    holds(asTheLawReads, 40, sample(workingDays(22), TORONTO))
  })

  test('c: splitting an event in two changes nothing', () => {
    holds((one, random) => {
      const i = random % one.log.length
      const { at, status: same } = one.log[i]!
      const until = one.log[i + 1]?.at ?? one.asOf
      const middle = at + ((random >> 4) % ((until - at) / MINUTE)) * MINUTE
      const log = [...one.log.slice(0, i + 1), { at: middle, status: same }, ...one.log.slice(i + 1)]
      assert.deepEqual(said(judge({ ...one, log })), said(judge(one)))
    })
  })

  test('d: joining equal neighbours changes nothing', () => {
    holds((one) => {
      const log = one.log.filter((event, i) => event.status !== one.log[i - 1]?.status)
      assert.deepEqual(judge({ ...one, log }), judge(one))
    })
  })

  test('e: the last of several events at one instant holds', () => {
    holds((one, random) => {
      const i = random % one.log.length
      const log = [...one.log.slice(0, i), { at: one.log[i]!.at, status: 'D' as const }, ...one.log.slice(i)]
      assert.deepEqual(judge({ ...one, log }), judge(one))
    })
  })

  test('f: what happens after the instant asked about is not known', () => {
    holds((one, random) => {
      const asOf = within(one, random)
      const known = one.log.filter((event) => event.at <= asOf)
      assert.deepEqual(judge({ ...one, asOf }), judge({ ...one, asOf, log: known }))
    })
  })

  test('g: no clock rises while driving, and each falls by the time that passes', () => {
    holds((one, random) => {
      const log: DutyEvent[] = [...one.log, { at: one.asOf, status: 'D' }]
      const before = judge({ ...one, log })
      const length = 1 + (random % 300)
      const until = one.asOf + length * MINUTE
      const after = judge({ ...one, log, asOf: until })
      const { timeZone, dayStartMinutes } = one.options
      const dateOf = (at: Instant) => zone(timeZone).dateOf(at, dayStartMinutes)
      for (const [name, minutesLeft] of Object.entries(left(after))) {
        // With a new day its own hours come back, and those of the cycle.
        if (name !== 'window' && dateOf(one.asOf) !== dateOf(until)) continue
        assert.equal(minutesLeft, Math.max(0, left(before)[name]! - length), name)
      }
    })
  })

  test('h: a log shifted by whole weeks gives the same answer shifted', () => {
    fc.assert(
      fc.property(oneOf(['America/Regina']), fc.integer({ min: -500, max: 500 }), (one, weeks) => {
        const by = weeks * 7 * DAY
        const moved = judge({
          ...one,
          log: one.log.map(({ at, status: same }) => ({ at: at + by, status: same })),
          options: {
            ...one.options,
            adverseConditions: one.options.adverseConditions?.map((at) => at + by),
            deferral: one.options.deferral?.map(({ day1 }) => ({ day1: addDays(day1, weeks * 7) })),
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

  test('i: what was found earlier is found later, unless a completed pair or the rest going on took it back', () => {
    holds((one, random) => {
      const asOf = within(one, random)
      const later = verdicts(judge(one))
      const earlier = judge({ ...one, asOf })
      const paired = one.log.some(({ status: berth }) => berth === 'SB')
      const working = one.log.findLast(
        ({ at, status: now }) => at < asOf && !['OFF', 'SB', 'PC'].includes(now),
      )
      const restFrom = working
        ? (one.log[one.log.indexOf(working) + 1]?.at ?? one.asOf)
        : Number.POSITIVE_INFINITY
      for (const found of verdicts(earlier)) {
        if (paired && /\.(drive|duty|window)-/.test(found.rule)) continue
        // A rest over the end of a day may yet grow to what the day lacks.
        if (found.rule === 'ca.off-10-day' && restFrom < found.from) continue
        assert.ok(later.some(({ rule, from }) => rule === found.rule && from === found.from))
      }
    })
  })

  test('j: nothing changes before the next change but what runs down, and something does then', () => {
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

  test('l: a clock runs out when it says', () => {
    holds((one, random) => {
      const next = (['OFF', 'SB', 'D', 'ON', 'D'] as const)[random % 5]!
      const log = random % 2 === 0 ? one.log : [...one.log, { at: one.asOf, status: next }]
      for (const { name, runsOutAt } of judge({ ...one, log }).clocks) {
        if (runsOutAt === null || runsOutAt > one.asOf + 20 * DAY) continue
        assert.equal(left(judge({ ...one, log, asOf: runsOutAt }))[name], 0)
        assert.ok(left(judge({ ...one, log, asOf: runsOutAt - MINUTE }))[name]! > 0, name)
      }
    })
  })

  test('m: the window knows no days, and loses no minute when people change their clocks', () => {
    fc.assert(
      fc.property(oneOf(['America/Toronto']), (one) => {
        const [here, there] = [
          judge(one),
          judge({ ...one, options: { ...one.options, timeZone: 'America/Regina' } }),
        ]
        const windows = (answer: Evaluation) => verdicts(answer).filter(({ rule }) => rule.includes('window'))
        assert.deepEqual(windows(here), windows(there))
        assert.equal(left(here).window, left(there).window)
      }),
      { numRuns: RUNS },
    )
  })

  test('n: adverse conditions and deferrals take nothing from a clock', () => {
    holds((one) => {
      const plain = { ...one.options, adverseConditions: undefined, deferral: undefined }
      const [more, less] = [left(judge(one)), left(judge({ ...one, options: plain }))]
      for (const [name, minutesLeft] of Object.entries(less)) assert.ok(more[name]! >= minutesLeft, name)
    })
  })
})

describe('logs that can not be judged', () => {
  const refusal = (log: DutyEvent[], more: Partial<HosOptions> = {}, ruleset = 'ca-south-70-7') => {
    const options = { timeZone: 'America/Toronto', dayStartMinutes: 0, ...more }
    try {
      evaluate(log, ruleset as RulesetId, options, START + DAY)
    } catch (error) {
      const { name, code, index } = error as { name: string; code: string; index: number | null }
      return [name, code, index]
    }
    return 'an answer'
  }

  test('each with its reason and the event', () => {
    assert.deepEqual(refusal([{ at: START, status: 'REST' }]), ['HosRefusal', 'wrong-jurisdiction', 0])
    assert.deepEqual(refusal([], {}, 'ca-north-70-7'), ['HosRefusal', 'unknown-ruleset', null])
    assert.deepEqual(refusal([], { adverseConditions: [Number.NaN] }), ['HosRefusal', 'bad-option', null])
    for (const day1 of ['2026-02-30', '2026-3-5', '2026-13-01', '2026-03-05T00:00', '']) {
      assert.deepEqual(refusal([], { deferral: [{ day1 }] }), ['HosRefusal', 'bad-option', null])
    }
  })

  test('a log of 100,000 events without a full rest is answered in time that grows with it', () => {
    const log = Array.from(
      { length: 100_000 },
      (_, i): DutyEvent => ({ at: START + i * 3 * HOUR, status: i % 2 ? 'SB' : 'D' }),
    )
    const options = { timeZone: 'America/Toronto', dayStartMinutes: 0, deferral: [{ day1: FIRST_DATE }] }
    const startedAt = performance.now()
    assert.ok(evaluate(log, 'ca-south-120-14', options, START + 300_000 * HOUR).violations.length > 0)
    assert.ok(performance.now() - startedAt < 10_000)
  })
})
