import type { HeaderFields } from '../auth/keys/http-message.ts'
import type { Step } from '../auth/provider-schema.ts'
import { AppError } from '../errors.ts'
import { exchange } from '../outward.ts'
import { type Address, type Reach, readUrl } from '../reach.ts'

const WITHIN_MS = 5_000
const AGENT = { 'User-Agent': 'Restline-Webhooks' }

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
    const headers = { ...Object.fromEntries(headersOf(url)), 'Content-Length': body.byteLength, ...AGENT }
    const answer = await exchange(url, addresses, { method: 'POST', headers, body, signal: ended })
    status = answer.status
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
