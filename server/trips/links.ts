import { distanceMeters } from '../geo/distance.ts'
import { HOUR, MINUTE } from '../time/instant.ts'
import { type Fix, isReachable } from './plausible.ts'
import type { TripSettings } from './types.ts'

/** A receiver at rest wanders so far. */
export const JITTER_METERS = 20
/** Where no speed is known */
const TYPICAL_KPH = 30
/** How a loaded truck gathers speed and loses it, in m/s². */
const ACCELERATION = 0.4
/** The odometer of a truck that stands may be rounded to a kilometer. */
const ODOMETER_STEP_METERS = 1000
/** km/h to m/ms */
const KPH = 1000 / HOUR

/** Why nothing is known of the truck between two fixes. */
export type Break = 'silence' | 'contradiction'

/** What is known between each fix `i` and the next, and at each fix. */
export interface Links {
  meters: Float64Array
  /** Nothing is known of the truck between: silence and another place, or two places that contradict each other. */
  breaks: readonly (Break | null)[]
  /** Fix `i` may be the beginning of a standstill. */
  stands: readonly boolean[]
  /** When it stood, until when at most; the fix itself otherwise. */
  leftAt: Float64Array
  /** When it stands, since when at least; the fix itself otherwise. */
  arrivedAt: Float64Array
}

/** Are two fixes that are `meters` apart at one place? */
export const isNear = (meters: number, a: Fix, b: Fix, settings: TripSettings) =>
  meters <= Math.max(settings.standstillRadiusMeters, a.accuracyMeters + b.accuracyMeters)

export const isOnePlace = (a: Fix, b: Fix, settings: TripSettings) =>
  isNear(distanceMeters(a, b), a, b, settings)

/** How long a truck takes at least that gathers speed to `kph` (or loses it) over `meters`. */
function neededMs(meters: number, kph: number): number {
  const speed = kph / 3.6
  const steady = meters / speed
  return (steady + Math.min(steady, speed / (2 * ACCELERATION))) * 1000
}

/** The meters by which the odometers differ, when a truck can have gone them; else null. */
export function odometerBetween(a: Fix, b: Fix, settings: TripSettings): number | null {
  if (a.odometerMeters === null || b.odometerMeters === null) return null
  const meters = b.odometerMeters - a.odometerMeters
  const most = settings.fastestKph * KPH * (b.at - a.at) + ODOMETER_STEP_METERS
  return meters >= 0 && meters <= most ? meters : null
}

/** See Links. Each answer depends on two fixes to either side at most. */
export function linksOf(fixes: readonly Fix[], settings: TripSettings): Links {
  const meters = new Float64Array(Math.max(0, fixes.length - 1))
  const breaks: (Break | null)[] = []
  const gapMs = settings.gapMinutes * MINUTE
  for (let i = 0; i + 1 < fixes.length; i++) {
    const [a, b] = [fixes[i]!, fixes[i + 1]!]
    const far = distanceMeters(a, b)
    const ms = b.at - a.at
    meters[i] = far
    if (!isReachable(far, a, b, settings)) breaks.push('contradiction')
    else if (ms <= gapMs) breaks.push(null)
    else {
      // A truck can come back to where it fell silent. In a shorter time a new unit of the odometer is likelier.
      const went = (odometerBetween(a, b, settings) ?? 0) > ODOMETER_STEP_METERS
      breaks.push(went || !isNear(far, a, b, settings) ? 'silence' : null)
    }
  }

  /** The average between fix `i` and the next; 0 for jitter. */
  const pace = (i: number): number => {
    const far = meters[i]
    if (far === undefined || far <= JITTER_METERS) return 0
    return far / (fixes[i + 1]!.at - fixes[i]!.at) / KPH
  }
  /** Does it stand at `i`, where the link beside `i` answers for a device that says no speed? */
  const standsBy = (i: number, link: number): boolean => {
    const { speedKph, ignition } = fixes[i]!
    if (speedKph !== null) return speedKph <= settings.movingKph
    return ignition === false || (link >= 0 && link < meters.length && pace(link) <= settings.movingKph)
  }
  /** How fast it was at the moving end of a link, where `beyond` is the link after that end. */
  const speedAt = (i: number, link: number, beyond: number): number => {
    const kph = Math.max(fixes[i]!.speedKph ?? pace(beyond), pace(link))
    return kph > settings.movingKph ? kph : TYPICAL_KPH
  }

  const stands = fixes.map((_, i) => standsBy(i, i))
  const leftAt = Float64Array.from(fixes, (fix) => fix.at)
  const arrivedAt = Float64Array.from(leftAt)
  for (let i = 0; i + 1 < fixes.length; i++) {
    if (breaks[i] !== null) continue
    const [a, b] = [fixes[i]!, fixes[i + 1]!]
    const far = meters[i]!
    if (standsBy(i, i - 1)) {
      leftAt[i] = Math.max(a.at, Math.round(b.at - neededMs(far, speedAt(i + 1, i, i + 1))))
    } else if (standsBy(i + 1, i + 1)) {
      arrivedAt[i + 1] = Math.min(b.at, Math.round(a.at + neededMs(far, speedAt(i, i, i - 1))))
    }
  }
  return { meters, breaks, stands, leftAt, arrivedAt }
}
