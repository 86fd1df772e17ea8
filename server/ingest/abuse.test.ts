import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { testDatabase } from '../db/testing.ts'
import { enrolFleet, storedOf, Tracker, until } from './doors.testing.ts'
import { DoorsProcess, MIB, Raw } from './process.testing.ts'
import { encodeFrame } from './teltonika/codec.ts'
import { encodeLogin } from './teltonika/stream.ts'

const { url: databaseUrl, pool } = await testDatabase()
const doors = await DoorsProcess.open(databaseUrl)
const { port, trackerPort, measured, memory, refused } = doors
const IMEI = '352093080000001'
const HALF_IMEI = '352093080000002'
const [truck, tracker] = await enrolFleet(pool, [
  { name: 'truck' },
  { name: 'tracker', protocol: 'teltonika', identity: IMEI, open: true },
  { name: 'half', protocol: 'teltonika', identity: HALF_IMEI, open: true },
])

const beat = (more: object = {}) => ({
  device: 'truck',
  fixTime: Date.now(),
  latitude: 41.5,
  longitude: -93.6,
  ...more,
})
async function post(body: BodyInit, path = '/v1/heartbeats', headers: Record<string, string> = {}) {
  const response = await fetch(doors.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${truck!.token}`, 'content-type': 'application/json', ...headers },
    body,
  })
  return { status: response.status, answer: await response.text() }
}

const HEAD = `POST /v1/heartbeats HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${truck!.token}\r\ncontent-type: application/json\r\n`

describe('abuse', () => {
  describe('bad input', () => {
    test('numbers, times and shapes that nobody can mean are refused with field and reason', async () => {
      const text = (more: object, change: (json: string) => string = (json) => json) =>
        change(JSON.stringify(beat(more)))
      const partitions = async () =>
        (await pool.query(`select inhrelid from pg_inherits where inhparent = 'positions'::regclass`))
          .rowCount
      const before = await partitions()
      const cases: [body: string, status: number, field: string][] = [
        [text({ latitude: 'X' }, (json) => json.replace('"X"', 'NaN')), 422, 'latitude'],
        [text({ latitude: 'X' }, (json) => json.replace('"X"', '-Infinity')), 422, 'latitude'],
        [text({ latitude: 'X' }, (json) => json.replace('"X"', '1e309')), 422, 'latitude'],
        [text({ latitude: 91 }), 422, 'latitude'],
        [text({ longitude: -181 }), 422, 'longitude'],
        [text({ sequence: 'X' }, (json) => json.replace('"X"', '9007199254740993')), 422, 'sequence'],
        [text({ speedKph: -5 }), 422, 'speedKph'],
        [text({ fixTime: '9999-12-31T23:59:59Z' }), 422, 'fixTime'],
        [text({ fixTime: 253_402_300_799_000 }), 422, 'fixTime'],
        [`${'['.repeat(10_000)}${']'.repeat(10_000)}`, 422, ''],
        [
          JSON.stringify(beat({ attributes: {} })).replace(
            '{}',
            `${'{"a":'.repeat(9_999)}1${'}'.repeat(9_999)}`,
          ),
          422,
          'attributes',
        ],
      ]
      for (const [body, status, field] of cases) {
        const { status: came, answer } = await post(body)
        const said = JSON.parse(answer) as {
          field?: string
          reason?: string
          refused?: { field: string; reason: string }[]
        }
        const first = said.refused?.[0] ?? said
        assert.deepEqual([came, first.field], [status, field], answer)
        assert.ok(first.reason!.length > 10)
      }
      assert.equal((await post(JSON.stringify(Array.from({ length: 1_001 }, () => beat())))).status, 413)
      assert.equal(
        (await storedOf(pool, truck!)).filter(({ latitudeE7 }) => latitudeE7 !== 415_000_000).length,
        0,
      )
      assert.equal(
        (await post(text({ latitude: 'X', fixTime: Date.now() }, (json) => json.replace('"X"', '-0'))))
          .status,
        200,
      )
      assert.equal((await storedOf(pool, truck!)).filter(({ latitudeE7 }) => latitudeE7 === 0).length, 1)
      assert.equal(await partitions(), before)
    })

    test('a header block over 8 KiB, a length of 4 GiB and a body without end are refused and counted', async () => {
      const [headers, large] = [
        await refused('http', 'headers-too-large'),
        await refused('json', 'too-large'),
      ]
      const head = new Raw(`GET /v1/heartbeats HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(9_000)}\r\n\r\n`, port)
      await head.ends(30_000)
      assert.match(head.heard, /^HTTP\/1\.1 431 /)
      const four = new Raw(`${HEAD}content-length: 4294967296\r\n\r\n{`, port)
      await four.ends(30_000)
      assert.match(four.heard, /^HTTP\/1\.1 413 /)
      const endless = new Raw(`${HEAD}transfer-encoding: chunked\r\n\r\n`, port)
      const chunk = `10000\r\n${' '.repeat(0x10000)}\r\n`
      const pump = () => {
        while (!endless.closed && endless.socket.writable && endless.socket.write(chunk));
      }
      endless.socket.on('drain', pump)
      pump()
      await endless.ends(30_000)
      assert.match(endless.heard, /^HTTP\/1\.1 413 /)
      assert.equal((await refused('http', 'headers-too-large')) - headers, 1)
      assert.equal((await refused('json', 'too-large')) - large, 2)
    })

    test('who is refused in the middle of a body hears why, however late it looks, and is cut then', async () => {
      const before = await refused('json', 'too-large')
      const late = new Raw('', port)
      await until('the connection', () => !late.socket.connecting)
      late.socket.pause()
      // More than the buffers between the two take without being read.
      late.socket.write(`${HEAD}content-length: 9000000\r\n\r\n${' '.repeat(4_000_000)}`)
      await until('the refusal', async () => (await refused('json', 'too-large')) > before)
      late.socket.write(' '.repeat(1_000_000))
      await until('the rest on its way', () => late.socket.writableLength === 0)
      late.socket.resume()
      await until('the answer', () => late.heard.includes('"code":"too-large"'))
      assert.match(late.heard, /^HTTP\/1\.1 413 .*connection: close/is)
      await late.ends(30_000)
    })

    test('bombs of gzip cost less than 50 MiB: forty of 10 KiB, and one that would open to a gibibyte', async () => {
      const member = gzipSync(Buffer.alloc(10 * MIB))
      const bomb = Buffer.concat(Array.from({ length: 100 }, () => member))
      assert.ok(member.length < 11_000 && bomb.length < MIB)
      // What the first costs is the code's.
      for (let i = 0; i < 3; i++) await post(member, '/v1/osmand', { 'content-encoding': 'gzip' })
      const before = await memory()
      const bombs = [bomb, ...Array.from({ length: 40 }, () => member)].map((body, i) =>
        post(body, i % 2 ? '/v1/osmand' : '/v1/heartbeats', { 'content-encoding': 'gzip' }),
      )
      let most = before
      const asked = Promise.all(bombs)
      let done = false
      void asked.finally(() => {
        done = true
      })
      while (!done) most = Math.max(most, await memory())
      assert.deepEqual(new Set((await asked).map(({ status }) => status)), new Set([413]))
      assert.ok(most - before < 50 * MIB, `${((most - before) / MIB).toFixed(0)} MiB more`)
      assert.equal((await post(JSON.stringify(beat()))).status, 200)
    })
  })

  // They wait for time-outs, side by side.
  describe('those who say nothing', { concurrency: true }, () => {
    test('headers and bodies that come drop by drop are ended, half frames too, and counted', async () => {
      const slow = new Raw('POST /v1/heartbeats HTTP/1.1\r\nhost: x\r\n', port)
      const silent = new Raw('', port)
      const half = await Tracker.login(trackerPort, HALF_IMEI)
      half.socket.write(encodeFrame('8', []).subarray(0, 9))
      const drip = setInterval(() => slow.socket.write('x'), 500)
      try {
        await Promise.all([slow.ends(30_000), silent.ends(30_000)])
        assert.match(slow.heard, /^HTTP\/1\.1 408 /)
        await until('the end of half a frame', () => half.closed, 40_000)
        assert.equal(half.heard, '')
      } finally {
        clearInterval(drip)
      }
      assert.ok((await refused('http', 'too-slow')) >= 1)
      assert.equal(await refused('teltonika', 'half-frame'), 1)
    })

    test('10,000 connections that say nothing: the others are served, memory is bounded, and they are ended', async (t) => {
      const before = await memory()
      const dropped = await refused('teltonika', 'too-many-connections')
      const idle: Raw[] = []
      // More of one address than may be strangers at once, and as many of ten others as may.
      for (let i = 0; i < 10_500; i++) {
        const address = `127.0.1.${1 + Math.min(9, Math.floor(i / 1_000))}`
        idle.push(new Raw('', trackerPort, address))
        if (i % 1_000 === 0)
          await until('the connections', () => idle.every(({ socket }) => !socket.connecting))
      }
      const open = 'restline_ingest_connections{protocol="teltonika"}'
      await until('10,000 connections', async () => (await measured(open)) >= 10_000)
      const more = (await memory()) - before
      t.diagnostic(`10,000 idle connections cost ${(more / MIB).toFixed(0)} MiB`)
      assert.ok(more < 100 * MIB, `${(more / MIB).toFixed(0)} MiB more`)
      const turned = async () => (await refused('teltonika', 'too-many-connections')) - dropped
      await until('500 refusals', async () => (await turned()) >= 500)
      assert.equal(await turned(), 500)

      const from = performance.now()
      const known = await Tracker.login(trackerPort, IMEI)
      known.socket.write(
        encodeFrame('8', [
          {
            fixAt: Date.now(),
            latitude: 41,
            longitude: -93,
            altitudeMeters: 0,
            headingDegrees: 0,
            speedKph: 0,
            satellites: 9,
            io: {},
          },
        ]),
      )
      await known.hears('00000001')
      assert.equal((await post(JSON.stringify(beat()))).status, 200)
      assert.ok(performance.now() - from < 5_000)
      assert.equal((await storedOf(pool, tracker!)).length, 1)

      await until('the end of the idle ones', () => idle.every(({ closed }) => closed), 40_000)
      assert.ok((await refused('teltonika', 'no-login')) >= 10_000)
      // Who logged in may be silent.
      known.socket.write(encodeLogin(IMEI))
      await known.hears('01')
      known.socket.destroy()
    })
  })
})
