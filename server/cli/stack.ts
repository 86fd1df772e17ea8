import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs'
import path from 'node:path'
import pg from 'pg'
import { startEmbedded } from '../db/embedded.ts'
import { migrate } from '../db/migrate.ts'
import { AppError } from '../errors.ts'
import { ROOT, STATE, step } from './setup.mjs'

export interface ServersOptions {
  databaseUrl: string
  /** Logs and secrets go here. */
  directory: string
  port: number
  /** Where Teltonika trackers are heard; nowhere if left out. */
  trackersPort?: number
  /** The devices of simulated trucks, or none drive. */
  devicesFile?: string
  /** Shown on the sign-in page of a demo. */
  login?: Login
}

export interface Login {
  email: string
  password: string
}

/** What has started, stopped in the reverse order. */
export interface Running {
  url: string
  stop(): Promise<void>
}

const STOP_WITHIN_MS = 12_000

/** Server, worker and, if asked for, trucks against a database that is migrated and seeded. */
export async function startServers(options: ServersOptions): Promise<Running> {
  const { databaseUrl, directory, port, trackersPort, devicesFile, login } = options
  fs.mkdirSync(directory, { recursive: true })
  const env = {
    ...process.env,
    NODE_ENV: 'production' as const,
    NEXT_TELEMETRY_DISABLED: '1',
    RESTLINE_LEASH: '1',
    DATABASE_URL: databaseUrl,
    PORT: String(port),
    ...(trackersPort === undefined ? {} : { TELTONIKA_PORT: String(trackersPort) }),
    // A receiver, a directory and a provider of one's own, to try them with.
    WEBHOOK_NETWORKS: process.env.WEBHOOK_NETWORKS ?? '127.0.0.0/8',
    SIGN_IN_NETWORKS: process.env.SIGN_IN_NETWORKS ?? '127.0.0.0/8',
    AUTH_SECRET: process.env.AUTH_SECRET ?? secret(path.join(directory, 'auth-secret')),
    ...(login ? { RESTLINE_DEMO_LOGIN: `${login.email}:${login.password}` } : {}),
  }
  const host = process.env.HOST ?? '127.0.0.1'
  const url = process.env.PUBLIC_URL ?? `http://${host === '0.0.0.0' ? 'localhost' : host}:${port}`
  const children: ChildProcess[] = []
  let stopping = false
  const stop = async () => {
    stopping = true
    for (const child of children.splice(0).reverse()) await end(child)
  }
  const launch = (title: string, file: string, args: string[] = []) => {
    const logFile = path.join(directory, `${path.basename(file, '.ts')}.log`)
    const child = start(file, args, env, logFile)
    children.push(child)
    child.once('exit', (code, signal) => {
      if (!stopping)
        console.error(
          `\n${title} ended (${signal ?? code}). Its log: ${path.relative(process.cwd(), logFile)}`,
        )
    })
    return { child, logFile }
  }
  try {
    await step('Starting the server', async () => {
      const { child, logFile } = launch('The server', 'server/main.ts')
      await untilUp(child, `${url}/readyz`, logFile)
    })
    await step('Starting the worker', async () => void launch('The worker', 'server/worker.ts'))
    if (devicesFile) {
      const args = ['--url', url, '--devices', devicesFile]
      await step(
        'Starting the trucks',
        async () => void launch('The simulator', 'server/cli/simulate.ts', args),
      )
    }
    return { url, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

export interface Stack extends Running {
  databaseUrl: string
  login: Login
}

/** Everything from nothing: database, migrations, a seeded scenario, servers, trucks. Whatever fails, what has started is stopped. */
export async function startStack(directory: string, port: number, scenario: string): Promise<Stack> {
  fs.mkdirSync(directory, { recursive: true })
  let databaseUrl = process.env.DATABASE_URL ?? ''
  let stopDatabase = async () => {}
  await step(databaseUrl ? 'Reaching the database' : 'Starting PostgreSQL', async () => {
    if (databaseUrl) return await checkDatabase(databaseUrl)
    const embedded = await startEmbedded(path.join(directory, 'postgres'), { database: 'restline' })
    stopDatabase = () => embedded.stop()
    databaseUrl = embedded.url
    return embedded.found ? 'found running' : undefined
  })
  try {
    await step('Migrating the database', async () => {
      const applied = await migrate(databaseUrl)
      return applied.length ? `${applied.length} applied` : 'up to date'
    })
    const devicesFile = path.join(directory, 'devices.json')
    let login = { email: '', password: '' }
    await step(`Seeding the fleet "${scenario}"`, async () => {
      const { seed } = await import('../../prisma/seed.ts')
      const seeded = await seed(databaseUrl, scenario, { devicesFile })
      login = seeded.login
      return seeded.existed ? 'kept' : undefined
    })
    const servers = await startServers({ databaseUrl, directory, port, devicesFile, login })
    const stop = async () => {
      await servers.stop()
      await stopDatabase()
    }
    return { url: servers.url, databaseUrl, login, stop }
  } catch (error) {
    await stopDatabase()
    throw error
  }
}

/** The demo: starts everything, says where it is, and stops everything on Ctrl-C. */
export async function runDemo(): Promise<void> {
  const port = Number(process.env.PORT ?? 3000)
  let stack: Stack | undefined
  let leaving = false
  const leave = async (signal: string) => {
    if (leaving) return
    leaving = true
    console.log(`\nStopping (${signal}) …`)
    fs.rmSync(SERVER_FILE, { force: true })
    await stack?.stop()
    console.log('Everything that this command started has stopped; the data is kept.')
    process.exit(0)
  }
  const starting = startStack(STATE, port, 'demo')
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => void starting.catch(() => undefined).then(() => leave(signal)))
  }
  stack = await starting
  // `npm run replay` and `npm run seed` find the running server here.
  fs.writeFileSync(SERVER_FILE, JSON.stringify({ url: stack.url, databaseUrl: stack.databaseUrl }), {
    mode: 0o600,
  })
  console.log(
    `\n  Open    ${stack.url}\n  E-mail  ${stack.login.email}\n  Password ${stack.login.password}\n\nCtrl-C stops everything.`,
  )
}

const SERVER_FILE = path.join(STATE, 'server.json')

async function checkDatabase(databaseUrl: string): Promise<string> {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 8_000 })
  try {
    if (!/^postgres(ql)?:\/\//.test(databaseUrl))
      throw new Error('it must look like postgresql://user:password@host:5432/database')
    await client.connect()
    const { rows } = await client.query<{ version: number }>(
      `select current_setting('server_version_num')::int as version`,
    )
    const major = Math.floor(rows[0]!.version / 10_000)
    if (major < 15 || major > 18) throw new Error(`it is PostgreSQL ${major}, and Restline runs on 15 to 18`)
    return `PostgreSQL ${major}`
  } catch (error) {
    const where = databaseUrl.replace(/\/\/[^@/]*@/, '//…@')
    throw new AppError(
      'misconfigured',
      `DATABASE_URL (${where}) can't be used: ${(error as Error).message || 'no answer'}. Correct it, or unset it to use the embedded PostgreSQL.`,
    )
  } finally {
    await client.end().catch(() => undefined)
  }
}

/** A secret of this installation's own, made once. */
function secret(file: string): string {
  if (!fs.existsSync(file)) fs.writeFileSync(file, randomBytes(32).toString('hex'), { mode: 0o600 })
  return fs.readFileSync(file, 'utf8')
}

function start(file: string, args: string[], env: NodeJS.ProcessEnv, logFile: string): ChildProcess {
  const log = fs.openSync(logFile, 'a')
  // Detached: Ctrl-C reaches the demo alone, which then stops the parts in their order. Leashed: should the demo be killed
  // outright, its end of their standard input closes, and they go too.
  const child = spawn(process.execPath, ['--import', 'tsx', file, ...args], {
    cwd: ROOT,
    env,
    detached: true,
    stdio: ['pipe', log, log],
  })
  fs.closeSync(log)
  return child
}

async function untilUp(child: ChildProcess, url: string, logFile: string): Promise<void> {
  for (let waited = 0; ; waited += 100) {
    const answer = await fetch(url).catch(() => undefined)
    if (answer?.ok) return
    if (child.exitCode !== null || waited > 60_000) {
      const lines = fs.existsSync(logFile)
        ? fs.readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-12).join('\n')
        : ''
      throw new Error(`The server did not start. The end of its log:\n${lines}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** Asks a process to stop, waits, and ends it if it will not. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill('SIGTERM')
  const hard = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS)
  await gone
  clearTimeout(hard)
}
