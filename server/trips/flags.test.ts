import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as judge from '../ingest/judge.ts'
import { ASIDE, isTrusted, JUMP, REPAIRED_ROLLOVER } from './flags.ts'

test('flags mean what they mean on arrival', () => {
  assert.equal(REPAIRED_ROLLOVER, judge.REPAIRED_ROLLOVER)
  assert.equal(JUMP, judge.JUMP)
  assert.equal(ASIDE, judge.ASIDE)
  assert.ok(isTrusted(ASIDE) && !judge.isTrusted(ASIDE))
  for (let bit = 1; bit < 32_768; bit <<= 1) {
    assert.equal(isTrusted(bit), bit === judge.JUMP || judge.isTrusted(bit), String(bit))
  }
})
