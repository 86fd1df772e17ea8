import type { EnrolledKey, KeyReach, KeyScope } from '../../server/auth/device-keys/schema.ts'
import { plural } from '../format.ts'
import type { Tone } from '../ui/badge.tsx'

export const KEY_STATE: Record<EnrolledKey['state'], { word: string; tone: Tone }> = {
  pending: { word: 'Waiting for proof', tone: 'warning' },
  active: { word: 'Proven', tone: 'good' },
  revoked: { word: 'Revoked', tone: 'danger' },
  expired: { word: 'Expired', tone: 'danger' },
}

export const SCOPE: Record<KeyScope, string> = {
  ingest: 'Send heartbeats',
  'commands:read': 'Read commands',
  'commands:ack': 'Acknowledge commands',
  'config:read': 'Read its settings',
  'eld:transfer': 'Transfer ELD records',
}

/** "Send heartbeats, read commands" */
export function scopeWords(scopes: readonly KeyScope[]): string {
  const words = scopes.map((scope) => SCOPE[scope]).join(', ')
  return words.charAt(0) + words.slice(1).toLowerCase().replaceAll('eld', 'ELD')
}

/** For whom a key may do it; `unitOf` knows a vehicle's unit number. */
export function reachWords(
  reach: KeyReach,
  deviceName: string | null,
  unitOf: (vehicleId: number) => string | undefined,
): string {
  if (reach.kind === 'fleet') return 'The whole fleet'
  if (reach.kind === 'device') return `Device ${deviceName ?? ''}`.trimEnd()
  const units = reach.vehicleIds.map(unitOf).filter((unit) => unit !== undefined)
  return units.length === reach.vehicleIds.length && units.length <= 3
    ? `${units.length === 1 ? 'Truck' : 'Trucks'} ${units.join(', ')}`
    : plural(reach.vehicleIds.length, 'truck', 'trucks')
}
