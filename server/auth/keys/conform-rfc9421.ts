import { createPrivateKey, createPublicKey, createSecretKey, type KeyObject } from 'node:crypto'
import { z } from 'zod'
import { type SignatureAlgorithm, signData, VerifyingKey } from './algorithm.ts'
import { Algorithm, differing, Headers, reading, type Verdict } from './conform-case.ts'
import { FieldValues, type HeaderFields, type HttpMessage, type HttpRequest } from './http-message.ts'
import { readSignatures, signatureBase, verifySignature } from './http-signature.ts'

const Request = z.object({
  kind: z.literal('request'),
  method: z.string(),
  url: z.string().regex(/^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?#]+/, 'is not an absolute URL'),
  headers: Headers,
})
const Response = z.object({
  kind: z.literal('response'),
  status: z.number().int(),
  headers: Headers,
  request: Request.optional(),
})
const Vectors = z.object({
  keys: z.record(
    z.string(),
    z.object({
      algorithm: Algorithm,
      publicPem: z.string().optional(),
      privatePem: z.string().optional(),
      privateJwk: z.record(z.string(), z.string()).optional(),
      secretBase64: z.base64().optional(),
    }),
  ),
  cases: z.array(
    z.object({
      id: z.string(),
      keyId: z.string(),
      algorithm: Algorithm,
      label: z.string(),
      message: z.discriminatedUnion('kind', [Request, Response]),
      signatureInput: z.string(),
      signature: z.string(),
      deterministic: z.boolean().optional(),
      expect: z.enum(['valid', 'invalid']),
      signatureBase: z.string().optional(),
    }),
  ),
})
type Vector = z.infer<typeof Vectors>['cases'][number]

interface VectorKey {
  verifying: VerifyingKey
  algorithm: SignatureAlgorithm
  signing: KeyObject | undefined
}

/**
 * Cases in the form of rfc9421-vectors.json: the signature base to the letter, then whether the signature is valid, and, where the
 * file has the private key, that signing it anew gives the same bytes (or, for the others, one that verifies).
 * @throws z.ZodError or Error naming the field
 */
export function checkVectors(content: unknown): Verdict[] {
  const { keys, cases } = Vectors.parse(content)
  const prepared = new Map<string, VectorKey>()
  for (const [name, key] of Object.entries(keys)) {
    const { algorithm, publicPem, privatePem, privateJwk, secretBase64 } = key
    const secret =
      secretBase64 === undefined ? undefined : createSecretKey(Buffer.from(secretBase64, 'base64'))
    const privateKey = reading(`keys.${name}`, () => {
      if (privatePem !== undefined) return createPrivateKey(privatePem)
      return privateJwk ? createPrivateKey({ key: privateJwk, format: 'jwk' }) : undefined
    })
    const verifying = reading(`keys.${name}`, () => {
      if (secret) return new VerifyingKey(algorithm, secret)
      const source = publicPem ?? privateKey
      if (source === undefined) throw new Error('has neither publicPem nor secretBase64')
      return new VerifyingKey(algorithm, createPublicKey(source))
    })
    prepared.set(name, { verifying, algorithm, signing: secret ?? privateKey })
  }
  return cases.map((one, index) => {
    const key = prepared.get(one.keyId)
    if (!key) throw new Error(`cases.${index}.keyId: there is no key ${one.keyId}`)
    return { id: one.id, faults: faultsOfVector(one, key) }
  })
}

function faultsOfVector(one: Vector, key: VectorKey): string[] {
  const message = messageOf(one)
  const check = verifySignature(message, one.label, key.verifying)
  const read = readSignatures(message)
  const found = read.ok ? read.signatures.find(({ label }) => label === one.label) : undefined
  const input = found?.input
  const built = input && signatureBase(input, message)
  const faults: string[] = []
  if (one.signatureBase !== undefined) {
    const came = built?.ok ? built.base : `none: ${built?.fault ?? 'no such signature'}`
    faults.push(...differing('signature base', one.signatureBase, came))
  }
  // Who says the algorithm of a signature and who has the key must agree (RFC 9421 section 3.2).
  const fault = check.ok ? (one.algorithm === key.algorithm ? undefined : 'wrong_algorithm') : check.fault
  const came = fault === undefined ? 'valid' : 'invalid'
  if (came !== one.expect) {
    faults.push(`expected ${one.expect}, came ${came}${fault === undefined ? '' : ` (${fault})`}`)
  }
  if (one.expect === 'valid' && key.signing && built?.ok) {
    // Without the message around it, which may have other signatures, covered by this one.
    const data = Buffer.from(built.base, 'latin1')
    const again = signData(key.algorithm, key.signing, data)
    if (one.deterministic) {
      const [expected, came] = [found?.signature, again].map((bytes) => bytes?.toString('base64'))
      faults.push(...differing('signed again', expected, came))
    } else if (!key.verifying.verify(data, again)) {
      faults.push('what is signed again does not verify')
    }
  }
  return faults
}

function messageOf({ message, signatureInput, signature }: Vector): HttpMessage {
  const headers: HeaderFields = [
    ...message.headers,
    ['Signature-Input', signatureInput],
    ['Signature', signature],
  ]
  if (message.kind === 'request') return requestOf(message, headers)
  const request = message.request && requestOf(message.request, message.request.headers)
  return { kind: 'response', status: message.status, fields: new FieldValues(headers), request }
}

function requestOf({ method, url }: z.infer<typeof Request>, headers: HeaderFields): HttpRequest {
  const origin = /^[^:]+:\/\/[^/?#]+/.exec(url)![0]
  const target = url.slice(origin.length).replace(/#.*$/s, '')
  return {
    kind: 'request',
    method,
    origin,
    target: target.startsWith('/') ? target : `/${target}`,
    fields: new FieldValues(headers),
  }
}
