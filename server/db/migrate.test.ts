import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import pg from 'pg'
import { migrate, schemaSql } from './migrate.ts'
import { ensurePartitions } from './partitions.ts'
import { createPool } from './pool.ts'
import { testDatabase, withDatabase } from './testing.ts'

const { url, pool } = await testDatabase()

/** Runs `work` on a new, empty database and drops it. */
async function withEmpty<T>(name: string, work: (url: string) => Promise<T>): Promise<T> {
  const database = `test_${name}_${process.pid}`
  const admin = new pg.Client({ connectionString: url })
  await admin.connect()
  await admin.query(`create database ${database}`)
  try {
    return await work(withDatabase(url, database))
  } finally {
    await admin.query(`drop database ${database} with (force)`)
    await admin.end()
  }
}

async function shapeOf(connectionString: string): Promise<unknown> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  const columns = await client.query(
    `select table_name, column_name, data_type, is_nullable, column_default from information_schema.columns
     where table_schema = 'public' and table_name !~ '^(_prisma|positions_)' order by 1, 2`,
  )
  const indexes = await client.query(
    `select tablename, indexname, replace(indexdef, ' ONLY', '') as indexdef from pg_indexes
     where schemaname = 'public' and tablename !~ '^(_prisma|positions_)' order by 1, 2`,
  )
  const keys = await client.query(
    `select conrelid::regclass::text as on_table, conname, pg_get_constraintdef(oid) as definition from pg_constraint
     where connamespace = 'public'::regnamespace and contype in ('f', 'p', 'u')
       and conrelid::regclass::text !~ '^(_prisma|positions_)' order by 1, 2`,
  )
  await client.end()
  return { columns: columns.rows, indexes: indexes.rows, keys: keys.rows }
}

describe('migrations', () => {
  test('make exactly what schema.prisma says', async () => {
    const fromSchema = await withEmpty('schema', async (empty) => {
      const client = new pg.Client({ connectionString: empty })
      await client.connect()
      await client.query(await schemaSql(empty))
      await client.end()
      return await shapeOf(empty)
    })
    assert.deepEqual(await shapeOf(url), fromSchema)
  })

  test('two processes that migrate at once: one applies, the other finds it done', async () => {
    await withEmpty('twice', async (empty) => {
      const applied = await Promise.all([migrate(empty), migrate(empty)])
      assert.deepEqual(applied.map((names) => names.length).sort(), [0, applied.flat().length])
      assert.ok(applied.flat().length > 0)
      assert.deepEqual(await migrate(empty), [])
    })
  })

  test('every key of a table of the product begins with the fleet', async () => {
    const { rows } = await pool.query<{ name: string; definition: string }>(
      `select conrelid::regclass::text as name, pg_get_constraintdef(oid) as definition from pg_constraint
       where connamespace = 'public'::regnamespace and contype in ('p', 'u', 'f')
         and conrelid::regclass::text not in ('users', 'sessions', 'accounts', 'verifications', '_prisma_migrations', 'fleets',
           'unknown_devices', 'password_resets', 'mail_outbox', 'sign_in_attempts', 'two_factors', 'passkeys')`,
    )
    // The number of a device says its fleet, in half the bytes: `positions` has a row for every heartbeat.
    const loose = rows.filter(
      ({ name, definition }) =>
        !/^(PRIMARY KEY|UNIQUE|FOREIGN KEY) \(fleet_id\b/.test(definition) &&
        !(/^(changed_)?positions/.test(name) && definition.startsWith('PRIMARY KEY (device_number,')),
    )
    // A membership and an identity also point at the person, who belongs to no fleet.
    assert.deepEqual(
      loose.map(({ name, definition }) => `${name} ${definition}`).toSorted(),
      ['fleet_members', 'sign_in_identities'].map(
        (table) => `${table} FOREIGN KEY (user_id) REFERENCES users(id) ON UPDATE CASCADE ON DELETE CASCADE`,
      ),
    )
    assert.ok(rows.length > 20)
  })
})

describe('partitions of positions', () => {
  const insert = (at: string) =>
    pool.query(
      `insert into positions (fleet_number, device_number, fix_second, fix_ms, digest, received_at)
       values (1, 1, fix_second($1), 0, 0, now())`,
      [at],
    )
  const partitionOf = async (at: string) => {
    const { rows } = await pool.query<{ name: string }>(
      'select tableoid::regclass::text as name from positions where fix_second = fix_second($1)',
      [at],
    )
    return rows.map(({ name }) => name)
  }

  test('absurd dates make no partition and are kept', async () => {
    await insert('1970-01-01T00:00:00Z')
    await insert('2067-12-31T00:00:00Z')
    assert.deepEqual(await partitionOf('1970-01-01T00:00:00Z'), ['positions_other'])
    assert.deepEqual(await partitionOf('2067-12-31T00:00:00Z'), ['positions_other'])
  })

  test('a month that is made later takes over what the catch-all held, even when two processes make it at once', async () => {
    await insert('2031-05-17T12:00:00Z')
    const now = Date.UTC(2031, 4, 2)
    const other = createPool(url, 1)
    await Promise.all([ensurePartitions(pool, now), ensurePartitions(other, now)])
    await other.end()
    assert.deepEqual(await partitionOf('2031-05-17T12:00:00Z'), ['positions_2031_05'])
    await insert('2031-07-31T23:59:59Z')
    assert.deepEqual(await partitionOf('2031-07-31T23:59:59Z'), ['positions_2031_07'])
  })
})
