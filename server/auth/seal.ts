import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { env } from '../env.ts'
import { AppError } from '../errors.ts'

const IV_BYTES = 12
const TAG_BYTES = 16

/** What is sealed for what: never renamed, since what is stored opens by it. */
export const MAIL_PURPOSE = 'mail'
export const PROVIDER_PURPOSE = 'sign-in provider'

/** One key a purpose, so that what was sealed for one can't be passed off as another. */
const keyOf = (secret: string, purpose: string) =>
  Buffer.from(hkdfSync('sha256', secret, 'restline', purpose, 32))

/** The product's secrets, the current one first. */
export const secretsOfProduct = (): string[] =>
  [env().AUTH_SECRET, env().AUTH_SECRET_PREVIOUS].filter((secret) => secret !== undefined)

/**
 * Seals a text under the product's key (AES-256-GCM), for what must be read again: a directory's bind password, a mail that waits.
 * @returns iv, tag and ciphertext in one
 */
export function seal(text: string, purpose: string, [secret] = secretsOfProduct()): Buffer {
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv('aes-256-gcm', keyOf(secret!, purpose), iv)
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
  return Buffer.concat([iv, cipher.getAuthTag(), sealed])
}

/**
 * What `seal` sealed, under the product's key or the one before it (AUTH_SECRET_PREVIOUS), so that a new key needs no pause.
 * @throws AppError misconfigured when neither fits: the key was changed, or the bytes were
 */
export function unseal(sealed: Uint8Array, purpose: string, secrets = secretsOfProduct()): string {
  for (const secret of secrets) {
    const text = openedBy(secret, Buffer.from(sealed), purpose)
    if (text !== null) return text
  }
  throw new AppError(
    'misconfigured',
    'A stored secret can’t be read with AUTH_SECRET: enter it again, or set AUTH_SECRET_PREVIOUS to the key before.',
  )
}

/**
 * The same under the current secret.
 * @returns null if it is under that already
 * @throws AppError misconfigured as unseal
 */
export function sealedAnew(sealed: Buffer, purpose: string, secrets: readonly string[]): Buffer | null {
  const [current, ...former] = secrets
  if (openedBy(current!, sealed, purpose) !== null) return null
  return seal(unseal(sealed, purpose, former), purpose, [current!])
}

function openedBy(secret: string, bytes: Buffer, purpose: string): string | null {
  try {
    const decipher = createDecipheriv('aes-256-gcm', keyOf(secret, purpose), bytes.subarray(0, IV_BYTES))
    decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES))
    return Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]).toString(
      'utf8',
    )
  } catch {
    // Sealed by another of them, or not by us.
    return null
  }
}
