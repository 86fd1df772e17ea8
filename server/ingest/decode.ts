import type { DevicePrincipal } from '../auth/principal.ts'
import { FIX_TIMES_END } from '../db/fix-time.ts'
import { AppError } from '../errors.ts'
import type { Instant } from '../time/instant.ts'
import { Batch, type Point } from './batch.ts'
import type { Heartbeat, Refused } from './schema.ts'

export const MOST_HEARTBEATS = 1_000
const MOST_ATTRIBUTE_BYTES = 4_096
const MOST_DEPTH = 20
/** Outside these no clock is merely wrong: the value is not a time. The first is where GPS time begins. */
const EARLIEST = Date.UTC(1980, 0, 6)
const LATEST = FIX_TIMES_END

/** What a heartbeat of the JSON door may have. */
export const HEARTBEAT_FIELDS: ReadonlySet<string> = new Set<keyof Heartbeat>([
  'device',
  'fixTime',
  'latitude',
  'longitude',
  'speedKph',
  'headingDegrees',
  'altitudeMeters',
  'accuracyMeters',
  'odometerMeters',
  'engineHours',
  'ignition',
  'sequence',
  'attributes',
])

/**
 * A report of a device, one heartbeat or an array, as JSON.parse gave it: what can be stored, and what is refused with its
 * index, field and reason.
 * @throws AppError too-large for more than MOST_HEARTBEATS, malformed if it is neither an object nor an array
 */
export function decodeReport(
  report: unknown,
  device: DevicePrincipal,
  receivedAt: Instant,
): { batch: Batch; refused: Refused[]; received: number } {
  if (report === null || typeof report !== 'object') {
    throw new AppError('malformed', 'The body must be one heartbeat or an array of heartbeats.')
  }
  const heartbeats: readonly unknown[] = Array.isArray(report) ? report : [report]
  if (heartbeats.length > MOST_HEARTBEATS) {
    throw new AppError(
      'too-large',
      `${heartbeats.length} heartbeats in one request; send at most ${MOST_HEARTBEATS}.`,
    )
  }
  const batch = new Batch(device, receivedAt, heartbeats.length)
  const refused: Refused[] = []
  for (let index = 0; index < heartbeats.length; index++) {
    const point = decodeHeartbeat(heartbeats[index], device.name)
    if ('reason' in point) refused.push({ index, ...point })
    else batch.add(point)
  }
  return { batch, refused, received: heartbeats.length }
}

type Fault = Omit<Refused, 'index'>

/** One heartbeat in the units of the table, or the first thing that is wrong with it. */
function decodeHeartbeat(raw: unknown, deviceName: string): Point | Fault {
  if (raw === null || typeof raw !== 'object' || Array.isArray(raw)) {
    return { field: '', reason: 'must be an object with the fields of a heartbeat' }
  }
  for (const field in raw) {
    if (!HEARTBEAT_FIELDS.has(field)) {
      return {
        field: field.slice(0, 64),
        reason: 'is not a field of a heartbeat; what else is worth keeping goes into attributes',
      }
    }
  }
  const said = raw as Partial<Record<keyof Heartbeat, unknown>>
  if (said.device !== deviceName) {
    return {
      field: 'device',
      reason:
        typeof said.device === 'string'
          ? 'is not the device that this token belongs to'
          : 'must be the name under which the device was enrolled',
    }
  }
  const fixAt = instantOf(said.fixTime)
  if (fixAt === null) {
    return {
      field: 'fixTime',
      reason: 'must be an ISO 8601 time with offset, or epoch milliseconds, between 1980 and 2067',
    }
  }
  const point: Point = {
    fixAt,
    sentAt: null,
    flags: 0,
    latitudeE7: 0,
    longitudeE7: 0,
    odometerM: null,
    engineSeconds: null,
    speedCkph: null,
    headingDeg: null,
    altitudeM: null,
    accuracyDm: null,
    ignition: null,
    sequence: null,
    attributes: null,
  }
  const { latitude, longitude } = said
  if (!within(latitude, -90, 90)) return fault('latitude', 'must be a number from -90 to 90')
  if (!within(longitude, -180, 180)) return fault('longitude', 'must be a number from -180 to 180')
  point.latitudeE7 = Math.round(latitude * 1e7)
  point.longitudeE7 = Math.round(longitude * 1e7)

  const speed = said.speedKph ?? null
  if (speed !== null) {
    if (!within(speed, 0, 3_000)) return fault('speedKph', 'must be a number from 0 to 3000, or left out')
    point.speedCkph = Math.round(speed * 100)
  }
  const heading = said.headingDegrees ?? null
  if (heading !== null) {
    if (!within(heading, 0, 360))
      return fault('headingDegrees', 'must be a number from 0 to 360, or left out')
    point.headingDeg = Math.round(heading) % 360
  }
  const altitude = said.altitudeMeters ?? null
  if (altitude !== null) {
    if (!within(altitude, -1_000, 30_000))
      return fault('altitudeMeters', 'must be a number from -1000 to 30000, or left out')
    point.altitudeM = Math.round(altitude)
  }
  const accuracy = said.accuracyMeters ?? null
  if (accuracy !== null) {
    if (!within(accuracy, 0, 50_000_000))
      return fault('accuracyMeters', 'must be a number from 0 to 50000000, or left out')
    point.accuracyDm = Math.round(accuracy * 10)
  }
  const odometer = said.odometerMeters ?? null
  if (odometer !== null) {
    if (!within(odometer, 0, 2_000_000_000))
      return fault('odometerMeters', 'must be a number from 0 to 2000000000, or left out')
    point.odometerM = Math.round(odometer)
  }
  const engine = said.engineHours ?? null
  if (engine !== null) {
    if (!within(engine, 0, 500_000))
      return fault('engineHours', 'must be a number from 0 to 500000, or left out')
    point.engineSeconds = Math.round(engine * 3600)
  }
  const ignition = said.ignition ?? null
  if (ignition !== null) {
    if (typeof ignition !== 'boolean') return fault('ignition', 'must be true or false, or left out')
    point.ignition = ignition
  }
  const sequence = said.sequence ?? null
  if (sequence !== null) {
    if (!Number.isSafeInteger(sequence) || (sequence as number) < 0)
      return fault('sequence', 'must be a whole number from 0 to 9007199254740991, or left out')
    point.sequence = sequence as number
  }
  const attributes = said.attributes ?? null
  if (attributes !== null) {
    const text = attributesText(attributes)
    if (typeof text !== 'string') return text
    point.attributes = text
  }
  return point
}

const fault = (field: keyof Heartbeat, reason: string): Fault => ({ field, reason })

/** False for NaN and the infinities too. */
function within(value: unknown, least: number, most: number): value is number {
  return typeof value === 'number' && value >= least && value <= most
}

const ISO = /^(\d{4})-(\d\d)-(\d\d)[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)$/

/** Epoch milliseconds of a fix time; null for what is no time. */
function instantOf(value: unknown): Instant | null {
  let at: number
  if (typeof value === 'number') at = Math.floor(value)
  else if (typeof value === 'string' && value.length <= 40) {
    const parts = ISO.exec(value)
    // Date.parse takes 30 February for 2 March.
    if (!parts || Number(parts[3]) > daysIn(Number(parts[1]), Number(parts[2]))) return null
    at = Math.floor(Date.parse(value))
  } else return null
  return at >= EARLIEST && at < LATEST ? at : null
}

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

function daysIn(year: number, month: number): number {
  const leap = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  return (DAYS[month - 1] ?? 0) + (leap ? 1 : 0)
}

/** What jsonb can't hold though JSON can: a NUL, half a surrogate pair. */
const NOT_STORABLE = /(?:^|[^\\])(?:\\\\)*\\u(?:0000|d[89a-f])/i

function attributesText(value: unknown): string | Fault {
  if (typeof value !== 'object' || Array.isArray(value))
    return fault('attributes', 'must be an object, or left out')
  const inner = faultWithin(value, 2)
  if (inner) return fault('attributes', inner)
  const text = JSON.stringify(value)
  if (Buffer.byteLength(text) > MOST_ATTRIBUTE_BYTES) {
    return fault('attributes', `must be at most ${MOST_ATTRIBUTE_BYTES} bytes as JSON`)
  }
  if (NOT_STORABLE.test(text)) return fault('attributes', 'must not hold a NUL or half a surrogate pair')
  return text
}

/** Depth is bounded before anything walks the value to its end. */
function faultWithin(value: object | null, depth: number): string | null {
  if (depth > MOST_DEPTH) return `must be nested at most ${MOST_DEPTH} deep`
  for (const inner of Object.values(value ?? {})) {
    if (typeof inner === 'number' && !Number.isFinite(inner)) return 'holds a number that is too large'
    if (typeof inner === 'object') {
      const found = faultWithin(inner, depth + 1)
      if (found) return found
    }
  }
  return null
}

/** Why a heartbeat was refused, as a sentence for the installer. */
export const wordsOf = ({ field, reason }: Pick<Refused, 'field' | 'reason'>): string =>
  `${field || 'heartbeat'} ${reason}`
