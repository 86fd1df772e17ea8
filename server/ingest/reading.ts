import type { Instant } from '../time/instant.ts'

/**
 * What one message of a device says, whichever protocol it spoke: units converted, nothing judged. `null`: not said.
 * A decoder gives these; report.ts judges and stores them.
 */
export interface Reading {
  /** When the position was fixed, epoch milliseconds; null: the message has no time, its arrival counts. */
  fixAt: Instant | null
  /** When the device sent it, where the protocol says so. */
  sentAt: Instant | null
  /** Degrees, both or neither; null: the device is alive and has no fix. */
  latitude: number | null
  longitude: number | null
  speedKph: number | null
  /** 0 to 359, clockwise from north */
  headingDegrees: number | null
  altitudeMeters: number | null
  accuracyMeters: number | null
  odometerMeters: number | null
  engineSeconds: number | null
  ignition: boolean | null
  /** False: the device itself says that the fix is not valid. */
  valid: boolean
  /** What else it said and is worth keeping: finite numbers, booleans, texts, lists and objects of them. */
  attributes: Record<string, unknown>
}

/** A reading with nothing said. */
export const emptyReading = (): Reading => ({
  fixAt: null,
  sentAt: null,
  latitude: null,
  longitude: null,
  speedKph: null,
  headingDegrees: null,
  altitudeMeters: null,
  accuracyMeters: null,
  odometerMeters: null,
  engineSeconds: null,
  ignition: null,
  valid: true,
  attributes: {},
})
