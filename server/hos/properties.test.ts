import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from '../property.testing.ts'
import { DAY } from '../time/instant.ts'
import { evaluate } from './evaluate.ts'
import { LogState } from './incremental.ts'
import { assertSame, JURISDICTIONS, type Sample, samplesOf, shuffled } from './samples.testing.ts'
import type { ClockName, Evaluation } from './types.ts'

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
  })
}
