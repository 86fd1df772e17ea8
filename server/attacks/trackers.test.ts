import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { describe, test } from 'node:test'
import { createPool } from '../db/pool.ts'
import { testDatabase } from '../db/testing.ts'
import { enrolFleet, storedOf, Tracker, until } from '../ingest/doors.testing.ts'
import { DoorsProcess, MIB, Raw } from '../ingest/process.testing.ts'
import { type AvlRecord, encodeAvl, encodeFrame } from '../ingest/teltonika/codec.ts'
import { crc16 } from '../ingest/teltonika/crc.ts'
import { encodeDatagram } from '../ingest/teltonika/datagram.ts'
import { encodeLogin } from '../ingest/teltonika/stream.ts'
import { work } from '../work.ts'

const { url: databaseUrl, pool } = await testDatabase()
const doors = await DoorsProcess.open(databaseUrl)
const { trackerPort } = doors
const refused = (reason: string) => doors.refused('teltonika', reason)

let imeis = 352_093_080_100_000
async function enrol(open = true) {
  const imei = String(++imeis)
  const [device] = await enrolFleet(pool, [{ name: imei, protocol: 'teltonika', identity: imei, open }])
  return { ...device!, imei }
}
const record = (second: number): AvlRecord => ({
  fixAt: Date.now() - 60_000 + second * 1_000,
  latitude: 54.6871555,
  longitude: 25.2796514,
  altitudeMeters: 12,
  headingDegrees: 214,
  speedKph: 83,
  satellites: 11,
  io: { 239: '01' },
})
/** A frame around data of any kind, with the right length and CRC. */
function framed(data: Buffer): Buffer {
  const frame = Buffer.concat([Buffer.alloc(8), data, Buffer.alloc(4)])
  frame.writeUInt32BE(data.length, 4)
  frame.writeUInt32BE(crc16(data), frame.length - 4)
  return frame
}
/** Codec 12, a command ("getinfo") or an answer to one. */
const command = (type: 5 | 6) => {
  const text = Buffer.from('getinfo', 'latin1')
  const size = Buffer.alloc(4)
  size.writeUInt32BE(text.length)
  return framed(Buffer.concat([Buffer.from([0x0c, 1, type]), size, text, Buffer.from([1])]))
}
const positions = async () =>
  (await pool.query<{ n: number }>('select count(*)::int as n from positions')).rows[0]!.n
/** The reasons on a device's page, once they are written. */
const reasonsOf = async (id: number) =>
  (
    await pool.query<{ kind: string; reason: string; count: number }>(
      'select kind, reason, count from device_reasons where device_id = $1',
      [id],
    )
  ).rows

/** It begins before all others, so that nobody waits for the half a minute that it is given. */
async function halfFrame() {
  const device = await enrol()
  const frame = encodeFrame('8', [record(0), record(1)])
  const half = await Tracker.login(trackerPort, device.imei)
  half.socket.write(frame.subarray(0, frame.length / 2))
  return { device, frame, half }
}
const silent = await halfFrame()

describe('attack 23: abuse of the trackers’ protocol', () => {
  test('attack 23: an unknown IMEI is refused, over TCP before anything is read and over UDP with silence; nobody is created', async () => {
    const imei = String(++imeis)
    const before = [await refused('unknown'), await positions()] as const
    const stranger = new Tracker(trackerPort)
    stranger.socket.write(Buffer.concat([encodeLogin(imei), encodeFrame('8', [record(0)])]))
    await stranger.ends()
    assert.equal(stranger.heard, '00')
    let answers = 0
    const socket = createSocket('udp4').on('message', () => answers++)
    socket.send(
      encodeDatagram({ imei, packetId: 1, avlPacketId: 1 }, '8', [record(0)]),
      trackerPort,
      '127.0.0.1',
    )
    await until('both refusals', async () => (await refused('unknown')) - before[0] >= 2)
    // A known one's answer comes; the stranger's would have come before it.
    const known = await enrol()
    socket.send(
      encodeDatagram({ imei: known.imei, packetId: 2, avlPacketId: 1 }, '8', [record(0)]),
      trackerPort,
      '127.0.0.1',
    )
    await until('an answer to the known one', () => answers > 0)
    socket.close()
    assert.equal(answers, 1)
    assert.equal(await positions(), before[1] + 1)
    assert.equal((await pool.query('select 1 from devices where identity = $1', [imei])).rowCount, 0)
    await until('the list to name it', async () => {
      const { rows } = await pool.query('select address from unknown_devices where identity = $1', [imei])
      return rows[0]?.address === '127.0.0.1'
    })
  })

  test('attack 23: the IMEI of another fleet can be neither enrolled nor seen, and what it says stays that fleet’s', async () => {
    const theirs = await enrol()
    const [{ fleetId: other } = { fleetId: 0 }] = (
      await pool.query<{ fleetId: number }>('select fleet_id as "fleetId" from devices where id = $1', [
        theirs.id,
      ])
    ).rows
    await assert.rejects(
      enrolFleet(pool, [{ name: 'thief', protocol: 'teltonika', identity: theirs.imei, open: true }]),
      /already/,
    )
    // One that may not report by its IMEI alone is refused like one that is not there.
    const closed = await enrol(false)
    const tracker = new Tracker(trackerPort)
    tracker.socket.write(encodeLogin(closed.imei))
    await tracker.ends()
    assert.equal(tracker.heard, '00')

    const good = await Tracker.login(trackerPort, theirs.imei)
    good.socket.write(encodeFrame('8', [record(0)]))
    await good.hears('00000001')
    good.socket.destroy()
    const { rows } = await pool.query<{ id: number }>(
      `select f.id from positions p join fleets f on f.number = p.fleet_number
       where p.device_number = (select number from devices where id = $1)`,
      [theirs.id],
    )
    assert.deepEqual(rows, [{ id: other }])
    assert.deepEqual(await storedOf(pool, closed), [])
  })

  test('attack 23: of two connections with one IMEI the newer lives, the older one’s frames are not acknowledged, and an alarm is raised', async () => {
    const device = await enrol()
    const before = await refused('replaced')
    const older = await Tracker.login(trackerPort, device.imei)
    older.socket.write(encodeFrame('8', [record(0)]))
    await older.hears('00000001')
    const newer = await Tracker.login(trackerPort, device.imei)
    older.socket.write(encodeFrame('8', [record(1)]))
    await older.ends()
    assert.equal(older.heard, '')
    newer.socket.write(encodeFrame('8', [record(2)]))
    await newer.hears('00000001')
    assert.equal((await storedOf(pool, device)).length, 2)
    assert.equal((await refused('replaced')) - before, 1)
    await until('the alarm on the device’s page', async () =>
      (await reasonsOf(device.id)).some(
        ({ kind, reason, count }) =>
          kind === 'refused' &&
          count === 1 &&
          /^two trackers .* at once, from 127\.0\.0\.1 and 127\.0\.0\.1$/.test(reason),
      ),
    )
    newer.socket.destroy()
    // And whoever is on duty is told.
    await until('the alert', async () => {
      await work(pool, Date.now)
      const { rows } = await pool.query<{ kind: string }>(
        'select kind from alerts where vehicle_id = $1 and resolved_at is null',
        [device.vehicleId],
      )
      return rows.map(({ kind }) => kind).join() === 'two-trackers'
    })
  })

  test('attack 23: a wrong CRC gets no acknowledgement and stores nothing, and the next good frame is taken', async () => {
    const device = await enrol()
    const before = await refused('crc')
    const wrong = encodeFrame('8E', [record(0)])
    wrong[wrong.length - 1]! ^= 0xff
    const flipped = encodeFrame('8', [record(1)])
    flipped[20]! ^= 1
    const tracker = await Tracker.login(trackerPort, device.imei)
    tracker.socket.write(Buffer.concat([wrong, flipped, encodeFrame('8', [record(2)])]))
    await tracker.hears('00000001')
    assert.equal((await storedOf(pool, device)).length, 1)
    assert.equal((await refused('crc')) - before, 2)
    tracker.socket.destroy()
  })

  test('attack 23: a length of 0xFFFFFFFF ends the connection at once and costs no memory', async () => {
    const device = await enrol()
    const before = [await refused('length'), await doors.memory()] as const
    for (let time = 0; time < 20; time++) {
      const tracker = await Tracker.login(trackerPort, device.imei)
      tracker.socket.write(Buffer.concat([Buffer.from('00000000ffffffff08', 'hex'), Buffer.alloc(64 << 10)]))
      await tracker.ends()
      assert.equal(tracker.heard, '')
    }
    assert.equal((await refused('length')) - before[0], 20)
    assert.ok((await doors.memory()) - before[1] < 50 * MIB)
    assert.deepEqual(await storedOf(pool, device), [])
  })

  test('attack 23: there is no command channel: without a login nothing is heard, with one a command is not obeyed, answered or kept', async () => {
    const device = await enrol()
    const before = [await refused('login'), await positions()] as const
    for (const type of [5, 6] as const) {
      const stranger = new Raw(command(type).toString('latin1'), trackerPort)
      await stranger.ends()
      assert.equal(stranger.heard, '')
    }
    assert.equal((await refused('login')) - before[0], 2)
    const tracker = await Tracker.login(trackerPort, device.imei)
    tracker.socket.write(Buffer.concat([command(5), command(6), encodeFrame('8', [record(0)])]))
    // The one answer is that of the frame: nothing was sent to the device, and it is not asked to do anything.
    await tracker.hears('00000001')
    assert.equal(await positions(), before[1] + 1)
    tracker.socket.destroy()
  })

  test('attack 23: the acknowledgement comes after the commit, as others see it, and none without one', async () => {
    const device = await enrol()
    const tracker = await Tracker.login(trackerPort, device.imei)
    const holder = await pool.connect()
    try {
      await holder.query('begin')
      await holder.query('lock table positions in access exclusive mode')
      tracker.socket.write(encodeFrame('8', [record(0)]))
      await until('the frame to wait', async () => {
        // Asked outside: within a transaction the activity is what it was at first.
        const { rows } = await pool.query<{ n: number }>(
          `select count(*)::int as n from pg_stat_activity
           where datname = current_database() and wait_event_type = 'Lock'`,
        )
        return rows[0]!.n > 0
      })
      assert.equal(tracker.heard, '')
    } finally {
      await holder.query('rollback')
      holder.release()
    }
    await tracker.hears('00000001')
    // Another session sees it.
    const other = createPool(databaseUrl)
    assert.equal((await storedOf(other, device)).length, 1)
    await other.end()
    tracker.socket.destroy()
  })

  test('attack 23: counts that lie, 255 records of nothing and a codec that is none are refused', async () => {
    const device = await enrol()
    const before = await positions()
    const data = encodeAvl('8', [record(0)])
    const lies = [
      framed(Buffer.concat([data.subarray(0, -1), Buffer.from([2])])),
      framed(Buffer.from([0x08, 255, 255])),
      framed(Buffer.concat([Buffer.from([0x07]), data.subarray(1)])),
    ]
    const tracker = await Tracker.login(trackerPort, device.imei)
    tracker.socket.write(Buffer.concat([...lies, encodeFrame('16', [record(3)])]))
    await tracker.hears('00000001')
    assert.equal(await positions(), before + 1)
    tracker.socket.destroy()
  })

  test('attack 23: half a frame and then silence is ended, stores nothing, and the whole frame is taken on the next connection', async () => {
    const { device, frame, half } = silent
    await until('the end of it', () => half.closed, 60_000)
    assert.equal(half.heard, '')
    assert.equal(await refused('half-frame'), 1)
    assert.deepEqual(await storedOf(pool, device), [])
    const again = await Tracker.login(trackerPort, device.imei)
    again.socket.write(frame)
    await again.hears('00000002')
    assert.equal((await storedOf(pool, device)).length, 2)
    again.socket.destroy()
  })
})
