import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testDatabase } from '../db/testing.ts'
import { answerToDatagram, enrolFleet, Tracker, until } from './doors.testing.ts'
import { DoorsProcess } from './process.testing.ts'
import { type AvlRecord, encodeFrame } from './teltonika/codec.ts'
import { encodeDatagram } from './teltonika/datagram.ts'

const { url: databaseUrl, pool } = await testDatabase()
const doors = await DoorsProcess.open(databaseUrl)
const IMEI = '352093080300001'
const [json] = await enrolFleet(pool, [
  { name: 'json' },
  { name: 'osmand', protocol: 'osmand', identity: 'osmand', open: true },
  { name: 'owntracks', protocol: 'owntracks', identity: 'owntracks/kim/phone', open: true },
  { name: 'tracker', protocol: 'teltonika', identity: IMEI, open: true },
])
const PROTOCOLS = ['json', 'osmand', 'owntracks', 'mqtt', 'teltonika']

interface Scrape {
  types: Map<string, string>
  /** By `name{label="value",…}`, as written. */
  samples: Map<string, number>
}

/** Prometheus' text format, version 0.0.4, read strictly: a line that is none fails. */
async function scrape(): Promise<Scrape> {
  const answer = await fetch(`${doors.url}/metrics`)
  assert.match(answer.headers.get('content-type')!, /^text\/plain; version=0\.0\.4/)
  const [types, samples] = [new Map<string, string>(), new Map<string, number>()]
  for (const line of (await answer.text()).split('\n')) {
    if (line === '' || line.startsWith('# HELP ')) continue
    const type = /^# TYPE ([a-z0-9_]+) (counter|gauge|histogram|summary)$/.exec(line)
    if (type) {
      types.set(type[1]!, type[2]!)
      continue
    }
    const sample = /^([a-z0-9_]+(?:\{(?:[a-z_]+="(?:[^"\\]|\\.)*",?)*\})?) (Nan|[+-]?[\d.e+-]+)$/.exec(line)
    assert.ok(sample, `no line of the format: ${line}`)
    assert.ok(!samples.has(sample[1]!), `twice: ${line}`)
    samples.set(sample[1]!, Number(sample[2]))
  }
  return { types, samples }
}

const RECORD: AvlRecord = {
  fixAt: Date.now() - 600_000,
  latitude: 54.6,
  longitude: 25.2,
  altitudeMeters: 12,
  headingDegrees: 214,
  speedKph: 83,
  satellites: 11,
  io: {},
}

/** The same at every door: one position twice, a bad one, and a stranger. */
async function traffic(): Promise<void> {
  const at = Date.now()
  const beat = { device: 'json', fixTime: at, latitude: 41, longitude: -87 }
  const post = (url: string, body: unknown, headers: Record<string, string> = {}) =>
    fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    }).then((answer) => answer.text())
  const own = { authorization: `Bearer ${json!.token}` }
  await post(`${doors.url}/v1/heartbeats`, beat, own)
  await post(`${doors.url}/v1/heartbeats`, [beat, { ...beat, latitude: 91 }], own)
  await post(`${doors.url}/v1/heartbeats`, beat)

  const phones = `http://127.0.0.1:${doors.phonesPort}/`
  const seconds = Math.floor(at / 1_000)
  for (const query of [
    `id=osmand&timestamp=${seconds}&lat=47&lon=9`,
    `id=osmand&timestamp=${seconds}&lat=47&lon=9`,
    `id=osmand&timestamp=${seconds}&lat=91&lon=9`,
    `id=stranger&timestamp=${seconds}&lat=47&lon=9`,
  ])
    await (await fetch(`${phones}?${query}`)).text()
  const location = { _type: 'location', topic: 'owntracks/kim/phone', lat: 47, lon: 9, tst: seconds }
  for (const body of [
    location,
    location,
    { ...location, lat: 91 },
    { ...location, topic: 'owntracks/a/stranger' },
  ])
    await post(phones, body)

  const tracker = await Tracker.login(doors.trackerPort, IMEI)
  const frame = encodeFrame('8', [RECORD])
  const bad = Buffer.from(frame)
  bad[bad.length - 1]! ^= 1
  tracker.socket.write(Buffer.concat([frame, bad, frame]))
  await tracker.hears('0000000100000001')
  tracker.socket.destroy()
  const packet = encodeDatagram({ imei: IMEI, packetId: 1, avlPacketId: 1 }, '8', [RECORD])
  await answerToDatagram(doors.trackerPort, packet)
  const stranger = await Tracker.login(doors.trackerPort, '352093080399999').catch(() => undefined)
  assert.equal(stranger, undefined)
}

test('a scrape shows what came, what became of it at each door and why, what waits, and how long the answers took', async () => {
  const before = await scrape()
  await traffic()
  await until('all to be counted', async () => {
    const { samples } = await scrape()
    return samples.get('restline_ingest_refusals_total{protocol="teltonika",reason="unknown"}') === 1
  })
  const { types, samples } = await scrape()
  assert.deepEqual(
    [
      'restline_ingest_received_total',
      'restline_ingest_heartbeats_total',
      'restline_ingest_refusals_total',
      'restline_ingest_refused_heartbeats_total',
      'restline_ingest_backlog_heartbeats',
      'restline_ingest_late_heartbeats_total',
      'restline_ingest_queue_rows',
      'restline_ingest_queue_bytes',
      'restline_ingest_group_rows',
      'restline_ingest_commit_seconds',
      'restline_ingest_acknowledgement_seconds',
      'restline_ingest_connections',
    ].map((name) => [name, types.get(name)]),
    [
      ['restline_ingest_received_total', 'counter'],
      ['restline_ingest_heartbeats_total', 'counter'],
      ['restline_ingest_refusals_total', 'counter'],
      ['restline_ingest_refused_heartbeats_total', 'counter'],
      ['restline_ingest_backlog_heartbeats', 'gauge'],
      ['restline_ingest_late_heartbeats_total', 'counter'],
      ['restline_ingest_queue_rows', 'gauge'],
      ['restline_ingest_queue_bytes', 'gauge'],
      ['restline_ingest_group_rows', 'histogram'],
      ['restline_ingest_commit_seconds', 'histogram'],
      ['restline_ingest_acknowledgement_seconds', 'histogram'],
      ['restline_ingest_connections', 'gauge'],
    ],
  )
  const more = (line: string) => (samples.get(line) ?? 0) - (before.samples.get(line) ?? 0)
  const of = (protocol: string) => ({
    received: more(`restline_ingest_received_total{protocol="${protocol}"}`),
    stored: more(`restline_ingest_heartbeats_total{protocol="${protocol}",outcome="stored"}`),
    duplicate: more(`restline_ingest_heartbeats_total{protocol="${protocol}",outcome="duplicate"}`),
    refused: more(`restline_ingest_heartbeats_total{protocol="${protocol}",outcome="refused"}`),
    late: more(`restline_ingest_late_heartbeats_total{protocol="${protocol}"}`),
    backlog: samples.get(`restline_ingest_backlog_heartbeats{protocol="${protocol}"}`),
    answers: more(`restline_ingest_acknowledgement_seconds_count{protocol="${protocol}"}`),
  })
  const one = { received: 2, stored: 1, duplicate: 1, refused: 1, late: 0, backlog: 0 }
  assert.deepEqual(Object.fromEntries(PROTOCOLS.map((protocol) => [protocol, of(protocol)])), {
    json: { ...one, answers: 2 },
    osmand: { ...one, answers: 3 },
    owntracks: { ...one, answers: 3 },
    mqtt: { received: 0, stored: 0, duplicate: 0, refused: 0, late: 0, backlog: 0, answers: 0 },
    teltonika: { received: 3, stored: 1, duplicate: 2, refused: 1, late: 3, backlog: 0, answers: 4 },
  })
  const reasons = [
    'refused_heartbeats_total{protocol="json",reason="latitude"}',
    'refused_heartbeats_total{protocol="osmand",reason="lat"}',
    'refused_heartbeats_total{protocol="owntracks",reason="lat"}',
    'refusals_total{protocol="json",reason="signature_missing"}',
    'refusals_total{protocol="osmand",reason="unknown"}',
    'refusals_total{protocol="owntracks",reason="unknown"}',
    'refusals_total{protocol="teltonika",reason="unknown"}',
    'refusals_total{protocol="teltonika",reason="crc"}',
  ]
  assert.deepEqual(
    reasons.map((reason) => [reason, more(`restline_ingest_${reason}`)]),
    reasons.map((reason) => [reason, 1]),
  )
  // Buckets grow to the count, and the time is a time.
  for (const protocol of ['json', 'osmand', 'owntracks', 'teltonika']) {
    const buckets = [...samples]
      .filter(
        ([line]) =>
          line.startsWith('restline_ingest_acknowledgement_seconds_bucket{') &&
          line.includes(`"${protocol}"`),
      )
      .map(([, value]) => value)
    assert.ok(buckets.length > 10)
    assert.deepEqual(
      buckets,
      [...buckets].sort((a, b) => a - b),
    )
    assert.equal(
      buckets.at(-1),
      samples.get(`restline_ingest_acknowledgement_seconds_count{protocol="${protocol}"}`),
    )
    assert.ok(more(`restline_ingest_acknowledgement_seconds_sum{protocol="${protocol}"}`) > 0)
  }
  assert.equal(more('restline_ingest_group_rows_count'), more('restline_ingest_commit_seconds_count'))
  assert.ok(more('restline_ingest_group_rows_sum') >= 9)
  assert.equal(samples.get('restline_ingest_queue_rows'), 0)
  assert.equal(samples.get('restline_ingest_queue_bytes'), 0)
})
