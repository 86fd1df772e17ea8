import { DAY, type Instant, MINUTE } from '../time/instant.ts'

/** Bits of `positions.flags`. Below 256: what the device said, and how. */
export const IGNITION_KNOWN = 1
export const IGNITION_ON = 2
/** Its fix time was a rollover of the GPS week ago and has been moved; 1024 weeks less are what it said. */
export const REPAIRED_ROLLOVER = 4
/** Known by an identity that is no secret, or by a token in an address, which logs keep: weaker evidence than a key or a token. */
export const OPEN_IDENTITY = 8
/** Proved by a key of the device's own (a signature, a session, a certificate). Without this and the one above: by a token. */
export const SIGNED = 16
/** From 256 on: doubts. A doubtful position is kept as evidence, and nothing is derived from it. */
export const FUTURE = 256
export const PAST = 512
export const ZERO_FIX = 1024
export const IMPLAUSIBLE_SPEED = 2048
export const INACCURATE = 4096
/** The device is alive and has no valid fix. */
export const NO_FIX = 8192
/** Far from where the truck was before and after (server/trips). */
export const JUMP = 16384
/** Too coarse to derive driving from, or a repaired rollover that says a second time what was said (server/trips). */
export const ASIDE = -32768

/** A device's clock may be ahead of ours by so much (protocols, rule 4). */
export const AHEAD_MS = 5 * MINUTE
/** No device keeps a backlog for longer; an older fix means that its clock is wrong. */
const BEHIND_MS = 400 * DAY
/** Receivers without a fix report the origin, or a little beside it. */
const ZERO_E7 = 100_000
const FASTEST_CKPH = 25_000
const COARSEST_DM = 50_000
/** GPS counts weeks in ten bits. */
const ROLLOVER_MS = 1024 * 7 * DAY

export interface Judged {
  fixAt: Instant
  latitudeE7: number | null
  longitudeE7: number | null
  speedCkph: number | null
  accuracyDm: number | null
}

/**
 * A fix time that lies a rollover of the GPS week counter back (19.6 years), moved to where it is a time that could have been
 * received then; any other as it is. A backlog that comes late is moved by the same, so the answer is one for all retries.
 */
export function withoutRollover(fixAt: Instant, receivedAt: Instant): Instant {
  const moved = fixAt + ROLLOVER_MS
  return moved <= receivedAt + AHEAD_MS && moved >= receivedAt - BEHIND_MS ? moved : fixAt
}

/** The doubts about a position that arrived at `receivedAt`: 0, or the bits above. */
export function doubtsOf(point: Judged, receivedAt: Instant): number {
  const { latitudeE7, longitudeE7 } = point
  let doubts = 0
  if (point.fixAt > receivedAt + AHEAD_MS) doubts |= FUTURE
  else if (point.fixAt < receivedAt - BEHIND_MS) doubts |= PAST
  if (latitudeE7 === null || longitudeE7 === null) doubts |= NO_FIX
  else if (Math.abs(latitudeE7) < ZERO_E7 && Math.abs(longitudeE7) < ZERO_E7) doubts |= ZERO_FIX
  if (point.speedCkph !== null && point.speedCkph > FASTEST_CKPH) doubts |= IMPLAUSIBLE_SPEED
  if (point.accuracyDm !== null && point.accuracyDm > COARSEST_DM) doubts |= INACCURATE
  return doubts
}

export const isTrusted = (flags: number) => (flags & ~255) === 0

/** What an installer must mend first comes first: a clock, then the fix, then what the fix says. */
const DOUBT_NAMES = [
  [FUTURE, 'future'],
  [PAST, 'past'],
  [ZERO_FIX, 'zero-fix'],
  [NO_FIX, 'no-fix'],
  [INACCURATE, 'inaccurate'],
  [IMPLAUSIBLE_SPEED, 'implausible-speed'],
  [JUMP, 'jump'],
] as const
export type Doubt = (typeof DOUBT_NAMES)[number][1]

/** The doubts that a position's flags hold, by name; none: it is trusted. */
export const namedDoubts = (flags: number): Doubt[] =>
  DOUBT_NAMES.filter(([bit]) => flags & bit).map(([, name]) => name)
