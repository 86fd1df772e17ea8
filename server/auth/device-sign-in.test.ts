import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, describe, test } from 'node:test'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { testDatabase } from '../db/testing.ts'
import { until } from '../ingest/doors.testing.ts'
import { guardedFetch } from '../outward.ts'
import { Reach } from '../reach.ts'
import { createCaller } from '../trpc.ts'
import { enrolDevices } from './device.ts'
import { testIssuer } from './device-sign-in.ts'
import { deviceSignInRouter } from './device-sign-in-router.ts'
import { beatOf, makeFleet, makeKey, ORIGIN, send, signRequest, startInstance } from './doors.testing.ts'
import { DeviceDirectory } from './identity.ts'

process.env.AUTH_SECRET ??= 'f'.repeat(32)
const { url, pool } = await testDatabase()
process.env.DATABASE_URL ??= url
process.env.PUBLIC_URL ??= ORIGIN
process.env.SIGN_IN_NETWORKS = '127.0.0.0/8'
const instance = await startInstance(url)
const fleet = await makeFleet(pool, 'acme', ['unit-1', 'unit-2'])
const foreign = await makeFleet(pool, 'rival', ['unit-1'])
const [truck, second] = fleet.devices as [(typeof fleet.devices)[0], (typeof fleet.devices)[0]]
const key = await makeKey(pool, fleet, { kind: 'device', deviceId: truck.id })

const owner = createCaller(deviceSignInRouter)({
  principal: {
    kind: 'person',
    userId: 'u',
    name: 'Ada',
    email: 'ada@acme.example',
    fleetId: fleet.id,
    role: 'owner',
    driverId: null,
    sessionId: 's',
    local: true,
  },
  db: pool,
  now: Date.now(),
})

const { privateKey, publicKey } = await generateKeyPair('ES256')
const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256' }
let answer: { status: number; body: string; headers?: Record<string, string> } = {
  status: 200,
  body: JSON.stringify({ keys: [jwk] }),
}
const issuer = createServer((_, res) => {
  res.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers }).end(answer.body)
})
await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve))
after(() => {
  issuer.closeAllConnections()
  issuer.close()
})
const jwksUrl = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/jwks`
const ISSUER = 'https://login.acme.example'

async function post(device: string, authorization: string) {
  const response = await fetch(`${instance.url}/v1/heartbeats`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization },
    body: JSON.stringify(beatOf(device)),
  })
  return response.status
}

const deeds = async (action: string) => {
  const { rows } = await pool.query<{ before: unknown; after: unknown; actor: string }>(
    `select before::jsonb as before, after::jsonb as after, actor_name as actor from audit_log
     where fleet_id = $1 and action = $2 order by sequence`,
    [fleet.id, action],
  )
  return rows
}

describe('how devices of a fleet prove themselves', () => {
  test('a way that is switched off is refused at the door, also to one that was known, and comes back', async () => {
    const signed = async () =>
      (
        await send(
          instance,
          signRequest(beatOf('unit-1'), { keyId: key.enrolled.keyId, key: key.privateKey }),
        )
      ).status
    const byToken = () => post('unit-2', `Bearer ${second.token}`)
    assert.deepEqual([await signed(), await byToken()], [200, 200])
    const { methods } = await owner.get()
    assert.ok(methods.includes('token') && methods.includes('http-signature'))
    await owner.setMethods({ methods: ['token'] })
    await until('what was set', async () => (await signed()) === 401)
    assert.equal(await byToken(), 200)
    // In the order in which they are given.
    await owner.setMethods({ methods: ['session', 'http-signature'] })
    assert.deepEqual((await owner.get()).methods, ['session', 'http-signature'])
    await until('what was set', async () => (await byToken()) === 401)
    await until('what was set', async () => (await signed()) === 200)
    await owner.setMethods({ methods })
    await until('what was set', async () => (await byToken()) === 200)
    assert.deepEqual(
      (await deeds('device-sign-in.methods-changed')).map((row) => [row.actor, row.after]),
      [['token'], ['session', 'http-signature'], methods].map((after) => ['Ada', after]),
    )
    await assert.rejects(owner.setMethods({ methods: [] }), { code: 'BAD_REQUEST' })
    await assert.rejects(owner.setMethods({ methods: ['token', 'token'] }), { code: 'BAD_REQUEST' })
  })

  test('an issuer’s tokens are taken from when it is added until it is removed', async () => {
    await owner.setMethods({ methods: ['http-signature', 'session', 'oauth', 'token', 'identity'] })
    const { audience } = await owner.get()
    const jwt = await new SignJWT({ client_id: 'unit-1', scope: 'ingest' })
      .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
      .setIssuer(ISSUER)
      .setAudience(audience)
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(privateKey)
    assert.equal(await post('unit-1', `Bearer ${jwt}`), 401)
    await owner.addIssuer({ issuer: ISSUER, jwksUrl })
    assert.equal(await post('unit-1', `Bearer ${jwt}`), 200)
    await assert.rejects(owner.addIssuer({ issuer: ISSUER, jwksUrl }), /has this issuer already/)
    await assert.rejects(owner.addIssuer({ issuer: 'x', jwksUrl: 'file:///etc/passwd' }), {
      code: 'BAD_REQUEST',
    })
    for (const refused of [
      owner.addIssuer({ issuer: 'x', jwksUrl: 'https://10.0.0.1/' }),
      owner.testIssuer({ jwksUrl: 'https://10.0.0.1/' }),
    ])
      await assert.rejects(refused, /not an address of the public Internet/)
    assert.deepEqual((await owner.get()).issuers, [{ issuer: ISSUER, jwksUrl }])
    await owner.removeIssuer({ issuer: ISSUER })
    assert.equal(await post('unit-1', `Bearer ${jwt}`), 401)
    await assert.rejects(owner.removeIssuer({ issuer: ISSUER }), { code: 'NOT_FOUND' })
    assert.deepEqual((await deeds('device-issuer.added'))[0]?.after, { jwksUrl })
    assert.deepEqual((await deeds('device-issuer.removed'))[0]?.before, { jwksUrl })
  })

  test('a token that is bound to networks is refused from elsewhere', async () => {
    const byToken = () => post('unit-2', `Bearer ${second.token}`)
    assert.equal(await byToken(), 200)
    await owner.setTokenSources({ deviceId: second.id, sources: '10.20.0.0/16, 2001:db8::/32' })
    await until('what was set', async () => (await byToken()) === 401)
    assert.deepEqual((await owner.get()).restricted, [
      { deviceId: second.id, name: 'unit-2', sources: ['10.20.0.0/16', '2001:db8::/32'] },
    ])
    await owner.setTokenSources({ deviceId: second.id, sources: '127.0.0.0/8' })
    await until('what was set', async () => (await byToken()) === 200)
    await owner.setTokenSources({ deviceId: second.id, sources: '' })
    assert.deepEqual((await owner.get()).restricted, [])
    await assert.rejects(
      owner.setTokenSources({ deviceId: second.id, sources: '10.0.0.0/40' }),
      /10.0.0.0\/40/,
    )
    await assert.rejects(owner.setTokenSources({ deviceId: foreign.devices[0]!.id, sources: '' }), {
      code: 'NOT_FOUND',
    })
    assert.deepEqual(
      (await deeds('device.token-sources-changed')).map(({ before, after }) => [before, after]),
      [
        [[], ['10.20.0.0/16', '2001:db8::/32']],
        [['10.20.0.0/16', '2001:db8::/32'], ['127.0.0.0/8']],
        [['127.0.0.0/8'], []],
      ],
    )
  })
})

describe('an identity alone', () => {
  test('opens nothing where the fleet does not take it', async () => {
    const enrol = (protocol: 'osmand' | 'teltonika', name: string, identity: string) =>
      enrolDevices(pool, fleet.id, [{ name, vehicleId: truck.vehicleId, protocol, identity, open: true }])
    await enrol('osmand', 'phone', 'phone-1')
    await enrol('teltonika', 'tracker', '356307042441013')
    const found = async () => {
      // One that remembers nothing yet.
      const directory = new DeviceDirectory(pool, Date.now)
      const phone = await directory.find('osmand', 'phone-1')
      return [phone?.open, (await directory.find('teltonika', '356307042441013'))?.principal.name]
    }
    await owner.setMethods({ methods: ['token', 'identity'] })
    assert.deepEqual(await found(), [true, 'tracker'])
    // The phone is known still, and brings its token.
    await owner.setMethods({ methods: ['token'] })
    assert.deepEqual(await found(), [false, undefined])
  })

  test('stands before a token or behind it as the fleet has ordered, on every instance within five seconds', async () => {
    const [phone] = await enrolDevices(pool, fleet.id, [
      { name: 'both', vehicleId: truck.vehicleId, protocol: 'osmand', identity: 'both-1', open: true },
    ])
    const another = await startInstance(url)
    let at = Date.now()
    /** Whether the token counted: what an identity alone says bears the mark of weaker evidence. */
    const isMarked = async (where: typeof instance) => {
      const query = new URLSearchParams({ id: 'both-1', timestamp: String(at++), lat: '41.6', lon: '-93.6' })
      const response = await fetch(`${where.url}/v1/osmand?${query}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${phone!.token}` },
      })
      assert.equal(response.status, 200)
      const { rows } = await pool.query<{ flags: number }>(
        `select p.flags from positions p join devices d on d.number = p.device_number
         where d.fleet_id = $1 and d.id = $2 order by p.fix_second desc, p.fix_ms desc limit 1`,
        [fleet.id, phone!.id],
      )
      return (rows[0]!.flags & 8) !== 0
    }
    await owner.setMethods({ methods: ['token', 'identity'] })
    for (const where of [instance, another]) await until('what was set', async () => !(await isMarked(where)))
    await owner.setMethods({ methods: ['identity', 'token'] })
    const changedAt = Date.now()
    for (const where of [instance, another]) await until('what was set', () => isMarked(where))
    assert.ok(Date.now() - changedAt < 15_000)
    await owner.setMethods({ methods: ['token', 'identity'] })
    for (const where of [instance, another]) await until('what was set', async () => !(await isMarked(where)))
    const { before, after: told } = (await deeds('device-sign-in.methods-changed')).at(-1)!
    assert.deepEqual(
      [before, told],
      [
        ['identity', 'token'],
        ['token', 'identity'],
      ],
    )
  })
})

describe('the test of an issuer', () => {
  const ask = guardedFetch(new Reach(['127.0.0.0/8']), 5_000)
  const steps = async () => (await testIssuer(jwksUrl, ask)).map(({ ok, detail }) => [ok, detail])
  const right = answer.body

  test('tells each step, and stops at the first that fails', async () => {
    assert.deepEqual(await steps(), [
      [true, 'It answered 200.'],
      [true, '1 key.'],
      [true, 'EC P-256 k1'],
    ])
    answer = { status: 302, body: '', headers: { location: 'http://127.0.0.1:1/' } }
    assert.deepEqual(await steps(), [[false, 'It answered 302; 200 is needed, without a redirect.']])
    answer = { status: 200, body: '<html>' }
    assert.deepEqual((await steps())[1], [false, 'There is no list “keys” in it.'])
    answer = { status: 200, body: '{"keys":[{"kty":"oct","k":"c2VjcmV0"},null]}' }
    assert.deepEqual((await steps())[2], [false, 'None of them is an RSA, EC or OKP key for signatures.'])
    answer = { status: 200, body: ' '.repeat(70_000) }
    assert.deepEqual(await steps(), [[false, 'It answered more than 64 KiB.']])
    answer = { status: 200, body: right }
    const nobody = await testIssuer('http://127.0.0.1:1/', ask)
    assert.match(nobody[0]!.detail, /^Nobody answers there/)
  })
})
