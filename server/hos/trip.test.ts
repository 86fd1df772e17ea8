import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { HOUR } from '../time/instant.ts'
import { type Course, type Step, whatIf } from './forecast.ts'
import { planLegalTrip } from './trip.ts'
import type { DutyEvent, DutyStatus, RulesetId } from './types.ts'

/** Monday, 06:00 in Chicago. */
const START = Date.UTC(2026, 2, 2, 12)

function course(ruleset: RulesetId, ...stretches: readonly (readonly [DutyStatus, number])[]): Course {
  let at = START
  const log = stretches.map(([status, hours]): DutyEvent => {
    const event = { at, status }
    at += hours * HOUR
    return event
  })
  return { log, ruleset, options: { timeZone: 'America/Chicago', dayStartMinutes: 0 }, asOf: at }
}
const step = (status: DutyStatus, hours: number): Step => ({ status, ms: hours * HOUR })
const told = (steps: readonly Step[]) => steps.map(({ status, ms }) => `${status} ${ms / HOUR}`)

interface Grid {
  slotMs: number
  lengths: readonly number[]
  kinds: readonly DutyStatus[]
  mostHours: number
  runs: number
}

const HOURLY: Grid = {
  slotMs: HOUR,
  lengths: [HOUR / 2, ...Array.from({ length: 12 }, (_, i) => (i + 1) * HOUR)],
  kinds: ['OFF', 'SB'],
  mostHours: 6,
  runs: 20,
}
const AMERICAN = { drive: 'D', work: 'ON', rest: 'OFF' } as const
const EUROPEAN = { drive: 'DRIVE', work: 'WORK', rest: 'REST' } as const
const INSTANCES: {
  ruleset: RulesetId
  words: { drive: DutyStatus; work: DutyStatus; rest: DutyStatus }
  grid: Grid
}[] = [
  { ruleset: 'us-property-70-8', words: AMERICAN, grid: HOURLY },
  { ruleset: 'us-passenger-70-8', words: AMERICAN, grid: { ...HOURLY, runs: 10 } },
  { ruleset: 'ca-south-70-7', words: AMERICAN, grid: { ...HOURLY, runs: 10 } },
  {
    ruleset: 'eu-561',
    words: EUROPEAN,
    grid: {
      slotMs: HOUR / 2,
      lengths: [0.25, 0.5, 0.75, 1, 3, 7, 8, 8.5, 9, 10, 11].map((hours) => hours * HOUR),
      kinds: ['REST'],
      mostHours: 5,
      runs: 15,
    },
  },
  {
    ruleset: 'gb-domestic',
    words: EUROPEAN,
    grid: {
      ...HOURLY,
      lengths: [1, 4, 9, 10, 12, 14].map((hours) => hours * HOUR),
      kinds: ['REST'],
      runs: 15,
    },
  },
  {
    ruleset: 'gb-domestic-passenger',
    words: EUROPEAN,
    grid: {
      slotMs: HOUR / 2,
      lengths: [0.25, 0.5, 0.75, 1, 3, 8.5, 9, 10].map((hours) => hours * HOUR),
      kinds: ['REST'],
      mostHours: 5,
      runs: 15,
    },
  },
  {
    ruleset: 'eu-wtd',
    words: EUROPEAN,
    grid: {
      slotMs: HOUR / 2,
      lengths: [0.25, 0.5, 0.75, 1, 3, 8, 9, 10].map((hours) => hours * HOUR),
      kinds: ['REST'],
      mostHours: 5,
      runs: 15,
    },
  },
]

describe('a legal trip', () => {
  test('drive 4 h, load 1 h, drive 6 h: no rest is needed', () => {
    const trip = planLegalTrip(course('us-property-70-8', ['ON', 0.5]), [
      step('D', 4),
      step('ON', 1),
      step('D', 6),
    ])
    assert.deepEqual(told(trip!.steps), ['D 4', 'ON 1', 'D 6'])
    assert.equal(trip!.restMs, 0)
  })

  test('eight hours and then half an hour', () => {
    const trip = planLegalTrip(course('us-property-70-8', ['ON', 0.5]), [step('D', 10)])
    assert.equal(trip!.restMs, HOUR / 2)
    assert.equal(trip!.arrivalAt, START + 11 * HOUR)
  })

  test('ten hours of rest in two pieces save the half hour between', () => {
    const trip = planLegalTrip(course('us-property-70-8', ['ON', 0.5]), [step('D', 15)])
    assert.equal(trip!.restMs, 10 * HOUR)
    assert.equal(whatIf(course('us-property-70-8', ['ON', 0.5]), trip!.steps).legal, true)
  })

  test('in the EU 45 minutes after four and a half hours, and a day’s rest', () => {
    const trip = planLegalTrip(course('eu-561', ['WORK', 0.5]), [
      step('DRIVE', 9),
      step('WORK', 1),
      step('DRIVE', 3),
    ])
    assert.equal(whatIf(course('eu-561', ['WORK', 0.5]), trip!.steps).legal, true)
    assert.equal(trip!.restMs, 9.75 * HOUR)
  })

  test('none within the bounds is none', () => {
    assert.equal(planLegalTrip(course('us-property-70-8'), [step('D', 40)], { mostMs: 24 * HOUR }), null)
  })

  for (const { ruleset, words, grid } of INSTANCES) {
    test(`${ruleset}: no way of resting by hand arrives earlier`, () => {
      const instance = fc.record({
        driven: fc.integer({ min: 0, max: 8 }),
        worked: fc.integer({ min: 0, max: 3 }),
        legs: fc.array(
          fc.record({
            status: fc.constantFrom<DutyStatus>(words.drive, words.drive, words.work),
            hours: fc.integer({ min: 1, max: grid.mostHours }),
          }),
          { minLength: 1, maxLength: 3 },
        ),
      })
      fc.assert(
        fc.property(instance, ({ driven, worked, legs }) => {
          // What is broken before the trip begins is not the planner's.
          const drivenMost = Math.min(driven, words === EUROPEAN ? 4 : 8)
          const now = course(ruleset, [words.rest, 1], [words.work, worked], [words.drive, drivenMost])
          const steps = legs.map(({ status, hours }) => step(status, hours))
          const trip = planLegalTrip(now, steps)
          assert.ok(trip)
          assert.deepEqual(whatIf(now, trip.steps).violations, [])
          const best = byHand(now, steps, trip.restMs, grid)
          assert.ok(
            best === null || best >= trip.restMs,
            `by hand ${best! / HOUR} h of rest, planned ${trip.restMs / HOUR} h`,
          )
        }),
        { numRuns: grid.runs },
      )
    })
  }
})

/**
 * The least rest that makes the legs legal, by trying everything on a grid: up to two rests, anywhere, of the lengths and
 * kinds given. Only what is less than `than` is looked for.
 */
function byHand(
  now: Course,
  legs: readonly Step[],
  than: number,
  { slotMs, lengths, kinds }: Grid,
): number | null {
  const slots = legs.flatMap(({ status, ms }) => Array.from({ length: ms / slotMs }, () => status))
  let best: number | null = null
  const consider = (rests: readonly { after: number; status: DutyStatus; ms: number }[]) => {
    const plan: Step[] = []
    for (let i = 0; i <= slots.length; i++) {
      for (const rest of rests) if (rest.after === i) plan.push({ status: rest.status, ms: rest.ms })
      if (i < slots.length) plan.push({ status: slots[i]!, ms: slotMs })
    }
    if (whatIf(now, plan).legal) best = rests.reduce((sum, rest) => sum + rest.ms, 0)
  }
  const bound = () => Math.min(than, best ?? Number.POSITIVE_INFINITY)
  if (bound() > 0) consider([])
  for (let first = 0; first < slots.length; first++) {
    for (const a of lengths) {
      for (const one of kinds) {
        if (a < bound()) consider([{ after: first, status: one, ms: a }])
        for (let second = first + 1; second < slots.length; second++) {
          for (const b of lengths) {
            for (const other of kinds) {
              if (a + b >= bound()) continue
              consider([
                { after: first, status: one, ms: a },
                { after: second, status: other, ms: b },
              ])
            }
          }
        }
      }
    }
  }
  return best
}
