import type { DistanceUnit } from '../server/fleet/schema.ts'
import { compassPoint } from '../server/geo/distance.ts'
import { hoursMinutes } from '../server/time/duration.ts'
import { DAY, HOUR, type Instant, MINUTE, SECOND } from '../server/time/instant.ts'
import { zone } from '../server/time/zone.ts'

const METERS_PER_MILE = 1_609.344

const formats = new Map<string, Intl.DateTimeFormat>()

/** Making a formatter costs more than all its uses, so each is made once. */
function formatter(key: string, timeZone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const name = `${key} ${timeZone}`
  let format = formats.get(name)
  if (!format) {
    format = new Intl.DateTimeFormat('en-US', { ...options, timeZone })
    formats.set(name, format)
  }
  return format
}

/** A duration for ears: "9 hours 5 minutes". */
export function hoursMinutesSpoken(ms: number): string {
  const minutes = Math.floor(Math.max(0, ms) / MINUTE)
  const parts = [
    plural(Math.floor(minutes / 60), 'hour', 'hours'),
    plural(minutes % 60, 'minute', 'minutes'),
  ].filter((part) => !part.startsWith('0 '))
  return parts.join(' ') || '0 minutes'
}

/** How long something has been so, for a sentence: "for 1:05", or "just now" where that would be "0:00". */
export const lasting = (ms: number): string => (ms < MINUTE ? 'just now' : `for ${hoursMinutes(ms)}`)

/**
 * How long a violation lasted, in few words: "1:05 long"; one that has just begun, or that breaks its rule at a single instant,
 * is said by that instant: "from 18:30 CST".
 */
export const brokenFor = ({ from, until }: { from: Instant; until: Instant }, zone: string): string =>
  until - from < MINUTE ? `from ${zonedTime(from, zone)}` : `${hoursMinutes(until - from)} long`

/** "14:25" in the zone, 24-hour clock. */
export function clockTime(at: Instant, zone: string): string {
  return formatter('time', zone, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(at)
}

/** "14:25:07" in the zone. */
export function clockTimeSeconds(at: Instant, zone: string): string {
  return formatter('seconds', zone, {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  }).format(at)
}

/** The zone's short name at that instant, "CST". */
export function zoneName(at: Instant, zone: string): string {
  const parts = formatter('zone', zone, { timeZoneName: 'short' }).formatToParts(at)
  return parts.find(({ type }) => type === 'timeZoneName')?.value ?? zone
}

/** The zone's long name at that instant, "Central Standard Time". */
export function zoneLongName(at: Instant, zone: string): string {
  const parts = formatter('zone-long', zone, { timeZoneName: 'long' }).formatToParts(at)
  return parts.find(({ type }) => type === 'timeZoneName')?.value ?? zone
}

/** "14:25 CST". */
export function zonedTime(at: Instant, zone: string): string {
  return `${clockTime(at, zone)} ${zoneName(at, zone)}`
}

/** "Nov 23, 14:25 CST"; without the date when it is `today`'s date in that zone. */
export function zonedDateTime(at: Instant, zone: string, today?: Instant): string {
  if (today !== undefined && dateIn(today, zone) === dateIn(at, zone)) return zonedTime(at, zone)
  const date = formatter('date', zone, { month: 'short', day: 'numeric' }).format(at)
  return `${date}, ${zonedTime(at, zone)}`
}

/** "Nov 23, 2026, 14:25 CST": for what may be years from now. */
export function zonedDateTimeYear(at: Instant, zone: string): string {
  const date = formatter('date-year', zone, { month: 'short', day: 'numeric', year: 'numeric' }).format(at)
  return `${date}, ${zonedTime(at, zone)}`
}

/** The calendar date in the zone, "2026-11-23". */
export function dateIn(at: Instant, name: string): string {
  return zone(name).dateOf(at)
}

/** "Monday, November 23, 2026", of a calendar date without a zone. */
export function dateTitle(date: string): string {
  return formatter('title', 'UTC', {
    weekday: 'long',
    year: 'numeric',
    month: 'long',
    day: 'numeric',
  }).format(Date.parse(`${date}T00:00:00Z`))
}

/** "Mon, Nov 23". */
export function dateShort(date: string): string {
  return formatter('short', 'UTC', { weekday: 'short', month: 'short', day: 'numeric' }).format(
    Date.parse(`${date}T00:00:00Z`),
  )
}

/** How long ago, for something that ticks: "now", "12 s ago", "3 min ago", "2 h 5 min ago", "3 d ago". */
export function ago(ms: number): string {
  const words = age(ms)
  return words === 'now' ? words : `${words} ago`
}

/** An age: "now", "12 s", "3 min", "2 h 5 min", "3 d". */
export function age(ms: number): string {
  if (ms < 2 * SECOND) return 'now'
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`
  if (ms < DAY) {
    const minutes = Math.floor((ms % HOUR) / MINUTE)
    return `${Math.floor(ms / HOUR)} h${minutes ? ` ${minutes} min` : ''}`
  }
  return `${Math.floor(ms / DAY)} d`
}

/** "1,204 mi": whole units, grouped. */
export function distance(meters: number, unit: DistanceUnit): string {
  const value = unit === 'mi' ? meters / METERS_PER_MILE : meters / 1000
  return `${Math.round(value).toLocaleString('en-US')} ${unit}`
}

/** "62 mph" or "100 km/h". */
export function speed(kph: number, unit: DistanceUnit): string {
  return unit === 'mi' ? `${Math.round((kph * 1000) / METERS_PER_MILE)} mph` : `${Math.round(kph)} km/h`
}

/** "NE, 45°". */
export function heading(degrees: number): string {
  return `${compassPoint(degrees)}, ${Math.round(degrees) % 360}°`
}

/** "41.60000, -87.30000": five places are a meter, and other programs read it. */
export function coordinates(latitude: number, longitude: number): string {
  return `${latitude.toFixed(5)}, ${longitude.toFixed(5)}`
}

/** "840 B", "12 kB", "3.4 MB": powers of a thousand, as file managers count. */
export function fileSize(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`
  if (bytes < 999_500) return `${Math.round(bytes / 1_000)} kB`
  return `${(bytes / 1e6).toFixed(bytes < 9_950_000 ? 1 : 0)} MB`
}

/** "1 truck", "1,204 trucks". */
export function plural(count: number, one: string, many: string): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`
}
