import { createSecretKey, randomBytes } from 'node:crypto'
import { signData } from '../auth/keys/algorithm.ts'
import { contentDigestField } from '../auth/keys/content-digest.ts'
import { FieldValues, type HeaderFields } from '../auth/keys/http-message.ts'
import { draftSignature, signatureInput } from '../auth/keys/http-signature.ts'
import type { Instant } from '../time/instant.ts'

export const WEBHOOK_TAG = 'restline-webhook-v1'
const COVERED = ['@method', '@target-uri', 'content-type', 'content-digest', 'webhook-id']

/** A new secret of an endpoint: 256 random bits. */
export const newWebhookSecret = (): string => `rlwh_${randomBytes(32).toString('base64url')}`

export interface Delivery {
  /** The same in every try: a receiver that has seen it does nothing twice. */
  id: number
  endpointId: number
  url: URL
  body: Uint8Array
}

/**
 * The header fields of a delivery: RFC 9421 with hmac-sha256 over method, URL, type, digest (RFC 9530) and id, made at this try's
 * instant. While a secret is being changed there are two signatures, and a receiver is content with either.
 * @param secrets the present one first
 */
export function signedHeaders(delivery: Delivery, secrets: readonly string[], now: Instant): HeaderFields {
  const { id, endpointId, url, body } = delivery
  const headers: [string, string][] = [
    ['Content-Type', 'application/json'],
    ['Content-Digest', contentDigestField(body)],
    ['Webhook-Id', String(id)],
  ]
  const message = {
    kind: 'request' as const,
    method: 'POST',
    origin: url.origin,
    target: url.pathname + url.search,
    fields: new FieldValues(headers),
  }
  const input = signatureInput(COVERED, {
    created: now,
    keyId: String(endpointId),
    algorithm: 'hmac-sha256',
    tag: WEBHOOK_TAG,
  })
  const signed = secrets.map((secret, i) => {
    const draft = draftSignature(message, i === 0 ? 'sig' : `sig${i}`, input)
    if (!draft.ok) throw new TypeError(`the delivery can not be signed: ${draft.component}`)
    return draft.fields(signData('hmac-sha256', createSecretKey(Buffer.from(secret, 'utf8')), draft.base))
  })
  return [
    ...headers,
    ['Signature-Input', signed.map(([input]) => input[1]).join(', ')],
    ['Signature', signed.map(([, signature]) => signature[1]).join(', ')],
  ]
}
