import { emptyReading, type Reading } from './reading.ts'
import {
  ACCURACY_METERS,
  ALTITUDE_METERS,
  ENGINE_SECONDS,
  type Fault,
  FIX_TIMES,
  instantOfSeconds,
  isIdentity,
  isUnsaid,
  knownIn,
  ODOMETER_METERS,
  objectIn,
  PERCENT,
  parseJson,
  type Refusal,
  refusal,
  Said,
  SPEED_KPH,
} from './said.ts'

/** What came with the body: over MQTT its topic, over HTTP two headers and the query. */
export interface Carried {
  /** MQTT only: the topic that the broker let the device publish to. */
  topic?: string
  /** X-Limit-U and X-Limit-D */
  limitUser?: string
  limitDevice?: string
  /** `?u=` and `&d=` */
  queryUser?: string
  queryDevice?: string
}

export interface OwnTracksIdentity {
  /** A topic without what follows the device, `user/device`, or a tracker id; null: the message names nobody. */
  identity: string | null
  /** `carried`: the MQTT topic. Only that one is proven, by the broker; `tid` is not even unique. */
  identityFrom: 'carried' | 'topic' | 'headers' | 'query' | 'tid' | null
}

export interface OwnTracksLocation extends OwnTracksIdentity {
  kind: 'location'
  reading: Reading
  /**
   * The time is now and the place is an old one: the device is alive, and nothing says that it is there. The reading keeps
   * the place as evidence and is not `valid`, so that nothing is derived from it.
   */
  isPing: boolean
}

/** Answered like a location, with 200: a phone keeps what is refused in front of its locations. */
export interface OwnTracksIgnored extends OwnTracksIdentity {
  kind: 'ignored'
  /**
   * `_type` as it was said; `empty`: a body of no bytes. `lwt` is a lost connection and no stop, its time that of the
   * connecting; `encrypted` is worth a warning to the installer, for nothing of such a phone can be read.
   */
  type: string
}

const MOST_TYPE_CHARACTERS = 64

/**
 * One OwnTracks message, as HTTP and MQTT carry it. A location is read into our units; every other kind is named and
 * ignored. Over MQTT `carried.topic` is the identity, whatever the payload says. What is no number where one belongs, a
 * time outside 1980 to 2067, and a place, speed or course out of range are refused; another measurement out of range is
 * null and kept under `attributes.outOfRange`. Sources: owntracks-http.md, owntracks-mqtt.md.
 * @returns a Refusal for what is malformed: no JSON, no `_type`, a location without place or time
 */
export function decodeOwnTracks(
  body: Buffer,
  carried: Carried,
): OwnTracksLocation | OwnTracksIgnored | Refusal {
  if (body.length === 0) return { kind: 'ignored', type: 'empty', ...identityOf({}, carried) }
  const parsed = parseJson(body)
  const message = 'reason' in parsed ? null : objectIn(parsed.value)
  const from = identityOf(message ?? {}, carried)
  if ('reason' in parsed) return refusal(from.identity, parsed)
  if (!message) return refusal(from.identity, { field: null, reason: 'must be an object' })
  const { _type: type } = message
  if (!isIdentity(type) || type.length > MOST_TYPE_CHARACTERS) {
    return refusal(from.identity, { field: '_type', reason: 'must be the kind of the message' })
  }
  if (type !== 'location') return { kind: 'ignored', type, ...from }
  const reading = readLocation(message)
  if ('reason' in reading) return refusal(from.identity, reading)
  return { kind: 'location', ...from, reading, isPing: message.t === 'p' }
}

/**
 * Who a message is from: over MQTT its topic and nothing else; over HTTP the first that is said of `topic` in the payload,
 * the headers, the query and `tid`. Whether who authenticated may speak for that is the door's to ask, and names are
 * case-sensitive. Source: owntracks-http.md, Who is it; owntracks-mqtt.md.
 */
export function identityOf(message: Readonly<Record<string, unknown>>, carried: Carried): OwnTracksIdentity {
  if (carried.topic !== undefined) return { identity: deviceTopic(carried.topic), identityFrom: 'carried' }
  const topic = deviceTopic(message.topic)
  if (topic !== null) return { identity: topic, identityFrom: 'topic' }
  const limit = pairOf(carried.limitUser, carried.limitDevice)
  if (limit !== null) return { identity: limit, identityFrom: 'headers' }
  const query = pairOf(carried.queryUser, carried.queryDevice)
  if (query !== null) return { identity: query, identityFrom: 'query' }
  if (isIdentity(message.tid)) return { identity: message.tid, identityFrom: 'tid' }
  return { identity: null, identityFrom: null }
}

/** What can follow the device in a topic. */
const SUBTOPIC = /\/(?:event|waypoints?|status|dump|steps?|beacon|cmd|info|request)$/

/** Root, user and device. The root may be deeper than usual, so only a fourth level can be other than the device's. */
function deviceTopic(topic: unknown): string | null {
  if (!isIdentity(topic)) return null
  return topic.split('/').length > 3 ? topic.replace(SUBTOPIC, '') : topic
}

/** A slash in either would let `a/b` and `c` speak for `a` and `b/c`. */
function pairOf(user: string | undefined, device: string | undefined): string | null {
  if (!user || !device || user.includes('/') || device.includes('/')) return null
  const pair = `${user}/${device}`
  return isIdentity(pair) ? pair : null
}

/** Keys with a meaning of their own, and those that are not kept; every other is an attribute under its own name. */
const KEYS: ReadonlySet<string> = new Set([
  '_type',
  // Random in each message: a retry would be another point.
  '_id',
  'topic',
  'tid',
  'lat',
  'lon',
  'tst',
  'created_at',
  'sent',
  'acc',
  'vac',
  'alt',
  'vel',
  'cog',
  'batt',
  'bs',
  'conn',
  't',
  'm',
  'p',
  // A photo is no part of a position, and as large as it likes.
  'image',
  'odometer',
  'hmc',
  'uext',
  'ubatt',
  'ign',
  'don',
  'doff',
])

const BATTERY_STATES: ReadonlyMap<unknown, string> = new Map([
  [1, 'unplugged'],
  [2, 'charging'],
  [3, 'full'],
])
/** Triggers of tracker bridges that someone should know of. */
const ALARMS: ReadonlyMap<unknown, string> = new Map([
  ['e', 'powerCut'],
  ['E', 'powerRestored'],
  ['1', 'powerOn'],
  ['9', 'lowBattery'],
  ['!', 'tow'],
  ['s', 'overspeed'],
])
/** By `rty`, which counts them twice: 0 to 2 and 3 to 5. */
const HARSH = ['hardBraking', 'hardAcceleration', 'hardCornering'] as const

function readLocation(message: Readonly<Record<string, unknown>>): Reading | Fault {
  const said = new Said()
  for (const [name, value] of Object.entries(message)) said.finite(name, value)
  const { t: trigger } = message
  const fixAt = instantOfSeconds(message.tst)
  if (fixAt === null) said.refuse('tst', 'must be epoch seconds between 1980 and 2067')
  for (const name of ['lat', 'lon']) if (isUnsaid(message[name])) said.refuse(name, 'is missing')
  const { latitude, longitude } = said.place('lat', message.lat, 'lon', message.lon)
  const odometerMeters = said.measured('odometer', message.odometer, ODOMETER_METERS, 1_000)
  const sentMs = said.measured('sent', message.sent, FIX_TIMES, 1_000)
  const createdMs = said.measured('created_at', message.created_at, FIX_TIMES, 1_000)

  const reading: Reading = {
    ...emptyReading(),
    fixAt,
    sentAt: sentMs === null ? null : Math.floor(sentMs),
    latitude,
    longitude,
    speedKph: said.within('vel', knownIn(message.vel), SPEED_KPH),
    headingDegrees: said.heading('cog', knownIn(message.cog)),
    altitudeMeters: said.measured('alt', message.alt, ALTITUDE_METERS),
    accuracyMeters: said.measured('acc', knownIn(message.acc), ACCURACY_METERS),
    odometerMeters,
    engineSeconds: said.measured('hmc', message.hmc, ENGINE_SECONDS),
    ignition: truthIn(message.ign) ?? IGNITION_TRIGGERS.get(trigger) ?? null,
    valid: trigger !== 'p',
  }
  said.keep('trigger', trigger)
  said.keep('alarm', alarmOf(trigger, message.rty))
  said.keep('createdAt', createdMs === null ? null : new Date(createdMs).toISOString())
  said.keep('batteryLevelPct', said.measured('batt', knownIn(message.batt), PERCENT))
  said.keep('batteryState', BATTERY_STATES.get(message.bs))
  said.keep('connection', message.conn)
  said.keep('mode', message.m)
  said.keep('verticalAccuracyM', said.measured('vac', knownIn(message.vac), ACCURACY_METERS))
  said.keep('pressureKpa', said.number('p', message.p))
  said.keep('externalVoltageV', said.number('uext', message.uext))
  said.keep('batteryVoltageV', said.number('ubatt', message.ubatt))
  said.keep('ignitionOnSeconds', said.number('don', message.don))
  said.keep('ignitionOffSeconds', said.number('doff', message.doff))
  said.keepOthers(Object.entries(message).filter(([name]) => !KEYS.has(name)))
  if (said.fault) return said.fault
  reading.attributes = said.attributes()
  return reading
}

const IGNITION_TRIGGERS: ReadonlyMap<unknown, boolean> = new Map([
  ['i', true],
  ['I', false],
])

/** Bridges say it either way. */
function truthIn(value: unknown): boolean | null {
  if (value === true || value === 1) return true
  return value === false || value === 0 ? false : null
}

function alarmOf(trigger: unknown, kind: unknown): string | undefined {
  if (trigger !== 'h') return ALARMS.get(trigger)
  return typeof kind === 'number' && kind >= 0 && kind <= 5 ? HARSH[kind % 3] : undefined
}
