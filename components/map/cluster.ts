import { VehicleState } from '../../server/geo/frame.ts'
import { CATEGORIES } from './palette.ts'

/** The columns that grouping reads; a TruckStore has them. */
export interface TruckColumns {
  count: number
  x: Float64Array
  y: Float64Array
  state: Uint8Array
  level: Uint8Array
  mask: Uint8Array
}

/** A part of the world, in Web Mercator 0..1, and how many pixels wide the whole world is. */
export interface View {
  minX: number
  minY: number
  maxX: number
  maxY: number
  worldPixels: number
}

/** Several trucks drawn as one. */
export interface Bubble {
  /** World pixels. */
  x: number
  y: number
  radius: number
  count: number
  /** How many of each of CATEGORIES. */
  categories: number[]
  /** What it covers, Web Mercator 0..1: where a click zooms to. */
  minX: number
  minY: number
  maxX: number
  maxY: number
  /** One of its trucks. */
  first: number
}

export interface Grouping {
  /** Indexes of trucks drawn on their own. */
  singles: number[]
  bubbles: Bubble[]
}

/** Up to here each truck in view is drawn for itself. */
export const ARROW_LIMIT = 2_500
/** The side of a grid cell in pixels. */
export const CELL_PIXELS = 88
/** Nearer than this, two trucks are one stack: on a map of a continent sooner than on one of a town. */
function stackPixels(worldPixels: number): number {
  const zoom = Math.log2(worldPixels / 256)
  return zoom < 4.5 ? 22 : zoom < 6.5 ? 16 : 12
}

/** The place in CATEGORIES of a truck: its alert if it has one, else its state. */
export function categoryOf(state: number, level: number): number {
  if (level === 2) return 0
  if (level === 1) return 1
  if (state === VehicleState.moving) return 2
  if (state === VehicleState.idle) return 3
  return state === VehicleState.silent ? 5 : 4
}

export function bubbleRadius(count: number): number {
  return 7 + 1.6 * count ** 0.33 + (count >= 100 ? 2 : 0) + (count >= 10 ? 1 : 0)
}

/** The shown trucks within the view. */
export function inView(trucks: TruckColumns, view: View): number[] {
  const { minX, minY, maxX, maxY } = view
  const { x, y, mask, count } = trucks
  const found: number[] = []
  for (let i = 0; i < count; i++) {
    const px = x[i]!
    const py = y[i]!
    if (mask[i] === 1 && px >= minX && px <= maxX && py >= minY && py <= maxY) found.push(i)
  }
  return found
}

function bubbleOf(trucks: TruckColumns, i: number, worldPixels: number): Bubble {
  const x = trucks.x[i]!
  const y = trucks.y[i]!
  const categories = new Array<number>(CATEGORIES.length).fill(0)
  categories[categoryOf(trucks.state[i]!, trucks.level[i]!)] = 1
  return {
    x: x * worldPixels,
    y: y * worldPixels,
    radius: 0,
    count: 1,
    categories,
    minX: x,
    minY: y,
    maxX: x,
    maxY: y,
    first: i,
  }
}

function absorb(into: Bubble, other: Bubble): void {
  const count = into.count + other.count
  into.x = (into.x * into.count + other.x * other.count) / count
  into.y = (into.y * into.count + other.y * other.count) / count
  into.count = count
  other.categories.forEach((n, c) => {
    into.categories[c]! += n
  })
  into.minX = Math.min(into.minX, other.minX)
  into.minY = Math.min(into.minY, other.minY)
  into.maxX = Math.max(into.maxX, other.maxX)
  into.maxY = Math.max(into.maxY, other.maxY)
}

/**
 * Bubbles that touch become one, the largest first, until none do. Buckets of the widest possible reach keep this
 * linear in practice.
 */
export function mergeTouching(bubbles: Bubble[], gap: number): Bubble[] {
  let current = bubbles
  for (let round = 0; round < 4; round++) {
    current.sort((a, b) => b.count - a.count || a.first - b.first)
    for (const bubble of current) bubble.radius = bubbleRadius(bubble.count)
    const reach = current.length === 0 ? 1 : 2 * current[0]!.radius + gap
    const buckets = new Map<number, Bubble[]>()
    const kept: Bubble[] = []
    let merged = false
    for (const bubble of current) {
      const column = Math.floor(bubble.x / reach)
      const row = Math.floor(bubble.y / reach)
      let host: Bubble | undefined
      for (let dx = -1; dx <= 1 && !host; dx++) {
        for (let dy = -1; dy <= 1 && !host; dy++) {
          host = buckets
            .get((column + dx) * 0x1000000 + row + dy)
            ?.find(
              (other) =>
                Math.hypot(other.x - bubble.x, other.y - bubble.y) < other.radius + bubble.radius + gap,
            )
        }
      }
      if (host) {
        absorb(host, bubble)
        merged = true
      } else {
        kept.push(bubble)
        const key = column * 0x1000000 + row
        const bucket = buckets.get(key)
        if (bucket) bucket.push(bubble)
        else buckets.set(key, [bubble])
      }
    }
    current = kept
    if (!merged) break
  }
  for (const bubble of current) bubble.radius = bubbleRadius(bubble.count)
  return current
}

/**
 * Cells of a grid that is fixed to the world, not to the screen, so that bubbles stay where they are while the map is
 * dragged. A cell with one truck is that truck.
 */
export function gridCells(trucks: TruckColumns, found: readonly number[], worldPixels: number): Grouping {
  const cells = new Map<number, Bubble>()
  const scale = worldPixels / CELL_PIXELS
  for (const i of found) {
    const key = Math.floor(trucks.x[i]! * scale) * 0x1000000 + Math.floor(trucks.y[i]! * scale)
    const cell = cells.get(key)
    if (!cell) {
      cells.set(key, bubbleOf(trucks, i, worldPixels))
      continue
    }
    const x = trucks.x[i]!
    const y = trucks.y[i]!
    cell.count++
    // Sums for now, the mean below.
    cell.x += x * worldPixels
    cell.y += y * worldPixels
    cell.categories[categoryOf(trucks.state[i]!, trucks.level[i]!)]!++
    if (x < cell.minX) cell.minX = x
    if (x > cell.maxX) cell.maxX = x
    if (y < cell.minY) cell.minY = y
    if (y > cell.maxY) cell.maxY = y
  }
  for (const cell of cells.values()) {
    cell.x /= cell.count
    cell.y /= cell.count
  }
  return split(mergeTouching([...cells.values()], 4))
}

/** Trucks that stand on one another, as in a yard, are one small bubble; all the others stand alone. */
export function stacks(trucks: TruckColumns, found: readonly number[], worldPixels: number): Grouping {
  const buckets = new Map<number, Bubble[]>()
  const all: Bubble[] = []
  const reach = stackPixels(worldPixels)
  for (const i of found) {
    const x = trucks.x[i]! * worldPixels
    const y = trucks.y[i]! * worldPixels
    const column = Math.floor(x / reach)
    const row = Math.floor(y / reach)
    let host: Bubble | undefined
    for (let dx = -1; dx <= 1 && !host; dx++)
      for (let dy = -1; dy <= 1 && !host; dy++)
        host = buckets
          .get((column + dx) * 0x1000000 + row + dy)
          ?.find((other) => Math.hypot(other.x - x, other.y - y) < reach)
    const own = bubbleOf(trucks, i, worldPixels)
    if (host) {
      absorb(host, own)
      continue
    }
    all.push(own)
    const key = column * 0x1000000 + row
    const bucket = buckets.get(key)
    if (bucket) bucket.push(own)
    else buckets.set(key, [own])
  }
  const alone = all.filter((bubble) => bubble.count === 1)
  return split([
    ...mergeTouching(
      all.filter((bubble) => bubble.count > 1),
      0,
    ),
    ...alone,
  ])
}

function split(bubbles: Bubble[]): Grouping {
  const singles: number[] = []
  const several: Bubble[] = []
  for (const bubble of bubbles) {
    if (bubble.count === 1) singles.push(bubble.first)
    else {
      bubble.radius = bubbleRadius(bubble.count)
      several.push(bubble)
    }
  }
  return { singles, bubbles: several }
}

/** What to draw of the trucks in a view: each one where there are few, cells where there are many. */
export function groupTrucks(trucks: TruckColumns, view: View): Grouping {
  // Whole cells and one more around, so that a bubble at the edge does not change as the edge moves over it.
  const cell = CELL_PIXELS / view.worldPixels
  const wide: View = {
    minX: (Math.floor(view.minX / cell) - 1) * cell,
    minY: (Math.floor(view.minY / cell) - 1) * cell,
    maxX: (Math.ceil(view.maxX / cell) + 1) * cell,
    maxY: (Math.ceil(view.maxY / cell) + 1) * cell,
    worldPixels: view.worldPixels,
  }
  const found = inView(trucks, wide)
  if (found.length > ARROW_LIMIT) return gridCells(trucks, found, view.worldPixels)
  return stacks(trucks, found, view.worldPixels)
}
