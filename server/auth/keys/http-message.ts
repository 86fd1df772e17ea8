import {
  type Item,
  parseDictionary,
  parseItem,
  parseList,
  serializeDictionary,
  serializeList,
  serializeMember,
} from './structured-field.ts'

/** Header fields as they came, in their order, repeats included. */
export type HeaderFields = readonly (readonly [name: string, value: string])[]

/** A request as a signature sees it. */
export interface HttpRequest {
  kind: 'request'
  method: string
  /** Scheme and authority that the outside knows the server by, without a slash at the end: from configuration, never Host. */
  origin: string
  /** The request target as it came: path and query, not normalised. */
  target: string
  fields: FieldValues
}

/** A response as a signature sees it; `request` is what it answers, for components with `;req`. */
export interface HttpResponse {
  kind: 'response'
  status: number
  fields: FieldValues
  request?: HttpRequest
}

export type HttpMessage = HttpRequest | HttpResponse

/** Header fields by name, whatever the case it came in. */
export class FieldValues {
  readonly #values = new Map<string, string[]>()

  constructor(headers: HeaderFields) {
    for (const [name, value] of headers) {
      const key = name.toLowerCase()
      const values = this.#values.get(key)
      if (values) values.push(value)
      else this.#values.set(key, [value])
    }
  }

  /** Every value of a field in the order of the message; undefined if the message doesn't have the field. */
  all(name: string): readonly string[] | undefined {
    return this.#values.get(name)
  }

  /** The values of a field as one, trimmed and joined with comma and blank (RFC 9421 section 2.1); undefined without any. */
  combined(name: string): string | undefined {
    const values = this.#values.get(name)
    if (!values) return undefined
    return values.length === 1 ? trimmed(values[0]!) : values.map(trimmed).join(', ')
  }
}

/**
 * Without blanks and tabs around it, and with a folded line made one (RFC 9421 section 2.1). By hand, because String.trim
 * would also take what is not white space in HTTP, and a pattern would go over long runs of blanks again and again.
 */
function trimmed(value: string): string {
  if (value.includes('\r\n')) {
    const lines = value.split('\r\n')
    // A line that doesn't begin with a blank is not a folded one; it stays, and is refused for its line break.
    if (lines.slice(1).every((line) => isBlank(line[0]))) return lines.map(trimmed).join(' ')
  }
  let [start, end] = [0, value.length]
  while (start < end && isBlank(value[start])) start++
  while (end > start && isBlank(value[end - 1])) end--
  return start === 0 && end === value.length ? value : value.slice(start, end)
}

const isBlank = (character: string | undefined) => character === ' ' || character === '\t'

/** Fields that `;sf` may be asked of: a structured field can only be written anew by those who know its kind (RFC 9421 section 2.1.1). */
const STRUCTURED = new Map<string, 'dictionary' | 'list' | 'item'>([
  ['accept-signature', 'dictionary'],
  ['cache-status', 'list'],
  ['client-cert', 'item'],
  ['client-cert-chain', 'list'],
  ['content-digest', 'dictionary'],
  // The field of RFC 9421's own examples (sections 2.1.1 and 2.1.2): nobody sends it, and its vectors can be run.
  ['example-dict', 'dictionary'],
  ['priority', 'dictionary'],
  ['proxy-status', 'list'],
  ['repr-digest', 'dictionary'],
  ['signature', 'dictionary'],
  ['signature-input', 'dictionary'],
  ['want-content-digest', 'dictionary'],
  ['want-repr-digest', 'dictionary'],
])

/** Why a component has no value: the message lacks it, or nobody could have asked for it so. */
export type ComponentFault = 'absent' | 'malformed'
export type ComponentValue = { ok: true; value: string } | { ok: false; fault: ComponentFault }

const value = (text: string): ComponentValue => ({ ok: true, value: text })
const ABSENT: ComponentValue = { ok: false, fault: 'absent' }
const MALFORMED: ComponentValue = { ok: false, fault: 'malformed' }
const FIELD_NAME = /^[a-z0-9!#$%&'*+.^_`|~-]+$/
const PARAMETERS = new Set(['sf', 'key', 'bs', 'tr', 'req', 'name'])

/**
 * The value of a covered component (RFC 9421 section 2), the part behind `"name": ` in the signature base. Trailers (`;tr`)
 * are not known here. Never throws.
 */
export function componentValue(component: Item, message: HttpMessage): ComponentValue {
  const { value: name, parameters } = component
  if (name.kind !== 'string') return MALFORMED
  let source = message
  if (parameters.size > 0) {
    for (const [parameter, setting] of parameters) {
      if (!PARAMETERS.has(parameter)) return MALFORMED
      const isText = parameter === 'key' || parameter === 'name'
      if (isText ? setting.kind !== 'string' : setting.kind !== 'boolean' || !setting.value) return MALFORMED
    }
    if (parameters.has('tr')) return MALFORMED
    if (parameters.has('req')) {
      if (message.kind !== 'response' || !message.request) return MALFORMED
      source = message.request
    }
  }
  const found = name.value.startsWith('@')
    ? derivedValue(name.value, component, source)
    : fieldValue(name.value, component, source)
  // The signature base is one line of ASCII a component (RFC 9421 section 2.5); a line break would forge another.
  return found.ok && !/^[\t\x20-\x7e]*$/.test(found.value) ? MALFORMED : found
}

function fieldValue(name: string, { parameters }: Item, message: HttpMessage): ComponentValue {
  if (!FIELD_NAME.test(name) || parameters.has('name')) return MALFORMED
  const combined = message.fields.combined(name)
  if (combined === undefined) return ABSENT
  if (parameters.size === 0) return value(combined)
  const key = parameters.get('key')
  if (parameters.has('bs')) {
    // RFC 9421 section 2.1: bytes as they came and a second reading of them exclude each other.
    if (key || parameters.has('sf')) return MALFORMED
    const wrapped = message.fields.all(name)!.map((one) => Buffer.from(trimmed(one), 'latin1'))
    return value(wrapped.map((bytes) => `:${bytes.toString('base64')}:`).join(', '))
  }
  if (key?.kind === 'string') {
    const dictionary = parseDictionary(combined)
    if (!dictionary) return MALFORMED
    const member = dictionary.members.get(key.value)
    return member ? value(serializeMember(member)) : ABSENT
  }
  return parameters.has('sf') ? structuredValue(name, combined) : value(combined)
}

function structuredValue(name: string, combined: string): ComponentValue {
  const kind = STRUCTURED.get(name)
  switch (kind) {
    case 'dictionary': {
      const dictionary = parseDictionary(combined)
      return dictionary ? value(serializeDictionary(dictionary.members)) : MALFORMED
    }
    case 'list': {
      const list = parseList(combined)
      return list ? value(serializeList(list)) : MALFORMED
    }
    case 'item': {
      const item = parseItem(combined)
      return item ? value(serializeMember(item)) : MALFORMED
    }
    case undefined:
      return MALFORMED
  }
}

/** RFC 9421 section 2.2. */
function derivedValue(name: string, { parameters }: Item, message: HttpMessage): ComponentValue {
  const allowed = (parameters.has('req') ? 1 : 0) + (name === '@query-param' ? 1 : 0)
  if (parameters.size !== allowed) return MALFORMED
  if (message.kind === 'response') return name === '@status' ? value(String(message.status)) : MALFORMED
  const { origin, target } = message
  const query = target.indexOf('?')
  switch (name) {
    case '@method':
      return value(message.method)
    case '@target-uri':
      return value(origin + target)
    case '@authority':
      return value(authorityOf(origin))
    case '@scheme':
      return value(origin.slice(0, origin.indexOf('://')).toLowerCase())
    case '@request-target':
      return value(target)
    case '@path':
      return value((query < 0 ? target : target.slice(0, query)) || '/')
    case '@query':
      return value(query < 0 ? '?' : target.slice(query))
    case '@query-param':
      return queryParameter(parameters.get('name'), query < 0 ? '' : target.slice(query + 1))
    default:
      return MALFORMED
  }
}

/** RFC 9421 section 2.2.3: in small letters, and without the port that the scheme has anyway. */
function authorityOf(origin: string): string {
  const [, scheme = '', authority = ''] = /^([^:]+):\/\/(.*)$/.exec(origin.toLowerCase()) ?? []
  const usual = scheme === 'https' ? ':443' : scheme === 'http' ? ':80' : undefined
  return usual !== undefined && authority.endsWith(usual) ? authority.slice(0, -usual.length) : authority
}

/** RFC 9421 section 2.2.8; a parameter that comes twice can't be covered. */
function queryParameter(name: Item['value'] | undefined, query: string): ComponentValue {
  if (name?.kind !== 'string') return MALFORMED
  // Of the question marks in front URLSearchParams takes one away; a second one belongs to the first name.
  const found = [...new URLSearchParams(`?${query}`)].filter(([key]) => formEncoded(key) === name.value)
  if (found.length > 1) return MALFORMED
  return found[0] ? value(formEncoded(found[0][1])) : ABSENT
}

/** The percent-encode set of HTML forms, but with a blank as %20, which is what RFC 9421 section 2.2.8 asks for. */
const formEncoded = (text: string) =>
  encodeURIComponent(text).replace(
    /[!'()~]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
