import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import * as fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { enrolDevices } from '../../auth/device.ts'
import { newId } from '../../db/id.ts'
import { testDatabase } from '../../db/testing.ts'
import type { Verdict } from './checker.ts'

const { pool, url } = await testDatabase()
const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'restline-checker-'))
after(() => fs.rmSync(directory, { recursive: true }))

const FIRST_MS = Date.UTC(2026, 10, 20)

async function check(lines: readonly string[]): Promise<Verdict & { code: number }> {
  const list = path.join(directory, 'list.csv')
  fs.writeFileSync(list, lines.map((line) => `${line}\n`).join(''))
  const script = fileURLToPath(new URL('checker.ts', import.meta.url))
  const args = ['--import', 'tsx', script, '--acknowledged', list, '--database', url, '--latest']
  return await new Promise((resolve, reject) => {
    execFile(process.execPath, args, (error, stdout, stderr) => {
      if (stdout === '') reject(new Error(stderr))
      else resolve({ ...(JSON.parse(stdout) as Verdict), code: Number(error?.code ?? 0) })
    })
  })
}

test('the checker sees what is missing, what is there twice and what does not show', async () => {
  const [fleetId, vehicleId] = [newId(), newId()]
  await pool.query(`insert into fleets (id, name, slug, time_zone) values ($1, 'F', 'f', 'UTC')`, [fleetId])
  await pool.query(`insert into vehicles (fleet_id, id, unit_number) values ($1, $2, '1')`, [
    fleetId,
    vehicleId,
  ])
  const [device] = await enrolDevices(pool, fleetId, [{ vehicleId, name: 'unit' }])
  const store = (ms: number, digest: number, sequence: number | null) =>
    pool.query(
      `insert into positions (received_at, fleet_number, device_number, fix_second, fix_ms, digest, sequence, flags)
       select now(), f.number, d.number, fix_second($2), $3, $4, $5, 0
       from devices d join fleets f on f.id = d.fleet_id where d.id = $1`,
      [device!.id, new Date(ms), ms % 1000, digest, sequence],
    )
  await store(FIRST_MS + 250, 1, 1)
  await store(FIRST_MS + 1_000, 2, null)
  await pool.query(
    `insert into latest_positions (fleet_id, vehicle_id, device_id, fix_at, received_at, flags, latitude_e7, longitude_e7)
     values ($1, $2, $3, $4, now(), 0, 0, 0)`,
    [fleetId, vehicleId, device!.id, new Date(FIRST_MS + 1_000)],
  )
  const both = [`unit,${FIRST_MS + 250},1`, `unit,${FIRST_MS + 1_000},`]
  const well = {
    stored: 2,
    unacknowledged: 0,
    missing: 0,
    doubled: 0,
    listedTwice: 0,
    notLatest: 0,
    examples: [],
  }
  assert.deepEqual(await check(both), { ...well, acknowledged: 2, code: 0 })
  assert.deepEqual(await check(both.slice(1)), { ...well, acknowledged: 1, unacknowledged: 1, code: 0 })

  const absent = await check([...both, `unit,${FIRST_MS + 2_000},3`])
  assert.deepEqual([absent.missing, absent.code], [1, 1])
  const wrongOne = await check([`unit,${FIRST_MS + 250},7`, both[1]!])
  assert.deepEqual([wrongOne.missing, wrongOne.code], [1, 1])
  const twice = await check([...both, both[0]!])
  assert.deepEqual([twice.listedTwice, twice.code], [1, 1])

  await store(FIRST_MS + 250, 3, 1)
  const doubled = await check(both)
  assert.deepEqual(
    [doubled.doubled, doubled.examples, doubled.code],
    [1, [`doubled: unit ${FIRST_MS + 250}`], 1],
  )
  await pool.query('delete from positions where digest = 3')
  await pool.query('update latest_positions set fix_at = $1', [new Date(FIRST_MS)])
  const behind = await check(both)
  assert.deepEqual([behind.notLatest, behind.code], [1, 1])
})
