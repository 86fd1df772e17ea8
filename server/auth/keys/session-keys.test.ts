import assert from 'node:assert/strict'
import { createHash, createHmac, createPrivateKey, createPublicKey, diffieHellman } from 'node:crypto'
import { describe, test } from 'node:test'
import { agreeSecret, offerSession, openSession, sessionVerifyingKey } from './session-keys.ts'

const BASE = Buffer.from('"@method": POST\n"@signature-params": ("@method")')
const privateKeyOf = (hex: string) =>
  createPrivateKey({
    key: Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), Buffer.from(hex, 'hex')]),
    format: 'der',
    type: 'pkcs8',
  })
const base64url = (hex: string) => Buffer.from(hex, 'hex').toString('base64url')

describe('session secrets', () => {
  test('both sides come to the same one', () => {
    const device = offerSession()
    const opened = openSession(device.x25519, BASE, 7)
    assert.ok(opened.ok)
    assert.match(opened.session, /^ds_[A-Za-z0-9_-]{22}$/)
    assert.equal(opened.expiresIn, 900)
    assert.equal(Buffer.from(opened.x25519, 'base64url').length, 32)
    assert.deepEqual(agreeSecret(device.privateKey, opened.x25519, BASE), { ok: true, secret: opened.secret })
    assert.equal(opened.secret.length, 32)
    const other = openSession(device.x25519, BASE, 7)
    assert.ok(other.ok)
    assert.notDeepEqual(other.secret, opened.secret)
    assert.notEqual(other.session, opened.session)
  })

  test('another signed request gives another secret', () => {
    const [device, server] = [offerSession(), offerSession()]
    const one = agreeSecret(device.privateKey, server.x25519, BASE)
    const other = agreeSecret(device.privateKey, server.x25519, Buffer.concat([BASE, Buffer.from(' ')]))
    assert.ok(one.ok && other.ok)
    assert.notDeepEqual(one.secret, other.secret)
  })

  test('the derivation is that of the page, step by step with HMAC', () => {
    const alice = privateKeyOf('5a'.repeat(32))
    const bob = offerSession()
    const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: bob.x25519 }, format: 'jwk' })
    const shared = diffieHellman({ privateKey: alice, publicKey })
    const extracted = createHmac('sha256', createHash('sha256').update(BASE).digest()).update(shared).digest()
    const expanded = createHmac('sha256', extracted).update('fleet-device-v1 session\u0001').digest()
    assert.deepEqual(agreeSecret(alice, bob.x25519, BASE), { ok: true, secret: expanded })
  })

  test('points that make the result zero are refused', () => {
    const zeroing = [
      '00'.repeat(32),
      `01${'00'.repeat(31)}`,
      'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
      '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
      `ec${'ff'.repeat(30)}7f`,
      `ed${'ff'.repeat(30)}7f`,
      `ee${'ff'.repeat(30)}7f`,
    ]
    for (const point of zeroing) {
      assert.deepEqual(openSession(base64url(point), BASE, 7), { ok: false, reason: 'weak_key' }, point)
    }
  })

  test('what is not 32 bytes of base64url is malformed', () => {
    const { x25519 } = offerSession()
    for (const offer of [
      '',
      'x',
      x25519.slice(1),
      `${x25519}A`,
      `${x25519}=`,
      `${x25519.slice(0, -1)}!`,
      base64url('09'.repeat(33)),
    ]) {
      assert.deepEqual(openSession(offer, BASE, 7), { ok: false, reason: 'malformed' }, offer)
    }
  })

  test('a session verifies with its secret', () => {
    const opened = openSession(offerSession().x25519, BASE, 7)
    assert.ok(opened.ok)
    const key = sessionVerifyingKey(opened.secret)
    const tag = createHmac('sha256', opened.secret).update(BASE).digest()
    assert.equal(key.algorithm, 'hmac-sha256')
    assert.ok(key.verify(BASE, tag))
    assert.equal(key.verify(BASE, tag.subarray(0, 31)), false)
    assert.equal(key.verify(BASE, Buffer.alloc(32)), false)
  })
})
