import { createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { SshReader } from '../auth/keys/ssh-wire.ts'

const ARMOUR =
  /^-----BEGIN OPENSSH PRIVATE KEY-----\s+([A-Za-z0-9+/=\s]+?)\s*-----END OPENSSH PRIVATE KEY-----\s*$/
const MAGIC = 'openssh-key-v1\0'

const url = (bytes: Buffer) => bytes.toString('base64url')

/**
 * A private key as `ssh-keygen` or `openssl` writes it, without a passphrase (PROTOCOL.key of OpenSSH; PKCS #8).
 * @throws Error in words for whoever gave the file
 */
export function readPrivateKey(text: string): KeyObject {
  const base64 = ARMOUR.exec(text.trim())?.[1]
  if (base64 === undefined) return createPrivateKey(text)
  const bytes = Buffer.from(base64.replace(/\s/g, ''), 'base64')
  if (bytes.subarray(0, MAGIC.length).toString('latin1') !== MAGIC) throw damaged()
  const reader = new SshReader(bytes.subarray(MAGIC.length))
  const cipher = reader.string()?.toString('latin1')
  if (cipher !== 'none')
    throw new Error('the key has a passphrase: add it to an ssh-agent and give its .pub file instead')
  reader.string() // kdf
  reader.string() // its options
  if (reader.uint32() !== 1) throw damaged()
  reader.string() // the public half again
  const inner = reader.string()
  if (!inner) throw damaged()
  const secret = new SshReader(inner)
  const [check, again] = [secret.uint32(), secret.uint32()]
  if (check === undefined || check !== again) throw damaged()
  return createPrivateKey({ key: jwkOf(secret), format: 'jwk' })
}

const damaged = () => new Error('the key file is damaged')

function jwkOf(secret: SshReader): JsonWebKey {
  const type = secret.string()?.toString('latin1')
  switch (type) {
    case 'ssh-ed25519': {
      const [point, both] = [secret.string(), secret.string()]
      if (point?.length !== 32 || both?.length !== 64) throw damaged()
      return { kty: 'OKP', crv: 'Ed25519', x: url(point), d: url(both.subarray(0, 32)) }
    }
    case 'ecdsa-sha2-nistp256':
    case 'ecdsa-sha2-nistp384': {
      const half = type.endsWith('256') ? 32 : 48
      secret.string() // the curve again
      const [point, d] = [secret.string(), secret.positiveInteger()]
      if (point?.length !== 1 + 2 * half || !d || d.length > half) throw damaged()
      const padded = Buffer.concat([Buffer.alloc(half - d.length), d])
      const [x, y] = [point.subarray(1, 1 + half), point.subarray(1 + half)]
      return { kty: 'EC', crv: half === 32 ? 'P-256' : 'P-384', x: url(x), y: url(y), d: url(padded) }
    }
    case 'ssh-rsa': {
      const [n, e, d, qi, p, q] = Array.from({ length: 6 }, () => secret.positiveInteger())
      if (!n || !e || !d || !qi || !p || !q) throw damaged()
      const exponent = (prime: Buffer) => {
        const number = BigInt(`0x${d.toString('hex')}`) % (BigInt(`0x${prime.toString('hex')}`) - 1n)
        const hex = number.toString(16)
        return url(Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex'))
      }
      return {
        kty: 'RSA',
        n: url(n),
        e: url(e),
        d: url(d),
        p: url(p),
        q: url(q),
        dp: exponent(p),
        dq: exponent(q),
        qi: url(qi),
      }
    }
    default:
      throw new Error(`a key of type ${type} can not sign for a device`)
  }
}

export const publicHalf = (key: KeyObject) => createPublicKey(key)
