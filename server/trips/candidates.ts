import type { Instant } from '../time/instant.ts'
import { isRepaired, isTrusted } from './flags.ts'
import type { Implausible, TrackPoint, TripSettings } from './types.ts'

/** What was said of one place at one instant, by one point or by several. */
export interface Candidate {
  at: Instant
  latitude: number
  longitude: number
  accuracyMeters: number
  speedKph: number | null
  odometerMeters: number | null
  ignition: boolean | null
  /** The first by digest, which stands for all. */
  point: TrackPoint
  /** null: no other */
  others: TrackPoint[] | null
  /** Its place among all candidates, before jumps are left out, and that of the last joined to it */
  rawFirst: number
  rawLast: number
}

function inOrder(a: TrackPoint, b: TrackPoint): number {
  return a.fixAt - b.fixAt || a.digest - b.digest || a.flags - b.flags
}

/** By fix time, then digest, then flags; each point once. A new array, unless it is so already. */
function sortedOnce(points: readonly TrackPoint[]): readonly TrackPoint[] {
  let strictly = true
  let ordered = true
  for (let i = 1; i < points.length && ordered; i++) {
    const [before, point] = [points[i - 1]!, points[i]!]
    if (before.fixAt === point.fixAt) {
      ordered = inOrder(before, point) <= 0
      if (before.digest === point.digest) strictly = false
    } else ordered = before.fixAt < point.fixAt
  }
  if (ordered && strictly) return points
  const sorted = ordered ? points : [...points].sort(inOrder)
  // Of twins the one with fewer flags stays.
  return sorted.filter((point, i) => {
    const before = sorted[i - 1]
    return before === undefined || before.fixAt !== point.fixAt || before.digest !== point.digest
  })
}

const newCandidate = (point: TrackPoint, index: number): Candidate => ({
  at: point.fixAt,
  latitude: point.latitude,
  longitude: point.longitude,
  accuracyMeters: point.accuracyMeters ?? 0,
  speedKph: point.speedKph,
  odometerMeters: point.odometerMeters,
  ignition: point.ignition,
  point,
  others: null,
  rawFirst: index,
  rawLast: index,
})

/** What one says and the other doesn't is known of both. */
function join(candidate: Candidate, said: TrackPoint | Candidate): void {
  candidate.speedKph ??= said.speedKph
  candidate.odometerMeters ??= said.odometerMeters
  candidate.ignition ??= said.ignition
}

function addPoint(candidate: Candidate, point: TrackPoint): void {
  candidate.others ??= []
  candidate.others.push(point)
  join(candidate, point)
}

/** Another place of the same instant that doesn't contradict. */
export function addCandidate(candidate: Candidate, other: Candidate): void {
  candidate.others = [...(candidate.others ?? []), ...pointsOf(other)]
  candidate.rawLast = other.rawLast
  join(candidate, other)
}

export const pointsOf = ({ point, others }: Candidate): TrackPoint[] => [point, ...(others ?? [])]

/**
 * The points that may be true as they stand, in order, joined where they say the same place at the same instant; and the
 * others with the doubt. A function of the set of points, whatever their order and repetition.
 */
export function candidatesOf(
  points: readonly TrackPoint[],
  settings: TripSettings,
): { candidates: Candidate[]; implausible: Implausible[] } {
  const implausible: Implausible[] = []
  const candidates: Candidate[] = []
  const sorted = sortedOnce(points)
  for (let i = 0; i < sorted.length; ) {
    const fixAt = sorted[i]!.fixAt
    const first = candidates.length
    const repaired: TrackPoint[] = []
    for (; i < sorted.length && sorted[i]!.fixAt === fixAt; i++) {
      const point = sorted[i]!
      if (!isTrusted(point.flags)) implausible.push({ point, doubt: 'flagged' })
      else if ((point.accuracyMeters ?? 0) > settings.coarsestMeters)
        implausible.push({ point, doubt: 'coarse' })
      else if (isRepaired(point.flags)) repaired.push(point)
      else add(point, first)
    }
    const own = candidates.length > first
    for (const point of repaired) {
      if (own) implausible.push({ point, doubt: 'repeated' })
      else add(point, first)
    }
  }
  return { candidates, implausible }

  function add(point: TrackPoint, first: number): void {
    for (let i = first; i < candidates.length; i++) {
      const one = candidates[i]!
      if (one.latitude !== point.latitude || one.longitude !== point.longitude) continue
      addPoint(one, point)
      return
    }
    candidates.push(newCandidate(point, candidates.length))
  }
}
