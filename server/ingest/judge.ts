import { DAY, type Instant, MINUTE } from '../time/instant.ts'

/** Bits of `positions.flags`. Below 256: what the device said. */
export const IGNITION_KNOWN = 1
export const IGNITION_ON = 2
/** From 256 on: doubts. A doubtful position is kept as evidence, and nothing is derived from it. */
export const FUTURE = 256
export const PAST = 512
export const ZERO_FIX = 1024
export const IMPLAUSIBLE_SPEED = 2048
export const INACCURATE = 4096

/** A device's clock may be ahead of ours by so much (protocols, rule 4). */
const AHEAD_MS = 5 * MINUTE
/** No device keeps a backlog for longer; an older fix means that its clock is wrong. */
const BEHIND_MS = 400 * DAY
/** Receivers without a fix report the origin, or a little beside it. */
const ZERO_E7 = 100_000
const FASTEST_DKPH = 2_500
const COARSEST_DM = 50_000

export interface Judged {
  fixAt: Instant
  latitudeE7: number
  longitudeE7: number
  speedDkph: number | null
  accuracyDm: number | null
}

/** The doubts about a position that arrived at `receivedAt`: 0, or the bits above. */
export function doubtsOf(point: Judged, receivedAt: Instant): number {
  let doubts = 0
  if (point.fixAt > receivedAt + AHEAD_MS) doubts |= FUTURE
  else if (point.fixAt < receivedAt - BEHIND_MS) doubts |= PAST
  if (Math.abs(point.latitudeE7) < ZERO_E7 && Math.abs(point.longitudeE7) < ZERO_E7) doubts |= ZERO_FIX
  if (point.speedDkph !== null && point.speedDkph > FASTEST_DKPH) doubts |= IMPLAUSIBLE_SPEED
  if (point.accuracyDm !== null && point.accuracyDm > COARSEST_DM) doubts |= INACCURATE
  return doubts
}

export const isTrusted = (flags: number) => (flags & ~255) === 0
