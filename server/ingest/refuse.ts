import type { IncomingMessage, ServerResponse } from 'node:http'
import type { DeviceProtocol } from '../auth/device.ts'
import { type Refusal, RefusedRequest } from '../auth/keys/refusal.ts'
import { AppError, HTTP_STATUS } from '../errors.ts'
import { faultOf } from '../log.ts'
import { countRefusal, reasonOf } from './metrics.ts'
import type { Intake } from './take.ts'
import { sparing } from './trouble.ts'

/** A database that is away fails all of them. */
const sayFailed = sparing('error', 'a request of a device failed')
const RETRY_AFTER_SECONDS = 2
/** Who is refused in the middle of a body has so long to read the answer, and may go on sending so much. */
const LINGER_MS = 5_000
const MOST_LINGER_BYTES = 8 << 20

/** Answers an error as a problem (RFC 9457): a code, and what to do. */
export function refuse(
  intake: Intake,
  req: IncomingMessage,
  res: ServerResponse,
  error: unknown,
  protocol: DeviceProtocol = 'json',
): void {
  if (!res.headersSent) res.setHeader('fleet-nonce', intake.gate.serverNonce())
  if (error instanceof RefusedRequest) {
    refuseAuth(intake, req, res, error.refusal)
    return
  }
  const refusal =
    error instanceof AppError ? error : new AppError('busy', 'Something broke on our side; send it again.')
  const path = (req.url ?? '').split(/[?#]/)[0]!.replace(/(rl|fdt)_[\w-]+/, '$1_…')
  if (refusal !== error) sayFailed({ path, ...faultOf(error) })
  countRefusal(protocol, reasonOf(refusal))
  // Too many strangers of an address, and a known device may be behind it, or one that comes too often: some apps throw away what
  // a 4xx answers (owntracks-http.md).
  const status = refusal.code === 'too-often' ? 503 : HTTP_STATUS[refusal.code]
  if (status === 503) res.setHeader('retry-after', RETRY_AFTER_SECONDS)
  // What has not been read of the body ends with the connection.
  if (!req.complete) res.setHeader('connection', 'close')
  problem(res, status, {
    code: refusal.code,
    detail: refusal.field ? `${refusal.field} ${refusal.message}` : refusal.message,
    ...(refusal.field ? { field: refusal.field, reason: refusal.message } : {}),
  })
}

/** The answer to a method that a path of devices has not (RFC 9110, 15.5.6). */
export function refuseMethod({ gate }: Intake, res: ServerResponse, methods: readonly string[]): void {
  res.setHeader('allow', methods.join(', '))
  res.setHeader('fleet-nonce', gate.serverNonce())
  problem(res, 405, { code: 'malformed', detail: `Send this by ${methods.join(' or ')}.` })
}

/** What a refused sender may know: the code and what to do (device-signatures section 4). The true reason is in the audit log. */
function refuseAuth(intake: Intake, req: IncomingMessage, res: ServerResponse, refusal: Refusal): void {
  countRefusal('json', refusal.code)
  if (refusal.status === 401) {
    res.setHeader('www-authenticate', 'Bearer')
    const { identity, reason } = claimOf(req, refusal)
    const address = addressOf(intake, req)
    intake.activity.listUnknown('json', identity, address, reason, intake.now())
  }
  if (refusal.status === 429) res.setHeader('retry-after', RETRY_AFTER_SECONDS)
  problem(res, refusal.status, { code: refusal.code, detail: refusal.detail })
}

/** The client's address, also behind a proxy of ours. */
export const addressOf = ({ gate }: Intake, { socket, headers }: IncomingMessage): string =>
  gate.addressOf({ address: socket.remoteAddress ?? '', headers })

/** Who the sender says it is, for the installer: of a token its number and of a key its name, never a secret. */
function claimOf(
  { headers }: IncomingMessage,
  { hidden, code }: Refusal,
): { identity: string; reason: string } {
  const keyId = /;keyid="([^"]{1,200})"/.exec(String(headers['signature-input'] ?? ''))?.[1]
  if (keyId !== undefined && code === 'clock_skew') return { identity: keyId, reason: 'wrong-clock' }
  if (keyId !== undefined)
    return { identity: keyId, reason: hidden === 'unknown_key' ? 'unknown' : 'wrong-key' }
  const { authorization } = headers
  if (authorization === undefined) return { identity: '(no token)', reason: 'no-token' }
  const [, number] = /^Bearer +((?:fdt|rl)_[0-9a-z]{1,11})_/i.exec(authorization) ?? []
  return { identity: number === undefined ? '(no token of ours)' : `${number}_…`, reason: 'wrong-token' }
}

const TITLES: Record<number, string> = {
  400: 'Malformed',
  401: 'Not authenticated',
  403: 'Forbidden',
  404: 'Not found',
  405: 'Method not allowed',
  409: 'Conflict',
  413: 'Too large',
  422: 'Not acceptable',
  429: 'Too many requests',
  431: 'Header fields too large',
  503: 'Busy',
}

/** RFC 9457. What has not been read of the request's body ends with the connection. */
export function problem(res: ServerResponse, status: number, detail: object): void {
  if (res.headersSent) return
  const body = JSON.stringify({ type: 'about:blank', title: TITLES[status] ?? 'Error', status, ...detail })
  const isCutShort = res.req !== undefined && !res.req.complete && hasBody(res.req)
  if (isCutShort) res.setHeader('connection', 'close')
  res.writeHead(status, {
    'content-type': 'application/problem+json',
    'content-length': Buffer.byteLength(body),
  })
  if (!isCutShort) return void res.end(body)
  // Ending the response would let Node close the connection at once.
  res.write(body)
  linger(res.req)
}

const hasBody = ({ headers }: IncomingMessage) =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0

/**
 * Ends our side of a connection whose request is still coming, and leaves the other side the time to read why (RFC 9112, 9.6): closed
 * with bytes unread, TCP resets it, and what the client has not read of the answer is lost. What comes meanwhile is thrown away, up to
 * a bound; beyond that the client waits until it reads, or is cut.
 */
function linger(req: IncomingMessage): void {
  const { socket } = req
  let bytes = 0
  req.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > MOST_LINGER_BYTES) req.pause()
  })
  req.resume()
  const cut = setTimeout(() => socket.destroy(), LINGER_MS)
  socket.once('close', () => clearTimeout(cut))
  socket.end()
}
