import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DUTY_STATUSES } from '../../server/hos/types.ts'
import fc from '../../server/property.testing.ts'
import { zone } from '../../server/time/zone.ts'
import { decodeQuestion, encodeQuestion } from './link.ts'
import { formatLog } from './log-text.ts'
import { NO_OPTIONS } from './options.ts'
import { answerOf, emptyQuestion, readQuestion } from './question.ts'
import { RULESET_IDS } from './rulesets.ts'
import { SAMPLES } from './samples.ts'

/** Plain objects, as they come from JSON. */
const record = <T>(shape: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record<T>(shape, { noNullPrototype: true })

const timeZone = fc.constantFrom(
  'America/Chicago',
  'Europe/Berlin',
  'UTC',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
)
const log = fc
  .record({
    first: fc.integer({ min: Date.parse('2020-01-02'), max: Date.parse('2030-01-01') }),
    unit: fc.constantFrom(1, 1_000, 60_000),
    steps: fc.array(
      record({
        units: fc.nat({ max: 3_000 }),
        status: fc.constantFrom(...DUTY_STATUSES, 'UNKNOWN' as const),
      }),
      {
        minLength: 1,
        maxLength: 40,
      },
    ),
  })
  .map(({ first, unit, steps }) => {
    let at = Math.floor(first / unit) * unit
    return steps.map(({ units, status }) => {
      at += units * unit
      return { at, status }
    })
  })
const options = record({
  shortHaul: fc.boolean(),
  shortHaul16: fc.string(),
  driverSalesperson: fc.boolean(),
  adverse: fc.string({ unit: 'grapheme' }),
  carried: fc.string(),
  team: fc.boolean(),
  deferral: fc.string(),
  multiManning: fc.boolean(),
  crewReducedRestCounts: fc.boolean(),
  internationalTwoReduced: fc.boolean(),
  nightStart: fc.constantFrom('', '1:00'),
  averageOver26Weeks: fc.boolean(),
})
const rest = record({
  ruleset: fc.constantFrom(...RULESET_IDS),
  timeZone,
  dayStart: fc.constantFrom('00:00', '04:30', ''),
  asOf: fc.constantFrom('', '2026-03-02T21:00'),
  options,
  plan: fc.constantFrom('', 'D 4h, ON 1h', 'nonsense'),
  borders: fc.array(
    record({ at: fc.constantFrom('', '2026-03-02T12:00'), ruleset: fc.constantFrom(...RULESET_IDS) }),
    {
      maxLength: 3,
    },
  ),
})

describe('the link', () => {
  test('holds the whole question with a log that can be read', () => {
    fc.assert(
      fc.property(rest, log, (asked, events) => {
        const question = { ...asked, text: formatLog(events, zone(asked.timeZone)) }
        assert.deepEqual(decodeQuestion(encodeQuestion(question)), question)
      }),
    )
  })
  test('holds the text of one that can’t', () => {
    fc.assert(
      fc.property(rest, fc.string({ unit: 'grapheme' }), (asked, scrawl) => {
        const question = { ...asked, text: `nonsense ${scrawl}` }
        assert.deepEqual(decodeQuestion(encodeQuestion(question)), question)
      }),
    )
  })
  test('keeps a log out of order and a zone that is none', () => {
    const { text } = SAMPLES[0]!.question
    const backwards = { ...SAMPLES[0]!.question, text: text.split('\n').reverse().join('\n') }
    assert.deepEqual(decodeQuestion(encodeQuestion(backwards)), backwards)
    const nowhere = { ...SAMPLES[0]!.question, timeZone: 'Atlantis' }
    assert.deepEqual(decodeQuestion(encodeQuestion(nowhere)), nowhere)
  })
  test('a week of work fits into a message', () => {
    const week = Array.from({ length: 7 * 12 }, (_, i) => ({
      at: Date.parse('2026-03-02T06:00:00Z') + i * 2 * 3_600_000,
      status: DUTY_STATUSES[i % 4]!,
    }))
    const text = formatLog(week, zone('America/Chicago'))
    assert.ok(encodeQuestion({ ...emptyQuestion('America/Chicago'), text }).length < 1_000)
  })
  test('anything else is no link, and never throws', () => {
    for (const code of ['', 'x', '%%%', btoa('{}'), btoa('{"r":"us-none","z":"UTC"}'), btoa('[1]')]) {
      assert.equal(decodeQuestion(code), null)
    }
    const far = btoa('{"r":"eu-561","z":"UTC","f":9007199254740991,"e":"REST0"}')
    assert.equal(decodeQuestion(far), null)
    fc.assert(
      fc.property(fc.base64String(), (code) => {
        decodeQuestion(code)
      }),
    )
  })
  test('of an empty question is short, and is one', () => {
    const question = emptyQuestion('UTC')
    assert.deepEqual(decodeQuestion(encodeQuestion(question)), question)
    assert.deepEqual(question.options, NO_OPTIONS)
  })
})

describe('the samples', () => {
  for (const { name, question } of SAMPLES) {
    test(`${name} is judged, and stands in its link`, () => {
      assert.equal(answerOf(question.ruleset, readQuestion(question)).kind, 'judged')
      assert.deepEqual(decodeQuestion(encodeQuestion(question)), question)
    })
  }
  test('the first breaks the 11 hours, the others nothing', () => {
    const rules = SAMPLES.map(({ question }) => {
      const answer = answerOf(question.ruleset, readQuestion(question))
      return answer.kind === 'judged' ? answer.evaluation.violations.map(({ rule }) => rule) : null
    })
    assert.deepEqual(rules, [['us.drive-11'], [], []])
  })
})
