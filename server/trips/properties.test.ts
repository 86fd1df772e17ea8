import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from '../property.testing.ts'
import { type Instant, MINUTE } from '../time/instant.ts'
import { derive } from './derive.ts'
import { isTrusted } from './flags.ts'
import { judgePoints } from './plausible.ts'
import {
  CONTEXT_POINTS,
  rederive,
  reopenedBy,
  settledWithin,
  TooLittleContext,
  type Window,
} from './reopen.ts'
import { scenario, shuffled } from './scenario.testing.ts'
import { DEFAULT_SETTINGS, type Derived, type Stop, type TrackPoint } from './types.ts'

const RUNS = Number(process.env.TRIPS_RUNS ?? 2_000)
const settings = DEFAULT_SETTINGS

/** What a store would read for a window. */
function within(points: readonly TrackPoint[], { readFrom: from, readUntil: until }: Window): TrackPoint[] {
  const sorted = [...points].sort((a, b) => a.fixAt - b.fixAt)
  const instants = [...new Set(sorted.filter(({ flags }) => isTrusted(flags)).map(({ fixAt }) => fixAt))]
  const first = from === null ? 0 : instants.findIndex((at) => at >= from) - CONTEXT_POINTS
  const last = until === null ? instants.length : instants.findLastIndex((at) => at <= until) + CONTEXT_POINTS
  const start = first <= 0 ? Number.NEGATIVE_INFINITY : instants[first]!
  const end = instants[last] ?? Number.POSITIVE_INFINITY
  return sorted.filter(({ fixAt }) => fixAt >= start && fixAt <= end)
}

/** The pieces that lie in an interval; of stops what of them lies in it. */
function clipped({ trips, stops, gaps }: Derived, from: Instant, until: Instant) {
  const inside = stops.filter((stop) => stop.endedAt > from && stop.startedAt < until)
  return {
    trips: trips.filter((trip) => trip.startedAt >= from && trip.endedAt <= until),
    cut: trips.filter((trip) => trip.startedAt < until && trip.endedAt > from).length,
    stops: inside.map((stop: Stop) => [Math.max(stop.startedAt, from), Math.min(stop.endedAt, until)]),
    gaps: gaps.filter((gap) => gap.from >= from && gap.until <= until),
  }
}

describe('trips', () => {
  test('a: any order and repetition of the points gives the same, to the byte', () => {
    fc.assert(
      fc.property(scenario(8), fc.nat(), (points, seed) => {
        const once = JSON.stringify(derive(points, settings))
        assert.equal(JSON.stringify(derive(shuffled(points, seed), settings)), once)
        assert.equal(JSON.stringify(derive(shuffled([...points, ...points], seed), settings)), once)
      }),
      { numRuns: RUNS / 4 },
    )
  })

  test('b: deriving again what a late point reopens equals deriving all', () => {
    let spliced = 0
    fc.assert(
      fc.property(scenario(25), fc.nat(), fc.integer({ min: 1, max: 4 }), (points, which, count) => {
        const start = which % points.length
        const late = points.slice(start, start + count)
        const rest = points.filter((point) => !late.includes(point))
        const old = derive(rest, settings)
        const times = late.map(({ fixAt }) => fixAt)
        const window = reopenedBy(old.stops, settings, Math.min(...times), Math.max(...times))
        if (window.from === null && window.until === null) return
        let now: Derived
        try {
          now = rederive(old, within(points, window), window, settings)
        } catch (error) {
          if (error instanceof TooLittleContext) return
          throw error
        }
        spliced++
        assert.deepEqual(now, derive(points, settings))
      }),
      { numRuns: RUNS },
    )
    // Nor is it because nothing was spliced.
    assert.ok(spliced > RUNS / 4, String(spliced))
  })

  test('c: what is settled stays, whatever points come before and after', () => {
    let settledRuns = 0
    fc.assert(
      fc.property(scenario(25), fc.nat(), fc.nat(), (points, a, b) => {
        const sorted = [...points].sort((one, other) => one.fixAt - other.fixAt)
        const ends = [a % sorted.length, b % sorted.length].map((i) => sorted[i]!.fixAt)
        const [from, until] = [Math.min(...ends), Math.max(...ends)]
        const part = sorted.filter(({ fixAt }) => fixAt >= from && fixAt <= until)
        const settled = settledWithin(part, settings)
        if (settled === null) return
        settledRuns++
        assert.deepEqual(
          clipped(derive(part, settings), settled.from, settled.until),
          clipped(derive(points, settings), settled.from, settled.until),
        )
      }),
      { numRuns: RUNS },
    )
    assert.ok(settledRuns > RUNS / 10, String(settledRuns))
  })

  test('d: trips and stops are in order, long enough, apart, and not faster than a truck', () => {
    fc.assert(
      fc.property(scenario(20), (points) => {
        const { trips, stops, latest } = derive(points, settings)
        for (const stop of stops)
          assert.ok(stop.endedAt - stop.startedAt >= settings.standstillMinutes * MINUTE)
        const pieces = [...trips, ...stops].sort((a, b) => a.startedAt - b.startedAt || a.endedAt - b.endedAt)
        for (const [i, piece] of pieces.entries()) {
          assert.ok(piece.endedAt >= piece.startedAt)
          if (i > 0) assert.ok(pieces[i - 1]!.endedAt <= piece.startedAt)
        }
        for (const trip of trips) {
          assert.ok(trip.movingMs >= 0 && trip.movingMs <= trip.endedAt - trip.startedAt)
          assert.ok(Number.isFinite(trip.distanceMeters) && trip.distanceMeters >= 0)
        }
        const { plausible } = judgePoints(points, settings)
        assert.equal(latest?.fixAt, plausible.at(-1)?.fixAt)
      }),
      { numRuns: RUNS },
    )
  })
})
