import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { fileURLToPath } from 'node:url'
import { nodeHTTPRequestHandler } from '@trpc/server/adapters/node-http'
import next from 'next'
import type { Principal } from './auth/principal.ts'
import { personOf } from './auth/session.ts'
import { closeDb, db } from './db/pool.ts'
import { env } from './env.ts'
import { AppError } from './errors.ts'
import { createDoor } from './ingest/http.ts'
import { intakeOf } from './ingest/take.ts'
import { leash } from './leash.ts'
import { appRouter } from './router.ts'
import type { Context } from './trpc.ts'

const TRPC = '/api/trpc/'
const STOP_WITHIN_MS = 10_000

const { HOST, PORT, publicUrl } = env()
const now = () => Date.now()
const pool = db()
const intake = intakeOf(pool, now)
const { devices } = intake
const door = createDoor(intake)
const activity = intake.activity.listen(() => intake.directory.forget())
const pages = next({
  dev: process.env.NODE_ENV === 'development',
  dir: fileURLToPath(new URL('..', import.meta.url)),
})
const handlePage = pages.getRequestHandler()

const server = createServer((req, res) => {
  if (door.handle(req, res)) return
  const url = req.url ?? '/'
  if (url.startsWith(TRPC)) return answerProcedure(req, res, url)
  if (url === '/healthz') return void res.writeHead(200, { 'content-type': 'text/plain' }).end('ok\n')
  if (url === '/readyz') return void answerReady(res)
  res.setHeader('x-content-type-options', 'nosniff')
  res.setHeader('referrer-policy', 'strict-origin-when-cross-origin')
  res.setHeader('content-security-policy', "frame-ancestors 'none'")
  // Where somebody was going, for the sign-in page; what a caller claims here is overwritten.
  req.headers['x-restline-path'] = url
  handlePage(req, res).catch((error: Error) => {
    console.error(`${req.method} ${url}: ${error.stack}`)
    if (!res.headersSent) res.writeHead(500)
    res.end()
  })
})
// A connection that sends its headers drop by drop is closed; the door bounds its own bodies.
server.headersTimeout = 15_000
server.requestTimeout = 60_000
server.keepAliveTimeout = 75_000

function answerProcedure(req: IncomingMessage, res: ServerResponse, url: string): void {
  const end = url.indexOf('?')
  void nodeHTTPRequestHandler({
    req,
    res,
    router: appRouter,
    path: url.slice(TRPC.length, end < 0 ? undefined : end),
    maxBodySize: 1 << 20,
    createContext: async (): Promise<Context> => ({
      principal: await principalOf(req),
      db: pool,
      now: now(),
      source: { address: req.socket.remoteAddress ?? null, requestId: randomUUID() },
    }),
    onError: ({ error, path }) => {
      if (error.code === 'INTERNAL_SERVER_ERROR')
        console.error(`${path}: ${error.cause?.stack ?? error.stack}`)
    },
  })
}

/** A device by its token, a person by the session cookie; a cookie that another site made the browser send counts for nothing. */
async function principalOf(req: IncomingMessage): Promise<Principal | null> {
  if (req.headers.authorization) {
    return (
      devices.known(req.headers.authorization) ??
      (await devices.authenticate(req.headers.authorization).catch((error: unknown) => {
        if (error instanceof AppError && error.code === 'unauthenticated') return null
        throw error
      }))
    )
  }
  const { origin } = req.headers
  if (origin && origin !== publicUrl && new URL(origin).host !== req.headers.host) return null
  return await personOf(new Headers({ cookie: req.headers.cookie ?? '' }))
}

async function answerReady(res: ServerResponse): Promise<void> {
  const reached = await pool.query('select 1').then(
    () => true,
    () => false,
  )
  res
    .writeHead(reached ? 200 : 503, { 'content-type': 'text/plain' })
    .end(reached ? 'ready\n' : 'the database is away\n')
}

async function stop(): Promise<void> {
  const deadline = setTimeout(() => process.exit(1), STOP_WITHIN_MS)
  server.close()
  // What has been received is written and acknowledged first; only then do the streams end.
  await door.close()
  await activity.close()
  server.closeAllConnections()
  await closeDb()
  clearTimeout(deadline)
  process.exit(0)
}
process.once('SIGTERM', stop)
process.once('SIGINT', stop)
leash(stop)

await pages.prepare()
server.once('error', (error: NodeJS.ErrnoException) => {
  console.error(
    error.code === 'EADDRINUSE'
      ? `Port ${PORT} is taken: stop what uses it, or choose another with PORT=${PORT + 1}.`
      : `The server can't listen on ${HOST}:${PORT}: ${error.message}`,
  )
  process.exit(1)
})
server.listen(PORT, HOST, () => console.log(`listening on ${publicUrl}`))
