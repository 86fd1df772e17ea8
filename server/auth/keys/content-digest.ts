import crypto, { createHash } from 'node:crypto'
import { parseDictionary } from './structured-field.ts'

type DigestAlgorithm = 'sha256' | 'sha512'

/** The two digests of RFC 9530 that are safe (its section 5), and what node:crypto calls them. */
const DIGESTS = new Map<string, DigestAlgorithm>([
  ['sha-256', 'sha256'],
  ['sha-512', 'sha512'],
])

/** What a Content-Digest says, as far as it can be checked. */
export type ClaimedDigests = readonly { algorithm: DigestAlgorithm; base64: string }[]

/** The content of a message as far as its digest goes: a server that streams hashes while it reads, others use contentOf. */
export interface Content {
  /** Bytes as sent, before any inflating. */
  byteLength: number
  /** The digest of those bytes, in base64. */
  digest(algorithm: DigestAlgorithm): string
}

/** Content that is at hand as a whole. */
export function contentOf(bytes: Uint8Array): Content {
  return new Whole(bytes)
}

class Whole implements Content {
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get byteLength(): number {
    return this.#bytes.byteLength
  }

  digest(algorithm: DigestAlgorithm): string {
    // In one step from Node 20.12 on, which takes two thirds of the time.
    return typeof crypto.hash === 'function'
      ? crypto.hash(algorithm, this.#bytes, 'base64')
      : createHash(algorithm).update(this.#bytes).digest('base64')
  }
}

/**
 * Reads a Content-Digest field (RFC 9530 section 2); undefined if it isn't a dictionary of byte sequences. Other algorithms are passed
 * over.
 */
export function parseContentDigest(field: string): ClaimedDigests | undefined {
  const dictionary = parseDictionary(field)
  if (!dictionary) return undefined
  const claimed: { algorithm: DigestAlgorithm; base64: string }[] = []
  for (const [name, member] of dictionary.members) {
    if (member.kind !== 'item' || member.value.kind !== 'bytes') return undefined
    const algorithm = DIGESTS.get(name)
    if (algorithm) claimed.push({ algorithm, base64: member.value.value.toString('base64') })
  }
  return claimed
}

/**
 * Whether a Content-Digest fits the content: it must have sha-256 or sha-512, and all that it has of the two must be right. Nothing in it
 * is secret, so texts are compared.
 */
export function digestMatches(claimed: ClaimedDigests, content: Content): boolean {
  for (const { algorithm, base64 } of claimed) if (content.digest(algorithm) !== base64) return false
  return claimed.length > 0
}

/** A Content-Digest field for a body to be sent, with sha-256 (RFC 9530 section 2). */
export function contentDigestField(body: Uint8Array): string {
  return `sha-256=:${contentOf(body).digest('sha256')}:`
}
