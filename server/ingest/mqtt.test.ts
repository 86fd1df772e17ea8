import assert from 'node:assert/strict'

import { createServer } from 'node:http'

import { after, before, describe, test } from 'node:test'
import { connectAsync, type MqttClient } from 'mqtt'
import type { EnrolledDevice } from '../auth/device.ts'
import { createPool } from '../db/pool.ts'
import { testDatabase } from '../db/testing.ts'
import { Broker } from './broker.testing.ts'
import { enrolFleet, listening, metric, storedOf, until } from './doors.testing.ts'
import { createPhoneDoor } from './http.ts'
import { FUTURE, OPEN_IDENTITY } from './judge.ts'
import { type MqttDoor, type MqttOptions, subscribeMqtt } from './mqtt.ts'
import { type Intake, intakeOf } from './take.ts'

const { pool } = await testDatabase()
const NOW = Date.UTC(2026, 10, 23, 12)
const intake = intakeOf(pool, () => NOW)

const broker = new Broker()
let phone: MqttClient
before(async () => {
  await broker.start()
  phone = await connectAsync(broker.url, { clientId: 'phones', clean: false, reconnectPeriod: 50 })
  phone.on('error', () => undefined)
})
after(async () => {
  await phone.endAsync(true)
  await broker.remove()
})

let clients = 0
const optionsOf = (more: Partial<MqttOptions> = {}): MqttOptions => ({
  url: broker.url,
  clientId: `restline-${++clients}`,
  topic: 'owntracks/+/+',
  ...more,
})
async function subscribed(options: MqttOptions, within: Intake = intake): Promise<MqttDoor> {
  const door = subscribeMqtt(within, options)
  await until('the subscription', () => door.connected)
  return door
}

/** A phone that may report by its topic. */
async function enrol(name: string, open = true): Promise<EnrolledDevice & { topic: string }> {
  const topic = `owntracks/kim/${name}`
  const [device] = await enrolFleet(pool, [{ name, protocol: 'mqtt', identity: topic, open }])
  intake.directory.forget()
  return { ...device!, topic }
}
const location = (second: number, more: object = {}) =>
  JSON.stringify({
    _type: 'location',
    lat: 47.1662,
    lon: 9.5554,
    tst: NOW / 1_000 - 60 + second,
    vel: 61,
    ...more,
  })
const publish = (topic: string, payload: string, retain = false) =>
  phone.publishAsync(topic, payload, { qos: 1, retain })
const holds = (device: EnrolledDevice, count: number) =>
  until(`${count} positions`, async () => (await storedOf(pool, device)).length >= count)
const seconds = async (device: EnrolledDevice) =>
  (await storedOf(pool, device)).map(({ fixAt }) => (fixAt - NOW) / 1_000 + 60)

describe('OwnTracks over MQTT', () => {
  test('a location is stored under its topic, whatever the payload says; the same again is a duplicate', async () => {
    const device = await enrol('one')
    const door = await subscribed(optionsOf())
    await publish(device.topic, location(1, { topic: 'owntracks/other/phone', tid: 'zz' }))
    await publish(device.topic, location(1))
    await publish(device.topic, location(2))
    await holds(device, 2)
    const stored = await storedOf(pool, device)
    assert.deepEqual(
      stored.map(({ latitudeE7, speedCkph, flags }) => [latitudeE7, speedCkph, flags]),
      [1, 2].map(() => [471_662_000, 6_100, OPEN_IDENTITY]),
    )
    await door.close()
  })

  test('its device is weaker evidence, and can report nowhere else: not over HTTP without a token, nor with its own', async () => {
    const device = await enrol('one-way')
    const [phoneOfHttp] = await enrolFleet(pool, [
      { name: 'other-way', protocol: 'owntracks', identity: 'owntracks/kim/other-way' },
    ])
    const http = createPhoneDoor(intake)
    const server = createServer((req, res) => void http.handle(req, res))
    const url = await listening(server)
    const door = await subscribed(optionsOf())
    try {
      for (const proof of ['', `Bearer ${device.token}`]) {
        const answer = await fetch(url, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...(proof ? { authorization: proof } : {}) },
          body: location(1, { topic: device.topic }),
        })
        await answer.text()
        assert.equal(answer.status, 403)
      }
      // And who brings a token over HTTP is not believed without it because a broker says so.
      await publish('owntracks/kim/other-way', location(2))
      await publish(device.topic, location(3))
      await holds(device, 1)
      assert.deepEqual(
        (await storedOf(pool, device)).map(({ fixAt, flags }) => [(fixAt - NOW) / 1_000 + 60, flags]),
        [[3, OPEN_IDENTITY]],
      )
      assert.deepEqual(await storedOf(pool, phoneOfHttp!), [])
    } finally {
      await door.close()
      server.close()
    }
  })

  test('what it takes, refuses and has not answered is counted under its own protocol', async () => {
    const device = await enrol('counted')
    const door = await subscribed(optionsOf())
    const counts = async () => [
      await metric('restline_ingest_received_total', { protocol: 'mqtt' }),
      await metric('restline_ingest_heartbeats_total', { protocol: 'mqtt', outcome: 'stored' }),
      await metric('restline_ingest_refusals_total', { protocol: 'mqtt', reason: 'unknown' }),
      await metric('restline_ingest_acknowledgement_seconds_count', { protocol: 'mqtt' }),
    ]
    const [before, http] = [
      await counts(),
      await metric('restline_ingest_received_total', { protocol: 'owntracks' }),
    ]
    await publish('owntracks/nobody/phone', location(1))
    for (const second of [1, 2]) await publish(device.topic, location(second))
    await until('three counted', async () => (await counts())[3]! - before[3]! >= 2)
    assert.deepEqual(
      (await counts()).map((count, i) => count - before[i]!),
      [2, 2, 1, 2],
    )
    assert.equal(await metric('restline_ingest_received_total', { protocol: 'owntracks' }), http)
    assert.equal(await metric('restline_ingest_backlog_heartbeats', { protocol: 'mqtt' }), 0)
    await door.close()
  })

  test('what is no location is taken and ignored; what is malformed, encrypted or of a stranger is refused and listed', async () => {
    const device = await enrol('two')
    const secret = await enrol('two-secret', false)
    const door = await subscribed(optionsOf())
    const below = ['event', 'waypoint', 'waypoints', 'status', 'dump', 'step', 'beacon']
    for (const name of below) await publish(`${device.topic}/${name}`, '{"_type":"transition","tst":1}')
    await publish(device.topic, '{"_type":"lwt","tst":1700000000}')
    await publish(device.topic, '')
    await publish(device.topic, 'no JSON')
    await publish('owntracks/kim/locked', '{"_type":"encrypted","data":"x"}')
    await publish('owntracks/stranger/phone', location(1))
    await publish(secret.topic, location(1))
    // In order, so that all of the above is behind us.
    await publish(device.topic, location(5))
    await holds(device, 1)
    await intake.activity.flush()
    const { rows } = await pool.query(
      `select identity, reason, address, seen_at as at from unknown_devices where identity = any($1) order by identity`,
      [[device.topic, 'owntracks/kim/locked', 'owntracks/stranger/phone', secret.topic]],
    )
    const address = `mqtt 127.0.0.1:${broker.port}`
    assert.deepEqual(rows, [
      { identity: 'owntracks/kim/locked', reason: 'encrypted', address, at: NOW },
      { identity: secret.topic, reason: 'no-token', address, at: NOW },
      { identity: 'owntracks/stranger/phone', reason: 'unknown', address, at: NOW },
    ])
    const reasons = await pool.query(
      `select r.kind, r.count from device_reasons r join devices d on d.fleet_id = r.fleet_id and d.id = r.device_id
       where d.identity = $1`,
      [device.topic],
    )
    assert.deepEqual(reasons.rows, [{ kind: 'refused', count: 1 }])
    assert.deepEqual([await seconds(device), await seconds(secret)], [[5], []])
    await door.close()
  })

  test('attack 10 and 11: impossible numbers and times are refused with a reason that the installer reads, or kept aside', async () => {
    const device = await enrol('impossible')
    const door = await subscribed(optionsOf())
    const body = (fields: string) => `{"_type":"location","tst":${NOW / 1_000 - 30},${fields}}`
    const impossible = [
      body('"lat":NaN,"lon":9'),
      body('"lat":1e309,"lon":9'),
      body('"lat":91,"lon":9'),
      body('"lat":47,"lon":181'),
      body('"lat":"47","lon":9'),
      body('"lat":47,"lon":9,"vel":-5'),
      body('"lat":47,"lon":9,"cog":361'),
      '{"_type":"location","lat":47,"lon":9,"tst":253402300799}',
      '{"_type":"location","lat":47,"lon":9,"tst":0}',
      '{"_type":"location","lat":47,"lon":9,"tst":1e999}',
    ]
    for (const payload of impossible) await publish(device.topic, payload)
    const tomorrow = NOW / 1_000 + 86_400
    await publish(device.topic, `{"_type":"location","lat":47,"lon":9,"tst":${tomorrow}}`)
    await publish(device.topic, location(7))
    await holds(device, 2)
    const stored = await storedOf(pool, device)
    assert.deepEqual(
      stored.map(({ flags }) => flags & FUTURE),
      [0, FUTURE],
    )
    await intake.activity.flush()
    const { rows } = await pool.query<{ refused: number; doubtful: number }>(
      'select refused, doubtful from device_status where device_id = $1',
      [device.id],
    )
    assert.deepEqual(rows, [{ refused: impossible.length, doubtful: 1 }])
    const { rows: reasons } = await pool.query<{ reason: string }>(
      `select reason from device_reasons where device_id = $1 and kind = 'refused'`,
      [device.id],
    )
    for (const field of ['lat', 'lon', 'vel', 'cog', 'tst'])
      assert.ok(
        reasons.some(({ reason }) => reason.startsWith(`${field} must be`)),
        field,
      )
    await intake.receiver.drained()
    const latest = await pool.query<{ at: number }>(
      'select fix_at as at from latest_positions where vehicle_id = $1',
      [device.vehicleId],
    )
    assert.deepEqual(latest.rows, [{ at: NOW - 53_000 }])
    await door.close()
  })

  test('a flood of invented topics is counted, a hundred of them are listed, and the known are heard', async () => {
    const device = await enrol('in-a-flood')
    const door = await subscribed(optionsOf())
    const refused = () => metric('restline_ingest_refusals_total', { protocol: 'mqtt', reason: 'unknown' })
    const before = await refused()
    await intake.activity.flush()
    await pool.query("delete from unknown_devices where protocol = 'mqtt'")
    const flood = Array.from({ length: 300 }, (_, i) => publish(`owntracks/invented/${i}`, location(1)))
    await Promise.all([...flood, publish(device.topic, location(2))])
    await holds(device, 1)
    await until('three hundred refusals', async () => (await refused()) - before >= 300)
    await intake.activity.flush()
    const { rows } = await pool.query("select 1 from unknown_devices where protocol = 'mqtt'")
    // A write may fall in the middle; then the oldest have made room.
    assert.equal(rows.length, 100)
    await door.close()
  })

  test('retained messages that a new subscription is given are duplicates', async () => {
    const device = await enrol('three')
    await publish(device.topic, location(1), true)
    const duplicates = () =>
      metric('restline_ingest_heartbeats_total', { protocol: 'mqtt', outcome: 'duplicate' })
    const before = await duplicates()
    const door = await subscribed(optionsOf())
    await until('the retained message', async () => (await duplicates()) > before)
    await publish(device.topic, location(2), true)
    await holds(device, 1)
    assert.deepEqual(await seconds(device), [2])
    await publish(device.topic, '', true)
    await door.close()
  })

  test('what comes while we are away is kept by the broker, also when it is killed meanwhile', async () => {
    const device = await enrol('four')
    const options = optionsOf()
    await (await subscribed(options)).close()
    const all = Array.from({ length: 50 }, (_, second) => second)
    const before = await metric('restline_ingest_commit_seconds_count')
    for (const second of all) await publish(device.topic, location(second))
    await until('the broker to write', () => broker.hasKept(`"tst":${NOW / 1_000 - 60 + 49}`))
    await broker.kill('SIGKILL')
    await broker.start()
    const door = await subscribed(options)
    await holds(device, 50)
    assert.deepEqual(await seconds(device), all)
    // A commit for what had come, and not for each: others wait behind them.
    const commits = (await metric('restline_ingest_commit_seconds_count')) - before
    await door.close()
    assert.ok(commits <= 25, `${commits} commits`)
  })

  test('while the database is away nothing is acknowledged, and nothing is lost', async () => {
    const device = await enrol('five')
    const options = optionsOf()
    const away = createPool('postgresql://nobody@127.0.0.1:1/none')
    const blind: Intake = { ...intakeOf(away, () => NOW), directory: intake.directory }
    await intake.directory.find('mqtt', device.topic)
    const refused = () => metric('restline_ingest_refusals_total', { protocol: 'mqtt', reason: 'busy' })
    const before = await refused()
    const door = await subscribed(options, blind)
    await Promise.all([1, 2, 3].map((second) => publish(device.topic, location(second))))
    // The same is given again on the next connection.
    await until('two refusals of the store', async () => (await refused()) - before >= 4)
    await door.close()
    await away.end()
    assert.deepEqual(await seconds(device), [])
    const other = await subscribed(options)
    await holds(device, 3)
    assert.deepEqual(await seconds(device), [1, 2, 3])
    await other.close()
  })

  test('a broker that ends and comes back in the middle loses nothing, and nothing is stored twice', async () => {
    const devices = await Promise.all(Array.from({ length: 10 }, (_, i) => enrol(`six-${i}`)))
    const door = await subscribed(optionsOf())
    const published: Promise<unknown>[] = []
    for (let second = 0; second < 24; second++) {
      for (const { topic } of devices) published.push(publish(topic, location(second)))
      if (second % 10 === 8) {
        await holds(devices[0]!, second / 2)
        await broker.kill('SIGTERM')
        await broker.start()
      }
    }
    await Promise.all(published)
    const all = Array.from({ length: 24 }, (_, second) => second)
    for (const device of devices) {
      await holds(device, 24)
      assert.deepEqual(await seconds(device), all)
    }
    await door.close()
  })

  test('processes of a group share the messages', async () => {
    const device = await enrol('seven')
    const taken: Intake[] = []
    const half = () => {
      const now = () => {
        taken.push(own)
        return NOW
      }
      const own: Intake = { ...intake, now }
      return own
    }
    const halves = [half(), half()]
    const doors = await Promise.all(halves.map((own) => subscribed(optionsOf({ group: 'restline' }), own)))
    await Promise.all(Array.from({ length: 40 }, (_, second) => publish(device.topic, location(second))))
    await holds(device, 40)
    assert.equal((await seconds(device)).length, 40)
    const shares = halves.map((own) => taken.filter((one) => one === own).length)
    assert.equal(shares[0]! + shares[1]!, 40)
    assert.ok(Math.min(...shares) > 0, `shared as ${shares.join(' and ')}`)
    await Promise.all(doors.map((door) => door.close()))
  })
})
