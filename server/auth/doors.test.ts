import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createSecretKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import * as fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, describe, test } from 'node:test'
import { DeviceClient } from '../agent/client.ts'
import { withTransaction } from '../db/pool.ts'
import { testDatabase } from '../db/testing.ts'
import { until } from '../ingest/doors.testing.ts'
import { challengeKey, listKeys, proveKey, revokeKey, rotationMessage } from './device-keys.ts'
import {
  beatOf,
  keyLine,
  makeFleet,
  makeKey,
  ORIGIN,
  positionsOf,
  type Signing,
  send,
  signRequest,
  startInstance,
  type TestKey,
} from './doors.testing.ts'
import { signData } from './keys/algorithm.ts'
import { contentDigestField } from './keys/content-digest.ts'
import { agreeSecret, offerSession } from './keys/session-keys.ts'

const { url, pool } = await testDatabase()
const [one, other] = [await startInstance(url), await startInstance(url)]
const fleet = await makeFleet(pool, 'acme', ['unit-1', 'unit-2', 'unit-3', 'unit-4'])
const foreign = await makeFleet(pool, 'rival', ['unit-1', 'unit-9'])
const [truck, second, third, fourth] = fleet.devices as [
  (typeof fleet.devices)[0],
  (typeof fleet.devices)[0],
  (typeof fleet.devices)[0],
  (typeof fleet.devices)[0],
]
const key = await makeKey(pool, fleet, { kind: 'device', deviceId: truck.id })
const by = (which: TestKey, more: Partial<Signing> = {}): Signing => ({
  keyId: which.enrolled.keyId,
  key: which.privateKey,
  ...more,
})
const SIGNED = 16

/** Agrees a session with an instance. */
async function openSession(which: TestKey, at = one) {
  const offer = offerSession()
  const request = signRequest({ x25519: offer.x25519 }, by(which, { target: '/v1/sessions' }))
  const { status, answer } = await send(at, request)
  assert.equal(status, 200, JSON.stringify(answer))
  const agreed = agreeSecret(offer.privateKey, String(answer.x25519), request.base)
  assert.ok(agreed.ok)
  return {
    id: String(answer.session),
    secret: createSecretKey(agreed.secret),
    expiresIn: Number(answer.expiresIn),
    request,
  }
}
const inSession = (
  session: { id: string; secret: ReturnType<typeof createSecretKey> },
  more: Partial<Signing> = {},
): Signing => ({
  kind: 'session',
  keyId: session.id,
  key: session.secret,
  algorithm: 'hmac-sha256',
  ...more,
})

/** Returns when the fleet's log says that a key was refused for this reason; it is written behind the answer. */
async function refusedFor(fingerprint: string, reason: string): Promise<void> {
  await until(`the log says ${reason}`, async () => {
    const { rows } = await pool.query(
      `select from audit_log where fleet_id = $1 and action = 'device.refused' and object_id = $2 and after->>'reason' = $3`,
      [fleet.id, fingerprint, reason],
    )
    return rows.length > 0
  })
}

/** What a revocation may take. @returns ms */
async function within5s(isTrue: () => Promise<boolean>): Promise<number> {
  const from = performance.now()
  await until('what every instance learns within 5 s', isTrue, 5_000)
  return performance.now() - from
}

describe('signed requests at the door', () => {
  test('are stored, marked as signed; by a token they are not', async () => {
    const answered = await send(one, signRequest(beatOf('unit-1'), by(key)))
    assert.deepEqual([answered.status, answered.answer.stored], [200, 1])
    assert.match(answered.headers.get('fleet-nonce')!, /^[\w-]{43}$/)
    assert.deepEqual(await positionsOf(pool, truck), [{ flags: SIGNED }])
    const token = await fetch(`${one.url}/v1/heartbeats`, {
      method: 'POST',
      headers: { authorization: `Bearer ${second.token}`, 'content-type': 'application/json' },
      body: JSON.stringify(beatOf('unit-2')),
    })
    assert.equal(token.status, 200)
    assert.deepEqual(await positionsOf(pool, second), [{ flags: 0 }])
  })

  test('the same heartbeat under a new nonce is a duplicate, not a replay', async () => {
    const beat = beatOf('unit-1')
    assert.equal((await send(one, signRequest(beat, by(key)))).answer.stored, 1)
    const again = await send(other, signRequest(beat, by(key)))
    assert.deepEqual([again.status, again.answer.stored, again.answer.duplicates], [200, 0, 1])
  })

  test('a pending key becomes active by its first request', async () => {
    const pending = await makeKey(pool, fleet, { kind: 'device', deviceId: truck.id }, { state: 'pending' })
    assert.equal((await send(one, signRequest(beatOf('unit-1'), by(pending)))).status, 200)
    const [row] = await listKeys(pool, fleet.id, Date.now(), pending.enrolled.id)
    assert.equal(row!.state, 'active')
    await within5s(async () => (await listKeys(pool, fleet.id, Date.now(), row!.id))[0]!.lastUsedAt !== null)
  })

  test('a key is active when its fleet’s log says so, and not a moment before; it says so once', async () => {
    const pending = await makeKey(pool, fleet, { kind: 'device', deviceId: truck.id }, { state: 'pending' })
    const { id } = pending.enrolled
    const stateOf = async () => (await listKeys(pool, fleet.id, Date.now(), id))[0]!.state
    const tx = await pool.connect()
    await tx.query('begin; lock table audit_log in exclusive mode')
    let answered = 0
    const sending = [one, other, one, other].map(async (instance) => {
      const { status } = await send(instance, signRequest(beatOf('unit-1'), by(pending)))
      answered++
      return status
    })
    await until('the log to be waited for', async () => {
      const { rows } = await tx.query(
        `select from pg_locks where relation = 'audit_log'::regclass and not granted`,
      )
      return rows.length > 0
    })
    assert.deepEqual([answered, await stateOf()], [0, 'pending'])
    await tx.query('commit')
    tx.release()
    assert.deepEqual(await Promise.all(sending), [200, 200, 200, 200])
    const { rows } = await pool.query<{ fingerprint: string }>(
      `select after->>'fingerprint' as fingerprint from audit_log
       where fleet_id = $1 and action = 'device-key.activated' and object_id = $2`,
      [fleet.id, String(id)],
    )
    assert.deepEqual(rows, [{ fingerprint: pending.enrolled.fingerprint }])
    assert.equal(await stateOf(), 'active')
  })

  test('the clock: its offset is kept, and one that is wrong goes on by the server nonce', async () => {
    const wrong = await makeKey(pool, fleet, { kind: 'device', deviceId: truck.id })
    const late = () => Date.now() - 86_400_000
    const skewed = await send(one, signRequest(beatOf('unit-1'), by(wrong, { now: late() })))
    assert.deepEqual([skewed.status, skewed.code], [401, 'clock_skew'])
    const nonce = `${skewed.headers.get('fleet-nonce')}.${randomBytes(12).toString('base64url')}`
    const request = signRequest(beatOf('unit-1'), by(wrong, { now: late(), nonce }))
    assert.equal((await send(other, request)).status, 200)
    assert.equal((await send(one, request)).code, 'replayed')
    await within5s(async () => {
      const [row] = await listKeys(pool, fleet.id, Date.now(), wrong.enrolled.id)
      return Math.abs((row!.clockOffsetMs ?? 0) + 86_400_000) < 10_000
    })
  })

  test('a wrong clock is no failure of the address, and is told as what it is', async () => {
    const wrong = await makeKey(pool, fleet, { kind: 'device', deviceId: truck.id })
    const strict = await startInstance(url, { failuresPerMinute: 2 })
    const now = Date.now() - 86_400_000
    for (let i = 0; i < 4; i++)
      assert.equal((await send(strict, signRequest(beatOf('unit-1'), by(wrong, { now })))).code, 'clock_skew')
    assert.equal((await send(strict, signRequest(beatOf('unit-1'), by(wrong)))).status, 200)
    await refusedFor(wrong.enrolled.fingerprint, 'clock_skew')
    await until('it to be listed', async () => {
      const { rows } = await pool.query('select reason from unknown_devices where identity = $1', [
        wrong.enrolled.keyId,
      ])
      return rows.length === 1 && rows[0].reason === 'wrong-clock'
    })
  })

  test('every answer carries a server nonce: taken, refused for its content, for its method', async () => {
    const nonceOf = async (path: string, init: RequestInit) => {
      const answer = await fetch(one.url + path, init)
      await answer.text()
      return answer.headers.get('fleet-nonce')?.length
    }
    const headers = { authorization: `Bearer ${second.token}`, 'content-type': 'application/json' }
    for (const body of [JSON.stringify(beatOf('unit-2')), '{"a":', '[]', '{}', ' '.repeat(1_100_000)])
      assert.equal(await nonceOf('/v1/heartbeats', { method: 'POST', headers, body }), 43, body.slice(0, 20))
    for (const path of ['/v1/heartbeats', '/v1/sessions', '/v1/keys'])
      assert.equal(await nonceOf(path, {}), 43, path)
  })

  test('a path answers a method that it has not with those that it has', async () => {
    for (const [path, allow] of [
      ['/v1/heartbeats', 'POST'],
      ['/v1/sessions', 'POST'],
      ['/v1/keys?x=1', 'POST'],
      ['/v1/owntracks', 'POST'],
      ['/v1/owntracks/fdt_1', 'POST'],
      ['/v1/osmand?id=unit-1', 'GET, POST'],
    ] as const)
      for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS', 'HEAD'].filter(
        (one) => !allow.includes(one),
      )) {
        const answer = await fetch(one.url + path, { method })
        await answer.text()
        assert.deepEqual([answer.status, answer.headers.get('allow')], [405, allow], `${method} ${path}`)
      }
  })

  test('scopes: one row of a device that it does not speak for refuses all of them', async () => {
    const before = (await positionsOf(pool, truck)).length
    for (const name of ['unit-2', 'unit-9', 'nobody']) {
      const answered = await send(one, signRequest([beatOf('unit-1'), beatOf(name)], by(key)))
      assert.deepEqual([answered.status, answered.code], [403, 'scope_denied'], name)
    }
    assert.equal((await positionsOf(pool, truck)).length, before)
    const reader = await makeKey(
      pool,
      fleet,
      { kind: 'device', deviceId: truck.id },
      { scopes: ['config:read'] },
    )
    assert.equal((await send(one, signRequest(beatOf('unit-1'), by(reader)))).code, 'scope_denied')
    // Its fleet is told of either.
    for (const { enrolled } of [key, reader]) await refusedFor(enrolled.fingerprint, 'scope_denied')
  })

  test('a gateway speaks for its vehicles or for the fleet, in one transaction', async () => {
    const whole = await makeKey(pool, fleet, { kind: 'fleet' })
    const request = signRequest(
      [beatOf('unit-3'), { ...beatOf('unit-4'), latitude: 91 }, beatOf('unit-4')],
      by(whole),
    )
    const { status, answer } = await send(one, request)
    assert.deepEqual([status, answer.received, answer.stored], [200, 3, 2])
    assert.deepEqual(
      (answer.refused as { index: number }[]).map(({ index }) => index),
      [1],
    )
    assert.equal((await send(other, request)).code, 'replayed')
    assert.equal((await positionsOf(pool, third)).length, 1)
    assert.deepEqual(await positionsOf(pool, fourth), [{ flags: SIGNED }])
    const some = await makeKey(pool, fleet, { kind: 'vehicles', vehicleIds: [third.vehicleId] })
    assert.equal((await send(one, signRequest(beatOf('unit-3'), by(some)))).status, 200)
    assert.equal((await send(one, signRequest(beatOf('unit-4'), by(some)))).code, 'scope_denied')
    assert.equal((await send(one, signRequest(beatOf('unit-9'), by(whole)))).code, 'scope_denied')
  })

  test('a request that two authenticators claim is refused', async () => {
    const request = signRequest(beatOf('unit-1'), by(key))
    const twice = [...request.headers, ['Authorization', `Bearer ${truck.token}`] as const]
    assert.equal((await send(one, { ...request, headers: twice })).code, 'malformed')
  })

  test('a fleet that does not take a scheme does not take it', async () => {
    const take = (methods: string[]) =>
      pool.query('update fleets set device_auth = $1 where id = $2', [methods, fleet.id])
    const code = async () => (await send(one, signRequest(beatOf('unit-1'), by(key)))).code
    await take(['session', 'token'])
    await within5s(async () => (await code()) === 'unauthorized')
    await take(['http-signature', 'session', 'token', 'identity'])
    await within5s(async () => (await code()) === undefined)
  })

  test('rates: a device that asks too often waits, an address that fails too often too', async () => {
    const limited = await startInstance(url, { requestsPerSecond: 0.001, burst: 3, failuresPerMinute: 5 })
    const codes: (string | undefined)[] = []
    for (let i = 0; i < 5; i++) codes.push((await send(limited, signRequest(beatOf('unit-1'), by(key)))).code)
    assert.deepEqual(codes, [undefined, undefined, undefined, 'rate_limited', 'rate_limited'])
    const stranger = generateKeyPairSync('ed25519').privateKey
    const failed: (string | undefined)[] = []
    for (let i = 0; i < 7; i++)
      failed.push((await send(limited, signRequest(beatOf('unit-2'), by(key, { key: stranger })))).code)
    assert.deepEqual(failed.slice(-2), ['rate_limited', 'rate_limited'])
    assert.equal(failed[0], 'unauthorized')
  })
})

describe('sessions', () => {
  test('make a request as good as a signature, on every instance', async () => {
    const session = await openSession(key)
    assert.ok(session.expiresIn > 800)
    for (const instance of [one, other]) {
      const answered = await send(instance, signRequest(beatOf('unit-1'), inSession(session)))
      assert.deepEqual([answered.status, answered.answer.stored], [200, 1])
    }
    const { rows } = await pool.query<{ row: string }>(
      'select device_sessions::text as row from device_sessions',
    )
    const secret = session.secret.export()
    assert.ok(rows.length > 0 && rows.every(({ row }) => !row.includes(secret.toString('hex'))), 'sealed')
  })

  test('make no sessions and change no keys, and the request that made one makes no second', async () => {
    const session = await openSession(key)
    assert.equal((await send(other, session.request)).code, 'replayed')
    for (const target of ['/v1/sessions', '/v1/keys']) {
      assert.equal((await send(one, signRequest({}, inSession(session, { target })))).status, 401)
    }
  })

  test('that are refused are told to the fleet under their key, with the true reason; the session is not named', async () => {
    const own = await makeKey(pool, fleet, { kind: 'device', deviceId: truck.id })
    const session = await openSession(own)
    const refusals = async () => {
      const { rows } = await pool.query<{ reason: string; row: string }>(
        `select after->>'reason' as reason, audit_log::text as row from audit_log where fleet_id = $1 and action = 'device.refused'
           and object_id = $2 and after->>'method' = 'session'`,
        [fleet.id, own.enrolled.fingerprint],
      )
      return rows
    }
    const forged = createSecretKey(randomBytes(32))
    const late = { now: Date.now() - 86_400_000 }
    const good = signRequest(beatOf('unit-1'), inSession(session))
    for (const [code, request] of [
      ['unauthorized', signRequest(beatOf('unit-1'), inSession({ ...session, secret: forged }))],
      ['clock_skew', signRequest(beatOf('unit-1'), inSession(session, late))],
      ['digest_mismatch', { ...good, body: JSON.stringify(beatOf('unit-1')) }],
    ] as const)
      assert.equal((await send(one, request)).code, code)
    await until('all three to be noted', async () => (await refusals()).length === 3)
    const noted = await refusals()
    assert.deepEqual(noted.map(({ reason }) => reason).sort(), [
      'bad_signature',
      'clock_skew',
      'digest_mismatch',
    ])
    assert.ok(noted.every(({ row }) => !row.includes(session.id)))
    assert.equal((await send(one, good)).status, 200)
  })

  test('of a point that is no key there is none', async () => {
    for (const x25519 of ['', 'A'.repeat(43), 'x']) {
      const answered = await send(one, signRequest({ x25519 }, by(key, { target: '/v1/sessions' })))
      assert.deepEqual([answered.status, answered.code], [400, 'malformed'], x25519)
    }
  })
})

describe('the life of a key', () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'ssh-'))
  after(() => fs.rmSync(directory, { recursive: true }))
  /** A key of ssh-keygen's own. */
  function sshKey(name: string, ...type: string[]) {
    const file = path.join(directory, name)
    execFileSync('ssh-keygen', ['-q', '-N', '', '-C', `${name}@fleet`, '-f', file, ...type])
    return { file, line: fs.readFileSync(`${file}.pub`, 'utf8') }
  }
  const sign = (file: string, message: string, namespace: string) =>
    execFileSync('ssh-keygen', ['-q', '-Y', 'sign', '-f', file, '-n', namespace], {
      input: message,
    }).toString()

  test('proved by ssh-keygen -Y sign: the right challenge, in time, once', async () => {
    const { enrolKey } = await import('./device-keys.ts')
    const now = Date.now()
    for (const [at, type] of [
      ['-t', 'ed25519'],
      ['-t', 'ecdsa', '-b', '384'],
      ['-t', 'rsa', '-b', '2048'],
    ].entries()) {
      const { file, line } = sshKey(`prove-${at}`, ...type)
      const input = { publicKey: line, scopes: ['ingest' as const], reach: { kind: 'fleet' as const } }
      const enrolled = await enrolKey(pool, fleet.id, input, { name: 'Ada', now })
      assert.equal(enrolled.state, 'pending')
      const asked = await challengeKey(pool, fleet.id, enrolled.id, 'ingest.example.com', now)
      const prove = (signature: string, time = now) =>
        proveKey(pool, fleet.id, enrolled.id, signature, 'ingest.example.com', time, (activate) =>
          withTransaction(pool, activate),
        )
      await assert.rejects(prove(sign(file, 'something else', asked.namespace)), { code: 'unacceptable' })
      await assert.rejects(
        prove(sign(file, asked.challenge, asked.namespace)),
        { code: 'conflict' },
        'used up',
      )
      const next = await challengeKey(pool, fleet.id, enrolled.id, 'ingest.example.com', now)
      await assert.rejects(prove(sign(file, next.challenge, next.namespace), now + 600_001), {
        code: 'conflict',
      })
      // Nor with any challenge, once it has waited for a day.
      const tomorrow = now + 86_400_000
      await assert.rejects(challengeKey(pool, fleet.id, enrolled.id, 'x', tomorrow), { code: 'conflict' })
      const third = await challengeKey(pool, fleet.id, enrolled.id, 'ingest.example.com', now)
      assert.equal((await prove(sign(file, third.challenge, third.namespace))).state, 'active')
      await assert.rejects(challengeKey(pool, fleet.id, enrolled.id, 'x', now), { code: 'conflict' })
      await assert.rejects(challengeKey(pool, foreign.id, enrolled.id, 'x', now), { code: 'not-found' })
    }
  })

  test('the device changes it by itself: both are good, then the new one alone', async () => {
    const old = await makeKey(pool, fleet, { kind: 'device', deviceId: truck.id })
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    const { file, line } = sshKey('next', '-t', 'ed25519')
    const fingerprint = execFileSync('ssh-keygen', ['-lf', `${file}.pub`])
      .toString()
      .split(' ')[1]!
    const namespace = 'fleet-enrol@ingest.example.com'
    const rotate = (body: object) => send(one, signRequest(body, by(old, { target: '/v1/keys' })))
    const wrong = sign(file, rotationMessage(key.enrolled.keyId, fingerprint), namespace)
    assert.equal((await rotate({ publicKey: line, signature: wrong })).status, 422)
    assert.equal((await rotate({ publicKey: keyLine(publicKey), signature: wrong })).status, 422)
    const right = sign(file, rotationMessage(old.enrolled.keyId, fingerprint), namespace)
    const { status, answer } = await rotate({ publicKey: line, signature: right })
    assert.deepEqual([status, answer.fingerprint], [200, fingerprint])
    assert.ok(privateKey)
    assert.equal((await send(other, signRequest(beatOf('unit-1'), by(old)))).status, 200)
    const keys = await listKeys(pool, fleet.id, Date.now())
    const [replaced, replacing] = [old.enrolled.fingerprint, fingerprint].map((print) =>
      keys.find((row) => row.fingerprint === print),
    )
    const week = 7 * 86_400_000
    assert.ok(Math.abs(replaced!.expiresAt! - Date.now() - week) < 60_000)
    assert.deepEqual(
      [replacing!.state, replacing!.rotatedFrom, replacing!.reach],
      ['active', old.enrolled.id, old.enrolled.reach],
    )
    const { rows } = await pool.query(
      `select action from audit_log where action = 'device-key.rotated' and fleet_id = $1`,
      [fleet.id],
    )
    assert.equal(rows.length, 1)
    assert.equal(
      replacing!.expiresAt! - replacing!.enrolledAt,
      old.enrolled.expiresAt! - old.enrolled.enrolledAt,
    )
  })

  test('a key that was given a month gives its successor no more', async () => {
    const old = await makeKey(pool, fleet, { kind: 'device', deviceId: truck.id })
    const month = 30 * 86_400_000
    await pool.query(
      `update device_keys set enrolled_at = now() - interval '29 days', expires_at = now() + interval '1 day'
       where fleet_id = $1 and id = $2`,
      [fleet.id, old.enrolled.id],
    )
    const { file, line } = sshKey('month', '-t', 'ed25519')
    const fingerprint = execFileSync('ssh-keygen', ['-lf', `${file}.pub`])
      .toString()
      .split(' ')[1]!
    const signature = sign(
      file,
      rotationMessage(old.enrolled.keyId, fingerprint),
      'fleet-enrol@ingest.example.com',
    )
    const body = { publicKey: line, signature }
    assert.equal((await send(one, signRequest(body, by(old, { target: '/v1/keys' })))).status, 200)
    const keys = await listKeys(pool, fleet.id, Date.now())
    const next = keys.find((row) => row.fingerprint === fingerprint)!
    assert.ok(Math.abs(next.expiresAt! - next.enrolledAt - month) < 1_000)
    // The former one is good for no longer than before.
    const former = keys.find((row) => row.fingerprint === old.enrolled.fingerprint)!
    assert.ok(former.expiresAt! - Date.now() <= 86_400_000)
  })

  test('another fleet may have the same public key, and neither gets at the other', async () => {
    const { enrolKey } = await import('./device-keys.ts')
    const input = { publicKey: key.line, scopes: ['ingest' as const], reach: { kind: 'fleet' as const } }
    const squatted = await enrolKey(pool, foreign.id, input, { name: 'Eve', now: Date.now() })
    assert.equal((await send(one, signRequest(beatOf('unit-1'), by(key)))).status, 200)
    assert.equal(squatted.keyId, `rival/${key.enrolled.fingerprint}`)
    await assert.rejects(enrolKey(pool, fleet.id, input, { name: 'Ada', now: Date.now() }), {
      code: 'conflict',
    })
  })
})

describe('attacks on devices', () => {
  test('attack 04: replay, at once to two instances, then again: taken by exactly one', async () => {
    const session = await openSession(key)
    for (const signing of [by(key), inSession(session)]) {
      for (let round = 0; round < 10; round++) {
        const before = (await positionsOf(pool, truck)).length
        const request = signRequest(beatOf('unit-1'), signing)
        const answers = await Promise.all([one, other, one, other].map((instance) => send(instance, request)))
        assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 409, 409, 409])
        assert.equal((await send(one, request)).code, 'replayed')
        assert.equal((await positionsOf(pool, truck)).length, before + 1)
      }
    }
    await refusedFor(key.enrolled.fingerprint, 'replayed')
  })

  test('attack 04: a replay among the requests of others costs them nothing', async () => {
    const keys = await Promise.all(
      fleet.devices.map(({ id }) => makeKey(pool, fleet, { kind: 'device', deviceId: id })),
    )
    const used = signRequest(beatOf('unit-1'), by(keys[0]!))
    assert.equal((await send(one, used)).status, 200)
    const answers = await Promise.all([
      send(one, used),
      ...keys
        .slice(1)
        .map((each, at) => send(one, signRequest(beatOf(fleet.devices[at + 1]!.name), by(each)))),
    ])
    assert.deepEqual(
      answers.map(({ status }) => status),
      [409, 200, 200, 200],
    )
  })

  test('attack 05: stale, future, negative, missing or expired', async () => {
    const at = async (offsetMs: number) =>
      (await send(one, signRequest(beatOf('unit-1'), by(key, { now: Date.now() + offsetMs })))).code
    assert.deepEqual(
      [await at(-301_500), await at(302_000), await at(-298_000), await at(298_000)],
      ['clock_skew', 'clock_skew', undefined, undefined],
    )
    const request = signRequest(beatOf('unit-1'), by(key))
    for (const [from, to, code] of [
      [/created=\d+/, 'created=-1', 'malformed'],
      [/created=\d+/, 'created="now"', 'malformed'],
      [/created=\d+;/, '', 'malformed'],
      [/;alg/, ';expires=1;alg', 'unauthorized'],
    ] as const) {
      const headers = request.headers.map(([name, value]): [string, string] => [
        name,
        name === 'Signature-Input' ? value.replace(from, to) : value,
      ])
      assert.equal((await send(one, { ...request, headers })).code, code, to)
    }
  })

  test('attack 06: the algorithm is that of the key, whatever the request says', async () => {
    const raw = Buffer.from(key.line.split(' ')[1]!, 'base64')
    for (const secret of [raw, raw.subarray(-32), Buffer.from(key.line)]) {
      const forged = signRequest(
        beatOf('unit-1'),
        by(key, { key: createSecretKey(secret), algorithm: 'hmac-sha256' }),
      )
      assert.equal((await send(one, forged)).code, 'unauthorized')
      const session = {
        kind: 'session' as const,
        algorithm: 'hmac-sha256' as const,
        key: createSecretKey(secret),
      }
      assert.equal(
        (await send(one, signRequest(beatOf('unit-1'), { ...session, keyId: key.enrolled.keyId }))).code,
        'unauthorized',
      )
    }
    const request = signRequest(beatOf('unit-1'), by(key))
    for (const algorithm of ['hmac-sha256', 'rsa-pss-sha512', 'none']) {
      const headers = request.headers.map(([name, value]): [string, string] => [
        name,
        value.replace('alg="ed25519"', `alg="${algorithm}"`),
      ])
      assert.equal((await send(one, { ...request, headers })).code, 'unauthorized', algorithm)
    }
  })

  test('attack 07: parts uncovered, swapped or changed', async () => {
    const [a, b] = [signRequest(beatOf('unit-1'), by(key)), signRequest(beatOf('unit-1'), by(key))]
    const fieldOf = (request: typeof a, name: string) => request.headers.find(([one]) => one === name)![1]
    const withField = (request: typeof a, name: string, value: string) => ({
      ...request,
      headers: request.headers.map(([one, old]): [string, string] => [one, one === name ? value : old]),
    })
    const cases: [string, Parameters<typeof send>[1]][] = [
      ['digest_mismatch', { ...a, body: b.body }],
      [
        'unauthorized',
        withField({ ...a, body: b.body }, 'Content-Digest', contentDigestField(Buffer.from(b.body))),
      ],
      ['unauthorized', withField(a, 'Signature-Input', fieldOf(b, 'Signature-Input'))],
      ['unauthorized', { ...a, target: '/v1/heartbeats?x=1' }],
      [
        'component_missing',
        withField(a, 'Signature-Input', fieldOf(a, 'Signature-Input').replace(' "content-digest"', '')),
      ],
      [
        'malformed',
        {
          ...a,
          headers: [
            ...a.headers,
            ['Signature-Input', fieldOf(b, 'Signature-Input').replace('sig=', 'two=')],
            ['Signature', fieldOf(b, 'Signature').replace('sig=', 'two=')],
          ],
        },
      ],
      ['signature_missing', { ...a, headers: a.headers.filter(([name]) => name !== 'Signature') }],
    ]
    for (const [code, request] of cases) assert.equal((await send(one, request)).code, code)
    assert.equal((await send(one, a)).status, 200, 'it was good all the time')
  })

  test('attack 08: a revoked key is refused everywhere within 5 s, its sessions too; a foreign key is unknown', async () => {
    const gone = await makeKey(pool, fleet, { kind: 'device', deviceId: truck.id })
    const session = await openSession(gone)
    const codes = async () =>
      await Promise.all(
        [one, other].flatMap((instance) =>
          [by(gone), inSession(session)].map(
            async (signing) => (await send(instance, signRequest(beatOf('unit-1'), signing))).code,
          ),
        ),
      )
    assert.deepEqual(await codes(), [undefined, undefined, undefined, undefined])
    await withTransaction(pool, (tx) =>
      revokeKey(tx, fleet.id, gone.enrolled.id, { name: 'Ada', why: 'stolen', now: Date.now() }),
    )
    await within5s(async () => (await codes()).every((code) => code === 'unauthorized'))
    const theirs = await makeKey(pool, foreign, { kind: 'fleet' })
    const under = by(theirs, { keyId: `acme/${theirs.enrolled.fingerprint}` })
    assert.equal((await send(one, signRequest(beatOf('unit-1'), under))).code, 'unauthorized')
    const expired = await makeKey(
      pool,
      fleet,
      { kind: 'fleet' },
      { now: Date.now() - 10_000, expiresAt: Date.now() - 1 },
    )
    assert.equal((await send(one, signRequest(beatOf('unit-1'), by(expired)))).code, 'unauthorized')
    await within5s(async () => {
      const { rows } = await pool.query<{ reason: string }>(
        `select after->>'reason' as reason from audit_log where fleet_id = $1 and action = 'device.refused'`,
        [fleet.id],
      )
      return ['revoked', 'expired', 'unknown_key'].every((reason) =>
        rows.some((row) => row.reason === reason),
      )
    })
  })

  test('attack 08: a device that has ended takes its keys and token along', async () => {
    const { revokeDevice } = await import('./device.ts')
    const doomed = await makeFleet(pool, 'doomed', ['unit-1'])
    const own = await makeKey(pool, doomed, { kind: 'device', deviceId: doomed.devices[0]!.id })
    const codes = () =>
      Promise.all(
        [one, other].map(async (at) => (await send(at, signRequest(beatOf('unit-1'), by(own)))).code),
      )
    assert.deepEqual(await codes(), [undefined, undefined])
    await revokeDevice(pool, doomed.id, doomed.devices[0]!.id)
    await within5s(async () => (await codes()).every((code) => code === 'unauthorized'))
  })
})

describe("the truck's client", () => {
  const signer = (which: TestKey) => ({
    keyId: which.enrolled.keyId,
    algorithm: 'ed25519' as const,
    sign: (data: Uint8Array) => signData('ed25519', which.privateKey, data),
  })
  const to =
    (instance: typeof one): typeof fetch =>
    (input, init) =>
      fetch(String(input).replace(ORIGIN, instance.url), init)
  const body = () => Buffer.from(JSON.stringify(beatOf('unit-1')))

  test('agrees a session and goes on with it; a clock of yesterday is no hindrance', async () => {
    for (const offsetMs of [0, -86_400_000, 40_000_000]) {
      const client = new DeviceClient({
        url: ORIGIN,
        signer: signer(key),
        fetch: to(one),
        now: () => Date.now() + offsetMs,
      })
      for (let i = 0; i < 3; i++)
        assert.equal((await client.send('POST', '/v1/heartbeats', body())).status, 200)
      assert.ok(Math.abs(client.clockCorrectionMs + offsetMs) < 2_500)
    }
  })

  test('a session that the server has lost is made anew; without sessions every request is signed', async () => {
    const client = new DeviceClient({ url: ORIGIN, signer: signer(key), fetch: to(one) })
    assert.equal((await client.send('POST', '/v1/heartbeats', body())).status, 200)
    await pool.query('delete from device_sessions')
    await pool.query('update auth_epochs set epoch = epoch + 1')
    await within5s(async () => (await client.send('POST', '/v1/heartbeats', body())).status === 200)
    const plain = new DeviceClient({ url: ORIGIN, signer: signer(key), fetch: to(other), sessions: false })
    assert.equal((await plain.send('POST', '/v1/heartbeats', body())).status, 200)
  })
})
