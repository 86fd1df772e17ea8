import type { DeviceRow } from '../../server/fleet/devices-schema.ts'
import { type Instant, MINUTE } from '../../server/time/instant.ts'
import { ago } from '../format.ts'
import type { Tone } from '../ui/badge.tsx'
import type { DeviceTexts } from './device-order.ts'

/** Is it there? */
export type Connection = 'online' | 'quiet' | 'silent' | 'never' | 'revoked'
/** Is it of use? */
export type Work = 'fix' | 'no-fix' | 'clock' | 'implausible' | 'refused' | 'nothing'

/** A device as the list sorts and filters it. */
export interface KnownDevice {
  device: DeviceRow
  connection: Connection
  work: Work
  texts: DeviceTexts
}

const ONLINE_MS = 2 * MINUTE

/** How a device is connected. One that is heard may still be of no use: see workOf. */
export function connectionOf(
  { revokedAt, seenAt }: Pick<DeviceRow, 'revokedAt' | 'seenAt'>,
  silentAfterMinutes: number,
  now: Instant,
): Connection {
  if (revokedAt !== null) return 'revoked'
  if (seenAt === null) return 'never'
  const age = now - seenAt
  if (age < ONLINE_MS) return 'online'
  return age < silentAfterMinutes * MINUTE ? 'quiet' : 'silent'
}

const CLOCK_DOUBTS = ['future', 'past']
const FIX_DOUBTS = ['no-fix', 'zero-fix']

/** What a device's newest message was worth. */
export function workOf({ validAt, doubtfulAt, doubt, refusedAt }: DeviceRow): Work {
  const newest = Math.max(validAt ?? 0, doubtfulAt ?? 0, refusedAt ?? 0)
  if (newest === 0) return 'nothing'
  if (refusedAt === newest) return 'refused'
  if (validAt === newest) return 'fix'
  if (doubt !== null && CLOCK_DOUBTS.includes(doubt)) return 'clock'
  return doubt !== null && FIX_DOUBTS.includes(doubt) ? 'no-fix' : 'implausible'
}

export const CONNECTION_TONE: Record<Connection, Tone> = {
  online: 'good',
  quiet: 'neutral',
  silent: 'warning',
  never: 'neutral',
  revoked: 'danger',
}
export const WORK: Record<Work, { word: string; tone: Tone }> = {
  fix: { word: 'Fix is valid', tone: 'good' },
  'no-fix': { word: 'No fix', tone: 'warning' },
  clock: { word: 'Clock is wrong', tone: 'danger' },
  implausible: { word: 'Implausible', tone: 'warning' },
  refused: { word: 'Refused', tone: 'danger' },
  nothing: { word: 'Nothing yet', tone: 'neutral' },
}

/** "Online", "Heard 4 min ago", "Silent, heard 3 h ago". */
export function connectionWords(connection: Connection, seenAt: Instant | null, now: Instant): string {
  if (connection === 'revoked') return 'Revoked'
  if (seenAt === null) return 'Never heard'
  const age = ago(Math.max(0, now - seenAt))
  return connection === 'online' ? 'Online' : `${connection === 'silent' ? 'Silent, heard' : 'Heard'} ${age}`
}

/** Why nothing is derived from a position, in words. */
export const DOUBT_WORDS: Record<string, string> = {
  future: 'its time is in the future',
  past: 'its time is too long ago',
  'zero-fix': 'it says 0, 0',
  'no-fix': 'no satellite fix',
  inaccurate: 'not accurate enough',
  'implausible-speed': 'faster than a truck can be',
  jump: 'too far from where the truck was before and after',
  coarse: 'its radius is too large to derive driving from',
  'said-twice': 'says again what was said before its week counter rolled over',
  'rollover-repaired': 'its week counter rolled over: its time was put right',
  unknown: 'not enrolled',
  'no-token': 'came without its token',
  'wrong-token': 'came with a wrong token',
  elsewhere: 'came from outside of the networks that it is bound to',
  'wrong-key': 'came with a signature or certificate that is not taken',
  'wrong-clock': 'came with a clock that is more than 5 minutes off',
  'other-identity': 'came with the user or device of another',
  encrypted: 'is encrypted: switch that off in the app',
  malformed: 'said something that can’t be read',
}

export const doubtWords = (doubt: string): string => DOUBT_WORDS[doubt] ?? doubt

/** "2 s behind", "1 h ahead", "right". */
export function clockWords(offsetMs: number): string {
  const apart = Math.abs(offsetMs)
  if (apart < 1_500) return 'within a second'
  const words = ago(Math.max(2_000, apart)).replace(' ago', '')
  return `${words} ${offsetMs > 0 ? 'ahead' : 'behind'}`
}
