import assert from 'node:assert/strict'
import { describe, mock, test } from 'node:test'
import { emptyFrame, type PositionFrame, pushPosition, VehicleState } from '../../server/geo/frame.ts'
import fc from '../../server/property.testing.ts'
import { AlertLevel, TruckStore } from './truckStore.ts'

interface News {
  vehicleId: number
  latitude: number
  longitude: number
  fixTime: number
}

const START = 1_790_000_000_000

function frame(...news: (Partial<News> & { vehicleId: number })[]): PositionFrame {
  const made = emptyFrame()
  for (const { vehicleId, latitude = 41.5, longitude = -93.6, fixTime = START } of news)
    pushPosition(made, {
      vehicleId,
      latitude,
      longitude,
      speedKph: 88,
      headingDegrees: 270,
      fixTime,
      receivedTime: fixTime + 2_000,
      state: VehicleState.moving,
    })
  return made
}

function near(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) < 1e-6, `${actual} is not near ${expected}`)
}

describe('the truck store', () => {
  test('reads a truck back as the frame told it', () => {
    const store = new TruckStore()
    store.setLabels([7], ['T-7'])
    store.applySnapshot(frame({ vehicleId: 7, latitude: 41.58641, longitude: -93.62498 }))
    const truck = store.find(7)
    assert.ok(truck)
    near(truck.latitude, 41.58641)
    near(truck.longitude, -93.62498)
    assert.deepEqual(
      { ...truck, latitude: 0, longitude: 0 },
      {
        vehicleId: 7,
        label: 'T-7',
        latitude: 0,
        longitude: 0,
        speedKph: 88,
        headingDegrees: 270,
        fixTime: START,
        receivedTime: START + 2_000,
        state: VehicleState.moving,
        level: AlertLevel.none,
      },
    )
    assert.equal(store.find(8), null)
  })

  test('keeps the newest fix, whatever order the news comes in', () => {
    const news = fc.record({
      vehicleId: fc.integer({ min: 1, max: 5 }),
      // A fix in another second is in another place.
      second: fc.integer({ min: 0, max: 50 }),
    })
    fc.assert(
      fc.property(fc.array(news, { minLength: 1, maxLength: 60 }), (all) => {
        const store = new TruckStore()
        const newest = new Map<number, number>()
        for (const { vehicleId, second } of all) {
          store.applyFrame(frame({ vehicleId, latitude: 30 + second / 10, fixTime: START + second * 1000 }))
          newest.set(vehicleId, Math.max(second, newest.get(vehicleId) ?? 0))
        }
        assert.equal(store.count, newest.size)
        for (const [id, second] of newest) near(store.find(id)?.latitude ?? 0, 30 + second / 10)
      }),
    )
  })

  test('a snapshot drops those that it does not name, and the others keep their columns', () => {
    const store = new TruckStore()
    store.setLabels([1, 2, 3, 4], ['a', 'b', 'c', 'd'])
    store.applySnapshot(frame({ vehicleId: 1 }, { vehicleId: 2 }, { vehicleId: 3 }, { vehicleId: 4 }))
    store.setLevels([4], [AlertLevel.violation])
    store.applySnapshot(frame({ vehicleId: 2, latitude: 35 }, { vehicleId: 4, latitude: 36 }))
    assert.equal(store.count, 2)
    assert.equal(store.find(1), null)
    near(store.find(2)?.latitude ?? 0, 35)
    assert.deepEqual([store.find(4)?.label, store.find(4)?.level], ['d', AlertLevel.violation])
  })

  test('labels and levels may come before the truck does', () => {
    const store = new TruckStore()
    store.setLevels([9], [AlertLevel.warning])
    store.setLabels([9], ['T-9'])
    store.applyFrame(frame({ vehicleId: 9 }))
    assert.deepEqual([store.find(9)?.label, store.find(9)?.level], ['T-9', AlertLevel.warning])
  })

  test('a filter holds for trucks to come, in counts and in boxes', () => {
    const store = new TruckStore()
    store.applyFrame(frame({ vehicleId: 1 }, { vehicleId: 2 }))
    store.setFilter((id) => id % 2 === 0)
    store.applyFrame(frame({ vehicleId: 3 }, { vehicleId: 4 }))
    const counts = store.counts()
    assert.deepEqual([counts.total, counts.shown, counts.byState[VehicleState.moving]], [4, 2, 2])
    assert.deepEqual(store.idsWithin({ south: 41, west: -94, north: 42, east: -93 }), [2, 4])
    assert.deepEqual(store.idsWithin({ south: 50, west: -94, north: 52, east: -93 }), [])
  })

  test('remembers where a truck came from and when, for the glide', () => {
    let now = 1_000
    const store = new TruckStore(() => now)
    store.applyFrame(frame({ vehicleId: 1, longitude: -90 }))
    const before = store.x[0]!
    now = 2_000
    store.applyFrame(frame({ vehicleId: 1, longitude: -89, fixTime: START + 1_000 }))
    assert.deepEqual([store.fromX[0], store.movedAt[0]], [before, 2_000])
  })

  test('drawing hears of everything, React four times a second', () => {
    let now = 0
    // Node 20.9's own mock timers are asked for in another way than later ones.
    let due: { at: number; run: () => void }[] = []
    const timer = mock.method(globalThis, 'setTimeout', (run: () => void, ms: number) =>
      due.push({ at: now + ms, run }),
    )
    const store = new TruckStore(() => now)
    let drawn = 0
    let rendered = 0
    const stop = store.subscribe(() => rendered++)
    store.subscribeNow(() => drawn++)
    for (let step = 1; step <= 100; step++) {
      store.applyFrame(frame({ vehicleId: 1, fixTime: START + step * 1000 }))
      now += 10
      const ripe = due.filter(({ at }) => at <= now)
      due = due.filter(({ at }) => at > now)
      for (const { run } of ripe) run()
    }
    assert.equal(drawn, 100)
    assert.ok(rendered >= 4 && rendered <= 5, `${rendered} renders in a second`)
    stop()
    timer.mock.restore()
  })
})
