import { after } from 'node:test'
import pg from 'pg'
import { createPool } from './pool.ts'

/**
 * A database of this test file's own, cloned from the migrated template that `npm test` prepared
 * (`server/cli/test.mjs` starts the server, sets TEST_DATABASE_URL and makes the template). Dropped when the file ends.
 */
export async function testDatabase(): Promise<{ url: string; pool: pg.Pool }> {
  const base = process.env.TEST_DATABASE_URL
  if (!base)
    throw new Error(
      'TEST_DATABASE_URL is not set: run `npm test`, or `npm run test:database` and set what it prints',
    )
  const name = `test_${process.pid}_${Math.floor(Math.random() * 1e9)}`
  const admin = new pg.Client({ connectionString: base })
  await admin.connect()
  await admin.query(`create database ${name} template ${templateOf(base)}`)
  await admin.end()
  const url = withDatabase(base, name)
  const pool = createPool(url)
  after(async () => {
    await pool.end()
    const client = new pg.Client({ connectionString: base })
    await client.connect()
    await client.query(`drop database if exists ${name} with (force)`)
    await client.end()
  })
  return { url, pool }
}

export function withDatabase(url: string, database: string): string {
  const changed = new URL(url)
  changed.pathname = `/${database}`
  return changed.href
}

/** The template's name: the database that TEST_DATABASE_URL names, with a suffix. Nobody connects to it, so it can be cloned. */
export const templateOf = (url: string) => `${new URL(url).pathname.slice(1)}_template`
