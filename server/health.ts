import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type pg from 'pg'
import { pendingMigrations } from './db/migrate.ts'
import { registry } from './ingest/metrics.ts'

/** An orchestrator asks every few seconds, perhaps from many places: one look at the database serves them all. */
const GOOD_FOR_MS = 1_000
const ANSWER_WITHIN_MS = 3_000

export interface Watched {
  pool: pg.Pool
  /** If set, who asks for metrics or detail must bring it; if not, only this machine gets them. */
  token: string | undefined
  now: () => number
  /** What else is worth knowing; none of it makes the server unready. */
  detail: () => Record<string, unknown>
}

/**
 * `/healthz`: the process answers. `/readyz`: the database is reached and has our migrations. `/metrics`: Prometheus' text. The last,
 * and readyz's reasons, are for who holds METRICS_TOKEN, or without one for this machine.
 */
export function healthOf({ pool, token, now, detail }: Watched) {
  let last: { at: number; answer: Promise<string | null> } | undefined
  const unready = (): Promise<string | null> => {
    if (!last || now() - last.at > GOOD_FOR_MS) last = { at: now(), answer: faultOfDatabase(pool) }
    return last.answer
  }
  const metrics = async (res: ServerResponse) =>
    res.writeHead(200, { 'content-type': registry.contentType }).end(await registry.metrics())
  const ready = async (req: IncomingMessage, res: ServerResponse) => {
    const fault = await unready()
    const status = fault === null ? 200 : 503
    if (!mayLook(req, token)) return say(res, status, fault === null ? 'ready\n' : 'not ready\n')
    res.writeHead(status, { 'content-type': 'application/json' })
    res.end(`${JSON.stringify({ ready: fault === null, fault, ...detail() })}\n`)
  }
  return (req: IncomingMessage, res: ServerResponse): boolean => {
    const [path] = (req.url ?? '').split('?')
    if (path === '/healthz') say(res, 200, 'ok\n')
    else if (path === '/readyz') void ready(req, res)
    else if (path !== '/metrics') return false
    else if (mayLook(req, token)) void metrics(res)
    else say(res, 404, 'not found\n')
    return true
  }
}

const say = (res: ServerResponse, status: number, text: string) =>
  void res.writeHead(status, { 'content-type': 'text/plain' }).end(text)

async function faultOfDatabase(pool: pg.Pool): Promise<string | null> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve('the database does not answer'), ANSWER_WITHIN_MS)
  })
  const asked = pendingMigrations(pool).then(
    (pending) => (pending.length > 0 ? `migrations are missing: ${pending.join(', ')}` : null),
    (error: Error) => `the database is away: ${error.message}`,
  )
  return await Promise.race([asked, late]).finally(() => clearTimeout(timer))
}

/** A proxy on this machine speaks for others, and says so. */
function mayLook({ headers, socket }: IncomingMessage, token: string | undefined): boolean {
  if (token !== undefined) return isSame(headers.authorization ?? '', `Bearer ${token}`)
  const isForwarded = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'].some((name) => name in headers)
  return !isForwarded && /^(?:::ffff:)?127\.|^::1$/.test(socket.remoteAddress ?? '')
}

const digest = (text: string) => createHash('sha256').update(text).digest()
const isSame = (given: string, expected: string) => timingSafeEqual(digest(given), digest(expected))
