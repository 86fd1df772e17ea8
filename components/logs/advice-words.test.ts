import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { advise } from '../../server/hos/advice.ts'
import type { Course } from '../../server/hos/forecast.ts'
import type { DutyStatus, RulesetId } from '../../server/hos/types.ts'
import { HOUR } from '../../server/time/instant.ts'
import { zonedDateTime } from '../format.ts'
import { costText, pairText, restWords } from './advice-words.ts'

/** 06:00 in Chicago, and 12:00 UTC. */
const START = Date.UTC(2026, 2, 2, 12)

function course(ruleset: RulesetId, timeZone: string, ...stretches: [DutyStatus, number][]): Course {
  let at = START
  const log = stretches.map(([status, hours]) => {
    const event = { at, status }
    at += hours * HOUR
    return event
  })
  return { log, ruleset, options: { timeZone, dayStartMinutes: 0 }, asOf: at }
}

describe('advice in words', () => {
  test('a split: what with, and by when', () => {
    const now = course('us-property-70-8', 'America/Chicago', ['D', 6], ['OFF', 3], ['D', 2])
    const time = (at: number) => zonedDateTime(at, 'America/Chicago', START)
    assert.match(
      pairText(advise(now).pairs[0]!, time),
      /^Split: after 3 h ending 15:00.*, Sleeper.* 7 h, begun by 20:00/,
    )
  })

  test('the rests of the EU by name, with what they cost', () => {
    const now = course('eu-561', 'UTC', ['DRIVE', 2])
    const time = (at: number) => zonedDateTime(at, 'UTC', START)
    const { pairs, rests } = advise(now)
    const [inTwo, daily] = pairs.map((pair) => pairText(pair, time))
    assert.match(inTwo!, /^Break in two parts: after 15 min ending 14:15.*, Rest.* 30 min, begun by 16:45/)
    assert.match(
      daily!,
      /^Daily rest in two parts: after 3 h ending 17:00.*, Rest.* 9 h, begun by Mar 3, 03:00/,
    )
    assert.equal(restWords(rests.find(({ ms }) => ms === 9 * HOUR)!), 'Reduced daily rest')
    assert.match(
      costText(rests.find(({ ms }) => ms === 24 * HOUR)!.cost!, time),
      /^Leaves 3 reduced rests and 2 extensions, owes 21 h by /,
    )
  })
})
