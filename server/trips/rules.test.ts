import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HOUR, type Instant, MINUTE, SECOND } from '../time/instant.ts'
import { derive } from './derive.ts'
import { judgePoints } from './plausible.ts'
import { DEFAULT_SETTINGS as settings, type TrackPoint } from './types.ts'

const START = Date.UTC(2026, 2, 4, 11)
/** Of latitude */
const METERS_PER_DEGREE = 111_195

let digests = 0
const point = (at: Instant, meters: number, more: Partial<TrackPoint> = {}): TrackPoint => ({
  fixAt: START + at,
  latitude: 40 + meters / METERS_PER_DEGREE,
  longitude: -100,
  speedKph: null,
  odometerMeters: null,
  ignition: null,
  accuracyMeters: null,
  flags: 0,
  digest: ++digests,
  ...more,
})

/** Reports every `every` ms for `during` ms; `meters` at so many ms after the beginning. */
const reports = (from: Instant, during: number, every: number, meters: (ms: number) => number) =>
  Array.from({ length: Math.floor(during / every) + 1 }, (_, i) => point(from + i * every, meters(i * every)))

/** 20 m/s */
const METERS_PER_MS = 0.02
const park = (from: Instant, during: number, meters: number, every = 30 * SECOND) =>
  reports(from, during, every, () => meters)
const drive = (from: Instant, during: number, meters: number) =>
  reports(from, during, 30 * SECOND, (ms) => meters + ms * METERS_PER_MS)

const TEN = 10 * MINUTE
const TEN_SECONDS = 10 * SECOND
const TEN_METERS = TEN * METERS_PER_MS

/** Rest, drive, wait for `wait`, drive on, rest. */
const journey = (wait: number) => [
  ...park(0, TEN, 0),
  ...drive(TEN, TEN, 0),
  ...park(2 * TEN, wait, TEN_METERS),
  ...drive(2 * TEN + wait, TEN, TEN_METERS),
  ...park(3 * TEN + wait, TEN, 2 * TEN_METERS),
]

describe('the rules of trips', () => {
  test('a stop in traffic does not split, a standstill does', () => {
    assert.equal(derive(journey(4 * MINUTE), settings).trips.length, 1)
    const { trips, stops } = derive(journey(6 * MINUTE), settings)
    assert.equal(trips.length, 2)
    assert.deepEqual(
      stops.map(({ startsBy, endsBy }) => [startsBy, endsBy]),
      [
        ['open', 'motion'],
        ['motion', 'motion'],
        ['motion', 'open'],
      ],
    )
    assert.equal(derive(journey(6 * MINUTE), { ...settings, standstillMinutes: 8 }).trips.length, 1)
  })

  test('a receiver that wanders while parked drives nowhere', () => {
    const wander = [0, 40, -60, 90, 20, -80, 250, 30, 0, -40]
    const points = reports(0, 5 * HOUR, 5 * MINUTE, (ms) => wander[(ms / (5 * MINUTE)) % wander.length]!)
    const { trips, stops } = derive(points, settings)
    assert.equal(trips.length, 0)
    assert.equal(stops.length, 1)
  })

  test('one fix elsewhere and back is no trip, two are', () => {
    const there = (count: number) => [
      ...park(0, HOUR, 0, 5 * MINUTE),
      ...park(HOUR + MINUTE, (count - 1) * MINUTE, 2_000, MINUTE),
      ...park(HOUR + TEN, HOUR, 0, 5 * MINUTE),
    ]
    assert.equal(derive(there(1), settings).trips.length, 0)
    assert.equal(derive(there(2), settings).trips.length, 1)
  })

  test('silence: at the same place it stood, elsewhere nobody knows', () => {
    const away = (meters: number) => [
      ...drive(0, TEN, 0),
      ...park(TEN, TEN, TEN_METERS),
      ...park(TEN + 5 * HOUR, TEN, TEN_METERS + meters),
      ...drive(2 * TEN + 5 * HOUR, TEN, TEN_METERS + meters),
    ]
    const same = derive(away(0), settings)
    assert.equal(same.stops.length, 1)
    assert.equal(same.stops[0]!.longestSilenceMs, 5 * HOUR - TEN)
    assert.equal(same.gaps.length, 0)
    const { stops, gaps, trips } = derive(away(50_000), settings)
    assert.equal(gaps.length, 1)
    assert.ok(Math.abs(gaps[0]!.distanceMeters - 50_000) < 10)
    assert.deepEqual([stops[0]!.endsBy, stops[1]!.startsBy], ['gap', 'gap'])
    assert.equal(trips.length, 2)
  })

  test('a gap while driving closes one trip and opens another', () => {
    const points = [...drive(0, TEN, 0), ...drive(TEN + HOUR, TEN, TEN_METERS + HOUR * METERS_PER_MS)]
    const { trips, gaps } = derive(points, settings)
    assert.deepEqual(
      trips.map(({ startsBy, endsBy }) => [startsBy, endsBy]),
      [
        ['open', 'gap'],
        ['gap', 'open'],
      ],
    )
    assert.equal(gaps[0]!.reason, 'silence')
    const patient = { ...settings, gapMinutes: 120 }
    assert.equal(derive(points, patient).trips.length, 1)
  })

  test('jumps are left out, wherever they are; of a lasting move nothing is', () => {
    const points = journey(0)
    for (const meters of [33_000, 222_000]) {
      for (let i = 0; i < points.length; i++) {
        const { fixAt } = points[i]!
        const jump = {
          ...points[i]!,
          fixAt: fixAt + SECOND,
          latitude: 40 + meters / METERS_PER_DEGREE,
          digest: 0,
        }
        const { implausible } = judgePoints([...points, jump], settings)
        assert.deepEqual(
          implausible.map((one) => [one.point, one.doubt]),
          [[jump, 'jump']],
        )
      }
    }
    const moved = points.map((one, i) => (i < 40 ? one : { ...one, latitude: one.latitude + 2 }))
    assert.deepEqual(judgePoints(moved, settings).implausible, [])
    assert.deepEqual(
      derive(moved, settings).gaps.map(({ reason }) => reason),
      ['contradiction'],
    )
  })

  test('a jump that a parked truck reports is known by its odometer, or by the fix of the second before', () => {
    const stands = { odometerMeters: 7_000 }
    const parked = [0, 1, 2, 3].map((i) => point(i * 30 * MINUTE, 0, stands))
    const far = point(45 * MINUTE, 33_000, stands)
    assert.deepEqual(judgePoints([...parked, far], settings).implausible, [{ point: far, doubt: 'jump' }])
    const next = point(30 * MINUTE + SECOND, 33_000)
    const unknown = parked.map((one) => ({ ...one, odometerMeters: null }))
    assert.deepEqual(judgePoints([...unknown, next], settings).implausible, [{ point: next, doubt: 'jump' }])
  })

  test('the first fix that moves is of the trip, however near it is; a speed that no odometer confirms is none', () => {
    const rest = (every: number) =>
      park(0, TEN, 0, every).map((one) => ({ ...one, speedKph: 0, odometerMeters: 7_000 }))
    const way = Array.from({ length: 60 }, (_, i) => {
      const meters = 7 + i * 100
      return point(TEN + 5 * SECOND + i * TEN_SECONDS, meters, {
        speedKph: i === 0 ? 6 : 36,
        odometerMeters: 7_000 + meters,
      })
    })
    const arrived = (meters: number) =>
      park(TEN + 11 * MINUTE, TEN, meters).map((one) => ({
        ...one,
        speedKph: 0,
        odometerMeters: 7_000 + meters,
      }))
    for (const every of [TEN_SECONDS, 30 * SECOND, 5 * MINUTE]) {
      const { trips } = derive([...rest(every), ...way, ...arrived(6_000)], settings)
      assert.equal(trips.length, 1)
      assert.ok(trips[0]!.startedAt - START - TEN < 5 * SECOND, `${every}`)
      assert.equal(trips[0]!.distanceMeters, 6_000)
    }
    const wanders = [...rest(MINUTE), point(TEN + 30 * SECOND, 12, { speedKph: 7, odometerMeters: 7_000 })]
    const { stops } = derive(
      [...wanders, ...rest(MINUTE).map((one) => ({ ...one, fixAt: one.fixAt + TEN + MINUTE }))],
      settings,
    )
    assert.deepEqual(
      stops.map(({ startedAt, endedAt }) => endedAt - startedAt),
      [2 * TEN + MINUTE],
    )
  })

  test('a standstill begins when the engine goes off, unless it idles for longer than in traffic', () => {
    const idles = (ms: number) =>
      [...drive(0, TEN, 0), ...park(TEN + 30 * SECOND, HOUR, TEN_METERS)].map((one) => ({
        ...one,
        ignition: one.fixAt <= START + TEN + ms,
      }))
    const endAfter = (ms: number) => derive(idles(ms), settings).stops[0]!.startedAt - START - TEN
    assert.equal(endAfter(1.5 * MINUTE), 1.5 * MINUTE)
    for (const minutes of [3, 4, 6]) assert.ok(endAfter(minutes * MINUTE) <= 30 * SECOND, `${minutes}`)
  })

  test('nothing said, nothing derived', () => {
    assert.deepEqual(derive([], settings), { trips: [], stops: [], gaps: [], implausible: [], latest: null })
    const lone = point(0, 0)
    assert.equal(derive([lone], settings).latest, lone)
  })
})
