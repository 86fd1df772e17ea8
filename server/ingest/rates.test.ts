import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { after, before, describe, test } from 'node:test'
import { connectAsync, type MqttClient } from 'mqtt'
import type { EnrolledDevice, NewDevice } from '../auth/device.ts'
import { testDatabase } from '../db/testing.ts'
import { boundedServer } from './bounded.ts'
import { Broker } from './broker.testing.ts'
import { answerToDatagram, enrolFleet, listening, metric, storedOf, Tracker, until } from './doors.testing.ts'
import { createDoor } from './http.ts'
import { type MqttDoor, subscribeMqtt } from './mqtt.ts'
import { intakeOf } from './take.ts'
import { encodeFrame } from './teltonika/codec.ts'
import { encodeDatagram } from './teltonika/datagram.ts'
import { listenTeltonika, type TeltonikaListener } from './teltonika/listener.ts'

const { pool } = await testDatabase()
const NOW = Date.UTC(2026, 10, 23, 12)
/** Moved by hand: what comes back with time comes when a test says so. */
let clock = NOW
const limits = { publicOrigin: 'http://localhost', secrets: ['r'.repeat(32)] }
const intake = intakeOf(pool, () => clock, { ...limits, fleetRequestsPerSecond: 2 })

let number = 0
/** A fleet of devices that may report by their identity, one for each protocol. */
async function fleetOf(...protocols: NonNullable<NewDevice['protocol']>[]) {
  const devices = await enrolFleet(
    pool,
    protocols.map((protocol) => {
      const name = `rate-${++number}`
      const identity =
        protocol === 'teltonika' ? String(352_093_090_000_000 + number) : `owntracks/kim/${name}`
      return { name, protocol, identity: protocol === 'osmand' ? name : identity, open: true }
    }),
  )
  intake.directory.forget()
  return devices as (EnrolledDevice & { identity: string })[]
}
const record = (second: number) => ({
  fixAt: NOW - 60_000 + second * 1_000,
  latitude: 54.6871555,
  longitude: 25.2796514,
  altitudeMeters: 100,
  headingDegrees: 214,
  speedKph: 83,
  satellites: 11,
  io: {},
})
const stored = async (device: EnrolledDevice) => (await storedOf(pool, device)).length
const refused = (protocol: string, reason = 'fleet-rate') =>
  metric('restline_ingest_refusals_total', { protocol, reason })
const slowed = (protocol: string) =>
  metric('restline_ingest_slowed_total', { protocol, reason: 'fleet-rate' })

const door = createDoor(intake)
const server = boundedServer((req, res) => void (door.handle(req, res) || res.writeHead(404).end()))
const broker = new Broker()
let url: string
let listener: TeltonikaListener
let phone: MqttClient
let mqtt: MqttDoor
before(async () => {
  url = await listening(server)
  listener = await listenTeltonika(intake, 0, '127.0.0.1')
  await broker.start()
  phone = await connectAsync(broker.url, { clientId: 'phones', reconnectPeriod: 0 })
  mqtt = subscribeMqtt(intake, { url: broker.url, clientId: 'restline', topic: 'owntracks/+/+' })
  await until('the subscription', () => mqtt.connected)
})
after(async () => {
  await mqtt.close()
  await phone.endAsync(true)
  await broker.remove()
  await listener.close()
  server.closeAllConnections()
  server.close()
})

const osmand = ({ identity }: { identity: string }, second: number) =>
  fetch(`${url}/v1/osmand?id=${identity}&lat=41.6&lon=-87.3&timestamp=${NOW / 1_000 - 60 + second}`)
const place = (second: number) =>
  JSON.stringify({ _type: 'location', lat: 41.6, lon: -87.3, tst: NOW / 1_000 - 60 + second })
const owntracks = ({ identity }: { identity: string }, second: number) => {
  const [, user, device] = identity.split('/')
  return fetch(`${url}/v1/owntracks`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-limit-u': user!, 'x-limit-d': device! },
    body: place(second),
  })
}
/** What a fleet of two requests a second has saved up. */
async function spend(device: { identity: string }): Promise<void> {
  for (const second of [0, 1]) assert.equal((await osmand(device, second)).status, 200)
}

describe('a fleet over its total', () => {
  test('over HTTP is told to come again: 503, which no app throws a message away for, and nothing is lost', async () => {
    const [traccar, own] = await fleetOf('osmand', 'owntracks')
    const [other] = await fleetOf('osmand')
    const before = [await refused('osmand'), await refused('owntracks')]
    await spend(traccar!)
    for (const answer of [await osmand(traccar!, 2), await owntracks(own!, 2)]) {
      assert.equal(answer.status, 503)
      assert.equal(answer.headers.get('retry-after'), '2')
      assert.match(await answer.text(), /"code":"too-often".*of this fleet/)
    }
    assert.deepEqual([await refused('osmand'), await refused('owntracks')], [before[0]! + 1, before[1]! + 1])
    assert.equal((await osmand(other!, 0)).status, 200)
    clock += 1_000
    assert.equal((await osmand(traccar!, 2)).status, 200)
    assert.equal((await owntracks(own!, 2)).status, 200)
    assert.deepEqual([await stored(traccar!), await stored(own!)], [3, 1])
  })

  test('by TCP waits unacknowledged on its connection, and a frame that it sends again is acknowledged once', async () => {
    const [spender, device] = await fleetOf('osmand', 'teltonika')
    const tracker = await Tracker.login(listener.port, device!.identity)
    await spend(spender!)
    const before = await slowed('teltonika')
    const frame = encodeFrame('8', [record(0), record(1)])
    tracker.socket.write(frame)
    await until('that it waits', async () => (await slowed('teltonika')) === before + 1)
    tracker.socket.write(frame)
    assert.deepEqual([tracker.heard, await stored(device!)], ['', 0])
    clock += 1_000
    await tracker.hears('00000002')
    tracker.socket.write(encodeFrame('8', [record(2)]))
    await tracker.hears('00000001')
    assert.equal(await stored(device!), 3)
    assert.equal(tracker.closed, false)
    tracker.socket.destroy()
  })

  test('by UDP is not answered, and is when it sends the packet again', async () => {
    const [spender, device] = await fleetOf('osmand', 'teltonika')
    await spend(spender!)
    const before = await refused('teltonika')
    const packet = encodeDatagram({ imei: device!.identity, packetId: 5, avlPacketId: 1 }, '8', [record(0)])
    const socket = createSocket('udp4')
    let answers = 0
    socket.on('message', () => answers++)
    socket.send(packet, listener.port, '127.0.0.1')
    await until('that it is not taken', async () => (await refused('teltonika')) === before + 1)
    assert.equal(await stored(device!), 0)
    clock += 1_000
    assert.match(await answerToDatagram(listener.port, packet), /01$/)
    assert.equal(await stored(device!), 1)
    assert.equal(answers, 0)
    socket.close()
  })

  test('by MQTT waits unacknowledged, all of it together, and another fleet of the broker goes on', async () => {
    const [spender, first, second] = await fleetOf('osmand', 'mqtt', 'mqtt')
    const [other] = await fleetOf('mqtt')
    await spend(spender!)
    const before = await slowed('mqtt')
    for (const [device, at] of [
      [first, 0],
      [first, 1],
      [second, 0],
    ] as const)
      await phone.publishAsync(device!.identity, place(at), { qos: 1 })
    await phone.publishAsync(other!.identity, place(0), { qos: 1 })
    await until('the other fleet', async () => (await stored(other!)) === 1)
    assert.deepEqual([await stored(first!), await stored(second!)], [0, 0])
    assert.equal(await slowed('mqtt'), before + 1)
    clock += 500
    // What one device said while it waited is one more request.
    await until('what waited', async () => (await stored(first!)) >= 1 && (await stored(second!)) === 1)
    clock += 500
    await until('the rest', async () => (await stored(first!)) === 2)
  })

  test('what waits when the server stops is not acknowledged, and the next process stores it', async () => {
    const [spender, device] = await fleetOf('osmand', 'mqtt')
    await spend(spender!)
    const before = await slowed('mqtt')
    await phone.publishAsync(device!.identity, place(0), { qos: 1 })
    await until('that it waits', async () => (await slowed('mqtt')) === before + 1)
    await mqtt.close()
    assert.equal(await stored(device!), 0)
    clock += 1_000
    mqtt = subscribeMqtt(intake, { url: broker.url, clientId: 'restline', topic: 'owntracks/+/+' })
    await until('it comes again', async () => (await stored(device!)) === 1)
  })
})

test('a device over its own rate is held for a moment and then told so, and its fleet goes on', async () => {
  const own = intakeOf(pool, () => clock, { ...limits, requestsPerSecond: 10, burst: 2 })
  const itsDoor = createDoor(own)
  const itsServer = boundedServer((req, res) => void itsDoor.handle(req, res))
  const at = await listening(itsServer)
  const [device, other] = await fleetOf('osmand', 'osmand')
  const say = ({ identity }: { identity: string }, second: number) =>
    fetch(`${at}/v1/osmand?id=${identity}&lat=41.6&lon=-87.3&timestamp=${NOW / 1_000 - 60 + second}`)
  const held = () => metric('restline_ingest_slowed_total', { protocol: 'osmand', reason: 'device-rate' })
  const before = [await held(), await refused('osmand', 'device-rate')]
  for (const second of [0, 1]) assert.equal((await say(device!, second)).status, 200)
  const third = say(device!, 2)
  await until('that it is held', async () => (await held()) === before[0]! + 1)
  assert.equal((await say(other!, 0)).status, 200)
  clock += 100
  assert.equal((await third).status, 200)
  // Time stands still: there is no room for another.
  assert.equal((await say(device!, 3)).status, 503)
  assert.equal(await refused('osmand', 'device-rate'), before[1]! + 1)
  clock += 100
  assert.equal((await say(device!, 3)).status, 200)
  itsServer.closeAllConnections()
  itsServer.close()
})
