import type { IncomingMessage } from 'node:http'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { AppError } from '../errors.ts'

const MOST_BODY_BYTES = 1 << 20
const MOST_INFLATED_BYTES = 8 << 20
/** All bodies that are on their way in together; a fleet that comes back at once must not fill the memory. */
const MOST_OPEN_BYTES = 64 << 20

/** So many are unpacked at once, each to MOST_INFLATED_BYTES at most: what is small when it comes can be large when it opens. */
const MOST_INFLATING = 2
/** The most alike heartbeats become a thirtieth; what becomes less was made to harm. */
const MOST_RATIO = 100
const SMALL_BYTES = 256 << 10
const INFLATE_CHUNK_BYTES = 256 << 10

const gunzipAsync = promisify(gunzip)
let openBytes = 0
let inflating = 0
const waiting: (() => void)[] = []

async function inflate(body: Buffer): Promise<Buffer> {
  openBytes += body.length
  if (inflating >= MOST_INFLATING) await new Promise<void>((resolve) => waiting.push(resolve))
  else inflating++
  try {
    const most = Math.min(MOST_INFLATED_BYTES, Math.max(SMALL_BYTES, body.length * MOST_RATIO))
    return await gunzipAsync(body, { maxOutputLength: most, chunkSize: INFLATE_CHUNK_BYTES })
  } finally {
    openBytes -= body.length
    const next = waiting.shift()
    if (next) next()
    else inflating--
  }
}

/**
 * The whole body, unpacked if it came as gzip; undefined if the device went away in the middle.
 * @throws AppError too-large, busy (too many bodies are on their way), malformed for what is no gzip
 */
export async function readBody(req: IncomingMessage): Promise<Buffer | undefined> {
  const body = await receiveBody(req)
  return body !== undefined && isPacked(req) ? await unpacked(req, body) : body
}

/** Most bodies are not, and need not be waited for once more. */
export const isPacked = ({ headers }: IncomingMessage) => headers['content-encoding'] !== undefined

/** A body as it came, unpacked if it came as gzip. Faults as of readBody. */
export async function unpacked(req: IncomingMessage, body: Buffer): Promise<Buffer> {
  const encoding = req.headers['content-encoding'] ?? 'identity'
  if (encoding === 'identity') return body
  if (encoding !== 'gzip') throw new AppError('malformed', 'must be gzip, or left out', 'content-encoding')
  return await inflate(body).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge()
    throw new AppError('malformed', `is not gzip as the content-encoding says: ${error.message}`, 'body')
  })
}

/** The bytes as they came; faults as of readBody. */
export function receiveBody(req: IncomingMessage): Promise<Buffer | undefined> {
  const declared = Number(req.headers['content-length'] ?? 0)
  if (declared > MOST_BODY_BYTES) return Promise.reject(tooLarge())
  // It went while its token was looked up: nothing more will be heard of it.
  if (req.destroyed) return Promise.resolve(undefined)
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
        const fault = bytes > MOST_BODY_BYTES ? tooLarge() : new AppError('busy', 'Too many reports at once.')
        req.removeAllListeners('data')
        req.resume()
        leave()
        reject(fault)
        return
      }
      chunks.push(chunk)
    })
    req.on('end', () => {
      leave()
      resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks))
    })
    req.on('close', () => {
      leave()
      resolve(undefined)
    })
  })
}

const tooLarge = () =>
  new AppError(
    'too-large',
    `The body is larger than ${MOST_BODY_BYTES} bytes (${MOST_INFLATED_BYTES} unpacked): send fewer at once.`,
  )
