import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from '../property.testing.ts'
import { hoursMinutes, minutesThatAddUp } from './duration.ts'
import { HOUR, MINUTE, SECOND } from './instant.ts'

describe('durations', () => {
  test('hours and minutes, never more than there is', () => {
    assert.equal(hoursMinutes(9 * HOUR + 5 * MINUTE + 59 * SECOND), '9:05')
    assert.equal(hoursMinutes(70 * HOUR), '70:00')
    assert.equal(hoursMinutes(-1), '0:00')
  })
  test('rows of whole minutes add up to the whole', () => {
    assert.deepEqual(minutesThatAddUp([30_000, 30_000, 0, 24 * HOUR - MINUTE]), [1, 0, 0, 1439])
    fc.assert(
      fc.property(fc.array(fc.nat(90_000_000), { minLength: 1, maxLength: 8 }), (durations) => {
        const minutes = minutesThatAddUp(durations)
        const sum = durations.reduce((a, b) => a + b, 0)
        assert.equal(
          minutes.reduce((a, b) => a + b, 0),
          Math.floor(sum / MINUTE),
        )
        for (const [i, ms] of durations.entries()) assert.ok(Math.abs(minutes[i]! - ms / MINUTE) < 1)
      }),
    )
  })
})
