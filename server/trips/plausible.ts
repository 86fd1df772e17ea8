import { distanceMeters } from '../geo/distance.ts'
import { HOUR } from '../time/instant.ts'
import { addCandidate, type Candidate, candidatesOf, pointsOf } from './candidates.ts'
import { isRepaired } from './flags.ts'
import type { Implausible, TrackPoint, TripSettings } from './types.ts'

/** A candidate is judged by so many before it and so many after it, and by nothing else. */
export const NEIGHBOURS = 6
/** Seconds are cut off and receivers wander: so much is reachable in no time. */
const SLACK_METERS = 300
/** km/h to m/ms */
const KPH = 1000 / HOUR
const WEIGHT = 2
/** A repaired time is worth less than one that was right. */
const REPAIRED_WEIGHT = 1
/** To believe that the truck was at two places that don't fit costs as much as to leave out five points. */
const BREAK_COST = 5 * WEIGHT
/** Fewer points left out counts first, the shorter way second. No way between so few points is longer. */
const WEIGHT_SCORE = 1e9
/** An odometer shows a jump that a long interval hides: from here on, out and back, with the odometer hardly moved. */
const SPIKE_METERS = 10_000
const SPIKE_SHARE = 0.1
/** At most, of latitude or longitude */
const DEGREE_METERS = 112_000

/** Where the truck was at one instant: candidates that no neighbour contradicts. */
export type Fix = Candidate

export interface Judgement {
  /** One an instant, in order */
  fixes: Fix[]
  implausible: Implausible[]
  /** The instant of each candidate, jumps included, in order */
  rawAt: readonly number[]
}

/** Could one truck have said both, `meters` apart? `a` is not later than `b`. */
export function isReachable(meters: number, a: Candidate, b: Candidate, settings: TripSettings): boolean {
  if (meters <= SLACK_METERS) return true
  const reach = settings.fastestKph * KPH * (b.at - a.at)
  return meters <= SLACK_METERS + reach + a.accuracyMeters + b.accuracyMeters
}

const weightOf = (one: Candidate) => (isRepaired(one.point.flags) ? REPAIRED_WEIGHT : WEIGHT)

/**
 * Is the candidate at `center` on the best way through its neighbours? The best way takes the most points of which each is
 * reachable from the one before (or pays for a break), and of such ways the shortest.
 */
function isOnBestWay(candidates: readonly Candidate[], center: number, settings: TripSettings): boolean {
  const first = Math.max(0, center - NEIGHBOURS)
  const last = Math.min(candidates.length - 1, center + NEIGHBOURS)
  const size = last - first + 1
  const own = Array.from({ length: size }, (_, i) => weightOf(candidates[first + i]!) * WEIGHT_SCORE)
  /** The best way that ends, and the best one that begins at each. */
  const ending = [...own]
  const beginning = [...own]
  const steps: number[][] = []
  for (let i = 0; i < size; i++) {
    const row: number[] = []
    for (let j = 0; j < i; j++) {
      const [a, b] = [candidates[first + j]!, candidates[first + i]!]
      const meters = distanceMeters(a, b)
      const cost = isReachable(meters, a, b, settings) ? 0 : BREAK_COST * WEIGHT_SCORE
      row.push(-cost - meters)
      ending[i] = Math.max(ending[i]!, own[i]! + ending[j]! + row[j]!)
    }
    steps.push(row)
  }
  for (let i = size - 1; i >= 0; i--) {
    for (let j = i + 1; j < size; j++) {
      beginning[i] = Math.max(beginning[i]!, own[i]! + beginning[j]! + steps[j]![i]!)
    }
  }
  const here = center - first
  const through = ending[here]! + beginning[here]! - own[here]!
  // A millimeter for what rounding does to two sums of the same.
  return through >= Math.max(...ending) - 0.001
}

/** Those that are jumps, each judged by its neighbours alone. */
function jumpsAmong(candidates: readonly Candidate[], settings: TripSettings): Set<Candidate> {
  const suspects = new Set<number>()
  for (let i = 1; i < candidates.length; i++) {
    const [a, b] = [candidates[i - 1]!, candidates[i]!]
    if (isReachable(distanceMeters(a, b), a, b, settings)) continue
    const until = Math.min(candidates.length, i + NEIGHBOURS)
    for (let j = Math.max(0, i - NEIGHBOURS); j < until; j++) suspects.add(j)
  }
  const jumps = new Set<Candidate>()
  for (const i of suspects) if (!isOnBestWay(candidates, i, settings)) jumps.add(candidates[i]!)
  return jumps
}

/** Far out and back at once, though the odometer hardly moved. */
function isSpike(before: Candidate, one: Candidate, after: Candidate): boolean {
  if (before.odometerMeters === null || after.odometerMeters === null) return false
  // Cheap, and no far place passes it.
  const degrees = Math.abs(one.latitude - before.latitude) + Math.abs(one.longitude - before.longitude)
  if (degrees * DEGREE_METERS < SPIKE_METERS) return false
  const out = distanceMeters(before, one)
  const way = out + distanceMeters(one, after)
  if (out < SPIKE_METERS || distanceMeters(before, after) > way * SPIKE_SHARE) return false
  return Math.abs(after.odometerMeters - before.odometerMeters) < way * SPIKE_SHARE
}

/**
 * Which points can be true together, and why the others can't. A jump is known by its neighbours, so a late point can clear
 * or condemn another, but only among the NEIGHBOURS candidates before and after it.
 */
export function judgeAll(points: readonly TrackPoint[], settings: TripSettings): Judgement {
  const { candidates, implausible } = candidatesOf(points, settings)
  const jumps = jumpsAmong(candidates, settings)
  const rest = jumps.size > 0 ? candidates.filter((one) => !jumps.has(one)) : candidates
  for (let i = 1; i + 1 < rest.length; i++) {
    if (isSpike(rest[i - 1]!, rest[i]!, rest[i + 1]!)) jumps.add(rest[i]!)
  }
  const rawAt = candidates.map((one) => one.at)
  const fixes: Fix[] = []
  for (const one of candidates) {
    const before = fixes.at(-1)
    if (jumps.size > 0 && jumps.has(one)) {
      for (const point of pointsOf(one)) implausible.push({ point, doubt: 'jump' })
    } else if (before?.at === one.at) addCandidate(before, one)
    else fixes.push(one)
  }
  implausible.sort(
    (a, b) =>
      a.point.fixAt - b.point.fixAt || a.point.digest - b.point.digest || a.point.flags - b.point.flags,
  )
  return { fixes, implausible, rawAt }
}

/**
 * The points from which trips are derived, in order of fix time, then digest, and the others with the reason why not. Any
 * order and repetition of `points` gives the same.
 */
export function judgePoints(
  points: readonly TrackPoint[],
  settings: TripSettings,
): { plausible: TrackPoint[]; implausible: Implausible[] } {
  const { fixes, implausible } = judgeAll(points, settings)
  return {
    plausible: fixes.flatMap(pointsOf),
    implausible,
  }
}
