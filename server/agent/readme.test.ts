import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { enrolKey } from '../auth/device-keys.ts'
import { makeFleet, positionsOf, startInstance } from '../auth/doors.testing.ts'
import { testDatabase } from '../db/testing.ts'

/** In the README's examples. */
const TIME = '2026-11-23T14:00:00Z'
const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'readme-'))
after(() => fs.rmSync(directory, { recursive: true }))

/** What the README tells to type under a heading: its blocks of code, and the command in the text between them. */
function typed(heading: string) {
  const readme = fs.readFileSync(path.join(ROOT, 'README.md'), 'utf8')
  const chapter = readme.split(/^## /m).find((text) => text.startsWith(heading))
  assert.ok(chapter, `README.md has a chapter “${heading}”`)
  const blocks = [...chapter.matchAll(/^```\n(.*?)^```$/gms)].map(([, block]) => block!)
  const command = /`(ssh-keygen -t rsa [^`]+)`/.exec(chapter)?.[1]
  assert.ok(blocks.length === 2 && command, 'two blocks and the command that makes the second key')
  return { byAgent: blocks[0]!, byHand: blocks[1]!, makeRsaKey: command }
}

const missing = ['ssh-keygen', 'openssl', 'curl', 'bash'].filter((name) => spawnSync(name, ['--help']).error)
const { url, pool } = await testDatabase()
const instance = await startInstance(url, { publicOrigin: 'its own' })
const fleet = await makeFleet(pool, 'acme', ['truck-7'])
const [truck] = fleet.devices as [(typeof fleet.devices)[0]]
const { byAgent, byHand, makeRsaKey } = typed('Sign with a key of your own')

const enrol = (file: string) =>
  enrolKey(
    pool,
    fleet.id,
    {
      publicKey: fs.readFileSync(`${file}.pub`, 'utf8'),
      scopes: ['ingest'],
      reach: { kind: 'device', deviceId: truck.id },
    },
    { name: 'Ada', now: Date.now() },
  )

let minute = 0
/** The commands as they are written, for this server, this fleet and this key, with a time of today. */
const inShell = async (commands: string, key: string, keyId = '') => {
  const script = commands
    .replaceAll('http://127.0.0.1:3000', instance.url)
    .replaceAll('FLEET/SHA256:…', keyId)
    .replaceAll('FLEET', 'acme')
    .replaceAll(TIME, new Date(Date.now() - 3_600_000 + minute++ * 60_000).toISOString())
    .replaceAll('truck.key', key)
    .replace('npm run agent --', `npm run -s agent -- --journal ${key}.journal`)
  const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', script], { cwd: ROOT, timeout: 120_000 })
  return stdout
}

describe('what the README tells to type', () => {
  test('signs by the agent', { skip: missing.length > 0 && `not installed: ${missing}` }, async () => {
    const key = path.join(directory, 'agent.key')
    const [makeKey, ...send] = byAgent.split('\n')
    await inShell(makeKey!, key)
    const { id } = await enrol(key)
    assert.match(await inShell(send.join('\n'), key), /^taken 1$/m)
    assert.equal((await positionsOf(pool, truck)).length, 1)
    const { rows } = await pool.query('select state from device_keys where id = $1', [id])
    assert.deepEqual(rows, [{ state: 'active' }])
  })

  test('signs by OpenSSL and curl', { skip: missing.length > 0 && `not installed: ${missing}` }, async () => {
    const key = path.join(directory, 'hand.key')
    await inShell(makeRsaKey, key)
    const { keyId } = await enrol(key)
    const answer = JSON.parse(await inShell(byHand, key, keyId))
    assert.deepEqual([answer.received, answer.stored], [1, 1])
    assert.equal((await positionsOf(pool, truck)).length, 2)
  })
})
