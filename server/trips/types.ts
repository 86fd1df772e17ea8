import type { Instant } from '../time/instant.ts'

/** A stored position, as the derivation reads it. Order and repetition of points never matter. */
export interface TrackPoint {
  /** Repaired already where a rollover of the GPS week was (REPAIRED_ROLLOVER says so). */
  fixAt: Instant
  latitude: number
  longitude: number
  /** null: the device did not say (so for all that may be null here) */
  speedKph: number | null
  odometerMeters: number | null
  ignition: boolean | null
  /** Radius */
  accuracyMeters: number | null
  /** Bits of server/ingest/judge.ts */
  flags: number
  /** 32 bits of the content; with the fix time it names a point. */
  digest: number
}

/** Thresholds of a fleet. */
export interface TripSettings {
  /** Standing for so long ends a trip; less is traffic. */
  standstillMinutes: number
  /** A trip must lead so far from where it began or ended; less is jitter, or a move in the yard. */
  minimumTripMeters: number
  /** Silence for longer, and elsewhere after it: nobody knows what was between. */
  gapMinutes: number
  /** Fixes so near are one place. */
  standstillRadiusMeters: number
  /** Faster is motion. */
  movingKph: number
  /** Two fixes that ask for more are not one truck's. */
  fastestKph: number
  /** A fix with a larger radius says too little. */
  coarsestMeters: number
}

/**
 * `gapMinutes`: 45. Driving trackers report every 30 s (buses: 99.5 % within 3 minutes), but a truck in a long rest every 30
 * minutes, so nothing shorter than 30 is silence; half as much again lets one such report be late.
 */
export const DEFAULT_SETTINGS: TripSettings = {
  standstillMinutes: 5,
  minimumTripMeters: 300,
  gapMinutes: 45,
  standstillRadiusMeters: 100,
  movingKph: 5,
  fastestKph: 200,
  coarsestMeters: 300,
}

export interface Place {
  latitude: number
  longitude: number
}

/**
 * Why a trip or stop begins or ends there. `standstill` (of a trip) and `motion` (of a stop): by the other one. `gap`: nothing is
 * known of what was beyond (see Gap). `open`: the points begin or end there.
 */
export type TripEdge = 'standstill' | 'gap' | 'open'
export type StopEdge = 'motion' | 'gap' | 'open'

export interface Trip {
  startedAt: Instant
  /** Of an open trip: when it last moved. */
  endedAt: Instant
  start: Place
  end: Place
  startsBy: TripEdge
  endsBy: TripEdge
  distanceMeters: number
  /** How much of the distance the odometer said; the rest is summed between fixes. */
  odometerShareMeters: number
  /** Without stops in traffic */
  movingMs: number
  /** The fastest the device said; null: it said none */
  maxSpeedKph: number | null
  /** What the device's odometer said at the end; null: nothing */
  endOdometerMeters: number | null
  /** Instants with a plausible fix, ends included */
  points: number
}

export interface Stop {
  startedAt: Instant
  /** Of an open stop: the last fix. */
  endedAt: Instant
  /** The median of its fixes */
  place: Place
  startsBy: StopEdge
  endsBy: StopEdge
  /** The longest time without a fix in it: presumed to stand. */
  longestSilenceMs: number
  points: number
  /** A point later than this can't move the beginning; null: not settled yet. */
  startFirmAfter: Instant | null
  /** A point earlier than this can't move the end; null: any can. */
  endFirmBefore: Instant | null
}

/** What nobody knows: between these fixes the truck was moved, or its fixes contradict each other. */
export interface Gap {
  from: Instant
  until: Instant
  reason: 'silence' | 'contradiction'
  start: Place
  end: Place
  /** By odometer where plausible, else the great circle, which is the least it can be. */
  distanceMeters: number
}

export type Doubt =
  /** Its flags, set on arrival, say so. */
  | 'flagged'
  /** Its radius is too large. */
  | 'coarse'
  /** A rollover of the GPS week was repaired, and the instant has a fix of its own. */
  | 'repeated'
  /** Too far from where the truck was before and after. */
  | 'jump'

export interface Implausible {
  point: TrackPoint
  doubt: Doubt
}

/** In order of time. */
export interface Derived {
  trips: Trip[]
  stops: Stop[]
  gaps: Gap[]
  implausible: Implausible[]
  /** The last plausible point: where the truck is. */
  latest: TrackPoint | null
}
