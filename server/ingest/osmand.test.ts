import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { damaged, generator, JSON_VALUE, PARAMETER_VALUE, Watch } from './fuzz.testing.ts'
import { decodeOsmand, type OsmandMessage, type OsmandRequest, UNKNOWN_DEVICE_STATUS } from './osmand.ts'
import type { Reading } from './reading.ts'
import type { Refusal } from './said.ts'

interface ExpectedPosition {
  time: string | null
  lat: number | null
  lon: number | null
  speedKph: number | null
  headingDeg: number | null
  altitudeM: number | null
  valid: boolean
  attributes: Record<string, unknown>
}
interface Vector {
  id: string
  note?: string
  input: { method: string; path: string; contentType?: string; body?: string }
  expect: { status: number; deviceId: string | null; positions: ExpectedPosition[] }
}

/** Ours, in the form that `npm run conform -- osmand` reads. */
const VECTORS: readonly Vector[] = JSON.parse(
  readFileSync(new URL('testdata/osmand.json', import.meta.url), 'utf8'),
)
const AT = Date.UTC(2026, 0, 15, 6, 30)

const requestOf = ({ method, path, contentType, body = '' }: Vector['input']): OsmandRequest => ({
  method,
  path,
  contentType,
  body: Buffer.from(body),
})
const query = (text: string) =>
  decodeOsmand({ method: 'GET', path: `/?${text}`, contentType: undefined, body: Buffer.alloc(0) })
const post = (body: Buffer | string, contentType = 'application/json; charset=utf-8') =>
  decodeOsmand({ method: 'POST', path: '/', contentType, body: Buffer.from(body) })

const LOCATION = {
  timestamp: '2026-01-15T06:30:00.000Z',
  coords: { latitude: 54.6871555, longitude: 25.2796514, speed: 10, heading: 214 },
}
const json = (location: unknown, rest: object = {}) =>
  post(JSON.stringify({ device_id: 'phone', location, ...rest }))

function taken(result: OsmandMessage | Refusal): OsmandMessage {
  assert.equal(result.kind, 'message', JSON.stringify(result))
  return result as OsmandMessage
}
function only(result: OsmandMessage | Refusal): Reading {
  const { readings, refused } = taken(result)
  assert.deepEqual([readings.length, refused], [1, []])
  return readings[0]!
}
function refusedFor(result: OsmandMessage | Refusal): string | null {
  assert.equal(result.kind, 'refused', JSON.stringify(result))
  assert.equal((result as Refusal).status, 400)
  return (result as Refusal).field
}
const place = ({ latitude, longitude }: Reading) => [latitude, longitude]

/** Our reading's attributes as the vectors name them. */
const named = ({ attributes, ...reading }: Reading): Record<string, unknown> => ({
  ...attributes,
  accuracyM: reading.accuracyMeters,
  odometerM: reading.odometerMeters,
  ignition: reading.ignition,
})

describe('the vectors', () => {
  for (const { id, note = '', input, expect } of VECTORS) {
    test(`${id} ${note}`, () => {
      const result = decodeOsmand(requestOf(input))
      assert.equal(result.identity, expect.deviceId)
      if (expect.deviceId === 'not-registered') {
        assert.equal(UNKNOWN_DEVICE_STATUS[taken(result).form], expect.status)
        return
      }
      if (expect.status !== 200) {
        assert.equal(result.kind === 'refused' && result.status, expect.status)
        return
      }
      const { readings, refused } = taken(result)
      assert.deepEqual([readings.length, refused], [expect.positions.length, []])
      for (const [index, position] of expect.positions.entries()) {
        const reading = readings[index]!
        assert.equal(reading.fixAt, position.time === null ? null : Date.parse(position.time))
        assert.equal(reading.sentAt, null)
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

describe('parameters', () => {
  test('are in the query, or if it is empty in the body of whatever type', () => {
    const text = 'id=truck+7%C3%A9&lat=1&lon=2'
    for (const path of ['/', '/?', '/osmand?#x']) {
      for (const contentType of ['application/x-www-form-urlencoded', 'text/plain', undefined]) {
        const result = decodeOsmand({ method: 'POST', path, contentType, body: Buffer.from(text) })
        assert.equal(taken(result).identity, 'truck 7é')
      }
    }
    assert.equal(refusedFor(post(text)), null)
    const get = { method: 'GET', path: `/?${text}`, contentType: 'application/json', body: Buffer.alloc(0) }
    assert.equal(taken(decodeOsmand(get)).form, 'parameters')
    assert.equal(refusedFor(decodeOsmand({ ...get, method: 'PUT' })), 'method')
  })

  test('take a time in all its forms, without a zone as UTC', () => {
    for (const timestamp of [
      `${AT / 1000}`,
      `${AT / 1000}.000`,
      `${AT}`,
      '2026-01-15T06:30:00Z',
      '2026-01-15T06:30Z',
      '2026-01-15T06:30:00.000000Z',
      '2026-01-15T06:30:00',
      '2026-01-15+06:30:00',
      '2026-01-15%2006:30:00',
      '2026-01-15T08:30:00%2B02:00',
      '2026-01-15T08:30:00%2B0200',
      '2026-01-15T08:30:00+02:00',
      '2026-01-15T01:00:00-05:30',
    ]) {
      assert.equal(only(query(`id=1&timestamp=${timestamp}`)).fixAt, AT, timestamp)
    }
    assert.equal(only(query('id=1&timestamp=2147483646')).fixAt, 2_147_483_646_000)
    assert.equal(only(query('id=1&timestamp=1700000000.4567')).fixAt, 1_700_000_000_456)
    assert.equal(only(query('id=1&timestamp=2016-12-31T23:59:60Z')).fixAt, Date.UTC(2017, 0, 1))
    assert.equal(only(query('id=1')).fixAt, null)
  })

  test('take nothing for a time that is none', () => {
    for (const timestamp of [
      '',
      '0',
      '-1377177267',
      '2147483647',
      '253402300799',
      '253402300799000',
      '99999999999999999999',
      '1e12',
      '1e309',
      'NaN',
      'Infinity',
      'now',
      '9999-01-01T00:00:00Z',
      '2068-01-01T00:00:00Z',
      '1979-12-31T00:00:00Z',
      '0099-01-01T00:00:00Z',
      '2026-02-29T00:00:00Z',
      '2026-13-01T00:00:00Z',
      '2026-01-00T00:00:00Z',
      '2026-01-15T24:00:00Z',
      '2026-01-15T06:60:00Z',
      '2026-01-15T06:30:61Z',
      '2026-01-15T06:30:00%2B24:00',
      '2026-01-15',
      '15.01.2026 06:30:00',
    ]) {
      assert.equal(refusedFor(query(`id=1&timestamp=${timestamp}`)), 'timestamp', timestamp)
    }
  })

  test('refuse what is no number or out of range, and say whose it was', () => {
    for (const value of [
      'NaN',
      'nan',
      'Infinity',
      '-Infinity',
      '1e309',
      '-1e309',
      'abc',
      '0x10',
      '1,5',
      '1 ',
    ]) {
      for (const name of ['lat', 'lon']) {
        const other = name === 'lat' ? 'lon' : 'lat'
        assert.equal(refusedFor(query(`id=1&${other}=1&${name}=${value}`)), name, `${name}=${value}`)
      }
      for (const name of ['speed', 'bearing', 'altitude', 'accuracy', 'batt', 'hdop']) {
        assert.equal(refusedFor(query(`id=1&${name}=${value}`)), name, `${name}=${value}`)
      }
    }
    for (const [text, field] of [
      ['lat=90.0000001&lon=0', 'lat'],
      ['lat=0&lon=-180.0000001', 'lon'],
      ['location=0,181', 'lon'],
      ['location=1', 'lat'],
      ['location=1,2,3', 'location'],
      ['location=abc,2', 'lat'],
      ['lat=1', 'lon'],
      ['lon=1', 'lat'],
      ['lat=&lon=', 'lat'],
      ['speed=-5', 'speed'],
      ['speed=1620', 'speed'],
      ['heading=361', 'bearing'],
      ['bearing=-0.1', 'bearing'],
    ] as const) {
      const result = query(`${text}&id=1`)
      assert.equal(refusedFor(result), field, text)
      assert.equal(result.identity, '1')
    }
  })

  test('keep a point whose lesser measurements can not be, and what was said', () => {
    const reading = only(query('id=1&lat=1&lon=2&altitude=-99999&accuracy=-2&batt=150'))
    assert.deepEqual(place(reading), [1, 2])
    assert.deepEqual([reading.altitudeMeters, reading.accuracyMeters], [null, null])
    assert.deepEqual(reading.attributes, { outOfRange: { altitude: -99_999, accuracy: -2, batt: 150 } })
    const shadowed = only(query('outOfRange=x&id=1&altitude=-99999')).attributes
    assert.deepEqual(shadowed, { outOfRange: { altitude: -99_999 } })
    const silent = only(query('id=1&lat=1&lon=2&speed=&altitude=&batt='))
    assert.deepEqual([silent.speedKph, silent.altitudeMeters, silent.attributes], [null, null, {}])
  })

  test('say -1 for what the phone does not know, a speed also in meters a second made knots', () => {
    for (const text of [
      'speed=-1&bearing=-1&accuracy=-1&batt=-1',
      'speed=-1.0&heading=-1.0&accuracy=-1.0&batt=-1.0',
      'speed=-1.943844',
      'speed=-1.94384449',
      'speed=-1.9438&heading=-1',
    ]) {
      const reading = only(query(`id=1&lat=1&lon=2&${text}`))
      assert.deepEqual([...place(reading), reading.valid], [1, 2, true], text)
      const { speedKph, headingDegrees, accuracyMeters, attributes } = reading
      assert.deepEqual([speedKph, headingDegrees, accuracyMeters, attributes], [null, null, null, {}], text)
    }
    for (const text of ['speed=-1.1', 'speed=-2', 'speed=-0.5', 'bearing=-2'])
      assert.equal(refusedFor(query(`id=1&lat=1&lon=2&${text}`)), text.split('=')[0], text)
  })

  test('have no minus zero, and north is 0', () => {
    const reading = only(query('id=1&lat=-0&lon=-0.0&speed=-0&bearing=360&altitude=-0&x=-0'))
    assert.deepEqual(
      [...place(reading), reading.speedKph, reading.headingDegrees, reading.altitudeMeters],
      [0, 0, 0, 0, 0],
    )
    assert.ok(Object.is(reading.latitude, 0) && Object.is(reading.attributes.x, 0))
  })

  test('say that the device is alive, and no more, without a place', () => {
    for (const text of ['id=1', 'id=1&valid=true', 'id=1&speed=0&batt=5']) {
      const reading = only(query(text))
      assert.deepEqual([...place(reading), reading.valid], [null, null, false])
    }
  })

  test('say whether the fix is valid', () => {
    for (const [value, isValid] of Object.entries({
      true: true,
      1: true,
      false: false,
      0: false,
      no: false,
    })) {
      assert.equal(only(query(`id=1&lat=1&lon=2&valid=${value}`)).valid, isValid, value)
    }
  })

  test('name one device, in any place', () => {
    assert.equal(taken(query('lat=1&lon=2&deviceid=1&id=1')).identity, '1')
    assert.equal(query(`id=${'7'.repeat(256)}`).identity, '7'.repeat(256))
    for (const text of [
      '',
      'id=',
      'id',
      'ID=1',
      'id=1%00',
      'id=1%0A2',
      `id=${'7'.repeat(257)}`,
      'id=1&deviceid=2',
    ]) {
      const result = query(`${text}&lat=1&lon=2`)
      assert.equal(refusedFor(result), 'id', text)
      assert.equal(result.identity, null)
    }
  })

  test('that are given twice must be the same', () => {
    assert.deepEqual(place(only(query('id=1&lat=1&lat=1&lon=2&location=1,2'))), [1, 2])
    for (const [text, field] of [
      ['lat=1&lat=2&lon=2', 'lat'],
      ['lat=1&lon=2&location=3,2', 'lat'],
      ['timestamp=1377177267&timestamp=1377177268', 'timestamp'],
      ['speed=1&speed=2', 'speed'],
      ['bearing=1&heading=2', 'bearing'],
      ['valid=true&valid=false', 'valid'],
      ['driverUniqueId=A&driverUniqueId=B', 'driverUniqueId'],
    ] as const) {
      assert.equal(refusedFor(query(`id=1&${text}`)), field, text)
    }
  })

  test('of any other name are attributes: numbers, booleans, texts, lists', () => {
    const { attributes } = only(
      query(
        'id=1&rpm=933&temp=-4.5&ratio=1.5E-3&door=true&note=a+b%26c&io=1&io=x&empty=&flag&driverUniqueId=0077' +
          '&alarm=sos&card=12E4567&plate=007&iccid=8938001150000000001&notificationToken=secret&batteryLevelPct=5&batt=87',
      ),
    )
    assert.deepEqual(attributes, {
      driverUniqueId: '0077',
      alarm: 'sos',
      batteryLevelPct: 87,
      rpm: 933,
      temp: -4.5,
      ratio: 0.0015,
      door: true,
      note: 'a b&c',
      io: [1, 'x'],
      empty: '',
      flag: '',
      card: '12E4567',
      plate: '007',
      iccid: '8938001150000000001',
    })
    for (const value of ['NaN', 'nan', 'Infinity', '-Infinity', '-inf', '1.0e309', '1e%2B309']) {
      assert.equal(refusedFor(query(`id=1&x=${value}`)), 'x', value)
    }
    assert.equal(only(query('id=1&driver=Nan')).attributes.driver, 'Nan')
  })

  test('leave out cells and access points without numbers', () => {
    const reading = only(
      query(
        'id=1&lat=1&lon=2&cell=310,260,null,null&cell=1,2,3,4&cell=NaN,1,1,1&wifi=here&wifi=aa-bb-cc-dd-ee-ff',
      ),
    )
    assert.deepEqual(reading.attributes, {
      cells: [{ mcc: 1, mnc: 2, lac: 3, cid: 4 }],
      wifi: [{ mac: 'aa:bb:cc:dd:ee:ff' }],
    })
  })

  test('are refused for wrong percent-encoding and for bytes that are not UTF-8', () => {
    for (const text of ['x=%', 'x=%zz', 'x=%E9', '%C3=1', 'lat=%ff', 'x=%ED%A0%80', 'x=100%']) {
      const result = query(`id=1&${text}`)
      refusedFor(result)
      assert.equal(result.identity, '1')
    }
    const bytes = Buffer.from('id=1&note=\xe9', 'latin1')
    assert.equal(refusedFor(post(bytes, 'application/x-www-form-urlencoded')), null)
  })

  test('are bounded in number and size', () => {
    assert.equal(refusedFor(query(`id=1&${'&'.repeat(1_000)}`)), null)
    const many = Array.from({ length: 990 }, (_, index) => `key${index}=${'v'.repeat(20)}`).join('&')
    const { latitude, attributes } = only(
      query(`id=1&${many}&lat=1&lon=2&driverUniqueId=D&x=${'y'.repeat(1e6)}`),
    )
    assert.deepEqual([latitude, attributes.driverUniqueId, attributes.key0], [1, 'D', 'v'.repeat(20)])
    assert.ok((attributes.attributesLeftOut as number) > 500)
    assert.ok(Buffer.byteLength(JSON.stringify(attributes)) <= 4_096)
  })
})

describe('JSON', () => {
  test('takes meters a second, and -1 for unknown', () => {
    const { speedKph, headingDegrees, fixAt } = only(json(LOCATION))
    assert.deepEqual([speedKph, headingDegrees, fixAt], [36, 214, AT])
    const unknown = only(
      json({
        ...LOCATION,
        coords: { ...LOCATION.coords, speed: -1, heading: -1, accuracy: -1, altitude: -1 },
        battery: { level: -1, is_charging: true },
      }),
    )
    assert.deepEqual([unknown.speedKph, unknown.headingDegrees, unknown.accuracyMeters], [null, null, null])
    assert.equal(unknown.altitudeMeters, -1)
    assert.deepEqual(unknown.attributes, { charge: true })
    assert.equal(only(json({ ...LOCATION, battery: { level: 0.57 } })).attributes.batteryLevelPct, 57)
  })

  test('without coordinates is a heartbeat', () => {
    for (const coords of [undefined, null, {}, { latitude: null, longitude: null }]) {
      const reading = only(json({ ...LOCATION, coords, event: 'heartbeat' }))
      assert.deepEqual([...place(reading), reading.valid, reading.fixAt], [null, null, false, AT])
    }
  })

  test("keeps extras behind what the phone's own fields say, and ignores the text for other servers", () => {
    const { attributes } = only(
      json({
        ...LOCATION,
        mock: true,
        alarm: 'sos',
        extras: {
          alarm: 'tow',
          mock: false,
          driverUniqueId: 'D',
          nested: { list: [1, null] },
          nothing: null,
        },
        _: '&id=other&lat=1&lon=2&',
      }),
    )
    assert.deepEqual(attributes, {
      alarm: 'sos',
      mock: true,
      driverUniqueId: 'D',
      nested: { list: [1, null] },
    })
    assert.equal(only(json({ ...LOCATION, extras: { alarm: 'tow' } })).attributes.alarm, 'tow')
    assert.equal(taken(json({ ...LOCATION, _: '&id=other&' })).identity, 'phone')
  })

  test('is refused for what is missing, of another type or out of range', () => {
    const withCoords = (coords: object) => ({ ...LOCATION, coords: { ...LOCATION.coords, ...coords } })
    const cases: [unknown, string][] = [
      [undefined, 'location'],
      [null, 'location'],
      ['here', 'location'],
      [{}, 'location.timestamp'],
      [{ ...LOCATION, timestamp: AT }, 'location.timestamp'],
      [{ ...LOCATION, timestamp: '9999-12-31T23:59:59.999Z' }, 'location.timestamp'],
      [{ ...LOCATION, coords: [] }, 'location.coords'],
      [{ ...LOCATION, odometer: '5' }, 'location.odometer'],
      [withCoords({ latitude: '54.6' }), 'location.coords.latitude'],
      [withCoords({ latitude: 91 }), 'location.coords.latitude'],
      [withCoords({ longitude: null }), 'location.coords.longitude'],
      [withCoords({ speed: -5 }), 'location.coords.speed'],
      [withCoords({ speed: 834 }), 'location.coords.speed'],
      [withCoords({ heading: 361 }), 'location.coords.heading'],
      [withCoords({ altitude: true }), 'location.coords.altitude'],
    ]
    for (const [location, field] of cases) {
      const result = json(location)
      assert.equal(refusedFor(result), field)
      assert.equal(result.identity, 'phone')
    }
    for (const device_id of [undefined, null, '', 7, {}, 'a\0']) {
      assert.equal(refusedFor(json(LOCATION, { device_id })), 'device_id')
    }
    for (const body of ['', '[]', 'null', '"x"', '{"device_id":', '\ufeff{}', '{"device_id":"1",}']) {
      assert.equal(refusedFor(post(body)), null, body)
    }
  })

  test('has no number that is none', () => {
    for (const value of ['NaN', 'Infinity', '-Infinity', '0x10', '01']) {
      const body = `{"device_id":"1","location":{"timestamp":"${LOCATION.timestamp}","odometer":${value}}}`
      assert.equal(refusedFor(post(body)), null)
    }
    for (const [inner, field] of [
      ['"odometer":1e309', 'odometer'],
      ['"extras":{"a":[{"b":-1e309}]}', 'extras.a.0.b'],
      ['"coords":{"latitude":1e309,"longitude":1}', 'coords.latitude'],
    ]) {
      const body = `{"device_id":"1","location":{"timestamp":"${LOCATION.timestamp}",${inner}}}`
      assert.equal(refusedFor(post(body)), `location.${field}`)
    }
  })

  test('keeps a point whose odometer can not be', () => {
    const reading = only(json({ ...LOCATION, odometer: 2 ** 53, battery: { level: 7 } }))
    assert.deepEqual([reading.latitude, reading.odometerMeters], [54.6871555, null])
    assert.deepEqual(reading.attributes, { outOfRange: { odometer: 2 ** 53, level: 7 } })
  })

  test('batches in their order, and a bad location costs the others nothing', () => {
    const later = { ...LOCATION, timestamp: '2026-01-15T06:31:00.000Z' }
    const { readings, refused } = taken(
      json([later, { ...later, coords: { latitude: 91, longitude: 0 } }, LOCATION]),
    )
    assert.deepEqual(
      readings.map(({ fixAt }) => fixAt),
      [AT + 60_000, AT],
    )
    assert.deepEqual(
      refused.map(({ index, field }) => [index, field]),
      [[1, 'location[1].coords.latitude']],
    )
    assert.equal(refusedFor(json([{}, 5])), 'location[0].timestamp')
    assert.deepEqual(taken(json([])).readings, [])
  })

  test('batches at most 1,000', () => {
    assert.equal(taken(json(Array(1_000).fill(LOCATION))).readings.length, 1_000)
    assert.equal(refusedFor(json(Array(1_001).fill(LOCATION))), 'location')
    assert.equal(refusedFor(post(`{"device_id":"1","location":[${'0,'.repeat(500_000)}0]}`)), 'location')
  })

  test('is not read when it is nested deeper than 20', () => {
    const nested = (depth: number) => `{"device_id":"1","location":${'['.repeat(depth)}${']'.repeat(depth)}}`
    assert.equal(refusedFor(post(nested(19))), 'location[0]')
    for (const depth of [20, 10_000, 500_000]) {
      const result = post(nested(depth))
      assert.match((result as Refusal).reason, /nested at most 20/)
    }
    const brackets = { ...LOCATION, extras: { text: `\\"${'['.repeat(500)}` } }
    assert.equal(only(json(brackets)).attributes.text, brackets.extras.text)
  })

  test('reaches no prototype, and of a name that is given twice the last counts', () => {
    const body = (inner: string) =>
      `{"device_id":"1","location":{"timestamp":"${LOCATION.timestamp}",${inner}}}`
    const { attributes } = only(
      post(
        body(
          '"__proto__":{"odometer":5},"extras":{"__proto__":{"polluted":1},"constructor":2,"toString":3,"in":{"__proto__":4,"x":5}}',
        ),
      ),
    )
    assert.deepEqual(Object.entries(attributes), [
      ['constructor', 2],
      ['toString', 3],
      ['in', { x: 5 }],
    ])
    assert.equal(Object.getPrototypeOf(attributes), Object.prototype)
    assert.equal('polluted' in {}, false)
    assert.deepEqual(only(query('id=1&__proto__=x&constructor=5')).attributes, { constructor: 5 })
    assert.equal(only(post(body('"odometer":1,"odometer":2'))).odometerMeters, 2)
  })

  test('holds nothing that the database can not', () => {
    const { attributes } = only(
      json({ ...LOCATION, event: 'a\0b', extras: { '\0': '\ud800x', emoji: '🚚' } }),
    )
    assert.deepEqual(attributes, { event: 'a\ufffdb', '\ufffd': '\ufffdx', emoji: '🚚' })
    assert.equal(refusedFor(post(Buffer.from('{"device_id":"\xff"}', 'latin1'))), null)
  })
})

describe('fuzzing', () => {
  const [SEED, ROUNDS] = [2026, 200_000]
  test('200,000 damaged requests: no exception, nothing taken that is not finite, in range and storable', (t) => {
    const random = generator(SEED)
    const watch = new Watch()
    const seen = { messages: 0, refusals: new Set<string | null>() }
    for (let round = 0; round < ROUNDS; round++) {
      const { method, path, contentType, body = '' } = random.oneOf(VECTORS).input
      const isJson = body.startsWith('{')
      const inBody = body !== ''
      let bytes: Buffer = Buffer.from(inBody ? body : path.slice(2))
      for (let left = random.between(1, 3); left > 0; left--)
        bytes = damaged(random, bytes, isJson ? JSON_DAMAGE : DAMAGE)
      const asBody = inBody || round % 2 === 0
      const request: OsmandRequest = {
        method: asBody ? 'POST' : method,
        path: asBody ? '/' : `/?${bytes.toString('latin1')}`,
        contentType,
        body: asBody ? bytes : Buffer.alloc(0),
      }
      const result = watch.time(() => decodeOsmand(request))
      if (result.kind === 'refused') {
        seen.refusals.add(result.field)
        continue
      }
      seen.messages++
      assert.ok(result.identity.length > 0 && result.identity.length <= 256)
      for (const reading of result.readings) assertInRange(reading)
    }
    assert.ok(seen.messages > 10_000, `only ${seen.messages} damaged requests got as far as a reading`)
    for (const field of ['id', 'lat', 'timestamp', 'device_id', 'location.coords.latitude', null]) {
      assert.ok(seen.refusals.has(field), `nothing was refused for ${field}`)
    }
    t.diagnostic(
      watch.report('OsmAnd', SEED, { requests: ROUNDS, taken: seen.messages, reasons: seen.refusals.size }),
    )
  })

  const FRAGMENTS = [
    '%',
    '%00',
    '%ED%A0%80',
    '&',
    '=',
    '&lat=1',
    '&__proto__=1',
    '[',
    '{"a":',
    '"__proto__":{"x":1},',
    '\\u0000',
    '\\ud800',
    `"x":${'['.repeat(40)}${']'.repeat(40)},`,
    `&x=${'y'.repeat(5_000)}`,
    `"x":"${'é'.repeat(3_000)}",`,
  ]
  const VALUES = [
    'NaN',
    '-Infinity',
    '1e309',
    '-0',
    '-1',
    '1e-400',
    '9007199254740993',
    '9999-01-01T00:00:00Z',
    '',
  ]
  const JSON_VALUES = [
    ...VALUES,
    'null',
    'true',
    '""',
    '"1"',
    '{}',
    '[]',
    '[1e309]',
    '"9999-01-01T00:00:00Z"',
  ]

  const DAMAGE = { fragments: FRAGMENTS, values: VALUES, value: PARAMETER_VALUE }
  const JSON_DAMAGE = { fragments: FRAGMENTS, values: JSON_VALUES, value: JSON_VALUE }

  function assertInRange(reading: Reading): void {
    const { attributes, valid, ignition, sentAt, engineSeconds, ...numbers } = reading
    assert.deepEqual([sentAt, engineSeconds], [null, null])
    assert.equal(typeof valid, 'boolean')
    assert.ok(ignition === null || typeof ignition === 'boolean')
    assertWithin(numbers.fixAt, Date.UTC(1980, 0, 6), Date.UTC(2068, 0, 1) - 1)
    assert.ok(numbers.fixAt === null || Number.isInteger(numbers.fixAt))
    assertWithin(numbers.latitude, -90, 90)
    assertWithin(numbers.longitude, -180, 180)
    assertWithin(numbers.speedKph, 0, 3_000)
    assertWithin(numbers.headingDegrees, 0, 359.999_999_999_9)
    assertWithin(numbers.altitudeMeters, -1_000, 30_000)
    assertWithin(numbers.accuracyMeters, 0, 50_000_000)
    assertWithin(numbers.odometerMeters, 0, 2_000_000_000)
    assert.equal(reading.latitude === null, reading.longitude === null)
    if (valid) assert.notEqual(reading.latitude, null)
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
