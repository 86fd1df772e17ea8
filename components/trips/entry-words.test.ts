import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HOUR } from '../../server/time/instant.ts'
import type { DayEntry, TripEntry } from '../../server/trips/schema.ts'
import { entryWords, totalsLine } from './entry-words.ts'

const spot = (place: string | null) => ({ latitude: 41, longitude: -93, place })
const trip: TripEntry = {
  kind: 'trip',
  startedAt: HOUR,
  endedAt: 2 * HOUR,
  startsBy: 'standstill',
  endsBy: 'standstill',
  start: spot('2 mi N of Ames, IA'),
  end: spot(null),
  distanceMeters: 80_000,
  movingMs: HOUR,
  maxSpeedKph: null,
}

test('what nobody saw is said', () => {
  const say = (entry: DayEntry) => entryWords(entry, 0, 24 * HOUR)
  assert.deepEqual(say(trip), {
    title: 'Trip',
    place: '2 mi N of Ames, IA to 41.00000, -93.00000',
    note: '',
  })
  assert.equal(say({ ...trip, startedAt: -HOUR }).note, 'began the day before')
  assert.equal(say({ ...trip, startsBy: 'gap' }).note, 'how it began is not known')
  assert.equal(say({ ...trip, endsBy: 'open' }).note, 'it has not ended')
  const stop: DayEntry = {
    kind: 'stop',
    startedAt: HOUR,
    endedAt: 30 * HOUR,
    startsBy: 'motion',
    endsBy: 'motion',
    spot: spot('Ames'),
    longestSilenceMs: 5 * HOUR,
  }
  assert.equal(say(stop).note, 'goes on the day after; silent for 5:00 of it, presumed to stand')
  const gap: DayEntry = {
    kind: 'gap',
    startedAt: HOUR,
    endedAt: 3 * HOUR,
    reason: 'silence',
    start: spot('Ames'),
    end: spot('Gary'),
    distanceMeters: 400_000,
  }
  assert.match(say(gap).note, /^no signal/)
  assert.match(say({ ...gap, reason: 'contradiction' }).note, /contradict/)
})

test('a day in one line', () => {
  assert.equal(totalsLine({ trips: 0, distanceMeters: 0, movingMs: 0 }, 'mi'), 'No trip')
  assert.equal(
    totalsLine({ trips: 3, distanceMeters: 663_050, movingMs: 7 * HOUR }, 'mi'),
    '3 trips, 412 mi, 7:00 moving',
  )
})
