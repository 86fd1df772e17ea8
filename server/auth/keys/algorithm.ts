import {
  constants,
  createHmac,
  type KeyObject,
  type SignKeyObjectInput,
  sign,
  timingSafeEqual,
  type VerifyKeyObjectInput,
  verify,
} from 'node:crypto'
import { ed25519Verifier } from './ed25519.ts'

/** The algorithms of RFC 9421 section 3.3 by their registered names; device-signatures section 1 says which key has which. */
export const SIGNATURE_ALGORITHMS = [
  'ed25519',
  'ecdsa-p256-sha256',
  'ecdsa-p384-sha384',
  'rsa-v1_5-sha256',
  'rsa-pss-sha512',
  'hmac-sha256',
] as const

export type SignatureAlgorithm = (typeof SIGNATURE_ALGORITHMS)[number]

interface Recipe {
  /** The digest that node:crypto is told; null where the algorithm has its own. */
  digest: 'sha256' | 'sha384' | 'sha512' | null
  options: Omit<SignKeyObjectInput, 'key'> & Omit<VerifyKeyObjectInput, 'key'>
  fits(key: KeyObject): boolean
  /** Bytes of a signature, where the algorithm alone says so. */
  signatureBytes?: number
}

const isCurve = (key: KeyObject, curve: string) =>
  key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === curve

const RECIPES: Record<SignatureAlgorithm, Recipe> = {
  ed25519: {
    digest: null,
    options: {},
    fits: (key) => key.asymmetricKeyType === 'ed25519',
    signatureBytes: 64,
  },
  'ecdsa-p256-sha256': {
    digest: 'sha256',
    options: { dsaEncoding: 'ieee-p1363' },
    fits: (key) => isCurve(key, 'prime256v1'),
    signatureBytes: 64,
  },
  'ecdsa-p384-sha384': {
    digest: 'sha384',
    options: { dsaEncoding: 'ieee-p1363' },
    fits: (key) => isCurve(key, 'secp384r1'),
    signatureBytes: 96,
  },
  'rsa-v1_5-sha256': {
    digest: 'sha256',
    options: { padding: constants.RSA_PKCS1_PADDING },
    fits: (key) => key.asymmetricKeyType === 'rsa',
  },
  'rsa-pss-sha512': {
    digest: 'sha512',
    options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 64 },
    fits: (key) => key.asymmetricKeyType === 'rsa' || key.asymmetricKeyType === 'rsa-pss',
  },
  'hmac-sha256': {
    digest: 'sha256',
    options: {},
    fits: (key) => key.type === 'secret',
    signatureBytes: 32,
  },
}

/**
 * A key bound to its one algorithm, prepared once and used for every request: making the KeyObject costs more than an
 * Ed25519 verification (device-signatures section 1). The request has no say in the algorithm, and a public key can't be
 * prepared as the secret of an HMAC.
 */
export class VerifyingKey {
  readonly algorithm: SignatureAlgorithm
  readonly #signatureBytes: number | undefined
  readonly #verify: (data: Uint8Array, signature: Uint8Array) => boolean

  /** @throws TypeError if the key is not of the kind that the algorithm takes, or is a private one: a fault of the caller */
  constructor(algorithm: SignatureAlgorithm, key: KeyObject) {
    const recipe = RECIPES[algorithm]
    if (key.type === 'private' || !recipe.fits(key))
      throw new TypeError(`this key is not one for ${algorithm}`)
    this.algorithm = algorithm
    this.#signatureBytes = recipe.signatureBytes
    this.#verify = verifierOf(algorithm, recipe, key)
  }

  /** Whether this key made the signature over the data. Never throws for what a request may hold (RFC 9421 section 3.3). */
  verify(data: Uint8Array, signature: Uint8Array): boolean {
    if (this.#signatureBytes !== undefined && signature.length !== this.#signatureBytes) return false
    try {
      return this.#verify(data, signature)
    } catch {
      // OpenSSL reports some impossible signatures as errors instead of a plain no.
      return false
    }
  }
}

function verifierOf(
  algorithm: SignatureAlgorithm,
  { digest, options }: Recipe,
  key: KeyObject,
): (data: Uint8Array, signature: Uint8Array) => boolean {
  if (algorithm === 'ed25519') return ed25519Verifier(key)
  if (algorithm === 'hmac-sha256') {
    return (data, signature) => timingSafeEqual(createHmac('sha256', key).update(data).digest(), signature)
  }
  const input: VerifyKeyObjectInput = { ...options, key }
  return (data, signature) => verify(digest, data, input, signature)
}

/**
 * Signs data as RFC 9421 section 3.3 says for the algorithm; ECDSA gives r‖s.
 * @throws TypeError if the key is not a private (for hmac-sha256: secret) key of the kind that the algorithm takes
 */
export function signData(algorithm: SignatureAlgorithm, key: KeyObject, data: Uint8Array): Buffer {
  const recipe = RECIPES[algorithm]
  if (key.type === 'public' || !recipe.fits(key)) throw new TypeError(`this key does not sign ${algorithm}`)
  if (algorithm === 'hmac-sha256') return createHmac('sha256', key).update(data).digest()
  return sign(recipe.digest, data, { ...recipe.options, key })
}
