import type { Bubble, Grouping, TruckColumns } from './cluster.ts'

/** What is under the pointer: a truck by its place in the columns, or a bubble. */
export type Hit = { truck: number } | { bubble: Bubble }

/** How near the pointer must be to a truck's middle; an arrow is smaller than a fingertip. */
const REACH_PIXELS = 14

/** What the picture shows at a point of the world in pixels: the nearest truck within reach, else the bubble there. */
export function hitTest(
  trucks: Pick<TruckColumns, 'x' | 'y'>,
  grouping: Grouping,
  point: { x: number; y: number },
  worldPixels: number,
): Hit | null {
  let nearest = REACH_PIXELS
  let truck = -1
  for (const i of grouping.singles) {
    const away = Math.hypot(trucks.x[i]! * worldPixels - point.x, trucks.y[i]! * worldPixels - point.y)
    if (away < nearest) {
      nearest = away
      truck = i
    }
  }
  if (truck >= 0) return { truck }
  const bubble = grouping.bubbles.find((b) => Math.hypot(b.x - point.x, b.y - point.y) <= b.radius + 2)
  return bubble ? { bubble } : null
}
