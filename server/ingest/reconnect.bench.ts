import { Agent, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import type pg from 'pg'
import { type EnrolledDevice, enrolDevices } from '../auth/device.ts'
import { newId } from '../db/id.ts'
import { ensurePartitions } from '../db/partitions.ts'
import { type Print, ROUNDS, serve, withBench } from './bench/stand.ts'
import { encodeFrame } from './teltonika/codec.ts'
import { encodeLogin } from './teltonika/stream.ts'

/** Come back with ten minutes of a fix in five seconds each; so many others go on meanwhile. */
const BACK = 500
const BACKLOG = 120
const FIX_EVERY_MS = 5_000
const LIVE = 50
const LIVE_EVERY_MS = 500
/** So long only those go on: what the backlog's time is compared with. */
const CALM_MS = 5_000
const LOOK_EVERY_MS = 100
const LIMIT_MS = 5_000

/** A device's way in: sends fixes until they are acknowledged, as a device does it. */
interface Sender {
  send(fixTimes: readonly number[]): Promise<void>
  close(): void
}
interface Way {
  name: string
  protocol: 'json' | 'teltonika'
  /** Fixes of one message. */
  most: number
  open(device: EnrolledDevice, ports: { port: number; trackerPort: number }): Sender
}

/**
 * A fleet of 500 comes back at once with ten minutes of backlog each, over HTTP and over Teltonika's TCP, while 50 trucks report
 * twice a second: how old the oldest of their places is that is shown, at worst, against the same without a backlog. The limit is
 * five seconds.
 */
export async function benchReconnect(print: Print): Promise<void> {
  await withBench(1, async ({ url, pool }) => {
    await ensurePartitions(pool, Date.now() - ROUNDS * 86_400_000)
    const doors = await serve('door', url)
    for (const way of [HTTP, TELTONIKA]) await measure(print, way, pool, doors)
    await doors.stop()
  })
}

async function measure(
  print: Print,
  way: Way,
  pool: pg.Pool,
  ports: { port: number; trackerPort: number },
): Promise<void> {
  const devices = await enrol(pool, way.protocol)
  const live = devices.slice(BACK)
  const senders = live.map((device) => way.open(device, ports))
  const [calm, busy] = [new Lag(), new Lag()]
  let drainedMs = 0
  for (let round = 1; round <= ROUNDS; round++) {
    await goOn(pool, live, senders, calm, new Promise((resolve) => setTimeout(resolve, CALM_MS)))
    // Each round another day, so that nothing is a repeat.
    const newest = Date.now() - 120_000 - round * 3_600_000
    const from = performance.now()
    const drained = Promise.all(
      devices.slice(0, BACK).map((device) => comeBack(way.open(device, ports), newest, way)),
    )
    await goOn(pool, live, senders, busy, drained)
    drainedMs = Math.max(drainedMs, performance.now() - from)
    console.error(
      `reconnect, ${way.name} ${round}/${ROUNDS}: ${busy.shownMs} ms against ${calm.shownMs}, receipts ${busy.receiptMs.toFixed(0)} against ${calm.receiptMs.toFixed(0)}`,
    )
  }
  for (const sender of senders) sender.close()
  const line = (what: string, value: number, name: string, baseline: number) =>
    print({
      ...{ name: `reconnect, ${way.name}, ${what}`, value: Math.round(value), unit: 'ms' },
      ...{
        baseline: { name, value: Math.round(baseline), unit: 'ms' },
        ratio: Number((value / baseline).toFixed(3)),
      },
    })
  line('the oldest live place shown', busy.shownMs, 'without a backlog', calm.shownMs)
  line('the slowest live receipt', busy.receiptMs, 'without a backlog', calm.receiptMs)
  line('the oldest live place shown', busy.shownMs, 'the limit', LIMIT_MS)
  console.error(`  ${BACK * BACKLOG} positions of backlog in ${(drainedMs / 1_000).toFixed(1)} s at most`)
}

/** The worst of what those who go on see. */
class Lag {
  shownMs = 0
  receiptMs = 0
}

async function enrol(pool: pg.Pool, protocol: Way['protocol']): Promise<EnrolledDevice[]> {
  const { rows } = await pool.query<{ id: number }>('select id from fleets')
  const vehicles = Array.from({ length: BACK + LIVE }, (_, i) => ({ id: newId(), name: `${protocol}-${i}` }))
  await pool.query(
    'insert into vehicles (fleet_id, id, unit_number) select $1, * from unnest($2::bigint[], $3::text[])',
    [rows[0]!.id, vehicles.map(({ id }) => id), vehicles.map(({ name }) => name)],
  )
  return await enrolDevices(
    pool,
    rows[0]!.id,
    vehicles.map(({ id, name }, i) => ({
      ...{ vehicleId: id, name, protocol },
      ...(protocol === 'teltonika' && { identity: String(352_093_000_000_000 + i), open: true }),
    })),
  )
}

async function comeBack(sender: Sender, newest: number, { most }: Way): Promise<void> {
  const fixes = Array.from({ length: BACKLOG }, (_, i) => newest - (BACKLOG - i) * FIX_EVERY_MS)
  for (let sent = 0; sent < fixes.length; sent += most) await sender.send(fixes.slice(sent, sent + most))
  sender.close()
}

/** The others report until `over`, and somebody looks at them. */
async function goOn(
  pool: pg.Pool,
  live: readonly EnrolledDevice[],
  senders: readonly Sender[],
  lag: Lag,
  over: Promise<unknown>,
): Promise<void> {
  let going = true
  const ended = over.finally(() => {
    going = false
  })
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
  const reports = senders.map(async (sender) => {
    while (going) {
      const at = performance.now()
      await sender.send([Date.now()])
      lag.receiptMs = Math.max(lag.receiptMs, performance.now() - at)
      await pause(LIVE_EVERY_MS)
    }
  })
  const vehicles = live.map(({ vehicleId }) => vehicleId)
  const began = Date.now()
  const look = async () => {
    while (going) {
      const { rows } = await pool.query<{ count: number; oldest: number }>(
        'select count(*) as count, min(fix_at) as oldest from latest_positions where vehicle_id = any($1)',
        [vehicles],
      )
      // What is shown of the time before this began says nothing of it.
      const { count, oldest } = rows[0]!
      if (count === live.length && oldest >= began) lag.shownMs = Math.max(lag.shownMs, Date.now() - oldest)
      else lag.shownMs = Math.max(lag.shownMs, Date.now() - began - LIVE_EVERY_MS)
      await pause(LOOK_EVERY_MS)
    }
  }
  await Promise.all([ended, ...reports, look()])
}

const HTTP: Way = {
  name: 'HTTP',
  protocol: 'json',
  most: 60,
  open({ name, token }, { port }) {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const post = (body: string) =>
      new Promise<{ status: number; retryAfter: number }>((resolve, reject) => {
        const headers = {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
        }
        const req = request({ agent, port, method: 'POST', path: '/v1/heartbeats', headers }, (res) => {
          res.resume()
          res.once('end', () =>
            resolve({ status: res.statusCode!, retryAfter: Number(res.headers['retry-after'] ?? 1) }),
          )
        })
        req.once('error', reject)
        req.end(body)
      })
    return {
      async send(fixTimes) {
        const body = JSON.stringify(
          fixTimes.map((fixTime) => ({
            ...{ device: name, fixTime, latitude: 41.5, longitude: -93.6 },
            ...{ speedKph: 88.5, headingDegrees: 90, odometerMeters: 412_345_678 },
          })),
        )
        for (;;) {
          const { status, retryAfter } = await post(body)
          if (status === 200) return
          if (status !== 503) throw new Error(`the door answered ${status}`)
          await new Promise((resolve) => setTimeout(resolve, retryAfter * 1_000))
        }
      },
      close: () => agent.destroy(),
    }
  },
}

const TELTONIKA: Way = {
  name: 'Teltonika TCP',
  protocol: 'teltonika',
  most: 30,
  open({ identity }, { trackerPort }) {
    let socket: Socket | undefined
    /** Writes, and resolves with the answer; undefined if the connection ends before. */
    const ask = (to: Socket, bytes: Buffer, answerBytes: number) =>
      new Promise<Buffer | undefined>((resolve) => {
        const heard: Buffer[] = []
        const settle = (answer: Buffer | undefined) => {
          to.off('data', hear).off('close', fail)
          resolve(answer)
        }
        const hear = (chunk: Buffer) => {
          heard.push(chunk)
          const all = Buffer.concat(heard)
          if (all.length >= answerBytes) settle(all)
        }
        const fail = () => settle(undefined)
        to.on('data', hear).once('close', fail)
        if (to.destroyed) fail()
        else to.write(bytes)
      })
    const loggedIn = async () => {
      if (socket && !socket.destroyed) return socket
      const fresh = connect(trackerPort, '127.0.0.1').setNoDelay(true)
      fresh.on('error', () => fresh.destroy())
      const answer = await ask(fresh, encodeLogin(identity!), 1)
      if (answer?.[0] === 0) throw new Error('the IMEI was refused')
      socket = fresh
      return socket
    }
    return {
      async send(fixTimes) {
        const frame = encodeFrame(
          '8',
          fixTimes.map((fixAt) => ({
            ...{ fixAt, latitude: 41.5, longitude: -93.6, altitudeMeters: 280 },
            ...{ headingDegrees: 90, speedKph: 88, satellites: 9, io: { 239: '01', 16: '00112233' } },
          })),
        )
        for (;;) {
          const answer = await ask(await loggedIn(), frame, 4)
          if (answer?.readUInt32BE() === fixTimes.length) return
          socket?.destroy()
        }
      },
      close: () => socket?.destroy(),
    }
  },
}
