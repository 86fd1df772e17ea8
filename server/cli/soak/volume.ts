import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

/** How a disk can be full here. */
export type VolumeKind = 'mount' | 'namespace' | 'limit'

/** What each kind does, for whoever reads the output. */
export const VOLUME_KINDS: Record<VolumeKind, string> = {
  mount: 'a tmpfs of its own, shrunk to what is used',
  namespace: 'a tmpfs in a user namespace, shrunk to what is used',
  limit: 'no file may grow (RLIMIT_FSIZE): nothing can be mounted here',
}

/** Where a database keeps its data, on a disk that can be made full. */
export interface Volume {
  kind: VolumeKind
  data: string
  /** Starts a program as the data's owner, where it sees the data. */
  launch(command: string, args: readonly string[]): ChildProcess
  /** Nothing more fits. @param pids of the processes that write to it */
  fill(pids: readonly number[]): Promise<void>
  /** There is room again. */
  free(pids: readonly number[]): Promise<void>
  close(): Promise<void>
}

/** Memory is taken only for what is stored. */
const ROOM_BYTES = 4 * 2 ** 30
const PAGE_BYTES = 4_096
/** So far a file may grow while the limit holds: less than a segment of the WAL has. */
const LIMIT_BYTES = 1 << 20

interface Owner {
  uid: number
  gid: number
}

/**
 * Moves a stopped database's data onto a disk that can be made full: a tmpfs in a mount namespace of our own (as root, or
 * as anybody where user namespaces are allowed), which vanishes with us whatever happens. Where neither is
 * allowed the data stays and a limit on the size of files takes the disk's place.
 * @param kinds the ways to try, in this order
 * @returns undefined if none of them works here
 */
export async function openVolume(
  data: string,
  kinds: readonly VolumeKind[] = ['mount', 'namespace', 'limit'],
): Promise<Volume | undefined> {
  const { uid, gid } = fs.statSync(data)
  for (const kind of kinds) {
    const volume = kind === 'limit' ? limited(data, { uid, gid }) : await mounted(kind, data, { uid, gid })
    if (volume) return volume
  }
  return undefined
}

/** Where no kind of volume works: the data where it is. */
export function plainLaunch(data: string, command: string, args: readonly string[]): ChildProcess {
  const { uid, gid } = fs.statSync(data)
  return spawn(command, args, { ...spawnOptions(data), ...ownerIfRoot({ uid, gid }) })
}

const spawnOptions = (data: string): SpawnOptions => ({
  cwd: path.dirname(data),
  stdio: ['ignore', 'pipe', 'pipe'],
})
const isRoot = () => process.getuid?.() === 0
const ownerIfRoot = (owner: Owner) => (isRoot() ? owner : {})

async function mounted(
  kind: 'mount' | 'namespace',
  data: string,
  { uid, gid }: Owner,
): Promise<Volume | undefined> {
  if (process.platform !== 'linux' || (kind === 'mount' && !isRoot())) return undefined
  const at = path.join(path.dirname(data), 'volume')
  fs.mkdirSync(at, { recursive: true })
  // In a user namespace we are root, and everything is ours.
  const inside = kind === 'mount' ? { uid, gid } : { uid: 0, gid: 0 }
  // The one that holds the namespace: it ends with us, however we end, and takes the database with it.
  const script = `set -e
    mount -t tmpfs -o size=${ROOM_BYTES},mode=0700,uid=${inside.uid},gid=${inside.gid} restline-soak "$2"
    cp -a "$1/." "$2/"
    echo ready
    cat > /dev/null
    kill -9 "$(head -n 1 "$2/postmaster.pid")" 2> /dev/null || true`
  const flags = kind === 'mount' ? ['-m'] : ['-U', '-r', '-m']
  const holder = spawn(
    'unshare',
    [...flags, '--propagation', 'private', 'sh', '-c', script, 'sh', data, at],
    {
      stdio: ['pipe', 'pipe', 'ignore'],
    },
  )
  const ready = await Promise.race([
    once(holder.stdout!, 'data').then(() => true),
    once(holder, 'exit').then(
      () => false,
      () => false, // there is no `unshare`
    ),
  ])
  if (!ready) return undefined
  const enter = ['-t', String(holder.pid), ...(kind === 'mount' ? ['-m'] : ['-U', '-m'])]
  const resize = (bytes: number) =>
    execFileSync('nsenter', [...enter, 'mount', '-o', `remount,size=${bytes}`, at], { stdio: 'pipe' })
  const usedBytes = () => {
    const { blocks, bfree, bsize } = fs.statfsSync(`/proc/${holder.pid}/root${at}`)
    return (blocks - bfree) * bsize
  }
  return {
    kind,
    data: at,
    launch: (command, args) =>
      spawn(
        'nsenter',
        kind === 'mount'
          ? [...enter, '-S', String(uid), '-G', String(gid), command, ...args]
          : // PostgreSQL refuses to be root, even one of a namespace: inside another one we are who we were.
            [...enter, 'unshare', '-U', `--map-user=${uid}`, `--map-group=${gid}`, command, ...args],
        spawnOptions(data),
      ),
    async fill() {
      // The database writes meanwhile, and a size below what is used is refused.
      for (let spare = 0; ; spare += 4) {
        try {
          return void resize(usedBytes() + spare * PAGE_BYTES)
        } catch (error) {
          if (spare > 200) throw error
          await wait(1)
        }
      }
    },
    async free() {
      resize(ROOM_BYTES)
    },
    async close() {
      const ended = once(holder, 'exit')
      holder.stdin!.end()
      await ended
    },
  }
}

function limited(data: string, owner: Owner): Volume | undefined {
  const limit = (pids: readonly number[], bytes: string) => {
    // One by one: a process may have ended meanwhile. Its owner may do it, root without its capabilities may not.
    for (const pid of pids) {
      try {
        execFileSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}:unlimited`], {
          stdio: 'pipe',
          ...ownerIfRoot(owner),
        })
      } catch (error) {
        if (fs.existsSync(`/proc/${pid}`)) throw error
      }
    }
  }
  try {
    execFileSync('prlimit', ['--version'], { stdio: 'pipe' })
  } catch {
    return undefined
  }
  return {
    kind: 'limit',
    data,
    launch: (command, args) => plainLaunch(data, command, args),
    fill: async (pids) => limit(pids, String(LIMIT_BYTES)),
    free: async (pids) => limit(pids, 'unlimited'),
    close: async () => {},
  }
}
