import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Proven } from '../auth/authenticators.ts'
import { RefusedRequest } from '../auth/keys/refusal.ts'
import type { DevicePrincipal } from '../auth/principal.ts'
import { AppError, HTTP_STATUS } from '../errors.ts'
import { isPacked, readBody, unpacked } from './body.ts'
import { noteBroken } from './broken.ts'
import { decodeReport, wordsOf } from './decode.ts'
import { IncomingRequest, isGateway, NO_SCOPE, NOT_ITS_OWN, namesOf, takeForMany } from './gateway.ts'
import { answerKeys } from './keys-door.ts'
import { parseWithoutNumbers } from './not-a-number.ts'
import { answerOsmand, answerOwnTracks, type PhoneRequest } from './phones.ts'
import { addressOf, problem, refuse, refuseMethod } from './refuse.ts'
import type { Receipt } from './schema.ts'
import { type Arrival, type Intake, noteRefused, takeBatch } from './take.ts'

const HEARTBEATS = '/v1/heartbeats'
/** The device's token may follow as one more part of the path, for apps that can be given an address only. */
const PHONES = /^\/v1\/(osmand|owntracks)(?:\/([^/?#]{1,128}))?(?=[?#]|$)/

export interface Door {
  /** Answers the request if it is for this door. */
  handle(req: IncomingMessage, res: ServerResponse): boolean
  /** Resolves when everything that was taken is answered. */
  close(): Promise<void>
}

/**
 * The doors of HTTP: `POST /v1/heartbeats` (one heartbeat or an array as JSON, gzip or not, from a device with its token),
 * `/v1/osmand` and `/v1/owntracks` for phone apps.
 */
export function createDoor(intake: Intake): Door {
  return {
    handle(req, res) {
      const url = req.url ?? ''
      if (url === HEARTBEATS || url.startsWith(`${HEARTBEATS}?`)) {
        if (req.method === 'POST') void takeHeartbeats(intake, req, res)
        else refuseMethod(intake, res, ['POST'])
        return true
      }
      if (answerKeys(intake, req, res)) return true
      const phone = PHONES.exec(url)
      if (!phone) return false
      const token = phone[2] === undefined ? undefined : `Bearer ${phone[2]}`
      void takePhone(intake, phone[1] as PhoneProtocol, token, req, res)
      return true
    },
    close: () => intake.receiver.drained(),
  }
}

/** A port of its own for apps that can be given a host and a port only: every path is theirs. OwnTracks is known by its JSON. */
export function createPhoneDoor(intake: Intake): Door {
  return {
    handle(req, res) {
      void takePhone(intake, null, undefined, req, res)
      return true
    },
    close: () => intake.receiver.drained(),
  }
}

/** `_type` without a `device_id` is what no other app says, whatever type its client states; OwnTracks alone also posts nothing at all. */
function isOwnTracks({ method, contentType, body, path }: PhoneRequest): boolean {
  if (method !== 'POST') return false
  const isJson = /^application\/json\b/i.test(contentType ?? '')
  if (body.length === 0) return isJson && !/[?&](?:id|deviceid)=/.test(path)
  return (isJson || body[0] === 0x7b) && body.includes('"_type"') && !body.includes('"device_id"')
}

async function takeHeartbeats(intake: Intake, req: IncomingMessage, res: ServerResponse): Promise<void> {
  let own: { device: DevicePrincipal; arrival: Arrival } | undefined
  let sender: Proven | undefined
  const request = new IncomingRequest(req)
  try {
    const asked = intake.gate.authenticate(request)
    const proven = asked instanceof Promise ? await asked : asked
    if (proven === undefined) return noteBroken('json')
    if (!proven.ok) throw new RefusedRequest(proven)
    sender = proven
    if (!proven.scopes.includes('ingest')) throw new RefusedRequest(NO_SCOPE)
    const raw = await request.body()
    if (raw === undefined) return noteBroken('json')
    const body = isPacked(req) ? await unpacked(req, raw) : raw
    const arrival = arrivalOf(intake, req, body, 'json')
    if (proven.device && !isGateway(proven)) own = { device: proven.device, arrival }
    const report = parse(body, req)
    answer(
      intake,
      res,
      own
        ? await takeOwn(intake, own.device, report, arrival, proven)
        : await takeForMany(intake, report, arrival, proven),
    )
  } catch (error) {
    refuse(intake, req, res, error)
    if (sender && error instanceof RefusedRequest)
      intake.gate.noteRefused(request, sender, error.refusal.code)
    if (own && error instanceof AppError && error.code !== 'busy')
      await noteRefused(intake, own.arrival, own.device, sentenceOf(error))
  }
}

const sentenceOf = ({ field, message }: AppError) => (field ? `${field} ${message}` : message)

/** What a device says of itself. */
async function takeOwn(
  intake: Intake,
  device: DevicePrincipal,
  report: unknown,
  arrival: Arrival,
  { spend, method }: Proven,
): Promise<Receipt> {
  // A key is for its device alone, and what is signed for another is refused as a whole (device-signatures section 2).
  if (method !== 'token' && !namesOf(report).every((name) => name === device.name))
    throw new RefusedRequest(NOT_ITS_OWN)
  const { batch, refused, received } = decodeReport(report, device, arrival.receivedAt)
  const stored = await takeBatch(intake, batch, arrival, refused.map(wordsOf), spend)
  return { received, stored, duplicates: batch.size - stored, refused }
}

type PhoneProtocol = 'osmand' | 'owntracks'

/** Source: osmand.md, Form 1; owntracks-http.md. */
const METHODS: Record<PhoneProtocol, readonly string[]> = { osmand: ['GET', 'POST'], owntracks: ['POST'] }

/** @param spoken what is spoken at this address; null: the request shows it */
async function takePhone(
  intake: Intake,
  spoken: PhoneProtocol | null,
  token: string | undefined,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  let protocol = spoken ?? 'osmand'
  if (!METHODS[protocol].includes(req.method ?? '')) return refuseMethod(intake, res, METHODS[protocol])
  try {
    const body = await readBody(req)
    if (body === undefined) return noteBroken(protocol)
    const request: PhoneRequest = {
      method: req.method ?? 'GET',
      path: req.url ?? '/',
      contentType: req.headers['content-type'],
      headers: req.headers,
      body,
      authorization: token ?? bearerOf(req.headers.authorization),
      tokenInAddress: token !== undefined,
      user: userOf(req.headers.authorization),
    }
    // An app of parameters says all of it in its address.
    const raw = body.length > 0 ? body : Buffer.from(request.path)
    protocol = spoken ?? (isOwnTracks(request) ? 'owntracks' : 'osmand')
    const answerOf = protocol === 'owntracks' ? answerOwnTracks : answerOsmand
    const said = await answerOf(intake, request, arrivalOf(intake, req, raw, protocol))
    if (said.refusal !== null && said.status >= 400)
      problem(res, said.status, { code: codeOf(said.status), detail: said.refusal })
    else res.writeHead(said.status, headersOf(said.body)).end(said.body)
  } catch (error) {
    refuse(intake, req, res, error, protocol)
  }
}

const codeOf = (status: number) =>
  Object.entries(HTTP_STATUS).find(([, one]) => one === status)?.[0] ?? 'unacceptable'

const headersOf = (body: string) => ({
  ...(body === '' ? {} : { 'content-type': 'application/json' }),
  'content-length': Buffer.byteLength(body),
})

const arrivalOf = (
  intake: Intake,
  req: IncomingMessage,
  raw: Buffer,
  protocol: PhoneProtocol | 'json',
): Arrival => ({
  protocol,
  address: addressOf(intake, req),
  raw,
  receivedAt: intake.now(),
  from: performance.now(),
})

/** Apps that know only a user and a password (RFC 7617) hold the token as the password. */
function bearerOf(authorization: string | undefined): string | undefined {
  const basic = basicOf(authorization)
  if (!basic) return authorization
  return basic.password === '' ? undefined : `Bearer ${basic.password}`
}

const userOf = (authorization: string | undefined) => basicOf(authorization)?.user || undefined

function basicOf(authorization: string | undefined): { user: string; password: string } | null {
  const [, encoded] = /^Basic +([A-Za-z0-9+/=]+) *$/i.exec(authorization ?? '') ?? []
  if (encoded === undefined) return null
  const pair = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = pair.indexOf(':')
  return colon < 0
    ? { user: pair, password: '' }
    : { user: pair.slice(0, colon), password: pair.slice(colon + 1) }
}

function parse(body: Buffer, req: IncomingMessage): unknown {
  const type = req.headers['content-type']
  if (type !== undefined && !/^application\/json\b/i.test(type)) {
    throw new AppError('malformed', 'must be application/json', 'content-type')
  }
  const text = body.toString('utf8')
  try {
    return JSON.parse(text)
  } catch (error) {
    const read = parseWithoutNumbers(text)
    if (read !== undefined) return read
    throw new AppError('malformed', `is not JSON: ${(error as Error).message.slice(0, 200)}`, 'body')
  }
}

/** 422 only when sending it again can't help anything in it; the receipt is in either answer. */
function answer(intake: Intake, res: ServerResponse, receipt: Receipt): void {
  if (receipt.refused.length > 0 && receipt.refused.length === receipt.received) {
    const [first] = receipt.refused
    res.setHeader('fleet-nonce', intake.gate.serverNonce())
    problem(res, HTTP_STATUS.unacceptable, {
      code: 'unacceptable',
      detail: `Nothing of this can be stored. The first: ${first!.field || 'heartbeat'} ${first!.reason}.`,
      ...receipt,
    })
    return
  }
  const body = JSON.stringify(receipt)
  res.writeHead(200, [
    'Fleet-Nonce',
    intake.gate.serverNonce(),
    'Content-Type',
    'application/json',
    'Content-Length',
    String(Buffer.byteLength(body)),
  ])
  // In one piece: an answer that is ended with its body goes out in two, the second one empty.
  res.write(body)
  res.socket?.uncork()
  res.end()
}
