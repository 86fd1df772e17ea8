import { createHash, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { type SignatureAlgorithm, VerifyingKey } from './algorithm.ts'
import { kindOfEdwardsPoint } from './edwards-point.ts'
import { SshReader, sshString } from './ssh-wire.ts'

/** The key types that may be enrolled, with what a key of the type may be bound to; the first is what it is bound to unasked. */
const ALGORITHMS_OF = {
  'ssh-ed25519': ['ed25519'],
  'ecdsa-sha2-nistp256': ['ecdsa-p256-sha256'],
  'ecdsa-sha2-nistp384': ['ecdsa-p384-sha384'],
  'ssh-rsa': ['rsa-v1_5-sha256', 'rsa-pss-sha512'],
} as const satisfies Record<string, readonly SignatureAlgorithm[]>

export type SshKeyType = keyof typeof ALGORITHMS_OF

/** An SSH public key that may be enrolled (device-signatures section 1). */
export interface SshPublicKey {
  type: SshKeyType
  bits: number
  /** `SHA256:` and 43 characters, as `ssh-keygen -lf` prints it. */
  fingerprint: string
  /** As pasted: escape it where it is shown. */
  comment: string
  /** The key in SSH wire format, which is what the fingerprint is of. */
  blob: Buffer
  key: KeyObject
  /** What the key is bound to unless enrolment chooses another of `algorithms`. */
  algorithm: SignatureAlgorithm
  algorithms: readonly SignatureAlgorithm[]
}

/** Why a line is not taken. */
export type SshKeyFault =
  | 'malformed'
  | 'line_too_long'
  | 'private_key'
  | 'more_than_one_key'
  | 'options_not_allowed'
  | 'type_not_allowed'
  | 'type_mismatch'
  | 'key_too_small'
  | 'key_too_large'
  | 'weak_key'

export interface SshKeyRefusal {
  ok: false
  /** The one to show and to log. */
  reason: SshKeyFault
  /** All that can be said of the line, `reason` first: a private key has several lines too. */
  reasons: readonly SshKeyFault[]
  /** For the person who pasted it. */
  detail: string
}

export type SshKeyReading = { ok: true; key: SshPublicKey } | SshKeyRefusal

const RSA_BITS = { least: 2048, most: 8192 }
/** OpenSSL refuses longer exponents on moduli over 3072 bits; below that they would only make each check dear. */
const MOST_EXPONENT_BYTES = 8

/** For people, where a type is not allowed. */
export const ALLOWED_TYPES = `Keys of type ${Object.keys(ALGORITHMS_OF).join(', ')} can be enrolled.`

/** A refusal; the first reason is the one to show. */
export const refusal = (detail: string, ...reasons: [SshKeyFault, ...SshKeyFault[]]): SshKeyRefusal => ({
  ok: false,
  reason: reasons[0],
  reasons,
  detail,
})

/** Whether keys of the type may be enrolled. */
export const isAllowed = (type: string): type is SshKeyType => Object.hasOwn(ALGORITHMS_OF, type)

/** A key in the terms of node:crypto, or why there is none. */
type Material = { jwk: JsonWebKey; bits: number } | SshKeyRefusal

const isRefusal = (material: Material): material is SshKeyRefusal => 'ok' in material

const TRUNCATED = refusal('The key is cut short or damaged.', 'malformed')

/**
 * Reads a public key in SSH wire format. With `label` the type inside must be that one.
 * Never throws; refusals as from parseSshKeyLine.
 */
export function parseSshKeyBlob(blob: Buffer, label?: string): SshKeyReading {
  const reader = new SshReader(blob)
  const type = reader.string()?.toString('latin1')
  if (type === undefined) return TRUNCATED
  const foreign: SshKeyFault[] = isAllowed(type) ? [] : ['type_not_allowed']
  if (label !== undefined && type !== label) {
    return refusal('The type in front is not the type of the key itself.', 'type_mismatch', ...foreign)
  }
  if (!isAllowed(type)) return refusal(ALLOWED_TYPES, 'type_not_allowed')
  const material = readMaterial(type, reader)
  if (isRefusal(material)) return material
  if (reader.left > 0) return refusal('There are bytes left over behind the key.', 'malformed')
  let key: KeyObject
  try {
    key = createPublicKey({ key: material.jwk, format: 'jwk' })
  } catch {
    // OpenSSL found the point off its curve.
    return refusal('The key is not a point of its curve.', 'malformed', 'weak_key')
  }
  const algorithms = ALGORITHMS_OF[type]
  return {
    ok: true,
    key: {
      type,
      bits: material.bits,
      fingerprint: `SHA256:${createHash('sha256').update(blob).digest('base64').replace('=', '')}`,
      comment: '',
      blob,
      key,
      algorithm: algorithms[0],
      algorithms,
    },
  }
}

function readMaterial(type: SshKeyType, reader: SshReader): Material {
  switch (type) {
    case 'ssh-ed25519':
      return readEd25519(reader)
    case 'ecdsa-sha2-nistp256':
      return readEcdsa(reader, 'nistp256', 'P-256', 256)
    case 'ecdsa-sha2-nistp384':
      return readEcdsa(reader, 'nistp384', 'P-384', 384)
    case 'ssh-rsa':
      return readRsa(reader)
  }
}

function readEd25519(reader: SshReader): Material {
  const point = reader.string()
  if (point?.length !== 32) return TRUNCATED
  switch (kindOfEdwardsPoint(point)) {
    case 'none':
      return refusal('The key is not a point of its curve.', 'malformed', 'weak_key')
    case 'weak':
      return refusal('Anyone can sign for this key: its point has a small order.', 'weak_key', 'malformed')
    case 'sound':
      return { jwk: { kty: 'OKP', crv: 'Ed25519', x: point.toString('base64url') }, bits: 256 }
  }
}

function readEcdsa(reader: SshReader, curve: string, crv: string, bits: number): Material {
  if (reader.string()?.toString('latin1') !== curve) return TRUNCATED
  const point = reader.string()
  const half = bits / 8
  // 4 is an uncompressed point (SEC 1 section 2.3.3), the only form that RFC 5656 section 3.1 has OpenSSH write.
  if (point?.length !== 1 + 2 * half || point[0] !== 4) return TRUNCATED
  const [x, y] = [point.subarray(1, 1 + half), point.subarray(1 + half)]
  return { jwk: { kty: 'EC', crv, x: x.toString('base64url'), y: y.toString('base64url') }, bits }
}

function readRsa(reader: SshReader): Material {
  const exponent = reader.positiveInteger()
  const modulus = reader.positiveInteger()
  if (!exponent || !modulus) return TRUNCATED
  const bits = modulus.length * 8 - Math.clz32(modulus[0]!) + 24
  if (bits < RSA_BITS.least) {
    return refusal(`An RSA key needs ${RSA_BITS.least} bits; this one has ${bits}.`, 'key_too_small')
  }
  if (bits > RSA_BITS.most) {
    return refusal(`An RSA key may have ${RSA_BITS.most} bits; this one has ${bits}.`, 'key_too_large')
  }
  const isOne = exponent.length === 1 && exponent[0] === 1
  if (isOne || exponent.at(-1)! % 2 === 0 || exponent.length > MOST_EXPONENT_BYTES) {
    return refusal('The exponent must be odd, at least 3 and at most 64 bits long.', 'weak_key', 'malformed')
  }
  if (modulus.at(-1)! % 2 === 0) return refusal('The modulus is even.', 'weak_key', 'malformed')
  return {
    jwk: { kty: 'RSA', n: modulus.toString('base64url'), e: exponent.toString('base64url') },
    bits,
  }
}

/**
 * The key bound to an algorithm, ready to verify; keep it instead of making it again for each request.
 * @throws TypeError if the type of the key doesn't allow the algorithm (device-signatures section 1)
 */
export function verifyingKeyOf(
  key: SshPublicKey,
  algorithm: SignatureAlgorithm = key.algorithm,
): VerifyingKey {
  if (!key.algorithms.includes(algorithm)) throw new TypeError(`${key.type} does not sign ${algorithm}`)
  return new VerifyingKey(algorithm, key.key)
}

/** How a request names an enrolled key: `<fleet-slug>/SHA256:<43 characters>` (device-signatures section 1). */
export function keyIdOf(fleetSlug: string, fingerprint: string): string {
  return `${fleetSlug}/${fingerprint}`
}

/** The fingerprint that a public key of node:crypto has as an SSH key; undefined for a kind that can't be enrolled. */
export function fingerprintOf(key: KeyObject): string | undefined {
  const { kty, crv, x = '', y = '', n = '', e = '' } = key.export({ format: 'jwk' })
  const bytes = (base64url: string) => Buffer.from(base64url, 'base64url')
  let parts: Buffer[] | undefined
  if (kty === 'OKP' && crv === 'Ed25519') parts = [Buffer.from('ssh-ed25519'), bytes(x)]
  else if (kty === 'EC' && (crv === 'P-256' || crv === 'P-384')) {
    const curve = crv === 'P-256' ? 'nistp256' : 'nistp384'
    const point = Buffer.concat([Buffer.from([4]), bytes(x), bytes(y)])
    parts = [Buffer.from(`ecdsa-sha2-${curve}`), Buffer.from(curve), point]
  } else if (kty === 'RSA') parts = [Buffer.from('ssh-rsa'), mpint(bytes(e)), mpint(bytes(n))]
  if (!parts) return undefined
  const reading = parseSshKeyBlob(Buffer.concat(parts.map(sshString)))
  return reading.ok ? reading.key.fingerprint : undefined
}

/** RFC 4251 section 5: a leading bit that is set would make it negative. */
const mpint = (bytes: Buffer) => (bytes[0]! >= 0x80 ? Buffer.concat([Buffer.alloc(1), bytes]) : bytes)
