import { type Instant, MINUTE } from '../time/instant.ts'
import { type Analysis, analyse, assemble, REACH_FIXES } from './derive.ts'
import { isTrusted } from './flags.ts'
import { NEIGHBOURS } from './plausible.ts'
import type { Derived, Stop, TrackPoint, TripSettings } from './types.ts'

/** `rederive` wants so many trusted instants before `readFrom` and after `readUntil`, so that the edges come out as they were. */
export const CONTEXT_POINTS = 64

/** From the beginning of one stop to the end of another (or the same); null: from the first point, to the last one. */
export interface Window {
  from: Instant | null
  until: Instant | null
  /** From here on points are to be read; and CONTEXT_POINTS before. */
  readFrom: Instant | null
  /** Until here points are to be read; and CONTEXT_POINTS after. */
  readUntil: Instant | null
}

/** The context was too thin (too much of it was implausible): give more, or all points. */
export class TooLittleContext extends RangeError {}

/** The last of `stops` that a point at `at` can't change the beginning of. */
function stopBefore(stops: readonly Stop[], at: Instant): Stop | null {
  const is = ({ startFirmAfter }: Stop) => startFirmAfter !== null && startFirmAfter < at
  return stops.findLast(is) ?? null
}

/** The first of `stops` that a point at `at` can't change the end of. */
function stopAfter(stops: readonly Stop[], at: Instant): Stop | null {
  const is = ({ endFirmBefore }: Stop) => endFirmBefore !== null && endFirmBefore > at
  return stops.find(is) ?? null
}

/**
 * What points that came late, with fix times from `first` to `last`, can change of an answer: nothing before the beginning of
 * one stop, nothing after the end of a later one. Needs only the stops of that answer, so what was stored is enough.
 */
export function reopenedBy(
  stops: readonly Stop[],
  settings: TripSettings,
  first: Instant,
  last: Instant = first,
): Window {
  const from = stopBefore(stops, first)?.startedAt ?? null
  const until = stopAfter(stops, last)?.endedAt ?? null
  // A standstill is proven by what follows for so long.
  const aroundMs = settings.standstillMinutes * MINUTE
  return {
    from,
    until,
    readFrom: from === null ? null : from - aroundMs,
    readUntil: until === null ? null : until + aroundMs,
  }
}

/** The places in `sorted` of the first value not below `at`. */
function lowerBound(count: number, valueAt: (i: number) => Instant, at: Instant): number {
  let low = 0
  let high = count
  while (low < high) {
    const middle = (low + high) >> 1
    if (valueAt(middle) < at) low = middle + 1
    else high = middle
  }
  return low
}

/** Were so many trusted instants given that there may be more beyond them? */
function isCut(points: readonly TrackPoint[], isBeyond: (at: Instant) => boolean): boolean {
  const instants = new Set<Instant>()
  for (const { flags, fixAt } of points) if (isTrusted(flags) && isBeyond(fixAt)) instants.add(fixAt)
  return instants.size >= CONTEXT_POINTS
}

/** Are there fixes enough beyond the edges, where not all points were given? */
function checkContext(
  { fixes, rawAt }: Analysis,
  points: readonly TrackPoint[],
  { readFrom, readUntil }: Window,
): void {
  if (readFrom !== null && isCut(points, (at) => at < readFrom)) {
    const i = lowerBound(fixes.length, (k) => fixes[k]!.at, readFrom) - 2 * REACH_FIXES
    if (i < 0 || fixes[i]!.rawFirst < 2 * NEIGHBOURS) throw new TooLittleContext('before the window')
  }
  if (readUntil !== null && isCut(points, (at) => at > readUntil)) {
    const i = lowerBound(fixes.length, (k) => fixes[k]!.at, readUntil) + 2 * REACH_FIXES
    const enough = i < fixes.length && fixes[i]!.rawLast + 2 * NEIGHBOURS < rawAt.length
    if (!enough) throw new TooLittleContext('after the window')
  }
}

/**
 * The answer after points came late: what `old` says outside the window, and what `points` say inside. They are all points with
 * fix times from `readFrom` to `readUntil`, late ones included, and at least CONTEXT_POINTS trusted instants before and after
 * (fewer only when there are no more). Equals `derive` of all points. Throws TooLittleContext.
 */
export function rederive(
  old: Derived,
  points: readonly TrackPoint[],
  window: Window,
  settings: TripSettings,
): Derived {
  const analysis = analyse(points, settings)
  checkContext(analysis, points, window)
  const part = assemble(analysis)
  const from = window.from ?? Number.NEGATIVE_INFINITY
  const until = window.until ?? Number.POSITIVE_INFINITY
  const splice = <T>(
    before: readonly T[],
    now: readonly T[],
    start: (one: T) => Instant,
    end = start,
  ): T[] => [
    ...before.filter((one) => start(one) < from),
    ...now.filter((one) => start(one) >= from && end(one) <= until),
    ...before.filter((one) => end(one) > until),
  ]
  const stops = splice<Stop>(
    old.stops,
    part.stops,
    (stop) => stop.startedAt,
    (stop) => stop.endedAt,
  )
  const edges = (at: Instant | null, edge: 'startedAt' | 'endedAt') => {
    if (at === null) return
    const was = old.stops.find((stop) => stop[edge] === at)
    const is = stops.find((stop) => stop[edge] === at)
    if (!was || !is) throw new TooLittleContext(`no stop with ${edge} ${at}`)
    // The context ends beyond it, the truck's way did not.
    if (edge === 'startedAt') is.startsBy = was.startsBy
    else is.endsBy = was.endsBy
  }
  edges(window.from, 'startedAt')
  edges(window.until, 'endedAt')
  return {
    trips: splice(
      old.trips,
      part.trips,
      (trip) => trip.startedAt,
      (trip) => trip.endedAt,
    ),
    stops,
    gaps: splice(
      old.gaps,
      part.gaps,
      (gap) => gap.from,
      (gap) => gap.until,
    ),
    implausible: splice(old.implausible, part.implausible, ({ point }) => point.fixAt),
    latest: window.until === null ? part.latest : old.latest,
  }
}

/**
 * When a standstill is first proven, and when a proof last begins, by fixes whose truth no point outside can change. Before
 * the first proof is complete the truck may have waited with the engine on, which isn't a stop.
 */
function firmProofs({ fixes, rawAt, standing, stretches, settings }: Analysis): {
  first: Instant
  last: Instant
} {
  const standstillMs = settings.standstillMinutes * MINUTE
  const begin = fixes[fixes.findIndex((fix) => fix.rawFirst >= NEIGHBOURS) + REACH_FIXES]
  const end = fixes[fixes.findLastIndex((fix) => fix.rawLast + NEIGHBOURS < rawAt.length) - REACH_FIXES]
  let first = Number.POSITIVE_INFINITY
  let last = Number.NEGATIVE_INFINITY
  if (!begin || !end) return { first, last }
  for (const stretch of stretches) {
    for (let i = stretch.first; i <= stretch.last; i++) {
      const { at } = fixes[i]!
      // Others of so short a time ago could prove more, or less.
      if (at < begin.at + standstillMs) continue
      const proven = standing.provenUntil(i, stretch)
      if (proven < 0 || fixes[proven]!.at >= end.at) continue
      first = Math.min(first, fixes[proven]!.at)
      last = at
      i = Math.max(i, proven - 1)
    }
  }
  return { first, last }
}

/**
 * Between which instants the answer to `points` is final, if they are all there are in between: no point before the first of
 * them and none after the last could change it. null: nowhere. To ask for a day alone, give points before and after it until
 * this holds the day; a truck that rests then settles within minutes.
 */
export function settledWithin(
  points: readonly TrackPoint[],
  settings: TripSettings,
): { from: Instant; until: Instant } | null {
  const analysis = analyse(points, settings)
  const { stops } = assemble(analysis)
  const begin = stops.find((stop) => stop.endFirmBefore !== null)
  const end = stops.findLast((stop) => stop.startFirmAfter !== null)
  if (!begin || !end) return null
  const { first, last } = firmProofs(analysis)
  const from = Math.min(begin.endedAt, Math.max(begin.startedAt, first))
  const until = Math.max(end.startedAt, Math.min(end.endedAt, last))
  return from < until ? { from, until } : null
}
