import { DAY, HOUR, type Instant, MINUTE } from './instant.ts'

/** A time zone's clock: local time is UTC plus the offset. Lookups touch tables; Intl is asked once a zone and year. */
export interface Zone {
  readonly name: string
  /** Milliseconds that local time is ahead of UTC at an instant. */
  offsetAt(at: Instant): number
  /**
   * The instant of a wall-clock time, given in milliseconds as if it were UTC. A time that the clocks skip moves forward
   * by what they skip; one that occurs twice means its first occurrence.
   */
  instantOf(local: number): Instant
  /** The calendar date of the 24-hour period that holds the instant, `YYYY-MM-DD`. */
  dateOf(at: Instant, dayStartMinutes?: number): string
  /** When the period of a calendar date begins. */
  startOf(date: string, dayStartMinutes?: number): Instant
}

interface Year {
  /** Offset at the year's first instant, and from each change on. */
  offsets: number[]
  changes: Instant[]
}

const zones = new Map<string, Zone>()

/**
 * The zone of an IANA name.
 * @throws RangeError if there is no such zone
 */
export function zone(name: string): Zone {
  const known = zones.get(name)
  if (known) return known
  const made = makeZone(name)
  zones.set(name, made)
  return made
}

/** The date `days` after a date; both `YYYY-MM-DD`. */
export function addDays(date: string, days: number): string {
  return isoDate(Date.parse(`${date}T00:00:00Z`) + days * DAY)
}

/** `2026-11-23T14:25:00-06:00`: local time with its offset, to the second. */
export function isoWithOffset(at: Instant, zone: Zone): string {
  const offset = zone.offsetAt(at)
  const minutes = Math.abs(offset) / MINUTE
  const digits = (value: number) => String(Math.floor(value)).padStart(2, '0')
  const sign = offset < 0 ? '-' : '+'
  return `${new Date(at + offset).toISOString().slice(0, 19)}${sign}${digits(minutes / 60)}:${digits(minutes % 60)}`
}

/** No clocks change by more. */
const CHANGED_WITHIN = 3 * HOUR

/** Dates by the number of their day: the same few are asked for again and again, and Date takes long to write one. */
const dates = new Map<number, string>()
const MOST_DATES = 10_000

function isoDate(utc: number): string {
  const day = Math.floor(utc / DAY)
  const known = dates.get(day)
  if (known) return known
  const made = new Date(utc).toISOString().slice(0, 10)
  if (dates.size >= MOST_DATES) dates.clear()
  dates.set(day, made)
  return made
}

function makeZone(name: string): Zone {
  // Some runtimes take offsets such as "+05:00" too; a log names a zone.
  if (!/^[A-Za-z]/.test(name)) throw new RangeError(`no time zone is called "${name}"`)
  const ask = asker(name)
  const years = new Map<number, Year>()
  // Work comes in runs within one year, so the last one answers most questions.
  let recent: Year | undefined
  let recentFrom = 0
  let recentUntil = 0

  function offsetAt(at: Instant): number {
    if (!(at >= recentFrom && at < recentUntil && recent)) {
      const number = new Date(at).getUTCFullYear()
      recentFrom = Date.UTC(number, 0, 1)
      recentUntil = Date.UTC(number + 1, 0, 1)
      recent = years.get(number) ?? readYear(ask, recentFrom, recentUntil)
      years.set(number, recent)
    }
    let i = recent.changes.length
    while (i > 0 && recent.changes[i - 1]! > at) i--
    return recent.offsets[i]!
  }

  function instantOf(local: number): Instant {
    const before = offsetAt(local - 14 * HOUR)
    const after = offsetAt(local + 14 * HOUR)
    if (before === after) return local - before
    const first = local - before
    if (offsetAt(first) === before) return first
    const second = local - after
    return offsetAt(second) === after ? second : first
  }

  const startOf = (date: string, dayStartMinutes = 0) =>
    instantOf(Date.parse(`${date}T00:00:00Z`) + dayStartMinutes * MINUTE)

  function dateOf(at: Instant, dayStartMinutes = 0): string {
    const date = isoDate(at + offsetAt(at) - dayStartMinutes * MINUTE)
    if (offsetAt(at - CHANGED_WITHIN) === offsetAt(at + CHANGED_WITHIN)) return date
    // A period that begins in the hour that is skipped or occurs twice begins where `startOf` says, once.
    if (at < startOf(date, dayStartMinutes)) return addDays(date, -1)
    const next = addDays(date, 1)
    return at < startOf(next, dayStartMinutes) ? date : next
  }

  return { name, offsetAt, instantOf, dateOf, startOf }
}

function asker(name: string): (at: Instant) => number {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: name,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  return (at) => {
    const part: Record<string, number> = {}
    for (const { type, value } of format.formatToParts(at)) part[type] = Number(value)
    const local = Date.UTC(part.year!, part.month! - 1, part.day!, part.hour!, part.minute!, part.second!)
    return local - Math.floor(at / 1000) * 1000
  }
}

/** Offsets are looked at every few days, and a change between two looks is found to the minute. */
function readYear(ask: (at: Instant) => number, from: Instant, until: Instant): Year {
  const STEP = 6 * DAY
  const year: Year = { offsets: [ask(from)], changes: [] }
  for (let at = from; at < until; at += STEP) {
    const end = Math.min(at + STEP, until)
    const last = year.offsets.at(-1)!
    if (ask(end - MINUTE) === last) continue
    let low = at
    let high = end - MINUTE
    while (high - low > MINUTE) {
      const middle = low + Math.floor((high - low) / (2 * MINUTE)) * MINUTE
      if (ask(middle) === last) low = middle
      else high = middle
    }
    year.changes.push(high)
    year.offsets.push(ask(high))
  }
  return year
}
