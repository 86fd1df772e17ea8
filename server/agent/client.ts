import { createSecretKey } from 'node:crypto'
import { type SignatureAlgorithm, signData } from '../auth/keys/algorithm.ts'
import type { HeaderFields } from '../auth/keys/http-message.ts'
import { agreeSecret, offerSession } from '../auth/keys/session-keys.ts'
import { draftRequest, newNonce, type RequestToSign, type SignerIdentity } from '../auth/keys/sign-request.ts'
import { type OwnKey, privateKeyOf } from '../auth/own-keys.ts'

/** Who holds the private key: a file, an ssh-agent, a TPM. */
export interface Signer {
  /** `<fleet>/SHA256:…`, as the key was enrolled. */
  keyId: string
  algorithm: SignatureAlgorithm
  /** The raw signature; r‖s for ECDSA. */
  sign(data: Uint8Array): Buffer | Promise<Buffer>
}

/** A key of a truck of our own making, from memory. */
export function ownSigner(own: OwnKey): Signer {
  const key = privateKeyOf(own)
  return { keyId: own.keyId, algorithm: 'ed25519', sign: (data) => signData('ed25519', key, data) }
}

export interface ClientOptions {
  /** The server's public origin and nothing behind it: it is signed with every request. */
  url: string
  signer: Signer
  /** Epoch milliseconds by the device's own clock. */
  now?: () => number
  /** False: every request is signed by the key itself. */
  sessions?: boolean
  answerWithinMs?: number
  fetch?: typeof fetch
}

export interface Answer {
  /** 0: there was none. */
  status: number
  text: string
  headers: Headers
}

interface Session {
  identity: SignerIdentity
  sign(data: Uint8Array): Buffer
  /** By the device's own clock. */
  until: number
}

const ANSWER_WITHIN_MS = 20_000
/** A session is left before it ends, so that no request of its last second is refused. */
const LEAVE_MS = 30_000
/** A server without sessions is not asked at every heartbeat. */
const NO_SESSION_MS = 60_000
/** A second is what Date can say; less is no error of the clock. */
const LEAST_OFFSET_MS = 2_000

/**
 * Signs a device's requests (device-signatures): agrees a session with its key and goes on with that, corrects its clock by the server's
 * Date, and falls back to the server's nonce where a corrected clock doesn't do. One request of the same content may be sent
 * any number of times: each has a nonce of its own.
 */
export class DeviceClient {
  readonly #options: ClientOptions
  readonly #now: () => number
  readonly #origin: string
  #session: Session | undefined
  #opening: Promise<Session | undefined> | undefined
  #noneUntil = 0
  #offsetMs = 0
  #serverNonce: string | undefined

  constructor(options: ClientOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
    this.#origin = new URL(options.url).origin
  }

  /** What is added to the device's clock, milliseconds. */
  get clockCorrectionMs(): number {
    return this.#offsetMs
  }

  /** Sends one request; status 0 when nobody answered. Never throws for what the network does, only for an aborted signal. */
  async send(
    method: string,
    target: string,
    body: Uint8Array | null,
    options: { headers?: HeaderFields; signal?: AbortSignal } = {},
  ): Promise<Answer> {
    const type: HeaderFields = body === null ? [] : [['Content-Type', 'application/json']]
    const request: RequestToSign = {
      method,
      target,
      headers: [...type, ...(options.headers ?? [])],
      body: body ?? new Uint8Array(),
    }
    let answer = await this.#sendOnce(request, await this.#bySession(options.signal), options.signal)
    const code = codeOf(answer)
    if (code === 'clock_skew') {
      // Once by the corrected clock, once by the server's own nonce.
      this.#correct(answer)
      answer = await this.#sendOnce(request, await this.#bySession(options.signal), options.signal)
      if (codeOf(answer) === 'clock_skew')
        answer = await this.#sendOnce(request, this.#session, options.signal, this.#serverNonce)
    } else if (code === 'unauthorized' && this.#session) {
      // The session has ended on the server's side: a restart, another secret, somebody's decision.
      this.#session = undefined
      answer = await this.#sendOnce(request, await this.#bySession(options.signal), options.signal)
    }
    return answer
  }

  async #bySession(signal: AbortSignal | undefined): Promise<Session | undefined> {
    if (this.#options.sessions === false) return undefined
    const now = this.#now()
    if (this.#session && now < this.#session.until) return this.#session
    if (now < this.#noneUntil) return undefined
    this.#opening ??= this.#open(signal).finally(() => {
      this.#opening = undefined
    })
    return await this.#opening
  }

  async #open(signal: AbortSignal | undefined): Promise<Session | undefined> {
    this.#session = undefined
    const offer = offerSession()
    const request: RequestToSign = {
      method: 'POST',
      target: '/v1/sessions',
      headers: [['Content-Type', 'application/json']],
      body: Buffer.from(JSON.stringify({ x25519: offer.x25519 })),
    }
    for (const how of ['clock', 'corrected', 'nonce'] as const) {
      const signed = this.#draft(request, undefined, how === 'nonce' ? this.#serverNonce : undefined)
      const answer = await this.#post(
        request,
        signed.headers(await this.#options.signer.sign(signed.base)),
        signal,
      )
      if (codeOf(answer) === 'clock_skew') {
        this.#correct(answer)
        continue
      }
      if (answer.status !== 200) break
      const { session, x25519, expiresIn } = JSON.parse(answer.text)
      const agreed = agreeSecret(offer.privateKey, x25519, signed.base)
      if (!agreed.ok) break
      const key = createSecretKey(agreed.secret)
      this.#session = {
        identity: { kind: 'session', keyId: session, algorithm: 'hmac-sha256' },
        sign: (data) => signData('hmac-sha256', key, data),
        until: this.#now() + Math.max(1_000, expiresIn * 1000 - LEAVE_MS),
      }
      return this.#session
    }
    this.#noneUntil = this.#now() + NO_SESSION_MS
    return undefined
  }

  async #sendOnce(
    request: RequestToSign,
    session: Session | undefined,
    signal: AbortSignal | undefined,
    serverNonce?: string,
  ): Promise<Answer> {
    const draft = this.#draft(request, session, serverNonce)
    const signature = session ? session.sign(draft.base) : await this.#options.signer.sign(draft.base)
    return await this.#post(request, draft.headers(signature), signal)
  }

  #draft(request: RequestToSign, session: Session | undefined, serverNonce: string | undefined) {
    const { keyId, algorithm } = this.#options.signer
    const identity: SignerIdentity = session?.identity ?? { kind: 'device', keyId, algorithm }
    const nonce = serverNonce === undefined ? newNonce() : `${serverNonce}.${newNonce()}`
    return draftRequest(request, identity, this.#origin, this.#now() + this.#offsetMs, nonce)
  }

  async #post(
    { method, target, body }: RequestToSign,
    headers: HeaderFields,
    signal: AbortSignal | undefined,
  ): Promise<Answer> {
    const within = AbortSignal.timeout(this.#options.answerWithinMs ?? ANSWER_WITHIN_MS)
    try {
      const response = await (this.#options.fetch ?? fetch)(this.#origin + target, {
        method,
        headers: headers.map(([name, value]): [string, string] => [name, value]),
        body: body.byteLength > 0 ? Buffer.from(body) : undefined,
        signal: signal ? AbortSignal.any([signal, within]) : within,
        redirect: 'manual',
      })
      this.#serverNonce = response.headers.get('fleet-nonce') ?? this.#serverNonce
      return { status: response.status, text: await response.text(), headers: response.headers }
    } catch (error) {
      signal?.throwIfAborted()
      return {
        status: 0,
        text: String((error as Error).cause ?? (error as Error).message),
        headers: new Headers(),
      }
    }
  }

  #correct({ headers }: Answer): void {
    const date = Date.parse(headers.get('date') ?? '')
    if (Number.isNaN(date)) return
    const offset = date - this.#now()
    this.#offsetMs = Math.abs(offset) < LEAST_OFFSET_MS ? 0 : offset
  }
}

/** The code of a problem (RFC 9457); undefined for any other answer. */
export function codeOf({ status, text }: Answer): string | undefined {
  if (status < 400) return undefined
  try {
    const { code } = JSON.parse(text)
    return typeof code === 'string' ? code : undefined
  } catch {
    return undefined
  }
}
