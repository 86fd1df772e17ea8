import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from '../../property.testing.ts'
import { DAY, HOUR, type Instant, MINUTE } from '../../time/instant.ts'
import { evaluate } from '../evaluate.ts'
import type { DutyEvent, EuropeanStatus, Evaluation, HosOptions, RulesetId } from '../types.ts'

const MONDAY = Date.UTC(2026, 4, 4)
const WEEK = 7 * DAY
const RUNS = { numRuns: 10_000 }

/** Lengths in minutes on and around the limits, where mistakes live. */
export type Lengths = Record<EuropeanStatus, readonly number[]>

export interface Log {
  log: DutyEvent[]
  end: Instant
}

/** Random logs of so many activities at most, beginning anywhere in a week. */
export function logsOf(lengths: Lengths, most: number): fc.Arbitrary<Log> {
  const piece = fc
    .constantFrom<EuropeanStatus>(
      'DRIVE',
      'DRIVE',
      'DRIVE',
      'WORK',
      'WORK',
      'POA',
      'REST',
      'REST',
      'REST',
      'FERRY',
    )
    .chain((status) => fc.constantFrom(...lengths[status]).map((minutes) => ({ status, minutes })))
  return fc
    .record({ start: fc.nat(7 * 24 * 60 - 1), pieces: fc.array(piece, { minLength: 1, maxLength: most }) })
    .map(({ start, pieces }) => {
      let at = MONDAY + start * MINUTE
      const log: DutyEvent[] = []
      for (const { status, minutes } of pieces) {
        log.push({ at, status })
        at += minutes * MINUTE
      }
      return { log, end: at }
    })
}

const breaches = (evaluation: Evaluation) => evaluation.violations.map(({ rule, from }) => `${rule} ${from}`)

/** The answers without what moves by itself. */
const still = (evaluation: Evaluation) =>
  JSON.stringify([
    evaluation.clocks.map((c) => [
      c.limitMs,
      c.running,
      c.runsOutAt,
      c.running ? evaluation.asOf + c.remainingMs : c.remainingMs,
    ]),
    breaches(evaluation),
  ])

export interface Suite {
  ruleset: RulesetId
  lengths: Lengths
  settings: fc.Arbitrary<HosOptions>
  /** Rules whose breaches nothing that comes later takes back. */
  stays: RegExp
  /** The breaches again, counted a minute at a time and without any cleverness: `rule instant`. */
  minuteByMinute(log: readonly DutyEvent[], end: Instant, options: HosOptions): string[]
  /** The clocks of which driving on takes what passes, while nothing turns. */
  drives: readonly string[]
}

/** What holds for the rules of any such ruleset, over 10,000 random logs each. */
export function checkProperties({ ruleset, lengths, settings, stays, minuteByMinute, drives }: Suite): void {
  const logs = logsOf(lengths, 40)
  const shortLogs = logsOf(lengths, 16)
  const judge = (log: readonly DutyEvent[], options: HosOptions, asOf: Instant) =>
    evaluate(log, ruleset, options, asOf)

  test(`${ruleset}: cutting an event in two and joining equal neighbours change nothing`, () => {
    fc.assert(
      fc.property(logs, settings, fc.nat(), ({ log, end }, options, cut) => {
        const whole = judge(log, options, end)
        const i = cut % log.length
        const event = log[i]!
        const until = log[i + 1]?.at ?? end
        const half = { ...event, at: event.at + Math.floor((until - event.at) / 2) }
        assert.deepEqual(judge([...log.slice(0, i + 1), half, ...log.slice(i + 1)], options, end), whole)
        const joined = log.filter(({ status }, n) => status !== log[n - 1]?.status)
        assert.deepEqual(judge(joined, options, end), whole)
      }),
      RUNS,
    )
  })

  test(`${ruleset}: what comes later does not matter, and what was found is found later`, () => {
    fc.assert(
      fc.property(logs, settings, fc.nat(), ({ log, end }, options, back) => {
        const asOf = log[0]!.at + (back % (end - log[0]!.at + 1))
        const earlier = judge(log, options, asOf)
        const known = log.filter((event) => event.at <= asOf)
        assert.deepEqual(judge(known, options, asOf), earlier)
        const later = new Set(breaches(judge(log, options, end)))
        for (const one of earlier.violations.filter(({ rule }) => stays.test(rule)))
          assert.ok(
            later.has(`${one.rule} ${one.from}`),
            `${one.rule} of ${new Date(one.from).toISOString()}`,
          )
      }),
      RUNS,
    )
  })

  test(`${ruleset}: whole weeks later the same log says the same, whole weeks later`, () => {
    const moved = (value: unknown, by: number): unknown => {
      if (typeof value === 'number') return value > MONDAY - 100 * WEEK ? value + by : value
      if (Array.isArray(value)) return value.map((one) => moved(one, by))
      if (value === null || typeof value !== 'object') return value
      return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, moved(one, by)]))
    }
    fc.assert(
      fc.property(logs, settings, fc.integer({ min: -40, max: 400 }), ({ log, end }, options, weeks) => {
        const by = weeks * WEEK
        const later = log.map((event) => ({ ...event, at: event.at + by }))
        assert.deepEqual(judge(later, options, end + by), moved(judge(log, options, end), by))
      }),
      RUNS,
    )
  })

  test(`${ruleset}: nothing changes before nextChangeAt, and something does then`, () => {
    fc.assert(
      fc.property(shortLogs, settings, fc.nat(3000), ({ log, end }, options, back) => {
        const asOf = end - back * MINUTE
        const now = judge(log, options, asOf)
        const known = log.filter((event) => event.at <= asOf)
        const until = Math.min(now.nextChangeAt ?? Number.POSITIVE_INFINITY, asOf + 30 * HOUR)
        for (let at = asOf + 1; at < until; at += 299 * MINUTE) {
          assert.equal(still(judge(known, options, at)), still(now))
        }
        if (now.nextChangeAt === null) return
        assert.equal(still(judge(known, options, now.nextChangeAt - 1)), still(now))
        assert.notEqual(still(judge(known, options, now.nextChangeAt)), still(now))
      }),
      RUNS,
    )
  })

  test(`${ruleset}: a clock is at zero when it runs out, and not a millisecond before`, () => {
    fc.assert(
      fc.property(shortLogs, settings, fc.nat(3000), ({ log, end }, options, back) => {
        const asOf = end - back * MINUTE
        const known = log.filter((event) => event.at <= asOf)
        judge(known, options, asOf).clocks.forEach((clock, i) => {
          if (clock.runsOutAt === null) return
          assert.equal(judge(known, options, clock.runsOutAt).clocks[i]?.remainingMs, 0, clock.name)
          assert.equal(judge(known, options, clock.runsOutAt - 1).clocks[i]?.remainingMs, 1, clock.name)
        })
      }),
      RUNS,
    )
  })

  test(`${ruleset}: while driving no clock rises before the next change, and driving takes what passes`, () => {
    fc.assert(
      fc.property(shortLogs, settings, fc.integer({ min: 1, max: 600 }), ({ log, end }, options, minutes) => {
        const driving = [...log, { at: end, status: 'DRIVE' as const }]
        const before = judge(driving, options, end + 1)
        const until = Math.min(end + minutes * MINUTE, (before.nextChangeAt ?? Number.POSITIVE_INFINITY) - 1)
        const after = judge(driving, options, until)
        before.clocks.forEach((clock, i) => {
          const left = after.clocks[i]!.remainingMs
          assert.ok(left <= clock.remainingMs, clock.name)
          const passedMs = until - (end + 1)
          if (drives.includes(clock.name))
            assert.equal(left, Math.max(0, clock.remainingMs - passedMs), clock.name)
        })
      }),
      RUNS,
    )
  })

  test(`${ruleset}: breaches are as counted minute by minute`, () => {
    fc.assert(
      fc.property(logs, settings, ({ log, end }, options) => {
        const counted = minuteByMinute(log, end, options).sort()
        assert.deepEqual(breaches(judge(log, options, end)).sort(), counted)
      }),
      RUNS,
    )
  })
}
