import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Position } from 'geojson'
import { cutAtAntimeridian } from './antimeridian.ts'

function areaOf(ring: Position[]): number {
  let twice = 0
  for (let i = 0; i + 1 < ring.length; i++)
    twice += ring[i]![0]! * ring[i + 1]![1]! - ring[i + 1]![0]! * ring[i]![1]!
  return Math.abs(twice) / 2
}

const spanOf = (ring: Position[]): [number, number] => [
  Math.min(...ring.map((point) => point[0]!)),
  Math.max(...ring.map((point) => point[0]!)),
]

describe('a polygon and the antimeridian', () => {
  test('one that does not cross comes back as it is', () => {
    const ring: Position[] = [
      [10, 10],
      [20, 10],
      [20, 20],
      [10, 10],
    ]
    assert.deepEqual(cutAtAntimeridian([ring]), [[ring]])
  })

  test('one that crosses becomes a piece at each edge, of the same area together', () => {
    const ring: Position[] = [
      [170, 60],
      [-170, 60],
      [-170, 70],
      [170, 70],
      [170, 60],
    ]
    const pieces = cutAtAntimeridian([ring])
    const spans = pieces.map((piece) => spanOf(piece[0]!)).sort((a, b) => a[0] - b[0])
    assert.deepEqual(spans, [
      [-180, -170],
      [170, 180],
    ])
    assert.equal(
      pieces.reduce((sum, piece) => sum + areaOf(piece[0]!), 0),
      200,
    )
  })

  test('a lake stays in its piece', () => {
    const square = (west: number, east: number, south: number, north: number): Position[] => [
      [west, south],
      [east, south],
      [east, north],
      [west, north],
      [west, south],
    ]
    const pieces = cutAtAntimeridian([square(150, -170, 60, 70), square(160, 165, 62, 64)])
    const holes = pieces.map((piece) => piece.slice(1).map(spanOf))
    assert.deepEqual(holes.flat(), [[160, 165]])
  })

  test('land around a pole is closed along the pole', () => {
    const ring: Position[] = [
      [-180, -70],
      [-60, -75],
      [60, -70],
      [179, -72],
      [-180, -70],
    ]
    const pieces = cutAtAntimeridian([ring])
    const total = pieces.reduce((sum, piece) => sum + areaOf(piece[0]!), 0)
    assert.ok(total > 360 * 15 && total < 360 * 20, `${total} square degrees`)
    for (const piece of pieces)
      for (const [x = 0] of piece[0]!) assert.ok(x >= -180 && x <= 180, `longitude ${x}`)
  })
})
