import { type ClaimedDigests, type Content, parseContentDigest } from './content-digest.ts'
import { FieldValues, type HeaderFields, type HttpRequest } from './http-message.ts'
import { type MessageSignature, readSignatures, signatureBase } from './http-signature.ts'
import { readPlainRequest } from './plain-request.ts'
import { type Refusal, refuse } from './refusal.ts'

/** A request at a device door. */
export interface DeviceRequest {
  method: string
  /** The request target as it came: path and query. */
  target: string
  headers: HeaderFields
  content: Content
}

/** Who signs: a device with its own key, or a session with its secret (device-signatures sections 3 and 6). */
export type SignerKind = 'device' | 'session'

/** The tag of each kind's signatures. */
export const TAG_OF: Record<SignerKind, string> = { device: 'fleet-device-v1', session: 'fleet-session-v1' }

/** What a request says of itself, read and well-formed; nothing of it is proven yet. */
export interface SignedRequest {
  ok: true
  kind: SignerKind
  keyId: string
  /** The `alg` parameter, if it has one. */
  claimedAlgorithm: string | undefined
  /** Epoch milliseconds. */
  created: number
  /** Epoch milliseconds. */
  expires: number | undefined
  nonce: string
  /** The signature base: never for an answer (device-signatures section 4). */
  base: Buffer
  signature: Buffer
  /** The covered Content-Digest. */
  digest: ClaimedDigests | undefined
}

const MOST_BODY_BYTES = 1024 * 1024
const MOST_HEADER_BYTES = 8 * 1024
const LONGEST_LIFE_MS = 300_000
const NONCE = /^[A-Za-z0-9\-_.]{16,128}$/
const METHOD = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
/** The origin form only (RFC 9112 section 3.2.1): any other would not read as one URI behind the public origin. */
const TARGET = /^\/[\x21-\x7e]*$/

/**
 * Steps 1 and 2 of the order of checks (device-signatures section 4), as far as one request by itself can fail them: sizes,
 * the two fields, parameters, covered components. Never throws.
 * @param publicOrigin what the outside knows the server by, such as `https://ingest.example.com`
 */
export function readSignedRequest(request: DeviceRequest, publicOrigin: string): SignedRequest | Refusal {
  if (request.content.byteLength > MOST_BODY_BYTES) return refuse('body_too_large', 'The body is over 1 MiB.')
  if (headerBytes(request.headers) > MOST_HEADER_BYTES) {
    return refuse('headers_too_large', 'The header fields are over 8 KiB.')
  }
  return readPlainRequest(request, publicOrigin) ?? readAnyRequest(request, publicOrigin)
}

/** The same for a signature of any form that the profile allows. */
export function readAnyRequest(request: DeviceRequest, publicOrigin: string): SignedRequest | Refusal {
  const message: HttpRequest = {
    kind: 'request',
    method: request.method,
    origin: publicOrigin,
    target: request.target,
    fields: new FieldValues(request.headers),
  }
  const found = findSignature(message)
  if (!found.ok) return found
  if (!METHOD.test(request.method) || !TARGET.test(request.target)) {
    return refuse('malformed', 'The request line is not one that can be signed.')
  }
  const parameters = readParameters(found.one)
  if (!parameters.ok) return parameters
  const covered = coveredNames(found.one)
  if (!covered) {
    return refuse(
      'malformed',
      'A covered component comes twice, or has a parameter that this profile refuses.',
    )
  }
  const missing = requiredNames(message, request.content).find((name) => !covered.has(name))
  if (missing) return refuse('component_missing', `The signature does not cover ${missing}.`)
  const built = signatureBase(found.one.input, message)
  if (!built.ok) {
    return built.fault === 'malformed'
      ? refuse('malformed', `The component ${built.component} can not be covered so.`)
      : refuse('component_missing', `The request has no ${built.component}.`)
  }
  // Also without a body: taking away a signed body must not take away its digest's check.
  const digestField = covered.has('content-digest') ? message.fields.combined('content-digest') : undefined
  const digest = digestField === undefined ? undefined : parseContentDigest(digestField)
  if (digestField !== undefined && !digest) return refuse('malformed', 'Content-Digest can not be read.')
  return {
    ...parameters,
    kind: found.kind,
    base: Buffer.from(built.base, 'latin1'),
    signature: found.signature,
    digest,
  }
}

/** Names, values, colon, blank and line end of each field. */
function headerBytes(headers: HeaderFields): number {
  let bytes = 0
  for (const [name, value] of headers) bytes += name.length + value.length + 4
  return bytes
}

const MISSING = refuse('signature_missing', `Sign the request with the tag ${TAG_OF.device}.`)

type Found = { ok: true; kind: SignerKind; one: MessageSignature; signature: Buffer } | Refusal

/** The one signature with a tag of ours; those of others are passed over (device-signatures section 3). */
function findSignature(message: HttpRequest): Found {
  const read = readSignatures(message)
  if (!read.ok) {
    return read.fault === 'missing'
      ? MISSING
      : refuse('malformed', 'Signature-Input or Signature can not be read.')
  }
  let found: Found | undefined
  for (const one of read.signatures) {
    const tag = one.input.parameters.get('tag')
    const kind = tag?.kind !== 'string' ? undefined : kindOf(tag.value)
    if (!kind) continue
    // Two of a kind are two accounts of one request; one of each kind would be claimed by two authenticators (section 8).
    if (found) return refuse('malformed', 'The request has two signatures with a tag of this profile.')
    found = one.signature ? { ok: true, kind, one, signature: one.signature } : MISSING
  }
  return found ?? MISSING
}

const kindOf = (tag: string): SignerKind | undefined =>
  tag === TAG_OF.device ? 'device' : tag === TAG_OF.session ? 'session' : undefined

type ReadParameters =
  | Pick<SignedRequest, 'ok' | 'keyId' | 'claimedAlgorithm' | 'created' | 'expires' | 'nonce'>
  | Refusal

function illFormed(name: string): Refusal {
  return refuse('malformed', `The parameter ${name} is missing or ill-formed.`)
}

function readParameters({ input: { parameters } }: MessageSignature): ReadParameters {
  const created = parameters.get('created')
  if (created?.kind !== 'integer' || created.value < 0) return illFormed('created')
  const nonce = parameters.get('nonce')
  if (nonce?.kind !== 'string' || !NONCE.test(nonce.value)) return illFormed('nonce')
  const keyId = parameters.get('keyid')
  if (keyId?.kind !== 'string') return illFormed('keyid')
  const algorithm = parameters.get('alg')
  if (algorithm && algorithm.kind !== 'string') return illFormed('alg')
  const expires = parameters.get('expires')
  if (expires) {
    const longest = created.value + LONGEST_LIFE_MS / 1000
    if (expires.kind !== 'integer' || expires.value < 0 || expires.value > longest)
      return illFormed('expires')
  }
  return {
    ok: true,
    keyId: keyId.value,
    claimedAlgorithm: algorithm?.kind === 'string' ? algorithm.value : undefined,
    created: created.value * 1000,
    expires: expires?.kind === 'integer' ? expires.value * 1000 : undefined,
    nonce: nonce.value,
  }
}

/**
 * The names of the covered components; undefined if one comes twice or has a parameter. Only @query-param has use for one here, and may
 * come once for each name (signatureBase looks).
 */
function coveredNames({ input }: MessageSignature): Set<string> | undefined {
  const names = new Set<string>()
  for (const { value, parameters } of input.items) {
    if (value.kind !== 'string') return undefined
    if (value.value !== '@query-param' && (parameters.size > 0 || names.has(value.value))) return undefined
    names.add(value.value)
  }
  return names
}

function requiredNames({ fields }: HttpRequest, content: Content): string[] {
  const names = ['@method', '@target-uri']
  if (content.byteLength > 0) {
    names.push('content-type', 'content-digest')
    if (fields.combined('content-encoding') !== undefined) names.push('content-encoding')
  }
  return names
}
