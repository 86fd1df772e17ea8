import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { damaged, generator, JSON_VALUE, Watch } from './fuzz.testing.ts'
import {
  type Carried,
  decodeOwnTracks,
  identityOf,
  type OwnTracksIgnored,
  type OwnTracksLocation,
} from './owntracks.ts'
import type { Reading } from './reading.ts'
import type { Refusal } from './said.ts'

interface Vector {
  id: string
  note?: string
  input: { path: string; body: string; headers?: Record<string, string> }
  expect: {
    status: number
    deviceId: string | null
    positions: {
      time: string
      lat: number
      lon: number
      speedKph: number | null
      headingDeg: number | null
      altitudeM: number | null
      valid: boolean
      attributes: Record<string, unknown>
    }[]
  }
}

/** Ours, in the form that `npm run conform -- owntracks` reads. */
const VECTORS: readonly Vector[] = JSON.parse(
  readFileSync(new URL('testdata/owntracks.json', import.meta.url), 'utf8'),
)
const AT = Date.UTC(2026, 0, 15, 6, 30)
const LOCATION = { _type: 'location', lat: 54.6871555, lon: 25.2796514, tst: AT / 1000 }

type Result = OwnTracksLocation | OwnTracksIgnored | Refusal

const decode = (message: unknown, carried: Carried = {}) =>
  decodeOwnTracks(Buffer.from(typeof message === 'string' ? message : JSON.stringify(message)), carried)

function located(result: Result): OwnTracksLocation {
  assert.equal(result.kind, 'location', JSON.stringify(result))
  return result as OwnTracksLocation
}
const readingOf = (rest: object): Reading => located(decode({ ...LOCATION, ...rest })).reading

function refusedFor(result: Result): string | null {
  assert.equal(result.kind, 'refused', JSON.stringify(result))
  assert.equal((result as Refusal).status, 400)
  return (result as Refusal).field
}

/** Our reading's attributes as the vectors name them. */
const named = ({ attributes, ...reading }: Reading): Record<string, unknown> => ({
  ...attributes,
  accuracyM: reading.accuracyMeters,
  odometerM: reading.odometerMeters,
  engineHours: reading.engineSeconds === null ? null : reading.engineSeconds / 3_600,
  ignition: reading.ignition,
  sentAt: reading.sentAt === null ? null : new Date(reading.sentAt).toISOString(),
})

describe('the vectors', () => {
  for (const { id, note = '', input, expect } of VECTORS) {
    test(`${id} ${note}`, () => {
      const url = new URL(input.path, 'http://localhost')
      const result = decode(input.body, {
        limitUser: input.headers?.['X-Limit-U'],
        limitDevice: input.headers?.['X-Limit-D'],
        queryUser: url.searchParams.get('u') ?? undefined,
        queryDevice: url.searchParams.get('d') ?? undefined,
      })
      assert.equal(result.identity, expect.deviceId)
      assert.equal(result.kind === 'refused' ? result.status : 200, expect.status)
      const readings = result.kind === 'location' ? [result.reading] : []
      assert.equal(readings.length, expect.positions.length)
      for (const [index, position] of expect.positions.entries()) {
        const reading = readings[index]!
        assert.equal(reading.fixAt, Date.parse(position.time))
        assertNear(reading.latitude, position.lat, 1e-6)
        assertNear(reading.longitude, position.lon, 1e-6)
        assertNear(reading.speedKph, position.speedKph, 0.01)
        assertNear(reading.headingDegrees, position.headingDeg, 0.01)
        assertNear(reading.altitudeMeters, position.altitudeM, 0.01)
        assert.equal(reading.valid, position.valid)
        const attributes = named(reading)
        for (const [name, value] of Object.entries(position.attributes)) {
          assert.deepEqual(attributes[name], value, name)
        }
      }
    })
  }

  function assertNear(actual: number | null, expected: number | null, tolerance: number): void {
    if (actual === null || expected === null) assert.equal(actual, expected)
    else assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`)
  }
})

describe('the identity', () => {
  const everything = { topic: 'owntracks/jane/phone', tid: 'JJ' }
  const limits = { limitUser: 'joe', limitDevice: 'tablet' }
  const queried = { queryUser: 'jim', queryDevice: 'watch' }

  test('is the first that is said of topic, headers, query and tid', () => {
    const all = { ...limits, ...queried }
    const cases: [object, Carried, string | null, string | null][] = [
      [everything, all, 'owntracks/jane/phone', 'topic'],
      [{ tid: 'JJ' }, all, 'joe/tablet', 'headers'],
      [{ tid: 'JJ' }, { ...queried, limitUser: 'joe' }, 'jim/watch', 'query'],
      [{ tid: 'JJ' }, { queryUser: 'jim' }, 'JJ', 'tid'],
      [{}, { queryUser: 'jim', queryDevice: '' }, null, null],
      [{ topic: 5, tid: 7 }, {}, null, null],
      [{ topic: '', tid: 'a\0' }, {}, null, null],
    ]
    for (const [message, carried, identity, identityFrom] of cases) {
      assert.deepEqual(identityOf({ ...message }, carried), { identity, identityFrom })
    }
  })

  test('is over MQTT the topic and nothing else, case and all', () => {
    const carried = { topic: 'owntracks/Jane/Phone', ...limits }
    const { identity, identityFrom } = decode({ ...LOCATION, ...everything }, carried) as OwnTracksLocation
    assert.deepEqual([identity, identityFrom], ['owntracks/Jane/Phone', 'carried'])
    assert.equal(decode({ ...LOCATION, ...everything }, { topic: '' }).identity, null)
    assert.equal(decode('', carried).identity, 'owntracks/Jane/Phone')
    assert.equal(decode('{', carried).identity, 'owntracks/Jane/Phone')
  })

  test('is the topic without what follows the device', () => {
    for (const [topic, identity] of [
      ['owntracks/jane/phone/event', 'owntracks/jane/phone'],
      ['owntracks/jane/phone/waypoints', 'owntracks/jane/phone'],
      ['owntracks/jane/phone/status', 'owntracks/jane/phone'],
      ['owntracks/jane/event', 'owntracks/jane/event'],
      ['fleet/eu/jane/phone', 'fleet/eu/jane/phone'],
      ['fleet/eu/jane/phone/step', 'fleet/eu/jane/phone'],
    ] as const) {
      assert.equal(identityOf({}, { topic }).identity, identity)
      assert.equal(identityOf({ topic }, {}).identity, identity)
    }
  })

  test('has no slash in a user or device of header or query', () => {
    assert.equal(identityOf({}, { limitUser: 'a/b', limitDevice: 'c' }).identity, null)
    assert.equal(identityOf({}, { queryUser: 'a', queryDevice: 'b/c' }).identity, null)
  })
})

describe('other kinds', () => {
  test('are named and ignored, whatever else they say', () => {
    for (const type of [
      ...['transition', 'waypoint', 'waypoints', 'lwt', 'cmd', 'card', 'configuration', 'dump', 'status'],
      ...['steps', 'beacon', 'request', 'encrypted', 'something new'],
    ]) {
      const result = decode({ _type: type, tst: 'x', lat: 1000, tid: 'JJ' })
      assert.deepEqual(result, { kind: 'ignored', type, identity: 'JJ', identityFrom: 'tid' })
    }
    assert.deepEqual(decode('', { topic: 'owntracks/jane/phone' }), {
      kind: 'ignored',
      type: 'empty',
      identity: 'owntracks/jane/phone',
      identityFrom: 'carried',
    })
  })

  test('are refused if they are none', () => {
    for (const body of [
      ' ',
      '{',
      'null',
      '5',
      '"location"',
      '[]',
      `[${JSON.stringify(LOCATION)}]`,
      '\ufeff{}',
    ]) {
      assert.equal(refusedFor(decode(body)), null, body)
    }
    for (const _type of [undefined, null, 5, '', 'a\nb', 'x'.repeat(65)]) {
      assert.equal(refusedFor(decode({ ...LOCATION, _type })), '_type')
    }
  })
})

describe('a location', () => {
  test('says kilometers an hour, odometer kilometers and engine seconds', () => {
    const reading = readingOf({
      vel: 83,
      cog: 360,
      alt: -3,
      acc: 4.5,
      odometer: 12_345.6,
      hmc: 7_200,
      sent: AT / 1000 + 9,
    })
    assert.deepEqual(reading, {
      fixAt: AT,
      sentAt: AT + 9_000,
      latitude: 54.6871555,
      longitude: 25.2796514,
      speedKph: 83,
      headingDegrees: 0,
      altitudeMeters: -3,
      accuracyMeters: 4.5,
      odometerMeters: 12_345_600,
      engineSeconds: 7_200,
      ignition: null,
      valid: true,
      attributes: {},
    })
  })

  test('names what it knows and keeps the rest, but no photo and nothing random', () => {
    const { attributes } = readingOf({
      ...{
        t: 'u',
        conn: 'm',
        m: 2,
        bs: 2,
        batt: 80,
        p: 101.3,
        vac: 3,
        created_at: AT / 1000 + 60,
        don: 5,
        doff: 0,
      },
      ...{ _id: 'ab12', topic: 'owntracks/a/b', tid: 'JJ', image: 'x'.repeat(500_000), imagename: 'a.jpg' },
      ...{ poi: 'Gate 4', inregions: ['Depot'], 'temp_c-00': -4.5, din1: true, tow: false, nothing: null },
    })
    assert.deepEqual(attributes, {
      trigger: 'u',
      createdAt: '2026-01-15T06:31:00.000Z',
      batteryLevelPct: 80,
      batteryState: 'charging',
      connection: 'm',
      mode: 2,
      verticalAccuracyM: 3,
      pressureKpa: 101.3,
      ignitionOnSeconds: 5,
      ignitionOffSeconds: 0,
      imagename: 'a.jpg',
      poi: 'Gate 4',
      inregions: ['Depot'],
      'temp_c-00': -4.5,
      din1: true,
      tow: false,
    })
    for (const bs of [0, 4, 'constructor', '__proto__', null])
      assert.deepEqual(readingOf({ bs }).attributes, {})
  })

  test('that is a ping proves life: marked, not valid, its old place kept', () => {
    const ping = located(decode({ ...LOCATION, t: 'p' }))
    const { latitude, valid, attributes } = ping.reading
    assert.deepEqual([ping.isPing, latitude, valid, attributes.trigger], [true, LOCATION.lat, false, 'p'])
    const timed = located(decode({ ...LOCATION, t: 't' }))
    assert.deepEqual([timed.isPing, timed.reading.valid], [false, true])
  })

  test('knows the ignition from its field, else from the trigger', () => {
    const cases: [object, boolean | null][] = [
      [{}, null],
      [{ t: 'i' }, true],
      [{ t: 'I' }, false],
      [{ ign: true }, true],
      [{ ign: 0 }, false],
      [{ ign: false, t: 'i' }, false],
      [{ ign: 'x' }, null],
    ]
    for (const [rest, ignition] of cases) assert.equal(readingOf(rest).ignition, ignition)
  })

  test('raises the alarms of tracker bridges', () => {
    const alarm = (rest: object) => readingOf(rest).attributes.alarm
    const alarms = {
      e: 'powerCut',
      E: 'powerRestored',
      1: 'powerOn',
      9: 'lowBattery',
      '!': 'tow',
      s: 'overspeed',
    }
    for (const [t, expected] of Object.entries(alarms)) assert.equal(alarm({ t }), expected)
    for (const [rty, expected] of ['hardBraking', 'hardAcceleration', 'hardCornering'].entries()) {
      assert.equal(alarm({ t: 'h', rty }), expected)
      assert.equal(alarm({ t: 'h', rty: rty + 3 }), expected)
    }
    for (const rest of [
      { t: 'h' },
      { t: 'h', rty: 6 },
      { t: 'h', rty: -1 },
      { t: 'h', rty: '0' },
      { t: 'u', rty: 0 },
    ]) {
      assert.equal(alarm(rest), undefined)
    }
    for (const t of ['o', 'M', 'a', '2', '3', 'toString', {}, 5]) assert.equal(alarm({ t }), undefined)
  })

  test('takes -1 for unknown, and sets aside what can not be', () => {
    const unknown = readingOf({ vel: -1, cog: -1, acc: -1, vac: -1, batt: -1 })
    assert.deepEqual([unknown.speedKph, unknown.headingDegrees, unknown.accuracyMeters], [null, null, null])
    assert.deepEqual(unknown.attributes, {})
    const odd = {
      alt: 40_000,
      acc: -2,
      batt: 101,
      odometer: 2 ** 53,
      hmc: -1,
      sent: 0,
      created_at: 253_402_300_799,
    }
    const reading = readingOf(odd)
    assert.deepEqual(
      [reading.altitudeMeters, reading.odometerMeters, reading.engineSeconds, reading.sentAt],
      [null, null, null, null],
    )
    assert.deepEqual(reading.attributes, { outOfRange: odd })
  })

  test('has no minus zero', () => {
    const body = '{"_type":"location","lat":-0,"lon":-0.0,"tst":1768458600,"vel":-0,"cog":-0,"x":-0,"y":[-0]}'
    const { reading } = located(decode(body))
    const { x, y } = reading.attributes
    const zeros = [
      reading.latitude,
      reading.longitude,
      reading.speedKph,
      reading.headingDegrees,
      x,
      ...(y as []),
    ]
    for (const zero of zeros) assert.ok(Object.is(zero, 0))
  })

  test('is refused for what is missing, of another type or out of range', () => {
    const cases: [object, string][] = [
      [{ tst: undefined }, 'tst'],
      [{ tst: null }, 'tst'],
      [{ tst: '1497349316' }, 'tst'],
      [{ tst: 0 }, 'tst'],
      [{ tst: -1 }, 'tst'],
      [{ tst: AT }, 'tst'],
      [{ tst: 253_402_300_799 }, 'tst'],
      [{ lat: undefined }, 'lat'],
      [{ lon: null }, 'lon'],
      [{ lat: '54.6' }, 'lat'],
      [{ lat: -90.0000001 }, 'lat'],
      [{ lon: 180.0000001 }, 'lon'],
      [{ vel: -5 }, 'vel'],
      [{ vel: 3_001 }, 'vel'],
      [{ vel: '5' }, 'vel'],
      [{ cog: 361 }, 'cog'],
      [{ alt: true }, 'alt'],
      [{ odometer: {} }, 'odometer'],
      [{ hmc: [] }, 'hmc'],
      [{ uext: '27.9' }, 'uext'],
    ]
    for (const [rest, field] of cases) {
      const result = decode({ ...LOCATION, tid: 'JJ', ...rest })
      assert.equal(refusedFor(result), field)
      assert.equal(result.identity, 'JJ')
    }
  })

  test('has no number that is none', () => {
    const start = '{"_type":"location","lat":1,"lon":2,"tst":1768458600'
    for (const value of ['NaN', 'Infinity', '-Infinity', '0x10', '01', '+1']) {
      assert.equal(refusedFor(decode(`${start},"vel":${value}}`)), null)
    }
    for (const name of [
      'lat',
      'lon',
      'tst',
      'vel',
      'cog',
      'alt',
      'acc',
      'batt',
      'odometer',
      'hmc',
      'p',
      'sent',
      'x',
    ]) {
      for (const value of ['1e309', '-1e309']) {
        assert.equal(refusedFor(decode(`${start},"${name}":${value}}`)), name)
      }
    }
    assert.equal(refusedFor(decode(`${start},"x":{"y":[1e400]}}`)), 'x.y.0')
  })

  test('is not read when it is nested deeper than 20', () => {
    const nested = (depth: number) =>
      `{"_type":"location","lat":1,"lon":2,"tst":1768458600,"x":${'['.repeat(depth)}${']'.repeat(depth)}}`
    assert.ok('x' in located(decode(nested(19))).reading.attributes)
    for (const depth of [20, 10_000, 500_000]) {
      const result = decode(nested(depth))
      assert.match((result as Refusal).reason, /nested at most 20/)
    }
  })

  test('is bounded: what has no room is left out, and the point is kept', () => {
    const large = { list: Array(100_000).fill(0), text: 'é'.repeat(100_000), last: 1 }
    const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`key${index}`, index]))
    for (const rest of [large, many]) {
      const { latitude, attributes } = readingOf({ ...rest, t: 'u' })
      assert.deepEqual([latitude, attributes.trigger], [LOCATION.lat, 'u'])
      assert.ok((attributes.attributesLeftOut as number) >= 2)
      assert.ok(Buffer.byteLength(JSON.stringify(attributes)) <= 4_096)
    }
    assert.equal(readingOf(large).attributes.last, 1)
  })

  test('reaches no prototype, and of a name that is given twice the last counts', () => {
    const start = '{"_type":"location","lat":1,"lon":2,"tst":1768458600'
    const { latitude, attributes } = located(
      decode(`${start},"__proto__":{"polluted":1},"constructor":1,"x":{"__proto__":{"y":1}},"lat":5}`),
    ).reading
    assert.equal(latitude, 5)
    assert.deepEqual(Object.entries(attributes), [
      ['constructor', 1],
      ['x', {}],
    ])
    assert.equal(Object.getPrototypeOf(attributes), Object.prototype)
    assert.equal('polluted' in {}, false)
    const unsaid = decode(`{"_type":"location","__proto__":{"lat":1,"lon":2,"tst":1768458600}}`)
    assert.equal(refusedFor(unsaid), 'tst')
  })

  test('holds nothing that the database can not', () => {
    assert.deepEqual(readingOf({ poi: 'a\0b\ud800', '\udc00': 1, tag: '🚚' }).attributes, {
      poi: 'a\ufffdb\ufffd',
      '\ufffd': 1,
      tag: '🚚',
    })
    const bytes = Buffer.from('{"_type":"location","poi":"\xe9"}', 'latin1')
    assert.equal(refusedFor(decodeOwnTracks(bytes, {})), null)
  })
})

describe('fuzzing', () => {
  const [SEED, ROUNDS] = [2026, 200_000]
  test('200,000 damaged bodies: no exception, nothing taken that is not finite, in range and storable', (t) => {
    const random = generator(SEED)
    const watch = new Watch()
    const locations = VECTORS.filter(({ input }) => input.body.includes('"location"'))
    const seen = { locations: 0, ignored: 0, refusals: new Set<string | null>() }
    for (let round = 0; round < ROUNDS; round++) {
      let bytes: Buffer = Buffer.from(random.oneOf(round % 8 === 0 ? VECTORS : locations).input.body)
      for (let left = random.between(1, 2); left > 0; left--) bytes = damaged(random, bytes, DAMAGE)
      const carried = random.below(3) === 0 ? { topic: bytes.toString('latin1', 0, random.below(40)) } : {}
      const result = watch.time(() => decodeOwnTracks(bytes, carried))
      if (result.identity !== null) {
        assert.match(result.identity, /^[^\p{Control}\p{Surrogate}]{1,256}$/u)
      }
      if (result.kind === 'refused') seen.refusals.add(result.field)
      else if (result.kind === 'ignored') seen.ignored++
      else {
        seen.locations++
        assertInRange(result.reading)
      }
    }
    assert.ok(seen.locations > 10_000, `only ${seen.locations} damaged bodies got as far as a reading`)
    assert.ok(seen.ignored > 1_000)
    for (const field of ['_type', 'lat', 'tst', 'vel', null]) {
      assert.ok(seen.refusals.has(field), `nothing was refused for ${field}`)
    }
    const { locations: taken, ignored, refusals } = seen
    t.diagnostic(watch.report('OwnTracks', SEED, { bodies: ROUNDS, taken, ignored, reasons: refusals.size }))
  })

  const FRAGMENTS = [
    '[',
    '"a":{"b":',
    '"__proto__":{"x":1},',
    '"constructor":[],',
    '"x":"\\u0000",',
    '"\\ud800":"\\udfff",',
    '"x":-0,',
    `"x":${'['.repeat(40)}${']'.repeat(40)},`,
    `"x":"${'é'.repeat(3_000)}",`,
    '"bs":"constructor","t":"h","rty":1e3,',
    '"odometer":1e308,"hmc":-1,"alt":99999,"sent":1e12,',
  ]
  const VALUES = [
    'NaN',
    '1e309',
    '-0',
    '-1',
    '1e-400',
    '9007199254740993',
    'null',
    'true',
    '""',
    '"1"',
    '{}',
    '[1e309]',
  ]

  const DAMAGE = { fragments: FRAGMENTS, values: VALUES, value: JSON_VALUE }

  function assertInRange(reading: Reading): void {
    const { attributes, valid, ignition, ...numbers } = reading
    assert.equal(typeof valid, 'boolean')
    assert.ok(ignition === null || typeof ignition === 'boolean')
    for (const at of [numbers.fixAt, numbers.sentAt]) {
      assertWithin(at, Date.UTC(1980, 0, 6), Date.UTC(2068, 0, 1) - 1)
      assert.ok(at === null || Number.isInteger(at))
    }
    for (const required of [numbers.fixAt, numbers.latitude, numbers.longitude])
      assert.notEqual(required, null)
    assertWithin(numbers.latitude, -90, 90)
    assertWithin(numbers.longitude, -180, 180)
    assertWithin(numbers.speedKph, 0, 3_000)
    assertWithin(numbers.headingDegrees, 0, 359.999_999_999_9)
    assertWithin(numbers.altitudeMeters, -1_000, 30_000)
    assertWithin(numbers.accuracyMeters, 0, 50_000_000)
    assertWithin(numbers.odometerMeters, 0, 2_000_000_000)
    assertWithin(numbers.engineSeconds, 0, 1_800_000_000)
    const text = JSON.stringify(attributes)
    assert.ok(Buffer.byteLength(text) <= 4_096)
    assert.doesNotMatch(text, /(?:^|[^\\])(?:\\\\)*\\u(?:0000|d[89a-f])/i)
    // Infinity and undefined would not come back.
    assert.deepEqual(JSON.parse(text), attributes)
    assert.equal(Object.getPrototypeOf(attributes), Object.prototype)
  }

  function assertWithin(value: number | null, least: number, most: number): void {
    if (value !== null && !(value >= least && value <= most)) assert.fail(`${value}`)
  }
})
