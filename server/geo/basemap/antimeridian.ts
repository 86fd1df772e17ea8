import type { Position } from 'geojson'

/**
 * The ring without jumps from one edge of the world to the other: longitudes run on past 180 instead. A ring that goes
 * round a pole is closed along that pole.
 */
function unwrap(ring: readonly Position[]): Position[] {
  const points: Position[] = []
  let turns = 0
  let last = 0
  ring.forEach(([longitude = 0, latitude = 0], i) => {
    if (i > 0 && longitude - last > 180) turns--
    if (i > 0 && longitude - last < -180) turns++
    last = longitude
    points.push([longitude + 360 * turns, latitude])
  })
  const first = points[0]
  if (turns === 0 || !first) return points
  const pole = first[1]! < 0 ? -90 : 90
  return [...points, [points.at(-1)![0]!, pole], [first[0]!, pole], first]
}

/** The part of a closed ring on one side of a meridian, closed along it. Empty when there is none. */
function clip(ring: readonly Position[], meridian: number, keepsEast: boolean): Position[] {
  const inside = (point: Position): boolean => (keepsEast ? point[0]! >= meridian : point[0]! <= meridian)
  const kept: Position[] = []
  for (let i = 0; i + 1 < ring.length; i++) {
    const a = ring[i]!
    const b = ring[i + 1]!
    if (inside(a)) kept.push(a)
    if (inside(a) === inside(b)) continue
    const share = (meridian - a[0]!) / (b[0]! - a[0]!)
    kept.push([meridian, a[1]! + share * (b[1]! - a[1]!)])
  }
  return kept.length < 3 ? [] : [...kept, kept[0]!]
}

/**
 * A polygon in degrees, cut where it crosses the antimeridian, as flat maps need it: Russia becomes the mainland and the
 * end of Chukotka. A polygon that does not cross comes back as it is.
 */
export function cutAtAntimeridian(polygon: Position[][]): Position[][][] {
  const rings = polygon.map(unwrap)
  const outer = rings[0]
  if (!outer) return []
  const west = Math.min(...outer.map((point) => point[0]!))
  const east = Math.max(...outer.map((point) => point[0]!))
  if (west >= -180 && east <= 180) return [rings]
  const pieces: Position[][][] = []
  for (const shift of [-720, -360, 0, 360, 720]) {
    // A hole may have been unwrapped from another edge than the land around it: it is cut at each turn of its own.
    const moved = (ring: readonly Position[], by: number): Position[] =>
      clip(
        clip(
          ring.map(([x = 0, y = 0]) => [x + by, y]),
          -180,
          true,
        ),
        180,
        false,
      )
    const land = moved(outer, shift)
    if (land.length === 0) continue
    const low = Math.min(...land.map((point) => point[0]!))
    const high = Math.max(...land.map((point) => point[0]!))
    const holes = rings
      .slice(1)
      .flatMap((hole) => [-360, 0, 360].map((by) => moved(hole, by)))
      .filter((hole) => hole.length > 0 && hole.every(([x = 0]) => x >= low && x <= high))
    pieces.push([land, ...holes])
  }
  return pieces
}
