import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after } from 'node:test'
import type pg from 'pg'
import { readDevices, type SimulatedDevice } from '../../prisma/seed/devices.ts'
import { type SeededFleet, seed } from '../../prisma/seed.ts'
import { freePort } from '../db/embedded.ts'
import { testDatabase } from '../db/testing.ts'

/** The real server with two fleets behind it: the attacker is of A, and must get nothing of B. */
export interface Target {
  url: string
  pid: number
  pool: pg.Pool
  a: SeededFleet & { devices: SimulatedDevice[] }
  b: SeededFleet & { devices: SimulatedDevice[] }
  /** What the process has written: no secret may stand there either. */
  logFile: string
  databaseUrl: string
  authSecret: string
  /** Another instance over the same database, with the same secret. */
  another(settings?: Record<string, string>): Promise<string>
}

const STARTS_WITHIN_MS = 240_000

export async function startTarget(
  settings: Record<string, string> = {},
  database: Promise<Pick<Target, 'pool'> & { url: string }> = testDatabase(),
): Promise<Target> {
  const { url: databaseUrl, pool } = await database
  const directory = fs.mkdtempSync(path.join(tmpdir(), 'restline-attacks-'))
  const devicesFile = path.join(directory, 'devices.json')
  const { fleets } = await seed(databaseUrl, 'two-fleets', { devicesFile })
  const { devices } = readDevices(devicesFile)!
  const authSecret = randomBytes(32).toString('base64')
  const logFile = path.join(directory, 'main.log')
  const { url, pid } = await startInstance({ databaseUrl, authSecret, logFile, settings })
  after(() => fs.rmSync(directory, { recursive: true, force: true }))
  const of = (fleet: SeededFleet) => ({
    ...fleet,
    devices: devices.filter(({ fleetId }) => fleetId === fleet.id),
  })
  const another = async (settings: Record<string, string> = {}) =>
    (await startInstance({ databaseUrl, authSecret, logFile: path.join(directory, 'another.log'), settings }))
      .url
  return { url, pid, pool, a: of(fleets[0]!), b: of(fleets[1]!), logFile, databaseUrl, authSecret, another }
}

async function startInstance(of: {
  databaseUrl: string
  authSecret: string
  logFile: string
  settings?: Record<string, string>
}): Promise<{ url: string; pid: number }> {
  const port = await freePort()
  const log = fs.openSync(of.logFile, 'a')
  const child = spawn(process.execPath, ['--import', 'tsx', 'server/main.ts'], {
    env: {
      ...process.env,
      NODE_ENV: 'production',
      NEXT_TELEMETRY_DISABLED: '1',
      RESTLINE_LEASH: '1',
      DATABASE_URL: of.databaseUrl,
      PORT: String(port),
      AUTH_SECRET: of.authSecret,
      SIGN_IN_NETWORKS: '127.0.0.0/8',
      ...of.settings,
    },
    stdio: ['pipe', log, log],
  })
  after(async () => {
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    child.kill('SIGTERM')
    await gone
  })
  const url = `http://127.0.0.1:${port}`
  await untilReady(child, url, of.logFile)
  return { url, pid: child.pid! }
}

async function untilReady(child: ChildProcess, url: string, logFile: string): Promise<void> {
  for (const from = Date.now(); ; ) {
    if ((await fetch(`${url}/readyz`).catch(() => undefined))?.ok) return
    if (child.exitCode !== null || Date.now() - from > STARTS_WITHIN_MS)
      throw new Error(`the server did not start: ${fs.readFileSync(logFile, 'utf8').slice(-2_000)}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** Signs in through the real door and gives the cookie. */
export async function signIn(target: Target, { login }: SeededFleet): Promise<string> {
  const answer = await fetch(`${target.url}/api/auth/sign-in/email`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: target.url },
    body: JSON.stringify(login),
  })
  if (!answer.ok) throw new Error(`signing in: ${answer.status} ${await answer.text()}`)
  return answer.headers
    .getSetCookie()
    .map((cookie) => cookie.split(';')[0])
    .join('; ')
}

export interface Answer {
  status: number
  text: string
}

/** Calls a procedure over HTTP as a browser of ours does. */
export async function call(
  target: Target,
  cookie: string,
  procedure: { path: string; type: string },
  input: unknown,
): Promise<Answer> {
  const at = `${target.url}/api/trpc/${procedure.path}`
  const headers = { cookie, origin: target.url, 'content-type': 'application/json' }
  const answer =
    procedure.type === 'mutation'
      ? await fetch(at, { method: 'POST', headers, body: JSON.stringify(input ?? {}) })
      : await fetch(`${at}?input=${encodeURIComponent(JSON.stringify(input ?? {}))}`, { headers })
  return { status: answer.status, text: await answer.text() }
}

/** Everything of a fleet in one number, over all tables that have it: unchanged means that nothing was written. */
export async function digestOf(pool: pg.Pool, fleetId: number): Promise<Map<string, string>> {
  const { rows: tables } = await pool.query<{ name: string }>(
    `select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'fleet_id'
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition order by 1`,
  )
  const digests = new Map<string, string>()
  for (const { name } of tables) {
    const { rows } = await pool.query<{ digest: string }>(
      `select count(*) || ' ' || coalesce(md5(string_agg(md5(t::text), '' order by md5(t::text))), '') as digest
       from ${name} t where fleet_id = $1`,
      [fleetId],
    )
    digests.set(name, rows[0]!.digest)
  }
  return digests
}
