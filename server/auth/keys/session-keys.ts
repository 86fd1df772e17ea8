import {
  createHash,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto'
import { VerifyingKey } from './algorithm.ts'
import { strictBase64Url } from './base64.ts'

/** How long a session lasts, in seconds (device-signatures section 6). */
export const SESSION_SECONDS = 900

const PUBLIC_BYTES = 32
const SECRET_BYTES = 32
const NAME_BYTES = 16
const INFO = 'fleet-device-v1 session'

/** One side's passing key pair; `x25519` is the public half as it travels, base64url. */
export interface SessionOffer {
  privateKey: KeyObject
  x25519: string
}

export type SessionSecret =
  | { ok: true; secret: Buffer }
  /** `malformed`: not 32 bytes of base64url. `weak_key`: the other's point makes the result zero whatever our key is. */
  | { ok: false; reason: 'malformed' | 'weak_key' }

/** What the server keeps and answers of a new session. */
export interface NewSession {
  ok: true
  /** `ds_` and 22 characters: what later requests give as keyid. */
  session: string
  /** The server's passing public key, for the answer. */
  x25519: string
  /** Seconds. */
  expiresIn: number
  /** 32 bytes; encrypted where it is stored, and never sent. */
  secret: Buffer
}

/** Makes a passing key pair for one agreement. */
export function offerSession(): SessionOffer {
  const { privateKey, publicKey } = generateKeyPairSync('x25519')
  return { privateKey, x25519: publicKey.export({ format: 'jwk' }).x! }
}

/**
 * The secret of a session, the same on both sides: HKDF-SHA256 over the X25519 result, salted with the digest of the
 * request's signature base, so that it belongs to that one signed request (device-signatures section 6, RFC 7748
 * section 6.1, RFC 5869).
 * @param theirs the other side's public half, base64url
 */
export function agreeSecret(privateKey: KeyObject, theirs: string, signatureBase: Uint8Array): SessionSecret {
  const x = strictBase64Url(theirs)
  if (x?.length !== PUBLIC_BYTES) return { ok: false, reason: 'malformed' }
  let shared: Buffer
  try {
    const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: theirs }, format: 'jwk' })
    shared = diffieHellman({ privateKey, publicKey })
  } catch {
    // OpenSSL refuses a result of zero itself; the check below holds should it once not.
    return { ok: false, reason: 'weak_key' }
  }
  if (shared.every((byte) => byte === 0)) return { ok: false, reason: 'weak_key' }
  const salt = createHash('sha256').update(signatureBase).digest()
  return { ok: true, secret: Buffer.from(hkdfSync('sha256', shared, salt, INFO, SECRET_BYTES)) }
}

/**
 * The server's part of a new session. The signature base is that of the request, which must have been accepted from a device
 * key: a session can not make another one.
 * @param fleetNumber four bytes that the session's name begins with, so that it is found by its fleet
 */
export function openSession(
  theirs: string,
  signatureBase: Uint8Array,
  fleetNumber: number,
): NewSession | Extract<SessionSecret, { ok: false }> {
  const offer = offerSession()
  const agreed = agreeSecret(offer.privateKey, theirs, signatureBase)
  if (!agreed.ok) return agreed
  const name = randomBytes(NAME_BYTES)
  name.writeUInt32BE(fleetNumber)
  return {
    ok: true,
    session: `ds_${name.toString('base64url')}`,
    x25519: offer.x25519,
    expiresIn: SESSION_SECONDS,
    secret: agreed.secret,
  }
}

/** A session's secret ready to verify with; keep it instead of making it again for each request. */
export function sessionVerifyingKey(secret: Uint8Array): VerifyingKey {
  return new VerifyingKey('hmac-sha256', createSecretKey(secret))
}
