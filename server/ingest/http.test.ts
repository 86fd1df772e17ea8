import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { type EnrolledDevice, enrolDevices } from '../auth/device.ts'
import { newId } from '../db/id.ts'
import { createPool } from '../db/pool.ts'
import { testDatabase } from '../db/testing.ts'
import { takeNotes } from '../logs/refresh.ts'
import fc from '../property.testing.ts'
import { type Instant, MINUTE } from '../time/instant.ts'
import { createDoor } from './http.ts'
import { receiverOf } from './receive.ts'
import type { Heartbeat, Receipt } from './schema.ts'
import { intakeOf } from './take.ts'

const { pool } = await testDatabase()
const NOW = Date.UTC(2026, 10, 23, 12)
let clock: Instant = NOW

/** A fleet with one vehicle a device. */
async function enrol(...names: string[]): Promise<EnrolledDevice[]> {
  const fleetId = newId()
  await pool.query(
    `insert into fleets (id, name, slug, time_zone) values ($1, 'Northern', $2, 'America/Chicago')`,
    [fleetId, `northern-${fleetId}`],
  )
  const devices = names.map((name) => ({ name, vehicleId: newId() }))
  await pool.query(
    `insert into vehicles (fleet_id, id, unit_number) select $1, * from unnest($2::bigint[], $3::text[])`,
    [fleetId, devices.map((one) => one.vehicleId), names],
  )
  return await enrolDevices(pool, fleetId, devices)
}

/** A server of its own over the given pool. */
async function listen(over = pool) {
  const door = createDoor(intakeOf(over, () => clock))
  const server = createServer((req, res) => {
    if (!door.handle(req, res)) res.writeHead(404).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/heartbeats` }
}

const { server, url } = await listen()
after(() => {
  server.closeAllConnections()
  server.close()
})

async function post(device: EnrolledDevice, body: unknown, headers: Record<string, string> = {}, to = url) {
  const response = await fetch(to, {
    method: 'POST',
    headers: { authorization: `Bearer ${device.token}`, 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' || body instanceof Uint8Array ? (body as BodyInit) : JSON.stringify(body),
  })
  const answer = (await response.json()) as Receipt & { detail: string; field?: string; reason?: string }
  return { status: response.status, headers: response.headers, answer }
}

const beat = (device: EnrolledDevice, minute: number, more: Partial<Heartbeat> = {}): Heartbeat => ({
  device: device.name,
  fixTime: NOW - 60 * MINUTE + minute * MINUTE,
  latitude: 41.5 + minute / 100,
  longitude: -93.6,
  speedKph: 88.5,
  ...more,
})

const storedOf = async (device: EnrolledDevice) =>
  (
    await pool.query(
      `select fix_at(fix_second, fix_ms) as at, latitude_e7 as lat, speed_ckph as speed, heading_deg as heading, altitude_m as altitude,
         accuracy_dm as accuracy, odometer_m as odometer, engine_seconds as engine, flags, sequence, attributes
       from positions where device_number = (select number from devices where id = $1) order by fix_second, fix_ms, digest`,
      [device.id],
    )
  ).rows

/** What a device's reports leave behind, as far as the order of arrival must not show. */
const traceOf = async (device: EnrolledDevice) => {
  await receiverOf(pool).drained()
  while (await takeNotes(pool));
  return await readTrace(device)
}
const readTrace = async (device: EnrolledDevice) => ({
  positions: await storedOf(device),
  latest: (
    await pool.query('select fix_at, latitude_e7 from latest_positions where vehicle_id = $1', [
      device.vehicleId,
    ])
  ).rows,
  recheck: (
    await pool.query('select from_at from vehicle_rechecks where vehicle_id = $1', [device.vehicleId])
  ).rows,
})

describe('POST /v1/heartbeats', () => {
  let truck: EnrolledDevice
  before(async () => {
    truck = (await enrol('unit-1'))[0]!
  })

  test('stores everything that a heartbeat says, in the units of the table', async () => {
    const [device] = await enrol('full')
    const { status, answer } = await post(device!, {
      ...beat(device!, 0),
      fixTime: '2026-11-23T05:59:30.250-06:00',
      headingDegrees: 359.7,
      altitudeMeters: -12.4,
      accuracyMeters: 4.26,
      odometerMeters: 1_234_567_890.4,
      engineHours: 10_000.5,
      ignition: true,
      sequence: 9_007_199_254_740_991,
      attributes: { fuel: { percent: 61.5 }, note: 'Ünï\\u0000' },
    })
    assert.deepEqual([status, answer], [200, { received: 1, stored: 1, duplicates: 0, refused: [] }])
    assert.deepEqual(await storedOf(device!), [
      {
        at: Date.UTC(2026, 10, 23, 11, 59, 30, 250),
        lat: 415_000_000,
        speed: 8_850,
        heading: 0,
        altitude: -12,
        accuracy: 43,
        odometer: 1_234_567_890,
        engine: 36_001_800,
        flags: 3,
        sequence: 9_007_199_254_740_991,
        attributes: { fuel: { percent: 61.5 }, note: 'Ünï\\u0000' },
      },
    ])
  })

  test('the same again is a duplicate and changes nothing', async () => {
    const [device] = await enrol('twice')
    const batch = [0, 1, 2].map((minute) => beat(device!, minute))
    assert.equal((await post(device!, batch)).answer.stored, 3)
    const before = await traceOf(device!)
    clock += 10 * MINUTE
    await pool.query('delete from vehicle_rechecks where vehicle_id = $1', [device!.vehicleId])
    const again = await post(device!, [...batch, ...batch])
    assert.deepEqual(again.answer, { received: 6, stored: 0, duplicates: 6, refused: [] })
    assert.deepEqual(await traceOf(device!), { ...before, recheck: [] })
    const mixed = await post(device!, [beat(device!, 1), beat(device!, 3), beat(device!, 3)])
    assert.deepEqual([mixed.answer.stored, mixed.answer.duplicates], [1, 2])
    clock = NOW
  })

  test('a bad one is refused with index, field and reason; the others are stored', async () => {
    const [device] = await enrol('mixed')
    const wrong: [string, object | string | number | null][] = [
      ['', null],
      ['', 7],
      ['', []],
      ['device', { device: 'other' }],
      ['device', { device: undefined }],
      ['fixTime', { fixTime: undefined }],
      ['fixTime', { fixTime: '2026-02-30T00:00:00Z' }],
      ['fixTime', { fixTime: '2026-11-23T12:00:00' }],
      ['fixTime', { fixTime: '9999-12-31T00:00:00Z' }],
      ['fixTime', { fixTime: -1 }],
      ['fixTime', { fixTime: 1e300 }],
      ['latitude', { latitude: 90.1 }],
      ['latitude', { latitude: '41.5' }],
      ['longitude', { longitude: undefined }],
      ['longitude', { longitude: -180.5 }],
      ['speedKph', { speedKph: -1 }],
      ['headingDegrees', { headingDegrees: 361 }],
      ['altitudeMeters', { altitudeMeters: 40_000 }],
      ['accuracyMeters', { accuracyMeters: -0.1 }],
      ['odometerMeters', { odometerMeters: 3e9 }],
      ['engineHours', { engineHours: 1e9 }],
      ['ignition', { ignition: 1 }],
      ['sequence', { sequence: 1.5 }],
      ['attributes', { attributes: [] }],
      ['attributes', { attributes: { text: 'x'.repeat(5_000) } }],
      ['attributes', { attributes: { text: 'a\u0000b' } }],
      ['attributes', { attributes: { text: '\ud800' } }],
      ['fleetId', { fleetId: 1 }],
      ['speed', { speed: 80 }],
    ]
    const batch = [
      beat(device!, 0),
      ...wrong.map(([, change]) =>
        change === null || typeof change !== 'object' || Array.isArray(change)
          ? change
          : { ...beat(device!, 1), ...change },
      ),
      beat(device!, 2),
    ]
    const { status, answer } = await post(device!, batch)
    assert.equal(status, 200)
    assert.deepEqual([answer.received, answer.stored, answer.duplicates], [batch.length, 2, 0])
    assert.deepEqual(
      answer.refused.map(({ index, field }) => [index, field]),
      wrong.map(([field], i) => [i + 1, field]),
    )
    assert.ok(answer.refused.every(({ reason }) => reason.length > 10))
    assert.equal((await storedOf(device!)).length, 2)
  })

  test('numbers that JSON can write and nobody can mean are refused', async () => {
    const text = (field: string, value: string) =>
      JSON.stringify(beat(truck, 5)).replace('}', `,"${field}":${value}}`)
    for (const [field, value] of [
      ['odometerMeters', '1e309'],
      ['sequence', '1e309'],
      ['attributes', '{"a":{"b":-1e999}}'],
      ['attributes', `${'{"a":'.repeat(200)}1${'}'.repeat(200)}`],
      ['__proto__', '{"latitude":1}'],
    ] as const) {
      const { status, answer } = await post(truck, text(field, value))
      assert.deepEqual([status, answer.refused[0]!.field], [422, field])
    }
    assert.deepEqual(await storedOf(truck), [])
  })

  test('doubtful positions are kept, marked, and nothing is derived from them', async () => {
    const [device] = await enrol('doubtful')
    const { answer } = await post(device!, [
      beat(device!, 0, { fixTime: NOW + 6 * MINUTE }),
      beat(device!, 0, { fixTime: Date.UTC(2009, 3, 9) }),
      beat(device!, 0, { latitude: 0, longitude: 0.000_01 }),
      beat(device!, 1, { speedKph: 400 }),
      beat(device!, 2, { accuracyMeters: 9_000 }),
    ])
    assert.equal(answer.stored, 5)
    const { positions, latest, recheck } = await traceOf(device!)
    assert.deepEqual(
      positions.map((row) => row.flags).sort((a, b) => a - b),
      [256, 512, 1024, 2048, 4096],
    )
    assert.deepEqual([latest, recheck], [[], []])
  })

  test('a week counter that rolled over is put right, and marked', async () => {
    const [device] = await enrol('rollover')
    const at = NOW - 3 * MINUTE
    await post(device!, beat(device!, 0, { fixTime: at - 1024 * 7 * 24 * 60 * MINUTE }))
    const { positions, latest } = await traceOf(device!)
    assert.deepEqual(
      positions.map((row) => [row.at, row.flags]),
      [[at, 4]],
    )
    assert.equal(latest[0].fix_at, at)
  })

  test('bodies that are no report', async () => {
    const deep = `${'['.repeat(10_000)}${']'.repeat(10_000)}`
    const big = JSON.stringify([{ device: 'x'.repeat(1 << 20) }])
    const bomb = gzipSync(Buffer.alloc(20 << 20, 32))
    const many = Array.from({ length: 1_001 }, () => ({}))
    const gzip = { 'content-encoding': 'gzip' }
    const cases: [unknown, Record<string, string>, number][] = [
      ['', {}, 400],
      ['{', {}, 400],
      ['nul', {}, 400],
      ['"text"', {}, 400],
      ['null', {}, 400],
      [deep, {}, 422],
      [big, {}, 413],
      [bomb, gzip, 413],
      [many, {}, 413],
      ['{}', gzip, 400],
      ['{}', { 'content-encoding': 'br' }, 400],
      ['{}', { 'content-type': 'text/plain' }, 400],
    ]
    for (const [body, headers, expected] of cases) {
      const { status, headers: given, answer } = await post(truck, body, headers)
      assert.equal(status, expected, answer.detail)
      assert.equal(given.get('content-type'), 'application/problem+json')
      assert.ok(answer.detail.length > 10)
    }
    assert.deepEqual((await post(truck, [])).answer, { received: 0, stored: 0, duplicates: 0, refused: [] })
  })

  test('gzip is taken', async () => {
    const [device] = await enrol('packed')
    const packed = gzipSync(JSON.stringify([beat(device!, 0), beat(device!, 1)]))
    assert.equal((await post(device!, packed, { 'content-encoding': 'gzip' })).answer.stored, 2)
  })

  test('without a valid token nothing is read', async () => {
    const other = `${truck.token.slice(0, -1)}${truck.token.endsWith('x') ? 'y' : 'x'}`
    for (const authorization of ['', 'Bearer nonsense', `Bearer ${other}`]) {
      const { status, headers } = await post(truck, beat(truck, 0), { authorization })
      assert.deepEqual([status, headers.get('www-authenticate')], [401, 'Bearer'])
    }
    const get = await fetch(url)
    assert.deepEqual([get.status, get.headers.get('allow')], [405, 'POST'])
    await get.text()
  })

  test('neither order, nor grouping, nor repetition shows in what is stored', async () => {
    let run = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(40), { minLength: 1, maxLength: 30 }),
        fc.infiniteStream(fc.nat(1_000)),
        async (minutes, random) => {
          const [plain, mixed] = await enrol(`plain-${++run}`, `mixed-${run}`)
          await post(
            plain!,
            [...new Set(minutes)].sort((a, b) => a - b).map((minute) => beat(plain!, minute)),
          )
          const draw = () => random.next().value as number
          const shuffled = [...minutes, ...minutes.slice(0, 5)]
            .map((minute) => ({ minute, key: draw() }))
            .sort((a, b) => a.key - b.key)
          const requests: Promise<unknown>[] = []
          for (let i = 0; i < shuffled.length; ) {
            const size = 1 + (draw() % 5)
            requests.push(
              post(
                mixed!,
                shuffled.slice(i, i + size).map(({ minute }) => beat(mixed!, minute)),
              ),
            )
            i += size
          }
          await Promise.all(requests)
          assert.deepEqual(await traceOf(mixed!), await traceOf(plain!))
        },
      ),
      { numRuns: 40 },
    )
  })

  test('many devices at once share commits, each gets its own counts', async () => {
    const devices = await enrol(...Array.from({ length: 60 }, (_, i) => `many-${i}`))
    const answers = await Promise.all(
      devices.map((device, i) =>
        post(
          device,
          Array.from({ length: 1 + (i % 7) }, (_, k) => beat(device, k)),
        ),
      ),
    )
    answers.forEach(({ answer }, i) => {
      assert.deepEqual([answer.stored, answer.duplicates], [1 + (i % 7), 0])
    })
  })

  test('while the database is away the door says 503 and when to come back', async () => {
    const [device] = await enrol('patient')
    const away = createPool('postgresql://nobody@127.0.0.1:1/none')
    const { server: other, url: there } = await listen(away)
    const { status, headers } = await post(device!, beat(device!, 0), {}, there)
    assert.deepEqual([status, headers.get('retry-after')], [503, '2'])
    other.closeAllConnections()
    other.close()
    await away.end()
    assert.equal((await post(device!, beat(device!, 0))).answer.stored, 1)
  })
})
