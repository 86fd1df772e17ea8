import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { line, name, unseenIn, visible, withoutUnseen } from './text-schema.ts'

const saidOf = (schema: ReturnType<typeof line>, text: string) =>
  schema.safeParse(text).error?.issues[0]?.message ?? null

describe('texts that people write and others read', () => {
  test('are refused with a character that nobody sees, which is named', () => {
    for (const [text, character] of [
      ['Ada\u202E', 'U+202E'],
      ['\u2066Ada', 'U+2066'],
      ['A\u200Bda', 'U+200B'],
      ['A\u200Dda', 'U+200D'],
      ['И\u200Cван', 'U+200C'],
      ['A\u00ADda', 'U+00AD'],
      ['A\0da', 'U+0000'],
      ['A\nda', 'U+000A'],
      ['A\u2028da', 'U+2028'],
      ['A\u{E0041}da', 'U+E0041'],
      ['A\uD800', 'U+D800'],
      ['\u05D0\u200E\u05D1', 'U+200E'],
      ['A\uFE0F', 'U+FE0F'],
    ] as const) {
      assert.equal(unseenIn(text), character)
      assert.match(saidOf(line(60), text)!, new RegExp(`can’t be seen.*${character.replace('+', '\\+')}`))
    }
  })

  test('are taken in every script, with the joiners that it needs, and composed', () => {
    for (const text of [
      'Zoë O’Brien-Łukasz',
      'Иван Smith',
      'КамАЗ-5490М',
      'Νίκος',
      'שלום עולם',
      'می\u200Cخواهم',
      'क्\u200Dष',
      '株式会社 運送',
      'Truck 7 ❤\uFE0F 👨\u200D👩\u200D👧',
      'Ω-7 µ-blox',
    ])
      assert.equal(saidOf(name(60), text), null, text)
    assert.equal(name(60).parse('  Jose\u0301 '), 'Jos\u00E9')
  })

  test('are no names where letters of two alphabets stand in one word; as a note they may', () => {
    for (const text of ['p\u0430ypal', 'Ada L\u043Evelace', '\u0410da', 'Br\u03BFwn', 'Ca\u0570n'])
      assert.match(saidOf(name(60), text)!, /in one word, which look alike/)
    assert.equal(saidOf(line(60), 'p\u0430ypal'), null)
  })

  test('have a length', () => {
    assert.equal(saidOf(name(5), 'Adaaaa'), 'At most 5 characters.')
    assert.equal(saidOf(name(5), '  '), 'Give it a name.')
    assert.equal(saidOf(line(5), ''), null)
  })

  test('of others are shown with what can’t be seen, or without it', () => {
    assert.equal(visible('a\u202Eb\n\tc\0'), 'a⟨U+202E⟩b\n\tc⟨U+0000⟩')
    assert.equal(visible('می\u200Cخواهم'), 'می\u200Cخواهم')
    assert.equal(withoutUnseen(' \u202EAda\u0000 Jose\u0301\u200B'), 'Ada Jos\u00E9')
  })

  test('take a time in proportion to their length', () => {
    for (const part of ['a', '\u0430a', '\u0301', '\u200D', '\u0915\u094D\u200D', '👨\u200D', 'a\u202E']) {
      const text = part.repeat(100_000)
      const from = performance.now()
      visible(text)
      unseenIn(text)
      name(1_000_000).safeParse(text)
      assert.ok(performance.now() - from < 10_000, `${JSON.stringify(part)}: ${performance.now() - from} ms`)
    }
  })
})
