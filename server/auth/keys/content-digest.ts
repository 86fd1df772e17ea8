import { createHash, timingSafeEqual } from 'node:crypto'
import { type Dictionary, parseDictionary } from './structured-field.ts'

/** The two digests of RFC 9530 that are safe (its section 5), and what node:crypto calls them. */
const DIGESTS = [
  ['sha-256', 'sha256'],
  ['sha-512', 'sha512'],
] as const

/** The content of a message as far as its digest goes: a server that streams hashes while it reads, others use contentOf. */
export interface Content {
  /** Bytes as sent, before any inflating. */
  byteLength: number
  /** The digest of those bytes. */
  digest(algorithm: 'sha256' | 'sha512'): Uint8Array
}

/** Content that is at hand as a whole. */
export function contentOf(bytes: Uint8Array): Content {
  return {
    byteLength: bytes.byteLength,
    digest: (algorithm) => createHash(algorithm).update(bytes).digest(),
  }
}

/** Reads a Content-Digest field (RFC 9530 section 2); undefined if it isn't a dictionary of byte sequences. */
export function parseContentDigest(field: string): Dictionary | undefined {
  const dictionary = parseDictionary(field)
  if (!dictionary) return undefined
  for (const member of dictionary.members.values()) {
    if (member.kind !== 'item' || member.value.kind !== 'bytes') return undefined
  }
  return dictionary
}

/**
 * Whether a Content-Digest fits the content: it must have sha-256 or sha-512, and all that it has of the two must be right.
 * Other algorithms are passed over (RFC 9530 section 2), and don't do by themselves.
 */
export function digestMatches(claimed: Dictionary, content: Content): boolean {
  let matched = false
  for (const [name, algorithm] of DIGESTS) {
    const member = claimed.members.get(name)
    if (member?.kind !== 'item' || member.value.kind !== 'bytes') continue
    const digest = content.digest(algorithm)
    const claim = member.value.value
    if (claim.length !== digest.length || !timingSafeEqual(claim, digest)) return false
    matched = true
  }
  return matched
}

/** A Content-Digest field for a body to be sent, with sha-256 (RFC 9530 section 2). */
export function contentDigestField(body: Uint8Array): string {
  return `sha-256=:${createHash('sha256').update(body).digest('base64')}:`
}
