import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { enrolDevices } from '../auth/device.ts'
import { freePort } from '../db/embedded.ts'
import { newId } from '../db/id.ts'
import { testDatabase } from '../db/testing.ts'
import { work } from '../work.ts'
import type { Receipt } from './schema.ts'

const { pool, url } = await testDatabase()

async function enrol(name: string) {
  const [fleetId, vehicleId] = [newId(), newId()]
  await pool.query(
    `insert into fleets (id, name, slug, time_zone) values ($1, 'Northern', $2, 'America/Chicago')`,
    [fleetId, `northern-${fleetId}`],
  )
  await pool.query(`insert into vehicles (fleet_id, id, unit_number) values ($1, $2, '7')`, [
    fleetId,
    vehicleId,
  ])
  const [device] = await enrolDevices(pool, fleetId, [{ vehicleId, name }])
  return device!
}

/** The real door in a process of its own, which can be killed. */
async function openDoor(): Promise<{ child: ChildProcess; port: number }> {
  const [port, trackerPort] = [await freePort(), await freePort()]
  const script = fileURLToPath(new URL('../cli/soak/door.ts', import.meta.url))
  const child = spawn(process.execPath, ['--import', 'tsx', script], {
    env: {
      ...process.env,
      ...{ DATABASE_URL: url, PORT: String(port), TRACKER_PORT: String(trackerPort), RESTLINE_LEASH: '1' },
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  await once(child.stdout!, 'data')
  return { child, port }
}

function requestOf(token: string, body: object): string {
  const text = JSON.stringify(body)
  return `POST /v1/heartbeats HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${token}\r\ncontent-length: ${text.length}\r\n\r\n${text}`
}

async function receiptOf(socket: Socket): Promise<Receipt> {
  const [answer] = (await once(socket, 'data')) as [Buffer]
  return JSON.parse(answer.toString().split('\r\n\r\n')[1]!) as Receipt
}

const storedOf = async (deviceId: number) =>
  (
    await pool.query<{ count: number }>(
      'select count(*) from positions where device_number = (select number from devices where id = $1)',
      [deviceId],
    )
  ).rows[0]!.count

const minutesAgo = (minutes: number) => Date.now() - minutes * 60_000

test('killed in the instant of the receipt: the heartbeat is stored, and the worker shows what the server could not', async () => {
  const device = await enrol('killed')
  for (let round = 1; round <= 3; round++) {
    const { child, port } = await openDoor()
    const socket = connect(port, '127.0.0.1')
    const ended = once(child, 'exit')
    socket.once('data', () => child.kill('SIGKILL'))
    socket.write(
      requestOf(device.token, {
        device: device.name,
        fixTime: minutesAgo(10 - round),
        latitude: 41.5 + round / 100,
        longitude: -93.6,
      }),
    )
    assert.deepEqual(await receiptOf(socket), { received: 1, stored: 1, duplicates: 0, refused: [] })
    await ended
    socket.destroy()
    assert.equal(await storedOf(device.id), round)
    await work(pool, Date.now)
    const { rows } = await pool.query(
      'select latitude_e7 as lat from latest_positions where vehicle_id = $1',
      [device.vehicleId],
    )
    assert.deepEqual(rows, [{ lat: 415_000_000 + round * 100_000 }])
  }
})

test('an answer that is lost, and the report once more: a duplicate, stored once', async () => {
  const device = await enrol('lost')
  const { child, port } = await openDoor()
  const request = requestOf(device.token, [
    { device: device.name, fixTime: minutesAgo(3), latitude: 41.5, longitude: -93.6 },
    { device: device.name, fixTime: minutesAgo(2), latitude: 41.6, longitude: -93.6 },
  ])
  const first = connect(port, '127.0.0.1')
  // Its token is known from now on, so what comes next is taken before the connection ends.
  first.write(requestOf(device.token, []))
  assert.equal((await receiptOf(first)).received, 0)
  await new Promise<void>((resolve) => first.write(request, () => resolve()))
  first.destroy() // gone before any answer
  const until = Date.now() + 10_000
  while ((await storedOf(device.id)) < 2 && Date.now() < until) await new Promise(setImmediate)
  const second = connect(port, '127.0.0.1')
  second.write(request)
  assert.deepEqual(await receiptOf(second), { received: 2, stored: 0, duplicates: 2, refused: [] })
  assert.equal(await storedOf(device.id), 2)
  second.destroy()
  child.stdin!.end()
  await once(child, 'exit')
})
