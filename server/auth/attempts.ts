import { createHash } from 'node:crypto'
import type { Db } from '../db/pool.ts'
import { AppError } from '../errors.ts'
import type { Instant } from '../time/instant.ts'

/** A rule of how often something may fail. */
interface Limit {
  failures: number
  windowMs: number
  /** How long to wait before the next try, once there were so many. */
  waitMs: number
}

/** Ten failures of an account in a quarter of an hour, then half a minute between tries: a delay, never a lock-out. */
const ACCOUNT: Limit = { failures: 10, windowMs: 15 * 60_000, waitMs: 30_000 }
/** Twenty failures from an address in a minute. */
const ADDRESS: Limit = { failures: 20, windowMs: 60_000, waitMs: 60_000 }

/** Mails to people who asked for none: so many of a fleet in ten minutes. */
const INVITATIONS: Limit = { failures: 100, windowMs: 10 * 60_000, waitMs: 10 * 60_000 }

/** Counts an invitation of a fleet. @throws AppError too-often */
export async function countInvitation(db: Db, fleetId: number, now: Instant): Promise<void> {
  if (await take(db, keyOf('invitations', String(fleetId)), INVITATIONS, now)) return
  throw new AppError('too-often', 'This fleet sent 100 invitations within 10 minutes. Wait some minutes.')
}

/**
 * Counts a try before it is made, in one statement on the account's row, so that many tries at once, on many instances, can't all
 * slip through before the first has failed. A success takes it back by `succeeded`.
 * @throws AppError too-often, the same whether there is such an account or not
 */
export async function countAttempt(
  db: Db,
  { account, address }: { account: string; address: string },
  now: Instant,
): Promise<void> {
  if (!(await take(db, keyOf('account', account), ACCOUNT, now))) throw TOO_OFTEN()
  if (!(await take(db, keyOf('address', address), ADDRESS, now))) throw TOO_OFTEN()
}

const TOO_OFTEN = () => new AppError('too-often', 'Too many attempts. Wait a minute, then try again.')

/** Names are what people typed: hashed, they are neither stored nor able to upset the database. */
const keyOf = (kind: string, name: string) =>
  `${kind} ${createHash('sha256').update(name.toLowerCase()).digest('base64url')}`

async function take(db: Db, key: string, limit: Limit, now: Instant): Promise<boolean> {
  const { rowCount } = await db.query(
    `insert into sign_in_attempts as a (key, failures, since, last_at) values ($1, 1, $2, $2)
     on conflict (key) do update set
       failures = case when a.since <= $3 then 1 else a.failures + 1 end,
       since = case when a.since <= $3 then $2 else a.since end,
       last_at = $2
     where a.since <= $3 or a.failures < $4 or a.last_at <= $5`,
    [key, new Date(now), new Date(now - limit.windowMs), limit.failures, new Date(now - limit.waitMs)],
  )
  return rowCount === 1
}

/** The try went well: the account's failures are forgotten, and this try is none of the address's. */
export async function succeeded(
  db: Db,
  { account, address }: { account: string; address: string },
): Promise<void> {
  await db.query('delete from sign_in_attempts where key = $1', [keyOf('account', account)])
  await db.query('update sign_in_attempts set failures = failures - 1 where key = $1 and failures > 0', [
    keyOf('address', address),
  ])
}

/**
 * Has this not been seen for so long? It has now. In one statement, for all processes together.
 * @param ms less than a quarter of an hour, after which the row is forgotten
 */
export async function noteOnce(db: Db, what: string, ms: number, now: Instant): Promise<boolean> {
  const { rowCount } = await db.query(
    `insert into sign_in_attempts as a (key, failures, since, last_at) values ($1, 0, $2, $2)
     on conflict (key) do update set last_at = $2 where a.last_at <= $3`,
    [keyOf('once', what), new Date(now), new Date(now - ms)],
  )
  return rowCount === 1
}

/** Forgets counts that no longer count. */
export async function forgetOldAttempts(db: Db, now: Instant): Promise<void> {
  await db.query('delete from sign_in_attempts where last_at < $1', [new Date(now - ACCOUNT.windowMs)])
}
