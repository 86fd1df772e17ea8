import { setTimeout as wait } from 'node:timers/promises'
import type { Expected } from './journal.ts'
import type { Random } from './random.ts'
import type { Stage } from './stage.ts'

/** Something that happens to a service in operation. */
export interface Fault {
  name: string
  /** Does it, and resolves when its cause is gone: from then on the service has to recover by itself. */
  strike(stage: Stage, random: Random, limits: Limits): Promise<void>
  /** What the logs must say of it afterwards. */
  said: readonly Expected[]
}

export interface Limits {
  /** How long PostgreSQL is stopped: each time something in between. */
  stoppedMs: readonly [number, number]
}

const from = (source: Expected['source'], text: RegExp): Expected => ({ source, text })
const FULL = from('postgresql', /No space left on device|File too large/)
/** Whichever of its connections met it first. */
const STORE_FAILED = from(
  'server',
  /group was not stored|connection was lost|terminating connection|Connection terminated|recovery mode|starting up|ECONNREFUSED/,
)
const FULL_WITHIN_MS = 20_000
/** Times within which a busy machine does what takes milliseconds otherwise. */
const KNOWN_WITHIN_MS = 30_000
const SAID_WITHIN_MS = 15_000

const killServer: Fault = {
  name: 'server killed',
  async strike({ server }) {
    process.kill(server.pid, 'SIGKILL')
  },
  said: [
    from('keeper', /^the server ended \(SIGKILL\), it is started again$/),
    from('server', /^the door listens$/),
  ],
}

const killDatabase: Fault = {
  name: 'PostgreSQL killed',
  async strike({ database }) {
    process.kill(database.pid, 'SIGKILL')
  },
  said: [
    from('keeper', /^PostgreSQL ended \(SIGKILL\), it is started again$/),
    from('postgresql', /was not properly shut down; automatic recovery in progress/),
    from('postgresql', /database system is ready to accept connections/),
    STORE_FAILED,
  ],
}

/** One of its processes, whichever: PostgreSQL ends all the others and recovers without being started again. */
const killBackend: Fault = {
  name: 'a process of PostgreSQL killed',
  async strike({ databasePids }, random) {
    process.kill(random.pick(databasePids().slice(1)), 'SIGKILL')
  },
  said: [
    from('postgresql', /was terminated by signal 9: Killed/),
    from('postgresql', /database system is ready to accept connections/),
    STORE_FAILED,
  ],
}

/** All processes of PostgreSQL stand still, and its connections stay open: a machine that hangs. */
export const stopDatabase: Fault = {
  name: 'PostgreSQL stopped',
  async strike({ databasePids, journal, probe }, random, { stoppedMs }) {
    const ms = random.between(...stoppedMs)
    const mark = journal.lines.length
    // The server knows this device for some seconds from here on, so its next report waits for nothing but the commit.
    await probe.answered(KNOWN_WITHIN_MS)
    const pids = new Set<number>()
    // The first is the one that starts the others. A list that is read while one of them ends may lack another: it is read
    // until it says nothing new.
    for (let known = -1; known < pids.size; ) {
      known = pids.size
      for (const pid of databasePids()) {
        if (pids.has(pid)) continue
        signal(pid, 'SIGSTOP')
        pids.add(pid)
      }
    }
    journal.note('keeper', `PostgreSQL is stopped for ${ms} ms`)
    // Whether it is answered in the end is asked when the fault is over.
    void probe.answered(ms + SAID_WITHIN_MS).catch(() => undefined)
    await wait(ms)
    // With a report under way for over a second the log must say so, before anything ends; on a busy machine the report may come late.
    await journal.missing(mark, this.said, SAID_WITHIN_MS)
    for (const pid of pids) signal(pid, 'SIGCONT')
  },
  said: [from('server', /storing reports takes long|storing is still in trouble|group was not stored/)],
}

const fillDisk: Fault = {
  name: 'disk full',
  async strike({ databasePids, journal, volume }, random) {
    const mark = journal.lines.length
    await volume!.fill(databasePids())
    journal.note('keeper', 'the disk is full')
    const unseen = await journal.missing(mark, [FULL], FULL_WITHIN_MS)
    await wait(random.between(200, 2_000))
    await volume!.free(databasePids())
    journal.note('keeper', 'the disk has room again')
    if (unseen.length > 0) throw new Error('PostgreSQL did not notice that the disk is full')
  },
  said: [FULL, from('server', /group was not stored/)],
}

const cutConnections: Fault = {
  name: 'connections cut',
  async strike({ cut }, random) {
    const ms = random.between(300, 1_500)
    cut(ms)
    await wait(ms)
  },
  said: [from('server', /reports broke off in the middle/)],
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error // it has ended by itself
  }
}

/** All of them. */
export const FAULTS: readonly Fault[] = [
  killServer,
  killDatabase,
  killBackend,
  stopDatabase,
  fillDisk,
  cutConnections,
]
