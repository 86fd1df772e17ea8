import assert from 'node:assert/strict'
import { createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, test } from 'node:test'
import { DeviceClient, ownSigner } from '../agent/client.ts'
import { type SignatureAlgorithm, signData } from '../auth/keys/algorithm.ts'
import { contentDigestField } from '../auth/keys/content-digest.ts'
import { draftRequest, newNonce } from '../auth/keys/sign-request.ts'
import { privateKeyOf } from '../auth/own-keys.ts'
import { until } from '../ingest/doors.testing.ts'
import { call, signIn, startTarget } from './running.testing.ts'

// Both instances have one name towards devices. That whoever asks or fails too often has to wait is another test.
const LIMITS = { DEVICE_FAILURES_PER_MINUTE: '0', DEVICE_REQUESTS_PER_SECOND: '0' }
const target = await startTarget(LIMITS)
const { pool, a, b } = target
const other = await target.another({ ...LIMITS, PUBLIC_URL: target.url })
const [truck, second] = a.devices as [(typeof a.devices)[0], (typeof a.devices)[0]]
const MUTATION = 'mutation'
const REVOKED_WITHIN_MS = 5_000

interface Request {
  method: string
  target: string
  headers: [string, string][]
  body: string
}

/** Of `<fleet>/SHA256:…`; its base64 may have a slash too. */
const printOf = (keyId: string) => keyId.slice(keyId.indexOf('/') + 1)

let count = 0
const beatOf = (device: string) => ({
  device,
  fixTime: Date.now() - 3_600_000 + ++count * 1_000,
  latitude: 41.5,
  longitude: -93.6,
})

interface Signing {
  keyId?: string
  key?: KeyObject
  algorithm?: SignatureAlgorithm
  offsetMs?: number
  body?: string
  path?: string
}

/** A heartbeat of the first truck of A, signed by its own key unless said otherwise. */
function signed(more: Signing = {}): Request {
  const { keyId = truck.key.keyId, key = privateKeyOf(truck.key), algorithm = 'ed25519', offsetMs = 0 } = more
  const { path = '/v1/heartbeats' } = more
  const body = more.body ?? JSON.stringify(beatOf(truck.name))
  const sent = {
    method: 'POST',
    target: path,
    headers: [['Content-Type', 'application/json'] as const],
    body: Buffer.from(body),
  }
  const identity = { kind: 'device' as const, keyId, algorithm }
  const draft = draftRequest(sent, identity, target.url, Date.now() + offsetMs, newNonce())
  const headers = draft
    .headers(signData(algorithm, key, draft.base))
    .map(([name, value]): [string, string] => [name, value])
  return { method: 'POST', target: path, headers, body }
}

async function send(at: string, { method, target: path, headers, body }: Request): Promise<string> {
  const answer = await fetch(at + path, { method, headers, body })
  const said = (await answer.json()) as { code?: string }
  assert.ok(answer.headers.get('fleet-nonce'), `${answer.status} without a Fleet-Nonce`)
  return answer.ok ? 'taken' : `${answer.status} ${said.code}`
}

const withField = (request: Request, name: string, change: (value: string) => string): Request => ({
  ...request,
  headers: request.headers.map(([one, value]) => [one, one === name ? change(value) : value]),
})

async function stored(): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    `select count(*)::int as count from positions where device_number =
       (select number from devices where fleet_id = $1 and name = $2)`,
    [a.id, truck.name],
  )
  return rows[0]!.count
}

describe('devices at two running instances', () => {
  test('attack 05: stale, future, negative, worded, missing and expired times', async () => {
    assert.equal(await send(target.url, signed({ offsetMs: -301_500 })), '401 clock_skew')
    // Two minutes of room for a busy machine; the bound itself is told by the profile's own tests.
    assert.equal(await send(other, signed({ offsetMs: 420_000 })), '401 clock_skew')
    assert.equal(await send(target.url, signed({ offsetMs: -180_000 })), 'taken')
    assert.equal(await send(other, signed({ offsetMs: 299_000 })), 'taken')
    for (const [from, to, expected] of [
      [/created=\d+/, 'created=-1', '400 malformed'],
      [/created=\d+/, 'created="now"', '400 malformed'],
      [/created=\d+;/, '', '400 malformed'],
      [/;alg/, ';expires=1;alg', '401 unauthorized'],
    ] as const)
      assert.equal(
        await send(
          target.url,
          withField(signed(), 'Signature-Input', (value) => value.replace(from, to)),
        ),
        expected,
        to,
      )
  })

  test('attack 06: neither another algorithm nor the public key as a secret', async () => {
    for (const algorithm of ['hmac-sha256', 'rsa-pss-sha512', 'ecdsa-p256-sha256', 'none']) {
      const request = withField(signed(), 'Signature-Input', (value) =>
        value.replace('alg="ed25519"', `alg="${algorithm}"`),
      )
      assert.equal(await send(target.url, request), '401 unauthorized', algorithm)
    }
    const { rows } = await pool.query<{ line: string }>(
      `select public_key as line from device_keys where fleet_id = $1 and fingerprint = $2`,
      [a.id, printOf(truck.key.keyId)],
    )
    const raw = Buffer.from(rows[0]!.line.split(' ')[1]!, 'base64')
    for (const secret of [raw, raw.subarray(-32), Buffer.from(rows[0]!.line)]) {
      const forged = signed({ key: createSecretKey(secret), algorithm: 'hmac-sha256' })
      assert.equal(await send(other, forged), '401 unauthorized')
    }
  })

  test('attack 07: parts that are not covered, swapped or changed', async () => {
    const [one, two] = [signed(), signed()]
    const fieldOf = (request: Request, name: string) => request.headers.find(([is]) => is === name)![1]
    const digest = contentDigestField(Buffer.from(two.body))
    const cases: [string, Request, RegExp][] = [
      ['the body', { ...one, body: two.body }, /digest_mismatch/],
      [
        'body and digest',
        withField({ ...one, body: two.body }, 'Content-Digest', () => digest),
        /unauthorized/,
      ],
      ['query', { ...one, target: '/v1/heartbeats?x=1' }, /unauthorized/],
      [
        'the input of another',
        withField(one, 'Signature-Input', () => fieldOf(two, 'Signature-Input')),
        /unauthorized/,
      ],
      [
        'the digest not covered',
        withField(one, 'Signature-Input', (value) => value.replace(' "content-digest"', '')),
        /component_missing/,
      ],
      [
        'two signatures with the tag',
        {
          ...one,
          headers: [
            ...one.headers.filter(([name]) => !name.startsWith('Signature')),
            [
              'Signature-Input',
              `${fieldOf(one, 'Signature-Input')}, ${fieldOf(two, 'Signature-Input').replace('sig=', 'more=')}`,
            ],
            [
              'Signature',
              `${fieldOf(one, 'Signature')}, ${fieldOf(two, 'Signature').replace('sig=', 'more=')}`,
            ],
          ],
        },
        /malformed|unauthorized/,
      ],
    ]
    for (const [name, request, expected] of cases)
      assert.match(await send(target.url, request), expected, name)
    assert.equal(await send(target.url, one), 'taken', 'what was tried has used nothing up')
  })

  test('one row for another device refuses all of a report, at the procedure too', async () => {
    const reporter = a.devices[2]!
    const client = new DeviceClient({ url: target.url, signer: ownSigner(reporter.key) })
    const report = async (...beats: unknown[]) => {
      const body = Buffer.from(JSON.stringify(beats))
      const { status, text } = await client.send('POST', '/api/trpc/heartbeat.report', body)
      return `${status} ${text}`
    }
    const own = beatOf(reporter.name)
    assert.match(await report(own, beatOf(truck.name)), /^403 .*"FORBIDDEN"/)
    assert.match(await report(own), /^200 .*"stored":1/, 'nothing of it was stored before')
  })

  test('attack 08: a key that an owner revokes is refused at both within 5 s, its session too', async () => {
    const fingerprint = printOf(second.key.keyId)
    const { rows } = await pool.query<{ id: number }>(
      'select id from device_keys where fleet_id = $1 and fingerprint = $2',
      [a.id, fingerprint],
    )
    // The device goes on with the session of one instance at the other.
    const elsewhere: typeof fetch = (input, init) => fetch(String(input).replace(target.url, other), init)
    const options = { url: target.url, signer: ownSigner(second.key) }
    const clients = [new DeviceClient(options), new DeviceClient({ ...options, fetch: elsewhere })]
    const beat = (client: DeviceClient) =>
      client.send('POST', '/v1/heartbeats', Buffer.from(JSON.stringify(beatOf(second.name))))
    for (const client of clients) assert.equal((await beat(client)).status, 200)
    const cookie = await signIn(target, a)
    const revoked = await call(
      target,
      cookie,
      { path: 'keys.revoke', type: MUTATION },
      {
        keyId: rows[0]!.id,
        why: 'stolen',
      },
    )
    assert.equal(revoked.status, 200, revoked.text)
    // What is sent from the fifth second on is heard by neither; a server that is not sure yet may ask for patience.
    const until = performance.now() + REVOKED_WITHIN_MS
    for (const client of clients) {
      let status = 0
      while (status !== 401) {
        const sentAt = performance.now()
        status = (await beat(client)).status
        assert.ok(status !== 200 || sentAt < until, 'it was heard after 5 s')
        assert.ok(status === 401 || sentAt < until + 60_000, `it was never refused: ${status}`)
      }
    }
  })

  test('attack 08: the key of B says nothing under the name of A, and a key of nobody nothing at all', async () => {
    const theirs = b.devices[0]!
    const print = printOf(theirs.key.keyId)
    const key = privateKeyOf(theirs.key)
    assert.equal(await send(target.url, signed({ keyId: `${a.slug}/${print}`, key })), '401 unauthorized')
    // Under its own name it speaks for devices of B alone, whatever those of A are called.
    const before = await stored()
    await send(target.url, signed({ keyId: theirs.key.keyId, key }))
    assert.equal(await stored(), before)
    const { privateKey } = generateKeyPairSync('ed25519')
    assert.equal(await send(other, signed({ key: privateKey })), '401 unauthorized')
  })

  test('the procedures answer a device with a server nonce too, and ask for the scope of its key', async () => {
    const call = async (request: Request) => {
      const { method, target: path, headers, body } = request
      const answer = await fetch(target.url + path, { method, headers, body })
      assert.ok(answer.headers.get('fleet-nonce'), `${answer.status} without a Fleet-Nonce`)
      return `${answer.status} ${((await answer.json()) as { code?: string }).code ?? ''}`.trim()
    }
    const report = () => signed({ path: '/api/trpc/heartbeat.report' })
    assert.equal(await call(report()), '200')
    const key = [a.id, printOf(truck.key.keyId)]
    const scope = (scopes: string) =>
      pool.query('update device_keys set scopes = $3 where fleet_id = $1 and fingerprint = $2', [
        ...key,
        scopes,
      ])
    await scope('{config:read}')
    try {
      await until('the scope to be known', async () => (await call(report())) === '403 scope_denied')
    } finally {
      await scope('{ingest}')
    }
  })

  test('the audit log has the true reason of what was refused', async () => {
    const reasons = async () => {
      const { rows } = await pool.query<{ reason: string }>(
        `select distinct after->>'reason' as reason from audit_log where fleet_id = $1 and action = 'device.refused'`,
        [a.id],
      )
      return rows.map(({ reason }) => reason)
    }
    const until = performance.now() + 60_000
    let found = await reasons()
    while (!(found.includes('unknown_key') && found.length > 1) && performance.now() < until)
      found = await reasons()
    assert.ok(found.includes('unknown_key') && found.length > 1, found.join(', '))
  })
})
