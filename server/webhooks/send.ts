import { request as http } from 'node:http'
import { request as https } from 'node:https'
import type { LookupFunction } from 'node:net'
import type { HeaderFields } from '../auth/keys/http-message.ts'
import type { Step } from '../auth/provider-schema.ts'
import { AppError } from '../errors.ts'
import { type Address, type Reach, readUrl } from './address.ts'

const WITHIN_MS = 5_000
/** An answer is a status; nobody needs a body of more. */
const MOST_ANSWER_BYTES = 64 * 1024

/** What became of one try. */
export interface Outcome {
  /** What the receiver answered, null where it did not. */
  status: number | null
  /** Why it does not count as delivered, null when it does. */
  problem: string | null
  steps: Step[]
}

/**
 * One POST to a receiver. The host's addresses are looked up once, judged, and the connection goes to one of them, so a name that
 * changes in between leads nowhere. Redirects are not followed. Five seconds for everything, 64 KiB of an answer.
 */
export async function post(
  text: string,
  headersOf: (url: URL) => HeaderFields,
  body: Uint8Array,
  reach: Reach,
): Promise<Outcome> {
  const steps: Step[] = []
  let began = Date.now()
  const step = (title: string, ok: boolean, detail: string) => {
    steps.push({ title, ok, detail, ms: Date.now() - began })
    began = Date.now()
  }
  const failed = (title: string, problem: string, status: number | null = null): Outcome => {
    step(title, false, problem)
    return { status, problem, steps }
  }
  const ended = AbortSignal.timeout(WITHIN_MS)
  let url: URL
  let addresses: Address[]
  try {
    url = readUrl(text)
    addresses = await Promise.race([reach.addressesOf(url), timedOut(ended)])
  } catch (error) {
    return failed('Find the address', error instanceof AppError ? error.message : reasonOf(error))
  }
  step('Find the address', true, addresses.map(({ address }) => address).join(', '))
  let status: number
  try {
    // Signing may fail too: a stored secret that can't be read.
    status = await exchange(url, addresses, headersOf(url), body, ended)
  } catch (error) {
    return failed('Deliver', reasonOf(error))
  }
  if (status >= 300 && status < 400)
    return failed('Deliver', `It answered ${status}, a redirect: enter the address that it leads to.`, status)
  if (status < 200 || status >= 300) return failed('Deliver', `It answered ${status}.`, status)
  step('Deliver', true, `It answered ${status}.`)
  return { status, problem: null, steps }
}

const timedOut = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))

/** Sends and reads the status; the body of the answer is read and thrown away, up to its limit. */
function exchange(
  url: URL,
  addresses: readonly Address[],
  headers: HeaderFields,
  body: Uint8Array,
  signal: AbortSignal,
): Promise<number> {
  const pinned: LookupFunction = (_host, { all }, done) =>
    all ? done(null, [...addresses]) : done(null, addresses[0]!.address, addresses[0]!.family)
  return new Promise((resolve, reject) => {
    const asking = (url.protocol === 'https:' ? https : http)(
      url,
      {
        method: 'POST',
        // A connection of its own: one that is kept could lead to where the name led before.
        agent: false,
        lookup: pinned,
        signal,
        headers: {
          ...Object.fromEntries(headers),
          'Content-Length': body.byteLength,
          'User-Agent': 'Restline-Webhooks',
        },
      },
      (answer) => {
        let bytes = 0
        answer.on('data', (chunk: Buffer) => {
          bytes += chunk.length
          if (bytes > MOST_ANSWER_BYTES) answer.destroy(new Error('Its answer is longer than 64 KiB.'))
        })
        answer.on('end', () => resolve(answer.statusCode!))
        answer.on('error', reject)
      },
    )
    // Node says nothing more of a connection that was handed over: without this a delivery would be under way for ever.
    asking.on('upgrade', (_answer, socket) => {
      socket.destroy()
      reject(new Error('It answered 101, as if for a WebSocket.'))
    })
    asking.on('error', reject)
    // Whatever it was, it is over.
    asking.on('close', () => reject(new Error('It closed the connection without an answer.')))
    asking.end(body)
  })
}

/** In a sentence, without what belongs to us alone. */
function reasonOf(error: unknown): string {
  const { name, code, message } = error as NodeJS.ErrnoException
  if (name === 'AbortError' || name === 'TimeoutError') return 'It took longer than 5 s.'
  if (code === 'ECONNREFUSED') return 'Nothing listens there (connection refused).'
  if (code === 'ECONNRESET') return 'It closed the connection without an answer.'
  if (code === 'ENETUNREACH' || code === 'EHOSTUNREACH') return 'It can’t be reached from here.'
  if (code?.startsWith('ERR_TLS') || /CERT|SIGNED|ALTNAME/.test(code ?? ''))
    return `Its certificate is not good (${code}).`
  return code ? `The connection failed (${code}).` : message
}
