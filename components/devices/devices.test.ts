import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { DeviceRow } from '../../server/fleet/devices-schema.ts'
import { chosenOf, countsOf, SHOW, textsOf } from './device-order.ts'
import { clockWords, connectionOf, connectionWords, workOf } from './device-state.ts'
import { type Doors, settingsOf } from './settings.ts'

const MINUTE = 60_000
const NOW = Date.UTC(2026, 10, 25, 12)
const row = (more: Partial<DeviceRow>): DeviceRow => ({
  id: 1,
  name: 'n',
  vehicleId: 1,
  unitNumber: '1',
  protocol: 'json',
  identity: null,
  open: false,
  createdAt: 0,
  revokedAt: null,
  seenAt: null,
  validAt: null,
  doubtfulAt: null,
  doubt: null,
  refusedAt: null,
  refusal: null,
  clockOffsetMs: null,
  ...more,
})

describe('the state of a device', () => {
  test('connection goes by when it was heard', () => {
    const of = (ageMs: number | null) =>
      connectionOf(row({ seenAt: ageMs === null ? null : NOW - ageMs }), 15, NOW)
    assert.deepEqual(
      [of(null), of(MINUTE), of(4 * MINUTE), of(15 * MINUTE), of(3 * 60 * MINUTE)],
      ['never', 'online', 'quiet', 'silent', 'silent'],
    )
    assert.equal(connectionOf(row({ revokedAt: NOW, seenAt: NOW }), 15, NOW), 'revoked')
    assert.equal(connectionWords('quiet', NOW - 4 * MINUTE, NOW), 'Heard 4 min ago')
    assert.equal(connectionWords('silent', NOW - 180 * MINUTE, NOW), 'Silent, heard 3 h ago')
  })

  test('work goes by what its newest message was worth', () => {
    assert.equal(workOf(row({})), 'nothing')
    assert.equal(workOf(row({ validAt: 2, doubtfulAt: 1, doubt: 'future' })), 'fix')
    assert.equal(workOf(row({ validAt: 1, doubtfulAt: 2, doubt: 'future' })), 'clock')
    assert.equal(workOf(row({ validAt: 1, doubtfulAt: 2, doubt: 'zero-fix' })), 'no-fix')
    assert.equal(workOf(row({ validAt: 1, doubtfulAt: 2, doubt: 'implausible-speed' })), 'implausible')
    assert.equal(workOf(row({ validAt: 1, refusedAt: 2, doubtfulAt: 1, doubt: 'past' })), 'refused')
  })

  test('a clock is ahead or behind', () => {
    assert.equal(clockWords(900), 'within a second')
    assert.equal(clockWords(-4_000), '4 s behind')
    assert.equal(clockWords(60 * MINUTE), '1 h ahead')
  })
})

describe('what belongs into a device', () => {
  const doors: Doors = {
    url: 'https://fleet.example',
    teltonikaPort: 5027,
    broker: { host: 'mq.example', isSecure: true },
  }
  const configuration = (kind: 'owntracks-http' | 'owntracks-mqtt') => {
    const [link] = settingsOf(kind, doors, { name: 'n', identity: 'owntracks/jane/phone', token: 'secret' })
    assert.ok(link!.isQr)
    const inline = /^owntracks:\/\/\/config\?inline=(.+)$/.exec(link!.text)![1]!
    return JSON.parse(Buffer.from(inline, 'base64').toString('utf8')) as Record<string, unknown>
  }

  test('OwnTracks takes its configuration from a link', () => {
    const http = configuration('owntracks-http')
    assert.deepEqual(
      [http._type, http.mode, http.url, http.username, http.deviceId, http.password],
      ['configuration', 3, 'https://fleet.example/v1/owntracks', 'jane', 'phone', 'secret'],
    )
    const mqtt = configuration('owntracks-mqtt')
    assert.deepEqual(
      [mqtt.mode, mqtt.host, mqtt.port, mqtt.tls, mqtt.pubTopicBase],
      [0, 'mq.example', 8883, true, 'owntracks/jane/phone'],
    )
    assert.equal('password' in mqtt, false)
  })

  test('Traccar Client takes an address with its settings as the query', () => {
    const [link] = settingsOf('traccar', doors, { name: 'n', identity: 'phone 1', token: 'secret' })
    const url = new URL(link!.text)
    assert.equal(url.origin + url.pathname, 'https://fleet.example/v1/osmand/secret')
    assert.equal(url.searchParams.get('id'), 'phone 1')
    // Without the token there is nothing to scan.
    const later = settingsOf('traccar', doors, { name: 'n', identity: 'phone 1', token: null })
    assert.equal(
      later.some(({ isQr }) => isQr),
      false,
    )
  })

  test('a tracker is told server and port by text message', () => {
    const device = { name: 'n', identity: '356307042441013', token: null }
    assert.equal(
      settingsOf('teltonika', doors, device)[0]!.text,
      '  setparam 2004:fleet.example;2005:5027;2006:0',
    )
    assert.deepEqual(settingsOf('teltonika', { ...doors, teltonikaPort: null }, device), [])
    assert.deepEqual(settingsOf('owntracks-mqtt', { ...doors, broker: null }, device), [])
  })

  test('the sample command can be pasted, whatever the device is called', () => {
    const [command] = settingsOf('json', doors, { name: "Ann's", identity: null, token: 'secret' })
    assert.match(command!.text, /"device":"Ann'\\''s"/)
    assert.match(command!.text, /Bearer secret/)
  })
})

describe('ten thousand devices in order', () => {
  const devices = Array.from({ length: 10_000 }, (_, i) =>
    row({
      id: i + 1,
      // As people count: 9 before 10, whatever the order of the ids.
      name: `tracker-${10_000 - i}`,
      unitNumber: `T${(i * 7_919) % 5_000}`,
      seenAt: i % 3 === 0 ? null : NOW - i * 1_000,
      validAt: i % 2 === 0 ? NOW - i * 1_000 : null,
      identity: `35${String(i).padStart(13, '0')}`,
      revokedAt: i % 100 === 0 ? NOW : null,
    }),
  )
  const texts = textsOf(devices, new Map())
  const known = devices.map((device) => ({
    device,
    connection: connectionOf(device, 15, NOW),
    work: workOf(device),
    texts: texts.get(device.id)!,
  }))
  const chosen = (more: object) =>
    chosenOf(known, { show: 'all', query: '', sort: 'truck', down: false, ...more })

  test('trucks are counted as people count, and equal ones go by name', () => {
    const rows = chosen({})
    assert.equal(rows.length, 9_900)
    const numbers = rows.map(({ device }) => [
      Number(device.unitNumber.slice(1)),
      Number(device.name.slice(8)),
    ])
    for (const [i, [truck, name]] of numbers.entries()) {
      const [before, nameBefore] = numbers[i - 1] ?? [-1, -1]
      assert.ok(truck! > before! || (truck === before && name! > nameBefore!))
    }
    assert.deepEqual(
      chosen({ sort: 'name', down: true }).map(({ device }) => device.name),
      chosen({ sort: 'name' })
        .map(({ device }) => device.name)
        .reverse(),
    )
  })

  test('a search looks in truck, name, identity and protocol; the counts are those of what is shown', () => {
    assert.deepEqual(
      chosen({ query: ' TRACKER-9999 ' }).map(({ device }) => device.id),
      [2],
    )
    assert.deepEqual(
      chosen({ query: '350000000000042' }).map(({ device }) => device.id),
      [43],
    )
    const counts = countsOf(known)
    for (const show of SHOW) assert.equal(counts[show], chosen({ show }).length)
    assert.deepEqual(
      [counts.all, counts.revoked, counts.working + counts.trouble + counts.silent],
      [9_900, 100, 9_900],
    )
  })

  test('texts are ranked anew only when one has changed', () => {
    const reported = devices.map((device) => ({ ...device, seenAt: NOW }))
    assert.equal(textsOf(reported, texts), texts)
    const renamed = textsOf([{ ...devices[0]!, name: 'aaa' }, ...devices.slice(1)], texts)
    assert.equal(renamed.get(1)!.name, 0)
    assert.notEqual(textsOf(devices.slice(1), texts), texts)
  })
})
