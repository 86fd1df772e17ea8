import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { ensurePartitions } from '../db/partitions.ts'
import { testDatabase } from '../db/testing.ts'
import { emptyFrame, type PositionFrame } from '../geo/frame.ts'
import { run, TestFleet } from '../logs/fleet.testing.ts'
import fc from '../property.testing.ts'
import { HOUR, type Instant, MINUTE } from '../time/instant.ts'
import { work } from '../work.ts'
import type { Delivery } from './channel.ts'
import { mergeFrames } from './frame-merge.ts'
import { createHub } from './hub.ts'
import type { LiveFrame } from './live-schema.ts'

const { pool } = await testDatabase()

const START = Date.UTC(2026, 10, 23, 12)
let clock: Instant = START
await ensurePartitions(pool, START)

const hub = createHub({ pool, now: () => clock, frameMs: 1, pollMs: 20 })
after(() => hub.close())

/** What a browser holds after these frames. */
class Seen {
  cursor: string | null = null
  snapshots = 0
  readonly positions = new Map<number, number[]>()
  readonly drivers = new Map<number, string>()
  readonly alerts = new Map<number, string>()

  apply({ cursor, frame }: Delivery): void {
    this.cursor = cursor
    if (frame.snapshot) {
      this.snapshots++
      this.positions.clear()
      this.drivers.clear()
      this.alerts.clear()
    }
    const { positions, drivers = [], alerts = [] } = frame
    positions?.vehicleId.forEach((id, i) => {
      this.positions.set(id, [positions.latitude[i]!, positions.longitude[i]!, positions.fixTime[i]!])
    })
    for (const row of drivers) this.drivers.set(row.driverId, `${row.status} ${row.statusSince}`)
    for (const row of alerts) {
      if (row.state === 'resolved') this.alerts.delete(row.id)
      else this.alerts.set(row.id, `${row.kind} ${row.state}`)
    }
  }

  /** Takes frames until they say what `done` waits for, then goes away. */
  async until(fleetId: number, done: () => boolean): Promise<void> {
    const leaving = new AbortController()
    const frames = hub.subscribe(fleetId, { lastEventId: this.cursor, signal: leaving.signal })
    for await (const delivery of frames) {
      this.apply(delivery)
      if (done()) break
    }
    leaving.abort()
  }

  get state() {
    return { positions: this.positions, drivers: this.drivers, alerts: this.alerts }
  }
}

describe('the live stream', () => {
  test('begins with everything, goes on with what changed, and is the fleet’s own', async () => {
    const [fleet, other] = [
      await TestFleet.make(pool, START - HOUR, { trucks: 3 }),
      await TestFleet.make(pool, START - HOUR, { trucks: 2 }),
    ]
    await fleet.report(run(START - 5 * MINUTE, START, 80), START, fleet.trucks[0])
    await work(pool, () => START)
    const frames = hub.subscribe(fleet.id, { lastEventId: null })
    const first = (await frames.next()).value as Delivery
    assert.equal(first.frame.snapshot, true)
    assert.equal(first.frame.drivers?.length, 3)
    assert.deepEqual(first.frame.positions?.vehicleId, [fleet.trucks[0]!.vehicleId])

    const ids = (delivery: Delivery) => delivery.frame.positions?.vehicleId ?? []
    const next = frames.next()
    await other.report(run(START - MINUTE, START, 70), START)
    await fleet.report(run(START - MINUTE, START, 70), START, fleet.trucks[1])
    const changed = (await next).value as Delivery
    assert.equal(changed.frame.snapshot, false)
    assert.deepEqual(ids(changed), [fleet.trucks[1]!.vehicleId])
    await frames.return(undefined)
  })

  test('whoever comes back, as often as they like, misses nothing and sees nothing twice over', async () => {
    const step = fc.record({
      truck: fc.nat(3),
      minutes: fc.integer({ min: 1, max: 30 }),
      stays: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 10 }), async (steps) => {
        clock = START
        const fleet = await TestFleet.make(pool, START - HOUR, { trucks: 4 })
        const seen = new Seen()
        for (const { truck, minutes, stays } of steps) {
          clock += minutes * MINUTE
          await fleet.report(run(clock - MINUTE, clock, 80, clock % 977), clock, fleet.trucks[truck])
          await work(pool, () => clock)
          const at = (clock - MINUTE) / 1000
          if (stays)
            await seen.until(fleet.id, () => seen.positions.get(fleet.trucks[truck]!.vehicleId)?.[2] === at)
        }
        await seen.until(fleet.id, () => true)
        const fresh = new Seen()
        await fresh.until(fleet.id, () => true)
        assert.deepEqual(seen.state, fresh.state)
      }),
      { numRuns: 12 },
    )
    clock = START
  })

  test('what commits late is not skipped', async () => {
    const fleet = await TestFleet.make(pool, START - HOUR, { trucks: 2 })
    const [slow, quick] = fleet.trucks
    await fleet.report(run(START - 9 * MINUTE, START - 8 * MINUTE, 80), START, slow)
    const seen = new Seen()
    const late = await pool.connect()
    try {
      await late.query('begin')
      await late.query(
        'update latest_positions set latitude_e7 = 1, revision = pg_current_xact_id()::text::bigint where vehicle_id = $1',
        [slow!.vehicleId],
      )
      // Later transactions commit and are seen before it.
      await fleet.report(run(START - MINUTE, START, 80), START, quick)
      await seen.until(fleet.id, () => seen.positions.has(quick!.vehicleId))
      assert.notEqual(seen.positions.get(slow!.vehicleId)![0], 0)
      await late.query('commit')
    } finally {
      late.release()
    }
    await seen.until(fleet.id, () => seen.positions.get(slow!.vehicleId)![0] === 0)
    assert.equal(seen.snapshots, 1)
  })

  test('a cursor of another database, of nonsense or of last week begins anew', async () => {
    const fleet = await TestFleet.make(pool, START - HOUR)
    const cursors = ['999999999999-1', `999999999999-${START}`, `1-${START - 7 * 24 * HOUR}`, '-1-2', 'x', '']
    for (const lastEventId of cursors) {
      const frames = hub.subscribe(fleet.id, { lastEventId })
      assert.equal(((await frames.next()).value as Delivery).frame.snapshot, true, lastEventId)
      await frames.return(undefined)
    }
  })

  test('ends when the watcher may not watch any more, and reads nothing with no watcher', async () => {
    const fleet = await TestFleet.make(pool, START - HOUR)
    const strict = createHub({ pool, now: () => clock, frameMs: 1, pollMs: 5, recheckMs: 10 })
    let allowed = true
    const frames = strict.subscribe(fleet.id, { lastEventId: null, isAllowed: async () => allowed })
    await frames.next()
    assert.equal(strict.channels, 1)
    const end = frames.next()
    allowed = false
    assert.equal((await end).done, true)
    assert.equal(strict.channels, 0)
    await strict.close()
  })
})

describe('frames that a slow watcher has not taken', () => {
  test('merged, they leave what the two leave one after the other', () => {
    const positions = fc.tuple(fc.uniqueArray(fc.nat(6)), fc.nat(999)).map(([ids, salt]): PositionFrame => {
      const frame = emptyFrame()
      for (const id of ids)
        for (const column of Object.keys(frame) as (keyof PositionFrame)[])
          frame[column].push(column === 'vehicleId' ? id : salt * 7 + id)
      return frame
    })
    const rows = fc
      .uniqueArray(fc.nat(6))
      .chain((ids) => fc.tuple(...ids.map((id) => fc.tuple(fc.constant(id), fc.string()))))
    const frame = fc
      .record({ snapshot: fc.boolean(), positions: fc.option(positions), drivers: fc.option(rows) })
      .map(
        ({ snapshot, positions: p, drivers: d }): LiveFrame => ({
          snapshot,
          serverTime: 0,
          ...((p || snapshot) && { positions: p ?? emptyFrame() }),
          ...((d || snapshot) && {
            drivers: (d ?? []).map(([driverId, status]) => ({ driverId, status, statusSince: 0 })) as never,
          }),
        }),
      )
    fc.assert(
      fc.property(frame, frame, frame, (before, older, newer) => {
        const [apart, together] = [new Seen(), new Seen()]
        for (const one of [before, older, newer]) apart.apply({ cursor: '', frame: one })
        for (const one of [before, mergeFrames(older, newer)]) together.apply({ cursor: '', frame: one })
        assert.deepEqual(sorted(together), sorted(apart))
      }),
    )
  })
})

const sorted = ({ positions, drivers }: Seen) => [
  [...positions].sort(([a], [b]) => a - b),
  [...drivers].sort(([a], [b]) => a - b),
]
