import { bearingDegrees, distanceMeters, type LatLon } from './distance.ts'

/** A place and the way one faces there. */
export interface Pose extends LatLon {
  headingDegrees: number
}

/** A line over the ground that knows its length. */
export class Polyline {
  readonly points: readonly LatLon[]
  readonly #meters: Float64Array

  /** Throws RangeError for fewer than two points. */
  constructor(points: readonly LatLon[]) {
    if (points.length < 2) throw new RangeError('a line needs two points')
    this.points = points
    this.#meters = new Float64Array(points.length)
    for (let i = 1; i < points.length; i++) {
      this.#meters[i] = this.#meters[i - 1]! + distanceMeters(points[i - 1]!, points[i]!)
    }
  }

  get lengthMeters(): number {
    return this.#meters[this.#meters.length - 1]!
  }

  /** How far along the line its point of that index lies, in meters. */
  metersAt(index: number): number {
    const meters = this.#meters[index]
    if (meters === undefined) throw new RangeError(`no point ${index} on a line of ${this.points.length}`)
    return meters
  }

  /** The place `meters` from the line's start, facing its end; before the start and past the end it is clamped. */
  pointAt(meters: number): Pose {
    let low = 0
    let high = this.points.length - 2
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.#meters[middle]! <= meters) low = middle
      else high = middle - 1
    }
    const a = this.points[low]!
    const b = this.points[low + 1]!
    const length = this.#meters[low + 1]! - this.#meters[low]!
    const share = length === 0 ? 0 : Math.min(1, Math.max(0, (meters - this.#meters[low]!) / length))
    return {
      latitude: a.latitude + (b.latitude - a.latitude) * share,
      longitude: a.longitude + (b.longitude - a.longitude) * share,
      headingDegrees: bearingDegrees(a, b),
    }
  }
}
