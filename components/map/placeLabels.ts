/** A rectangle in pixels. */
export interface Rect {
  minX: number
  minY: number
  maxX: number
  maxY: number
}

/** A label that would like to be at one of several places, best first. */
export interface LabelWish {
  id: number
  places: Rect[]
}

export interface PlacedLabel {
  id: number
  rect: Rect
}

const BUCKET = 64

function bucketKeys(rect: Rect): number[] {
  const keys: number[] = []
  for (let column = Math.floor(rect.minX / BUCKET); column <= Math.floor(rect.maxX / BUCKET); column++)
    for (let row = Math.floor(rect.minY / BUCKET); row <= Math.floor(rect.maxY / BUCKET); row++)
      keys.push(column * 65_536 + row)
  return keys
}

/** Rectangles that are taken, in buckets, so that each question looks at a few of them only. */
class Taken {
  readonly #buckets = new Map<number, Rect[]>()

  add(rect: Rect): void {
    for (const key of bucketKeys(rect)) {
      const bucket = this.#buckets.get(key)
      if (bucket) bucket.push(rect)
      else this.#buckets.set(key, [rect])
    }
  }

  hits(rect: Rect): boolean {
    for (const key of bucketKeys(rect))
      for (const other of this.#buckets.get(key) ?? [])
        if (
          rect.minX < other.maxX &&
          rect.maxX > other.minX &&
          rect.minY < other.maxY &&
          rect.maxY > other.minY
        )
          return true
    return false
  }
}

/**
 * Greedy placing: each wish, in order, takes the first of its places that touches neither an obstacle nor a label
 * already placed, or goes without. At most `limit` labels.
 */
export function placeLabels(
  wishes: readonly LabelWish[],
  obstacles: readonly Rect[],
  limit: number,
): PlacedLabel[] {
  const taken = new Taken()
  for (const obstacle of obstacles) taken.add(obstacle)
  const placed: PlacedLabel[] = []
  for (const wish of wishes) {
    if (placed.length >= limit) break
    const rect = wish.places.find((place) => !taken.hits(place))
    if (!rect) continue
    taken.add(rect)
    placed.push({ id: wish.id, rect })
  }
  return placed
}
