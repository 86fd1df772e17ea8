import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from '../property.testing.ts'
import { DAY } from '../time/instant.ts'
import { addDays, zone } from '../time/zone.ts'
import { evaluate } from './evaluate.ts'
import { LogState } from './incremental.ts'
import { assertSame, JURISDICTIONS, type Sample, samplesOf, shuffled } from './samples.testing.ts'
import type { ClockName, Evaluation, RulesetId } from './types.ts'
import { unitedStatesLaw } from './us/limits.ts'

const RUNS = { numRuns: 10_000 }
const MOST_EVENTS = 12

const judge = ({ log, ruleset, options, asOf }: Sample) => evaluate(log, ruleset, options, asOf)

/** What knows neither days nor weeks, so that nothing of it moves when people change their clocks. */
const TIMELESS: Record<string, { rules: RegExp; clocks: readonly ClockName[] }> = {
  'United States': { rules: /^us\.(?!.*cycle)/, clocks: ['drive', 'window', 'duty', 'break'] },
  Canada: { rules: /^ca\.(?:window|off-24)/, clocks: ['window'] },
  'European Union': { rules: /^eu\.(?:break-45|rest-daily)$/, clocks: ['break', 'dutyDaily'] },
  'Great Britain': { rules: /^gb\.(?:drive-10|break-30)$/, clocks: ['driveDaily', 'break'] },
  'working time': { rules: /^wtd\.(?:work-6|break-daily)$/, clocks: ['break', 'breakDaily'] },
}

/** The same places if their clocks never changed: as they stand in winter, and in summer. */
const FIXED: Record<string, readonly [string, string]> = {
  'America/Denver': ['America/Phoenix', 'America/Regina'],
  'America/Winnipeg': ['America/Regina', 'America/Panama'],
  'Europe/Berlin': ['Africa/Lagos', 'Africa/Harare'],
  'Europe/London': ['UTC', 'Africa/Lagos'],
}

/** The clocks that count by local days or weeks, and that a log of a dozen events reaches. */
const BY_DAYS: Record<string, readonly ClockName[]> = {
  'United States': ['cycle'],
  Canada: ['drive', 'duty', 'cycle'],
  'European Union': ['driveWeekly', 'driveFortnight'],
  'Great Britain': [],
  'working time': ['workWeekly', 'workAverage'],
}

/** Where a clock begins to count at the earliest, by the date in the zone of the sample; null for one that knows no days. */
function firstDaysOf(clock: ClockName, ruleset: RulesetId, { options, asOf }: Sample): string[] | null {
  const start = ruleset.startsWith('us-') || ruleset.startsWith('ca-') ? options.dayStartMinutes : 0
  const today = zone(options.timeZone).dateOf(asOf, start)
  const before = (days: number) => addDays(today, -days)
  const monday = before((new Date(`${today}T00:00:00Z`).getUTCDay() + 6) % 7)
  switch (clock) {
    case 'cycle':
      return ruleset.startsWith('ca-')
        ? [before(/-14$/.test(ruleset) ? 13 : 6)]
        : [before(unitedStatesLaw(ruleset).cycle.days - 1), before(6)]
    case 'drive':
    case 'duty':
      return ruleset.startsWith('ca-south') ? [today] : null
    case 'driveWeekly':
    case 'workWeekly':
      return [monday]
    case 'driveFortnight':
    case 'workAverage':
      return [monday, addDays(monday, -7)]
    default:
      return null
  }
}

/** Do those days begin at the same instants in two zones, and is it the same day there? */
function standsTheSame(
  { options, asOf, ruleset }: Sample,
  one: string,
  other: string,
  dates: readonly string[],
): boolean {
  const start = /^(us|ca)-/.test(ruleset) ? options.dayStartMinutes : 0
  const [here, there] = [zone(one), zone(other)]
  return (
    here.dateOf(asOf, start) === there.dateOf(asOf, start) &&
    dates.every((date) => here.startOf(date, start) === there.startOf(date, start))
  )
}

const changesWithin = (name: string, [first]: readonly string[], asOf: number): boolean => {
  const clock = zone(name)
  return clock.offsetAt(clock.startOf(first!)) !== clock.offsetAt(asOf)
}

for (const [name, jurisdiction] of Object.entries(JURISDICTIONS)) {
  const samples = samplesOf(jurisdiction, MOST_EVENTS)

  describe(name, () => {
    test('the order in which events come changes nothing', () => {
      fc.assert(
        fc.property(samples, fc.nat(), (one, order) => {
          const state = new LogState(one.ruleset, one.options)
          for (const event of shuffled(one.log, order)) state.advance(event)
          assertSame(state.answer(one.asOf), judge(one))
        }),
        RUNS,
      )
    })

    test('day by day is as all at once', () => {
      fc.assert(
        fc.property(samples, (one) => {
          const state = new LogState(one.ruleset, one.options)
          let next = 0
          for (let day = one.log[0]!.at + DAY; next < one.log.length; day += DAY) {
            const until = Math.min(day, one.asOf)
            while (next < one.log.length && one.log[next]!.at <= until) state.advance(one.log[next++]!)
            state.answer(until)
          }
          assertSame(state.answer(one.asOf), judge(one))
        }),
        RUNS,
      )
    })

    test('the clocks that people change neither add nor lose a minute', () => {
      const { rules, clocks } = TIMELESS[name]!
      const said = (answer: Evaluation) => ({
        violations: answer.violations.filter(({ rule }) => rules.test(rule)),
        clocks: answer.clocks
          .filter((clock) => clocks.includes(clock.name))
          .map(({ name: clock, limitMs, remainingMs, since }) => ({ clock, limitMs, remainingMs, since })),
      })
      let told = 0
      fc.assert(
        fc.property(samples, (one) => {
          // Claims must lie days apart.
          const options = { ...one.options, shortHaul16: undefined }
          const [here, there] = jurisdiction.zones.map((timeZone) =>
            said(judge({ ...one, options: { ...options, timeZone } })),
          )
          told += here!.violations.length
          assertSame(here, there)
        }),
        RUNS,
      )
      assert.ok(told > RUNS.numRuns / 400, `${told} violations`)
    })

    test('a day of 23 or 25 hours counts the minutes that pass in it', () => {
      const counted = new Map<string, number>()
      fc.assert(
        fc.property(samples, (one) => {
          // What is told by a date may be told of another one where the clocks stand otherwise.
          const options = {
            ...one.options,
            carriedMinutes: undefined,
            deferral: undefined,
            shortHaul16: undefined,
          }
          const [changing] = jurisdiction.zones
          const within = { ...one, options: { ...options, timeZone: changing } }
          const here = judge(within)
          for (const timeZone of FIXED[changing]!) {
            const over = here.clocks.filter((clock) => {
              const firsts = firstDaysOf(clock.name, one.ruleset, within)
              return (
                firsts !== null &&
                changesWithin(changing, firsts, one.asOf) &&
                standsTheSame(within, changing, timeZone, firsts)
              )
            })
            if (over.length === 0) continue
            const there = judge({ ...one, options: { ...options, timeZone } })
            for (const { name: clock, remainingMs, limitMs } of over) {
              const twin = there.clocks.find((other) => other.name === clock)!
              assert.equal(remainingMs, twin.remainingMs, `${clock} in ${changing} and ${timeZone}`)
              if (remainingMs < limitMs) counted.set(clock, (counted.get(clock) ?? 0) + 1)
            }
          }
        }),
        RUNS,
      )
      for (const clock of BY_DAYS[name]!)
        assert.ok(
          (counted.get(clock) ?? 0) > RUNS.numRuns / 1_000,
          `${clock}: ${counted.get(clock)} over a change`,
        )
    })
  })
}
