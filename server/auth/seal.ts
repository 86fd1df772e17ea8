import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { env } from '../env.ts'
import { AppError } from '../errors.ts'

const IV_BYTES = 12
const TAG_BYTES = 16

/** One key a purpose, so that what was sealed for one can't be passed off as another. */
const keyOf = (secret: string, purpose: string) =>
  Buffer.from(hkdfSync('sha256', secret, 'restline', purpose, 32))

/**
 * Seals a text under the product's key (AES-256-GCM), for what must be read again: a directory's bind password, a mail that waits.
 * @returns iv, tag and ciphertext in one
 */
export function seal(text: string, purpose: string): Buffer {
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv('aes-256-gcm', keyOf(env().AUTH_SECRET, purpose), iv)
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
  return Buffer.concat([iv, cipher.getAuthTag(), sealed])
}

/**
 * What `seal` sealed, under the product's key or the one before it (AUTH_SECRET_PREVIOUS), so that a new key needs no pause.
 * @throws AppError misconfigured when neither fits: the key was changed, or the bytes were
 */
export function unseal(sealed: Uint8Array, purpose: string): string {
  const { AUTH_SECRET, AUTH_SECRET_PREVIOUS } = env()
  const bytes = Buffer.from(sealed)
  for (const secret of [AUTH_SECRET, AUTH_SECRET_PREVIOUS]) {
    if (!secret) continue
    try {
      const decipher = createDecipheriv('aes-256-gcm', keyOf(secret, purpose), bytes.subarray(0, IV_BYTES))
      decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES))
      return Buffer.concat([
        decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)),
        decipher.final(),
      ]).toString('utf8')
    } catch {
      // The other key may fit.
    }
  }
  throw new AppError(
    'misconfigured',
    'A stored secret can’t be read with AUTH_SECRET: enter it again, or set AUTH_SECRET_PREVIOUS to the key before.',
  )
}
