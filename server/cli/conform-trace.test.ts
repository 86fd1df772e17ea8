import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { testDatabase } from '../db/testing.ts'
import { DAY, HOUR, type Instant, MINUTE } from '../time/instant.ts'
import { readTruth, runTrace } from './conform-trace.ts'
import { readTrace, type TraceRow } from './replay/trace.ts'

const { pool } = await testDatabase()
const file = (name: string) => fileURLToPath(new URL(`../trips/testdata/${name}`, import.meta.url))
const rows = readTrace(file('synthetic-longhaul.csv.gz'))
const truth = readTruth(file('synthetic-longhaul.truth.json.gz'))

/** The row with other times. */
const at = (row: TraceRow, fixAt: Instant, receivedAt: Instant): TraceRow => ({
  ...row,
  fixAt,
  receivedAt,
  heartbeat: { ...row.heartbeat, fixTime: fixAt },
})

describe('a trace through the door, the worker and the tables', () => {
  test('points, trips and latest positions are the truth, and the rows are the same in any order and twice', async () => {
    const digests = new Set<string>()
    for (const feed of [
      { shuffle: null, twice: false },
      { shuffle: 7, twice: false },
      { shuffle: null, twice: true },
    ]) {
      const { passed, failed, digest } = await runTrace(pool, rows, truth, feed)
      assert.deepEqual(failed, [], JSON.stringify(feed))
      const trips = Object.values(truth.devices).reduce((sum, device) => sum + device.trips.length, 0)
      assert.equal(passed, trips + 2 * Object.keys(truth.devices).length)
      digests.add(digest)
    }
    assert.equal(digests.size, 1)
  })

  test('any year will do, and a clock is ahead by what it said when the row was received', async () => {
    const [name, { trips, ...device }] = Object.entries(truth.devices)[0]!
    const YEARS = 3 * 365 * DAY
    const few = rows
      .filter((row) => row.heartbeat.device === name)
      .map((row) => at(row, row.fixAt + YEARS, row.receivedAt + YEARS))
    const rest = few.filter(
      ({ fixAt }) => fixAt > trips[0]!.end + YEARS + HOUR && fixAt < trips[1]!.start + YEARS,
    )
    const ahead = rest.slice(0, 5).map((row, i) => at(row, row.fixAt + (i + 1) * 6 * MINUTE, row.receivedAt))
    const later = {
      devices: {
        [name]: {
          ...device,
          lastGoodPoint: { ...device.lastGoodPoint, time: device.lastGoodPoint.time + YEARS },
          trips: trips.map((trip) => ({ ...trip, start: trip.start + YEARS, end: trip.end + YEARS })),
        },
      },
    }
    const digests = new Set<string>()
    for (const shuffle of [null, 3]) {
      const outcome = await runTrace(pool, [...few, ...ahead], later, { shuffle, twice: shuffle !== null })
      assert.deepEqual(outcome.failed, [])
      digests.add(outcome.digest)
    }
    assert.equal(digests.size, 1)
  })

  test('a truth that is not so fails, each case with a block of its own', async () => {
    const [name, device] = Object.entries(truth.devices)[0]!
    const few = rows.filter((row) => row.heartbeat.device === name)
    const [first, ...others] = device.trips
    const wrong = {
      devices: {
        [name]: {
          ...device,
          goodPoints: device.goodPoints + 1,
          trips: [{ ...first!, end: first!.end + 90_000 }, ...others],
        },
      },
    }
    const { failed } = await runTrace(pool, few, wrong, { shuffle: null, twice: false })
    const starts = failed.map((block) => block.split('\n')[0])
    // The trip that is missed, and the one that was found in its place.
    assert.equal(starts.length, 3)
    assert.equal(starts[0], `${name} points`)
    assert.equal(starts[1], `${name} trip of ${new Date(first!.start).toISOString()}`)
    assert.match(failed[2]!, /expected none/)
  })
})
