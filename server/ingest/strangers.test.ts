import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { after, before, describe, test } from 'node:test'
import type { EnrolledDevice } from '../auth/device.ts'
import { DeviceDirectory } from '../auth/identity.ts'
import { testDatabase } from '../db/testing.ts'
import { AppError } from '../errors.ts'
import { boundedServer } from './bounded.ts'
import { enrolFleet, listening, metric, storedOf, Tracker, until } from './doors.testing.ts'
import { createDoor, createPhoneDoor } from './http.ts'
import { activityOf } from './status.ts'
import { intakeOf } from './take.ts'
import { type AvlRecord, encodeFrame } from './teltonika/codec.ts'
import { encodeDatagram } from './teltonika/datagram.ts'
import { listenTeltonika } from './teltonika/listener.ts'
import { encodeLogin } from './teltonika/stream.ts'

const { pool } = await testDatabase()
const NOW = Date.UTC(2026, 10, 23, 12)
let clock = NOW
const FLOOD = 400

/** Statements that ask who a device is. */
let lookups = 0
const query = pool.query.bind(pool) as (...args: unknown[]) => unknown
Object.assign(pool, {
  query: (...args: unknown[]) => {
    if ((args[0] as { name?: string }).name === 'devices-by-identity') lookups++
    return query(...args)
  },
})

/** Doors of their own, that have seen nobody. */
async function open() {
  const intake = intakeOf(pool, () => clock)
  const [door, phones] = [createDoor(intake), createPhoneDoor(intake)]
  const servers = [
    boundedServer((req, res) => void (door.handle(req, res) || res.writeHead(404).end())),
    boundedServer((req, res) => void phones.handle(req, res)),
  ]
  const [url = '', port = ''] = await Promise.all(servers.map((server) => listening(server)))
  const trackers = await listenTeltonika(intake, 0, '127.0.0.1')
  return {
    intake,
    url,
    port,
    trackers,
    close: async () => {
      for (const server of servers) {
        server.closeAllConnections()
        server.close()
      }
      await trackers.close()
    },
  }
}

const record: AvlRecord = {
  fixAt: NOW - 60_000,
  latitude: 54.6,
  longitude: -25.2,
  altitudeMeters: 0,
  headingDegrees: 0,
  speedKph: 0,
  satellites: 9,
  io: {},
}
const refusals = (protocol: string, reason: string) =>
  metric('restline_ingest_refusals_total', { protocol, reason })
const rowsOf = async (protocol: string) => {
  await activityOf(pool).flush()
  const { rows } = await pool.query<{ address: string; at: number; reason: string; identity: string }>(
    'select identity, address, seen_at as at, reason from unknown_devices where protocol = $1',
    [protocol],
  )
  return rows
}
let doors: Awaited<ReturnType<typeof open>>
let phone: EnrolledDevice
let tracker: EnrolledDevice
const IMEI = '352093080000001'
const locationOf = (identity: string) => ({
  _type: 'location',
  lat: 47,
  lon: 9,
  tst: NOW / 1_000,
  topic: identity,
})

before(async () => {
  const [a, b] = await enrolFleet(pool, [
    { name: 'phone', protocol: 'osmand', identity: 'known-phone', open: true },
    { name: 'tracker', protocol: 'teltonika', identity: IMEI, open: true },
  ])
  phone = a!
  tracker = b!
})

/** What a flood of invented identities at one door may cost, and that it costs nobody else anything. */
function floods(
  protocol: 'osmand' | 'owntracks' | 'teltonika',
  what: string,
  knock: (i: number) => Promise<unknown>,
): void {
  test(`${what}: counted, a hundred listed with time and address, few statements, and the known are served`, async () => {
    doors = await open()
    // Seen before the flood, so that they cost their address nothing in it.
    await doors.intake.directory.find('osmand', 'known-phone')
    await doors.intake.directory.find('teltonika', IMEI)
    await pool.query('delete from unknown_devices')
    const before = [await refusals(protocol, 'unknown'), await refusals(protocol, 'too-often')]
    const [storedPhone, storedTracker] = [await storedOf(pool, phone), await storedOf(pool, tracker)]
    lookups = 0
    try {
      const turned = async () =>
        (await refusals(protocol, 'unknown')) -
        before[0]! +
        (await refusals(protocol, 'too-often')) -
        before[1]!
      // A hundred at a time, as many as a socket holds of datagrams.
      for (let from = 0; from < FLOOD; from += 100) {
        await Promise.all(Array.from({ length: 100 }, (_, i) => knock(from + i)))
        await until('a hundred refusals', async () => (await turned()) >= from + 100)
      }
      assert.equal(await turned(), FLOOD)
      // The first hundred of the address, and who asked in the same instant as the last of them.
      assert.ok((await refusals(protocol, 'unknown')) - before[0]! <= 200)
      assert.ok(lookups <= 200, `${lookups} statements`)
      const rows = await rowsOf(protocol)
      assert.equal(rows.length, 100)
      assert.ok(
        rows.every(
          ({ address, at, reason }) => address === '127.0.0.1' && at === clock && reason === 'unknown',
        ),
      )

      clock += 5_000
      const answer = await fetch(`${doors.port}/?id=known-phone&timestamp=${clock / 1_000}&lat=47.1&lon=9.5`)
      assert.equal(answer.status, 200)
      await answer.text()
      const known = await Tracker.login(doors.trackers.port, IMEI)
      known.socket.write(encodeFrame('8', [{ ...record, fixAt: clock }]))
      await known.hears('00000001')
      known.socket.destroy()
      assert.equal((await storedOf(pool, phone)).length, storedPhone.length + 1)
      assert.equal((await storedOf(pool, tracker)).length, storedTracker.length + 1)
    } finally {
      await doors.close()
      clock += 60_000
    }
  })
}

describe('a flood of invented identities', () => {
  floods('osmand', 'of OsmAnd', async (i) => {
    const answer = await fetch(`${doors.port}/?id=invented-${i}&timestamp=${NOW / 1_000}&lat=47&lon=9`)
    await answer.text()
    assert.ok([400, 503].includes(answer.status), `${answer.status}`)
    // Whoever has to wait is told so, in a way that no app takes for a refusal for good.
    if (answer.status === 503) assert.equal(answer.headers.get('retry-after'), '2')
  })

  floods('owntracks', 'of OwnTracks', async (i) => {
    const answer = await fetch(doors.port, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(locationOf(`owntracks/invented/${i}`)),
    })
    await answer.text()
    assert.ok([403, 503].includes(answer.status), `${answer.status}`)
  })

  floods('teltonika', 'of trackers over TCP', async (i) => {
    const stranger = new Tracker(doors.trackers.port)
    stranger.socket.write(
      Buffer.concat([encodeLogin(String(352_093_090_000_000 + i)), encodeFrame('8', [record])]),
    )
    await stranger.ends()
    assert.ok(['', '00'].includes(stranger.heard))
  })

  const socket = createSocket('udp4')
  after(() => socket.close())
  floods('teltonika', 'of trackers over UDP', async (i) => {
    const packet = encodeDatagram(
      { imei: String(352_093_091_000_000 + i), packetId: i, avlPacketId: 1 },
      '8',
      [record],
    )
    await new Promise<void>((resolve) =>
      socket.send(packet, doors.trackers.port, '127.0.0.1', () => resolve()),
    )
  })
})

describe('who is unknown to the JSON door', () => {
  test('is refused, counted and listed by the number of its token, never by the token; who guesses on has to wait', async () => {
    const intake = intakeOf(pool, () => clock, {
      publicOrigin: 'http://localhost',
      secrets: ['a secret of the installation, long enough'],
      failuresPerMinute: 20,
    })
    const door = createDoor(intake)
    const server = boundedServer((req, res) => void door.handle(req, res))
    const url = await listening(server)
    after(() => server.close())
    const guess = async (authorization?: string) => {
      const answer = await fetch(`${url}/v1/heartbeats`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(authorization === undefined ? {} : { authorization }),
        },
        body: '{}',
      })
      await answer.text()
      return answer.status
    }
    const secret = 'x'.repeat(43)
    const turned = async () =>
      (await refusals('json', 'unauthorized')) + (await refusals('json', 'signature_missing'))
    const before = await turned()
    assert.equal(await guess(), 401)
    assert.equal(await guess(`Bearer fdt_0000abcd_${secret}`), 401)
    assert.equal(await guess('Bearer anything'), 401)
    assert.deepEqual(
      (await rowsOf('json')).sort((a, b) => (a.identity < b.identity ? -1 : 1)),
      [
        ['(no token of ours)', 'wrong-token'],
        ['(no token)', 'no-token'],
        ['fdt_0000abcd_…', 'wrong-token'],
      ].map(([identity, reason]) => ({ identity, reason, address: '127.0.0.1', at: clock })),
    )
    const statuses: number[] = []
    for (let i = 0; i < 200; i++)
      statuses.push(await guess(`Bearer fdt_${(i + 1).toString(16).padStart(8, '0')}_${secret}`))
    assert.deepEqual(
      [statuses.filter((one) => one === 401).length, new Set(statuses)],
      [17, new Set([401, 429])],
    )
    assert.equal((await turned()) - before, 20)
    assert.equal((await rowsOf('json')).length, 20)
    assert.ok((await rowsOf('json')).every(({ identity }) => !identity.includes('xxx')))
  })
})

describe('the list of strangers', () => {
  test('keeps the newest of each address and of all, and a flood pushes out its own', async () => {
    await pool.query('delete from unknown_devices')
    await pool.query(
      `insert into unknown_devices (protocol, identity, address, reason, first_seen_at, seen_at)
       select 'osmand', 'many-' || i, '192.0.2.' || i / 100, 'unknown', now(), now() - i * interval '1 second'
       from generate_series(0, 5999) i`,
    )
    await pool.query(
      `insert into unknown_devices (protocol, identity, address, reason, first_seen_at, seen_at)
       values ('osmand', 'of last year', '198.51.100.1', 'unknown', now(), now() - interval '1 year')`,
    )
    const activity = activityOf(pool)
    for (let i = 0; i < 2_000; i++)
      activity.noteUnknown('osmand', `flood-${i}`, '203.0.113.1', 'unknown', Date.now())
    activity.noteUnknown('osmand', 'quiet', '203.0.113.2', 'unknown', Date.now())
    const rows = await rowsOf('osmand')
    assert.equal(rows.length, 5_000)
    assert.equal(rows.filter(({ address }) => address === '203.0.113.1').length, 100)
    assert.equal(rows.filter(({ identity }) => identity === 'quiet' || identity === 'many-0').length, 2)
    assert.equal(rows.filter(({ identity }) => ['of last year', 'many-5999'].includes(identity)).length, 0)
    await pool.query('delete from unknown_devices')
  })
})

describe('the directory', () => {
  test('asks for all who wait in one statement, and for no more than it can hold', async () => {
    const directory = new DeviceDirectory(pool, () => clock)
    lookups = 0
    const found = await Promise.all(
      Array.from({ length: 3_000 }, (_, i) =>
        directory.find('osmand', i === 1_500 ? 'known-phone' : `asked-${i}`),
      ),
    )
    assert.deepEqual(
      [...found.entries()]
        .filter(([, one]) => one !== null)
        .map(([i, one]) => [i, one!.principal.name, one!.open]),
      [[1_500, 'phone', true]],
    )
    assert.ok(lookups <= 8, `${lookups} statements`)
    const settled = await Promise.allSettled(
      Array.from({ length: 7_000 }, (_, i) => directory.find('osmand', `crowd-${i}`)),
    )
    const turned = settled.filter((one) => one.status === 'rejected')
    assert.ok(turned.length > 0 && turned.length <= 2_000)
    assert.ok(turned.every(({ reason }) => reason instanceof AppError && reason.code === 'busy'))
    // Longer than any that can be enrolled: nobody is asked.
    lookups = 0
    assert.equal(await directory.find('osmand', 'x'.repeat(257)), null)
    assert.equal(lookups, 0)
  })

  test('answers of the list as it is, also to who asks while it is being read', async () => {
    const directory = new DeviceDirectory(pool, () => clock)
    const asked = directory.find('osmand', 'new-phone')
    await enrolFleet(pool, [{ name: 'new', protocol: 'osmand', identity: 'new-phone', open: true }])
    directory.forget()
    await asked
    assert.equal((await directory.find('osmand', 'new-phone'))?.principal.name, 'new')
  })
})
