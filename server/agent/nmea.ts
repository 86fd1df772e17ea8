import type { Heartbeat } from '../ingest/schema.ts'

export type Line = Omit<Heartbeat, 'device'>

/** Why a line is none that can be sent. */
export interface LineFault {
  fault: string
}

const KNOTS_KPH = 1.852
const SENTENCE = /^\$([A-Z]{2})([A-Z]{3}),([^*]*)\*([0-9A-F]{2})$/i

/**
 * A line of a GPS receiver (NMEA 0183) as a heartbeat. RMC alone says time, date, place, speed and course, so every position
 * hangs on one line and a line that is read again says the same; other sentences, and an RMC without a fix, are null.
 */
export function readSentence(line: string): Line | null | LineFault {
  const [, , kind, content, checksum] = SENTENCE.exec(line.trim()) ?? []
  if (kind === undefined || content === undefined) return { fault: 'is no NMEA sentence with a checksum' }
  let sum = 0
  for (const character of line.trim().slice(1, line.trim().indexOf('*'))) sum ^= character.charCodeAt(0)
  if (sum !== Number.parseInt(checksum!, 16)) return { fault: 'has a wrong checksum' }
  if (kind.toUpperCase() !== 'RMC') return null
  const [time = '', status, lat = '', north, lon = '', east, knots = '', course = '', date = ''] =
    content.split(',')
  if (status !== 'A') return null
  const fixTime = instantOf(date, time)
  const latitude = degreesOf(lat, 2, north === 'S')
  const longitude = degreesOf(lon, 3, east === 'W')
  if (fixTime === undefined || latitude === undefined || longitude === undefined)
    return { fault: 'has a time or a place that is none' }
  const speed = Number.parseFloat(knots)
  const heading = Number.parseFloat(course)
  return {
    fixTime,
    latitude,
    longitude,
    ...(speed >= 0 && { speedKph: Number((speed * KNOTS_KPH).toFixed(2)) }),
    ...(heading >= 0 && heading <= 360 && { headingDegrees: heading % 360 }),
  }
}

/** ddmmyy and hhmmss.sss, UTC; two digits of the year are of this century (the format is older than its end). */
function instantOf(date: string, time: string): number | undefined {
  const day = /^(\d\d)(\d\d)(\d\d)$/.exec(date)
  const hour = /^(\d\d)(\d\d)(\d\d)(?:\.(\d{1,9}))?$/.exec(time)
  if (!day || !hour) return undefined
  const milliseconds = Number((hour[4] ?? '').padEnd(3, '0').slice(0, 3))
  const parts = [2000 + Number(day[3]), Number(day[2]) - 1, Number(day[1])] as const
  const at = Date.UTC(...parts, Number(hour[1]), Number(hour[2]), Number(hour[3]), milliseconds)
  return new Date(at).getUTCMonth() === parts[1] && Number(hour[1]) < 24 && Number(hour[2]) < 60
    ? at
    : undefined
}

/** dddmm.mmmm: `digits` of degrees, then minutes. Rounded to 1e-7 degrees, a centimetre. */
function degreesOf(text: string, digits: 2 | 3, isNegative: boolean): number | undefined {
  if (!(digits === 2 ? /^\d{4}(\.\d+)?$/ : /^\d{5}(\.\d+)?$/).test(text)) return undefined
  const minutes = Number(text.slice(digits))
  const degrees = Number(text.slice(0, digits)) + minutes / 60
  if (minutes >= 60 || degrees > (digits === 2 ? 90 : 180)) return undefined
  return Number((isNegative ? -degrees : degrees).toFixed(7))
}

/** A line of standard input: an NMEA sentence, or a heartbeat as a JSON object. Null: there is nothing to send in it. */
export function readLine(line: string): Line | null | LineFault {
  const text = line.trim()
  if (text === '' || text.startsWith('!')) return null
  if (text.startsWith('$')) return readSentence(text)
  try {
    const value: unknown = JSON.parse(text)
    if (value === null || typeof value !== 'object' || Array.isArray(value))
      return { fault: 'is no JSON object' }
    const { device: _, ...heartbeat } = value as Heartbeat
    return heartbeat
  } catch {
    return { fault: 'is neither an NMEA sentence nor JSON' }
  }
}
