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

/**
 * The roles that the walls between fleets know (prisma/migrations, `walls`): the service works across fleets, the app sees the one
 * fleet that its transaction is bound to.
 */
export type DbRole = 'restline_service' | 'restline_app'

/** A pool whose connections act in a role; left out, as the user of the URL, who owns the tables. */
export function createPool(connectionString: string, max = 10, role?: DbRole): pg.Pool {
  const pool = new pg.Pool({
    connectionString,
    max,
    types,
    connectionTimeoutMillis: 10_000,
    options: `-c timezone=UTC${role ? ` -c role=${role}` : ''}`,
  })
  // An idle connection that the server closes must not end the process; the next query opens another.
  pool.on('error', (error) => log.warn('a database connection was lost', { error: error.message }))
  // Nor one that is lost between two queries of a transaction, when nobody listens: the next query of it fails.
  pool.on('connect', (client) => client.on('error', () => undefined))
  return pool
}

/**
 * The query, given up where the database says nothing for so long: a silent one (stopped, or behind a network that swallows
 * everything) must not hold a connection for ever. pg's own option, which its types leave out.
 */
export const within = (ms: number, query: pg.QueryConfig): pg.QueryConfig =>
  ({ ...query, query_timeout: ms }) as pg.QueryConfig

/** Next bundles this module apart from the process's own copy; both must share the pools. */
const shared = globalThis as { restlinePool?: pg.Pool; restlineOwnerPool?: pg.Pool }

/**
 * The process's pool: the service's, for what works across fleets (ingest, the worker, people's accounts). What is done for a
 * person of a fleet goes through `withFleet`.
 */
export function db(): pg.Pool {
  shared.restlinePool ??= createPool(env().DATABASE_URL, 10, 'restline_service')
  return shared.restlinePool
}

/** As the owner of the tables, who alone may make and drop their partitions. */
export function ownerDb(): pg.Pool {
  shared.restlineOwnerPool ??= createPool(env().DATABASE_URL, 2)
  return shared.restlineOwnerPool
}

export async function closeDb(): Promise<void> {
  const pools = [shared.restlinePool, shared.restlineOwnerPool]
  shared.restlinePool = undefined
  shared.restlineOwnerPool = undefined
  await Promise.all(pools.map((pool) => pool?.end()))
}

/** Runs `work` in one transaction: committed when it returns, rolled back when it throws. */
export const withTransaction = <T>(pool: pg.Pool, work: (tx: Db) => Promise<T>): Promise<T> =>
  transaction(pool, 'begin', work)

/**
 * Runs `work` in one transaction behind the walls of a fleet: PostgreSQL shows it the rows of this fleet only, and refuses to write
 * others, whatever a query forgets. Role and fleet end with the transaction, so the connection goes back as it came.
 * Not for what waits on others (mail, a directory) or lives on for hours: it holds a connection.
 */
export const withFleet = <T>(pool: pg.Pool, fleetId: number, work: (tx: Db) => Promise<T>): Promise<T> =>
  behindWalls(pool, 'begin', fleetId, work)

/** The same for reading only, and every query sees the fleet as it was at the first of them, however long the last comes after. */
export const withFleetSnapshot = <T>(
  pool: pg.Pool,
  fleetId: number,
  work: (tx: Db) => Promise<T>,
): Promise<T> => behindWalls(pool, 'begin isolation level repeatable read read only', fleetId, work)

async function behindWalls<T>(
  pool: pg.Pool,
  begin: string,
  fleetId: number,
  work: (tx: Db) => Promise<T>,
): Promise<T> {
  if (!Number.isSafeInteger(fleetId) || fleetId <= 0) throw new Error(`"${fleetId}" is no fleet`)
  return await transaction(
    pool,
    `${begin}; set local role restline_app; set local app.fleet_id = '${fleetId}'`,
    work,
  )
}

async function transaction<T>(pool: pg.Pool, begin: string, work: (tx: Db) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  let broken: Error | undefined
  try {
    await client.query(begin)
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
