import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as judge from '../ingest/judge.ts'
import { isTrusted, JUMP, REPAIRED_ROLLOVER } from './flags.ts'

test('flags mean what they mean on arrival', () => {
  assert.equal(REPAIRED_ROLLOVER, judge.REPAIRED_ROLLOVER)
  assert.equal(JUMP, judge.JUMP)
  for (let bit = 1; bit < 65_536; bit <<= 1) {
    assert.equal(isTrusted(bit), bit === judge.JUMP || judge.isTrusted(bit), String(bit))
  }
})
