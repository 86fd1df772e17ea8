import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, describe, test } from 'node:test'
import pg from 'pg'
import { startEmbedded } from './embedded.ts'

// As `mktemp -d` makes it: nobody else may enter, which is where root's server, running as another user, would fail.
const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'restline-embedded-'))
const homes = [directory]
after(() => {
  for (const home of homes) fs.rmSync(home, { recursive: true, force: true })
})

async function ask<T extends pg.QueryResultRow>(url: string, sql: string): Promise<T[]> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined) // the server is killed under it
  await client.connect()
  try {
    return (await client.query<T>(sql)).rows
  } finally {
    await client.end()
  }
}

describe('the embedded PostgreSQL', () => {
  test('starts in a folder that only its owner may enter, keeps its data, and is found again after its starter died', async () => {
    const first = await startEmbedded(directory, { database: 'kept' })
    const [row] = await ask<{ data: string }>(first.url, `select current_setting('data_directory') as data`)
    homes.push(path.dirname(row!.data))
    await ask(first.url, 'create table proof as select 42 as answer')
    assert.equal(first.found, false)

    const second = await startEmbedded(directory, { database: 'kept' })
    assert.equal(second.found, true)
    assert.equal(second.url, first.url)
    await second.stop()

    const third = await startEmbedded(directory, { database: 'kept' })
    assert.equal(third.found, false)
    assert.deepEqual(await ask(third.url, 'select answer from proof'), [{ answer: 42 }])
    await third.stop()
  })

  test('a server killed outright starts again with everything that was committed', async () => {
    const before = await startEmbedded(directory, { database: 'kept' })
    await ask(before.url, 'create table survived as select 1 as it')
    const [row] = await ask<{ data: string }>(before.url, `select current_setting('data_directory') as data`)
    const pid = Number(fs.readFileSync(path.join(row!.data, 'postmaster.pid'), 'utf8').split('\n')[0])
    process.kill(pid, 'SIGKILL')
    const again = await startEmbedded(directory, { database: 'kept' })
    assert.deepEqual(await ask(again.url, 'select it from survived'), [{ it: 1 }])
    await again.stop()
  })
})
