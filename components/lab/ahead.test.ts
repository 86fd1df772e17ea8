import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HOUR, MINUTE } from '../../server/time/instant.ts'
import { aheadOf, MOST_EVENTS_AHEAD, parsePlan } from './ahead.ts'

const START = Date.UTC(2026, 2, 2, 12)
const options = { timeZone: 'America/Chicago', dayStartMinutes: 0 }

describe('what comes next in the lab', () => {
  test('eleven hours driven: ten hours off bring them back', () => {
    const log = [{ at: START, status: 'D' as const }]
    const ahead = aheadOf({ log, ruleset: 'us-property-70-8', options, asOf: START + 11 * HOUR })!
    assert.equal(ahead.advice.shortest!.ms, 10 * HOUR)
    const drive = ahead.back.find(({ clocks }) => clocks.some(({ name }) => name === 'drive'))!
    assert.equal(drive.restedMs, 10 * HOUR)
  })

  test('a log too long is not asked again and again', () => {
    const log = Array.from({ length: MOST_EVENTS_AHEAD + 1 }, (_, i) => ({
      at: START + i * HOUR,
      status: i % 2 ? ('OFF' as const) : ('D' as const),
    }))
    assert.equal(aheadOf({ log, ruleset: 'us-property-70-8', options, asOf: log.at(-1)!.at }), null)
  })

  test('a plan as it is typed', () => {
    assert.deepEqual(parsePlan('D 4h, on 45m, D 6h30,'), {
      steps: [
        { status: 'D', ms: 4 * HOUR },
        { status: 'ON', ms: 45 * MINUTE },
        { status: 'D', ms: 6.5 * HOUR },
      ],
    })
    assert.deepEqual(parsePlan(''), { steps: [] })
    for (const text of ['D', 'DRVE 4h', '4h D', 'D four'])
      assert.match(JSON.stringify(parsePlan(text)), /is no step/)
  })
})
