import { distanceMeters, type LatLon } from './distance.ts'
import { latitudeOf, longitudeOf, mercatorX, mercatorY } from './projection.ts'

/** A number in -1..1 that depends on nothing but the text and the index, so that a road bends the same way each time. */
function wobble(text: string, index: number): number {
  let hash = 2166136261 ^ index
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 16777619)
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39)
  return ((hash ^ (hash >>> 15)) >>> 0) / 0x7fffffff - 1
}

/**
 * A road from `from` to `to` that looks driven rather than ruled: a cubic through both towns which leaves each in the
 * direction of the town before and the town after, plus a few gentle bends fixed by `seed`. The ends are exact; a
 * point comes about every 4 km.
 */
export function roadBetween(
  before: LatLon | undefined,
  from: LatLon,
  to: LatLon,
  after: LatLon | undefined,
  seed: string,
): LatLon[] {
  const x1 = mercatorX(from.longitude)
  const y1 = mercatorY(from.latitude)
  const x2 = mercatorX(to.longitude)
  const y2 = mercatorY(to.latitude)
  const length = Math.hypot(x2 - x1, y2 - y1)
  const tangent = (a: LatLon | undefined, b: LatLon | undefined): [number, number] => {
    const ax = a ? mercatorX(a.longitude) : x1
    const ay = a ? mercatorY(a.latitude) : y1
    const bx = b ? mercatorX(b.longitude) : x2
    const by = b ? mercatorY(b.latitude) : y2
    const size = Math.hypot(bx - ax, by - ay) || 1
    // Unit direction times this stretch's length, so that a short stretch between two long ones does not overshoot.
    return [((bx - ax) / size) * length * 0.85, ((by - ay) / size) * length * 0.85]
  }
  const [tx1, ty1] = tangent(before, to)
  const [tx2, ty2] = tangent(from, after)
  const km = distanceMeters(from, to) / 1000
  const steps = Math.max(2, Math.min(48, Math.round(km / 4)))
  // Bends of about 2 % of the stretch: a longer stretch has more of them, and none shifts the towns themselves.
  const bends = Math.max(1, Math.min(5, Math.round(km / 35)))
  const points: LatLon[] = [from]
  for (let i = 1; i < steps; i++) {
    const t = i / steps
    const t2 = t * t
    const t3 = t2 * t
    const h1 = 2 * t3 - 3 * t2 + 1
    const h2 = t3 - 2 * t2 + t
    const h3 = 3 * t2 - 2 * t3
    const h4 = t3 - t2
    const envelope = Math.sin(Math.PI * t)
    let offset = 0
    for (let k = 1; k <= bends; k++) {
      offset += (wobble(seed, k) * Math.sin(2 * Math.PI * k * t + Math.PI * wobble(seed, k + 9))) / (k + 1)
    }
    offset *= envelope * length * 0.035
    const x = h1 * x1 + h2 * tx1 + h3 * x2 + h4 * tx2 - ((y2 - y1) / length) * offset
    const y = h1 * y1 + h2 * ty1 + h3 * y2 + h4 * ty2 + ((x2 - x1) / length) * offset
    points.push({ latitude: latitudeOf(y), longitude: longitudeOf(x) })
  }
  points.push(to)
  return points
}
