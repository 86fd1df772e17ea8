import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HOUR, SECOND } from '../time/instant.ts'
import { derive } from './derive.ts'
import { motionOf } from './motion.ts'
import { judgePoints } from './plausible.ts'
import { shuffled } from './scenario.testing.ts'
import { longhaul, readTrace, readTruth } from './trace.testing.ts'
import { DEFAULT_SETTINGS as settings, type TrackPoint } from './types.ts'

const END_MS = 60 * SECOND
const SHARE = 0.01

const trace = readTrace(longhaul)
const truth = readTruth()

/** The ways in which the same points may come in. */
const feeds: Record<string, (points: readonly TrackPoint[]) => TrackPoint[]> = {
  'as received': (points) => [...points],
  shuffled: (points) => shuffled(points, 7),
  'twice, shuffled': (points) => shuffled([...points, ...points], 11),
}

describe('long haul against its truth', () => {
  for (const [feed, order] of Object.entries(feeds)) {
    test(`${feed}: every trip, no other, and where the truck is`, () => {
      for (const [device, points] of trace) {
        const expected = truth.devices[device]!
        const fed = order(points)
        const { trips, latest } = derive(fed, settings)
        assert.equal(trips.length, expected.trips.length, device)
        for (const [i, trip] of trips.entries()) {
          const { start, end, distanceKm } = expected.trips[i]!
          const name = `${device} ${start}`
          assert.ok(Math.abs(trip.startedAt - Date.parse(start)) <= END_MS, name)
          assert.ok(Math.abs(trip.endedAt - Date.parse(end)) <= END_MS, name)
          assert.ok(Math.abs(trip.distanceMeters / 1000 - distanceKm) <= distanceKm * SHARE, name)
        }
        const { plausible, implausible } = judgePoints(fed, settings)
        assert.equal(plausible.length, expected.goodPoints, device)
        const jumps = implausible.filter(({ doubt }) => doubt === 'jump').map(({ point }) => point.fixAt)
        const made = expected.defects.filter(({ kind }) => kind === 'jump')
        assert.deepEqual(jumps, made.map(({ time }) => Date.parse(time!)).sort())
        const { time, lat, lon } = expected.lastGoodPoint
        assert.deepEqual(
          [latest!.fixAt, latest!.latitude, latest!.longitude],
          [Date.parse(time), lat, lon],
          device,
        )
      }
    })
  }

  test('all three answers are the same, to the byte', () => {
    for (const points of trace.values()) {
      const answers = Object.values(feeds).map((order) => JSON.stringify(derive(order(points), settings)))
      assert.equal(new Set(answers).size, 1)
    }
  })

  /** Devices that say less find the same trips, if not to the second. */
  const poorer: Record<string, (point: TrackPoint) => TrackPoint> = {
    'no ignition': (point) => ({ ...point, ignition: null }),
    'no odometer': (point) => ({ ...point, odometerMeters: null }),
    'an odometer in kilometers': (point) => ({
      ...point,
      odometerMeters: Math.floor(point.odometerMeters! / 1000) * 1000,
    }),
    'an odometer that starts again at 100 km, and counts in kilometers at times': (point) => {
      const meters = point.odometerMeters! % 100_000
      return {
        ...point,
        odometerMeters: point.fixAt % (5 * HOUR) < HOUR ? Math.floor(meters / 1000) : meters,
      }
    },
    'no speed': (point) => ({ ...point, speedKph: null }),
    'place and time only': (point) => ({ ...point, speedKph: null, ignition: null, odometerMeters: null }),
  }
  for (const [name, poor] of Object.entries(poorer)) {
    test(`${name}: the same trips`, () => {
      for (const [device, points] of trace) {
        const expected = truth.devices[device]!.trips
        const { trips } = derive(points.map(poor), settings)
        assert.equal(trips.length, expected.length, device)
        for (const [i, trip] of trips.entries()) {
          const { start, end, distanceKm } = expected[i]!
          // A wait at the gate is told from the rest after it by ignition or odometer alone.
          assert.ok(Math.abs(trip.startedAt - Date.parse(start)) <= END_MS, `${device} ${start}`)
          assert.ok(Math.abs(trip.endedAt - Date.parse(end)) <= 2 * END_MS, `${device} ${end}`)
          assert.ok(
            Math.abs(trip.distanceMeters / 1000 - distanceKm) <= distanceKm * SHARE,
            `${device} ${start}`,
          )
        }
      }
    })
  }

  test('motion lies within trips', () => {
    for (const points of trace.values()) {
      const { trips } = derive(points, settings)
      for (const { from, until } of motionOf(points, settings)) {
        const middle = (from + until!) / 2
        assert.ok(trips.some((trip) => trip.startedAt <= middle && middle <= trip.endedAt))
      }
    }
  })
})
