import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import type { EnrolledDevice } from '../auth/device.ts'
import { createPool } from '../db/pool.ts'
import { testDatabase } from '../db/testing.ts'
import { boundedServer } from './bounded.ts'
import { enrolFleet, listening, metric, storedOf } from './doors.testing.ts'
import { createDoor, createPhoneDoor } from './http.ts'
import { IMPLAUSIBLE_SPEED, INACCURATE, NO_FIX, OPEN_IDENTITY, ZERO_FIX } from './judge.ts'
import { type Intake, intakeOf } from './take.ts'

const { pool } = await testDatabase()
const NOW = Date.UTC(2026, 10, 23, 12)
const SECONDS = NOW / 1_000
const intake = intakeOf(pool, () => NOW)

/** The paths of the console's server, and a port of the phones' own. */
async function open(within: Intake) {
  const [door, phones] = [createDoor(within), createPhoneDoor(within)]
  const servers = [
    boundedServer((req, res) => void (door.handle(req, res) || res.writeHead(404).end())),
    boundedServer((req, res) => void phones.handle(req, res)),
  ]
  const [paths = '', port = ''] = await Promise.all(servers.map((server) => listening(server)))
  const close = () => {
    for (const server of servers) {
      server.closeAllConnections()
      server.close()
    }
  }
  return { paths, port, close }
}
const here = await open(intake)
after(here.close)

let number = 0
async function enrol(
  protocol: 'osmand' | 'owntracks',
  openIdentity = true,
): Promise<EnrolledDevice & { identity: string }> {
  const name = `phone-${++number}`
  const identity = protocol === 'owntracks' ? `owntracks/kim/${name}` : name
  const [device] = await enrolFleet(pool, [{ name, protocol, identity, open: openIdentity }])
  intake.directory.forget()
  return { ...device!, identity }
}

const get = (at: string, query: string, headers: Record<string, string> = {}) =>
  fetch(`${at}?${query}`, { headers })
const post = (at: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(at, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
const basic = (user: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
})
const said = async (response: Response) => [response.status, await response.text()]
const flagsOf = async (device: EnrolledDevice) => (await storedOf(pool, device)).map(({ flags }) => flags)
const unknownOf = async (identity: string) => {
  await intake.activity.flush()
  const { rows } = await pool.query(
    'select reason, address, seen_at as at, attempts from unknown_devices where identity = $1',
    [identity],
  )
  return rows
}
const alarmsOf = async (deviceId: number) => {
  await intake.activity.flush()
  const { rows } = await pool.query<{ kind: string; count: number }>(
    'select kind, count from device_alarms where device_id = $1 order by kind',
    [deviceId],
  )
  return rows.map(({ kind, count }) => [kind, count])
}

describe('OsmAnd and Traccar Client', () => {
  test('get 200 and an empty body after the commit, and again for the same', async () => {
    const device = await enrol('osmand')
    const query = `id=${device.identity}&timestamp=${SECONDS}&lat=47.1&lon=9.5&speed=10`
    for (const at of [`${here.port}/`, `${here.port}/any/path`, `${here.paths}/v1/osmand`])
      assert.deepEqual(await said(await get(at, query)), [200, ''])
    const [stored, ...more] = await storedOf(pool, device)
    assert.deepEqual(
      [stored!.fixAt, stored!.latitudeE7, stored!.speedCkph, stored!.flags, more],
      [NOW, 471_000_000, 1_852, OPEN_IDENTITY, []],
    )
  })

  test('prove themselves by a token: as the password, in the header or in the path', async () => {
    const device = await enrol('osmand', false)
    const query = (second: number) => `id=${device.identity}&timestamp=${SECONDS - second}&lat=47.1&lon=9.5`
    const answers = await Promise.all([
      get(`${here.port}/`, query(1), { authorization: `Bearer ${device.token}` }),
      get(`${here.port}/`, query(2), basic('anyone', device.token)),
      get(`${here.paths}/v1/osmand/${device.token}`, query(3)),
    ])
    for (const answer of answers) assert.deepEqual(await said(answer), [200, ''])
    // An address is written down on its way: what only that proves is weaker evidence.
    assert.deepEqual((await flagsOf(device)).sort(), [0, 0, OPEN_IDENTITY])
    const other = await enrol('osmand', false)
    const refused = [
      await get(`${here.port}/`, query(4)),
      await get(`${here.port}/`, query(5), { authorization: `Bearer ${other.token}` }),
      await get(`${here.paths}/v1/osmand/${other.token}`, query(6)),
    ]
    assert.deepEqual(
      refused.map(({ status }) => status),
      [400, 400, 400],
    )
    await Promise.all(refused.map((one) => one.text()))
    assert.equal((await storedOf(pool, device)).length, 3)
  })

  test('bound to networks are refused from elsewhere, with their token and by their identity', async () => {
    for (const openIdentity of [false, true]) {
      const device = await enrol('osmand', openIdentity)
      const bind = async (networks: string) => {
        await pool.query('update devices set token_sources = $2 where id = $1', [device.id, [networks]])
        intake.directory.forget()
      }
      const ask = async (second: number, path = '/v1/osmand') =>
        (
          await said(
            await get(
              here.paths + path,
              `id=${device.identity}&timestamp=${SECONDS - second}&lat=47.1&lon=9.5`,
            ),
          )
        )[0]
      await bind('10.20.0.0/16')
      assert.deepEqual([await ask(1), await ask(2, `/v1/osmand/${device.token}`)], [400, 400])
      assert.deepEqual(await storedOf(pool, device), [])
      assert.deepEqual(await unknownOf(device.identity), [
        { reason: 'elsewhere', address: '127.0.0.1', at: NOW, attempts: 2 },
      ])
      await bind('127.0.0.0/8')
      assert.equal(await ask(2, `/v1/osmand/${device.token}`), 200)
    }
  })

  test("another device's token proves nothing, also where an identity alone would do", async () => {
    const [device, other] = [await enrol('osmand'), await enrol('osmand')]
    const query = `id=${device.identity}&timestamp=${SECONDS}&lat=47.1&lon=9.5`
    const answer = await get(`${here.port}/`, query, { authorization: `Bearer ${other.token}` })
    assert.equal((await said(answer))[0], 400)
    assert.deepEqual(await storedOf(pool, device), [])
  })

  test('that nobody enrolled get 400, as JSON 404, are counted and listed', async () => {
    const before = await metric('restline_ingest_refusals_total', { protocol: 'osmand', reason: 'unknown' })
    const identity = `stranger-${process.pid}`
    assert.equal((await said(await get(`${here.port}/`, `id=${identity}&lat=1&lon=2`)))[0], 400)
    const location = { timestamp: new Date(NOW).toISOString(), coords: { latitude: 1, longitude: 2 } }
    assert.equal((await said(await post(`${here.port}/`, { device_id: identity, location })))[0], 404)
    assert.deepEqual(await unknownOf(identity), [
      { reason: 'unknown', address: '127.0.0.1', at: NOW, attempts: 2 },
    ])
    const after = await metric('restline_ingest_refusals_total', { protocol: 'osmand', reason: 'unknown' })
    assert.equal(after - before, 2)
  })

  test('say that they are alive, and say what nobody believes: kept, marked, and no latest position', async () => {
    const device = await enrol('osmand')
    const at = (second: number, rest: string) =>
      get(`${here.port}/`, `id=${device.identity}&timestamp=${SECONDS - second}${rest}`)
    for (const [second, rest] of [
      '',
      '&lat=0&lon=0',
      '&lat=47&lon=9&speed=200',
      '&lat=47&lon=9&accuracy=9000',
    ].entries())
      assert.deepEqual(await said(await at(second, rest)), [200, ''])
    assert.deepEqual(
      (await flagsOf(device)).map((flags) => flags & ~OPEN_IDENTITY).sort((a, b) => a - b),
      [NO_FIX, ZERO_FIX, IMPLAUSIBLE_SPEED, INACCURATE].sort((a, b) => a - b),
    )
    await intake.receiver.drained()
    const latest = await pool.query('select 1 from latest_positions where vehicle_id = $1', [
      device.vehicleId,
    ])
    assert.equal(latest.rowCount, 0)
    await intake.activity.flush()
    const { rows } = await pool.query(
      'select received, stored, doubtful from device_status where device_id = $1',
      [device.id],
    )
    assert.deepEqual(rows, [{ received: 4, stored: 4, doubtful: 4 }])
    const reasons = await pool.query(
      'select reason, count from device_reasons where device_id = $1 order by reason',
      [device.id],
    )
    assert.deepEqual(
      reasons.rows.map(({ reason, count }) => [reason, count]),
      [
        ['implausible-speed', 1],
        ['inaccurate', 1],
        ['no-fix', 1],
        ['zero-fix', 1],
      ],
    )
  })

  test('call for help: people are told once, of no other alarm', async () => {
    const device = await enrol('osmand')
    const query = (alarm: string, second: number) =>
      get(
        `${here.port}/`,
        `id=${device.identity}&timestamp=${SECONDS - second}&lat=47.1&lon=9.5&alarm=${alarm}`,
      )
    assert.equal((await query('lowBattery', 1)).status, 200)
    assert.deepEqual(await alarmsOf(device.id), [])
    for (let time = 0; time < 3; time++) assert.equal((await query('sos', 2)).status, 200)
    assert.deepEqual(await alarmsOf(device.id), [['sos', 1]])
    const location = {
      timestamp: new Date(NOW).toISOString(),
      coords: { latitude: 47.1, longitude: 9.5 },
      extras: { alarm: 'SOS' },
    }
    assert.equal((await post(here.port, { device_id: device.identity, location })).status, 200)
    assert.deepEqual(await alarmsOf(device.id), [['sos', 2]])
  })

  test('send a batch with a bad location: the others are stored', async () => {
    const device = await enrol('osmand')
    const location = (second: number, latitude: number) => ({
      timestamp: new Date(NOW - second * 1_000).toISOString(),
      coords: { latitude, longitude: 9.5 },
    })
    const body = { device_id: device.identity, location: [location(0, 47), location(1, 91), location(2, 47)] }
    assert.deepEqual(await said(await post(`${here.port}/`, body)), [200, ''])
    assert.equal((await storedOf(pool, device)).length, 2)
  })
})

describe('OwnTracks over HTTP', () => {
  const location = (more: object) => ({ _type: 'location', lat: 47.1, lon: 9.5, tst: SECONDS, ...more })

  test('gets 200 and a list after the commit, and again for the same', async () => {
    const device = await enrol('owntracks', false)
    const body = location({ topic: device.identity, vel: 61 })
    const headers = basic('kim', device.token)
    for (const at of [here.port, `${here.paths}/v1/owntracks`])
      assert.deepEqual(await said(await post(at, body, headers)), [200, '[]'])
    assert.deepEqual(
      (await storedOf(pool, device)).map(({ speedCkph, flags }) => [speedCkph, flags]),
      [[6_100, 0]],
    )
  })

  test('may only claim what its token is for', async () => {
    const [device, other] = [await enrol('owntracks', false), await enrol('owntracks', false)]
    for (const headers of [{}, basic('kim', other.token), basic('kim', 'guess')]) {
      const answer = await post(here.port, location({ topic: device.identity }), headers)
      assert.equal((await said(answer))[0], 403)
    }
    assert.deepEqual(await storedOf(pool, device), [])
    assert.deepEqual(
      (await unknownOf(device.identity)).map(({ reason, attempts }) => [reason, attempts]),
      [['wrong-token', 3]],
    )
    // No token and a guessed one say nothing of who it was; another device's token does.
    assert.deepEqual(await alarmsOf(device.id), [['foreign-identity', 1]])
  })

  test('is of the user that authenticates, or is refused and listed', async () => {
    const device = await enrol('owntracks', false)
    const answer = await post(here.port, location({ topic: device.identity }), basic('mallory', device.token))
    assert.equal((await said(answer))[0], 403)
    assert.deepEqual(await storedOf(pool, device), [])
    assert.deepEqual(
      (await unknownOf(device.identity)).map(({ reason, attempts }) => [reason, attempts]),
      [['other-identity', 1]],
    )
    assert.deepEqual(await alarmsOf(device.id), [['foreign-identity', 1]])
  })

  test('is whom its topic names, else its headers, else its address', async () => {
    const device = await enrol('owntracks', false)
    const name = device.identity.split('/').at(-1)!
    const token = basic('kim', device.token)
    const [pair, joe] = [
      { 'x-limit-u': 'kim', 'x-limit-d': name },
      { 'x-limit-u': 'joe', 'x-limit-d': 'watch' },
    ]
    const body = (second: number, topic?: string) => location({ tst: SECONDS - second, topic })
    const taken = await Promise.all([
      post(here.port, body(0, device.identity), { ...token, ...pair }),
      post(here.port, body(1, device.identity), { ...token, ...joe }),
      post(`${here.port}/?u=joe&d=watch`, body(2, device.identity), basic('', device.token)),
      post(here.port, body(3), { ...token, ...pair }),
      post(`${here.port}/?u=joe&d=watch`, body(4), { ...token, ...pair }),
      post(`${here.port}/?u=kim&d=${name}`, body(5), token),
    ])
    for (const answer of taken) assert.deepEqual(await said(answer), [200, '[]'])
    assert.equal((await storedOf(pool, device)).length, 6)
  })

  test('gets 200 and a list for everything that is no location', async () => {
    for (const body of [
      '',
      '{"_type":"lwt","tst":1}',
      '{"_type":"encrypted","data":"x"}',
      '{"_type":"steps"}',
    ])
      assert.deepEqual(await said(await post(`${here.paths}/v1/owntracks`, body)), [200, '[]'])
  })
})

describe('while the database is away', () => {
  test('phones are told when to come back, and what they send then is stored', async () => {
    const [osmand, owntracks] = [await enrol('osmand'), await enrol('owntracks')]
    for (const one of [osmand, owntracks])
      await intake.directory.find(one === osmand ? 'osmand' : 'owntracks', one.identity)
    const away = createPool('postgresql://nobody@127.0.0.1:1/none')
    const blind = await open({ ...intakeOf(away, () => NOW), directory: intake.directory })
    const send = (to: string) => [
      get(`${to}/`, `id=${osmand.identity}&timestamp=${SECONDS}&lat=47.1&lon=9.5`),
      post(to, { _type: 'location', lat: 47.1, lon: 9.5, tst: SECONDS, topic: owntracks.identity }),
    ]
    for (const answer of await Promise.all(send(blind.port))) {
      assert.deepEqual([answer.status, answer.headers.get('retry-after')], [503, '2'])
      await answer.text()
    }
    blind.close()
    await away.end()
    assert.deepEqual([await storedOf(pool, osmand), await storedOf(pool, owntracks)], [[], []])
    for (const answer of await Promise.all(send(here.port))) assert.equal((await said(answer))[0], 200)
    assert.deepEqual(
      [(await storedOf(pool, osmand)).length, (await storedOf(pool, owntracks)).length],
      [1, 1],
    )
  })
})
