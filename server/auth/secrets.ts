import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto'
import { AppError } from '../errors.ts'

const IV_BYTES = 12
const TAG_BYTES = 16

/**
 * What this installation's instances share: keys derived from AUTH_SECRET. Of several secrets the first one makes, and all of them
 * read, so that a secret is changed without a minute's pause.
 */
export class DeviceSecrets {
  /** For Fleet-Nonce, the current one first. */
  readonly nonceKeys: readonly KeyObject[]
  readonly #sealing: readonly KeyObject[]

  constructor(secrets: readonly string[]) {
    const derived = (purpose: string) =>
      secrets.map((secret) =>
        createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', `restline ${purpose}`, 32))),
      )
    this.nonceKeys = derived('fleet nonce')
    this.#sealing = derived('device sessions')
  }

  /** AES-256-GCM; `context` is not in the result and must be given again to open it. */
  seal(plain: Uint8Array, context: string): Buffer {
    const iv = randomBytes(IV_BYTES)
    const cipher = createCipheriv('aes-256-gcm', this.#sealing[0]!, iv)
    cipher.setAAD(Buffer.from(context, 'utf8'))
    return Buffer.concat([iv, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
  }

  /** @throws AppError misconfigured if none of the secrets has sealed it */
  open(sealed: Buffer, context: string): Buffer {
    for (const key of this.#sealing) {
      const plain = openedBy(key, sealed, context)
      if (plain) return plain
    }
    throw new AppError(
      'misconfigured',
      'A session was sealed under a secret that this instance does not have.',
    )
  }

  /**
   * The same under the current secret.
   * @returns null if it is under that already
   * @throws AppError misconfigured as open
   */
  sealedAnew(sealed: Buffer, context: string): Buffer | null {
    return openedBy(this.#sealing[0]!, sealed, context)
      ? null
      : this.seal(this.open(sealed, context), context)
  }
}

function openedBy(key: KeyObject, sealed: Buffer, context: string): Buffer | null {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, IV_BYTES))
  decipher.setAAD(Buffer.from(context, 'utf8'))
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES))
  try {
    return Buffer.concat([decipher.update(sealed.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()])
  } catch {
    // Sealed under another of them, or under none.
    return null
  }
}
