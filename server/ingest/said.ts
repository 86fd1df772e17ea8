import { isUtf8 } from 'node:buffer'
import { FIX_TIMES_END } from '../db/fix-time.ts'
import type { Instant } from '../time/instant.ts'

/** A message that can't be read: sending it again changes nothing. Not for unknown devices, which only the door knows. */
export interface Refusal {
  kind: 'refused'
  status: 400
  /** Who sent it, as far as that could be read: for the installer's list of troubles. */
  identity: string | null
  /** As the wire names it; null: the message as a whole. */
  field: string | null
  reason: string
}

/** The first thing that is wrong with a message. */
export interface Fault {
  /** As the wire names it; null: the message as a whole. */
  field: string | null
  reason: string
}

type Range = readonly [least: number, most: number]

/** What the columns of `positions` take; the same as for a heartbeat (decode.ts). */
const LATITUDE: Range = [-90, 90]
const LONGITUDE: Range = [-180, 180]
export const SPEED_KPH: Range = [0, 3_000]
const HEADING_DEGREES: Range = [0, 360]
export const ALTITUDE_METERS: Range = [-1_000, 30_000]
export const ACCURACY_METERS: Range = [0, 50_000_000]
export const ODOMETER_METERS: Range = [0, 2_000_000_000]
export const ENGINE_SECONDS: Range = [0, 500_000 * 3_600]
export const PERCENT: Range = [0, 100]
/** Outside these no clock is merely wrong: the value is not a time. The first is where GPS time begins. */
export const FIX_TIMES: Range = [Date.UTC(1980, 0, 6), FIX_TIMES_END - 1]

/** Below it a timestamp counts seconds, from it on milliseconds. */
const TIMESTAMP_MS_FROM = 2_147_483_647
export const NOT_A_TIME = 'must be a time between 1980 and 2067'
export const NOT_AN_IDENTITY =
  'must be the identity of the device: 1 to 256 characters, none of them control characters'
export const NOT_UTF8: Fault = { field: null, reason: 'must be UTF-8' }
const MOST_DEPTH = 20
const MOST_ATTRIBUTE_BYTES = 4_096
/** Kept free for what says that something was left out. */
const LEFT_OUT_BYTES = '"attributesLeftOut":1000000,'.length
/**
 * A free parameter that counts or measures. Leading zeros are those of a code; an exponent without point or sign may be the
 * E of a hexadecimal card number (12E4567), which is no reason to refuse a point.
 */
const QUANTITY = /^[+-]?(?:0|[1-9]\d*)(?:\.\d+(?:e[+-]?\d+)?|e[+-]\d+)?$/i
export const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i
/** How languages print what is not a finite number. In this spelling only: people are called Nan. */
const NOT_FINITE = /^[+-]?(?:NaN|nan|Infinity|inf)$/

/**
 * Reads what one message says, and remembers the first thing that is wrong with it: whoever reads looks once, at the end.
 * Ranges are in the units of the reading; `per` of those make one of the wire's.
 */
export class Said {
  fault: Fault | null = null
  readonly #kept = new Map<string, unknown>()
  readonly #outOfRange: Record<string, number> = {}
  #bytes = '{}'.length + LEFT_OUT_BYTES
  #leftOut = 0

  refuse(field: string | null, reason: string): void {
    this.fault ??= { field, reason }
  }

  /** A finite number; null: nothing was said, or it is refused. */
  number(field: string, value: unknown): number | null {
    if (isUnsaid(value)) return null
    if (typeof value !== 'number' || !Number.isFinite(value)) {
      this.refuse(field, 'must be a finite number')
      return null
    }
    // Minus zero would be another text than zero, and so another point when it comes again.
    return value + 0
  }

  /** A number whose being out of range makes the point worthless: it is refused. */
  within(field: string, value: unknown, [least, most]: Range, per = 1): number | null {
    const number = this.number(field, value)
    if (number === null) return null
    const converted = inUnits(number, per)
    if (converted >= least && converted <= most) return converted
    this.refuse(field, `must be a number from ${inUnits(least, 1 / per)} to ${inUnits(most, 1 / per)}`)
    return null
  }

  /** A number that can be missing: out of range it is null, and kept as said under `attributes.outOfRange`. */
  measured(field: string, value: unknown, [least, most]: Range, per = 1): number | null {
    const number = this.number(field, value)
    if (number === null) return null
    const converted = inUnits(number, per)
    if (converted >= least && converted <= most) return converted
    this.#outOfRange[field.slice(field.lastIndexOf('.') + 1)] = number
    return null
  }

  /** Degrees from 0 to below 360. */
  heading(field: string, value: unknown): number | null {
    const degrees = this.within(field, value, HEADING_DEGREES)
    return degrees === null ? null : degrees % 360
  }

  /** Both or neither. */
  place(
    latitudeField: string,
    latitudeValue: unknown,
    longitudeField: string,
    longitudeValue: unknown,
  ): { latitude: number | null; longitude: number | null } {
    const latitude = this.within(latitudeField, latitudeValue, LATITUDE)
    const longitude = this.within(longitudeField, longitudeValue, LONGITUDE)
    if (latitude === null && longitude !== null) this.refuse(latitudeField, 'is missing beside the longitude')
    if (longitude === null && latitude !== null) this.refuse(longitudeField, 'is missing beside the latitude')
    return { latitude, longitude }
  }

  /** Refuses a number within that JSON.parse made infinite. The value is at most as deep as parseJson takes. */
  finite(field: string, value: unknown): void {
    const path = pathOfInfinity(value)
    if (path !== null) this.refuse((field + path).slice(0, 128), 'must be a finite number')
  }

  /** The text of a free parameter as what it means: a number, true or false, or itself. */
  attribute(name: string, text: string): boolean | number | string {
    if (text === 'true' || text === 'false') return text === 'true'
    const number = QUANTITY.test(text) ? Number(text) : Number.NaN
    if (NOT_FINITE.test(text) || Math.abs(number) === Number.POSITIVE_INFINITY) {
      this.refuse(name.slice(0, 128), 'must be a finite number')
    }
    // Digits that no double holds are those of a card or a SIM.
    const isExact = Number.isSafeInteger(number) || !/^[+-]?\d+$/.test(text)
    return isExact && Number.isFinite(number) ? number + 0 : text
  }

  /** Keeps an attribute, if something was said, the name is free and there is room. */
  keep(name: string, value: unknown): void {
    const key = storableText(name)
    if (isUnsaid(value) || key === '' || key === '__proto__' || this.#kept.has(key)) return
    // What is far too large is not looked at more closely.
    if (JSON.stringify(value).length > MOST_ATTRIBUTE_BYTES) {
      this.#leftOut++
      return
    }
    const storable = storableValue(value)
    const bytes = Buffer.byteLength(JSON.stringify(key)) + Buffer.byteLength(JSON.stringify(storable)) + 2
    if (this.#bytes + bytes > MOST_ATTRIBUTE_BYTES) {
      this.#leftOut++
      return
    }
    this.#bytes += bytes
    this.#kept.set(key, storable)
  }

  /** Keeps what the protocol has no words for, last: it displaces nothing that has a meaning. */
  keepOthers(others: readonly (readonly [name: string, value: unknown])[]): void {
    if (Object.keys(this.#outOfRange).length > 0) this.keep('outOfRange', this.#outOfRange)
    for (const [name, value] of others) this.keep(name, value)
  }

  /** Everything kept: at most 4,096 bytes as JSON, and no text that jsonb can't hold. */
  attributes(): Record<string, unknown> {
    if (this.#leftOut > 0) this.#kept.set('attributesLeftOut', this.#leftOut)
    return Object.fromEntries(this.#kept)
  }
}

/** Phones' number for unknown, of what is never negative. */
export const knownIn = (value: unknown) => (value === -1 ? null : value)

/** Left out, or null in JSON. */
export const isUnsaid = (value: unknown): value is null | undefined => value === null || value === undefined

/** Without the dust of the multiplication: 0.57 of 100 are 57. */
const inUnits = (value: number, per: number) => (per === 1 ? value : Math.round(value * per * 1e6) / 1e6)

/** Where in a value of JSON the first infinite number is, as `.name.0`; null: nowhere. */
function pathOfInfinity(value: unknown): string | null {
  if (typeof value === 'number') return Number.isFinite(value) ? null : ''
  if (typeof value !== 'object' || value === null) return null
  for (const name in value) {
    const path = pathOfInfinity((value as Record<string, unknown>)[name])
    if (path !== null) return `.${name}${path}`
  }
  return null
}

/** The value without what jsonb refuses (NUL, half a surrogate pair) and without names that could reach a prototype. */
function storableValue(value: unknown): unknown {
  if (typeof value === 'string') return storableText(value)
  if (typeof value === 'number') return value + 0
  if (Array.isArray(value)) return value.map(storableValue)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([name]) => name !== '__proto__')
  return Object.fromEntries(entries.map(([name, inner]) => [storableText(name), storableValue(inner)]))
}

const storableText = (text: string) => text.replaceAll('\0', '\ufffd').replace(/\p{Surrogate}/gu, '\ufffd')

/** A text that can be looked up: 1 to 256 characters, no control characters, no half surrogate pairs. */
export function isIdentity(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 256 && /^[^\p{Control}\p{Surrogate}]+$/u.test(value)
}

/** The value if it is an object of JSON, not an array; else null. */
export const objectIn = (value: unknown): Readonly<Record<string, unknown>> | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null

/** Epoch milliseconds of epoch seconds, with or without a fraction; null for what is no time from 1980 to 2067. */
export const instantOfSeconds = (seconds: unknown): Instant | null =>
  typeof seconds === 'number' ? timeWithin(Math.floor(Math.round(seconds * 1e6) / 1_000)) : null

/** A `timestamp` parameter: seconds, milliseconds or a text; null for what is no time. */
export function instantOfTimestamp(text: string): Instant | null {
  if (!/^\d{1,16}(?:\.\d{1,9})?$/.test(text)) return instantOfText(text)
  const number = Number(text)
  return number < TIMESTAMP_MS_FROM ? instantOfSeconds(number) : timeWithin(Math.floor(number))
}

/** A `+` that was not percent-encoded arrives as a space, and stands for nothing else there. */
const DATE_TIME =
  /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?:Z|([-+ ])(\d\d)(?::?(\d\d))?)?$/

/** ISO 8601, or a date and a time with a space between; UTC if no zone is said. Null for what is no time. */
export function instantOfText(text: string): Instant | null {
  const parts = text.length <= 40 ? DATE_TIME.exec(text) : null
  if (!parts) return null
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const midnight = new Date(Date.UTC(year, month - 1, day))
  // Date takes 30 February for 2 March. Second 60 is a leap second, which it takes for the next minute's first.
  if (midnight.getUTCMonth() !== month - 1 || midnight.getUTCDate() !== day) return null
  // Below 100 it takes a year for one of the last century.
  if (year < 1980 || hour > 23 || minute > 59 || second > 60) return null
  const [offsetHours, offsetMinutes] = [Number(parts[9] ?? 0), Number(parts[10] ?? 0)]
  if (offsetHours > 23 || offsetMinutes > 59) return null
  const offsetMs = (offsetHours * 60 + offsetMinutes) * 60_000 * (parts[8] === '-' ? -1 : 1)
  const milliseconds = Number((parts[7] ?? '').padEnd(3, '0').slice(0, 3))
  return timeWithin(Date.UTC(year, month - 1, day, hour, minute, second, milliseconds) - offsetMs)
}

const timeWithin = (at: number): Instant | null => (at >= FIX_TIMES[0] && at <= FIX_TIMES[1] ? at : null)

/** Bytes as UTF-8; null if they are not. */
export const utf8 = (bytes: Buffer): string | null => (isUtf8(bytes) ? bytes.toString('utf8') : null)

/**
 * JSON of a device: UTF-8, nested at most 20 deep, which is looked at before anything is parsed. It can hold infinite numbers
 * (1e309) and own keys named `__proto__`.
 * @returns a Fault for what is no such JSON
 */
export function parseJson(body: Buffer): { value: unknown } | Fault {
  if (depthOf(body) > MOST_DEPTH) return { field: null, reason: `must be nested at most ${MOST_DEPTH} deep` }
  const text = utf8(body)
  if (text === null) return NOT_UTF8
  try {
    return { value: JSON.parse(text) }
  } catch (error) {
    return { field: null, reason: `is not JSON: ${(error as Error).message.slice(0, 200)}` }
  }
}

/** How deep brackets open, up to the first depth that is too much. Brackets in texts do not count. */
function depthOf(json: Buffer): number {
  let deepest = 0
  let depth = 0
  let isInText = false
  for (let at = 0; at < json.length && deepest <= MOST_DEPTH; at++) {
    const byte = json[at]
    if (isInText) {
      if (byte === 0x5c) at++
      else if (byte === 0x22) isInText = false
    } else if (byte === 0x22) isInText = true
    else if (byte === 0x7b || byte === 0x5b) deepest = Math.max(deepest, ++depth)
    else if (byte === 0x7d || byte === 0x5d) depth--
  }
  return deepest
}

/** The refusal of a message of whom, for which fault. */
export const refusal = (identity: string | null, { field, reason }: Fault): Refusal => ({
  kind: 'refused',
  status: 400,
  identity,
  field,
  reason,
})

/** A refusal as a sentence for the installer. */
export const refusalWords = ({ field, reason }: Pick<Refusal, 'field' | 'reason'>) =>
  field === null ? reason : `${field} ${reason}`
