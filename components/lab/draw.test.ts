import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { GapEvent } from '../../server/hos/gaps.ts'
import type { DutyStatus } from '../../server/hos/types.ts'
import fc from '../../server/property.testing.ts'
import { HOUR } from '../../server/time/instant.ts'
import { drawFrom, drawStretch, removeChange, statusAt, stretchesOf, tidied } from './draw.ts'

const status = fc.constantFrom<DutyStatus>('OFF', 'SB', 'D', 'ON', 'PC')
const at = fc.integer({ min: 0, max: 48 }).map((quarters) => quarters * (HOUR / 4))
const log = fc.array(fc.record({ at, status }), { maxLength: 20 }).map(tidied)

/** In order, no two at one instant, no neighbours alike. */
function assertTidy(events: readonly GapEvent[]): void {
  events.forEach((event, i) => {
    const before = events[i - 1]
    if (!before) return
    assert.ok(before.at < event.at)
    assert.notEqual(before.status, event.status)
  })
}

describe('drawing', () => {
  test('a stretch has the status, all else is as it was, and the log stays tidy', () => {
    fc.assert(
      fc.property(log, at, at, status, at, (events, a, b, drawn, probe) => {
        const [from, until] = [Math.min(a, b), Math.max(a, b)]
        const after = drawStretch(events, { from, until, status: drawn }, 'OFF')
        assertTidy(after)
        const expected = probe >= from && probe < until ? drawn : statusAt(events, probe, 'OFF')
        assert.equal(statusAt(after, probe, 'OFF'), expected)
      }),
    )
  })
  test('from the cursor on the status holds until the next change', () => {
    fc.assert(
      fc.property(log, at, status, at, (events, from, drawn, probe) => {
        const after = drawFrom(events, from, drawn)
        assertTidy(after)
        const next = events.find((event) => event.at > from)?.at ?? Number.POSITIVE_INFINITY
        const expected = probe >= from && probe < next ? drawn : statusAt(events, probe, 'OFF')
        assert.equal(statusAt(after, probe, 'OFF'), expected)
      }),
    )
  })
  test('a change taken away lets go on what was before it', () => {
    fc.assert(
      fc.property(log, at, (events, cursor) => {
        const after = removeChange(events, cursor)
        assertTidy(after)
        const i = events.findLastIndex((event) => event.at <= cursor)
        if (i < 0) return assert.deepEqual(after, events)
        assert.ok(after.length < events.length)
        const before = events[i - 1]?.status ?? 'OFF'
        assert.equal(statusAt(after, events[i]!.at, 'OFF'), before)
      }),
    )
  })
  test('on an empty log leaves a beginning and an end', () => {
    assert.deepEqual(drawStretch([], { from: 6 * HOUR, until: 8 * HOUR, status: 'D' }, 'OFF'), [
      { at: 6 * HOUR, status: 'D' },
      { at: 8 * HOUR, status: 'OFF' },
    ])
  })
  test('stretches of a period are cut at its edges and at the end', () => {
    const events: GapEvent[] = [
      { at: HOUR, status: 'D' },
      { at: 3 * HOUR, status: 'OFF' },
    ]
    const period = { from: 2 * HOUR, until: 10 * HOUR }
    assert.deepEqual(stretchesOf(events, period, 4 * HOUR), [
      { from: 2 * HOUR, until: 3 * HOUR, status: 'D' },
      { from: 3 * HOUR, until: 4 * HOUR, status: 'OFF' },
    ])
  })
})
