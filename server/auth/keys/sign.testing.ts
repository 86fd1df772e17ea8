import type { KeyObject } from 'node:crypto'
import { type SignatureAlgorithm, signData } from './algorithm.ts'
import type { HttpMessage } from './http-message.ts'
import { draftSignature } from './http-signature.ts'
import type { InnerList } from './structured-field.ts'

/** Signs a message with a key at hand (RFC 9421 section 3.1): the two header fields to add. Faults as of signatureBase. */
export function signMessage(
  message: HttpMessage,
  label: string,
  input: InnerList,
  algorithm: SignatureAlgorithm,
  key: KeyObject,
) {
  const draft = draftSignature(message, label, input)
  if (!draft.ok) return draft
  return { ok: true as const, fields: draft.fields(signData(algorithm, key, draft.base)) }
}
