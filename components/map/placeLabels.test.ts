import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from '../../server/property.testing.ts'
import { placeLabels, type Rect } from './placeLabels.ts'

const rect = (x: number, y: number): Rect => ({ minX: x, minY: y, maxX: x + 40, maxY: y + 15 })

const touch = (a: Rect, b: Rect): boolean =>
  a.minX < b.maxX && a.maxX > b.minX && a.minY < b.maxY && a.maxY > b.minY

describe('placing labels', () => {
  test('no label touches another nor an obstacle', () => {
    const place = fc.record({ x: fc.integer({ min: -50, max: 300 }), y: fc.integer({ min: -50, max: 200 }) })
    fc.assert(
      fc.property(
        fc.array(place, { maxLength: 60 }),
        fc.array(place, { maxLength: 10 }),
        (points, others) => {
          const obstacles = others.map(({ x, y }) => rect(x, y))
          const wishes = points.map(({ x, y }, id) => ({ id, places: [rect(x, y), rect(x - 40, y)] }))
          const placed = placeLabels(wishes, obstacles, 300)
          placed.forEach((a, i) => {
            assert.ok(!obstacles.some((obstacle) => touch(a.rect, obstacle)))
            assert.ok(!placed.some((b, k) => k !== i && touch(a.rect, b.rect)))
          })
        },
      ),
    )
  })

  test('the first wish gets the first place, the next one its second', () => {
    const wishes = [
      { id: 1, places: [rect(0, 0)] },
      { id: 2, places: [rect(10, 0), rect(60, 0)] },
      { id: 3, places: [rect(20, 0)] },
    ]
    assert.deepEqual(
      placeLabels(wishes, [], 300).map(({ id, rect }) => [id, rect.minX]),
      [
        [1, 0],
        [2, 60],
      ],
    )
  })

  test('stops at the limit', () => {
    const wishes = Array.from({ length: 9 }, (_, id) => ({ id, places: [rect(id * 50, 0)] }))
    assert.equal(placeLabels(wishes, [], 4).length, 4)
  })
})
