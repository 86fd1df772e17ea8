import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import * as fs from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { after, describe, test } from 'node:test'
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose'
import { testDatabase } from '../db/testing.ts'
import { until } from '../ingest/doors.testing.ts'
import { enrolKey } from './device-keys.ts'
import { beatOf, makeFleet, ORIGIN, positionsOf, startInstance } from './doors.testing.ts'
import { refuse } from './keys/refusal.ts'
import { fingerprintOf } from './keys/ssh-key.ts'
import { SCHEMES, type Scheme } from './schemes.ts'

const { url, pool } = await testDatabase()
const instance = await startInstance(url, { proxies: ['127.0.0.1/32'] })
const outside = await startInstance(url, { proxies: ['10.0.0.0/8'] })
const fleet = await makeFleet(pool, 'acme', ['unit-1', 'unit-2'])
const foreign = await makeFleet(pool, 'rival', ['unit-1'])
const [truck] = fleet.devices as [(typeof fleet.devices)[0]]
await pool.query(`update fleets set device_auth = '{http-signature,session,mtls,oauth,token}'`)

async function post(headers: Record<string, string>, to = instance, device = 'unit-1') {
  const response = await fetch(`${to.url}/v1/heartbeats`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(beatOf(device)),
  })
  return { status: response.status, code: ((await response.json()) as { code?: string }).code }
}

/** Returns when the fleet's log says that a device was refused for this reason; it is written behind the answer. */
async function noted(fleetId: number, kind: string, id: string | null, reason: string): Promise<void> {
  await until(`the log says ${reason}`, async () => {
    const { rows } = await pool.query(
      `select from audit_log where fleet_id = $1 and action = 'device.refused' and object_kind = $2
         and ($3::text is null or object_id = $3) and after->>'reason' = $4`,
      [fleetId, kind, id, reason],
    )
    return rows.length > 0
  })
}

const { privateKey, publicKey } = await generateKeyPair('ES256')
const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256' }
let asked = 0
const issuer = createServer((_, res) => {
  asked++
  res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ keys: [jwk] }))
})
await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve))
after(() => {
  issuer.closeAllConnections()
  issuer.close()
})
const jwksUrl = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/jwks`
const ISSUER = 'https://login.acme.example'
await pool.query('insert into device_issuers (fleet_id, issuer, jwks_url) values ($1, $2, $3)', [
  fleet.id,
  ISSUER,
  jwksUrl,
])
const AUDIENCE = `${ORIGIN}/fleets/acme`

describe('OAuth 2 client credentials', () => {
  const jwt = (
    changes: { claims?: object; issuer?: string; audience?: string; expires?: string | number } = {},
  ) =>
    new SignJWT({ client_id: 'unit-1', scope: 'ingest', ...changes.claims })
      .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
      .setIssuer(changes.issuer ?? ISSUER)
      .setAudience(changes.audience ?? AUDIENCE)
      .setExpirationTime(changes.expires ?? '5m')
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

  test('a token of the issuer that the fleet has named is taken, as weaker evidence, for its device alone', async () => {
    const token = await jwt().sign(privateKey)
    assert.deepEqual(await post(bearer(token)), { status: 200, code: undefined })
    assert.equal((await post(bearer(token))).status, 200)
    assert.equal(asked, 1, 'its keys are kept')
    assert.ok((await positionsOf(pool, truck)).every(({ flags }) => flags === 0))
    assert.equal((await post(bearer(token), instance, 'unit-2')).code, 'scope_denied')
  })

  test('anything else is refused', async () => {
    const other = (await generateKeyPair('ES256')).privateKey
    const refused: [string, string][] = [
      ['another key', await jwt().sign(other)],
      ['another issuer', await jwt({ issuer: 'https://evil.example' }).sign(privateKey)],
      ['another audience', await jwt({ audience: `${ORIGIN}/fleets/rival` }).sign(privateKey)],
      [
        'no audience of ours',
        await jwt({ audience: 'https://elsewhere.example/fleets/acme' }).sign(privateKey),
      ],
      ['expired', await jwt({ expires: Math.floor(Date.now() / 1000) - 120 }).sign(privateKey)],
      ['no such device', await jwt({ claims: { client_id: 'unit-9' } }).sign(privateKey)],
    ]
    for (const [what, token] of refused)
      assert.deepEqual(await post(bearer(token)), { status: 401, code: 'unauthorized' }, what)
    for (const reason of ['unknown_issuer', 'ERR_JWT_EXPIRED', 'unknown_device'])
      await noted(fleet.id, 'device-issuer', null, reason)
    const noScope = await jwt({ claims: { scope: 'config:read' } }).sign(privateKey)
    assert.equal((await post(bearer(noScope))).code, 'scope_denied')
  })

  test('attack 06: none, and the public key as the secret of an HMAC', async () => {
    const claims = { client_id: 'unit-1', scope: 'ingest' }
    const none = new UnsecuredJWT(claims)
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setExpirationTime('5m')
      .encode()
    assert.equal((await post(bearer(none))).status, 401)
    for (const secret of [JSON.stringify(jwk), jwk.x!]) {
      const forged = await new SignJWT(claims)
        .setProtectedHeader({ alg: 'HS256', kid: 'k1' })
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setExpirationTime('5m')
        .sign(new TextEncoder().encode(secret.padEnd(64, ' ')))
      assert.equal((await post(bearer(forged))).status, 401)
    }
  })

  test('an issuer that is away is no verdict on the device', async () => {
    await pool.query('insert into device_issuers (fleet_id, issuer, jwks_url) values ($1, $2, $3)', [
      foreign.id,
      ISSUER,
      'http://127.0.0.1:9/jwks',
    ])
    const token = await jwt({ audience: `${ORIGIN}/fleets/rival` }).sign(privateKey)
    assert.deepEqual(await post(bearer(token)), { status: 503, code: 'busy' })
  })
})

describe('mutual TLS at a proxy', () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'mtls-'))
  after(() => fs.rmSync(directory, { recursive: true }))
  function certificate(name: string, ...kind: string[]) {
    const [key, file] = [path.join(directory, `${name}.key`), path.join(directory, `${name}.pem`)]
    const request = [
      'req',
      '-x509',
      '-nodes',
      '-subj',
      `/CN=${name}`,
      '-days',
      '2',
      '-keyout',
      key,
      '-out',
      file,
    ]
    execFileSync('openssl', [...request, ...kind], { stdio: 'ignore' })
    const parsed = new X509Certificate(fs.readFileSync(file))
    return { parsed, field: `:${parsed.raw.toString('base64')}:`, key }
  }
  const KINDS = [
    ['-newkey', 'ed25519'],
    ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
    ['-newkey', 'rsa:2048'],
  ]

  test('a certificate whose key is enrolled opens the door, from the proxy alone', async () => {
    for (const [at, kind] of KINDS.entries()) {
      const { field, key, parsed } = certificate(`truck-${at}`, ...kind)
      assert.equal((await post({ 'client-cert': field })).code, 'unauthorized', 'not enrolled')
      // What ssh-keygen makes of the same key.
      const pem = parsed.publicKey.export({ type: 'spki', format: 'pem' })
      const publicFile = `${key}.spki`
      fs.writeFileSync(publicFile, pem)
      const line =
        at === 0
          ? ed25519Line(parsed.publicKey.export({ format: 'jwk' }).x!)
          : execFileSync('ssh-keygen', ['-i', '-m', 'PKCS8', '-f', publicFile]).toString()
      const enrolled = await enrolKey(
        pool,
        fleet.id,
        { publicKey: line, scopes: ['ingest'], reach: { kind: 'device', deviceId: truck.id } },
        { name: 'Ada', now: Date.now(), state: 'active' },
      )
      assert.equal(fingerprintOf(parsed.publicKey), enrolled.fingerprint)
      assert.equal((await post({ 'client-cert': field })).status, 200)
      assert.equal((await post({ 'client-cert': field }, outside)).code, 'unauthorized')
    }
    assert.equal((await positionsOf(pool, truck)).filter(({ flags }) => flags === 16).length, KINDS.length)
  })

  test('why a certificate was refused is in the log of the fleet that knows its key', async () => {
    const { field, parsed } = certificate('refused', ...KINDS[0]!)
    const { id } = await enrolKey(
      pool,
      fleet.id,
      {
        publicKey: ed25519Line(parsed.publicKey.export({ format: 'jwk' }).x!),
        scopes: ['ingest'],
        reach: { kind: 'device', deviceId: truck.id },
      },
      { name: 'Ada', now: Date.now(), state: 'pending' },
    )
    const set = (what: string) => pool.query(`update device_keys set ${what} where id = $1`, [id])
    const refusedFor = async (reason: string) => {
      assert.equal((await post({ 'client-cert': field })).code, 'unauthorized', reason)
      await noted(fleet.id, 'device-key', String(id), reason)
    }
    await refusedFor('pending')
    await set(`state = 'active', expires_at = now() - interval '1 second'`)
    await refusedFor('expired')
    await set(`expires_at = null`)
    await pool.query(`update fleets set device_auth = array_remove(device_auth, 'mtls')`)
    await refusedFor('method_not_taken')
    await pool.query(`update fleets set device_auth = array_append(device_auth, 'mtls')`)
    assert.equal((await post({ 'client-cert': field })).status, 200)
    await set(`state = 'revoked'`)
    await refusedFor('revoked')
  })

  test('what is no certificate is refused, and one beside a token too', async () => {
    for (const field of ['', 'x', ':AAAA:', ':*:', '"text"'])
      assert.equal((await post({ 'client-cert': field })).code, 'unauthorized', field)
    const both = { 'client-cert': ':AAAA:', authorization: `Bearer ${truck.token}` }
    assert.equal((await post(both)).code, 'malformed')
  })

  function ed25519Line(x: string): string {
    const part = (bytes: Buffer) => {
      const length = Buffer.alloc(4)
      length.writeUInt32BE(bytes.length)
      return Buffer.concat([length, bytes])
    }
    const blob = Buffer.concat([part(Buffer.from('ssh-ed25519')), part(Buffer.from(x, 'base64url'))])
    return `ssh-ed25519 ${blob.toString('base64')}`
  }
})

describe('tokens', () => {
  test('from elsewhere than where they may come from they are refused; a former proxy field says nothing', async () => {
    const bearer = { authorization: `Bearer ${truck.token}` }
    assert.equal((await post(bearer)).status, 200)
    await pool.query(`update devices set token_sources = '{10.1.0.0/16}' where fleet_id = $1`, [fleet.id])
    const fresh = await startInstance(url)
    assert.equal((await post(bearer, fresh)).status, 401)
    assert.equal((await post({ ...bearer, 'x-forwarded-for': '10.1.2.3' }, fresh)).status, 401)
    // Behind a proxy of ours it is the address that the proxy saw.
    const behind = await startInstance(url, { proxies: ['127.0.0.1/32'] })
    const seen = async (forwarded?: string) =>
      (await post({ ...bearer, ...(forwarded && { 'x-forwarded-for': forwarded }) }, behind)).status
    assert.deepEqual(
      [await seen('10.1.2.3'), await seen('10.1.2.3, 203.0.113.9'), await seen()],
      [200, 401, 401],
    )
    await pool.query(`update devices set token_sources = '{127.0.0.0/8}' where fleet_id = $1`, [fleet.id])
    assert.equal(await seen('203.0.113.9'), 401)
    assert.equal((await post(bearer, await startInstance(url))).status, 200)
  })
})

describe('a scheme of one’s own', () => {
  // What a file of it would hold: a gateway that a wire leads to names its device, and that is all.
  const byWire: Scheme = ({ tokens, now }) => [
    {
      name: 'oauth',
      claims: ({ headers }) => headers['x-wire'] !== undefined,
      async authenticate({ headers }) {
        const device = await tokens.authenticate(`Bearer ${headers['x-wire']}`).catch(() => null)
        if (!device) return refuse('unauthorized', 'No such wire.')
        const { fleetId, fleetNumber, name } = device
        return {
          ok: true,
          method: 'oauth',
          authenticatedAt: now(),
          fleetId,
          fleetNumber,
          keyRef: `wire of ${name}`,
          scopes: ['ingest'],
          device: { ...device, method: 'oauth' },
          vehicleIds: null,
          spend: null,
          signature: null,
        }
      },
    },
  ]

  test('is one more in the list: it is asked like the others, and refused with another beside it', async () => {
    const wired = await startInstance(url, { schemes: [...SCHEMES, byWire] })
    const [, second] = fleet.devices as [unknown, (typeof fleet.devices)[0]]
    assert.equal((await post({ 'x-wire': second.token }, wired, 'unit-2')).status, 200)
    assert.deepEqual(await post({ 'x-wire': 'cut' }, wired, 'unit-2'), { status: 401, code: 'unauthorized' })
    const both = { 'x-wire': second.token, authorization: `Bearer ${second.token}` }
    assert.deepEqual(await post(both, wired, 'unit-2'), { status: 400, code: 'malformed' })
    assert.equal((await post({ 'x-wire': second.token }, instance, 'unit-2')).code, 'signature_missing')
  })
})
