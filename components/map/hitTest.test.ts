import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Bubble } from './cluster.ts'
import { hitTest } from './hitTest.ts'

const WORLD = 4096
const trucks = { x: Float64Array.of(0.5, 0.5 + 10 / WORLD, 0.25), y: Float64Array.of(0.5, 0.5, 0.25) }
const bubble: Bubble = {
  x: 2048,
  y: 2060,
  radius: 20,
  count: 12,
  categories: [0, 0, 12, 0, 0, 0],
  minX: 0.5,
  minY: 0.5,
  maxX: 0.51,
  maxY: 0.51,
  first: 2,
}

describe('what is under the pointer', () => {
  const grouping = { singles: [0, 1], bubbles: [bubble] }

  test('the nearer of two trucks', () => {
    assert.deepEqual(hitTest(trucks, grouping, { x: 2052, y: 2048 }, WORLD), { truck: 0 })
    assert.deepEqual(hitTest(trucks, grouping, { x: 2054, y: 2048 }, WORLD), { truck: 1 })
  })

  test('a truck before the bubble that it lies on', () => {
    assert.deepEqual(hitTest(trucks, grouping, { x: 2048, y: 2055 }, WORLD), { truck: 0 })
    assert.deepEqual(hitTest(trucks, grouping, { x: 2040, y: 2072 }, WORLD), { bubble })
  })

  test('nothing out of reach, nor a truck that stands in a bubble', () => {
    assert.equal(hitTest(trucks, grouping, { x: 2048, y: 2020 }, WORLD), null)
    assert.equal(hitTest(trucks, grouping, { x: 1024, y: 1024 }, WORLD), null)
  })
})
