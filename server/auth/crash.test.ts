import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, test } from 'node:test'
import { type EmbeddedPostgres, startEmbedded } from '../db/embedded.ts'
import { migrate } from '../db/migrate.ts'
import { ensurePartitions } from '../db/partitions.ts'
import { createPool } from '../db/pool.ts'
import { beatOf, makeFleet, makeKey, positionsOf, send, signRequest, startInstance } from './doors.testing.ts'

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'restline-crash-'))
fs.chmodSync(directory, 0o755)
let database: EmbeddedPostgres = await startEmbedded(path.join(directory, 'db'), { database: 'crash' })
after(async () => {
  await database.stop()
  fs.rmSync(directory, { recursive: true, force: true })
})

test('attack 04: a database that is killed between two sends lets no replay through', async () => {
  await migrate(database.url)
  const pool = createPool(database.url, 2)
  await ensurePartitions(pool, Date.now())
  const fleet = await makeFleet(pool, 'acme', ['unit-1'])
  const [device] = fleet.devices
  const key = await makeKey(pool, fleet, { kind: 'device', deviceId: device!.id })
  const instance = await startInstance(database.url)
  const request = signRequest(beatOf('unit-1'), { keyId: key.enrolled.keyId, key: key.privateKey })
  assert.equal((await send(instance, request)).status, 200)
  const pid = Number(fs.readFileSync(path.join(database.data, 'postmaster.pid'), 'utf8').split('\n')[0])
  process.kill(pid, 'SIGKILL')
  await pool.end().catch(() => undefined)
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 20))
  // Its next start recovers from its log.
  database = await startEmbedded(path.join(directory, 'db'), { database: 'crash' })
  const again = createPool(database.url, 2)
  for (const at of [await startInstance(database.url), await startInstance(database.url)]) {
    const answered = await send(at, request)
    assert.deepEqual([answered.status, answered.code], [409, 'replayed'])
  }
  assert.equal((await positionsOf(again, device!)).length, 1)
  await again.end()
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
