import { createReadStream, existsSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const page = fileURLToPath(new URL('page.tsx', import.meta.url))
const basemap = fileURLToPath(new URL('../../../public/basemap.pmtiles', import.meta.url))
const font = fileURLToPath(
  new URL(
    '../../../node_modules/@fontsource-variable/inter/files/inter-latin-wght-normal.woff2',
    import.meta.url,
  ),
)

const HTML = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Map</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<style>@font-face{font-family:"Inter Variable";src:url(/inter.woff2) format("woff2");font-weight:100 900}
*{box-sizing:border-box}html,body,#map{margin:0;height:100%;font-family:"Inter Variable",sans-serif}</style>
<link rel="stylesheet" href="/page.css"><main id="map"></main><script type="module" src="/page.js"></script></html>`

export interface BenchServer {
  url: string
  close: () => Promise<void>
}

/** Bundles the real map into one page and serves it with the basemap from a free port of this machine. */
export async function serveBenchPage(): Promise<BenchServer> {
  if (!existsSync(basemap)) throw new Error('public/basemap.pmtiles is missing: npm run build:basemap')
  const bundle = await build({
    entryPoints: [page],
    bundle: true,
    write: false,
    minify: true,
    format: 'esm',
    jsx: 'automatic',
    outdir: '/out',
    loader: { '.png': 'dataurl', '.svg': 'dataurl' },
    define: { 'process.env.NODE_ENV': '"production"' },
    logLevel: 'error',
  })
  const files = new Map(
    bundle.outputFiles.map((file) => [file.path.endsWith('.css') ? '/page.css' : '/page.js', file.contents]),
  )
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname
    const file = files.get(path)
    if (path === '/') response.setHeader('content-type', 'text/html').end(HTML)
    else if (file) {
      response.setHeader('content-type', path.endsWith('.css') ? 'text/css' : 'text/javascript')
      response.end(file)
    } else if (path === '/inter.woff2') createReadStream(font).pipe(response)
    else if (path === '/basemap.pmtiles') {
      const size = statSync(basemap).size
      const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '')
      const start = range ? Number(range[1]) : 0
      const end = range ? Math.min(Number(range[2]), size - 1) : size - 1
      response.writeHead(range ? 206 : 200, {
        'content-range': `bytes ${start}-${end}/${size}`,
        'content-length': end - start + 1,
        etag: `"${size}"`,
      })
      createReadStream(basemap, { start, end }).pipe(response)
    } else response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
