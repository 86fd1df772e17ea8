import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { type EnrolledDevice, enrolDevices } from '../../auth/device.ts'
import { startEmbedded } from '../../db/embedded.ts'
import { newId } from '../../db/id.ts'
import { migrate } from '../../db/migrate.ts'
import { ensurePartitions } from '../../db/partitions.ts'
import { createPool, type Db } from '../../db/pool.ts'
import { withDatabase } from '../../db/testing.ts'
import type { LoadOrder, LoadResult } from './load.ts'
import { median } from './median.ts'

/** Measured rounds; a benchmark prints their medians. */
export const ROUNDS = 5
/** Prints a line of JSON. */
export type Print = (line: object) => void

/** A quarter of the memory for shared buffers, as PostgreSQL's manual advises (19.4.1): what an installation has, not a test. */
const SHARED_BUFFERS_MB = Math.max(128, Math.floor(totalmem() / 4 / 1024 ** 2))

/** Databases made, and those in use: one may be measured against another. */
let stands = 0
let standing = 0

/** What a benchmark works with. */
export interface Bench {
  url: string
  /** As the owner. */
  pool: pg.Pool
  devices: EnrolledDevice[]
  load(order: LoadOrder): Promise<LoadResult>
}

/** An embedded PostgreSQL that waits for its disk, a fresh database in it, and the load generator. */
export async function withBench(devices: number, work: (bench: Bench) => Promise<void>): Promise<void> {
  const server = await startEmbedded('.restline/bench', {
    database: 'restline_bench',
    settings: ['max_wal_size=4GB', `shared_buffers=${SHARED_BUFFERS_MB}MB`],
  })
  const name = `bench_${process.pid}_${++stands}`
  standing++
  const admin = new pg.Client({ connectionString: server.url })
  await admin.connect()
  await admin.query(`create database ${name}`)
  const url = withDatabase(server.url, name)
  const pool = createPool(url, 2)
  const generator = fork(script('load'), { execArgv: ['--import', 'tsx'] })
  try {
    await migrate(url)
    await ensurePartitions(pool, Date.now())
    await work({ url, pool, devices: await enrol(pool, devices), load: (order) => ask(generator, order) })
  } finally {
    generator.disconnect()
    await pool.end()
    await admin.query(`drop database ${name} with (force)`)
    await admin.end()
    if (--standing === 0) await server.stop()
  }
}

async function enrol(db: Db, count: number): Promise<EnrolledDevice[]> {
  const fleetId = newId()
  await db.query(`insert into fleets (id, name, slug, time_zone) values ($1, 'Bench', 'bench', 'UTC')`, [
    fleetId,
  ])
  const devices = Array.from({ length: count }, (_, i) => ({ name: `unit-${i}`, vehicleId: newId() }))
  await db.query(
    `insert into vehicles (fleet_id, id, unit_number) select $1, * from unnest($2::bigint[], $3::text[])`,
    [fleetId, devices.map((one) => one.vehicleId), devices.map((one) => one.name)],
  )
  return await enrolDevices(db, fleetId, devices)
}

const script = (name: string) => fileURLToPath(new URL(`./${name}.ts`, import.meta.url))

async function ask(generator: ChildProcess, order: LoadOrder): Promise<LoadResult> {
  return await new Promise<LoadResult>((resolve, reject) => {
    const fail = () => reject(new Error('the load generator ended'))
    generator.once('exit', fail)
    generator.once('message', (message) => {
      generator.off('exit', fail)
      resolve(message as LoadResult)
    })
    generator.send(order)
  })
}

/** A server in a process of its own: the real doors (HTTP, Teltonika), or the bare one that they are compared with. */
export async function serve(
  kind: 'door' | 'bare',
  url: string,
): Promise<{ port: number; trackerPort: number; stop: () => Promise<void> }> {
  const child = fork(script('serve'), [kind], {
    execArgv: ['--import', 'tsx'],
    env: { ...process.env, DATABASE_URL: url },
  })
  const [{ port, trackerPort }] = (await once(child, 'message')) as [{ port: number; trackerPort: number }]
  const ended = once(child, 'exit')
  const stop = async () => {
    child.disconnect()
    await ended
  }
  return { port, trackerPort, stop }
}

/** What a round gave, for whoever waits. */
export function progress(name: string, round: number, measured: number[], baseline: number[]): void {
  console.error(
    `${name} ${round}/${ROUNDS}: ${measured.at(-1)!.toFixed(0)} against ${baseline.at(-1)!.toFixed(0)}`,
  )
}

/** The medians of all rounds, and what they make of each other. */
export function report(
  print: Print,
  name: string,
  measured: number[],
  baselineName: string,
  baselineUnit: string,
  baseline: number[],
): void {
  const value = median(measured)
  const against = median(baseline)
  print({
    name,
    value: Math.round(value),
    unit: 'heartbeats/s',
    baseline: { name: baselineName, value: Math.round(against), unit: baselineUnit },
    ratio: Number((value / against).toFixed(3)),
  })
}
