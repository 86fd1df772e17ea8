import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { parse } from 'csv-parse/sync'
import { DAY } from '../time/instant.ts'
import { exported } from './exports.testing.ts'
import { call, digestOf, signIn, startTarget } from './running.testing.ts'
import { procedures, sample } from './sample.testing.ts'

const target = await startTarget()
const { pool, a } = target
const cookie = await signIn(target, a)
const device = a.devices[0]!
const MIB = 1 << 20

async function post(body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) {
  const answer = await fetch(`${target.url}/v1/heartbeats`, {
    method: 'POST',
    headers: { authorization: `Bearer ${device.token}`, 'content-type': 'application/json', ...headers },
    body,
  })
  return { status: answer.status, text: await answer.text() }
}

const heartbeat = (more: object = {}) => ({
  device: device.name,
  fixTime: new Date().toISOString(),
  latitude: 41.5,
  longitude: -87.5,
  ...more,
})

/** Resident memory of the server, bytes. */
const memory = () =>
  Number(/VmRSS:\s+(\d+) kB/.exec(fs.readFileSync(`/proc/${target.pid}/status`, 'utf8'))![1]) * 1024

const isAnswering = async () => assert.equal((await fetch(`${target.url}/healthz`)).status, 200)

/** A gibibyte of zeros as gzip, made of a hundred times the same member. */
function gibibyte(): Buffer<ArrayBuffer> {
  const member = gzipSync(Buffer.alloc(Math.ceil(10.24 * MIB)), { level: 9 })
  return Buffer.concat(Array.from({ length: 100 }, () => member))
}

describe('attack 09: too much', () => {
  const bombs: [string, () => Promise<{ status: number }>, number[]][] = [
    [
      '1,001 points',
      () => post(JSON.stringify(Array.from({ length: 1_001 }, () => heartbeat()))),
      [413, 422],
    ],
    ['2 MiB of body', () => post(Buffer.alloc(2 * MIB, 0x20)), [413]],
    [
      'a small gzip of 64 MiB',
      () => post(gzipSync(Buffer.alloc(64 * MIB, 0x20), { level: 9 }), { 'content-encoding': 'gzip' }),
      [413],
    ],
    [
      '10 KiB of gzip that open to 1 GiB: gzip within gzip',
      () => {
        const outer = gzipSync(gibibyte(), { level: 9 })
        assert.ok(outer.length < 10 << 10, `${outer.length} bytes`)
        return post(outer, { 'content-encoding': 'gzip, gzip' })
      },
      [400],
    ],
    ['a gzip that opens to 1 GiB', () => post(gibibyte(), { 'content-encoding': 'gzip' }), [413]],
    ['10,000 brackets', () => post('['.repeat(10_000) + ']'.repeat(10_000)), [400, 422]],
    [
      'attributes 10,000 deep',
      () => post(`[{"device":"x","attributes":${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}}]`),
      [400, 422],
    ],
    [
      '9 KiB of headers',
      () => post(JSON.stringify(heartbeat()), { 'x-much': 'x'.repeat(9 * 1024) }),
      [400, 413, 431],
    ],
    [
      '2 MiB to a procedure',
      async () => {
        const answer = await fetch(`${target.url}/api/trpc/alerts.acknowledge`, {
          method: 'POST',
          headers: { cookie, origin: target.url, 'content-type': 'application/json' },
          body: JSON.stringify({ id: 1, more: 'x'.repeat(2 * MIB) }),
        })
        return { status: answer.status }
      },
      [413],
    ],
  ]
  for (const [name, attack, expected] of bombs) {
    test(`attack 09: ${name}`, async () => {
      await isAnswering()
      const before = memory()
      // A server that has refused may close while the rest is still on its way.
      const status = await attack().then(
        (answer) => answer.status,
        (error: Error) => (/fetch failed/.test(error.message) ? expected[0]! : Promise.reject(error)),
      )
      assert.ok(expected.includes(status), `${status}`)
      assert.ok(memory() - before < 50 * MIB, `memory grew by ${((memory() - before) / MIB).toFixed(0)} MiB`)
      await isAnswering()
    })
  }

  test('attack 09: 200 callers who send their headers drop by drop get 408, and one body without an end 413, while others are answered', async () => {
    await isAnswering()
    const before = memory()
    let most = before
    const { port } = new URL(target.url)
    const slow = Array.from({ length: 200 }, () => {
      const caller = { heard: '', closed: false, socket: net.connect(Number(port), '127.0.0.1') }
      caller.socket.on('error', () => undefined)
      caller.socket.on('data', (data) => {
        caller.heard += data.toString()
      })
      caller.socket.once('close', () => {
        caller.closed = true
      })
      caller.socket.write('POST /v1/heartbeats HTTP/1.1\r\nhost: x\r\nx-a: ')
      return caller
    })
    const drip = setInterval(() => {
      for (const { socket, closed } of slow) if (!closed) socket.write('x')
    }, 500)
    const endless = net.connect(Number(port), '127.0.0.1')
    let heard = ''
    endless.on('error', () => undefined).on('data', (data) => (heard += data.toString()))
    const ended = new Promise<void>((resolve) => endless.once('close', () => resolve()))
    endless.write(
      `POST /v1/heartbeats HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${device.token}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`,
    )
    const chunk = `${(65_536).toString(16)}\r\n${' '.repeat(65_536)}\r\n`
    for (let sent = 0; sent < 40 && !endless.destroyed; sent++) {
      endless.write(chunk)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await ended
    assert.match(heard, /^HTTP\/1\.1 413/)
    try {
      // Others are served all the while: a heartbeat, a page of the door, a procedure.
      for (const from = Date.now(); slow.some(({ closed }) => !closed); ) {
        assert.ok(
          Date.now() - from < 45_000,
          `${slow.filter(({ closed }) => !closed).length} are still there`,
        )
        assert.equal((await post(JSON.stringify(heartbeat({ fixTime: Date.now() })))).status, 200)
        await isAnswering()
        most = Math.max(most, memory())
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    } finally {
      clearInterval(drip)
    }
    assert.deepEqual(new Set(slow.map((caller) => caller.heard.slice(0, 12))), new Set(['HTTP/1.1 408']))
    assert.ok(most - before < 50 * MIB, `memory grew by ${((most - before) / MIB).toFixed(0)} MiB`)
  })
})

describe('attack 10: impossible numbers', () => {
  const texts = {
    'latitude NaN': '"latitude":NaN',
    'latitude Infinity': '"latitude":Infinity',
    'latitude 1e309': '"latitude":1e309',
    'latitude 91': '"latitude":91',
    'latitude as text': '"latitude":"41"',
    'latitude null': '"latitude":null,"longitude":1',
    'longitude 181': '"longitude":181',
    'speed -5': '"speedKph":-5',
    'speed as text': '"speedKph":"80"',
    'heading 361': '"headingDegrees":361',
    'odometer over 2^53': '"odometerMeters":9007199254740993',
    'sequence over 2^53': '"sequence":9007199254740993',
    'engine hours -1': '"engineHours":-1',
  }
  for (const [name, text] of Object.entries(texts)) {
    test(`attack 10: ${name}`, async () => {
      const before = await digestOf(pool, a.id)
      const { rows: stored } = await pool.query<{ n: number }>('select count(*)::int as n from positions')
      const at = new Date().toISOString()
      const { status, text: said } = await post(
        `[{"device":"${device.name}","fixTime":"${at}","latitude":41,"longitude":-87,${text}}]`,
      )
      if (status === 200) {
        const receipt = JSON.parse(said) as { stored: number; refused: { index: number; reason: string }[] }
        assert.equal(receipt.stored, 0)
        assert.equal(receipt.refused[0]?.index, 0)
        assert.ok(receipt.refused[0]!.reason.length > 5)
      } else assert.ok([400, 422].includes(status), said)
      const { rows } = await pool.query<{ n: number }>('select count(*)::int as n from positions')
      assert.deepEqual(rows, stored)
      assert.equal((await digestOf(pool, a.id)).get('latest_positions'), before.get('latest_positions'))
    })
  }

  test('attack 10: -0 is 0, and a good point beside a bad one is stored', async () => {
    const receipt = JSON.parse(
      (
        await post(
          JSON.stringify([
            heartbeat({ latitude: 91 }),
            heartbeat({ fixTime: Date.now() - 1_234, headingDegrees: 0 }),
          ]).replace('"headingDegrees":0', '"headingDegrees":-0'),
        )
      ).text,
    ) as { stored: number; refused: { index: number }[] }
    assert.equal(receipt.stored, 1)
    assert.deepEqual(
      receipt.refused.map(({ index }) => index),
      [0],
    )
  })
})

describe('attack 11: impossible times', () => {
  test('attack 11: a point of tomorrow, of 1970 or of 9999 moves nothing and makes no partition', async () => {
    const partitions = `select count(*)::int as n from pg_inherits where inhparent = 'positions'::regclass`
    const latest = `select fix_at from latest_positions where fleet_id = $1 and vehicle_id = $2`
    await post(JSON.stringify(heartbeat()))
    const shown = async () => (await pool.query(latest, [a.id, device.vehicleId])).rows
    for (const from = Date.now(); (await shown()).length === 0; )
      assert.ok(Date.now() - from < 15_000, 'the good point never showed')
    const before = { shown: await shown(), partitions: (await pool.query(partitions)).rows }
    const far = [
      new Date(Date.now() + DAY).toISOString(),
      '1970-01-01T00:00:01Z',
      '9999-12-31T23:59:59Z',
      '0001-01-01T00:00:00Z',
      '2016-12-31T23:59:60Z',
      '2026-02-30T00:00:00Z',
      '+275760-09-13T00:00:00Z',
    ]
    for (const fixTime of far) {
      const { status } = await post(JSON.stringify([heartbeat({ fixTime })]))
      assert.ok([200, 400, 422].includes(status), `${fixTime}: ${status}`)
    }
    // What comes after them shows; they themselves never do.
    const marker = Date.now()
    await post(JSON.stringify(heartbeat({ fixTime: marker, latitude: 41.7 })))
    for (const from = Date.now(); ; ) {
      const [row] = await shown()
      if (row?.fix_at === marker) break
      assert.ok(row && row.fix_at <= Date.now() + 300_000, `a doubtful point is shown: ${row?.fix_at}`)
      assert.ok(Date.now() - from < 15_000, 'the last good point never showed')
    }
    assert.deepEqual((await pool.query(partitions)).rows, before.partitions)
  })
})

const INJECTIONS = [
  `'`,
  `"; drop table vehicles; --`,
  `' or '1'='1`,
  `$1`,
  `%`,
  `_\\`,
  `'); select pg_sleep(10); --`,
  `{"$gt":""}`,
  `a'||(select version())||'`,
]

describe('attack 12: SQL in texts', () => {
  for (const procedure of procedures.filter(({ takesText, type }) => takesText && type !== 'subscription')) {
    test(`attack 12: ${procedure.path}`, async () => {
      const tables = `select count(*)::int as n from pg_class where relnamespace = 'public'::regnamespace`
      const before = (await pool.query(tables)).rows
      for (const text of INJECTIONS) {
        const from = performance.now()
        const { status, text: said } = await call(
          target,
          cookie,
          procedure,
          sample(procedure.schema!, { id: 4_503_599_627_370_497, text }),
        )
        assert.ok(status < 500, `${text}: ${status} ${said}`)
        assert.ok(performance.now() - from < 9_000, `${text} was run`)
        assert.doesNotMatch(said, /syntax error|PostgreSQL \d|pg_catalog/i)
      }
      assert.deepEqual((await pool.query(tables)).rows, before)
    })
  }

  test('attack 12: addresses of files', async () => {
    for (const text of INJECTIONS) {
      const answer = await fetch(`${target.url}/api/exports/${encodeURIComponent(text)}`, {
        headers: { cookie },
      })
      assert.equal(answer.status, 404)
      await answer.text()
      const report = { kind: 'driver-days', driverId: text, from: text, until: text, rows: text }
      const ask = { path: 'exports.ask', type: 'mutation' }
      assert.equal((await call(target, cookie, ask, { report })).status, 400)
    }
  })

  test('attack 12: no statement is put together from what somebody sent', () => {
    const found: string[] = []
    const walk = (directory: string) => {
      for (const entry of fs.readdirSync(directory, { withFileTypes: true })) {
        const file = path.join(directory, entry.name)
        if (entry.isDirectory()) walk(file)
        else if (/\.tsx?$/.test(entry.name) && !/test/.test(entry.name)) {
          const text = fs.readFileSync(file, 'utf8')
          if (/\$(queryRaw|executeRaw)(Unsafe)?\b/.test(text)) found.push(file)
          // Constants may be put in, and what a fixed table answers; never an input or a field of one.
          if (/query\([^)]*\$\{[^}]*\b(input|body|params|searchParams|req)\b/.test(text)) found.push(file)
        }
      }
    }
    for (const room of ['app', 'server']) walk(room)
    assert.deepEqual(found, [])
  })
})

describe('attack 13: formulas in exports', () => {
  const NAMES = ['=HYPERLINK("http://x","y")', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '=1+1;"x"', '＝1']

  test('attack 13: what a spreadsheet would run stands behind an apostrophe, and comes back as it was', async () => {
    const { rows } = await pool.query<{ id: number }>('select id from drivers where fleet_id = $1 limit 1', [
      a.id,
    ])
    const until = new Date().toISOString().slice(0, 10)
    const from = new Date(Date.now() - 3 * DAY).toISOString().slice(0, 10)
    for (const name of NAMES) {
      await pool.query('update drivers set name = $3 where fleet_id = $1 and id = $2', [
        a.id,
        rows[0]!.id,
        name,
      ])
      for (const kind of ['days', 'events'] as const) {
        const { path: file } = await exported(target, cookie, {
          kind: 'driver-days',
          driverId: rows[0]!.id,
          from,
          until,
          rows: kind,
        })
        const answer = await fetch(target.url + file, { headers: { cookie } })
        assert.equal(answer.status, 200)
        // The name of the file is text for a header, whatever the driver is called.
        assert.match(
          answer.headers.get('content-disposition') ?? '',
          /^attachment; filename="[\w.-]+"; filename\*=UTF-8''[\w.~%!'()*-]+$/,
        )
        const records = parse(await answer.text(), { bom: true, columns: true }) as { driver: string }[]
        assert.ok(records.length > 0)
        for (const { driver } of records) {
          assert.doesNotMatch(driver, /^[=+\-@\t\r]/, kind)
          assert.equal(driver.replace(/^'(?=[=+\-@\t\r＝])/, ''), name)
        }
      }
    }
  })
})
