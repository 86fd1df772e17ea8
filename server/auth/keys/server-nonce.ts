import { createHmac, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto'
import { strictBase64Url } from './base64.ts'

/** 8 bytes of time, 8 random, 16 of HMAC: 43 characters of base64url (device-signatures section 5). */
const BYTES = { time: 8, random: 8, tag: 16 }
const SIGNED_BYTES = BYTES.time + BYTES.random
const CHARACTERS = 43
/** Keeps the tag apart from whatever else the instances may sign with the same key. */
const CONTEXT = 'fleet-nonce\0'

const tagOf = (key: KeyObject, signed: Uint8Array) =>
  createHmac('sha256', key).update(CONTEXT).update(signed).digest().subarray(0, BYTES.tag)

/**
 * A nonce of the server for the header Fleet-Nonce, by which a device whose clock is wrong proves that its request is fresh.
 * @param now epoch milliseconds
 * @param key the secret that all instances share
 */
export function issueServerNonce(now: number, key: KeyObject): string {
  const signed = Buffer.alloc(SIGNED_BYTES)
  signed.writeBigUInt64BE(BigInt(Math.floor(now)))
  randomBytes(BYTES.random).copy(signed, BYTES.time)
  return Buffer.concat([signed, tagOf(key, signed)]).toString('base64url')
}

/**
 * When the server issued the nonce that a request's nonce begins with (`<server nonce>.<own random>`), in epoch milliseconds;
 * undefined if it begins with none of ours. Age is for the caller to judge.
 * @param keys the shared secrets that count; keep a replaced one for ten minutes, or what it issued is judged by `created`
 */
export function serverNonceTime(nonce: string, keys: readonly KeyObject[]): number | undefined {
  if (nonce.length <= CHARACTERS + 1 || nonce[CHARACTERS] !== '.') return undefined
  const bytes = strictBase64Url(nonce.slice(0, CHARACTERS))
  if (!bytes) return undefined
  const signed = bytes.subarray(0, SIGNED_BYTES)
  const tag = bytes.subarray(SIGNED_BYTES)
  return keys.some((key) => timingSafeEqual(tagOf(key, signed), tag))
    ? Number(signed.readBigUInt64BE())
    : undefined
}
