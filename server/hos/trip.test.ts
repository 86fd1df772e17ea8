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

  test('no way of resting by hand arrives earlier', () => {
    const instance = fc.record({
      driven: fc.integer({ min: 0, max: 11 }),
      worked: fc.integer({ min: 0, max: 3 }),
      legs: fc.array(
        fc.record({
          status: fc.constantFrom<DutyStatus>('D', 'D', 'ON'),
          hours: fc.integer({ min: 1, max: 6 }),
        }),
        { minLength: 1, maxLength: 3 },
      ),
    })
    fc.assert(
      fc.property(instance, ({ driven, worked, legs }) => {
        const now = course('us-property-70-8', ['OFF', 1], ['ON', worked], ['D', Math.min(driven, 8)])
        const steps = legs.map(({ status, hours }) => step(status, hours))
        const trip = planLegalTrip(now, steps)
        assert.ok(trip)
        assert.deepEqual(whatIf(now, trip.steps).violations, [])
        const best = byHand(now, steps, trip.restMs)
        assert.ok(
          best === null || best >= trip.restMs,
          `by hand ${best! / HOUR} h of rest, planned ${trip.restMs / HOUR} h`,
        )
      }),
      { numRuns: 20 },
    )
  })
})

/**
 * The least rest that makes the legs legal, by trying everything on a grid of an hour (rests of half an hour besides): up to
 * two rests, anywhere, of any length, off duty or in the berth. Only what is less than `than` is looked for.
 */
function byHand(now: Course, legs: readonly Step[], than: number): number | null {
  const slots = legs.flatMap(({ status, ms }) => Array.from({ length: ms / HOUR }, () => status))
  const lengths = [HOUR / 2, ...Array.from({ length: 12 }, (_, i) => (i + 1) * HOUR)]
  let best: number | null = null
  const legal = (rests: readonly { after: number; status: DutyStatus; ms: number }[]) => {
    const plan: Step[] = []
    for (let i = 0; i <= slots.length; i++) {
      for (const rest of rests) if (rest.after === i) plan.push({ status: rest.status, ms: rest.ms })
      if (i < slots.length) plan.push({ status: slots[i]!, ms: HOUR })
    }
    return whatIf(now, plan).legal
  }
  const consider = (rests: readonly { after: number; status: DutyStatus; ms: number }[]) => {
    const ms = rests.reduce((sum, rest) => sum + rest.ms, 0)
    if (ms >= Math.min(than, best ?? Number.POSITIVE_INFINITY)) return
    if (legal(rests)) best = ms
  }
  consider([])
  for (let first = 0; first < slots.length; first++) {
    for (const a of lengths) {
      for (const one of ['OFF', 'SB'] as const) {
        consider([{ after: first, status: one, ms: a }])
        for (let second = first + 1; second < slots.length; second++) {
          for (const b of lengths) {
            if (a + b >= Math.min(than, best ?? Number.POSITIVE_INFINITY)) continue
            for (const other of ['OFF', 'SB'] as const)
              consider([
                { after: first, status: one, ms: a },
                { after: second, status: other, ms: b },
              ])
          }
        }
      }
    }
  }
  return best
}
