import { createServer, type RequestListener, type Server } from 'node:http'
import { countRefusal } from './metrics.ts'

const MOST_HEADER_BYTES = 8 << 10
const HEADERS_WITHIN_MS = 15_000
const REQUEST_WITHIN_MS = 60_000
const MOST_CONNECTIONS = 12_000
/** Who is refused before there is a request has so long to read the answer. */
const LINGER_MS = 5_000

/** Our word and HTTP's for what Node refuses before there is a request. */
const REFUSALS: Record<string, readonly [reason: string, status: string]> = {
  HPE_HEADER_OVERFLOW: ['headers-too-large', '431 Request Header Fields Too Large'],
  ERR_HTTP_REQUEST_TIMEOUT: ['too-slow', '408 Request Timeout'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ['headers-too-large', '413 Payload Too Large'],
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
    const [reason, status] = REFUSALS[error.code ?? ''] ?? ['malformed', '400 Bad Request']
    countRefusal('http', reason)
    // What still comes is read and thrown away: closed with bytes unread, the answer would be lost with the connection.
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
    const cut = setTimeout(() => socket.destroy(), LINGER_MS)
    socket.once('close', () => clearTimeout(cut))
  })
  return server
}
