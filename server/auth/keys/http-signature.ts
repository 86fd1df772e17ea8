import type { SignatureAlgorithm, VerifyingKey } from './algorithm.ts'
import { componentValue, type HttpMessage } from './http-message.ts'
import {
  type BareItem,
  type InnerList,
  type Item,
  parseDictionary,
  serializeBareItem,
  serializeMember,
  serializeParameters,
} from './structured-field.ts'

/** One signature of a message as its two fields give it; `signature` is undefined if Signature has none under the label. */
export interface MessageSignature {
  label: string
  input: InnerList
  signature: Buffer | undefined
}

export type SignaturesRead =
  | { ok: true; signatures: MessageSignature[] }
  | { ok: false; fault: 'missing' | 'malformed' }

/**
 * Reads the signatures that a message says to have (RFC 9421 sections 4.1 and 4.2). `missing` if it lacks one of the two
 * fields, `malformed` if either is no dictionary of the right kind or names a label twice.
 */
export function readSignatures(message: HttpMessage): SignaturesRead {
  const inputField = message.fields.combined('signature-input')
  const signatureField = message.fields.combined('signature')
  if (inputField === undefined || signatureField === undefined) return { ok: false, fault: 'missing' }
  const inputs = parseDictionary(inputField)
  const values = parseDictionary(signatureField)
  if (!inputs || !values || inputs.repeated || values.repeated) return { ok: false, fault: 'malformed' }
  const signatures: MessageSignature[] = []
  for (const [label, input] of inputs.members) {
    if (input.kind !== 'list') return { ok: false, fault: 'malformed' }
    const member = values.members.get(label)
    if (member && (member.kind !== 'item' || member.value.kind !== 'bytes'))
      return { ok: false, fault: 'malformed' }
    const signature =
      member?.kind === 'item' && member.value.kind === 'bytes' ? member.value.value : undefined
    signatures.push({ label, input, signature })
  }
  return { ok: true, signatures }
}

export type SignatureBase =
  | { ok: true; base: string }
  | { ok: false; fault: 'component_absent' | 'malformed'; component: string }

/**
 * The signature base: what is signed (RFC 9421 section 2.5), one line a component and @signature-params last, in its
 * canonical form whatever blanks the field had. A component that comes twice, or has no value in the message, is a fault.
 */
export function signatureBase(input: InnerList, message: HttpMessage): SignatureBase {
  const seen = new Set<string>()
  let base = ''
  for (const component of input.items) {
    const identifier = serializeMember(component)
    // The order of parameters stays as it is, but makes no other component of it (RFC 9421 section 2).
    const identity = component.parameters.size > 1 ? inOneOrder(component) : identifier
    const found = componentValue(component, message)
    if (seen.has(identity) || (!found.ok && found.fault === 'malformed')) {
      return { ok: false, fault: 'malformed', component: identifier }
    }
    if (!found.ok) return { ok: false, fault: 'component_absent', component: identifier }
    seen.add(identity)
    base += `${identifier}: ${found.value}\n`
  }
  return { ok: true, base: `${base}"@signature-params": ${serializeMember(input)}` }
}

const inOneOrder = ({ value, parameters }: Item) =>
  serializeBareItem(value) + serializeParameters(new Map([...parameters].sort()))

/** The kind that each parameter of a signature must be of (RFC 9421 section 2.3); others may be of any. */
const KIND_OF_PARAMETER = new Map<string, BareItem['kind']>([
  ['created', 'integer'],
  ['expires', 'integer'],
  ['nonce', 'string'],
  ['alg', 'string'],
  ['keyid', 'string'],
  ['tag', 'string'],
])

export type SignatureCheck =
  | { ok: true; base: string }
  | {
      ok: false
      fault: 'missing' | 'malformed' | 'component_absent' | 'wrong_algorithm' | 'bad_signature'
      /** The signature base if it came to that: for development, never for an answer. */
      base?: string
    }

/**
 * Verifies one signature of a message with a prepared key, and that an algorithm which it names is the key's (RFC 9421 section 3.2);
 * nothing more. What must be covered, by whom and how fresh is the business of a profile.
 */
export function verifySignature(message: HttpMessage, label: string, key: VerifyingKey): SignatureCheck {
  const read = readSignatures(message)
  if (!read.ok) return read
  const found = read.signatures.find((one) => one.label === label)
  if (!found?.signature) return { ok: false, fault: 'missing' }
  const built = signatureBase(found.input, message)
  if (!built.ok) return built
  const { base } = built
  const { parameters } = found.input
  for (const [name, { kind }] of parameters) {
    if (kind !== (KIND_OF_PARAMETER.get(name) ?? kind)) return { ok: false, fault: 'malformed', base }
  }
  const claimed = parameters.get('alg')
  if (claimed && claimed.value !== key.algorithm) {
    return { ok: false, fault: 'wrong_algorithm', base }
  }
  return key.verify(Buffer.from(base, 'latin1'), found.signature)
    ? { ok: true, base }
    : { ok: false, fault: 'bad_signature', base }
}

/** The parameters of a new signature (RFC 9421 section 2.3), written in the order of this list. */
export interface NewParameters {
  /** Epoch milliseconds; signed in whole seconds. */
  created?: number
  /** Epoch milliseconds; signed in whole seconds. */
  expires?: number
  nonce?: string
  keyId?: string
  algorithm?: SignatureAlgorithm
  tag?: string
}

/** The covered components and parameters of a new signature. `components` are plain names such as `@method` or `content-type`. */
export function signatureInput(components: readonly string[], parameters: NewParameters): InnerList {
  const text = (value: string): BareItem => ({ kind: 'string', value })
  const seconds = (instant: number): BareItem => ({ kind: 'integer', value: Math.floor(instant / 1000) })
  const { created, expires, nonce, keyId, algorithm, tag } = parameters
  const entries: [string, BareItem | undefined][] = [
    ['created', created === undefined ? undefined : seconds(created)],
    ['expires', expires === undefined ? undefined : seconds(expires)],
    ['nonce', nonce === undefined ? undefined : text(nonce)],
    ['keyid', keyId === undefined ? undefined : text(keyId)],
    ['alg', algorithm === undefined ? undefined : text(algorithm)],
    ['tag', tag === undefined ? undefined : text(tag)],
  ]
  return {
    kind: 'list',
    items: components.map((name): Item => ({ kind: 'item', value: text(name), parameters: new Map() })),
    parameters: new Map(entries.filter((entry): entry is [string, BareItem] => entry[1] !== undefined)),
  }
}

/** A signature to be made: `base` goes to whoever holds the private key, an ssh-agent perhaps, and `fields` takes the answer. */
export interface SignatureDraft {
  ok: true
  base: Buffer
  /** The two header fields for the raw signature (r‖s where the algorithm is ECDSA). */
  fields(signature: Uint8Array): [['Signature-Input', string], ['Signature', string]]
}

/** Prepares a signature over a message (RFC 9421 section 3.1). Faults as of signatureBase. */
export function draftSignature(
  message: HttpMessage,
  label: string,
  input: InnerList,
): SignatureDraft | Extract<SignatureBase, { ok: false }> {
  const built = signatureBase(input, message)
  if (!built.ok) return built
  return {
    ok: true,
    base: Buffer.from(built.base, 'latin1'),
    fields: (signature) => [
      ['Signature-Input', `${label}=${serializeMember(input)}`],
      ['Signature', `${label}=${serializeBareItem({ kind: 'bytes', value: Buffer.from(signature) })}`],
    ],
  }
}
