import { randomBytes, randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { fileURLToPath } from 'node:url'
import { nodeHTTPRequestHandler } from '@trpc/server/adapters/node-http'
import next from 'next'
import { ROUTES } from './auth/can.ts'
import { foreignReason, isOwn } from './auth/origin.ts'
import type { Principal } from './auth/principal.ts'
import { clientAddress, rangesOf } from './auth/ranges.ts'
import { personOf, signedAnew } from './auth/session.ts'
import { packJson } from './compressed.ts'
import { closeDb, db, ownerDb } from './db/pool.ts'
import { env } from './env.ts'
import { contentSecurityPolicy, dropClaims, originsElsewhere, securityHeaders } from './headers.ts'
import { healthOf } from './health.ts'
import { boundedServer } from './ingest/bounded.ts'
import { type Doors, openDoors } from './ingest/doors.ts'
import { createDoor } from './ingest/http.ts'
import { callingDevice, isOfDevice } from './ingest/procedure.ts'
import { problem, refuse } from './ingest/refuse.ts'
import { intakeOf } from './ingest/take.ts'
import { leash } from './leash.ts'
import { faultOf, log } from './log.ts'
import { appRouter } from './router.ts'
import type { Context } from './trpc.ts'

const LOOPBACK = /^(127\.|::1$|localhost$)/
const TRPC = '/api/trpc/'
const STOP_WITHIN_MS = 10_000

const settings = env()
const { HOST, PORT, publicUrl, AUTH_SECRET, AUTH_SECRET_PREVIOUS } = settings
const now = () => Date.now()
const pool = db()
const intake = intakeOf(pool, now, {
  publicOrigin: new URL(publicUrl).origin,
  secrets: AUTH_SECRET_PREVIOUS ? [AUTH_SECRET, AUTH_SECRET_PREVIOUS] : [AUTH_SECRET],
  proxies: settings.TRUSTED_PROXIES,
  networks: settings.SIGN_IN_NETWORKS,
  owner: ownerDb(),
  ...settings.deviceLimits,
})
const door = createDoor(intake)
let doors: Doors | undefined
const health = healthOf({
  pool,
  token: settings.METRICS_TOKEN,
  now,
  detail: () => ({ waiting: intake.receiver.depth, mqtt: doors?.mqtt() ?? null }),
})
const activity = intake.activity.listen(() => intake.directory.forget())
const pages = next({
  dev: process.env.NODE_ENV === 'development',
  dir: fileURLToPath(new URL('..', import.meta.url)),
})
const handlePage = pages.getRequestHandler()

const development = process.env.NODE_ENV === 'development'
const elsewhere = originsElsewhere([settings.BASEMAP_URL, settings.BASEMAP_URL_DARK], publicUrl)
const always = Object.entries(securityHeaders(publicUrl))

const server = boundedServer((req, res) => {
  if (door.handle(req, res)) return
  if (req.headers.cookie) req.headers.cookie = signedAnew(req.headers.cookie)
  for (const [name, value] of always) res.setHeader(name, value)
  const url = req.url ?? '/'
  if (url.startsWith(TRPC)) return void answerProcedure(req, res, url)
  if (health(req, res)) return
  const nowhere = noSuchDoor(req)
  if (nowhere) {
    const { methods, ...why } = nowhere
    if (methods) res.setHeader('allow', methods.join(', '))
    return problem(res, why.status, why)
  }
  dropClaims(req.headers)
  const nonce = randomBytes(16).toString('base64')
  const policy = contentSecurityPolicy(nonce, elsewhere, development)
  // Next takes the nonce for its own scripts from here.
  req.headers['content-security-policy'] = policy
  res.setHeader('content-security-policy', policy)
  // Where somebody was going, for the sign-in page; what a caller claims here is overwritten.
  req.headers['x-restline-path'] = url
  req.headers['x-restline-address'] = addressOf(req)
  handlePage(req, res).catch((error: Error) => {
    log.error('a page failed', { method: req.method, path: url.split('?')[0], ...faultOf(error) })
    if (!res.headersSent) res.writeHead(500)
    res.end()
  })
})

const DOORS = Object.keys(ROUTES).filter((route) => route.startsWith('/api/'))

/** Below /api and /v1 programs are answered, also that there is nothing at an address, or nothing by this method. */
function noSuchDoor({ url = '/', method = 'GET' }: IncomingMessage) {
  const [path] = url.split('?') as [string]
  if (!/^\/(api|v1)(\/|$)/.test(path)) return null
  const route = DOORS.find((one) => {
    const [start, rest] = one.split('[')
    return rest === undefined ? path === one : path.startsWith(start!)
  })
  if (!route)
    return { status: 404, code: 'not-found', detail: 'There is nothing at this address.', methods: null }
  const methods = route.startsWith('/api/exports/') ? ['GET'] : ['GET', 'HEAD', 'POST']
  if (methods.includes(method)) return null
  return { status: 405, code: 'malformed', detail: `Send this by ${methods.join(' or ')}.`, methods }
}

const proxies = rangesOf(settings.TRUSTED_PROXIES)

/** The caller's address: the connection's, or what a proxy of ours says that it is. */
const addressOf = ({ socket, headers }: IncomingMessage): string =>
  clientAddress(proxies, socket.remoteAddress ?? 'unknown', headers['x-forwarded-for'])

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Mutations come by POST, as JSON and from our own pages (or from a device); a query may come by GET. */
function refuseForeign(req: IncomingMessage, paths: string): string | null {
  const procedures = appRouter._def.procedures as unknown as Record<
    string,
    { _def: { type: string } } | undefined
  >
  const changes = decoded(paths)
    .split(',')
    .some((path) => procedures[path]?._def.type === 'mutation')
  if (req.method !== 'POST') return changes ? 'Send this by POST.' : null
  if (isOfDevice(req)) return null
  const { origin, host, cookie } = req.headers
  return foreignReason({ origin, host, cookie, contentType: req.headers['content-type'] })
}

/** Devices prove themselves before tRPC reads anything: what they sign is the body as it came. */
async function answerProcedure(req: IncomingMessage, res: ServerResponse, url: string): Promise<void> {
  const end = url.indexOf('?')
  const paths = url.slice(TRPC.length, end < 0 ? undefined : end)
  const foreign = refuseForeign(req, paths)
  if (foreign) {
    return problem(res, 403, { code: 'forbidden', detail: foreign })
  }
  let device: Principal | null = null
  if (isOfDevice(req)) {
    res.setHeader('fleet-nonce', intake.gate.serverNonce())
    try {
      device = await callingDevice(intake, req)
    } catch (error) {
      return refuse(intake, req, res, error)
    }
  }
  packJson(req, res)
  await nodeHTTPRequestHandler({
    req,
    res,
    router: appRouter,
    path: paths,
    maxBodySize: 1 << 20,
    createContext: async (): Promise<Context> => ({
      principal: isOfDevice(req) ? device : await callingPerson(req),
      db: pool,
      now: now(),
      source: { address: addressOf(req), requestId: randomUUID() },
    }),
    onError: ({ error, path }) => {
      if (error.code === 'INTERNAL_SERVER_ERROR')
        log.error('a procedure failed', { procedure: path, ...faultOf(error.cause ?? error) })
    },
  })
}

/** A person by the session cookie; a cookie that another site made the browser send counts for nothing. */
async function callingPerson(req: IncomingMessage): Promise<Principal | null> {
  const { origin } = req.headers
  if (origin && !isOwn(origin, req.headers.host ?? '')) return null
  return await personOf(new Headers({ cookie: req.headers.cookie ?? '' }))
}

async function stop(): Promise<void> {
  const deadline = setTimeout(() => process.exit(1), STOP_WITHIN_MS)
  server.close()
  // What has been received is written and acknowledged first; only then do the streams end.
  await doors?.close()
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

function endWith(error: NodeJS.ErrnoException & { port?: number }): never {
  const { port = PORT } = error
  log.error(
    error.code === 'EADDRINUSE'
      ? `Port ${port} is taken: stop what uses it, or choose another, say ${port + 1}.`
      : `The server can't listen: ${error.message}`,
  )
  process.exit(1)
}

// Devices do not wait until the pages are ready.
doors = await openDoors(intake, settings).catch(endWith)
await pages.prepare()
server.once('error', endWith)
server.listen({ port: PORT, host: HOST, backlog: 4_096 }, () => {
  log.info(`listening on ${publicUrl}`, { host: HOST, port: PORT })
  if (!settings.PUBLIC_URL && !LOOPBACK.test(HOST))
    log.warn(
      'PUBLIC_URL is not set: cookies are not bound to https, and what devices sign names another address',
    )
})
