import type { GapEvent } from '../../server/hos/gaps.ts'
import { DUTY_STATUSES } from '../../server/hos/types.ts'
import { DAY, HOUR, type Instant, MINUTE, SECOND } from '../../server/time/instant.ts'
import { isoWithOffset, type Zone } from '../../server/time/zone.ts'

/** A line that can't be read: which one, counted from 1, and why. */
export interface LineFault {
  line: number
  reason: string
}

export interface ParsedLog {
  /** What could be read, in the order of the text. */
  events: GapEvent[]
  /** The line of each event, counted from 1; of a JSON array the entry. */
  lines: number[]
  faults: LineFault[]
  /** How people call the parts of this text. */
  unit: 'Line' | 'Entry'
}

const STATUSES: ReadonlySet<string> = new Set([...DUTY_STATUSES, 'UNKNOWN'])
const isStatus = (text: string): text is GapEvent['status'] => STATUSES.has(text)

/** A year outside of these is a slip of the finger, and would make every calendar in between be looked up. */
const FIRST_YEAR = 2000
const LAST_YEAR = 2099

class Unreadable extends Error {}

/**
 * Reads a log: an event a line, `2026-03-02 06:00 ON`, wall clock of the zone, or a JSON array of `{ at, status }`. A time may
 * carry its own offset (`01:30-06:00`, `Z`): what the clocks read twice can be told apart by nothing else.
 */
export function parseLog(text: string, zone: Zone): ParsedLog {
  return text.trimStart().startsWith('[') ? parseJson(text, zone) : parseLines(text, zone)
}

/** Writes a log so that `parseLog` reads the same one: an event a line. */
export function formatLog(log: readonly GapEvent[], zone: Zone): string {
  return log.map(({ at, status }) => `${formatLocal(at, zone)} ${status}`).join('\n')
}

/** "2026-03-02 06:00", with seconds if it has any, with the offset if the clocks read that twice. */
export function formatLocal(at: Instant, zone: Zone): string {
  const offset = zone.offsetAt(at)
  const local = new Date(at + offset).toISOString()
  const end = at % MINUTE === 0 ? 16 : at % SECOND === 0 ? 19 : 23
  const once = zone.instantOf(at + offset) === at
  return `${local.slice(0, 10)} ${local.slice(11, end)}${once ? '' : isoWithOffset(at, zone).slice(19)}`
}

/**
 * The instant of a local time, `2026-03-02 06:00` or with a `T`.
 * @returns the instant, or the reason why it is none
 */
export function parseLocal(text: string, zone: Zone): { at: Instant } | { reason: string } {
  try {
    const { at, rest } = readTime(tokensOf(text), zone)
    if (rest.length > 0) return { reason: `“${rest[0]}” after the time means nothing` }
    return { at }
  } catch (error) {
    if (error instanceof Unreadable) return { reason: error.message }
    throw error
  }
}

function parseLines(text: string, zone: Zone): ParsedLog {
  const parsed: ParsedLog = { events: [], lines: [], faults: [], unit: 'Line' }
  text.split(/\r\n|\r|\n/).forEach((line, i) => {
    const tokens = tokensOf(line)
    if (tokens.length > 0) keep(parsed, i + 1, () => readLine(tokens, zone))
  })
  return parsed
}

function parseJson(text: string, zone: Zone): ParsedLog {
  const parsed: ParsedLog = { events: [], lines: [], faults: [], unit: 'Entry' }
  let entries: unknown
  try {
    entries = JSON.parse(text)
  } catch (error) {
    const reason = error instanceof SyntaxError ? error.message : String(error)
    return {
      ...parsed,
      unit: 'Line',
      faults: [{ line: 1, reason: `begins a JSON array that is none: ${reason}` }],
    }
  }
  if (Array.isArray(entries))
    entries.forEach((entry: unknown, i) => {
      keep(parsed, i + 1, () => readEntry(entry, zone))
    })
  return parsed
}

function keep(parsed: ParsedLog, line: number, read: () => GapEvent): void {
  try {
    parsed.events.push(read())
    parsed.lines.push(line)
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error
    parsed.faults.push({ line, reason: error.message })
  }
}

const tokensOf = (line: string) => line.split(/[\s,;]+/).filter((token) => token !== '')

function readLine(tokens: readonly string[], zone: Zone): GapEvent {
  const { at, rest } = readTime(tokens, zone)
  const [status, ...more] = rest
  if (status === undefined) throw new Unreadable('has no status')
  if (more.length > 0) throw new Unreadable(`“${more.join(' ')}” after the status means nothing`)
  return { at, status: readStatus(status) }
}

function readEntry(entry: unknown, zone: Zone): GapEvent {
  if (typeof entry !== 'object' || entry === null || !('at' in entry) || !('status' in entry))
    throw new Unreadable('is no { "at", "status" }')
  const { at, status } = entry
  if (typeof status !== 'string') throw new Unreadable('its status is no text')
  if (typeof at === 'number') return { at: inReach(at), status: readStatus(status) }
  if (typeof at !== 'string') throw new Unreadable('its “at” is neither text nor milliseconds')
  const time = readTime(tokensOf(at), zone)
  if (time.rest.length > 0) throw new Unreadable(`“${time.rest[0]}” after the time means nothing`)
  return { at: time.at, status: readStatus(status) }
}

function readStatus(text: string): GapEvent['status'] {
  const status = text.toUpperCase()
  if (isStatus(status)) return status
  throw new Unreadable(
    `“${text}” is no status: OFF SB D ON PC YM, or in Europe REST DRIVE WORK POA FERRY; UNKNOWN where there is no data`,
  )
}

/** Date and time as one token with a T or as two; what follows is handed back. */
function readTime(tokens: readonly string[], zone: Zone): { at: Instant; rest: readonly string[] } {
  const [first = ''] = tokens
  const [, date, joined] = /^(\d{4}-\d{2}-\d{2})(?:T(.*))?$/i.exec(first) ?? []
  if (date === undefined)
    throw new Unreadable(`does not begin with a date such as 2026-03-02${first && `: “${first}”`}`)
  const day = Date.parse(`${date}T00:00:00Z`)
  if (!Number.isFinite(day) || !new Date(day).toISOString().startsWith(date))
    throw new Unreadable(`“${date}” is no date`)
  const rest = tokens.slice(joined === undefined ? 2 : 1)
  const time = joined ?? tokens[1]
  if (time === undefined || time === '') throw new Unreadable('has no time')
  const match = /^(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,3}))?)?(z|[+-]\d{2}:?\d{2})?$/i.exec(time)
  if (!match) throw new Unreadable(`“${time}” is no time such as 06:00`)
  const [, hours, minutes, seconds = '0', fraction = '', offset] = match
  if (Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 59)
    throw new Unreadable(`“${time}” is no time of day`)
  const local =
    day +
    Number(hours) * HOUR +
    Number(minutes) * MINUTE +
    Number(seconds) * SECOND +
    Number(fraction.padEnd(3, '0'))
  inReach(local)
  if (offset !== undefined) return { at: local - offsetMs(offset), rest }
  const at = zone.instantOf(local)
  if (at + zone.offsetAt(at) !== local)
    throw new Unreadable(`${date} ${time} never was in ${zone.name}: the clocks went forward`)
  return { at, rest }
}

function offsetMs(text: string): number {
  if (/^z$/i.test(text)) return 0
  const digits = text.replace(/\D/g, '')
  const size = Number(digits.slice(0, 2)) * HOUR + Number(digits.slice(2)) * MINUTE
  if (size >= DAY) throw new Unreadable(`“${text}” is no offset`)
  return text.startsWith('-') ? -size : size
}

function inReach(at: number): number {
  const year = Number.isFinite(at) ? new Date(at).getUTCFullYear() : Number.NaN
  if (year >= FIRST_YEAR && year <= LAST_YEAR) return at
  throw new Unreadable(`its year is not from ${FIRST_YEAR} to ${LAST_YEAR}`)
}
