import { strictBase64 } from './base64.ts'
import {
  ALLOWED_TYPES,
  isAllowed,
  parseSshKeyBlob,
  refusal,
  type SshKeyFault,
  type SshKeyReading,
  type SshKeyRefusal,
} from './ssh-key.ts'

const MOST_BYTES = 16 * 1024
/** First words that name a kind of key, allowed or not; what else comes first is an option or not a key at all. */
const NAMES_A_TYPE = /^(?:ssh-|ecdsa-|sk-|rsa-sha2-|webauthn-|x509v3-|pgp-)/i
/** PEM and OpenSSH have five hyphens, the SSH2 form a blank and four. */
const PRIVATE = /PRIVATE KEY(?:-----| ----)|^PuTTY-User-Key-File-|^b3BlbnNzaC1rZXktdjEA/m

/**
 * Reads one line as in a `.pub` file: type, base64, comment (device-signatures section 1; the blob is RFC 4253 section 6.6,
 * RFC 5656 section 3.1 and RFC 8709 section 4). White space around it doesn't matter. Never throws; what is not a key that
 * may be enrolled comes back as a refusal with its reason.
 */
export function parseSshKeyLine(line: string): SshKeyReading {
  if (Buffer.byteLength(line) > MOST_BYTES) {
    return refusal('The line is longer than 16 KiB.', 'line_too_long', 'malformed')
  }
  const text = line.trim()
  const lines = text.split(/\r\n|\r|\n/)
  const several: SshKeyFault[] = lines.length > 1 ? ['more_than_one_key'] : []
  if (PRIVATE.test(text)) {
    const detail = 'This is a private key. Keep it on the device, and paste the line of the .pub file.'
    return refusal(detail, 'private_key', ...several, 'malformed')
  }
  if (text === '') return refusal('There is no key in it.', 'malformed')
  if (text.includes('\0')) return refusal('The line holds a NUL.', 'malformed', ...several)
  if (several.length > 0) {
    const detail = 'Paste one line with one key.'
    return NAMES_A_TYPE.test(text)
      ? refusal(detail, 'more_than_one_key', 'malformed')
      : refusal(detail, 'malformed', 'more_than_one_key')
  }
  const [type, base64, comment] = wordsOf(text)
  if (!isAllowed(type)) return refusalOfType(type, text)
  const blob = strictBase64(base64)
  if (!blob || blob.length === 0) {
    return refusal('What follows the type is not base64, or not all of it.', 'malformed')
  }
  const reading = parseSshKeyBlob(blob, type)
  return reading.ok ? { ok: true, key: { ...reading.key, comment } } : reading
}

/** The first two words and the rest. */
function wordsOf(text: string): [string, string, string] {
  const [, first = '', rest = ''] = /^(\S+)[ \t]*(.*)$/s.exec(text) ?? []
  const [, second = '', comment = ''] = /^(\S*)[ \t]*(.*)$/s.exec(rest) ?? []
  return [first, second, comment]
}

function refusalOfType(type: string, text: string): SshKeyRefusal {
  if (NAMES_A_TYPE.test(type)) return refusal(ALLOWED_TYPES, 'type_not_allowed')
  const afterOptions = wordsOf(withoutOptions(text))[0]
  if (NAMES_A_TYPE.test(afterOptions)) {
    const also: SshKeyFault[] = isAllowed(afterOptions) ? [] : ['type_not_allowed']
    return refusal('Paste the key without the options in front of it.', 'options_not_allowed', ...also)
  }
  return refusal('This is not a public key in OpenSSH format.', 'malformed', 'type_not_allowed')
}

/** What follows the options of an authorized_keys line: they end at the first blank outside quotes (sshd(8)). */
function withoutOptions(text: string): string {
  let quoted = false
  for (let at = 0; at < text.length; at++) {
    const character = text[at]
    if (character === '\\' && text[at + 1] === '"') at++
    else if (character === '"') quoted = !quoted
    else if (!quoted && (character === ' ' || character === '\t')) return text.slice(at).trimStart()
  }
  return ''
}
