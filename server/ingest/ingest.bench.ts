import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import type { DevicePrincipal } from '../auth/principal.ts'
import { fixMs, fixSecond } from '../db/fix-time.ts'
import { createPool } from '../db/pool.ts'
import { Batch, type Point } from './batch.ts'
import { openSessions } from './bench/sessions.ts'
import { type Print, progress, ROUNDS, report, serve, withBench } from './bench/stand.ts'
import { receiverOf } from './receive.ts'

const ROUND_MS = 4_000
const COPY_ROWS = 200_000
const BATCH_CONNECTIONS = 16
const BATCH_SIZE = 100
const SINGLE_CONNECTIONS = 64

/** Durable heartbeats/s through the door, 100 a request on 16 connections, with tokens and in signed sessions, against COPY of such rows. */
export async function benchIngestBatch(print: Print): Promise<void> {
  await withBench(BATCH_CONNECTIONS, async ({ url, pool, devices, load }) => {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    await client.query('create table copied (like positions including all)')
    const door = await serve('door', url)
    const inSession = await openSessions(pool, door.port, devices)
    const [measured, signed, baseline]: [number[], number[], number[]] = [[], [], []]
    let fixAt = Date.now() - 20 * 24 * 3_600_000
    const ways = [
      [devices, measured],
      [inSession, signed],
    ] as const
    for (let round = 0; round <= ROUNDS; round++) {
      for (const [by, rates] of ways) {
        const durationMs = round === 0 ? 1_000 : ROUND_MS // the first warms up
        const order = { port: door.port, devices: by, perRequest: BATCH_SIZE, durationMs }
        const result = await load({ ...order, firstFixAt: fixAt })
        fixAt = result.firstFixAt
        if (round > 0) rates.push((result.heartbeats / result.ms) * 1000)
      }
      if (round === 0) continue
      baseline.push(await copyRate(client, fixAt))
      progress('ingest-batch', round, measured, baseline)
      progress('ingest-batch, sessions', round, signed, baseline)
    }
    const { rows } = await client.query('select count(*) from positions')
    console.error(`  ${rows[0].count} rows stored`)
    await client.end()
    await door.stop()
    report(print, 'ingest-batch', measured, 'COPY', 'rows/s', baseline)
    report(print, 'ingest-batch, each request signed in a session', signed, 'COPY', 'rows/s', baseline)
  })
}

/**
 * Durable heartbeats/s through the door, one a request on 64 connections, with tokens and in signed sessions, each against a bare
 * node:http server that is sent the same requests: making a signed one costs the other core more than one with a token.
 */
export async function benchIngestSingle(print: Print): Promise<void> {
  await withBench(SINGLE_CONNECTIONS, async ({ url, pool, devices, load }) => {
    const door = await serve('door', url)
    const bare = await serve('bare', url)
    const ways = [
      { name: 'ingest-single', by: devices },
      { name: 'ingest-single, sessions', by: await openSessions(pool, door.port, devices) },
    ].map((way) => ({ ...way, measured: [] as number[], baseline: [] as number[] }))
    let fixAt = Date.now() - 20 * 24 * 3_600_000
    for (let round = 0; round <= ROUNDS; round++) {
      for (const { name, by, measured, baseline } of ways) {
        for (const [port, rates] of [
          [door.port, measured],
          [bare.port, baseline],
        ] as const) {
          const durationMs = round === 0 ? 1_000 : ROUND_MS // the first warms up
          const result = await load({ port, devices: by, perRequest: 1, durationMs, firstFixAt: fixAt })
          fixAt = result.firstFixAt
          if (round > 0) rates.push((result.heartbeats / result.ms) * 1000)
        }
        if (round > 0) progress(name, round, measured, baseline)
      }
    }
    await Promise.all([door.stop(), bare.stop()])
    for (const { name, measured, baseline } of ways)
      report(print, name, measured, 'bare node:http', 'requests/s', baseline)
  })
}

/** What the values of a heartbeat take by themselves: three of 8 bytes, then 4, 4, 2, 2, 4. */
const VALUE_BYTES = 8 + 8 + 8 + 4 + 4 + 2 + 2 + 4
const STORAGE_DEVICES = 500
const STORAGE_ROWS = 1_000_000

/**
 * Bytes on disk for each stored heartbeat, indexes included: device, fix, receipt, place, speed, heading, odometer, as 500
 * trucks send them side by side.
 */
export async function benchStorage(print: Print): Promise<void> {
  await withBench(STORAGE_DEVICES, async ({ url, devices }) => {
    const pool = createPool(url, 2)
    const receiver = receiverOf(pool)
    const { rows: numbers } = await pool.query<{
      id: number
      number: number
      fleet: number
      fleetId: number
    }>(
      'select d.id, d.number, f.number as fleet, f.id as "fleetId" from devices d join fleets f on f.id = d.fleet_id',
    )
    const numberOf = new Map(numbers.map((row) => [row.id, row]))
    const startAt = Math.floor(Date.now() / 1000) * 1000 - 24 * 3_600_000
    const perDevice = STORAGE_ROWS / STORAGE_DEVICES
    for (let first = 0; first < perDevice; first += 10) {
      await Promise.all(
        devices.map((device, d) => {
          const { number, fleet, fleetId } = numberOf.get(device.id)!
          const principal: DevicePrincipal = {
            kind: 'device',
            method: 'token',
            fleetId,
            deviceId: device.id,
            vehicleId: device.vehicleId,
            fleetNumber: fleet,
            deviceNumber: number,
            name: device.name,
          }
          const batch = new Batch(principal, startAt + (first + 10) * 10_000, 10)
          for (let i = first; i < first + 10; i++) batch.add(pointOf(startAt + i * 10_000 + d, i))
          return receiver.store(batch)
        }),
      )
      if (first % 200 === 0) console.error(`storage: ${first * STORAGE_DEVICES} rows`)
    }
    await pool.query('checkpoint')
    const { rows } = await pool.query<{ rows: number; bytes: number }>(
      `select (select count(*)::int8 from positions) as rows, sum(pg_total_relation_size(inhrelid))::int8 as bytes
       from pg_inherits where inhparent = 'positions'::regclass`,
    )
    await pool.end()
    const value = rows[0]!.bytes / rows[0]!.rows
    print({
      name: 'storage',
      value: Number(value.toFixed(1)),
      unit: 'bytes/heartbeat',
      baseline: { name: 'the bytes of its values alone', value: VALUE_BYTES, unit: 'bytes/heartbeat' },
      ratio: Number((value / VALUE_BYTES).toFixed(2)),
    })
  })
}

const pointOf = (fixAt: number, i: number): Point => ({
  fixAt,
  sentAt: null,
  flags: 0,
  latitudeE7: 415_000_000 + i * 1_000,
  longitudeE7: -936_000_000 - i * 1_000,
  odometerM: 412_345_678 + i * 250,
  engineSeconds: null,
  speedCkph: 8_850 + (i % 10) * 100,
  headingDeg: 90 + (i % 7),
  altitudeM: null,
  accuracyDm: null,
  ignition: true,
  sequence: null,
  attributes: null,
})

/** Rows/s of one COPY with its commit, into a table of the same columns and keys; the text is made beforehand. */
async function copyRate(client: pg.Client, firstFixAt: number): Promise<number> {
  await client.query('truncate copied')
  const received = new Date().toISOString()
  const chunks: string[] = []
  let chunk = ''
  for (let i = 0; i < COPY_ROWS; i++) {
    const n = i % BATCH_SIZE
    chunk += `${received}\t1\t${1 + (i % BATCH_CONNECTIONS)}\t${fixSecond(firstFixAt + i)}\t`
    chunk += `${Math.imul(i, 0x9e37_79b1)}\t${415_000_000 + n * 1_000}\t${-936_000_000 - n * 1_000}\t`
    chunk += `${8_850 + (n % 10) * 100}\t${412_345_678 + n * 25}\t${fixMs(firstFixAt + i)}\t${90 + (n % 7)}\t3\t${280 + (n % 5)}\t${1_000 + n}\n`
    if (chunk.length > 65_536) {
      chunks.push(chunk)
      chunk = ''
    }
  }
  chunks.push(chunk)
  const startedAt = performance.now()
  await pipeline(
    Readable.from(chunks, { objectMode: false }),
    client.query(
      copyFrom(
        `copy copied (received_at, fleet_number, device_number, fix_second, digest, latitude_e7, longitude_e7, speed_ckph,
         odometer_m, fix_ms, heading_deg, flags, altitude_m, sequence) from stdin`,
      ),
    ),
  )
  return (COPY_ROWS / (performance.now() - startedAt)) * 1000
}
