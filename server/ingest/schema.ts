/** One heartbeat as a device sends it to `POST /v1/heartbeats` or `heartbeat.report`. */
export interface Heartbeat {
  /** The device's own name, as it was enrolled. */
  device: string
  /** When the position was fixed: ISO 8601 with offset, or epoch milliseconds. */
  fixTime: string | number
  latitude: number
  longitude: number
  speedKph?: number | null
  headingDegrees?: number | null
  altitudeMeters?: number | null
  accuracyMeters?: number | null
  odometerMeters?: number | null
  engineHours?: number | null
  ignition?: boolean | null
  sequence?: number | null
  /** Anything else worth keeping; at most 4 KiB as JSON. */
  attributes?: Record<string, unknown> | null
}

/** A heartbeat that can't be stored as it stands: sending it again changes nothing. */
export interface Refused {
  index: number
  field: string
  reason: string
}

/** The answer, sent after the commit: every heartbeat is in exactly one of the three. */
export interface Receipt {
  received: number
  stored: number
  duplicates: number
  refused: Refused[]
}
