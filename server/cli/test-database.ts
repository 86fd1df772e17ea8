import pg from 'pg'
import { seed } from '../../prisma/seed.ts'
import { startEmbedded } from '../db/embedded.ts'
import { migrate } from '../db/migrate.ts'
import { ensurePartitions } from '../db/partitions.ts'
import { templateOf, withDatabase } from '../db/testing.ts'

/**
 * A PostgreSQL for tests with the migrated template that they clone, in which another fleet lives already, so that a query without
 * its fleet finds too much: the embedded one in `directory`, unless
 * TEST_DATABASE_URL or DATABASE_URL names another.
 */
export async function prepareTestDatabase(
  directory: string,
): Promise<{ url: string; stop: () => Promise<void> }> {
  const given = process.env.TEST_DATABASE_URL ?? process.env.DATABASE_URL
  // Nothing in it outlives the run, so it need not wait for the disk.
  const started = given
    ? undefined
    : await startEmbedded(directory, {
        database: 'restline_test',
        settings: ['fsync=off', 'max_connections=300'],
      })
  const url = given ?? started!.url
  const template = templateOf(url)
  const admin = new pg.Client({ connectionString: url })
  await admin.connect()
  await admin.query(`drop database if exists ${template} with (force)`)
  await admin.query(`create database ${template}`)
  await migrate(withDatabase(url, template))
  const client = new pg.Client({ connectionString: withDatabase(url, template) })
  await client.connect()
  await ensurePartitions(client, Date.now())
  await client.end()
  await seed(withDatabase(url, template), 'neighbour')
  await admin.end()
  return { url, stop: async () => await started?.stop() }
}

if (process.argv[2] === 'serve') {
  const { url, stop } = await prepareTestDatabase('.restline/test')
  console.log(`TEST_DATABASE_URL=${url}`)
  process.once('SIGINT', async () => {
    await stop()
    process.exit(0)
  })
  setInterval(() => {}, 1 << 30)
}
