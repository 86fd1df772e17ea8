import { randomBytes } from 'node:crypto'
import type { SignatureAlgorithm } from './algorithm.ts'
import { contentDigestField } from './content-digest.ts'
import { FieldValues, type HeaderFields } from './http-message.ts'
import { draftSignature, signatureInput } from './http-signature.ts'
import { type SignerKind, TAG_OF } from './signed-request.ts'

/** A request that a device wants to send. */
export interface RequestToSign {
  method: string
  /** Path and query, as they will be sent. */
  target: string
  /** With Content-Type if there is a body; Content-Digest is added here. */
  headers: HeaderFields
  /** As it will be sent: compressed, if it is. */
  body: Uint8Array
}

export interface SignerIdentity {
  kind: SignerKind
  keyId: string
  algorithm: SignatureAlgorithm
}

/** A request up to its signature, which whoever holds the private key makes over `base`. */
export interface RequestDraft {
  base: Buffer
  /** All header fields to send, given the raw signature (r‖s where the algorithm is ECDSA). */
  headers(signature: Uint8Array): HeaderFields
}

/** 128 random bits, the nonce of one request. */
export function newNonce(): string {
  return randomBytes(16).toString('base64url')
}

/**
 * Prepares a request of a device or its session (device-signatures sections 3 and 6).
 * @param origin the server's public origin, such as `https://ingest.example.com`
 * @param now epoch milliseconds by the device's clock
 * @param nonce `newNonce()`, or `<Fleet-Nonce>.<newNonce()>` for a device whose clock is wrong
 * @throws TypeError if there is a body but no Content-Type, or a value that can not be signed: a fault of the caller
 */
export function draftRequest(
  request: RequestToSign,
  identity: SignerIdentity,
  origin: string,
  now: number,
  nonce: string,
): RequestDraft {
  const { method, target, body } = request
  const headers = [...request.headers]
  const components = ['@method', '@target-uri']
  if (body.byteLength > 0) {
    headers.push(['Content-Digest', contentDigestField(body)])
    components.push('content-type', 'content-digest')
    if (headers.some(([name]) => name.toLowerCase() === 'content-encoding'))
      components.push('content-encoding')
  }
  const { kind, keyId, algorithm } = identity
  const draft = draftSignature(
    { kind: 'request', method, origin, target, fields: new FieldValues(headers) },
    'sig',
    signatureInput(components, { created: now, nonce, keyId, algorithm, tag: TAG_OF[kind] }),
  )
  if (!draft.ok) throw new TypeError(`the request can not be signed: ${draft.component}`)
  return { base: draft.base, headers: (signature) => [...headers, ...draft.fields(signature)] }
}
