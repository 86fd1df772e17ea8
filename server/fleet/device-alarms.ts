import { MINUTE } from '../time/instant.ts'

/**
 * What people must be told of a device:
 * - sos: somebody presses its button for help
 * - two-trackers: two machines are connected with its identity, and both are alive
 * - foreign-identity: somebody who is known as another device, or who first said to be one, claims to be it
 * - bad-frames: what comes under its identity has a wrong checksum or can't be read
 */
export const ALARM_KINDS = ['sos', 'two-trackers', 'foreign-identity', 'bad-frames'] as const
export type AlarmKind = (typeof ALARM_KINDS)[number]

/** Quiet for so long, it is over; what comes later is another occurrence. */
export const ALARM_QUIET_MS = 60 * MINUTE

/** From so many on in one occurrence people are told. A line that damages a frame now and then is no attack. */
export const TOLD_FROM: Record<AlarmKind, number> = {
  sos: 1,
  'two-trackers': 1,
  'foreign-identity': 1,
  'bad-frames': 10,
}
