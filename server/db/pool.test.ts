import assert from 'node:assert/strict'
import { test } from 'node:test'
import type pg from 'pg'
import { withTransaction } from './pool.ts'
import { testDatabase } from './testing.ts'

const { pool } = await testDatabase()

test('a connection that is lost between two queries of a transaction fails it, and ends nothing else', async () => {
  await assert.rejects(
    withTransaction(pool, async (tx) => {
      const { rows } = await tx.query<{ pid: number }>('select pg_backend_pid() as pid')
      // Not events.once, which would listen for the error itself.
      const lost = new Promise<void>((resolve) => (tx as pg.PoolClient).once('end', () => resolve()))
      await pool.query('select pg_terminate_backend($1)', [rows[0]!.pid])
      // Nobody asks anything of it while it goes.
      await lost
      await tx.query('select 1')
    }),
    /connection|terminat/i,
  )
  const { rows } = await pool.query<{ one: number }>('select 1 as one')
  assert.equal(rows[0]!.one, 1)
})
