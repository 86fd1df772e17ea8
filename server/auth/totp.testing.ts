import { createHmac } from 'node:crypto'
import type { Instant } from '../time/instant.ts'

const STEP_MS = 30_000
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** What an authenticator app shows (RFC 6238, with RFC 4226's truncation), written apart from the library that the server uses. */
export function totp(secret: Uint8Array, at: Instant, digits = 6): string {
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(Math.floor(at / STEP_MS)))
  const mac = createHmac('sha1', secret).update(counter).digest()
  const offset = mac[19]! & 15
  return String((mac.readUInt32BE(offset) & 0x7fffffff) % 10 ** digits).padStart(digits, '0')
}

/** The secret as the app scans or is told it: base32 (RFC 4648) without padding. */
export function secretOf(text: string): Buffer {
  const base32 = text.startsWith('otpauth:') ? new URL(text).searchParams.get('secret')! : text
  const bits = [...base32].map((letter) => BASE32.indexOf(letter).toString(2).padStart(5, '0')).join('')
  return Buffer.from(bits.match(/.{8}/g)!.map((byte) => Number.parseInt(byte, 2)))
}

/** The code after the current one: still good when a step ends between the two ends of a test. */
export const nextCode = (secret: Uint8Array) => totp(secret, Date.now() + STEP_MS)
