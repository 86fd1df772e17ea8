import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { distanceMeters } from '../../server/geo/distance.ts'
import { evaluate } from '../../server/hos/evaluate.ts'
import { mergeLog } from '../../server/logs/events.ts'
import { deriveSpans, endOf } from '../../server/logs/motion.ts'
import fc from '../../server/property.testing.ts'
import { DAY, HOUR, type Instant, MINUTE, SECOND } from '../../server/time/instant.ts'
import { TERMINALS } from './carrier.ts'
import { demoPlans, HISTORY_MS, plainPlan, yardOf } from './demo.ts'
import { makeDrive, speedKph, travelledMeters } from './drive.ts'
import { fixTimes } from './fixes.ts'
import { Itinerary, planOf, type TruckPlan } from './plan.ts'
import { randomOf } from './random.ts'
import { SCENARIOS } from './scenarios.ts'

const EPOCH = Date.UTC(2026, 10, 23, 16, 0, 7)
const PLANS = demoPlans(EPOCH)
const FASTEST_KPH = 116

/** What the product makes of a plan: the log from fixes and set statuses, up to `asOf`, and the verdict on it. */
function judged(plan: TruckPlan, asOf: Instant) {
  const itinerary = new Itinerary(plan)
  const heardUntil = plan.silence && asOf < plan.silence.until ? Math.min(asOf, plan.silence.from) : asOf
  const set = itinerary.statuses(plan.beginsAt, heardUntil + 1)
  const fixes = fixTimes(itinerary, plan.beginsAt, heardUntil, {
    movingMs: 30_000,
    parkedMs: 10 * MINUTE,
  }).map((at) => ({
    at,
    ...itinerary.at(at),
  }))
  const spans = deriveSpans({ fixes, thresholdKph: 8, setAt: set.map(({ at }) => at) })
  const log = mergeLog(
    set.map(({ at, status }, id) => ({
      id,
      at,
      status,
      origin: 'driver' as const,
      vehicleId: 1,
      place: '',
      annotation: '',
      recordedBy: null,
    })),
    spans.map((span) => ({ vehicleId: 1, from: span.from, until: endOf(span) })),
  ).filter(({ at }) => at <= asOf)
  const { timeZone } = TERMINALS[yardOf(plan.index).terminal]!
  return evaluate(log, 'us-property-70-8', { timeZone, dayStartMinutes: 0 }, asOf)
}

const remaining = (plan: TruckPlan, asOf: Instant, name: string) =>
  judged(plan, asOf).clocks.find((clock) => clock.name === name)!.remainingMs

describe('a drive', () => {
  test('travels what its speed adds up to, and never backwards', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: 600, max: 18_000 }),
        fc.double({ min: 80, max: 105, noNaN: true }),
        (seed, durationS, cruiseKph) => {
          const drive = makeDrive({ durationS }, cruiseKph, randomOf(seed))
          let summed = 0
          for (let s = 0; s < durationS; s++) {
            const speed = speedKph(drive, s + 0.5)
            assert.ok(speed >= 0 && speed <= FASTEST_KPH)
            summed += speed / 3.6
          }
          assert.ok(Math.abs(summed - drive.meters) < 2, `${summed} and ${drive.meters}`)
          assert.ok(Math.abs(travelledMeters(drive, durationS - 0.001) - drive.meters) < 1)
        },
      ),
      { numRuns: 40 },
    )
  })

  test('takes the time that its distance needs', () => {
    const drive = makeDrive({ meters: 310_000 }, 98, randomOf('x'))
    assert.equal(drive.meters, 310_000)
    assert.ok(Math.abs(travelledMeters(drive, drive.durationS - 0.001) - 310_000) < 1)
  })
})

describe('a plan', () => {
  const instants = fc.tuple(
    fc.nat({ max: PLANS.length - 1 }),
    fc.integer({ min: EPOCH - HISTORY_MS, max: EPOCH + 40 * DAY }),
    fc.integer({ min: 1, max: 2 * MINUTE }),
  )

  test('never jumps: no truck is anywhere that its speed does not allow', () => {
    fc.assert(
      fc.property(instants, ([index, at, later]) => {
        const before = planOf(PLANS[index]!, at)
        const after = planOf(PLANS[index]!, at + later)
        const allowed = (FASTEST_KPH / 3.6) * (later / SECOND) + 1
        assert.ok(distanceMeters(before, after) <= allowed)
        const driven = after.odometerMeters - before.odometerMeters
        assert.ok(driven >= 0 && driven <= allowed)
        assert.ok(distanceMeters(before, after) <= driven * 1.01 + 1)
      }),
      { numRuns: 2_000 },
    )
  })

  test('is the same whoever asks, in whatever order', () => {
    fc.assert(
      fc.property(instants, ([index, at]) => {
        assert.deepEqual(new Itinerary(PLANS[index]!).at(at), planOf(PLANS[index]!, at))
      }),
      { numRuns: 200 },
    )
    assert.deepEqual(demoPlans(EPOCH), PLANS)
  })

  test('says the live fixes among the thinner ones, and each once', () => {
    const itinerary = new Itinerary(PLANS[8]!)
    const [from, until] = [EPOCH - DAY, EPOCH]
    const thin = fixTimes(itinerary, from, until, { movingMs: MINUTE, parkedMs: 10 * MINUTE })
    const live = fixTimes(itinerary, from, until, { movingMs: 5 * SECOND, parkedMs: MINUTE })
    const known = new Set(live)
    assert.deepEqual(
      thin.filter((at) => !known.has(at)),
      [],
    )
    assert.equal(known.size, live.length)
    const halves = [from, from + 7 * HOUR + 11, until]
    const pieces = [0, 1].flatMap((i) =>
      fixTimes(itinerary, halves[i]!, halves[i + 1]!, { movingMs: 5_000, parkedMs: MINUTE }),
    )
    assert.deepEqual(pieces, live)
  })

  test('goes on for ever: in a year the truck still works, and rests', () => {
    const itinerary = new Itinerary(PLANS[20]!)
    const week = itinerary.stretches(EPOCH + 365 * DAY, EPOCH + 372 * DAY)
    assert.ok(week.filter(({ status }) => status === 'D').length >= 12)
    assert.ok(week.some(({ status, from, until }) => status === 'OFF' && until - from > 34 * HOUR))
  })
})

describe('the stage of the demonstration', () => {
  test('the first driver passes 11 hours of driving three minutes in, and goes on for twenty', () => {
    const plan = PLANS[0]!
    const broken = (asOf: Instant) => judged(plan, asOf).violations
    assert.deepEqual(broken(EPOCH + 2 * MINUTE), [])
    const [violation] = broken(EPOCH + 5 * MINUTE)
    assert.ok(violation && violation.from > EPOCH + 2 * MINUTE && violation.from <= EPOCH + 4 * MINUTE)
    assert.equal(judged(plan, EPOCH + 20 * MINUTE).status, 'D')
    assert.equal(judged(plan, EPOCH + 30 * MINUTE).status, 'ON')
    assert.equal(judged(plan, EPOCH + 2 * HOUR).status, 'SB')
  })

  test('the second was moving, is unheard from before the start, and is heard again', () => {
    const plan = PLANS[1]!
    assert.ok(planOf(plan, plan.silence!.from).speedKph > 50)
    assert.ok(plan.silence!.from < EPOCH - 10 * MINUTE && plan.silence!.until > EPOCH + 20 * MINUTE)
    assert.equal(judged(plan, EPOCH + 5 * MINUTE).status, 'D')
  })

  test('others are in the berth, within 30 and 60 minutes of 11 hours, of the break, and of 14 hours', () => {
    assert.equal(judged(PLANS[2]!, EPOCH).status, 'SB')
    const minutes = (index: number, name: string) =>
      Math.round(remaining(PLANS[index]!, EPOCH, name) / MINUTE)
    assert.equal(minutes(3, 'drive'), 24)
    assert.equal(minutes(4, 'drive'), 48)
    assert.equal(minutes(5, 'break'), 39)
    assert.equal(minutes(6, 'window'), 48)
    for (const index of [3, 4, 5, 6]) {
      const verdict = judged(PLANS[index]!, EPOCH)
      assert.equal(verdict.status, 'D')
      assert.deepEqual(verdict.violations, [])
      assert.deepEqual(judged(PLANS[index]!, EPOCH + DAY).violations, [])
    }
  })

  test('the fleet is in all phases of its day, and lawful but for a few', () => {
    const verdicts = PLANS.map((plan) => judged(plan, EPOCH))
    const count = (status: string) => verdicts.filter((verdict) => verdict.status === status).length
    assert.ok(count('D') >= 24 && count('D') <= 45, `${count('D')} drive`)
    for (const status of ['ON', 'OFF', 'SB']) assert.ok(count(status) >= 2, `${count(status)} ${status}`)
    const broken = PLANS.filter((_, i) => verdicts[i]!.violations.length > 0).map(({ index }) => index)
    assert.deepEqual(broken, [11, 19, 27, 38, 46])
  })

  test('no plan breaks a rule in the fortnight after the start, whenever it starts', () => {
    for (const epoch of [EPOCH, Date.UTC(2027, 2, 12, 3)]) {
      for (const plan of demoPlans(epoch).filter(({ index }) => index > 0)) {
        const late = judged({ ...plan, mishap: undefined, silence: undefined }, epoch + 14 * DAY)
        assert.deepEqual(late.violations, [], `truck ${plan.index}`)
      }
    }
  })

  test('a plain plan keeps the rules wherever its week begins', () => {
    const plan = plainPlan(5, 3, EPOCH, HISTORY_MS)
    for (let dayOff = 0; dayOff < 7; dayOff++)
      assert.deepEqual(judged({ ...plan, dayOff }, EPOCH + 9 * DAY).violations, [])
  })
})

test('the split sleeper: the pair is complete, driving counts from the end of its first rest', () => {
  const [plan] = SCENARIOS['split-sleeper']!.fleets[0]!.plans(EPOCH)
  const verdict = judged(plan!, EPOCH)
  assert.equal(verdict.status, 'D')
  assert.deepEqual(verdict.violations, [])
  // Four hours between the rests and one after them.
  assert.equal(Math.round(remaining(plan!, EPOCH, 'drive') / HOUR), 6)
  assert.deepEqual(judged(plan!, EPOCH + 3 * DAY).violations, [])
})
