import { createHash, randomBytes } from 'node:crypto'

const BYTES = 32

/** The secret part of a link in a mail: shown there once, stored as its hash. */
export function newSecret(): { secret: string; hash: Buffer } {
  const secret = randomBytes(BYTES).toString('base64url')
  return { secret, hash: hashOf(secret) }
}

export const hashOf = (secret: string): Buffer => createHash('sha256').update(secret).digest()
