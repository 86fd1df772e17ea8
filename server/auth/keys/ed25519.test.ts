import assert from 'node:assert/strict'
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from 'node:crypto'
import { describe, test } from 'node:test'
import fc from '../../property.testing.ts'
import { SMALL_ORDER_POINTS, verifierByNode, verifierBySodium } from './ed25519.ts'
import { kindOfEdwardsPoint } from './edwards-point.ts'

/** The order of the base point (RFC 8032 section 5.1). */
const L = 2n ** 252n + 27742317777372353535851937790883648493n
const numberOf = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`)
const bytesOf = (number: bigint) => Buffer.from(number.toString(16).padStart(64, '0'), 'hex').reverse()
const hex = (text: string) => Buffer.from(text, 'hex')

const keyOf = (point: Uint8Array) =>
  createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(point).toString('base64url') },
    format: 'jwk',
  })
const pointOf = (key: KeyObject) => Buffer.from(key.export({ format: 'jwk' }).x!, 'base64url')

/** Where the package has no binary there is nothing to compare; where it has one and does not load, the tests fail. */
function withoutBinary(): string | false {
  if (process.platform !== 'linux') return false
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } }
  const [major = 0, minor = 0] = (report.header?.glibcVersionRuntime ?? '').split('.').map(Number)
  return major > 2 || (major === 2 && minor >= 33) ? false : 'libsodium needs glibc 2.33'
}

/** What both say of a signature, once it is sure that they say the same. */
function verdict(key: KeyObject, data: Uint8Array, signature: Uint8Array, what: string): boolean {
  const bySodium = verifierBySodium(key)
  assert.ok(bySodium, 'libsodium does not load')
  const byNode = verifierByNode(key)(data, signature)
  assert.equal(bySodium(data, signature), byNode, `libsodium and node:crypto differ: ${what}`)
  return byNode
}

const DATA = Buffer.from('what is signed')
const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 })
/** A key pair of a seed: RFC 8410 in front of it. */
function pairOf(seed: Uint8Array) {
  const privateKey = createPrivateKey({
    key: Buffer.concat([hex('302e020100300506032b657004220420'), seed]),
    format: 'der',
    type: 'pkcs8',
  })
  return { privateKey, publicKey: createPublicKey(privateKey) }
}

/** The secret scalar of a seed (RFC 8032 section 5.1.5). */
function scalarOf(seed: Uint8Array): bigint {
  const hash = createHash('sha512').update(seed).digest().subarray(0, 32)
  hash[0]! &= 0xf8
  hash[31] = (hash[31]! & 0x7f) | 0x40
  return numberOf(hash)
}

const challenge = (R: Uint8Array, A: Uint8Array, data: Uint8Array) =>
  numberOf(createHash('sha512').update(R).update(A).update(data).digest()) % L

/** The neutral point with a sign, and y = 1 written as p + 1. */
const MISSPELT = [`01${'00'.repeat(30)}80`, `ee${'ff'.repeat(30)}7f`]
/** 12345 B + T, where T has order 8: a key that enrolment takes, for no signature can be made without its scalar. */
const MIXED_KEY = '40a4cf5c611d737a2f1c6fcca84d9cabfed80987f186a5a6c57e629bff1af27f'
/** r and r B, such that the challenges of MIXED_KEY over DATA have each remainder of eight once. */
const NONCES: readonly [bigint, string][] = [
  [2n, 'c9a3f86aae465f0e56513864510f3997561fa2c9e85ea21dc2292309f3cd6022'],
  [4n, '2f1132ca61ab38dff00f2fea3228f24c6c71d58085b80e47e19515cb27e8d047'],
  [5n, 'edc876d6831fd2105d0b4389ca2e283166469289146e2ce06faefe98b22548df'],
  [6n, 'f47e49f9d07ad2c1606b4d94067c41f9777d4ffda709b71da1d88628fce34d85'],
  [7n, 'b862409fb5c4c4123df2abf7462b88f041ad36dd6864ce872fd5472be363c5b1'],
  [8n, 'b4b937fca95b2f1e93e41e62fc3c78818ff38a66096fad6e7973e5c90006d321'],
  [10n, '2c7be86ab07488ba43e8e03d85a67625cfbf98c8544de4c877241b7aaafc7fe3'],
  [11n, '1337036ac32d8f30d4589c3c1c595812ce0fff40e37c6f5a97ab213f318290ad'],
]

describe('Ed25519 by libsodium and by node:crypto', { skip: withoutBinary() }, () => {
  test('good signatures are good for both, and changed ones for neither', () => {
    fc.assert(
      fc.property(
        seeds,
        fc.uint8Array({ maxLength: 600 }),
        fc.nat(511),
        fc.nat(),
        (seed, data, bit, dataBit) => {
          const { privateKey, publicKey } = pairOf(seed)
          const signature = sign(null, data, privateKey)
          assert.ok(verdict(publicKey, data, signature, 'good'))
          const changed = Buffer.from(signature)
          changed[bit >> 3]! ^= 1 << (bit & 7)
          assert.equal(verdict(publicKey, data, changed, `bit ${bit}`), false)
          if (data.length === 0) return
          const other = Buffer.from(data)
          other[dataBit % other.length]! ^= 1
          assert.equal(verdict(publicKey, other, signature, 'other data'), false)
        },
      ),
      { numRuns: 300 },
    )
  })

  test('bytes of any kind are judged alike', () => {
    const { publicKey } = generateKeyPairSync('ed25519')
    const edge = fc.constantFrom(
      bytesOf(0n),
      bytesOf(1n),
      bytesOf(L - 1n),
      bytesOf(L),
      bytesOf(L + 1n),
      bytesOf(2n ** 255n - 19n),
      bytesOf(2n ** 255n - 1n),
      bytesOf(2n ** 256n - 1n),
      pointOf(publicKey),
      ...[...SMALL_ORDER_POINTS].map(hex),
    )
    const half = fc.oneof(edge, seeds)
    fc.assert(
      fc.property(half, half, (R, S) => {
        assert.equal(verdict(publicKey, DATA, Buffer.concat([R, S]), 'any bytes'), false)
      }),
      { numRuns: 1_000 },
    )
  })

  test('an S that is too big by the order of the group is refused', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const { privateKey, publicKey } = pairOf(seed)
        const signature = sign(null, DATA, privateKey)
        for (let more = 1n; more < 16n; more++) {
          const S = numberOf(signature.subarray(32)) + more * L
          if (S >= 2n ** 256n) break
          const other = Buffer.concat([signature.subarray(0, 32), bytesOf(S)])
          assert.equal(verdict(publicKey, DATA, other, `S + ${more} L`), false)
        }
      }),
      { numRuns: 30 },
    )
  })

  test('the points of small order are the eight of that kind', () => {
    assert.equal(SMALL_ORDER_POINTS.size, 8)
    for (const point of SMALL_ORDER_POINTS) assert.equal(kindOfEdwardsPoint(hex(point)), 'weak', point)
  })

  test('a signature whose R has a small order is refused, though its equation holds', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const { publicKey } = pairOf(seed)
        const A = pointOf(publicKey)
        for (const point of SMALL_ORDER_POINTS) {
          // r = 0: whoever knows the scalar can write this, and says it by writing it.
          const R = hex(point)
          const S = (challenge(R, A, DATA) * scalarOf(seed)) % L
          assert.equal(verdict(publicKey, DATA, Buffer.concat([R, bytesOf(S)]), `R ${point}`), false)
        }
      }),
      { numRuns: 10 },
    )
  })

  test('a key with a part of small order verifies without the cofactor', () => {
    const mixed = hex(MIXED_KEY)
    assert.equal(kindOfEdwardsPoint(mixed), 'sound')
    const good = NONCES.filter(([r, R]) => {
      const k = challenge(hex(R), mixed, DATA)
      const signature = Buffer.concat([hex(R), bytesOf((r + k * 12_345n) % L)])
      const isGood = verdict(keyOf(mixed), DATA, signature, `k mod 8 = ${k % 8n}`)
      assert.equal(isGood, k % 8n === 0n)
      return isGood
    })
    assert.equal(good.length, 1)
  })

  test('keys of small order verify nothing with libsodium, in any spelling', () => {
    for (const point of [...SMALL_ORDER_POINTS, ...MISSPELT]) {
      const R = hex(`01${'00'.repeat(31)}`)
      const verifier = verifierBySodium(keyOf(hex(point)))
      assert.equal(verifier?.(DATA, Buffer.concat([R, bytesOf(0n)])), false, point)
    }
  })
})
