import { createHash, verify } from 'node:crypto'
import { strictBase64 } from './base64.ts'
import type { SshKeyType, SshPublicKey } from './ssh-key.ts'
import { SshReader, sshString } from './ssh-wire.ts'

/** Why a pasted signature proves nothing. */
export type SshSignatureFault =
  | 'malformed'
  | 'unsupported'
  | 'wrong_key'
  | 'wrong_namespace'
  | 'bad_signature'

export type SshSignatureCheck = { ok: true } | { ok: false; reason: SshSignatureFault }

const MAGIC = 'SSHSIG'
const VERSION = 1
const MOST_CHARACTERS = 16 * 1024
const ARMOUR = /^-----BEGIN SSH SIGNATURE-----\r?\n([A-Za-z0-9+/=\r\n]+?)\r?\n-----END SSH SIGNATURE-----$/

/**
 * What each type may sign with inside SSHSIG, and how OpenSSL is told. RSA with SHA-1 is not among it: PROTOCOL.sshsig
 * forbids it.
 */
const SIGNS: Record<string, { type: SshKeyType; digest: string | null; half?: number }> = {
  'ssh-ed25519': { type: 'ssh-ed25519', digest: null },
  'ecdsa-sha2-nistp256': { type: 'ecdsa-sha2-nistp256', digest: 'sha256', half: 32 },
  'ecdsa-sha2-nistp384': { type: 'ecdsa-sha2-nistp384', digest: 'sha384', half: 48 },
  'rsa-sha2-256': { type: 'ssh-rsa', digest: 'sha256' },
  'rsa-sha2-512': { type: 'ssh-rsa', digest: 'sha512' },
}

/** The namespace of a challenge at enrolment: nobody's signature over anything else can stand in for it (section 2). */
export function enrolmentNamespace(host: string): string {
  return `fleet-enrol@${host}`
}

const fault = (reason: SshSignatureFault): SshSignatureCheck => ({ ok: false, reason })

/**
 * Checks the output of `ssh-keygen -Y sign -f <key> -n <namespace>` over a message, by which an operator proves to have the
 * private key (device-signatures section 2; format: PROTOCOL.sshsig of OpenSSH). Never throws. That the challenge is ours,
 * young and unused is for the caller to know.
 * @param key the key that must have signed; the one inside the signature has to be the same
 */
export function verifySshSignature(
  armoured: string,
  message: Uint8Array,
  namespace: string,
  key: SshPublicKey,
): SshSignatureCheck {
  const blob = bytesOf(armoured)
  if (!blob) return fault('malformed')
  const reader = new SshReader(blob)
  if (reader.bytes(MAGIC.length)?.toString('latin1') !== MAGIC) return fault('malformed')
  const version = reader.uint32()
  if (version === undefined) return fault('malformed')
  if (version !== VERSION) return fault('unsupported')
  const [publicKey, signedFor, reserved, hash, signature] = Array.from({ length: 5 }, () => reader.string())
  if (!publicKey || !signedFor || !reserved || !hash || !signature || reader.left > 0)
    return fault('malformed')
  if (!publicKey.equals(key.blob)) return fault('wrong_key')
  if (!signedFor.equals(Buffer.from(namespace, 'utf8'))) return fault('wrong_namespace')
  const hashName = hash.toString('latin1')
  if (hashName !== 'sha256' && hashName !== 'sha512') return fault('unsupported')
  const signed = Buffer.concat([
    Buffer.from(MAGIC, 'latin1'),
    sshString(signedFor),
    // Empty today. Whatever it once holds is signed like the rest, so it goes in as it came.
    sshString(reserved),
    sshString(hash),
    sshString(createHash(hashName).update(message).digest()),
  ])
  return checkSignature(signed, signature, key)
}

function bytesOf(armoured: string): Buffer | undefined {
  if (armoured.length > MOST_CHARACTERS) return undefined
  const base64 = ARMOUR.exec(armoured.trim())?.[1]
  return base64 === undefined ? undefined : strictBase64(base64.replace(/[\r\n]/g, ''))
}

function checkSignature(signed: Buffer, signature: Buffer, key: SshPublicKey): SshSignatureCheck {
  const format = new SshReader(signature).string()?.toString('latin1')
  if (format === undefined) return fault('malformed')
  const how = Object.hasOwn(SIGNS, format) ? SIGNS[format] : undefined
  if (!how || how.type !== key.type) return fault('unsupported')
  const raw = rawSignature(signature)
  if (!raw) return fault('malformed')
  try {
    return verify(how.digest, signed, { key: key.key, dsaEncoding: 'ieee-p1363' }, raw)
      ? { ok: true }
      : fault('bad_signature')
  } catch {
    // OpenSSL reports some impossible signatures as errors instead of a plain no.
    return fault('bad_signature')
  }
}

/**
 * The signature that RFC 9421 wants, out of one in SSH form, as an ssh-agent gives it (device-signatures section 1): the
 * bytes themselves for Ed25519 and RSA; for ECDSA its two numbers (RFC 5656 section 3.1.2) as r‖s, each as long as the curve
 * needs. Undefined if it isn't one of those.
 */
export function rawSignature(sshSignature: Buffer): Buffer | undefined {
  const reader = new SshReader(sshSignature)
  const format = reader.string()?.toString('latin1')
  const content = reader.string()
  const how = format !== undefined && Object.hasOwn(SIGNS, format) ? SIGNS[format] : undefined
  if (!how || !content || reader.left > 0) return undefined
  const { half } = how
  if (half === undefined) return content
  const numbers = new SshReader(content)
  const [r, s] = [numbers.positiveInteger(), numbers.positiveInteger()]
  if (!r || !s || r.length > half || s.length > half || numbers.left > 0) return undefined
  return Buffer.concat([Buffer.alloc(half - r.length), r, Buffer.alloc(half - s.length), s])
}
