import * as fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after } from 'node:test'
import type pg from 'pg'
import { type EmbeddedPostgres, startEmbedded } from './embedded.ts'
import { migrate } from './migrate.ts'
import { ensurePartitions } from './partitions.ts'
import { createPool } from './pool.ts'

/** A PostgreSQL of a test file's own, migrated, which it may kill. */
export interface KillableDatabase {
  url: string
  pool: pg.Pool
  /** Kills the postmaster outright; its other processes end when they notice. */
  kill(): void
  /** Starts it again over the same files, at the same address: it recovers from its log. */
  recover(): Promise<void>
}

const RECOVERS_WITHIN_MS = 60_000

export async function killableDatabase(): Promise<KillableDatabase> {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'restline-killable-'))
  // PostgreSQL may run as another user.
  fs.chmodSync(directory, 0o755)
  let server: EmbeddedPostgres = await startEmbedded(directory, { database: 'killable' })
  const { url, data } = server
  await migrate(url)
  const pool = createPool(url)
  await ensurePartitions(pool, Date.now())
  after(async () => {
    await pool.end()
    await server.stop()
    fs.rmSync(directory, { recursive: true, force: true })
  })
  const kill = () => {
    const [pid] = fs.readFileSync(path.join(data, 'postmaster.pid'), 'utf8').split('\n')
    process.kill(Number(pid), 'SIGKILL')
  }
  const recover = async () => {
    const port = Number(new URL(url).port)
    for (const until = performance.now() + RECOVERS_WITHIN_MS; ; ) {
      try {
        server = await startEmbedded(directory, { database: 'killable', port })
        return
      } catch (error) {
        // Its predecessor's processes may still hold the shared memory.
        if (performance.now() > until) throw error
      }
    }
  }
  return { url, pool, kill, recover }
}
