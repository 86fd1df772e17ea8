import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SECOND } from '../time/instant.ts'
import { derive } from './derive.ts'
import { journey, type Shape } from './journey.testing.ts'
import { judgePoints } from './plausible.ts'
import { shuffled } from './scenario.testing.ts'
import { DEFAULT_SETTINGS as settings } from './types.ts'

const END_MS = 60 * SECOND
const SHARE = 0.01
const SEEDS = Number(process.env.TRIPS_SEEDS ?? 2)

const SHAPES: Record<string, Shape> = {
  'on the road': {},
  'in town, with stops of six minutes': { town: true },
  'a fix every two minutes': { every: 120 },
  'a fix every five seconds': { every: 5 },
  'tunnels of five minutes': { tunnel: 5 },
  'a receiver that wanders by twenty meters': { off: 20 },
  'an odometer that starts again and changes its unit': { odometer: 'resets and other units' },
  'an odometer in kilometers': { odometer: 'kilometers' },
  'no odometer': { odometer: 'none' },
  'no speed': { saysSpeed: false, odometer: 'none' },
  'no ignition': { saysIgnition: false },
  'place and time only': { saysSpeed: false, saysIgnition: false, saysAccuracy: false, odometer: 'none' },
  'every tenth report said twice': { twins: 0.1 },
  'every tenth report beside nonsense': { nonsense: 0.1 },
}

describe('what trucks did is what is derived', () => {
  for (const [name, shape] of Object.entries(SHAPES)) {
    test(`${name}: every trip within a minute and 1 %, in any order, twice`, () => {
      for (let seed = 1; seed <= SEEDS; seed++) {
        const { points, trips, good, last } = journey(shape, seed)
        const derived = derive(points, settings)
        const where = `${name}, seed ${seed}`
        assert.equal(derived.trips.length, trips.length, where)
        for (const [i, { start, end, meters }] of trips.entries()) {
          const trip = derived.trips[i]!
          const of = `${where}, trip of ${new Date(start).toISOString()}`
          assert.ok(
            Math.abs(trip.startedAt - start) <= END_MS,
            `${of}: starts ${(trip.startedAt - start) / SECOND} s off`,
          )
          assert.ok(
            Math.abs(trip.endedAt - end) <= END_MS,
            `${of}: ends ${(trip.endedAt - end) / SECOND} s off`,
          )
          assert.ok(
            Math.abs(trip.distanceMeters - meters) <= meters * SHARE,
            `${of}: ${trip.distanceMeters} of ${meters} m`,
          )
        }
        assert.equal(judgePoints(points, settings).plausible.length, good, where)
        assert.equal(derived.latest!.fixAt, last.fixAt, where)
        const answer = JSON.stringify(derived)
        assert.equal(JSON.stringify(derive(shuffled(points, seed), settings)), answer, where)
        assert.equal(JSON.stringify(derive(shuffled([...points, ...points], seed), settings)), answer, where)
      }
    })
  }
})
