import pg from 'pg'
import { env } from '../env.ts'
import { log } from '../log.ts'

/**
 * One way to read PostgreSQL's types everywhere: bigint ids are safe numbers (server/db/id.ts), timestamps are epoch
 * milliseconds, counts are numbers. Only for our own queries; Prisma keeps its own readers.
 */
const readers: Record<number, (text: string) => unknown> = {
  20: Number, // int8
  1184: (text) => Date.parse(`${text.replace(' ', 'T')}${/[+-]\d\d$/.test(text) ? ':00' : ''}`), // timestamptz
  1700: Number, // numeric
}
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) => {
    const reader = readers[oid as number]
    return reader && format !== 'binary' ? reader : pg.types.getTypeParser(oid, format)
  },
}

/** What a query needs: the pool, or one connection inside a transaction. */
export type Db = Pick<pg.Pool, 'query'>

export function createPool(connectionString: string, max = 10): pg.Pool {
  const pool = new pg.Pool({
    connectionString,
    max,
    types,
    connectionTimeoutMillis: 10_000,
    options: '-c timezone=UTC',
  })
  // An idle connection that the server closes must not end the process; the next query opens another.
  pool.on('error', (error) => log.warn('a database connection was lost', { error: error.message }))
  return pool
}

/**
 * The query, given up where the database says nothing for so long: a silent one (stopped, or behind a network that swallows
 * everything) must not hold a connection for ever. pg's own option, which its types leave out.
 */
export const within = (ms: number, query: pg.QueryConfig): pg.QueryConfig =>
  ({ ...query, query_timeout: ms }) as pg.QueryConfig

/** Next bundles this module apart from the process's own copy; both must share one pool. */
const shared = globalThis as { restlinePool?: pg.Pool }

/** The process's pool. */
export function db(): pg.Pool {
  shared.restlinePool ??= createPool(env().DATABASE_URL)
  return shared.restlinePool
}

export async function closeDb(): Promise<void> {
  const pool = shared.restlinePool
  shared.restlinePool = undefined
  await pool?.end()
}

/** Runs `work` in one transaction: committed when it returns, rolled back when it throws. */
export async function withTransaction<T>(pool: pg.Pool, work: (tx: Db) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  let broken: Error | undefined
  try {
    await client.query('begin')
    const result = await work(client)
    await client.query('commit')
    return result
  } catch (error) {
    await client.query('rollback').catch((failure: Error) => {
      broken = failure
    })
    throw error
  } finally {
    client.release(broken)
  }
}
