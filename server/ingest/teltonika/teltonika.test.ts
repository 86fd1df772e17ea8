import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { generator as generatorOf, Watch } from '../fuzz.testing.ts'
import type { Reading } from '../reading.ts'
import { type AvlRecord, type Codec, decodeAvl, encodeAvl, encodeFrame, type Refusal } from './codec.ts'
import { crc8, crc16 } from './crc.ts'
import { datagramReply, decodeDatagram, encodeDatagram } from './datagram.ts'
import type { RawElement } from './elements.ts'
import { acknowledgement, encodeLogin, loginReply, type StreamItem, TeltonikaStream } from './stream.ts'

const CODECS: readonly Codec[] = ['8', '8E', '16']
const IMEI = '352093081452251'
const LOGIN = encodeLogin(IMEI)
const RECORD: AvlRecord = {
  fixAt: Date.UTC(2026, 0, 15, 6, 30, 0, 250),
  latitude: 54.6871555,
  longitude: 25.2796514,
  altitudeMeters: 112,
  headingDegrees: 214,
  speedKph: 83,
  satellites: 11,
  io: { 239: '01', 66: '38d4', 16: '00bc614e' },
}

/** The numbers of a seed, and bytes of them in hexadecimal. */
function generator(seed: number) {
  const numbers = generatorOf(seed)
  const hex = (size: number) =>
    Buffer.from(Array.from({ length: size }, () => numbers.below(256))).toString('hex')
  return { ...numbers, hex }
}
type Generator = ReturnType<typeof generator>

function anyRecord(random: Generator, codec: Codec): AvlRecord {
  const sizes = codec === '8E' ? [1, 2, 4, 8, 0, 3, 17, 112] : [1, 2, 4, 8]
  const io: Record<number, string> = {}
  for (let left = random.below(20); left > 0; left--) {
    io[random.between(1, codec === '8' ? 255 : 65_535)] = random.hex(random.oneOf(sizes))
  }
  return {
    fixAt: random.between(0, Date.UTC(2099, 0, 1)),
    latitude: random.between(-900_000_000, 900_000_000) / 1e7,
    longitude: random.between(-1_800_000_000, 1_800_000_000) / 1e7,
    altitudeMeters: random.between(-32_768, 32_767),
    headingDegrees: random.between(0, 359),
    speedKph: random.between(0, 65_535),
    satellites: random.between(0, 255),
    priority: random.between(0, 2),
    eventId: random.between(0, 255),
    generationType: random.between(0, 7),
    io,
  }
}

const anyRecords = (random: Generator, codec: Codec, most: number) =>
  Array.from({ length: random.between(1, most) }, () => anyRecord(random, codec))

function rawElements(io: AvlRecord['io']): Record<string, RawElement> {
  return Object.fromEntries(Object.entries(io).map(([id, hex]) => [id, { size: hex.length / 2, hex }]))
}

function assertSays(reading: Reading, record: AvlRecord, codec: Codec): void {
  assert.equal(reading.fixAt, record.fixAt)
  assert.equal(reading.latitude, record.latitude)
  assert.equal(reading.longitude, record.longitude)
  assert.equal(reading.altitudeMeters, record.altitudeMeters)
  assert.equal(reading.headingDegrees, record.headingDegrees)
  assert.equal(reading.speedKph, record.speedKph)
  assert.equal(reading.valid, record.satellites > 0)
  const { priority, eventId, satellites, generationType, io } = reading.attributes
  assert.deepEqual(
    { priority, eventId, satellites, generationType, io },
    {
      priority: record.priority,
      eventId: record.eventId,
      satellites: record.satellites,
      generationType: codec === '16' ? record.generationType : undefined,
      io: rawElements(record.io),
    },
  )
}

function decoded(bytes: Buffer): Reading[] {
  const result = decodeAvl(bytes)
  assert.ok('readings' in result, JSON.stringify(result))
  return result.readings
}

const only = (record: Partial<AvlRecord>, codec: Codec = '8E'): Reading =>
  decoded(encodeAvl(codec, [{ ...RECORD, ...record }]))[0]!

const refusalOf = (result: object): Refusal['code'] | null =>
  'code' in result ? (result as Refusal).code : null

/** What a logged-in connection says to these bytes. */
function listen(...chunks: Buffer[]): { items: StreamItem[]; stream: TeltonikaStream } {
  const stream = new TeltonikaStream()
  stream.push(LOGIN)
  return { items: chunks.flatMap((chunk) => stream.push(chunk)), stream }
}

const kinds = (items: readonly StreamItem[]) =>
  items.map((item) => (item.kind === 'reject' ? item.code : item.kind))

function framed(data: Buffer): Buffer {
  const frame = Buffer.concat([Buffer.alloc(8), data, Buffer.alloc(4)])
  frame.writeUInt32BE(data.length, 4)
  frame.writeUInt32BE(crc16(data), frame.length - 4)
  return frame
}

describe('checksums', () => {
  test('give the published check values', () => {
    assert.equal(crc16(Buffer.from('123456789')), 0xbb3d)
    assert.equal(crc8(Buffer.from('123456789')), 0xa1)
  })
})

describe('an AVL data part', () => {
  for (const codec of CODECS) {
    test(`of codec ${codec} says what was encoded`, () => {
      const random = generator(8)
      for (let round = 0; round < 200; round++) {
        const records = anyRecords(random, codec, round === 0 ? 255 : 12)
        const readings = decoded(encodeAvl(codec, records))
        assert.equal(readings.length, records.length)
        for (const [index, reading] of readings.entries()) assertSays(reading, records[index]!, codec)
      }
    })

    test(`of codec ${codec} is refused at every other length`, () => {
      const data = encodeAvl(codec, [RECORD, RECORD])
      for (let length = 0; length < data.length; length++) {
        assert.notEqual(refusalOf(decodeAvl(data.subarray(0, length))), null)
        const sameCounts = Buffer.concat([data.subarray(0, length), Buffer.from([2])])
        if (sameCounts.length < data.length) {
          assert.notEqual(refusalOf(decodeAvl(sameCounts)), null)
        }
      }
      const longer = Buffer.concat([data.subarray(0, -1), Buffer.from([0, 2])])
      assert.equal(refusalOf(decodeAvl(longer)), 'length')
    })
  }

  test('is refused for counts that differ, and for counts that the bytes do not hold', () => {
    const data = encodeAvl('8', [RECORD, RECORD])
    data[data.length - 1] = 3
    assert.equal(refusalOf(decodeAvl(data)), 'count')
    data[1] = 3
    assert.equal(refusalOf(decodeAvl(data)), 'truncated')
    data[1] = data[data.length - 1] = 1
    assert.equal(refusalOf(decodeAvl(data)), 'length')
  })

  test('is refused for an element count or length that the bytes do not hold', () => {
    const data = encodeAvl('8E', [{ ...RECORD, io: { 256: '41'.repeat(17) } }])
    const count = data.length - 1 - 17 - 2 - 2 - 2
    for (const at of [count, count + 4]) {
      const damaged = Buffer.from(data)
      damaged.writeUInt16BE(65_535, at)
      assert.equal(refusalOf(decodeAvl(damaged)), 'truncated')
    }
  })

  test('is refused for a codec that is not known, and may be empty', () => {
    assert.equal(refusalOf(decodeAvl(Buffer.from([0x11, 0, 0]))), 'codec')
    assert.equal(refusalOf(decodeAvl(Buffer.from([0x07, 0, 0]))), 'codec')
    assert.deepEqual(decoded(Buffer.from([0x08, 0, 0])), [])
  })

  test('can not be made of what its codec can not say', () => {
    const unsayable: AvlRecord['io'][] = [{ 256: '01' }, { 1: '414243' }]
    for (const io of unsayable) {
      assert.throws(() => encodeAvl('8', [{ ...RECORD, io }]), RangeError)
    }
    assert.throws(() => encodeAvl('8', Array(256).fill(RECORD)), RangeError)
    assert.throws(() => encodeAvl('8', [{ ...RECORD, speedKph: 65_536 }]), RangeError)
  })
})

describe('a record', () => {
  test('south and west of the origin, below the sea', () => {
    const { latitude, longitude, altitudeMeters } = only({
      latitude: -33.9656016,
      longitude: -70.7196233,
      altitudeMeters: -6,
    })
    assert.deepEqual([latitude, longitude, altitudeMeters], [-33.9656016, -70.7196233, -6])
  })

  test('without satellites is not valid and keeps the last place', () => {
    const { valid, latitude, longitude } = only({ satellites: 0 })
    assert.deepEqual(
      { valid, latitude, longitude },
      { valid: false, latitude: 54.6871555, longitude: 25.2796514 },
    )
  })

  test('says the ignition and the odometer, or that they are not known', () => {
    const reading = only({ io: { 239: '00', 16: 'fffffffe' } })
    assert.equal(reading.ignition, false)
    assert.equal(reading.odometerMeters, 4_294_967_294)
    const silent = only({ io: {} })
    assert.deepEqual([silent.ignition, silent.odometerMeters, silent.engineSeconds], [null, null, null])
  })

  test('names elements, signed and scaled', () => {
    const { attributes } = only({
      io: {
        1: '64',
        72: 'ffffff85',
        17: 'ffe5',
        84: '03e9',
        181: '001a',
        11: '0000000214bf12fe',
        195: Buffer.from('1B000001').toString('hex'),
        256: Buffer.from('WV1ZZZ2EZ86015388').toString('hex'),
      },
    })
    assert.equal(attributes.din1, true)
    assert.equal(attributes.dallasTemp1C, -12.3)
    assert.equal(attributes.axisX, -27)
    assert.equal(attributes.canFuelLevelL, 100.1)
    assert.equal(attributes.pdopX10, 26)
    assert.equal(attributes.iccid1, 8_938_001_150)
    assert.equal(attributes.driverCard1, '1B000001')
    assert.equal(attributes.vin, 'WV1ZZZ2EZ86015388')
  })

  test('keeps raw what has an unexpected size or no exact value', () => {
    const io = { 239: '0001', 16: '01', 72: '0100', 11: 'ffffffffffffffff', 256: '00'.repeat(17), 281: '' }
    const reading = only({ io })
    const { priority, eventId, satellites, ...rest } = reading.attributes
    assert.deepEqual(rest, { io: rawElements(io) })
    assert.equal(reading.ignition, null)
    assert.equal(reading.odometerMeters, null)
  })

  test('names the driver key as printed, if its checksum holds', () => {
    const key = (hex: string) => only({ io: { 78: hex } }).attributes.driverIButton
    assert.equal(key('012451dd310000e6'), 'E6000031DD512401')
    assert.equal(key('0000000000000000'), undefined)
    for (let bit = 0; bit < 64; bit++) {
      const damaged = Buffer.from('012451dd310000e6', 'hex')
      damaged[bit >> 3]! ^= 1 << (bit & 7)
      assert.equal(key(damaged.toString('hex')), undefined)
    }
  })

  test('with a place that is none or a time far away is kept, and blocks nothing', () => {
    const [astray, late, good] = decoded(
      encodeAvl('8', [{ ...RECORD, longitude: -180.0000001 }, { ...RECORD, fixAt: 2 ** 45 * 4 }, RECORD]),
    )
    assert.deepEqual([astray!.valid, astray!.latitude, astray!.longitude], [false, null, null])
    assert.deepEqual(astray!.attributes.outOfRange, { longitude: -180.0000001 })
    assert.deepEqual(
      [late!.fixAt, late!.latitude, late!.longitude],
      [2 ** 47, RECORD.latitude, RECORD.longitude],
    )
    assert.equal('outOfRange' in late!.attributes, false)
    assert.equal(good!.valid, true)
    assert.equal('outOfRange' in good!.attributes, false)
  })

  test('has a heading from 0 to 359', () => {
    assert.equal(only({ headingDegrees: 360 }).headingDegrees, 0)
    assert.equal(only({ headingDegrees: 361 }).headingDegrees, null)
    assert.equal(only({ headingDegrees: 65_535 }).valid, true)
  })
})

describe('a connection', () => {
  const PING = Buffer.from([0xff])
  const session = Buffer.concat([
    PING,
    LOGIN,
    encodeFrame('8', [RECORD]),
    PING,
    PING,
    encodeFrame('8E', [RECORD, { ...RECORD, io: { 256: '41'.repeat(17) } }]),
    LOGIN,
    framed(Buffer.from('0c010600000002414201', 'hex')),
    framed(Buffer.from([0x11, 0, 0])),
    encodeFrame('16', [RECORD]),
    PING,
  ])
  const said = new TeltonikaStream().push(session)

  test('is a login, frames, commands and pings', () => {
    assert.deepEqual(kinds(said), ['login', 'frame', 'frame', 'login', 'other', 'codec', 'frame'])
    assert.deepEqual(said[0], { kind: 'login', imei: IMEI })
    const frame = said[2]!
    assert.ok(frame.kind === 'frame')
    assert.deepEqual([frame.codec, frame.count, frame.readings.length], ['8E', 2, 2])
    assert.deepEqual(encodeFrame('8', [RECORD]), said[1]!.kind === 'frame' && said[1]!.raw)
    assert.ok(said[4]!.kind === 'other' && said[4]!.codec === 12)
  })

  test('says the same wherever it is cut', () => {
    for (let cut = 0; cut <= session.length; cut++) {
      const stream = new TeltonikaStream()
      const items = [...stream.push(session.subarray(0, cut)), ...stream.push(session.subarray(cut))]
      assert.deepEqual(items, said)
      assert.deepEqual([stream.imei, stream.mustClose, stream.pendingBytes], [IMEI, false, 0])
    }
    for (const size of [1, 2, 3, 7]) {
      const stream = new TeltonikaStream()
      const items: StreamItem[] = []
      for (let at = 0; at < session.length; at += size)
        items.push(...stream.push(session.subarray(at, at + size)))
      assert.deepEqual(items, said)
    }
  })

  test('takes the largest frame byte by byte, and keeps none of it', () => {
    const [most, more] = [65_536, 65_537].map((size) => framed(Buffer.alloc(size, 0x0c)))
    const { items, stream } = listen(...Array.from(most!, (_, at) => most!.subarray(at, at + 1)))
    assert.deepEqual(kinds(items), ['other'])
    assert.ok(items[0]!.kind === 'other' && items[0]!.raw.equals(most!))
    assert.equal(stream.pendingBytes, 0)
    assert.deepEqual(kinds(listen(more!.subarray(0, 8)).items), ['length'])
  })

  test('is refused for every flipped bit of a frame, and never takes the damaged frame for another', () => {
    const good = encodeFrame('8', [{ ...RECORD, speedKph: 11 }])
    for (const codec of CODECS) {
      const frame = encodeFrame(codec, [RECORD, RECORD])
      for (let bit = 0; bit < frame.length * 8; bit++) {
        const damaged = Buffer.from(frame)
        damaged[bit >> 3]! ^= 1 << (bit & 7)
        const accepted = listen(damaged, good, good).items.filter(({ kind }) => kind === 'frame')
        for (const item of accepted) assert.ok(item.kind === 'frame' && item.raw.equals(good))
        if (bit >= 64) {
          assert.deepEqual(kinds(listen(damaged, good).items), ['crc', 'frame'])
        }
      }
    }
  })

  test('goes on behind a frame whose CRC is right and whose inside is not', () => {
    const data = encodeAvl('8', [RECORD])
    data[data.length - 1] = 2
    const { items, stream } = listen(framed(data), encodeFrame('8', [RECORD]))
    assert.deepEqual(kinds(items), ['count', 'frame'])
    assert.equal(stream.mustClose, false)
  })

  test('ends where the next frame can not be found', () => {
    const frame = encodeFrame('8', [RECORD])
    const cases: [Refusal['code'], Buffer][] = [
      ['length', Buffer.from('00000000ffffffff', 'hex')],
      ['length', Buffer.from('000000000000000008', 'hex')],
      ['length', Buffer.from('000000000000000208', 'hex')],
      ['preamble', Buffer.from('00000100', 'hex')],
      ['preamble', Buffer.from('GET / HTTP/1.1\r\n')],
      ['preamble', Buffer.from('0010', 'hex')],
      ['imei', Buffer.from(`\0\x0f35209308145225A`, 'latin1')],
    ]
    for (const [code, bytes] of cases) {
      const { items, stream } = listen(frame, bytes, frame, LOGIN)
      assert.deepEqual(kinds(items), ['frame', code])
      assert.deepEqual([stream.mustClose, stream.pendingBytes], [true, 0])
    }
  })

  test('begins with the login', () => {
    for (const [code, bytes] of [
      ['login', encodeFrame('8', [RECORD])],
      ['preamble', Buffer.from([0x16, 3, 1])],
      ['imei', Buffer.from('\0\x103520930814522511', 'latin1')],
      ['imei', Buffer.from('\0\x0f35209308145225-', 'latin1')],
    ] as const) {
      const stream = new TeltonikaStream()
      assert.deepEqual(kinds(stream.push(bytes)), [code])
      assert.equal(stream.mustClose, true)
    }
  })

  test('waits for the rest of half a frame, and says that it waits', () => {
    const frame = encodeFrame('8E', [RECORD])
    const { items, stream } = listen(frame.subarray(0, -1))
    assert.deepEqual(items, [])
    assert.equal(stream.pendingBytes, frame.length - 1)
    assert.equal(stream.mustClose, false)
  })

  test('keeps a bounded piece of what it refuses, and what it gave stays', () => {
    const long = framed(Buffer.alloc(5_000, 0x11))
    const [refused] = listen(long).items
    assert.ok(refused?.kind === 'reject' && refused.raw.equals(long.subarray(0, 2_048)))
    const { items, stream } = listen(encodeFrame('8', [RECORD]))
    stream.push(encodeFrame('8', [{ ...RECORD, speedKph: 0 }]))
    assert.ok(items[0]!.kind === 'frame' && items[0]!.raw.equals(encodeFrame('8', [RECORD])))
  })

  test('is answered with a byte and with counts', () => {
    assert.equal(loginReply(true).toString('hex'), '01')
    assert.equal(loginReply(false).toString('hex'), '00')
    assert.equal(acknowledgement(255).toString('hex'), '000000ff')
    assert.throws(() => encodeLogin('12345'), RangeError)
  })
})

describe('a datagram', () => {
  const header = { imei: IMEI, packetId: 0xcafe, avlPacketId: 5 }

  test('says what was encoded, and is answered with its ids', () => {
    for (const codec of CODECS) {
      const packet = decodeDatagram(encodeDatagram(header, codec, [RECORD, RECORD]))
      assert.ok('readings' in packet)
      const { readings, ...rest } = packet
      assert.deepEqual(rest, { ...header, codec })
      assert.deepEqual(readings, decoded(encodeAvl(codec, [RECORD, RECORD])))
    }
    assert.equal(datagramReply(0xcafe, 5, 2).toString('hex'), '0005cafe010502')
  })

  test('is refused for a wrong length, type, IMEI or inside', () => {
    const packet = encodeDatagram(header, '8', [RECORD])
    const damagedAt = (at: number) => {
      const damaged = Buffer.from(packet)
      damaged[at]! ^= 0x40
      return refusalOf(decodeDatagram(damaged))
    }
    assert.equal(damagedAt(0), 'length')
    assert.equal(damagedAt(4), 'type')
    assert.equal(damagedAt(7), 'imei')
    assert.equal(damagedAt(8), 'imei')
    assert.equal(damagedAt(23), 'codec')
    assert.equal(damagedAt(24), 'count')
    for (let length = 0; length < packet.length; length++) {
      const code = refusalOf(decodeDatagram(packet.subarray(0, length)))
      assert.equal(code, length < 23 ? 'truncated' : 'length')
    }
  })
})

describe('fuzzing', () => {
  const [SEED, ROUNDS] = [2026, 200_000]
  /** A whole frame less a byte. */
  const MOST_PENDING_BYTES = 8 + 65_536 + 4
  test('200,000 damaged frames: no exception, nothing accepted that is not whole and in range', (t) => {
    const random = generator(SEED)
    const watch = new Watch()
    const intactFrames = Array.from({ length: 2_000 }, () => {
      const codec = random.oneOf(CODECS)
      return encodeFrame(codec, anyRecords(random, codec, 3))
    })
    const seen = { frames: 0, refusals: new Set<string>() }
    for (let round = 0; round < ROUNDS; round++) {
      const intact = random.oneOf(intactFrames)
      let bytes = intact
      for (let left = random.between(1, 3); left > 0; left--) bytes = mutated(random, bytes)
      if (round % 2 === 0) bytes = framed(bytes.subarray(8, Math.max(8, bytes.length - 4)))

      const cut = random.below(bytes.length + 1)
      const { items, stream } = watch.time(() => listen(bytes.subarray(0, cut), bytes.subarray(cut), intact))
      assert.ok(stream.pendingBytes <= MOST_PENDING_BYTES)
      for (const item of items) {
        if (item.kind === 'reject') seen.refusals.add(item.code)
        if (item.kind !== 'frame') continue
        if (!item.raw.equals(intact)) seen.frames++
        assertWhole(item.raw, item.count)
        for (const reading of item.readings) assertInRange(reading)
      }
      const packet = decodeDatagram(asDatagram(bytes.subarray(8, -4)))
      if ('readings' in packet) for (const reading of packet.readings) assertInRange(reading)
    }
    assert.ok(seen.frames > 1_000, `only ${seen.frames} damaged frames got as far as a reading`)
    for (const code of ['codec', 'count', 'crc', 'length', 'preamble', 'truncated']) {
      assert.ok(seen.refusals.has(code), `nothing was refused for ${code}`)
    }
    const counts = { frames: ROUNDS, 'of them taken': seen.frames, reasons: seen.refusals.size }
    t.diagnostic(watch.report('Teltonika', SEED, counts))
  })

  function mutated(random: Generator, bytes: Buffer): Buffer {
    const at = random.below(bytes.length + 1)
    const length = random.below(24)
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)]
    switch (random.below(5)) {
      case 0:
        return before
      case 1:
        return Buffer.concat([before, Buffer.from(random.hex(length), 'hex'), after])
      case 2:
        return Buffer.concat([before, after.subarray(0, length), after])
      case 3:
        return Buffer.concat([before, after.subarray(length)])
      default: {
        const flipped = Buffer.from(bytes)
        if (at < flipped.length) flipped[at]! ^= 1 << random.below(8)
        return flipped
      }
    }
  }

  function asDatagram(data: Buffer): Buffer {
    const packet = Buffer.concat([
      encodeDatagram({ imei: IMEI, packetId: 1, avlPacketId: 1 }, '8', []).subarray(0, 23),
      data,
    ])
    packet.writeUInt16BE(packet.length - 2, 0)
    return packet
  }

  function assertWhole(raw: Buffer, count: number): void {
    assert.equal(raw.readUInt32BE(0), 0)
    assert.equal(raw.readUInt32BE(4), raw.length - 12)
    assert.equal(raw[9], count)
    assert.equal(raw[raw.length - 5], count)
    // Bit by bit, after the page: not with the table that is tested.
    let crc = 0
    for (const byte of raw.subarray(8, -4)) {
      crc ^= byte
      for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xa001 : crc >>> 1
    }
    assert.equal(raw.readUInt32BE(raw.length - 4), crc)
  }

  function assertInRange(reading: Reading): void {
    assertFinite(reading)
    assertWithin(reading.fixAt, 0, 2 ** 64)
    assertWithin(reading.latitude, -90, 90)
    assertWithin(reading.longitude, -180, 180)
    assertWithin(reading.headingDegrees, 0, 359)
    assertWithin(reading.speedKph, 0, 65_535)
    assertWithin(reading.altitudeMeters, -32_768, 32_767)
    assertWithin(reading.odometerMeters, 0, 2 ** 32 - 1)
    assert.equal(reading.latitude === null, reading.longitude === null)
    if (reading.valid) assert.notEqual(reading.latitude, null)
  }

  function assertWithin(value: number | null, least: number, most: number): void {
    if (value !== null && !(value >= least && value <= most)) assert.fail(`${value}`)
  }

  function assertFinite(value: unknown): void {
    if (typeof value === 'number') assert.ok(Number.isFinite(value))
    else if (typeof value === 'object') Object.values(value ?? {}).forEach(assertFinite)
  }
})
