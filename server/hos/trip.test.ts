import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from '../property.testing.ts'
import { HOUR } from '../time/instant.ts'
import { type Step, whatIf } from './forecast.ts'
import { byHand, course, GRIDS, type Instance, instancesOf, START, step, tripOf } from './trip.testing.ts'
import { planLegalTrip } from './trip.ts'
import type { RulesetId } from './types.ts'

const told = (steps: readonly Step[]) => steps.map(({ status, ms }) => `${status} ${ms / HOUR}`)

/** The planner against everything that can be tried by hand. */
function isLeast(ruleset: RulesetId, instance: Instance): void {
  const { now, steps } = tripOf(ruleset, instance)
  const trip = planLegalTrip(now, steps)
  assert.ok(trip)
  assert.deepEqual(whatIf(now, trip.steps).violations, [])
  const best = byHand(now, steps, trip.restMs, GRIDS[ruleset]!)
  assert.ok(best === null, `by hand ${best! / HOUR} h of rest, planned ${trip.restMs / HOUR} h`)
}

/** How many random instances: fewer where trying them by hand takes long. */
const RUNS: Partial<Record<RulesetId, number>> = { 'ca-south-70-7': 25, 'ca-south-120-14': 8 }
const MOST_RUNS = 35

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

  for (const ruleset of Object.keys(GRIDS) as RulesetId[]) {
    test(`${ruleset}: no way of resting by hand arrives earlier`, () => {
      fc.assert(
        fc.property(instancesOf(ruleset), (instance) => isLeast(ruleset, instance)),
        { numRuns: RUNS[ruleset] ?? MOST_RUNS },
      )
    })
  }

  // The breaks that a day of work lacked were counted on in one piece, which would have led into the night.
  test('eu-wtd: breaks of a day of work in parts, and home before the night', () => {
    const legs = [
      { status: 'DRIVE' as const, hours: 4 },
      { status: 'WORK' as const, hours: 4 },
      { status: 'DRIVE' as const, hours: 4 },
    ]
    isLeast('eu-wtd', { driven: 4, worked: 0, legs })
  })
})
