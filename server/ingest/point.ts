import type { DevicePrincipal } from '../auth/principal.ts'
import { FIX_TIMES_END } from '../db/fix-time.ts'
import type { Instant } from '../time/instant.ts'
import { Batch, type Point } from './batch.ts'
import { IMPLAUSIBLE_SPEED, NO_FIX } from './judge.ts'
import type { Reading } from './reading.ts'
import {
  ACCURACY_METERS,
  ALTITUDE_METERS,
  ENGINE_SECONDS,
  FIX_TIMES,
  ODOMETER_METERS,
  SPEED_KPH,
} from './said.ts'

/** The table keeps the time of sending to the microsecond, from PostgreSQL's epoch on. */
const SENT_TIMES = [Date.UTC(1980, 0, 6), FIX_TIMES_END - 1] as const
const MOST_ATTRIBUTE_BYTES = 16_384

/**
 * The positions of one message of a device that is known, ready to be stored. A device that is never told what is wrong would send it
 * again for ever, so what does not fit the table is not refused: it is left out, and named in `attributes.outOfRange`.
 * @param flags what is known of all of them: bits of judge.ts
 */
export function batchOf(
  readings: readonly Reading[],
  device: DevicePrincipal,
  receivedAt: Instant,
  flags = 0,
): Batch {
  const batch = new Batch(device, receivedAt, readings.length)
  for (const reading of readings) batch.add(pointOf(reading, receivedAt, flags))
  return batch
}

function pointOf(reading: Reading, receivedAt: Instant, flags: number): Point {
  // The decoder may have named some already.
  const out: Record<string, unknown> = { ...(reading.attributes.outOfRange as object | undefined) }
  const kept = (name: keyof Reading, [least, most]: readonly [number, number]): number | null => {
    const value = reading[name]
    if (typeof value !== 'number') return null
    if (value >= least && value <= most) return value
    if (Number.isFinite(value)) out[name] = value
    return null
  }
  const said = reading.fixAt ?? receivedAt
  // A clock that is wrong beyond the table's years keeps its order at their edge; judge.ts marks it.
  const fixAt = Math.min(FIX_TIMES[1], Math.max(FIX_TIMES[0], Math.floor(said)))
  if (fixAt !== Math.floor(said)) out.fixAt = said
  const hasPlace = isDegrees(reading.latitude, 90) && isDegrees(reading.longitude, 180)
  const point: Point = {
    fixAt,
    sentAt: kept('sentAt', SENT_TIMES),
    flags: reading.valid ? flags : flags | NO_FIX,
    latitudeE7: hasPlace ? Math.round(reading.latitude! * 1e7) : null,
    longitudeE7: hasPlace ? Math.round(reading.longitude! * 1e7) : null,
    speedCkph: scaled(kept('speedKph', SPEED_KPH), 100),
    headingDeg: scaled(kept('headingDegrees', [0, 360]), 1),
    altitudeM: scaled(kept('altitudeMeters', ALTITUDE_METERS), 1),
    accuracyDm: scaled(kept('accuracyMeters', ACCURACY_METERS), 10),
    odometerM: scaled(kept('odometerMeters', ODOMETER_METERS), 1),
    engineSeconds: scaled(kept('engineSeconds', ENGINE_SECONDS), 1),
    ignition: reading.ignition,
    sequence: null,
    attributes: null,
  }
  if (point.headingDeg === 360) point.headingDeg = 0
  if ('speedKph' in out) point.flags |= IMPLAUSIBLE_SPEED
  point.attributes = attributesText(
    Object.keys(out).length > 0 ? { ...reading.attributes, outOfRange: out } : reading.attributes,
  )
  return point
}

const isDegrees = (value: number | null, most: number) => value !== null && Math.abs(value) <= most
const scaled = (value: number | null, by: number) => (value === null ? null : Math.round(value * by))

/** What jsonb can't hold though JSON can: a NUL, half a surrogate pair. */
const NOT_STORABLE = /\\u(?:0000|d[89a-f][0-9a-f]{2})/gi

/** JSON of at most 16 KiB (a tracker names a hundred inputs): the largest are left out first, and counted. */
function attributesText(attributes: Record<string, unknown>): string | null {
  const entries = Object.entries(attributes)
  if (entries.length === 0) return null
  const whole = storable(JSON.stringify(attributes))
  if (Buffer.byteLength(whole) <= MOST_ATTRIBUTE_BYTES) return whole
  const bySize = entries
    .map(([name, value]) => ({ name, value, bytes: Buffer.byteLength(JSON.stringify({ [name]: value })) }))
    .sort((a, b) => a.bytes - b.bytes)
  const fitting: Record<string, unknown> = {}
  let bytes = 64
  let kept = 0
  for (const one of bySize) {
    bytes += one.bytes
    if (bytes > MOST_ATTRIBUTE_BYTES) break
    fitting[one.name] = one.value
    kept++
  }
  fitting.attributesLeftOut = entries.length - kept
  return storable(JSON.stringify(fitting))
}

const storable = (text: string) => text.replace(NOT_STORABLE, '\\ufffd')
