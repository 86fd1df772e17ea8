/**
 * Bytes of a base64 text (RFC 4648 section 4) in its one proper form, padded and with zero pad bits; undefined for anything
 * else. Buffer.from alone skips what it does not know, so that many texts would mean the same key or signature.
 */
export function strictBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : undefined
}

/** Like strictBase64 for the URL alphabet without padding (RFC 4648 section 5). */
export function strictBase64Url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : undefined
}
