import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { VehicleState } from '../../server/geo/frame.ts'
import fc from '../../server/property.testing.ts'
import {
  ARROW_LIMIT,
  CELL_PIXELS,
  categoryOf,
  type Grouping,
  groupTrucks,
  mergeTouching,
  type TruckColumns,
  type View,
} from './cluster.ts'
import { ringShares, shortCount } from './drawTrucks.ts'
import { CATEGORIES } from './palette.ts'

const pixelsAt = (zoom: number): number => 256 * 2 ** zoom

function columns(points: readonly { x: number; y: number; state?: number; level?: number }[]): TruckColumns {
  return {
    count: points.length,
    x: Float64Array.from(points, (p) => p.x),
    y: Float64Array.from(points, (p) => p.y),
    state: Uint8Array.from(points, (p) => p.state ?? VehicleState.moving),
    level: Uint8Array.from(points, (p) => p.level ?? 0),
    mask: new Uint8Array(points.length).fill(1),
  }
}

const world = (zoom: number): View => ({ minX: 0, minY: 0, maxX: 1, maxY: 1, worldPixels: pixelsAt(zoom) })

function total(grouping: Grouping): number {
  return grouping.singles.length + grouping.bubbles.reduce((sum, bubble) => sum + bubble.count, 0)
}

/** Trucks on a square grid over a quarter of the world. */
const spread = (side: number): TruckColumns =>
  columns(
    Array.from({ length: side * side }, (_, i) => ({
      x: 0.2 + (0.25 * (i % side)) / side,
      y: 0.3 + (0.25 * Math.floor(i / side)) / side,
    })),
  )

describe('grouping of trucks', () => {
  test('loses none and counts none twice', () => {
    const truck = fc.record({
      x: fc.double({ min: 0.2, max: 0.4, noNaN: true }),
      y: fc.double({ min: 0.3, max: 0.5, noNaN: true }),
      state: fc.constantFrom(...Object.values(VehicleState)),
      level: fc.constantFrom(0, 1, 2),
    })
    fc.assert(
      fc.property(fc.array(truck, { maxLength: 300 }), fc.integer({ min: 3, max: 12 }), (trucks, zoom) => {
        const grouping = groupTrucks(columns(trucks), world(zoom))
        assert.equal(total(grouping), trucks.length)
        for (const bubble of grouping.bubbles) {
          assert.ok(bubble.count >= 2)
          assert.equal(
            bubble.categories.reduce((sum, n) => sum + n, 0),
            bubble.count,
          )
          const x = bubble.x / pixelsAt(zoom)
          assert.ok(x >= bubble.minX - 1e-9 && x <= bubble.maxX + 1e-9, 'the middle lies within')
        }
      }),
    )
  })

  test('draws each truck alone while there are few, and cells when there are many', () => {
    const few = groupTrucks(spread(20), world(9))
    assert.equal(few.singles.length, 400)
    const side = Math.ceil(Math.sqrt(ARROW_LIMIT)) + 5
    const many = groupTrucks(spread(side), world(4))
    assert.equal(total(many), side * side)
    assert.ok(many.bubbles.length < 200 && many.singles.length < 20)
  })

  test('bubbles do not touch', () => {
    const { bubbles } = groupTrucks(spread(120), world(5))
    for (const a of bubbles)
      for (const b of bubbles)
        if (a !== b) assert.ok(Math.hypot(a.x - b.x, a.y - b.y) >= a.radius + b.radius, 'two bubbles touch')
  })

  test('bubbles stay where they are while the map is panned', () => {
    const trucks = spread(120)
    const worldPixels = pixelsAt(8)
    const at = (minX: number): View => ({ minX, minY: 0.35, maxX: minX + 0.03, maxY: 0.38, worldPixels })
    const middle = (grouping: Grouping): string[] =>
      grouping.bubbles
        .filter((b) => b.x / worldPixels > 0.308 && b.x / worldPixels < 0.322)
        .filter((b) => b.y / worldPixels > 0.358 && b.y / worldPixels < 0.372)
        .map((b) => `${b.x.toFixed(3)} ${b.y.toFixed(3)} ${b.count}`)
        .sort()
    const before = middle(groupTrucks(trucks, at(0.3)))
    const step = CELL_PIXELS / 3 / worldPixels
    assert.deepEqual(middle(groupTrucks(trucks, at(0.3 - step))), before)
  })

  test('a yard is one small bubble, and a hidden truck is in none', () => {
    const trucks = columns(Array.from({ length: 5 }, (_, i) => ({ x: 0.3 + i * 1e-7, y: 0.4 })))
    assert.equal(groupTrucks(trucks, world(8)).bubbles[0]?.count, 5)
    trucks.mask[2] = 0
    assert.equal(groupTrucks(trucks, world(8)).bubbles[0]?.count, 4)
  })

  test('an alert outranks the state', () => {
    assert.equal(CATEGORIES[categoryOf(VehicleState.off, 2)], 'violation')
    assert.equal(CATEGORIES[categoryOf(VehicleState.moving, 1)], 'warning')
    assert.equal(CATEGORIES[categoryOf(VehicleState.silent, 0)], 'silent')
  })

  test('merging nothing is nothing', () => {
    assert.deepEqual(mergeTouching([], 4), [])
  })
})

describe('a bubble', () => {
  test('has a ring whose shares are a whole, with an alert that can be seen', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(5_000), { minLength: CATEGORIES.length, maxLength: CATEGORIES.length }),
        (categories) => {
          fc.pre(categories.some((n) => n > 0))
          const shares = ringShares(categories)
          assert.ok(Math.abs(shares.reduce((sum, share) => sum + share, 0) - 1) < 1e-9)
          assert.ok(shares.every((share) => share >= 0))
        },
      ),
    )
    assert.ok(ringShares([1, 0, 4_000, 0, 0, 0])[0]! >= 24 / 360)
  })

  test('shortens its number', () => {
    assert.deepEqual([7, 999, 1_000, 1_284, 9_999, 12_345].map(shortCount), [
      '7',
      '999',
      '1.0k',
      '1.2k',
      '9.9k',
      '12k',
    ])
  })
})
