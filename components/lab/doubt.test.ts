import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { zone } from '../../server/time/zone.ts'
import { drawFrom } from './draw.ts'
import { decodeQuestion, encodeQuestion } from './link.ts'
import { formatLog, parseLog } from './log-text.ts'
import { answerOf, type Question, readQuestion } from './question.ts'
import { SAMPLES } from './samples.ts'

const [passed] = SAMPLES
const asked = (change: Partial<Question>): Question => ({ ...passed!.question, ...change })
const judge = (change: Partial<Question>) => {
  const question = asked(change)
  return answerOf(question.ruleset, readQuestion(question))
}
const { text } = passed!.question
const gap = text.replace('2026-03-02 10:30 OFF', '2026-03-02 10:30 UNKNOWN')

describe('unknown time', () => {
  test('is read, written and drawn like a status', () => {
    const chicago = zone('America/Chicago')
    const { events, faults } = parseLog(gap, chicago)
    assert.deepEqual(faults, [])
    assert.equal(formatLog(events, chicago), gap)
    const drawn = drawFrom(events, events[0]!.at, 'UNKNOWN')
    assert.equal(drawn[0]!.status, 'UNKNOWN')
  })
  test('gives proven and possible violations and clocks from the least to the most', () => {
    const answer = judge({ text: gap })
    assert.equal(answer.kind, 'gapped')
    if (answer.kind !== 'gapped') return
    const { proven, possible, clocks } = answer.evaluation
    assert.deepEqual(
      [proven.map(({ rule }) => rule), possible.map(({ rule }) => rule)],
      [['us.drive-11'], ['us.break-30', 'us.drive-11']],
    )
    assert.ok(clocks.every(({ leastMs, mostMs }) => leastMs <= mostMs))
  })
  test('is judged across a border: by the new rules, and had they not changed', () => {
    const answer = judge({ text: gap, borders: [{ at: '2026-03-02T12:00', ruleset: 'ca-south-70-7' }] })
    assert.equal(answer.kind, 'gapped')
    if (answer.kind !== 'gapped') return
    assert.equal(answer.ruleset, 'ca-south-70-7')
    assert.deepEqual(
      [answer.evaluation.proven, answer.evaluation.possible].map((all) => all.map(({ rule }) => rule)),
      [[], []],
    )
    assert.equal(answer.unchanged?.ruleset, 'us-property-70-8')
    assert.deepEqual(
      answer.unchanged?.evaluation.proven.map(({ rule }) => rule),
      ['us.drive-11'],
    )
  })
})

describe('a border', () => {
  test('gives both answers: under the new rules, and had they not changed', () => {
    const answer = judge({ borders: [{ at: '2026-03-02T12:00', ruleset: 'ca-south-70-7' }] })
    assert.equal(answer.kind, 'judged')
    if (answer.kind !== 'judged') return
    assert.equal(answer.course.ruleset, 'ca-south-70-7')
    assert.deepEqual(answer.evaluation.violations, [])
    assert.equal(answer.unchanged?.ruleset, 'us-property-70-8')
    assert.deepEqual(
      answer.unchanged?.evaluation.violations.map(({ rule }) => rule),
      ['us.drive-11'],
    )
  })
  test('that is still ahead changes nothing; one without a time, or before another, is a fault', () => {
    const ahead = judge({ borders: [{ at: '2026-03-09T12:00', ruleset: 'ca-south-70-7' }] })
    assert.equal(ahead.kind === 'judged' && ahead.unchanged, null)
    const nowhere = { at: '', ruleset: 'ca-south-70-7' as const }
    assert.deepEqual(judge({ borders: [nowhere] }), { kind: 'unread', lines: 0, fields: 1 })
    const twice = { at: '2026-03-02T12:00', ruleset: 'ca-south-70-7' as const }
    assert.deepEqual(judge({ borders: [twice, twice] }), { kind: 'unread', lines: 0, fields: 1 })
  })
  test('and a plan stand in the link', () => {
    const question = asked({
      plan: 'D 4h, ON 45m',
      borders: [{ at: '2026-03-02T12:00', ruleset: 'ca-south-70-7' }],
    })
    assert.deepEqual(decodeQuestion(encodeQuestion(question)), question)
  })
})
