import { emptyReading, type Reading } from './reading.ts'
import {
  ACCURACY_METERS,
  ALTITUDE_METERS,
  DECIMAL,
  type Fault,
  instantOfText,
  instantOfTimestamp,
  isIdentity,
  isUnsaid,
  knownIn,
  NOT_A_TIME,
  NOT_AN_IDENTITY,
  NOT_UTF8,
  ODOMETER_METERS,
  objectIn,
  PERCENT,
  parseJson,
  type Refusal,
  refusal,
  Said,
  SPEED_KPH,
  utf8,
} from './said.ts'
import type { Refused } from './schema.ts'

export interface OsmandRequest {
  method: string
  /** With the query. */
  path: string
  contentType: string | undefined
  /** Unpacked; its size is the door's to bound. */
  body: Buffer
}

export interface OsmandMessage {
  kind: 'message'
  identity: string
  form: 'parameters' | 'json'
  /** In the order of the message, which is no order in time. */
  readings: Reading[]
  /** Locations of a batch that can't be stored, by their index in it; the others are in `readings`. */
  refused: Refused[]
}

/** What an unknown identity is answered, by the form of its message. Source: osmand.md, Reply. */
export const UNKNOWN_DEVICE_STATUS = { parameters: 400, json: 404 } as const satisfies Record<
  OsmandMessage['form'],
  number
>

const MOST_LOCATIONS = 1_000
const MOST_PARAMETERS = 1_000
const KPH_PER_KNOT = 1.852
const KPH_PER_METER_A_SECOND = 3.6
/** A phone's -1 m/s for an unknown speed, made knots like any other. */
const UNKNOWN_KNOTS = -KPH_PER_METER_A_SECOND / KPH_PER_KNOT

/**
 * One request of Traccar Client, OsmAnd or a script like them: parameters (in the query, or if it has none in the body), or
 * JSON with one location or an array of them. Without a place the reading says only that the device is alive, and is not
 * `valid`. -1 is a speed, heading, accuracy or battery that the phone does not know, in either form: it sends what is
 * refused for ever. What is no number where one belongs, a time outside 1980 to 2067, and a place, speed or heading out of range
 * are refused; another measurement out of range is null and kept under `attributes.outOfRange`. In an array a bad location costs the others nothing. Source: osmand.md.
 * @returns a Refusal for what is malformed, and if nothing in an array can be stored
 */
export function decodeOsmand({ method, path, contentType, body }: OsmandRequest): OsmandMessage | Refusal {
  if (method !== 'GET' && method !== 'POST') {
    return refusal(null, { field: 'method', reason: 'must be GET or POST' })
  }
  // A GET has no body, whatever type its client always states.
  if (method === 'POST' && /^application\/json/i.test(contentType ?? '')) return decodeJson(body)
  const query = /\?([^#]*)/.exec(path)?.[1] ?? ''
  if (query !== '') return decodeParameters(query)
  const text = utf8(body)
  return text === null ? refusal(null, NOT_UTF8) : decodeParameters(text)
}

/** Parameters with a meaning of their own; every other is an attribute. */
const PARAMETERS: ReadonlySet<string> = new Set([
  'id',
  'deviceid',
  'timestamp',
  'lat',
  'lon',
  'location',
  'valid',
  'speed',
  'bearing',
  'heading',
  'altitude',
  'accuracy',
  'hdop',
  'batt',
  'charge',
  'ignition',
  'driverUniqueId',
  'cell',
  'wifi',
  'alarm',
  // A push token is a secret of the phone, and nothing of a position.
  'notificationToken',
])

function decodeParameters(text: string): OsmandMessage | Refusal {
  const said = new Said()
  const values = parametersOf(text, said)
  /** The value under any of these names. Two that differ are refused: neither is truer than the other. */
  const only = (...names: string[]): string | undefined => {
    const [first, ...others] = new Set(names.flatMap((name) => values.get(name) ?? []))
    if (others.length === 0) return first
    said.refuse(names[0]!, 'is given more than once, and differs')
    return undefined
  }
  const number = (...names: string[]) => numberIn(only(...names))

  const identity = only('id', 'deviceid')
  if (!isIdentity(identity)) {
    return refusal(null, said.fault ?? { field: 'id', reason: NOT_AN_IDENTITY })
  }
  const location = only('location')
  if (location !== undefined) {
    const [latitude = '', longitude = '', ...rest] = location.split(',')
    if (rest.length > 0) said.refuse('location', 'must be latitude and longitude with a comma between')
    values.set('lat', [...(values.get('lat') ?? []), latitude])
    values.set('lon', [...(values.get('lon') ?? []), longitude])
  }
  const timestamp = only('timestamp')
  const fixAt = timestamp === undefined ? null : instantOfTimestamp(timestamp)
  if (timestamp !== undefined && fixAt === null) said.refuse('timestamp', NOT_A_TIME)
  const [latitudeText, longitudeText] = [only('lat'), only('lon')]
  // An empty measurement is one that a template of the client had no value for; an empty place is a mistake.
  if (latitudeText === '' || longitudeText === '')
    said.refuse('lat', 'must be a number, and lon too, or both be left out')
  const place = said.place('lat', numberIn(latitudeText), 'lon', numberIn(longitudeText))
  const [valid, charge, ignition] = [only('valid'), only('charge'), only('ignition')]

  const reading: Reading = {
    ...emptyReading(),
    fixAt,
    ...place,
    speedKph: said.within('speed', knownSpeed(number('speed')), SPEED_KPH, KPH_PER_KNOT),
    headingDegrees: said.heading('bearing', knownIn(number('bearing', 'heading'))),
    altitudeMeters: said.measured('altitude', number('altitude'), ALTITUDE_METERS),
    accuracyMeters: said.measured('accuracy', knownIn(number('accuracy')), ACCURACY_METERS),
    ignition: truthIn(ignition),
    valid: place.latitude !== null && (valid === undefined || truthIn(valid) === true),
  }
  said.keep('driverUniqueId', only('driverUniqueId'))
  said.keep('alarm', oneOrList([...new Set(values.get('alarm'))]))
  said.keep('batteryLevelPct', said.measured('batt', knownIn(number('batt')), PERCENT))
  said.keep('charge', truthIn(charge) ?? charge)
  said.keep('hdop', said.number('hdop', number('hdop')))
  if (reading.ignition === null) said.keep('ignition', ignition)
  // A radio that is off gives cells without numbers: those are left out, the point has other evidence.
  said.keep('cells', someOf((values.get('cell') ?? []).map(cellIn)))
  said.keep('wifi', someOf((values.get('wifi') ?? []).map(accessPointIn)))
  const others = [...values].filter(([name]) => !PARAMETERS.has(name))
  said.keepOthers(
    others.map(([name, texts]) => [name, oneOrList(texts.map((value) => said.attribute(name, value)))]),
  )
  if (said.fault) return refusal(identity, said.fault)
  reading.attributes = said.attributes()
  return { kind: 'message', identity, form: 'parameters', readings: [reading], refused: [] }
}

/** Values by name, in the order of the text. */
function parametersOf(text: string, said: Said): Map<string, string[]> {
  const values = new Map<string, string[]>()
  const pairs = text.split('&', MOST_PARAMETERS + 1)
  if (pairs.length > MOST_PARAMETERS) {
    said.refuse(null, `must have at most ${MOST_PARAMETERS} parameters`)
    return values
  }
  for (const pair of pairs) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const name = percentDecoded(equals < 0 ? pair : pair.slice(0, equals))
    const value = percentDecoded(equals < 0 ? '' : pair.slice(equals + 1))
    if (name === null || value === null) {
      said.refuse(name ?? pair.slice(0, 64), 'must be UTF-8, percent-encoded')
      continue
    }
    const earlier = values.get(name)
    if (earlier) earlier.push(value)
    else values.set(name, [value])
  }
  return values
}

function percentDecoded(text: string): string | null {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return null
  }
}

/** The wire's number; null: nothing was said; NaN: something else was said. */
function numberIn(text: string | undefined): number | null {
  if (text === undefined || text === '') return null
  return DECIMAL.test(text) ? Number(text) : Number.NaN
}

/** Null too for what phones say of a speed that they do not know: -1, of m/s or of knots. */
const knownSpeed = (knots: number | null) =>
  knots !== null && Math.abs(knots - UNKNOWN_KNOTS) < 0.01 ? null : knownIn(knots)

function truthIn(text: string | undefined): boolean | null {
  if (text === undefined) return null
  if (/^(?:true|1)$/i.test(text)) return true
  return /^(?:false|0)$/i.test(text) ? false : null
}

function cellIn(text: string): object | null {
  const parts = text.split(',')
  if (parts.length < 4 || parts.length > 5 || !parts.every((part) => /^-?\d{1,12}$/.test(part))) return null
  const [mcc, mnc, lac, cid, rssi] = parts.map(Number)
  return { mcc, mnc, lac, cid, ...(rssi !== undefined && { rssi }) }
}

function accessPointIn(text: string): object | null {
  const parts = /^([\da-f]{2}(?:[-:][\da-f]{2}){5})(?:,(-?\d{1,4}))?$/i.exec(text)
  if (!parts) return null
  return { mac: parts[1]!.replaceAll('-', ':'), ...(parts[2] !== undefined && { rssi: Number(parts[2]) }) }
}

function someOf(found: readonly (object | null)[]): object[] | undefined {
  const readable = found.filter((one) => one !== null)
  return readable.length > 0 ? readable : undefined
}

const oneOrList = (values: readonly unknown[]) => (values.length > 1 ? values : values[0])

function decodeJson(body: Buffer): OsmandMessage | Refusal {
  const parsed = parseJson(body)
  if ('reason' in parsed) return refusal(null, parsed)
  const message = objectIn(parsed.value)
  if (!message) return refusal(null, { field: null, reason: 'must be an object' })
  const { device_id: identity, location } = message
  if (!isIdentity(identity)) return refusal(null, { field: 'device_id', reason: NOT_AN_IDENTITY })
  const isBatch = Array.isArray(location)
  const locations: readonly unknown[] = isBatch ? location : [location]
  if (locations.length > MOST_LOCATIONS) {
    return refusal(identity, { field: 'location', reason: `must be at most ${MOST_LOCATIONS} locations` })
  }
  const readings: Reading[] = []
  const refused: Refused[] = []
  for (let index = 0; index < locations.length; index++) {
    const reading = readLocation(locations[index], isBatch ? `location[${index}]` : 'location')
    if ('reason' in reading) refused.push({ index, field: reading.field ?? '', reason: reading.reason })
    else readings.push(reading)
  }
  if (refused.length > 0 && readings.length === 0) return refusal(identity, refused[0]!)
  return { kind: 'message', identity, form: 'json', readings, refused }
}

function readLocation(raw: unknown, path: string): Reading | Fault {
  const location = objectIn(raw)
  if (!location) return { field: path, reason: 'must be an object' }
  const said = new Said()
  said.finite(path, location)
  const coords = objectIn(location.coords)
  // No coordinates are a heartbeat. Coordinates of another kind are a mistake.
  if (!coords && !isUnsaid(location.coords)) said.refuse(`${path}.coords`, 'must be an object, or left out')
  const { timestamp } = location
  const fixAt = typeof timestamp === 'string' ? instantOfText(timestamp) : null
  if (fixAt === null) said.refuse(`${path}.timestamp`, NOT_A_TIME)

  const at = (name: string) => `${path}.coords.${name}`
  const place = said.place(at('latitude'), coords?.latitude, at('longitude'), coords?.longitude)
  const reading: Reading = {
    ...emptyReading(),
    fixAt,
    ...place,
    speedKph: said.within(at('speed'), knownIn(coords?.speed), SPEED_KPH, KPH_PER_METER_A_SECOND),
    headingDegrees: said.heading(at('heading'), knownIn(coords?.heading)),
    altitudeMeters: said.measured(at('altitude'), coords?.altitude, ALTITUDE_METERS),
    accuracyMeters: said.measured(at('accuracy'), knownIn(coords?.accuracy), ACCURACY_METERS),
    odometerMeters: said.measured(`${path}.odometer`, location.odometer, ODOMETER_METERS),
    valid: place.latitude !== null,
  }
  const battery = objectIn(location.battery)
  said.keep('alarm', location.alarm)
  said.keep('event', textIn(location.event))
  said.keep('motion', booleanIn(location.is_moving))
  said.keep('mock', booleanIn(location.mock))
  said.keep('activity', textIn(objectIn(location.activity)?.type))
  const level = said.measured(`${path}.battery.level`, knownIn(battery?.level), PERCENT, 100)
  said.keep('batteryLevelPct', level)
  said.keep('charge', booleanIn(battery?.is_charging))
  said.keepOthers(Object.entries(objectIn(location.extras) ?? {}))
  if (said.fault) return said.fault
  reading.attributes = said.attributes()
  return reading
}

const textIn = (value: unknown) => (typeof value === 'string' ? value : undefined)
const booleanIn = (value: unknown) => (typeof value === 'boolean' ? value : undefined)
