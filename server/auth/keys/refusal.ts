/** The codes that a device may get (device-signatures section 4), with the HTTP status of each. */
export const STATUS_OF = {
  body_too_large: 413,
  headers_too_large: 431,
  signature_missing: 401,
  malformed: 400,
  component_missing: 401,
  unauthorized: 401,
  clock_skew: 401,
  digest_mismatch: 401,
  rate_limited: 429,
  scope_denied: 403,
  replayed: 409,
} as const

export type RefusalCode = keyof typeof STATUS_OF

/** Why it was `unauthorized`: for the audit log only, the device is told nothing of it. */
export type HiddenReason =
  | 'unknown_key'
  | 'revoked'
  | 'expired'
  | 'pending_too_long'
  | 'wrong_algorithm'
  | 'bad_signature'
  | 'method_not_taken'
  | 'bad_token'
  | 'bad_certificate'

/** A request that is not accepted. */
export interface Refusal {
  ok: false
  code: RefusalCode
  status: number
  /** What the sender may read. */
  detail: string
  /** Only with `unauthorized`; belongs in the audit log and nowhere else. */
  hidden?: HiddenReason
}

/** A refusal with the status of its code. `detail` is shown to the sender. */
export function refuse(code: RefusalCode, detail: string): Refusal {
  return { ok: false, code, status: STATUS_OF[code], detail }
}

/** A refusal where an error must be thrown. */
export class RefusedRequest extends Error {
  constructor(readonly refusal: Refusal) {
    super(refusal.detail)
    this.name = 'RefusedRequest'
  }
}

/** The answer to a request that has been here before. */
export const REPLAYED = refuse(
  'replayed',
  'This request has been received before: sign it again with a new nonce.',
)

/** The one answer to everything that is wrong with a key or a signature; the reason stays with us. */
export function unauthorized(hidden: HiddenReason): Refusal {
  return { ...refuse('unauthorized', 'The signature is not one of an enrolled key.'), hidden }
}
