import type { IncomingMessage, ServerResponse } from 'node:http'
import { createGzip, type Gzip } from 'node:zlib'

/** Of a list of ten thousand more effort makes little more of it. */
const LEVEL = 2

/**
 * Packs what `res` is given to answer (RFC 9110, 8.4.1.3), if it is JSON and the browser takes that: a list of ten thousand devices is
 * 4.7 MB. Events in a stream go as they are: they would wait for a block to be full.
 */
export function packJson(req: IncomingMessage, res: ServerResponse): void {
  if (!/\bgzip\b/.test(String(req.headers['accept-encoding']))) return
  const [write, end] = [res.write.bind(res), res.end.bind(res)] as [
    (chunk: Uint8Array | string) => boolean,
    (chunk?: Uint8Array | string) => ServerResponse,
  ]
  let begun = false
  let gzip: Gzip | undefined
  const begin = () => {
    if (begun) return
    begun = true
    if (!String(res.getHeader('content-type')).startsWith('application/json')) return
    res.setHeader('content-encoding', 'gzip')
    res.appendHeader('vary', 'accept-encoding')
    res.removeHeader('content-length')
    gzip = createGzip({ level: LEVEL })
    gzip.on('data', write).once('end', () => end())
  }
  res.write = (chunk: Uint8Array | string) => {
    begin()
    if (!gzip) return write(chunk)
    gzip.write(chunk)
    // The answer is in memory as a whole; what waits of it packed is less.
    return true
  }
  res.end = ((chunk?: Uint8Array | string) => {
    if (chunk !== undefined) res.write(chunk)
    if (gzip) gzip.end()
    else end()
    return res
  }) as typeof res.end
}
