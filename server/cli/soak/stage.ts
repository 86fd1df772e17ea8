import { type ChildProcess, execFile, spawn } from 'node:child_process'
import * as fs from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { enrolDevices } from '../../auth/device.ts'
import { freePort, startEmbedded } from '../../db/embedded.ts'
import { newId } from '../../db/id.ts'
import { migrate } from '../../db/migrate.ts'
import { ensurePartitions } from '../../db/partitions.ts'
import { createPool } from '../../db/pool.ts'
import type { Verdict } from './checker.ts'
import { Journal } from './journal.ts'
import { Kept } from './kept.ts'
import { Probe } from './probe.ts'
import type { SoakDevice } from './sender.ts'
import type { SoakTracker } from './trackers.ts'
import type { SenderEvent, SenderTally } from './turns.ts'
import { openVolume, plainLaunch, type Volume } from './volume.ts'

export interface StageOptions {
  directory: string
  devices: number
  trackers: number
  seed: number
  /** Between two reports of a device, on average. */
  paceMs: number
}

const QUIET_WITHIN_MS = 60_000
const DATABASE = 'restline_soak'

/** A process that plays devices. */
interface Playing {
  child: ChildProcess
  /** Resolves with the count when everything that was begun is acknowledged. */
  quiet(): Promise<SenderTally>
}

/** Database, server and devices, each a process of its own, and those who keep them running. */
export interface Stage {
  journal: Journal
  database: Kept
  server: Kept
  volume: Volume | undefined
  probe: Probe
  /** The processes of PostgreSQL that run now, the first of them the postmaster. */
  databasePids(): number[]
  cut(ms: number): void
  pause(): Promise<SenderTally>
  resume(): void
  /** What the independent checker says of everything acknowledged so far. */
  check(options?: { latest: boolean }): Promise<Verdict>
  /** Runs the worker until each vehicle's latest position is its newest. */
  settle(): Promise<Verdict>
  close(): Promise<void>
}

/** Sets everything up in an empty directory and starts it. The devices send from now on. */
export async function openStage(options: StageOptions): Promise<Stage> {
  const { directory, seed, paceMs } = options
  fs.rmSync(directory, { recursive: true, force: true })
  fs.mkdirSync(directory, { recursive: true })
  const file = (name: string) => path.join(directory, name)
  const journal = new Journal(file('journal.log'))

  const made = await startEmbedded(file('postgres'), { database: DATABASE, settings: ['fsync=off'] })
  const devices = await furnish(made.url, options)
  await made.stop()
  const port = await freePort()
  const url = Object.assign(new URL(made.url), { port: String(port) }).href

  const volume = await openVolume(made.data)
  const data = volume?.data ?? made.data
  const settings = [
    'listen_addresses=127.0.0.1',
    `port=${port}`,
    'unix_socket_directories=',
    'timezone=UTC',
    'max_connections=40',
    'shared_buffers=64MB',
    // Small, so that checkpoints fall into the rounds.
    'max_wal_size=96MB',
    'checkpoint_timeout=30s',
  ]
  const args = ['-D', data, ...settings.flatMap((one) => ['-c', one])]
  const database = new Kept('PostgreSQL', 'postgresql', journal, () =>
    volume ? volume.launch(made.program, args) : plainLaunch(data, made.program, args),
  )
  database.start()

  const doorPort = await freePort()
  const trackerPort = await freePort()
  const server = new Kept('the server', 'server', journal, () =>
    launch('door', [], {
      DATABASE_URL: url,
      PORT: String(doorPort),
      TRACKER_PORT: String(trackerPort),
    }),
  )
  server.start()
  const probe = new Probe(`http://127.0.0.1:${doorPort}/v1/heartbeats`, devices.probe, file('probe.csv'))
  await probe.answered(60_000)

  fs.writeFileSync(file('devices.json'), JSON.stringify(devices.phones))
  fs.writeFileSync(file('trackers.json'), JSON.stringify(devices.trackers))
  const common = ['--seed', String(seed), '--pace', String(paceMs)]
  const list = (name: string) => ['--acknowledged', file(`${name}.csv`)]
  const players = [
    play('sender', journal, [
      ...['--url', `http://127.0.0.1:${doorPort}`, '--devices', file('devices.json'), ...list('sender')],
      ...common,
    ]),
    play('trackers', journal, [
      ...['--port', String(trackerPort), '--imeis', file('trackers.json'), ...list('trackers')],
      ...common,
    ]),
  ]
  const say = (line: string) => {
    for (const { child } of players) child.stdin!.write(`${line}\n`)
  }
  const check = async (options = { latest: false }): Promise<Verdict> => {
    const lists = ['sender', 'trackers', 'probe'].filter((name) => fs.existsSync(file(`${name}.csv`)))
    const args = [...lists.flatMap(list), '--database', url, ...(options.latest ? ['--latest'] : [])]
    return JSON.parse(await run('checker', args)) as Verdict
  }

  return {
    journal,
    database,
    server,
    volume,
    probe,
    databasePids: () => processesBelow(database.pid),
    cut: (ms) => say(`cut ${ms}`),
    async pause() {
      say('pause')
      return sum(await Promise.all(players.map((player) => player.quiet())))
    },
    resume: () => say('resume'),
    check,
    async settle() {
      const worker = spawn(process.execPath, ['--import', 'tsx', at('../../worker.ts')], {
        env: { ...process.env, DATABASE_URL: url, AUTH_SECRET: 'x'.repeat(32), RESTLINE_LEASH: '1' },
        stdio: ['pipe', 'pipe', 'pipe'],
      })
      for (const stream of [worker.stdout, worker.stderr]) journal.follow('worker', stream)
      const until = Date.now() + QUIET_WITHIN_MS
      let verdict = await check({ latest: true })
      while (verdict.notLatest > 0 && Date.now() < until) verdict = await check({ latest: true })
      worker.stdin.end()
      return verdict
    },
    async close() {
      for (const { child } of players) child.stdin!.end()
      await server.close('SIGKILL')
      await database.close('SIGQUIT')
      await volume?.close()
    },
  }
}

interface Furnished {
  phones: SoakDevice[]
  trackers: SoakTracker[]
  probe: SoakDevice
}

/** Tables, months, one fleet and its devices. */
async function furnish(url: string, options: StageOptions): Promise<Furnished> {
  await migrate(url)
  const pool = createPool(url, 2)
  try {
    await ensurePartitions(pool, Date.now())
    const fleetId = newId()
    await pool.query(
      `insert into fleets (id, name, slug, time_zone) values ($1, 'Soak', 'soak', 'America/Chicago')`,
      [fleetId],
    )
    const names = [
      'probe',
      ...Array.from({ length: options.devices }, (_, i) => `unit-${i}`),
      ...Array.from({ length: options.trackers }, (_, i) => `tracker-${i}`),
    ]
    const vehicles = names.map((name) => ({ name, vehicleId: newId() }))
    await pool.query(
      `insert into vehicles (fleet_id, id, unit_number) select $1, * from unnest($2::bigint[], $3::text[])`,
      [fleetId, vehicles.map((one) => one.vehicleId), names],
    )
    const enrolled = await enrolDevices(
      pool,
      fleetId,
      vehicles.map((one, i) =>
        one.name.startsWith('tracker')
          ? { ...one, protocol: 'teltonika' as const, identity: String(350_000_000_000_000 + i), open: true }
          : one,
      ),
    )
    const phones = enrolled.filter((one) => !one.identity).map(({ name, token }) => ({ name, token }))
    return {
      probe: phones[0]!,
      phones: phones.slice(1),
      trackers: enrolled.flatMap(({ name, identity }) => (identity ? [{ name, imei: identity }] : [])),
    }
  } finally {
    await pool.end()
  }
}

const at = (name: string) => fileURLToPath(new URL(name, import.meta.url))

const launch = (name: string, args: readonly string[], env: Record<string, string> = {}): ChildProcess =>
  spawn(process.execPath, ['--import', 'tsx', at(`./${name}.ts`), ...args], {
    env: { ...process.env, ...env, RESTLINE_LEASH: '1' },
    stdio: ['pipe', 'pipe', 'pipe'],
  })

function play(name: string, journal: Journal, args: readonly string[]): Playing {
  const child = launch(name, args)
  const heard: ((tally: SenderTally) => void)[] = []
  createInterface({ input: child.stdout! }).on('line', (line) => {
    const said = JSON.parse(line) as SenderEvent
    if (said.event === 'quiet') for (const tell of heard.splice(0)) tell(said)
  })
  journal.follow('devices', child.stderr!)
  return {
    child,
    async quiet() {
      const told = new Promise<SenderTally>((resolve) => heard.push(resolve))
      const late = wait(QUIET_WITHIN_MS, undefined, { ref: false }).then(() => {
        throw new Error(`${name}: not everything was acknowledged within ${QUIET_WITHIN_MS / 1000} s`)
      })
      return await Promise.race([told, late])
    },
  }
}

function sum(tallies: readonly SenderTally[]): SenderTally {
  const total: SenderTally = { acknowledged: 0, repeated: 0, cuts: 0, refusals: {}, contradictions: [] }
  for (const one of tallies) {
    total.acknowledged += one.acknowledged
    total.repeated += one.repeated
    total.cuts += one.cuts
    total.contradictions.push(...one.contradictions)
    for (const [answer, times] of Object.entries(one.refusals))
      total.refusals[answer] = (total.refusals[answer] ?? 0) + times
  }
  return total
}

/** What a script prints; exit code 1 is an answer too. */
function run(name: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, ['--import', 'tsx', at(`./${name}.ts`), ...args], (error, stdout, stderr) => {
      if (error && error.code !== 1) reject(new Error(`${name}: ${stderr || error.message}`))
      else if (stdout === '') reject(new Error(`${name}: ${stderr}`))
      else resolve(stdout)
    })
  })
}

function processesBelow(pid: number): number[] {
  const children = `/proc/${pid}/task/${pid}/children`
  if (!fs.existsSync(children)) return [pid]
  const found = fs.readFileSync(children, 'utf8').trim()
  return [pid, ...(found === '' ? [] : found.split(' ').map(Number))]
}
