import * as fs from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { parse } from 'csv-parse/sync'
import { AppError } from '../../errors.ts'
import type { Heartbeat } from '../../ingest/schema.ts'
import { DAY, type Instant } from '../../time/instant.ts'

/** A row of a recorded trace, as the heartbeat that it was. */
export interface TraceRow {
  /** Line in the file, the header being 1. */
  line: number
  heartbeat: Heartbeat
  fixAt: Instant
  /** When the recorder got it: what the pauses of a replay are. */
  receivedAt: Instant
}

/** How a column of a trace is called in a heartbeat; any other column goes into the attributes. */
const NUMBERS: Record<string, keyof Heartbeat> = {
  lat: 'latitude',
  lon: 'longitude',
  speedKph: 'speedKph',
  heading: 'headingDegrees',
  altitudeM: 'altitudeMeters',
  accuracy: 'accuracyMeters',
  accuracyM: 'accuracyMeters',
  odometerM: 'odometerMeters',
  sequence: 'sequence',
}

/**
 * Reads a trace: gzip or plain CSV with the columns `device,time,lat,lon` and any others, times in UTC.
 * @throws AppError malformed naming the line and the column
 */
export function readTrace(file: string): TraceRow[] {
  const bytes = fs.readFileSync(file)
  const text = (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes).toString('utf8')
  const records = parse(text, { columns: true, skip_empty_lines: true, bom: true }) as Record<
    string,
    string
  >[]
  const columns = Object.keys(records[0] ?? {})
  for (const needed of ['device', 'time', 'lat', 'lon']) {
    if (!columns.includes(needed))
      throw new AppError('malformed', `${file} has no column "${needed}".`, needed)
  }
  return records.map((record, i) => toRow(record, i + 2))
}

function toRow(record: Record<string, string>, line: number): TraceRow {
  const fixAt = Date.parse(record.time!)
  if (Number.isNaN(fixAt))
    throw new AppError('malformed', `line ${line}: time "${record.time}" is no time`, 'time')
  const heartbeat: Record<string, unknown> = { device: record.device, fixTime: fixAt }
  const attributes: Record<string, string> = {}
  for (const [column, value] of Object.entries(record)) {
    if (value === '' || column === 'device' || column === 'time' || column === 'receivedTime') continue
    const field = NUMBERS[column]
    if (field) heartbeat[field] = Number(value)
    else if (column === 'ignition') heartbeat.ignition = value === 'true' || value === '1'
    else attributes[column] = value
  }
  if (Object.keys(attributes).length > 0) heartbeat.attributes = attributes
  return {
    line,
    heartbeat: heartbeat as unknown as Heartbeat,
    fixAt,
    receivedAt: Date.parse(record.receivedTime ?? '') || fixAt,
  }
}

export type Times = 'day' | 'now' | 'recorded'

/**
 * How far a trace is moved in time: `recorded` not at all; `now` so that its last row is now; `day` by whole days, so that the
 * times of day stay true, its last row is not in the future, and the same file gives the same times all day long.
 */
export function shiftOf(rows: readonly TraceRow[], times: Times, now: Instant): number {
  const last = rows.reduce((latest, row) => Math.max(latest, row.receivedAt), 0)
  if (times === 'recorded') return 0
  return times === 'now' ? now - last : Math.floor((now - last) / DAY) * DAY
}
