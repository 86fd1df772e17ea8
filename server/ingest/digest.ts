import type { Instant } from '../time/instant.ts'

/** A position's content, in the units of the table. */
export interface Digested {
  /** As the device said it; its second is in the key beside the digest. */
  fixAt: Instant
  latitudeE7: number | null
  longitudeE7: number | null
  odometerM: number | null
  engineSeconds: number | null
  speedCkph: number | null
  headingDeg: number | null
  altitudeM: number | null
  accuracyDm: number | null
  ignition: boolean | null
  sequence: number | null
  /** JSON text */
  attributes: string | null
}

const ABSENT = 0x7fc0_0001
const REPAIRED = 0x2545_f491

/** One round of MurmurHash3 (32 bit). */
function mix(hash: number, value: number): number {
  let k = Math.imul(value, 0xcc9e_2d51)
  k = (k << 15) | (k >>> 17)
  const mixed = hash ^ Math.imul(k, 0x1b87_3593)
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe654_6b64) | 0
}

/**
 * 32 bits of a position's content: with device and second of the fix the key by which a retry is known. What is said twice for
 * one instant with other content stays apart, and so is what was said with a rollover of the GPS week that was `repaired`: which
 * of the two came first would show otherwise. Nothing of the arrival goes in, or a retry would differ.
 */
export function digestOf(point: Digested, repaired = false): number {
  let hash = mix(point.fixAt % 1000, point.latitudeE7 ?? ABSENT)
  hash = mix(hash, point.longitudeE7 ?? ABSENT)
  hash = mix(hash, point.odometerM ?? ABSENT)
  hash = mix(hash, point.engineSeconds ?? ABSENT)
  hash = mix(hash, point.speedCkph ?? ABSENT)
  hash = mix(hash, point.headingDeg ?? ABSENT)
  hash = mix(hash, point.altitudeM ?? ABSENT)
  hash = mix(hash, point.accuracyDm ?? ABSENT)
  hash = mix(hash, point.ignition === null ? ABSENT : Number(point.ignition))
  if (point.sequence === null) hash = mix(hash, ABSENT)
  else hash = mix(mix(hash, point.sequence | 0), Math.floor(point.sequence / 4_294_967_296))
  const text = point.attributes
  if (text === null) hash = mix(hash, ABSENT)
  else for (let i = 0; i < text.length; i++) hash = mix(hash, text.charCodeAt(i))
  if (repaired) hash = mix(hash, REPAIRED)
  hash ^= hash >>> 16
  hash = Math.imul(hash, 0x85eb_ca6b)
  hash ^= hash >>> 13
  hash = Math.imul(hash, 0xc2b2_ae35)
  return (hash ^ (hash >>> 16)) | 0
}
