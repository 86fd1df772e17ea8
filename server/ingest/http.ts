import type { IncomingMessage, ServerResponse } from 'node:http'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import type pg from 'pg'
import type { DeviceAuthenticator } from '../auth/device.ts'
import { AppError, HTTP_STATUS } from '../errors.ts'
import { receiverOf } from './receive.ts'
import { takeReport } from './report.ts'
import type { Receipt } from './schema.ts'

const PATH = '/v1/heartbeats'
const MOST_BODY_BYTES = 1 << 20
const MOST_INFLATED_BYTES = 8 << 20
/** All bodies that are on their way in together; a fleet that comes back at once must not fill the memory. */
const MOST_OPEN_BYTES = 64 << 20
const RETRY_AFTER_SECONDS = 2

const inflate = promisify(gunzip)

export interface Door {
  /** Answers the request if it is for this door. */
  handle(req: IncomingMessage, res: ServerResponse): boolean
  /** Resolves when everything that was taken is answered. */
  close(): Promise<void>
}

/** `POST /v1/heartbeats`: one heartbeat or an array, as JSON, gzip or not, from a device with its token. */
export function createDoor(pool: pg.Pool, devices: DeviceAuthenticator, now: () => number): Door {
  const receiver = receiverOf(pool)
  let openBytes = 0

  /** The whole body; undefined if the device went away in the middle. */
  function readBody(req: IncomingMessage): Promise<Buffer | undefined> {
    const declared = Number(req.headers['content-length'] ?? 0)
    if (declared > MOST_BODY_BYTES) return Promise.reject(tooLarge())
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = []
      let bytes = 0
      const leave = () => {
        openBytes -= bytes
        bytes = 0
      }
      req.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        openBytes += chunk.length
        if (bytes > MOST_BODY_BYTES || openBytes > MOST_OPEN_BYTES) {
          const fault =
            bytes > MOST_BODY_BYTES ? tooLarge() : new AppError('busy', 'Too many reports at once.')
          req.removeAllListeners('data')
          req.resume()
          leave()
          reject(fault)
          return
        }
        chunks.push(chunk)
      })
      req.once('end', () => {
        leave()
        resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks))
      })
      req.once('close', () => {
        leave()
        resolve(undefined)
      })
    })
  }

  async function take(req: IncomingMessage, res: ServerResponse): Promise<void> {
    try {
      const { authorization } = req.headers
      const device = devices.known(authorization) ?? (await devices.authenticate(authorization))
      const body = await readBody(req)
      if (body === undefined) return
      const receipt = await takeReport(receiver, device, await parse(body, req), now())
      answer(res, receipt)
    } catch (error) {
      refuse(req, res, error)
    }
  }

  return {
    handle(req, res) {
      const url = req.url ?? ''
      if (url !== PATH && !url.startsWith(`${PATH}?`)) return false
      if (req.method === 'POST') void take(req, res)
      else {
        res.setHeader('allow', 'POST')
        problem(res, 405, { detail: 'Send heartbeats by POST.' })
      }
      return true
    },
    close: () => receiver.drained(),
  }
}

const tooLarge = () =>
  new AppError(
    'too-large',
    `The body is larger than ${MOST_BODY_BYTES} bytes (${MOST_INFLATED_BYTES} unpacked): send fewer at once.`,
  )

async function parse(body: Buffer, req: IncomingMessage): Promise<unknown> {
  const type = req.headers['content-type']
  if (type !== undefined && !/^application\/json\b/i.test(type)) {
    throw new AppError('malformed', 'must be application/json', 'content-type')
  }
  const encoding = req.headers['content-encoding'] ?? 'identity'
  let bytes = body
  if (encoding === 'gzip') {
    bytes = await inflate(body, { maxOutputLength: MOST_INFLATED_BYTES }).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge()
        throw new AppError('malformed', `is not gzip as the content-encoding says: ${error.message}`, 'body')
      },
    )
  } else if (encoding !== 'identity') {
    throw new AppError('malformed', 'must be gzip, or left out', 'content-encoding')
  }
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch (error) {
    throw new AppError('malformed', `is not JSON: ${(error as Error).message.slice(0, 200)}`, 'body')
  }
}

/** 422 only when sending it again can't help anything in it; the receipt is in either answer. */
function answer(res: ServerResponse, receipt: Receipt): void {
  if (receipt.refused.length > 0 && receipt.refused.length === receipt.received) {
    const [first] = receipt.refused
    problem(res, HTTP_STATUS.unacceptable, {
      detail: `Nothing of this can be stored. The first: ${first!.field || 'heartbeat'} ${first!.reason}.`,
      ...receipt,
    })
    return
  }
  const body = JSON.stringify(receipt)
  res
    .writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
    .end(body)
}

function refuse(req: IncomingMessage, res: ServerResponse, error: unknown): void {
  const refusal =
    error instanceof AppError ? error : new AppError('busy', 'Something broke on our side; send it again.')
  if (refusal !== error) console.error(`${PATH}: ${(error as Error).stack}`)
  if (refusal.code === 'busy') res.setHeader('retry-after', RETRY_AFTER_SECONDS)
  if (refusal.code === 'unauthenticated') res.setHeader('www-authenticate', 'Bearer')
  // What has not been read of the body ends with the connection.
  if (!req.complete) res.setHeader('connection', 'close')
  problem(res, HTTP_STATUS[refusal.code], {
    code: refusal.code,
    detail: refusal.field ? `${refusal.field} ${refusal.message}` : refusal.message,
    ...(refusal.field ? { field: refusal.field, reason: refusal.message } : {}),
  })
}

const TITLES: Record<number, string> = {
  400: 'Malformed',
  401: 'Not authenticated',
  403: 'Forbidden',
  405: 'Method not allowed',
  413: 'Too large',
  422: 'Not acceptable',
  503: 'Busy',
}

/** RFC 9457. */
function problem(res: ServerResponse, status: number, detail: object): void {
  if (res.headersSent) return
  const body = JSON.stringify({ type: 'about:blank', title: TITLES[status] ?? 'Error', status, ...detail })
  res
    .writeHead(status, {
      'content-type': 'application/problem+json',
      'content-length': Buffer.byteLength(body),
    })
    .end(body)
}
