import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type pg from 'pg'
import { testDatabase } from '../db/testing.ts'
import { answerToDatagram, enrolFleet, storedOf, Tracker, until } from '../ingest/doors.testing.ts'
import { FUTURE, NO_FIX, PAST } from '../ingest/judge.ts'
import { DoorsProcess } from '../ingest/process.testing.ts'
import { type AvlRecord, encodeFrame } from '../ingest/teltonika/codec.ts'
import { encodeDatagram } from '../ingest/teltonika/datagram.ts'
import { DAY } from '../time/instant.ts'
import { derive } from '../trips/derive.ts'
import { DEFAULT_SETTINGS } from '../trips/types.ts'

const { url: databaseUrl, pool } = await testDatabase()
const doors = await DoorsProcess.open(databaseUrl)

let number = 0
async function enrol(protocol: 'json' | 'osmand' | 'owntracks' | 'teltonika') {
  const name = `device-${++number}`
  const identity =
    protocol === 'teltonika'
      ? String(352_093_080_200_000 + number)
      : protocol === 'owntracks'
        ? `owntracks/kim/${name}`
        : name
  const [device] = await enrolFleet(pool, [
    protocol === 'json' ? { name } : { name, protocol, identity, open: true },
  ])
  return { ...device!, identity }
}
type Device = Awaited<ReturnType<typeof enrol>>

const said = async (answer: Response) => ({ status: answer.status, text: await answer.text() })
const json = async (device: Device, body: string) =>
  said(
    await fetch(`${doors.url}/v1/heartbeats`, {
      method: 'POST',
      headers: { authorization: `Bearer ${device.token}`, 'content-type': 'application/json' },
      body,
    }),
  )
const osmand = async (query: string) => said(await fetch(`http://127.0.0.1:${doors.phonesPort}/?${query}`))
const phone = async (body: string) =>
  said(
    await fetch(`http://127.0.0.1:${doors.phonesPort}/`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    }),
  )

const record = (more: Partial<AvlRecord> = {}): AvlRecord => ({
  fixAt: Date.now() - 60_000,
  latitude: 54.6871555,
  longitude: 25.2796514,
  altitudeMeters: 12,
  headingDegrees: 214,
  speedKph: 83,
  satellites: 11,
  io: {},
  ...more,
})

const partitions = async (of: pg.Pool) =>
  (await of.query(`select inhrelid from pg_inherits where inhparent = 'positions'::regclass`)).rowCount
const latestOf = async ({ vehicleId }: Device): Promise<number | null> =>
  (
    await pool.query<{ at: number }>('select fix_at as at from latest_positions where vehicle_id = $1', [
      vehicleId,
    ])
  ).rows[0]?.at ?? null
/** A trusted point, and that it shows: what came before it has had its chance. */
async function showsNext(device: Device, send: (at: number) => Promise<unknown>): Promise<void> {
  const at = Math.floor(Date.now() / 1_000) * 1_000
  await send(at)
  await until('the trusted point to show', async () => (await latestOf(device)) === at, 20_000)
}

/** Bodies are texts: what no language’s printer of JSON gives must be tried too. */
const IMPOSSIBLE: Record<string, [field: string, text: string]> = {
  'latitude NaN': ['latitude', 'NaN'],
  'latitude Infinity': ['latitude', 'Infinity'],
  'longitude -Infinity': ['longitude', '-Infinity'],
  'latitude 1e309': ['latitude', '1e309'],
  'latitude 91': ['latitude', '91'],
  'longitude 181': ['longitude', '181'],
  'longitude -180.0000001': ['longitude', '-180.0000001'],
  'latitude as text': ['latitude', '"41"'],
  'latitude as a list': ['latitude', '[41]'],
  'latitude null': ['latitude', 'null'],
  'speed -5': ['speedKph', '-5'],
  'speed NaN': ['speedKph', 'NaN'],
  'speed as text': ['speedKph', '"80"'],
  'heading 361': ['headingDegrees', '361'],
  'altitude 1e308': ['altitudeMeters', '1e308'],
  'accuracy -1': ['accuracyMeters', '-1'],
  'odometer over 2^53': ['odometerMeters', '9007199254740993'],
  'odometer -1': ['odometerMeters', '-1'],
  'engine hours -1': ['engineHours', '-1'],
  'sequence over 2^53': ['sequence', '9007199254740993'],
  'sequence 1.5': ['sequence', '1.5'],
  'fix time 1e309': ['fixTime', '1e309'],
  'fix time NaN': ['fixTime', 'NaN'],
  'fix time over 2^53': ['fixTime', '9007199254740993'],
  'a number in attributes that is none': ['attributes', '{"a":[{"b":1e999}]}'],
}

describe('attack 10: impossible numbers at every door', () => {
  for (const [name, [field, text]] of Object.entries(IMPOSSIBLE)) {
    test(`attack 10: the JSON door refuses ${name} with its index, field and reason, and stores its neighbours`, async () => {
      const device = await enrol('json')
      const beat = (more: Record<string, string> = {}) => {
        const fields = {
          device: `"${device.name}"`,
          fixTime: `${Date.now() - 1_000 * ++number}`,
          latitude: '41',
          longitude: '-87',
          ...more,
        }
        return `{${Object.entries(fields)
          .map(([key, value]) => `"${key}":${value}`)
          .join(',')}}`
      }
      const { status, text: answer } = await json(device, `[${beat()},${beat({ [field]: text })},${beat()}]`)
      assert.equal(status, 200, answer)
      const receipt = JSON.parse(answer) as {
        stored: number
        refused: { index: number; field: string; reason: string }[]
      }
      assert.equal(receipt.stored, 2)
      assert.deepEqual(
        receipt.refused.map((one) => [one.index, one.field]),
        [[1, field]],
      )
      assert.ok(receipt.refused[0]!.reason.length > 10)
      const stored = await storedOf(pool, device)
      assert.deepEqual(
        stored.map(({ latitudeE7, longitudeE7 }) => [latitudeE7, longitudeE7]),
        [1, 2].map(() => [410_000_000, -870_000_000]),
      )
    })
  }

  test('attack 10: the JSON door takes -0 for 0, and as one point with it', async () => {
    const device = await enrol('json')
    const at = Date.now()
    const body = (zero: string) =>
      `{"device":"${device.name}","fixTime":${at},"latitude":41,"longitude":-87,"speedKph":${zero},"headingDegrees":${zero}}`
    assert.equal((JSON.parse((await json(device, body('-0'))).text) as { stored: number }).stored, 1)
    assert.equal((JSON.parse((await json(device, body('0'))).text) as { duplicates: number }).duplicates, 1)
    assert.deepEqual(
      (await storedOf(pool, device)).map(({ speedCkph }) => speedCkph),
      [0],
    )
  })

  test('attack 10: an odometer that goes back 10,000 km is kept, and no distance becomes negative or infinite', async () => {
    const device = await enrol('json')
    const from = Date.now() - 600_000
    const beats = [20_000_000, 20_001_000, 10_001_000, 10_002_000].map((odometerMeters, i) => ({
      device: device.name,
      fixTime: from + i * 60_000,
      latitude: 41 + i * 0.009,
      longitude: -87,
      speedKph: 60,
      odometerMeters,
    }))
    assert.equal(
      (JSON.parse((await json(device, JSON.stringify(beats))).text) as { stored: number }).stored,
      4,
    )
    assert.equal((await storedOf(pool, device)).length, 4)
    const points = beats.map(({ fixTime, latitude, longitude, speedKph, odometerMeters }, digest) => ({
      fixAt: fixTime,
      latitude,
      longitude,
      speedKph,
      odometerMeters,
      ignition: null,
      accuracyMeters: null,
      flags: 0,
      digest,
    }))
    const { trips, gaps } = derive(points, DEFAULT_SETTINGS)
    // Three kilometers by the fixes, whatever the odometer says of the minute in the middle.
    assert.equal(trips.length, 1)
    assert.ok(Math.abs(trips[0]!.distanceMeters - 3_000) < 60, `${trips[0]!.distanceMeters} m`)
    assert.deepEqual(gaps, [])
  })

  const refusedByOsmand: Record<string, string> = {
    'latitude NaN': 'lat=NaN&lon=9',
    'latitude 1e309': 'lat=1e309&lon=9',
    'latitude 91': 'lat=91&lon=9',
    'longitude 181': 'lat=47&lon=181',
    'longitude Infinity': 'lat=47&lon=Infinity',
    'speed -5': 'lat=47&lon=9&speed=-5',
    'heading 361': 'lat=47&lon=9&bearing=361',
    'a latitude in words': 'lat=forty&lon=9',
    'an empty latitude': 'lat=&lon=9',
  }
  for (const [name, query] of Object.entries(refusedByOsmand)) {
    test(`attack 10: the OsmAnd door refuses ${name} in words and stores nothing`, async () => {
      const device = await enrol('osmand')
      const { status, text } = await osmand(
        `id=${device.identity}&timestamp=${Math.floor(Date.now() / 1_000)}&${query}`,
      )
      assert.equal(status, 400)
      assert.ok((JSON.parse(text) as { detail: string }).detail.length > 10, text)
      assert.deepEqual(await storedOf(pool, device), [])
    })
  }

  const refusedByOwnTracks: Record<string, string> = {
    'latitude NaN': '"lat":NaN,"lon":9',
    'latitude 1e309': '"lat":1e309,"lon":9',
    'latitude 91': '"lat":91,"lon":9',
    'longitude -181': '"lat":47,"lon":-181',
    'latitude as text': '"lat":"47","lon":9',
    'speed -5': '"lat":47,"lon":9,"vel":-5',
    'course 361': '"lat":47,"lon":9,"cog":361',
    'a pressure of 1e999': '"lat":47,"lon":9,"p":1e999',
  }
  for (const [name, fields] of Object.entries(refusedByOwnTracks)) {
    test(`attack 10: the OwnTracks door refuses ${name} in words and stores nothing`, async () => {
      const device = await enrol('owntracks')
      const { status, text } = await phone(
        `{"_type":"location","topic":"${device.identity}","tst":${Math.floor(Date.now() / 1_000)},${fields}}`,
      )
      assert.equal(status, 400, text)
      assert.ok((JSON.parse(text) as { detail: string }).detail.length > 10)
      assert.deepEqual(await storedOf(pool, device), [])
    })
  }

  test('attack 10: a tracker’s impossible record is kept aside as no fix, never as 0, and its frame acknowledged, TCP and UDP', async () => {
    const device = await enrol('teltonika')
    const impossible = [
      record({ fixAt: Date.now() - 1_000, latitude: 100 }),
      record({ fixAt: Date.now() - 2_000, longitude: -190 }),
      record({ fixAt: Date.now() - 3_000, headingDegrees: 40_000 }),
      record({ fixAt: Date.now() - 4_000, speedKph: 65_535 }),
    ]
    const tracker = await Tracker.login(doors.trackerPort, device.identity)
    tracker.socket.write(encodeFrame('8', impossible))
    await tracker.hears('00000004')
    const packet = encodeDatagram({ imei: device.identity, packetId: 1, avlPacketId: 2 }, '8E', [
      record({ fixAt: Date.now() - 5_000, latitude: -100 }),
    ])
    assert.equal(await answerToDatagram(doors.trackerPort, packet), '00050001010201')
    const stored = await storedOf(pool, device)
    assert.equal(stored.length, 5)
    // A latitude of 100 is no place; what else was said of it is kept beside it.
    const nowhere = stored.filter(({ flags }) => flags & NO_FIX)
    assert.equal(nowhere.length, 3)
    for (const { latitudeE7, longitudeE7, attributes } of nowhere) {
      assert.deepEqual([latitudeE7, longitudeE7], [null, null])
      assert.ok(Object.values(attributes?.outOfRange as Record<string, number>).every(Number.isFinite))
    }
    assert.ok(stored.every(({ speedCkph }) => speedCkph === 8_300 || speedCkph === null))
    await showsNext(device, async (at) => {
      tracker.socket.write(encodeFrame('8', [record({ fixAt: at })]))
      await tracker.hears('00000001')
    })
    tracker.socket.destroy()
  })
})

/** Times that are none, or that nobody lives in; and what each door may do with them. */
const tomorrow = () => Date.now() + DAY

describe('attack 11: times at every door', () => {
  test('attack 11: the JSON door: a day ahead and years ago are kept aside, what is no time is refused, and none shows', async () => {
    const device = await enrol('json')
    const before = await partitions(pool)
    const aside: [string | number, number][] = [
      [new Date(tomorrow()).toISOString(), FUTURE],
      [tomorrow() + 1, FUTURE],
      ['1990-01-01T00:00:00Z', PAST],
    ]
    const refusedTimes = [
      '1970-01-01T00:00:00Z',
      0,
      '9999-12-31T23:59:59Z',
      253_402_300_799_000,
      '2016-12-31T23:59:60Z',
      '2026-02-30T00:00:00Z',
      '2026-03-29T02:30:00',
      '0001-01-01T00:00:00Z',
      '+275760-09-13T00:00:00Z',
    ]
    const beat = (fixTime: string | number) => ({
      device: device.name,
      fixTime,
      latitude: 41,
      longitude: -87,
    })
    const all = [...aside.map(([time]) => time), ...refusedTimes]
    const { status, text } = await json(device, JSON.stringify(all.map(beat)))
    assert.equal(status, 200)
    const receipt = JSON.parse(text) as { stored: number; refused: { index: number; field: string }[] }
    assert.equal(receipt.stored, aside.length)
    assert.deepEqual(
      receipt.refused.map(({ index, field }) => [all[index], field]),
      refusedTimes.map((time) => [time, 'fixTime']),
    )
    assert.deepEqual(
      (await storedOf(pool, device)).map(({ flags }) => flags & (FUTURE | PAST)).sort(),
      aside.map(([, flag]) => flag).sort(),
    )
    // In the hour that a zone's clock skips there are instants like any other: a fix has an offset, and no zone.
    const gap = ['2026-03-29T02:30:00+01:00', '2026-03-29T01:30:00Z']
    const twice = await json(device, JSON.stringify(gap.map(beat)))
    assert.equal((JSON.parse(twice.text) as { stored: number }).stored, 1)
    await showsNext(device, (at) => json(device, JSON.stringify(beat(at))))
    assert.equal(await partitions(pool), before)
  })

  test('attack 11: the OsmAnd door', async () => {
    const device = await enrol('osmand')
    const before = await partitions(pool)
    const at = (timestamp: string | number) =>
      osmand(`id=${device.identity}&lat=47&lon=9&timestamp=${encodeURIComponent(timestamp)}`)
    for (const time of ['253402300799', '9999-12-31T23:59:59Z', '2026-02-30T00:00:00Z', '1'])
      assert.equal((await at(time)).status, 400, time)
    assert.deepEqual(await storedOf(pool, device), [])
    // A leap second is the first instant after it, as in the phone that has none.
    for (const time of [Math.floor(tomorrow() / 1_000), '1990-01-01T00:00:00Z', '2016-12-31T23:59:60Z'])
      assert.equal((await at(time)).status, 200)
    assert.deepEqual(
      (await storedOf(pool, device)).map(({ flags }) => flags & (FUTURE | PAST)),
      [PAST, PAST, FUTURE],
    )
    await showsNext(device, (now) => at(now / 1_000))
    assert.equal(await partitions(pool), before)
  })

  test('attack 11: the OwnTracks door', async () => {
    const device = await enrol('owntracks')
    const before = await partitions(pool)
    const at = (tst: number | string) =>
      phone(`{"_type":"location","topic":"${device.identity}","lat":47,"lon":9,"tst":${tst}}`)
    for (const time of [0, 1, 253_402_300_799, '1e18', '"2016-12-31T23:59:60Z"', -1])
      assert.equal((await at(time)).status, 400, `${time}`)
    for (const time of [Math.floor(tomorrow() / 1_000), 631_152_000])
      assert.equal((await at(time)).status, 200)
    assert.deepEqual(
      (await storedOf(pool, device)).map(({ flags }) => flags & (FUTURE | PAST)),
      [PAST, FUTURE],
    )
    await showsNext(device, (now) => at(now / 1_000))
    assert.equal(await partitions(pool), before)
  })

  test('attack 11: trackers: every frame is acknowledged, and no impossible time makes a month or shows', async () => {
    const device = await enrol('teltonika')
    const before = await partitions(pool)
    const times = [
      tomorrow(),
      0,
      1,
      Date.UTC(9999, 11, 31),
      2 ** 47,
      Date.UTC(2016, 11, 31, 23, 59, 59, 999) + 1,
    ]
    const tracker = await Tracker.login(doors.trackerPort, device.identity)
    tracker.socket.write(
      encodeFrame(
        '8E',
        times.map((fixAt) => record({ fixAt })),
      ),
    )
    await tracker.hears('00000006')
    const packet = encodeDatagram({ imei: device.identity, packetId: 1, avlPacketId: 2 }, '8', [
      record({ fixAt: Date.UTC(9998, 0, 1) }),
    ])
    assert.equal(await answerToDatagram(doors.trackerPort, packet), '00050001010201')
    for (const { flags } of await storedOf(pool, device)) assert.notEqual(flags & (FUTURE | PAST | NO_FIX), 0)
    await showsNext(device, async (at) => {
      tracker.socket.write(encodeFrame('8', [record({ fixAt: at })]))
      await tracker.hears('00000001')
    })
    assert.equal(await partitions(pool), before)
    tracker.socket.destroy()
  })
})
