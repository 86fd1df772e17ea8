import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { testDatabase } from '../db/testing.ts'
import { readTruth, runTrace } from './conform-trace.ts'
import { readTrace } from './replay/trace.ts'

const { pool } = await testDatabase()
const file = (name: string) => fileURLToPath(new URL(`../trips/testdata/${name}`, import.meta.url))
const rows = readTrace(file('synthetic-longhaul.csv.gz'))
const truth = readTruth(file('synthetic-longhaul.truth.json.gz'))

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
