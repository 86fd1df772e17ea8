import { type KeyObject, verify } from 'node:crypto'
import { createRequire } from 'node:module'

/** Whether the key made the 64 bytes of a signature over the data. */
export type Ed25519Verifier = (data: Uint8Array, signature: Uint8Array) => boolean

interface Sodium {
  crypto_sign_verify_detached(signature: Uint8Array, data: Uint8Array, key: Uint8Array): boolean
}

let loaded: Sodium | null | undefined

/** libsodium, or null where the package has no binary (musl, BSD, an old glibc). */
function sodium(): Sodium | null {
  if (loaded === undefined) {
    try {
      loaded = createRequire(import.meta.url)('sodium-native') as Sodium
    } catch {
      loaded = null
    }
  }
  return loaded
}

/**
 * The eight points of small order as RFC 8032 section 5.1.2 writes them. A signature whose R is one of them gives away the private key,
 * so no signer makes it; libsodium refuses it and OpenSSL does not.
 */
export const SMALL_ORDER_POINTS: ReadonlySet<string> = new Set([
  `01${'00'.repeat(31)}`,
  `ec${'ff'.repeat(30)}7f`,
  '00'.repeat(32),
  `${'00'.repeat(31)}80`,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
])

/** By node:crypto, with the one thing added in which libsodium is stricter for keys that may be enrolled. */
export function verifierByNode(key: KeyObject): Ed25519Verifier {
  return (data, signature) =>
    !SMALL_ORDER_POINTS.has(Buffer.from(signature.subarray(0, 32)).toString('hex')) &&
    verify(null, data, key, signature)
}

/** By libsodium, in less than half the time; null where there is none. */
export function verifierBySodium(key: KeyObject): Ed25519Verifier | null {
  const library = sodium()
  if (!library) return null
  const point = Buffer.from(key.export({ format: 'jwk' }).x!, 'base64url')
  return (data, signature) => library.crypto_sign_verify_detached(signature, data, point)
}

/**
 * Verifies Ed25519 (RFC 8032 section 5.1.7) in the fastest way at hand. Both ways compare without the cofactor (SB = R + kA, not eight
 * times that) and refuse an S of the group's order or more and an R in a second spelling, so instances agree whatever they run on.
 * They differ over keys of small order or in a second spelling, which libsodium never verifies for: enrolment takes neither
 * (`edwards-point.ts`).
 * @param key an Ed25519 public key
 */
export function ed25519Verifier(key: KeyObject): Ed25519Verifier {
  return verifierBySodium(key) ?? verifierByNode(key)
}
