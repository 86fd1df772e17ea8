import { distanceMeters } from '../geo/distance.ts'
import { JITTER_METERS, type Links, odometerBetween } from './links.ts'
import type { Fix } from './plausible.ts'
import type { TripSettings } from './types.ts'

/** A road is not shorter than the fixes on it, and hardly longer by so much. */
const LEAST_RATIO = 0.9
const MOST_RATIO = 1.5
/** An odometer that counts in kilometers is no help on a short way. */
const RESOLUTION_SHARE = 0.005
const RESOLUTIONS_METERS = [1000, 100, 10]

export interface Distance {
  distanceMeters: number
  odometerShareMeters: number
}

/** A run of odometer values without a reset, a rollover or a change of unit. */
interface Section {
  from: Fix
  until: Fix
  /** Meters by fixes at its ends */
  trackFrom: number
  trackUntil: number
  resolutionMeters: number
}

const resolutionOf = (meters: number) => RESOLUTIONS_METERS.find((step) => meters % step === 0) ?? 1

function open(fix: Fix, track: number): Section {
  return {
    from: fix,
    until: fix,
    trackFrom: track,
    trackUntil: track,
    resolutionMeters: resolutionOf(fix.odometerMeters!),
  }
}

/** How far the section is by its odometer, if that is to be believed; else null. */
function odometerOf({ from, until, trackFrom, trackUntil, resolutionMeters }: Section): number | null {
  const meters = until.odometerMeters! - from.odometerMeters!
  const track = trackUntil - trackFrom
  if (meters * RESOLUTION_SHARE < resolutionMeters) return null
  return meters >= track * LEAST_RATIO && meters <= track * MOST_RATIO ? meters : null
}

/**
 * The meters from fix `first` to fix `last` of one trip: by odometer where it runs as the fixes do, by great circles from fix
 * to fix elsewhere. Jitter at rest adds nothing.
 */
export function distanceAlong(
  { fixes, links, settings }: { fixes: readonly Fix[]; links: Links; settings: TripSettings },
  first: number,
  last: number,
): Distance {
  const sections: Section[] = []
  let section: Section | null = null
  let anchor = first
  let summed = 0
  for (let i = first; i <= last; i++) {
    const fix = fixes[i]!
    const leg = anchor === i - 1 ? links.meters[anchor]! : distanceMeters(fixes[anchor]!, fix)
    let track = summed + leg
    if (leg > JITTER_METERS || i === last) {
      summed = track
      anchor = i
    } else track = summed
    if (fix.odometerMeters === null) continue
    if (section === null || odometerBetween(section.until, fix, settings) === null) {
      section = open(fix, track)
      sections.push(section)
    } else {
      section.until = fix
      section.trackUntil = track
      section.resolutionMeters = Math.min(section.resolutionMeters, resolutionOf(fix.odometerMeters))
    }
  }
  let odometerShareMeters = 0
  for (const one of sections) {
    const meters = odometerOf(one)
    if (meters === null) continue
    odometerShareMeters += meters
    summed += meters - (one.trackUntil - one.trackFrom)
  }
  return { distanceMeters: Math.round(summed), odometerShareMeters: Math.round(odometerShareMeters) }
}
