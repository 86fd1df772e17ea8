import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { ensurePartitions } from '../db/partitions.ts'
import { testDatabase } from '../db/testing.ts'
import { AppError } from '../errors.ts'
import { emptyReading, type Reading } from '../ingest/reading.ts'
import { activityOf } from '../ingest/status.ts'
import { intakeOf, noteRefused, senderOf, takeReadings } from '../ingest/take.ts'
import { TestFleet } from '../logs/fleet.testing.ts'
import { HOUR, MINUTE, SECOND } from '../time/instant.ts'
import { DeviceWatch } from './device-watch.ts'
import {
  endDevice,
  enrolDevice,
  getDevice,
  getSignal,
  giveToken,
  listDevices,
  listUnknown,
} from './devices.ts'
import { type DeviceMessage, EnrolInput, identityFault, isImei } from './devices-schema.ts'

const { pool } = await testDatabase()
const NOW = Date.now()
await ensurePartitions(pool, NOW)
const ours = await TestFleet.make(pool, NOW - HOUR, { trucks: 2 })
const theirs = await TestFleet.make(pool, NOW - HOUR, { trucks: 1 })
const activity = activityOf(pool)
const intake = intakeOf(pool, () => NOW)
const listening = activity.listen(() => intake.directory.forget())
after(() => listening.close())

const by = (fleet: TestFleet) => ({
  fleetId: fleet.id,
  actor: { kind: 'person', id: 'u', name: 'Ines' } as const,
  at: NOW,
})
const IMEI = '356307042441013'
const inputOf = (fleet: TestFleet, more: object): Required<EnrolInput> => {
  const base = { vehicleId: fleet.trucks[0]!.vehicleId, name: 'tracker', protocol: 'teltonika' }
  return EnrolInput.parse({ ...base, ...more })
}
const arrival = (raw: string, receivedAt = NOW) => ({
  protocol: 'teltonika' as const,
  address: '192.0.2.7',
  raw: Buffer.from(raw),
  receivedAt,
  from: performance.now(),
})
const reading = (more: Partial<Reading> = {}): Reading => ({
  ...emptyReading(),
  fixAt: NOW - SECOND,
  latitude: 41.6,
  longitude: -87.3,
  ...more,
})

async function until<T>(read: () => Promise<T>, done: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await read()
    if (done(value)) return value
    await new Promise((resolve) => setImmediate(resolve))
  }
}

describe('identities', () => {
  test('an IMEI has 15 digits, and the last one checks the others', () => {
    assert.ok(isImei(IMEI))
    for (let i = 0; i < 15; i++) {
      for (let digit = 0; digit < 10; digit++) {
        const changed = IMEI.slice(0, i) + digit + IMEI.slice(i + 1)
        assert.equal(isImei(changed), changed === IMEI, changed)
      }
    }
    assert.equal(isImei(IMEI.slice(1)), false)
  })

  test('each protocol asks for its own kind of identity, and says what is wrong', () => {
    assert.equal(identityFault('teltonika', IMEI), null)
    assert.match(identityFault('teltonika', '356307042441014')!, /check digit/)
    assert.match(identityFault('teltonika', '12')!, /15 digits/)
    assert.equal(identityFault('owntracks', 'owntracks/jane/phone'), null)
    assert.equal(identityFault('owntracks', 'JP'), null)
    assert.match(identityFault('owntracks', 'jane doe')!, /topic/)
    assert.equal(identityFault('osmand', '123456'), null)
    assert.match(identityFault('osmand', 'a b')!, /no spaces/)
    assert.equal(identityFault('json', ''), null)
    assert.match(identityFault('json', 'x')!, /no other identity/)
  })
})

describe('devices of a fleet', () => {
  test('who knocks is listed, is enrolled from there, and may report at once', async () => {
    assert.equal(await senderOf(intake, arrival(''), IMEI), null)
    assert.equal(await senderOf(intake, arrival(''), IMEI), null)
    await activity.flush()
    const seen = await listUnknown(pool, ours.id, IMEI, NOW)
    assert.deepEqual(
      seen.map(({ identity, address, reason, attempts }) => ({ identity, address, reason, attempts })),
      [{ identity: IMEI, address: '192.0.2.7', reason: 'unknown', attempts: 2 }],
    )
    // Several fleets share this database: whom neither address nor the whole identity names is not shown.
    assert.deepEqual(await listUnknown(pool, ours.id, undefined, NOW), [])

    const { id } = await enrolDevice(pool, by(ours), inputOf(ours, { identity: IMEI }))
    assert.deepEqual(await listUnknown(pool, ours.id, IMEI, NOW), [])
    const sender = await until(
      () => senderOf(intake, arrival(''), IMEI),
      (found) => found !== null,
    )
    assert.equal(sender!.device.deviceId, id)

    await assert.rejects(
      enrolDevice(pool, by(theirs), inputOf(theirs, { identity: IMEI })),
      (error) => error instanceof AppError && error.code === 'conflict',
    )
    await assert.rejects(
      enrolDevice(pool, by(ours), inputOf(theirs, { identity: '490154203237518', name: 'stolen' })),
      (error) => error instanceof AppError && error.code === 'not-found' && error.field === 'vehicleId',
    )
  })

  test('connection and work are apart, reasons are counted, and another fleet sees none of it', async () => {
    const sender = (await senderOf(intake, arrival(''), IMEI))!
    const { deviceId } = sender.device
    await takeReadings(
      intake,
      sender,
      [reading({ valid: false, latitude: null, longitude: null })],
      arrival('no fix'),
    )
    await takeReadings(intake, sender, [reading({ fixAt: NOW + HOUR })], arrival('ahead'))
    await activity.flush()
    const [before] = (await listDevices(pool, ours.id, undefined, NOW)).rows.filter(
      ({ id }) => id === deviceId,
    )
    assert.equal(before!.validAt, null)
    assert.equal(before!.doubt, 'future')
    assert.equal(before!.clockOffsetMs, HOUR)
    assert.equal(before!.seenAt, NOW)

    await takeReadings(intake, sender, [reading(), reading({ latitude: 0, longitude: 0 })], arrival('good'))
    await noteRefused(intake, arrival('\0\x01'), sender.device, 'The CRC is 1d0e, not 1d0f.')
    await activity.flush()
    const device = await getDevice(pool, ours.id, deviceId)
    assert.equal(device.validAt, NOW)
    assert.equal(device.refusal, 'The CRC is 1d0e, not 1d0f.')
    assert.deepEqual(device.reasons.map(({ kind, reason, count }) => `${kind} ${reason} ${count}`).sort(), [
      'doubtful future 1',
      'doubtful no-fix 1',
      'doubtful zero-fix 1',
      'refused The CRC is 1d0e, not 1d0f. 1',
    ])
    assert.equal(device.received, 5)
    assert.equal(device.stored, 4)
    assert.equal(device.refused, 1)
    assert.equal(device.messages[0]!.refusal, 'The CRC is 1d0e, not 1d0f.')
    assert.equal(device.messages[0]!.raw, '0001')

    for (const read of [
      () => getDevice(pool, theirs.id, deviceId),
      () => getSignal(pool, theirs.id, deviceId, NOW),
      () => giveToken(pool, by(theirs), deviceId),
      () => endDevice(pool, by(theirs), deviceId),
    ]) {
      await assert.rejects(read, (error) => error instanceof AppError && error.code === 'not-found')
    }
    assert.ok((await listDevices(pool, theirs.id, undefined, NOW)).rows.every(({ id }) => id !== deviceId))
  })

  test('a change is in the list of changes, what did not change is not', async () => {
    const later = Date.now() + HOUR
    const none = await listDevices(pool, ours.id, later, later)
    assert.deepEqual(none.rows, [])
    const some = await listDevices(pool, ours.id, NOW, NOW)
    assert.ok(some.rows.some(({ identity }) => identity === IMEI))
  })

  test('the ribbon counts by five minutes and names the gaps', async () => {
    const sender = (await senderOf(intake, arrival(''), IMEI))!
    const at = [-5 * HOUR, -5 * HOUR + MINUTE, -2 * HOUR].map((ms) => reading({ fixAt: NOW + ms }))
    await takeReadings(intake, sender, at, arrival('backlog', NOW + 11 * SECOND))
    const signal = await getSignal(pool, ours.id, sender.device.deviceId, NOW)
    assert.equal(signal.counted.length, 288)
    const sum = (counts: number[]) => counts.reduce((total, count) => total + count, 0)
    assert.equal(sum(signal.counted), 4)
    assert.equal(sum(signal.doubtful), 2)
    const second = (ms: number) => Math.floor((NOW + ms) / SECOND) * SECOND
    assert.deepEqual(signal.gaps[0], { from: second(-5 * HOUR + MINUTE), until: second(-2 * HOUR) })
  })

  test('a watcher gets what is kept, then each message within a second, until it leaves', async () => {
    const sender = (await senderOf(intake, arrival(''), IMEI))!
    const watch = new DeviceWatch(pool)
    const leaving = new AbortController()
    const messages = watch.watch({
      fleetId: ours.id,
      deviceId: sender.device.deviceId,
      after: 0,
      signal: leaving.signal,
      isAllowed: async () => true,
    })
    const seen: DeviceMessage[] = []
    const next = async () => {
      const { value } = await messages.next()
      seen.push(value as DeviceMessage)
      return value as DeviceMessage
    }
    // What was held in memory is written down because somebody looks.
    assert.equal((await messages.next()).value, null)
    await until(next, ({ raw }) => raw === Buffer.from('backlog').toString('hex'))
    // The soonest of them: what else the machine does only adds.
    let soonestMs = Number.POSITIVE_INFINITY
    for (let i = 0; i < 5; i++) {
      const sentAt = performance.now()
      const coming = next()
      await takeReadings(intake, sender, [reading({ fixAt: NOW - i * MINUTE })], arrival(`live ${i}`))
      const message = await coming
      assert.equal(message.raw, Buffer.from(`live ${i}`).toString('hex'))
      soonestMs = Math.min(soonestMs, performance.now() - sentAt)
      assert.deepEqual(message.readings[0]!.doubts, [])
      assert.equal(message.readings[0]!.latitude, 41.6)
    }
    assert.ok(soonestMs < 1_000, `${soonestMs} ms`)
    assert.equal(new Set(seen.map(({ id }) => id)).size, seen.length)
    assert.equal(watch.watchers, 1)
    const end = messages.next()
    leaving.abort()
    assert.equal((await end).done, true)
    assert.equal(watch.watchers, 0)
    const { rows } = await pool.query('select count(*) from device_messages where device_id = $1', [
      sender.device.deviceId,
    ])
    assert.ok(rows[0].count <= 20)
  })

  test('a watch of another fleet’s device, or of one who is no longer in, ends', async () => {
    const { deviceId } = (await senderOf(intake, arrival(''), IMEI))!.device
    const watch = new DeviceWatch(pool, 20)
    const start = async (fleetId: number, isAllowed: () => Promise<boolean>) => {
      const after = Number.MAX_SAFE_INTEGER
      for await (const message of watch.watch({ fleetId, deviceId, after, signal: undefined, isAllowed }))
        assert.equal(message, null)
    }
    await assert.rejects(
      start(theirs.id, async () => true),
      (error) => error instanceof AppError && error.code === 'not-found',
    )
    await assert.rejects(
      start(ours.id, async () => false),
      (error) => error instanceof AppError && error.code === 'unauthenticated',
    )
    assert.equal(watch.watchers, 0)
  })

  test('a token in an address is not shown to anybody', async () => {
    const { id, token } = await enrolDevice(
      pool,
      by(ours),
      inputOf(ours, { protocol: 'osmand', identity: 'phone-1', name: 'phone' }),
    )
    const from = { ...arrival(`/v1/osmand/${token}?id=phone-1&lat=1`), protocol: 'osmand' as const }
    const sender = await until(
      () => senderOf(intake, from, 'phone-1', { authorization: `Bearer ${token}` }),
      (found) => found !== null,
    )
    await noteRefused(intake, from, sender!.device, 'lon must be a number')
    await activity.flush()
    const { messages } = await getDevice(pool, ours.id, id)
    assert.equal(messages[0]!.raw, '/v1/osmand/fdt_…?id=phone-1&lat=1')
  })

  test('a new token ends the old one; a revoked tracker may not report, and can be enrolled on another truck', async () => {
    const { id, token } = await enrolDevice(
      pool,
      by(ours),
      inputOf(ours, { protocol: 'json', identity: '', name: 'laptop' }),
    )
    const devices = intakeOf(pool, Date.now).devices
    assert.equal((await devices.authenticate(`Bearer ${token}`)).deviceId, id)
    const renewed = await giveToken(pool, by(ours), id)
    assert.notEqual(renewed.token, token)
    await assert.rejects(devices.authenticate(`Bearer ${token}`), AppError)
    assert.equal((await devices.authenticate(`Bearer ${renewed.token}`)).deviceId, id)
    await endDevice(pool, by(ours), id)
    await assert.rejects(devices.authenticate(`Bearer ${renewed.token}`), AppError)

    const old = (await senderOf(intake, arrival(''), IMEI))!.device.deviceId
    await endDevice(pool, by(ours), old)
    await until(
      () => senderOf(intake, arrival(''), IMEI),
      (found) => found === null,
    )
    const again = await enrolDevice(
      pool,
      by(ours),
      inputOf(ours, { identity: IMEI, vehicleId: ours.trucks[1]!.vehicleId, name: 'tracker 2' }),
    )
    assert.notEqual(again.id, old)
    assert.equal((await getDevice(pool, ours.id, old)).identity, null)
    const deeds = await pool.query(
      `select action, object_id as id, actor_name as who, before from audit_log where fleet_id = $1 and object_id = $2`,
      [ours.id, String(old)],
    )
    assert.deepEqual(deeds.rows, [
      { action: 'device.enrolled', id: String(old), who: 'Ines', before: null },
      { action: 'device.revoked', id: String(old), who: 'Ines', before: { name: 'tracker', identity: IMEI } },
    ])
  })
})
