import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DUTY_STATUSES } from '../../server/hos/types.ts'
import { MINUTE } from '../../server/time/instant.ts'
import { zone } from '../../server/time/zone.ts'
import { daysBetween, snapped, stepped } from './days.ts'
import { answerOf, emptyQuestion, type Question, readQuestion } from './question.ts'
import { RULESET_IDS, RULESETS, rowIndexOf, rowsOf, statusIn } from './rulesets.ts'
import { SAMPLES } from './samples.ts'

const [passed] = SAMPLES
const judge = (change: Partial<Question>) => {
  const question = { ...passed!.question, ...change }
  return answerOf(question.ruleset, readQuestion(question))
}

describe('the question', () => {
  test('nothing asked is nothing judged', () => {
    const question = emptyQuestion('America/Chicago')
    assert.deepEqual(answerOf(question.ruleset, readQuestion(question)), { kind: 'empty' })
  })
  test('a faulty line, zone, time or option stops the judgement', () => {
    const { text, options } = passed!.question
    assert.deepEqual(judge({ text: `${text}\noops` }), { kind: 'unread', lines: 1, fields: 0 })
    assert.deepEqual(judge({ timeZone: 'Atlantis' }), { kind: 'unread', lines: 0, fields: 1 })
    assert.deepEqual(judge({ timeZone: '' }), { kind: 'unread', lines: 0, fields: 1 })
    assert.deepEqual(judge({ dayStart: '' }), { kind: 'unread', lines: 0, fields: 1 })
    assert.deepEqual(judge({ asOf: '0026-03-02T21:00' }), { kind: 'unread', lines: 0, fields: 1 })
    assert.deepEqual(judge({ asOf: '2029-03-02T21:00' }), { kind: 'unread', lines: 0, fields: 1 })
    const carried = { ...options, carried: '9:30, many' }
    assert.deepEqual(judge({ options: carried }), { kind: 'unread', lines: 0, fields: 1 })
  })
  test('what the engine refuses names the line', () => {
    const eu = judge({ ruleset: 'eu-561' })
    assert.deepEqual(eu.kind === 'refused' && [eu.where, eu.code], ['Line 1', 'wrong-jurisdiction'])
    const { text } = passed!.question
    const late = judge({ text: `\n${text}\n2026-03-01 08:00 ON` })
    assert.deepEqual(late.kind === 'refused' && [late.where, late.code], ['Line 9', 'out-of-order'])
  })
  test('circumstances reach the engine, those of other rules don’t', () => {
    const { options } = passed!.question
    const told = { ...options, adverse: '2026-03-02 12:00', team: true, carried: '60, 9:30' }
    const read = readQuestion({ ...passed!.question, options: told })
    assert.deepEqual(read.options.circumstances.adverseConditions, [Date.parse('2026-03-02T18:00:00Z')])
    assert.deepEqual(read.options.circumstances.carriedMinutes, [60, 570])
    assert.equal(read.options.circumstances.team, undefined)
    const answer = judge({ options: told })
    assert.deepEqual(answer.kind === 'judged' && answer.evaluation.violations, [])
  })
  test('asks about the last event if nothing is said', () => {
    const answer = judge({ asOf: '' })
    assert.equal(answer.kind === 'judged' && answer.evaluation.asOf, Date.parse('2026-03-03T01:15:00Z'))
  })
  test('every ruleset of the list judges an empty stretch of rest', () => {
    for (const ruleset of RULESET_IDS) {
      const text = `2026-03-02 00:00 ${rowsOf(ruleset)[0]!.status}`
      const answer = judge({ ruleset, text, asOf: '2026-03-02T06:00' })
      assert.equal(answer.kind, 'judged', ruleset)
    }
  })
})

describe('rows', () => {
  test('each row draws in itself, and every status has one', () => {
    for (const ruleset of RULESET_IDS) {
      rowsOf(ruleset).forEach(({ status }, i) => {
        assert.equal(rowIndexOf(ruleset, status), i)
        assert.equal(statusIn(ruleset, status), status)
      })
      for (const status of DUTY_STATUSES)
        assert.ok(rowIndexOf(ruleset, status) >= 0, `${RULESETS[ruleset].title}: ${status}`)
    }
  })
})

describe('days', () => {
  const chicago = zone('America/Chicago')
  test('come newest first, and are 23 hours long where the clocks change', () => {
    const { days, leftOut } = daysBetween(
      Date.parse('2026-03-06T12:00:00Z'),
      Date.parse('2026-03-09T12:00:00Z'),
      chicago,
      0,
      3,
    )
    assert.deepEqual(
      days.map(({ date, from, until }) => [date, (until - from) / (60 * MINUTE)]),
      [
        ['2026-03-09', 24],
        ['2026-03-08', 23],
        ['2026-03-07', 24],
      ],
    )
    assert.equal(leftOut, 1)
  })
  test('steps go from quarter to quarter, or by minutes', () => {
    assert.equal(stepped(7 * MINUTE, true, false), 15 * MINUTE)
    assert.equal(stepped(15 * MINUTE, true, false), 30 * MINUTE)
    assert.equal(stepped(15 * MINUTE, false, false), 0)
    assert.equal(stepped(15 * MINUTE, false, true), 14 * MINUTE)
    assert.equal(snapped(8 * MINUTE, false), 15 * MINUTE)
    assert.equal(snapped(7.6 * MINUTE, true), 8 * MINUTE)
  })
})
