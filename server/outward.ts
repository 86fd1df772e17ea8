import { request as http, type IncomingHttpHeaders } from 'node:http'
import { request as https } from 'node:https'
import type { LookupFunction } from 'node:net'
import { AppError } from './errors.ts'
import { type Address, type Reach, readUrl } from './reach.ts'

/** Nobody that the server asks has more to say. */
export const MOST_ANSWER_BYTES = 64 * 1024

export interface Asking {
  method: string
  headers: Readonly<Record<string, string | number>>
  body?: Uint8Array
  signal: AbortSignal
}

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
}

/** For a connection: the host leads to these addresses, which have been judged, and nobody is asked again. */
export const pinnedTo =
  (addresses: readonly Address[]): LookupFunction =>
  (_host, { all }, done) =>
    all ? done(null, [...addresses]) : done(null, addresses[0]!.address, addresses[0]!.family)

/**
 * Asks an address that somebody has entered in a settings page. The connection goes to one of the addresses given, redirects are not
 * followed, and 64 KiB of an answer are read.
 * @throws Error in a sentence or of the connection
 */
export function exchange(
  url: URL,
  addresses: readonly Address[],
  { method, headers, body, signal }: Asking,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asking = (url.protocol === 'https:' ? https : http)(
      url,
      // A connection of its own: one that is kept could lead to where the name led before.
      { method, agent: false, lookup: pinnedTo(addresses), signal, headers },
      (answer) => {
        const parts: Buffer[] = []
        let bytes = 0
        answer.on('data', (chunk: Buffer) => {
          bytes += chunk.length
          if (bytes > MOST_ANSWER_BYTES) answer.destroy(new Error('It answered more than 64 KiB.'))
          else parts.push(chunk)
        })
        answer.on('end', () =>
          resolve({ status: answer.statusCode!, headers: answer.headers, body: Buffer.concat(parts) }),
        )
        answer.on('error', reject)
      },
    )
    // Node says nothing more of a connection that was handed over: without this the asking would be under way for ever.
    asking.on('upgrade', (_answer, socket) => {
      socket.destroy()
      reject(new Error('It answered 101, as if for a WebSocket.'))
    })
    asking.on('error', reject)
    // Whatever it was, it is over.
    asking.on('close', () =>
      reject(Object.assign(new Error('It closed the connection without an answer.'), { code: 'ECONNRESET' })),
    )
    asking.end(body)
  })
}

/** `fetch` for libraries that ask on their own, kept to where the server may go. */
export type GuardedFetch = (
  url: string | URL,
  init?: {
    method?: string
    headers?: HeadersInit
    body?: BodyInit | Uint8Array | null
    signal?: AbortSignal | null
  },
) => Promise<Response>

const NO_BODY = [204, 205, 304]

/**
 * A `fetch` whose host is looked up once, judged, and connected to at that address; redirects are never followed, and an answer has a
 * time and a size.
 * @throws (when called) TypeError as fetch does, with the reason as its message and cause
 */
export function guardedFetch(reach: Reach, withinMs: number): GuardedFetch {
  return async (target, init = {}) => {
    const timeout = AbortSignal.timeout(withinMs)
    const signal = init.signal ? AbortSignal.any([init.signal, timeout]) : timeout
    try {
      const url = readUrl(String(target))
      const addresses = await Promise.race([reach.addressesOf(url), ended(signal)])
      const body = await bytesOf(init.body ?? null)
      const headers = Object.fromEntries(new Headers(init.headers))
      if (body) headers['content-length'] = String(body.byteLength)
      if (init.body instanceof URLSearchParams)
        headers['content-type'] ??= 'application/x-www-form-urlencoded;charset=UTF-8'
      const answer = await exchange(url, addresses, { method: init.method ?? 'GET', headers, body, signal })
      const given = Object.entries(answer.headers).flatMap(([name, value]): [string, string][] =>
        value === undefined ? [] : [[name, String(value)]],
      )
      const isEmpty = NO_BODY.includes(answer.status)
      return new Response(isEmpty ? null : new Uint8Array(answer.body), {
        status: answer.status,
        headers: given,
      })
    } catch (error) {
      if (signal.aborted) throw signal.reason
      throw new TypeError(error instanceof AppError ? error.message : 'fetch failed', { cause: error })
    }
  }
}

async function bytesOf(body: BodyInit | Uint8Array | null): Promise<Uint8Array | undefined> {
  if (body === null || body instanceof Uint8Array) return body ?? undefined
  return new Uint8Array(await new Response(body).arrayBuffer())
}

const ended = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason))
  })
