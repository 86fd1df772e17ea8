import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { digestOf } from '../ingest/digest.ts'
import { doubtsOf, IGNITION_KNOWN, IGNITION_ON, REPAIRED_ROLLOVER, withoutRollover } from '../ingest/judge.ts'
import type { TrackPoint } from './types.ts'

type Row = Partial<
  Record<
    | 'device'
    | 'time'
    | 'receivedTime'
    | 'lat'
    | 'lon'
    | 'speedKph'
    | 'heading'
    | 'altitudeM'
    | 'accuracyM'
    | 'ignition'
    | 'odometerM'
    | 'event',
    string
  >
>

const numberOr = <T>(text: string | undefined, absent: T) => (text ? Number(text) : absent)

/** A trace (CSV, gzip) as its points come in, by device: flags as on arrival; without a time of receipt, the time of the fix. */
export function readTrace(file: string | URL): Map<string, TrackPoint[]> {
  const lines = gunzipSync(readFileSync(file)).toString('utf8').trimEnd().split('\n')
  const columns = lines[0]!.split(',')
  const devices = new Map<string, TrackPoint[]>()
  for (const line of lines.slice(1)) {
    const fields = line.split(',')
    const row: Row = Object.fromEntries(columns.map((name, i) => [name, fields[i]]))
    const said = Date.parse(row.time!)
    const receivedAt = row.receivedTime ? Date.parse(row.receivedTime) : said
    const fixAt = withoutRollover(said, receivedAt)
    const speedKph = numberOr(row.speedKph, null)
    const accuracyMeters = numberOr(row.accuracyM, null)
    const odometerMeters = numberOr(row.odometerM, null)
    const ignition = row.ignition ? row.ignition === 'true' : null
    const judged = {
      fixAt,
      latitudeE7: Math.round(Number(row.lat) * 1e7),
      longitudeE7: Math.round(Number(row.lon) * 1e7),
      speedCkph: speedKph === null ? null : Math.round(speedKph * 100),
      accuracyDm: accuracyMeters === null ? null : Math.round(accuracyMeters * 10),
    }
    const digest = digestOf(
      {
        ...judged,
        odometerM: odometerMeters,
        engineSeconds: null,
        headingDeg: numberOr(row.heading, null),
        altitudeM: numberOr(row.altitudeM, null),
        ignition,
        sequence: null,
        attributes: row.event ? JSON.stringify({ event: row.event }) : null,
      },
      fixAt !== said,
    )
    const flags =
      doubtsOf(judged, receivedAt) |
      (fixAt === said ? 0 : REPAIRED_ROLLOVER) |
      (ignition === null ? 0 : IGNITION_KNOWN) |
      (ignition ? IGNITION_ON : 0)
    const point: TrackPoint = {
      fixAt,
      latitude: Number(row.lat),
      longitude: Number(row.lon),
      speedKph,
      odometerMeters,
      ignition,
      accuracyMeters,
      flags,
      digest,
    }
    const device = row.device!
    const points = devices.get(device)
    if (points) points.push(point)
    else devices.set(device, [point])
  }
  return devices
}

export interface TruthTrip {
  start: string
  end: string
  distanceKm: number
}

export interface Truth {
  devices: Record<
    string,
    {
      trips: TruthTrip[]
      goodPoints: number
      lastGoodPoint: { time: string; lat: number; lon: number }
      defects: { kind: string; time?: string }[]
    }
  >
}

export const longhaul = new URL('./testdata/synthetic-longhaul.csv.gz', import.meta.url)

export function readTruth(): Truth {
  const file = new URL('./testdata/synthetic-longhaul.truth.json.gz', import.meta.url)
  return JSON.parse(gunzipSync(readFileSync(file)).toString('utf8'))
}
