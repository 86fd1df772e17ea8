import { z } from 'zod'
import { type DistanceUnit, Id } from '../fleet/schema.ts'
import type { Instant } from '../time/instant.ts'
import type { Gap, StopEdge, TripEdge } from './types.ts'

/** A calendar date that exists; `Date` alone would take February 30. */
export const CalendarDate = z.iso.date()
export const DayOfVehicle = z.strictObject({ vehicleId: Id, date: CalendarDate.optional() })
export const MonthOfFleet = z.strictObject({
  month: z.string().regex(/^\d{4}-(0[1-9]|1[0-2])$/, 'must be YYYY-MM'),
})
export const TrackOfVehicle = z.strictObject({
  vehicleId: Id,
  from: z.number().int(),
  until: z.number().int(),
})

/** Where something was, in the fleet's own words. */
export interface Spot {
  latitude: number
  longitude: number
  /** "12 mi NE of Gary, IN"; null where no town is near */
  place: string | null
}

export interface TripEntry {
  kind: 'trip'
  startedAt: Instant
  /** Of one that is `open` (it may go on): when it last moved, as far as was derived. */
  endedAt: Instant
  startsBy: TripEdge
  endsBy: TripEdge
  start: Spot
  end: Spot
  distanceMeters: number
  movingMs: number
  maxSpeedKph: number | null
}

export interface StopEntry {
  kind: 'stop'
  startedAt: Instant
  /** Of one that is `open`: the last fix, as far as was derived. */
  endedAt: Instant
  startsBy: StopEdge
  endsBy: StopEdge
  spot: Spot
  /** The longest time without a fix in it: presumed to stand. */
  longestSilenceMs: number
}

export interface GapEntry {
  kind: 'gap'
  startedAt: Instant
  endedAt: Instant
  reason: Gap['reason']
  start: Spot
  end: Spot
  /** At least */
  distanceMeters: number
}

export type DayEntry = TripEntry | StopEntry | GapEntry

/** A trip counts for the day on which it begins, whole. */
export interface DayTotals {
  trips: number
  distanceMeters: number
  movingMs: number
}

/** Why points are kept as evidence only. */
export type DoubtName =
  | 'future clock'
  | 'past clock'
  | 'zero fix'
  | 'no fix'
  | 'speed'
  | 'accuracy'
  | 'jump'
  | 'said twice'

/** What of a device's points was not believed, and why. */
export interface DeviceDoubts {
  device: string
  points: number
  doubtful: number
  reasons: { reason: DoubtName; points: number }[]
}

/** A vehicle's day in its home terminal's zone. */
export interface VehicleDay {
  vehicle: { id: number; unitNumber: string; makeModel: string }
  /** Where its latest driver is at home; null: the fleet's own zone */
  homeTerminal: string | null
  timeZone: string
  distanceUnit: DistanceUnit
  date: string
  from: Instant
  until: Instant
  /** Whatever lies in the day or reaches into it, in order. */
  entries: DayEntry[]
  totals: DayTotals
  /** At the end of the day, resets and changes of unit taken out; null: no reading */
  odometerMeters: number | null
  devices: DeviceDoubts[]
}

export interface VehicleMonth extends DayTotals {
  vehicleId: number
  unitNumber: string
  /** Days with trips, in order. */
  days: (DayTotals & { date: string })[]
}

export interface FleetMonth {
  month: string
  distanceUnit: DistanceUnit
  /** Every vehicle, also those that stood. */
  vehicles: VehicleMonth[]
}

/** The way of a trip: points in order, as columns. */
export interface Track {
  latitudes: number[]
  longitudes: number[]
}
