import { createHash, createPublicKey, createSecretKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { SIGNATURE_ALGORITHMS, type SignatureAlgorithm, VerifyingKey } from './algorithm.ts'

const made = new Map<SignatureAlgorithm, VerifyingKey>()

/**
 * A key that nobody has, to verify with where there is none, so that an unknown key takes the time of a known one
 * (device-signatures section 4). It is of the kind that the request seems to be signed with.
 */
export function dummyKeyFor(
  kind: 'device' | 'session',
  claimedAlgorithm: string | undefined,
  signatureBytes: number,
): VerifyingKey {
  const algorithm = kind === 'session' ? 'hmac-sha256' : guess(claimedAlgorithm, signatureBytes)
  let key = made.get(algorithm)
  if (!key) {
    key = new VerifyingKey(algorithm, makeKey(algorithm))
    made.set(algorithm, key)
  }
  return key
}

function guess(claimed: string | undefined, signatureBytes: number): SignatureAlgorithm {
  const known = SIGNATURE_ALGORITHMS.find((algorithm) => algorithm === claimed)
  if (known && known !== 'hmac-sha256') return known
  if (signatureBytes === 64) return 'ed25519'
  return signatureBytes === 96 ? 'ecdsa-p384-sha384' : 'rsa-v1_5-sha256'
}

function makeKey(algorithm: SignatureAlgorithm) {
  switch (algorithm) {
    case 'ed25519':
      return generateKeyPairSync('ed25519').publicKey
    case 'ecdsa-p256-sha256':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey
    case 'ecdsa-p384-sha384':
      return generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey
    case 'hmac-sha256':
      return createSecretKey(randomBytes(32))
    case 'rsa-v1_5-sha256':
    case 'rsa-pss-sha512': {
      // Finding two primes takes a quarter of a second, and verifying doesn't need them: any odd number of the size will do.
      const parts = Array.from({ length: 8 }, (_, part) =>
        createHash('sha256').update(`modulus ${part}`).digest(),
      )
      const modulus = Buffer.concat(parts)
      modulus[0]! |= 0x80
      modulus[255]! |= 1
      return createPublicKey({
        key: { kty: 'RSA', n: modulus.toString('base64url'), e: 'AQAB' },
        format: 'jwk',
      })
    }
  }
}
