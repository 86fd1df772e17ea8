import { createSocket } from 'node:dgram'
import type { Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import type pg from 'pg'
import { type EnrolledDevice, enrolDevices, type NewDevice } from '../auth/device.ts'
import { newId } from '../db/id.ts'
import { registry } from './metrics.ts'
import { encodeLogin } from './teltonika/stream.ts'

/** Far more than anything takes: whether it comes is asked, not how soon. */
const WITHIN_MS = 60_000

/** Asks until the answer is true; it fails after the time with what was waited for. */
export async function until(
  what: string,
  isTrue: () => boolean | Promise<boolean>,
  withinMs = WITHIN_MS,
): Promise<void> {
  const deadline = performance.now() + withinMs
  while (!(await isTrue())) {
    if (performance.now() > deadline) throw new Error(`waited in vain: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** A fleet with a vehicle for each device. */
export async function enrolFleet(
  pool: pg.Pool,
  devices: readonly Omit<NewDevice, 'vehicleId'>[],
): Promise<EnrolledDevice[]> {
  const fleetId = newId()
  await pool.query(
    `insert into fleets (id, name, slug, time_zone) values ($1, 'Northern', $2, 'America/Chicago')`,
    [fleetId, `northern-${fleetId}`],
  )
  const all = devices.map((device) => ({ ...device, vehicleId: newId() }))
  await pool.query(
    `insert into vehicles (fleet_id, id, unit_number) select $1, * from unnest($2::bigint[], $3::text[])`,
    [fleetId, all.map((one) => one.vehicleId), all.map((one) => one.name)],
  )
  return await enrolDevices(pool, fleetId, all)
}

export interface StoredPosition {
  fixAt: number
  latitudeE7: number | null
  longitudeE7: number | null
  speedCkph: number | null
  altitudeM: number | null
  flags: number
  attributes: Record<string, unknown> | null
}

export const storedOf = async (
  pool: pg.Pool,
  { id }: Pick<EnrolledDevice, 'id'>,
): Promise<StoredPosition[]> =>
  (
    await pool.query<StoredPosition>(
      `select fix_at(fix_second, fix_ms) as "fixAt", latitude_e7 as "latitudeE7", longitude_e7 as "longitudeE7",
         speed_ckph as "speedCkph", altitude_m as "altitudeM", flags, attributes
       from positions where device_number = (select number from devices where id = $1) order by 1, digest`,
      [id],
    )
  ).rows

export async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** One sample of `/metrics`; 0 if there is none. */
export async function metric(name: string, labels: Record<string, string> = {}): Promise<number> {
  const of = registry.getSingleMetric(name) ?? registry.getSingleMetric(name.replace(/_(count|sum)$/, ''))!
  const { values } = (await of.get()) as {
    values: { value: number; metricName?: string; labels: Record<string, string> }[]
  }
  const found = values.find(
    (one) =>
      (one.metricName ?? name) === name &&
      Object.entries(labels).every(([key, value]) => one.labels[key] === value),
  )
  return found?.value ?? 0
}

/** A tracker's connection: what it says, and what it was told. */
export class Tracker {
  readonly socket: Socket
  /** Everything that came, in hexadecimal. */
  heard = ''
  closed = false

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1').setNoDelay(true)
    this.socket.on('data', (bytes) => {
      this.heard += bytes.toString('hex')
    })
    this.socket.on('error', () => undefined)
    this.socket.once('close', () => {
      this.closed = true
    })
  }

  static async login(port: number, imei: string): Promise<Tracker> {
    const tracker = new Tracker(port)
    tracker.socket.write(encodeLogin(imei))
    await tracker.hears('01')
    return tracker
  }

  /** Resolves when exactly this has been heard since the last time. */
  async hears(hex: string): Promise<void> {
    await until(`${hex}, heard ${this.heard}`, () => this.heard.length >= hex.length || this.closed)
    if (this.heard !== hex) throw new Error(`expected ${hex}, heard ${this.heard || 'nothing'}`)
    this.heard = ''
  }

  async ends(): Promise<void> {
    await until('the end of the connection', () => this.closed)
  }
}

/** A packet's answer, in hexadecimal. */
export async function answerToDatagram(port: number, packet: Buffer): Promise<string> {
  const socket = createSocket('udp4')
  try {
    let heard: string | undefined
    socket.on('message', (bytes) => {
      heard = bytes.toString('hex')
    })
    socket.send(packet, port, '127.0.0.1')
    await until('an answer to a packet', () => heard !== undefined)
    return heard!
  } finally {
    socket.close()
  }
}
