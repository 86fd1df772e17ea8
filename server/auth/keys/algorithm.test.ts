import assert from 'node:assert/strict'
import { createSecretKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { SIGNATURE_ALGORITHMS, type SignatureAlgorithm, signData, VerifyingKey } from './algorithm.ts'
import { dummyKeyFor } from './dummy-key.ts'

const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve })
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const secret = createSecretKey(randomBytes(32))
const PAIRS: Record<SignatureAlgorithm, { privateKey: KeyObject; publicKey: KeyObject }> = {
  ed25519: generateKeyPairSync('ed25519'),
  'ecdsa-p256-sha256': ec('P-256'),
  'ecdsa-p384-sha384': ec('P-384'),
  'rsa-v1_5-sha256': rsa,
  'rsa-pss-sha512': rsa,
  'hmac-sha256': { privateKey: secret, publicKey: secret },
}
const DATA = Buffer.from('what is signed')

describe('signature algorithms', () => {
  for (const algorithm of SIGNATURE_ALGORITHMS) {
    const { privateKey, publicKey } = PAIRS[algorithm]

    test(`${algorithm} verifies what it signed and nothing beside it`, () => {
      const key = new VerifyingKey(algorithm, publicKey)
      const signature = signData(algorithm, privateKey, DATA)
      assert.ok(key.verify(DATA, signature))
      for (let bit = 0; bit < signature.length * 8; bit += algorithm.startsWith('rsa') ? 31 : 1) {
        const changed = Buffer.from(signature)
        changed[bit >> 3]! ^= 1 << (bit & 7)
        assert.equal(key.verify(DATA, changed), false, `bit ${bit}`)
      }
      for (let bit = 0; bit < DATA.length * 8; bit++) {
        const changed = Buffer.from(DATA)
        changed[bit >> 3]! ^= 1 << (bit & 7)
        assert.equal(key.verify(changed, signature), false, `bit ${bit} of the data`)
      }
      for (const length of [0, 1, 31, 32, 33, 63, 64, 65, 96, 255, 256, 257]) {
        assert.equal(key.verify(DATA, Buffer.alloc(length)), false, `${length} zeros`)
        assert.equal(key.verify(DATA, Buffer.alloc(length, 0xff)), false, `${length} ones`)
      }
      assert.equal(key.verify(DATA, Buffer.concat([signature, Buffer.alloc(1)])), false)
      assert.equal(key.verify(DATA, signature.subarray(1)), false)
    })

    test(`${algorithm} takes no key and no signature of another`, () => {
      const key = new VerifyingKey(algorithm, publicKey)
      for (const other of SIGNATURE_ALGORITHMS) {
        if (other === algorithm) continue
        assert.equal(key.verify(DATA, signData(other, PAIRS[other].privateKey, DATA)), false, other)
        if (PAIRS[other].publicKey === publicKey) continue
        assert.throws(() => new VerifyingKey(algorithm, PAIRS[other].publicKey), TypeError)
        assert.throws(() => signData(algorithm, PAIRS[other].privateKey, DATA), TypeError)
      }
      if (algorithm === 'hmac-sha256') return
      assert.throws(() => new VerifyingKey(algorithm, privateKey), TypeError, 'a private key')
      assert.throws(() => signData(algorithm, publicKey, DATA), TypeError, 'a public key')
    })
  }

  test('the bytes of a public key are no secret of an HMAC', () => {
    const { publicKey } = PAIRS.ed25519
    const forged = signData(
      'hmac-sha256',
      createSecretKey(publicKey.export({ type: 'spki', format: 'der' }).subarray(-32)),
      DATA,
    )
    assert.equal(new VerifyingKey('ed25519', publicKey).verify(DATA, forged), false)
    assert.throws(() => new VerifyingKey('hmac-sha256', publicKey), TypeError)
  })

  test('PSS salts of another length are refused', async () => {
    const { constants, sign } = await import('node:crypto')
    const key = new VerifyingKey('rsa-pss-sha512', rsa.publicKey)
    for (const saltLength of [0, 32, 63]) {
      const options = { key: rsa.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }
      assert.equal(key.verify(DATA, sign('sha512', DATA, options)), false, `${saltLength}`)
    }
  })

  test('a stand-in is of the kind that the request seems to be of, and nobody signs for it', () => {
    const cases: ['device' | 'session', string | undefined, number, SignatureAlgorithm][] = [
      ['device', 'ed25519', 64, 'ed25519'],
      ['device', undefined, 64, 'ed25519'],
      ['device', 'ecdsa-p256-sha256', 64, 'ecdsa-p256-sha256'],
      ['device', undefined, 96, 'ecdsa-p384-sha384'],
      ['device', 'rsa-pss-sha512', 256, 'rsa-pss-sha512'],
      ['device', undefined, 256, 'rsa-v1_5-sha256'],
      ['device', 'hmac-sha256', 32, 'rsa-v1_5-sha256'],
      ['device', 'none', 0, 'rsa-v1_5-sha256'],
      ['session', 'ed25519', 64, 'hmac-sha256'],
    ]
    for (const [kind, claimed, bytes, expected] of cases) {
      const key = dummyKeyFor(kind, claimed, bytes)
      assert.equal(key.algorithm, expected)
      assert.equal(key.verify(DATA, Buffer.alloc(bytes, 1)), false)
    }
  })
})
