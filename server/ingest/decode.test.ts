import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DevicePrincipal } from '../auth/principal.ts'
import { decodeReport } from './decode.ts'
import { damaged, generator, JSON_VALUE, Watch } from './fuzz.testing.ts'

const NOW = Date.UTC(2026, 10, 23, 12)
const DEVICE: DevicePrincipal = {
  kind: 'device',
  method: 'token',
  fleetId: 1,
  deviceId: 2,
  vehicleId: 3,
  fleetNumber: 4,
  deviceNumber: 5,
  name: 'truck-7',
}
const heartbeat = (minute: number, more: object = {}) => ({
  device: 'truck-7',
  fixTime: NOW - minute * 60_000,
  latitude: 41.6,
  longitude: -87.3,
  speedKph: 98.5,
  ...more,
})
const BODIES = [
  heartbeat(0),
  [heartbeat(0), heartbeat(1), heartbeat(2)],
  heartbeat(3, { fixTime: '2026-11-23T05:59:30.250-06:00', headingDegrees: 359.7, altitudeMeters: -12.4 }),
  [heartbeat(4, { odometerMeters: 1_234_567, engineHours: 10_000.5, ignition: true, sequence: 17 })],
  [heartbeat(5, { accuracyMeters: 4.2, attributes: { fuel: { percent: 61.5 }, note: 'Ünï' } }), heartbeat(6)],
].map((body) => Buffer.from(JSON.stringify(body)))

const VALUES = [
  ...['NaN', '-Infinity', '1e309', '-0', '-1', '1e-400', '9007199254740993', '91', '-181', '4294967296'],
  ...['null', 'true', '""', '"1"', '{}', '[]', '[1e309]', '"9999-12-31T23:59:59Z"', '"2026-02-30T00:00:00Z"'],
]
const FRAGMENTS = [
  ...['[', '{"a":{"b":', '"__proto__":{"x":1},', '"constructor":[],', '"attributes":{"x":"\\u0000"},'],
  ...['"attributes":{"\\ud800":1},', '"sequence":1e99,', '"fixTime":-1,', '{},', 'null,'],
  `"attributes":{"x":${'['.repeat(40)}${']'.repeat(40)}},`,
  `"attributes":{"x":"${'é'.repeat(3_000)}"},`,
]
const DAMAGE = { fragments: FRAGMENTS, values: VALUES, value: JSON_VALUE }
const [SEED, ROUNDS] = [2026, 200_000]

test('200,000 damaged reports: no exception, each heartbeat stored or refused with field and reason', (t) => {
  const random = generator(SEED)
  const watch = new Watch()
  const seen = { unreadable: 0, taken: 0, refused: 0, fields: new Set<string>() }
  for (let round = 0; round < ROUNDS; round++) {
    let bytes: Buffer = random.oneOf(BODIES)
    for (let left = random.between(1, 3); left > 0; left--) bytes = damaged(random, bytes, DAMAGE)
    let report: unknown
    try {
      report = JSON.parse(bytes.toString('utf8'))
    } catch {
      // The door's to refuse: it is not JSON.
      seen.unreadable++
      continue
    }
    if (typeof report !== 'object' || report === null) continue
    const { batch, refused, received } = watch.time(() => decodeReport(report, DEVICE, NOW))
    assert.equal(batch.size + refused.length, received)
    seen.taken += batch.size
    seen.refused += refused.length
    for (const { index, field, reason } of refused) {
      assert.ok(index >= 0 && index < received && reason.length > 10 && field.length <= 64)
      seen.fields.add(field)
    }
    const { latest } = batch
    if (latest === null) continue
    assert.ok(Number.isInteger(latest.fixAt) && latest.fixAt <= NOW + 300_000)
    assert.ok(Math.abs(latest.latitudeE7!) <= 900_000_000 && Math.abs(latest.longitudeE7!) <= 1_800_000_000)
    for (const number of [
      latest.speedCkph,
      latest.headingDeg,
      latest.altitudeM,
      latest.odometerM,
      latest.sequence,
    ])
      assert.ok(number === null || Number.isSafeInteger(number))
    if (latest.attributes !== null) {
      assert.ok(Buffer.byteLength(latest.attributes) <= 4_096)
      assert.doesNotMatch(latest.attributes, /(?:^|[^\\])(?:\\\\)*\\u(?:0000|d[89a-f])/i)
    }
  }
  assert.ok(seen.taken > 20_000, `only ${seen.taken} heartbeats were taken`)
  for (const field of [
    '',
    'device',
    'fixTime',
    'latitude',
    'speedKph',
    'sequence',
    'attributes',
    '__proto__',
  ])
    assert.ok(seen.fields.has(field), `nothing was refused for ${field}`)
  const { unreadable, taken, refused } = seen
  t.diagnostic(watch.report('JSON', SEED, { reports: ROUNDS, 'no JSON': unreadable, taken, refused }))
})
