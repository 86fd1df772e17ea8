import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import { after, before, describe, test } from 'node:test'
import type { EnrolledDevice } from '../../auth/device.ts'
import { createPool } from '../../db/pool.ts'
import { testDatabase } from '../../db/testing.ts'
import { answerToDatagram, enrolFleet, metric, storedOf, Tracker, until } from '../doors.testing.ts'
import { FUTURE, NO_FIX, namedDoubts, OPEN_IDENTITY, PAST, REPAIRED_ROLLOVER, ZERO_FIX } from '../judge.ts'
import { type Intake, intakeOf } from '../take.ts'
import { type AvlRecord, encodeAvl, encodeFrame } from './codec.ts'
import { crc16 } from './crc.ts'
import { encodeDatagram } from './datagram.ts'
import { listenTeltonika, type TeltonikaListener } from './listener.ts'
import { encodeLogin } from './stream.ts'

const { pool, url } = await testDatabase()
const NOW = Date.UTC(2026, 10, 23, 12)
const intake = intakeOf(pool, () => NOW)
let listener: TeltonikaListener
before(async () => {
  listener = await listenTeltonika(intake, 0, '127.0.0.1')
})
after(() => listener.close())

let imeis = 352_093_080_000_000
/** A tracker that may report by its IMEI. */
async function enrol(open = true): Promise<EnrolledDevice & { imei: string }> {
  const imei = String(++imeis)
  const [device] = await enrolFleet(pool, [{ name: imei, protocol: 'teltonika', identity: imei, open }])
  intake.directory.forget()
  return { ...device!, imei }
}

const record = (second: number, more: Partial<AvlRecord> = {}): AvlRecord => ({
  fixAt: NOW - 60_000 + second * 1_000,
  latitude: 54.6871555,
  longitude: -25.2796514,
  altitudeMeters: -12,
  headingDegrees: 214,
  speedKph: 83,
  satellites: 11,
  io: { 239: '01' },
  ...more,
})
const OPEN = OPEN_IDENTITY | 3
async function alarmsOf(deviceId: number): Promise<[string, number][]> {
  const { rows } = await pool.query<{ kind: string; count: number }>(
    'select kind, count from device_alarms where device_id = $1 order by kind',
    [deviceId],
  )
  return rows.map(({ kind, count }) => [kind, count])
}
const refusals = (reason: string) =>
  metric('restline_ingest_refusals_total', { protocol: 'teltonika', reason })

describe('a tracker over TCP', () => {
  test('is acknowledged with the count, after its records can be read by others', async () => {
    const device = await enrol()
    const tracker = await Tracker.login(listener.port, device.imei)
    tracker.socket.write(encodeFrame('8E', [record(0), record(1), record(2)]))
    await tracker.hears('00000003')
    assert.deepEqual(
      (await storedOf(pool, device)).map(
        ({ fixAt, latitudeE7, longitudeE7, speedCkph, altitudeM, flags }) => [
          (fixAt - NOW) / 1_000 + 60,
          latitudeE7,
          longitudeE7,
          speedCkph,
          altitudeM,
          flags,
        ],
      ),
      [0, 1, 2].map((second) => [second, 546_871_555, -252_796_514, 8_300, -12, OPEN]),
    )
    tracker.socket.destroy()
  })

  test('sends the same frame again and is acknowledged again; it is stored once', async () => {
    const device = await enrol()
    const frame = encodeFrame('8', [record(0), record(1)])
    for (let time = 0; time < 2; time++) {
      const tracker = await Tracker.login(listener.port, device.imei)
      tracker.socket.write(frame)
      await tracker.hears('00000002')
      tracker.socket.write(frame)
      await tracker.hears('00000002')
      tracker.socket.destroy()
    }
    assert.equal((await storedOf(pool, device)).length, 2)
  })

  test('may be cut anywhere, ping between frames and say who it is twice', async () => {
    const device = await enrol()
    const bytes = Buffer.concat([
      encodeLogin(device.imei),
      Buffer.from([0xff]),
      encodeFrame('16', [record(0)]),
      Buffer.from([0xff]),
      encodeLogin(device.imei),
      encodeFrame('8', [record(1), record(2)]),
      Buffer.from([0xff, 0xff]),
    ])
    const tracker = new Tracker(listener.port)
    for (const byte of bytes) {
      tracker.socket.write(Buffer.from([byte]))
      await new Promise((resolve) => setImmediate(resolve))
    }
    await tracker.hears('010000000101'.concat('00000002'))
    assert.equal((await storedOf(pool, device)).length, 3)
    tracker.socket.destroy()
  })

  test('that nobody enrolled is refused, counted, and listed with time and address', async () => {
    const imei = String(++imeis)
    const before = await refusals('unknown')
    for (let time = 0; time < 3; time++) {
      const tracker = new Tracker(listener.port)
      tracker.socket.write(Buffer.concat([encodeLogin(imei), encodeFrame('8', [record(0)])]))
      await tracker.ends()
      assert.equal(tracker.heard, '00')
    }
    await intake.activity.flush()
    const { rows } = await pool.query(
      `select reason, address, attempts, seen_at from unknown_devices where protocol = 'teltonika' and identity = $1`,
      [imei],
    )
    assert.deepEqual(rows, [{ reason: 'unknown', address: '127.0.0.1', attempts: 3, seen_at: NOW }])
    assert.equal((await refusals('unknown')) - before, 3)
    assert.equal((await pool.query('select 1 from devices where identity = $1', [imei])).rowCount, 0)
  })

  test('whose IMEI alone proves nothing to the fleet is refused', async () => {
    const { imei } = await enrol(false)
    const tracker = new Tracker(listener.port)
    tracker.socket.write(encodeLogin(imei))
    await tracker.ends()
    assert.equal(tracker.heard, '00')
  })

  test('bound to networks is refused from elsewhere, by TCP and by UDP', async () => {
    const device = await enrol()
    const bind = async (networks: string) => {
      await pool.query('update devices set token_sources = $2 where id = $1', [device.id, [networks]])
      intake.directory.forget()
    }
    await bind('10.20.0.0/16')
    const before = await refusals('elsewhere')
    const tracker = new Tracker(listener.port)
    tracker.socket.write(encodeLogin(device.imei))
    await tracker.ends()
    assert.equal(tracker.heard, '00')
    const packet = encodeDatagram({ imei: device.imei, packetId: 1, avlPacketId: 1 }, '8', [record(0)])
    const socket = createSocket('udp4')
    socket.send(packet, listener.port, '127.0.0.1')
    await until('the second refusal', async () => (await refusals('elsewhere')) - before === 2)
    socket.close()
    assert.deepEqual(await storedOf(pool, device), [])
    await bind('127.0.0.0/8')
    assert.equal(await answerToDatagram(listener.port, packet), '00050001010101')
  })

  test('that is revoked, or whose IMEI is another device’s now, is not heard any more on the connection that it has', async () => {
    const [gone, moved] = [await enrol(), await enrol()]
    const trackers = [
      await Tracker.login(listener.port, gone.imei),
      await Tracker.login(listener.port, moved.imei),
    ]
    const heard = async () => [(await storedOf(pool, gone)).length, (await storedOf(pool, moved)).length]
    for (const { socket } of trackers) socket.write(encodeFrame('8', [record(0)]))
    for (const tracker of trackers) await tracker.hears('00000001')
    await pool.query('update devices set revoked_at = now() where id = $1', [gone.id])
    await pool.query('update devices set identity = null where id = $1', [moved.id])
    const [heir] = await enrolFleet(pool, [
      { name: 'heir', protocol: 'teltonika', identity: moved.imei, open: true },
    ])
    intake.directory.forget()
    for (const { socket } of trackers) socket.write(encodeFrame('8', [record(1)]))
    for (const tracker of trackers) {
      await tracker.ends()
      assert.equal(tracker.heard, '')
    }
    assert.deepEqual(await heard(), [1, 1])
    // It comes again, as the device that it is now.
    const again = await Tracker.login(listener.port, moved.imei)
    again.socket.write(encodeFrame('8', [record(1)]))
    await again.hears('00000001')
    assert.deepEqual([(await storedOf(pool, heir!)).length, ...(await heard())], [1, 1, 1])
    again.socket.destroy()
  })

  test('with a bad record in a good frame: the record is kept aside, the frame acknowledged', async () => {
    const device = await enrol()
    const tracker = await Tracker.login(listener.port, device.imei)
    const rollover = 1024 * 7 * 86_400_000
    tracker.socket.write(
      encodeFrame('8E', [
        record(0),
        record(1, { latitude: 100 }),
        record(2, { satellites: 0, latitude: 0, longitude: 0 }),
        record(3, { fixAt: Date.UTC(1970, 0, 1) }),
        record(4, { fixAt: Date.UTC(2090, 0, 1) }),
        record(5, { fixAt: NOW - 30_000 - rollover }),
      ]),
    )
    await tracker.hears('00000006')
    const stored = await storedOf(pool, device)
    assert.equal(stored.length, 6)
    assert.deepEqual(
      stored.map(({ flags }) => flags & ~OPEN).sort((a, b) => a - b),
      [0, REPAIRED_ROLLOVER, FUTURE, PAST, NO_FIX, NO_FIX | ZERO_FIX].sort((a, b) => a - b),
    )
    assert.equal(stored.filter(({ fixAt }) => fixAt === NOW - 30_000).length, 1)
    // The installer sees how often, by reason.
    await intake.activity.flush()
    const { rows } = await pool.query(
      'select reason, count from device_reasons where device_id = $1 order by reason',
      [device.id],
    )
    assert.deepEqual(rows, [
      { reason: 'future', count: 1 },
      { reason: 'no-fix', count: 2 },
      { reason: 'past', count: 1 },
      { reason: 'rollover-repaired', count: 1 },
      { reason: 'zero-fix', count: 1 },
    ])
    tracker.socket.destroy()
  })

  test('is not acknowledged for a wrong CRC, a wrong count, an unknown codec, a command; the next frame is taken', async () => {
    const device = await enrol()
    const good = encodeFrame('8', [record(0)])
    const crc = Buffer.from(good)
    crc[crc.length - 1]! ^= 1
    const data = encodeAvl('8', [record(0)])
    const framed = (inside: Buffer) => {
      const frame = Buffer.concat([Buffer.alloc(8), inside, Buffer.alloc(4)])
      frame.writeUInt32BE(inside.length, 4)
      frame.writeUInt32BE(crc16(inside), frame.length - 4)
      return frame
    }
    const changed = (at: number, to: number) => {
      const copy = Buffer.from(data)
      copy[at < 0 ? copy.length + at : at] = to
      return framed(copy)
    }
    const before = await Promise.all(['crc', 'count', 'codec'].map(refusals))
    const tracker = await Tracker.login(listener.port, device.imei)
    const command = framed(Buffer.from('0c010600000004'.concat('70696e67', '01'), 'hex'))
    tracker.socket.write(
      Buffer.concat([crc, changed(-1, 2), changed(0, 0x07), command, encodeFrame('8', [record(7)])]),
    )
    await tracker.hears('00000001')
    const counted = await Promise.all(['crc', 'count', 'codec'].map(refusals))
    assert.deepEqual(
      counted.map((count, i) => count - before[i]!),
      [1, 1, 1],
    )
    assert.equal((await storedOf(pool, device)).length, 1)
    tracker.socket.destroy()
  })

  test('with records that can not be so is acknowledged, and all that it said is kept with what is doubted', async () => {
    const device = await enrol()
    const tracker = await Tracker.login(listener.port, device.imei)
    const said = record(0)
    const records = [
      { ...said, fixAt: 1_000, longitude: 190 },
      { ...said, speedKph: 65_535 },
      { ...said, fixAt: 2 ** 53 },
    ]
    tracker.socket.write(encodeFrame('8', records))
    await tracker.hears('00000003')
    const kept = (await storedOf(pool, device)).map(({ latitudeE7, speedCkph, flags, attributes }) => ({
      hasPlace: latitudeE7 !== null,
      speedCkph,
      doubts: namedDoubts(flags),
      outOfRange: attributes!.outOfRange,
    }))
    const speedCkph = said.speedKph * 100
    assert.deepEqual(kept, [
      {
        hasPlace: false,
        speedCkph,
        doubts: ['past', 'no-fix'],
        outOfRange: { longitude: 190, fixAt: 1_000 },
      },
      { hasPlace: true, speedCkph: null, doubts: ['implausible-speed'], outOfRange: { speedKph: 65_535 } },
      { hasPlace: true, speedCkph, doubts: ['future'], outOfRange: { fixAt: 2 ** 53 } },
    ])
    tracker.socket.destroy()
  })

  test('that reports in panic calls for help, once however often the frame comes', async () => {
    const device = await enrol()
    const tracker = await Tracker.login(listener.port, device.imei)
    tracker.socket.write(encodeFrame('8', [record(0), record(1, { priority: 1 })]))
    await tracker.hears('00000002')
    const frame = encodeFrame('8', [record(2), record(3, { priority: 2 })])
    tracker.socket.write(Buffer.concat([frame, frame]))
    await tracker.hears('0000000200000002')
    tracker.socket.destroy()
    await intake.activity.flush()
    const { rows } = await pool.query('select kind, count, detail from device_alarms where device_id = $1', [
      device.id,
    ])
    assert.deepEqual(rows, [
      {
        kind: 'sos',
        count: 1,
        detail: 'It was called for at 2026-11-23 11:59 UTC, at 54.68716, -25.27965.',
      },
    ])
  })

  test('with a login that is none is refused like a stranger, and what is no login gets no word', async () => {
    for (const [bytes, code, reply] of [
      ['\0\x0f35209308145225-', 'imei', '00'],
      ['\0\x0e35209308145225', 'imei', '00'],
      ['\0\x103520930814522511', 'imei', '00'],
      ['GET / HTTP/1.1\r\n\r\n', 'preamble', ''],
    ] as const) {
      const before = await refusals(code)
      const tracker = new Tracker(listener.port)
      tracker.socket.write(Buffer.from(bytes, 'latin1'))
      await tracker.ends()
      assert.deepEqual([tracker.heard, (await refusals(code)) - before], [reply, 1], bytes)
    }
  })

  test('that declares four gigabytes, or no frame at all, is cut off', async () => {
    const device = await enrol()
    for (const [hex, code] of [
      ['00000000ffffffff08', 'length'],
      ['0000000000010001', 'length'],
      ['474554202f20485454', 'preamble'],
    ] as const) {
      const before = await refusals(code)
      const tracker = await Tracker.login(listener.port, device.imei)
      tracker.socket.write(Buffer.from(hex, 'hex'))
      await tracker.ends()
      assert.deepEqual([tracker.heard, (await refusals(code)) - before], ['', 1])
    }
    assert.deepEqual(await storedOf(pool, device), [])
  })

  test('that connects again replaces its older connection', async () => {
    const device = await enrol()
    const older = await Tracker.login(listener.port, device.imei)
    const newer = await Tracker.login(listener.port, device.imei)
    await older.ends()
    newer.socket.write(encodeFrame('8', [record(0)]))
    await newer.hears('00000001')
    newer.socket.destroy()
    await newer.ends()
    const third = await Tracker.login(listener.port, device.imei)
    third.socket.write(encodeFrame('8', [record(1)]))
    await third.hears('00000001')
    third.socket.destroy()
  })

  test('with whose IMEI another one is connected raises an alarm; a link that is only half open raises none', async () => {
    const [doubled, halfOpen] = [await enrol(), await enrol()]
    // It says nothing to the end of its connection, as a link whose other side is gone.
    const gone = connect({ port: listener.port, host: '127.0.0.1', allowHalfOpen: true })
    gone.on('error', () => undefined)
    gone.write(Buffer.concat([encodeLogin(halfOpen.imei), encodeFrame('8', [record(0)])]))
    await until('its receipt', async () => (await storedOf(pool, halfOpen)).length === 1)
    const back = await Tracker.login(listener.port, halfOpen.imei)
    back.socket.write(encodeFrame('8', [record(1)]))
    await back.hears('00000001')

    for (let time = 0; time < 3; time++) {
      const older = await Tracker.login(listener.port, doubled.imei)
      const newer = await Tracker.login(listener.port, doubled.imei)
      await older.ends()
      newer.socket.destroy()
      await newer.ends()
    }
    await until('the alarm', async () => {
      await intake.activity.flush()
      return (await alarmsOf(doubled.id)).some(([, count]) => count === 3)
    })
    assert.deepEqual(await alarmsOf(doubled.id), [['two-trackers', 3]])
    assert.deepEqual(await alarmsOf(halfOpen.id), [])
    gone.destroy()
    back.socket.destroy()
  })

  test('that connects to another process is replaced in this one, and an older word of that changes nothing', async (t) => {
    const elsewherePool = createPool(url)
    const elsewhere = intakeOf(elsewherePool, () => NOW + 1_000)
    const other = await listenTeltonika(elsewhere, 0, '127.0.0.1')
    const heard = intake.activity.listen(() => undefined)
    t.after(async () => {
      await heard.close()
      await other.close()
      await elsewhere.activity.flush()
      await elsewherePool.end()
    })
    // What was said before this process listened is not heard.
    await until('it listens', async () => {
      const { rows } = await pool.query(
        `select from pg_stat_activity where datname = current_database() and query ilike 'listen%restline_devices%'`,
      )
      return rows.length > 0
    })
    const device = await enrol()
    const older = await Tracker.login(listener.port, device.imei)
    const newer = await Tracker.login(other.port, device.imei)
    // The first one's word comes late, and the second one's connection is the newer all the same.
    await elsewhere.activity.flush()
    await older.ends()
    await intake.activity.flush()
    newer.socket.write(encodeFrame('8', [record(0)]))
    await newer.hears('00000001')
    await until('the alarm', async () => {
      await intake.activity.flush()
      return (await alarmsOf(device.id)).length > 0
    })
    assert.deepEqual(await alarmsOf(device.id), [['two-trackers', 1]])
    const { rows } = await pool.query<{ detail: string }>(
      'select detail from device_alarms where device_id = $1',
      [device.id],
    )
    assert.equal(
      rows[0]!.detail,
      `Both were connected with IMEI ${device.imei}, from 127.0.0.1 and 127.0.0.1.`,
    )
    newer.socket.destroy()
  })

  test('that says to be another one on the same connection, or sends what can’t be read, raises an alarm', async () => {
    const [device, claimed] = [await enrol(), await enrol()]
    const wrong = encodeFrame('8', [record(0)])
    wrong[wrong.length - 1]! ^= 1
    const tracker = await Tracker.login(listener.port, device.imei)
    tracker.socket.write(Buffer.concat([wrong, wrong, encodeLogin(device.imei), encodeLogin(claimed.imei)]))
    await tracker.hears('0101')
    tracker.socket.destroy()
    await intake.activity.flush()
    assert.deepEqual(await alarmsOf(device.id), [['bad-frames', 2]])
    assert.deepEqual(await alarmsOf(claimed.id), [['foreign-identity', 1]])
  })

  test('is told nothing while the database is away, and is taken when it is back', async () => {
    const device = await enrol()
    // Its pool is there; who the device is, it knows from before.
    const away = createPool('postgresql://nobody@127.0.0.1:1/none')
    const blind: Intake = { ...intakeOf(away, () => NOW), directory: intake.directory }
    const other = await listenTeltonika(blind, 0, '127.0.0.1')
    const frame = encodeFrame('8', [record(0)])
    await intake.directory.find('teltonika', device.imei)
    const tracker = await Tracker.login(other.port, device.imei)
    tracker.socket.write(frame)
    await tracker.ends()
    assert.equal(tracker.heard, '')
    await other.close()
    await away.end()
    const again = await Tracker.login(listener.port, device.imei)
    again.socket.write(frame)
    await again.hears('00000001')
    assert.equal((await storedOf(pool, device)).length, 1)
    again.socket.destroy()
  })
})

describe('a tracker over UDP', () => {
  test('is answered with its ids and the count, after the commit; a packet that comes twice is stored once', async () => {
    const device = await enrol()
    const packet = encodeDatagram({ imei: device.imei, packetId: 0xcafe, avlPacketId: 5 }, '8', [
      record(0),
      record(1),
    ])
    for (let time = 0; time < 2; time++)
      assert.equal(await answerToDatagram(listener.port, packet), '0005cafe010502')
    assert.equal((await storedOf(pool, device)).length, 2)
  })

  test('that sends without waiting for an answer has twenty packets taken, and keeps no other waiting', async () => {
    const [device, other] = [await enrol(), await enrol()]
    const packet = (imei: string, id: number) =>
      encodeDatagram({ imei, packetId: id, avlPacketId: 1 }, '8', [record(id)])
    const before = await refusals('busy')
    const socket = createSocket('udp4')
    const blocker = await pool.connect()
    try {
      await blocker.query('begin')
      await blocker.query('lock table positions in exclusive mode')
      for (let id = 0; id < 60; id++) socket.send(packet(device.imei, id), listener.port, '127.0.0.1')
      await until('forty refused', async () => (await refusals('busy')) === before + 40)
      const answer = answerToDatagram(listener.port, packet(other.imei, 7))
      await blocker.query('rollback')
      assert.equal(await answer, '00050007010101')
      await until('twenty stored', async () => (await storedOf(pool, device)).length === 20)
      assert.equal(await refusals('busy'), before + 40)
      // What was dropped comes again, and is taken then.
      assert.equal(await answerToDatagram(listener.port, packet(device.imei, 59)), '0005003b010101')
    } finally {
      blocker.release()
      socket.close()
    }
  })

  test('that is unknown, or sends what is no packet, gets no answer and is counted', async () => {
    const device = await enrol()
    const before = [await refusals('unknown'), await refusals('length')]
    const header = { imei: String(++imeis), packetId: 1, avlPacketId: 1 }
    const stranger = encodeDatagram(header, '8', [record(0)])
    const cut = encodeDatagram({ ...header, imei: device.imei }, '8', [record(0)]).subarray(0, -1)
    await assert.rejects(
      Promise.race([
        answerToDatagram(listener.port, stranger),
        answerToDatagram(listener.port, cut),
        until('both refused', async () => {
          const now = [await refusals('unknown'), await refusals('length')]
          return now[0]! > before[0]! && now[1]! > before[1]!
        }).then(() => {
          throw new Error('refused')
        }),
      ]),
      /refused/,
    )
    assert.deepEqual(await storedOf(pool, device), [])
  })
})
