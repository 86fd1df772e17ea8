import { distanceMeters } from '../geo/distance.ts'
import { distanceAlong } from './distance.ts'
import { isOnePlace, JITTER_METERS, type Links, linksOf, odometerBetween } from './links.ts'
import { type Fix, type Judgement, judgeAll, NEIGHBOURS } from './plausible.ts'
import { Standing, type Standstill, type Stretch, stretchesOf } from './standstill.ts'
import type {
  Derived,
  Gap,
  Place,
  Stop,
  StopEdge,
  TrackPoint,
  Trip,
  TripEdge,
  TripSettings,
} from './types.ts'

/** Links look two fixes to either side, and a spike is known by one more. */
export const REACH_FIXES = 3

const placeOf = ({ latitude, longitude }: Place): Place => ({ latitude, longitude })

/** What is known of one vehicle's points before it is put together. */
export interface Analysis extends Judgement {
  links: Links
  standing: Standing
  stretches: Stretch[]
  settings: TripSettings
}

export function analyse(points: readonly TrackPoint[], settings: TripSettings): Analysis {
  const judgement = judgeAll(points, settings)
  const links = linksOf(judgement.fixes, settings)
  return {
    ...judgement,
    links,
    standing: new Standing(judgement.fixes, links, settings),
    stretches: stretchesOf(judgement.fixes, links),
    settings,
  }
}

/** Do the fixes between `first` and `last` leave the places of these two for a trip? */
function isTrip({ fixes, settings }: Analysis, first: number, last: number): boolean {
  const [start, end] = [fixes[first]!, fixes[last]!]
  let far =
    distanceMeters(start, end) - start.accuracyMeters - end.accuracyMeters >= settings.minimumTripMeters
  const elsewhere = !isOnePlace(start, end, settings)
  let away = 0
  for (let i = first + 1; i < last && !(far && (elsewhere || away > 1)); i++) {
    const fix = fixes[i]!
    const meters = Math.max(distanceMeters(start, fix), distanceMeters(fix, end)) - fix.accuracyMeters
    far ||= meters >= settings.minimumTripMeters
    if (!isOnePlace(start, fix, settings) && !isOnePlace(fix, end, settings)) away++
  }
  if (!far) return false
  // One fix elsewhere and back is a bad fix, unless the odometer has seen it too.
  return elsewhere || away > 1 || (odometerBetween(start, end, settings) ?? 0) >= settings.minimumTripMeters
}

/** Standstills with no trip between them are one stop. */
function joined(analysis: Analysis, standstills: readonly Standstill[]): Standstill[] {
  const stops: Standstill[] = []
  for (const one of standstills) {
    const before = stops.at(-1)
    if (before && !isTrip(analysis, before.last, one.first)) {
      before.last = one.last
      before.endNeeds = one.endNeeds
    } else stops.push({ ...one })
  }
  return stops
}

function median(values: number[]): number {
  values.sort((a, b) => a - b)
  return values[values.length >> 1]!
}

function medianPlace(fixes: readonly Fix[], first: number, last: number): Place {
  const part = fixes.slice(first, last + 1)
  const origin = part[0]!.longitude
  // Counted from the first fix, so that the 180th meridian is no seam.
  const east = median(part.map(({ longitude }) => ((longitude - origin + 540) % 360) - 180))
  const longitude = ((origin + east + 540) % 360) - 180
  return { latitude: median(part.map(({ latitude }) => latitude)), longitude: round(longitude) }
}

/** To 1e-7 degrees, the unit of the table. */
const round = (degrees: number) => Math.round(degrees * 1e7) / 1e7

function stopOf(analysis: Analysis, one: Standstill, startsBy: StopEdge, endsBy: StopEdge): Stop {
  const { fixes, links, rawAt } = analysis
  const startedAt = links.arrivedAt[one.first]!
  const endedAt = links.leftAt[one.last]!
  let longestSilenceMs = Math.max(fixes[one.first]!.at - startedAt, endedAt - fixes[one.last]!.at)
  for (let i = one.first; i < one.last; i++) {
    longestSilenceMs = Math.max(longestSilenceMs, fixes[i + 1]!.at - fixes[i]!.at)
  }
  const lastNeeded = fixes[one.startNeeds + REACH_FIXES]
  const firstNeeded = fixes[one.endNeeds - REACH_FIXES]
  return {
    startedAt,
    endedAt,
    place: medianPlace(fixes, one.first, one.last),
    startsBy,
    endsBy,
    longestSilenceMs,
    points: one.last - one.first + 1,
    startFirmAfter: (lastNeeded && rawAt[lastNeeded.rawLast + NEIGHBOURS]) ?? null,
    endFirmBefore: (firstNeeded && rawAt[firstNeeded.rawFirst - NEIGHBOURS]) ?? null,
  }
}

function tripOf(analysis: Analysis, first: number, last: number, startsBy: TripEdge, endsBy: TripEdge): Trip {
  const { fixes, links } = analysis
  const startedAt = links.leftAt[first]!
  const endedAt = links.arrivedAt[last]!
  let movingMs = endedAt - startedAt
  let maxSpeedKph: number | null = null
  for (let i = first; i <= last; i++) {
    const { speedKph, at } = fixes[i]!
    if (speedKph !== null && (maxSpeedKph === null || speedKph > maxSpeedKph)) maxSpeedKph = speedKph
    const rests = i < last && links.stands[i] && links.stands[i + 1] && links.meters[i]! <= JITTER_METERS
    if (rests) movingMs -= Math.max(0, Math.min(endedAt, fixes[i + 1]!.at) - Math.max(startedAt, at))
  }
  return {
    startedAt,
    endedAt,
    start: placeOf(fixes[first]!),
    end: placeOf(fixes[last]!),
    startsBy,
    endsBy,
    ...distanceAlong(analysis, first, last),
    movingMs,
    maxSpeedKph,
    endOdometerMeters: fixes[last]!.odometerMeters,
    points: last - first + 1,
  }
}

function gapOf({ fixes, links, settings }: Analysis, i: number): Gap {
  const [start, end] = [fixes[i]!, fixes[i + 1]!]
  const meters = links.meters[i]!
  const driven = odometerBetween(start, end, settings)
  return {
    from: start.at,
    until: end.at,
    reason: links.breaks[i]!,
    start: placeOf(start),
    end: placeOf(end),
    distanceMeters: Math.round(driven !== null && driven > meters ? driven : meters),
  }
}

/** The stops and trips of one stretch, added to `derived`. */
function addStretch(analysis: Analysis, stretch: Stretch, derived: Derived): void {
  const { fixes, standing } = analysis
  const before = stretch.first === 0 ? 'open' : 'gap'
  const after = stretch.last === fixes.length - 1 ? 'open' : 'gap'
  const stops = joined(analysis, standing.all(stretch))
  const leaves = standing.leavesAt(stretch)
  const reaches = standing.reachesAt(stretch)
  const addTrip = (first: number, last: number, startsBy: TripEdge, endsBy: TripEdge) => {
    if (last > first && isTrip(analysis, first, last)) {
      derived.trips.push(tripOf(analysis, first, last, startsBy, endsBy))
      return true
    }
    return false
  }

  if (stops.length === 0) addTrip(leaves, reaches, before, after)
  for (const [i, stop] of stops.entries()) {
    if (i === 0) addTrip(Math.min(leaves, stop.first), stop.first, before, 'standstill')
    else addTrip(stops[i - 1]!.last, stop.first, 'standstill', 'standstill')
    const last = i === stops.length - 1
    const goes = last ? addTrip(stop.last, Math.max(reaches, stop.last), 'standstill', after) : true
    const startsBy = stop.first === stretch.first ? before : 'motion'
    const endsBy = goes || (after === 'gap' && stop.last < stretch.last) ? 'motion' : after
    derived.stops.push(stopOf(analysis, stop, startsBy, endsBy))
  }
}

/** The answer that an analysis adds up to. */
export function assemble(analysis: Analysis): Derived {
  const { fixes, stretches, implausible } = analysis
  const derived: Derived = {
    trips: [],
    stops: [],
    gaps: [],
    implausible,
    latest: fixes.at(-1)?.point ?? null,
  }
  for (const stretch of stretches) {
    addStretch(analysis, stretch, derived)
    if (stretch.last < fixes.length - 1) derived.gaps.push(gapOf(analysis, stretch.last))
  }
  return derived
}

/**
 * Trips, stops, gaps and implausible points of one vehicle, from its points in any order and with any repetition: the answer
 * is a function of the set. Never throws for what a device may say; no points give empty lists.
 */
export function derive(points: readonly TrackPoint[], settings: TripSettings): Derived {
  return assemble(analyse(points, settings))
}
