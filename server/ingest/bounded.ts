import { createServer, type RequestListener, type Server } from 'node:http'
import { countRefusal } from './metrics.ts'

const MOST_HEADER_BYTES = 8 << 10
const HEADERS_WITHIN_MS = 15_000
const REQUEST_WITHIN_MS = 60_000
const MOST_CONNECTIONS = 12_000
/** Who is refused before there is a request has so long to read the answer. */
const LINGER_MS = 5_000

interface EarlyRefusal {
  code: string
  status: number
  title: string
  detail: string
}

/** What Node refuses before there is a request, in our words and HTTP's. */
const REFUSALS: Record<string, EarlyRefusal> = {
  HPE_HEADER_OVERFLOW: {
    code: 'headers-too-large',
    status: 431,
    title: 'Request Header Fields Too Large',
    detail: `Send fewer headers: ${MOST_HEADER_BYTES} bytes at most.`,
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    code: 'too-slow',
    status: 408,
    title: 'Request Timeout',
    detail: 'Send the whole request sooner.',
  },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: {
    code: 'headers-too-large',
    status: 413,
    title: 'Payload Too Large',
    detail: 'Send chunks without extensions.',
  },
}
const MALFORMED: EarlyRefusal = {
  code: 'malformed',
  status: 400,
  title: 'Bad Request',
  detail: 'This is no HTTP/1.1 request.',
}

/** As RFC 9457 has it, written by hand: there is no response to write it with. */
function earlyAnswer({ code, status, title, detail }: EarlyRefusal): string {
  const body = JSON.stringify({ type: 'about:blank', title, status, code, detail })
  return [
    `HTTP/1.1 ${status} ${title}`,
    'Connection: close',
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n')
}

/**
 * An HTTP server that bounds what one who connects can hold: the header block and the time for it, the time of a request, and the
 * connections. What it refuses is counted.
 */
export function boundedServer(handle: RequestListener): Server {
  const server = createServer(
    {
      maxHeaderSize: MOST_HEADER_BYTES,
      headersTimeout: HEADERS_WITHIN_MS,
      requestTimeout: REQUEST_WITHIN_MS,
      // How late a time-out may be noticed.
      connectionsCheckingInterval: 5_000,
      // Longer than the balancer's in front, which would otherwise send into a connection that closes.
      keepAliveTimeout: 75_000,
    },
    handle,
  )
  server.maxConnections = MOST_CONNECTIONS
  server.on('drop', () => countRefusal('http', 'too-many-connections'))
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    // It has been answered already, and goes on sending.
    if (socket.writableEnded && error.code !== 'ECONNRESET') return
    // A reset is no refusal of ours.
    if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
    const refusal = REFUSALS[error.code ?? ''] ?? MALFORMED
    countRefusal('http', refusal.code)
    // What still comes is read and thrown away: closed with bytes unread, the answer would be lost with the connection.
    socket.end(earlyAnswer(refusal))
    const cut = setTimeout(() => socket.destroy(), LINGER_MS)
    socket.once('close', () => clearTimeout(cut))
  })
  return server
}
