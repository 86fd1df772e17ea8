import { hashPassword } from 'better-auth/crypto'
import type pg from 'pg'
import type { RequestSource } from '../audit/record.ts'
import { type Db, withTransaction } from '../db/pool.ts'
import { env } from '../env.ts'
import { AppError } from '../errors.ts'
import { log } from '../log.ts'
import type { Instant } from '../time/instant.ts'
import { personActor, strangerActor, tellFleetsOf } from './deeds.ts'
import { endSessions } from './enter.ts'
import { postMail } from './mail.ts'
import { setPassword } from './people.ts'
import { hashOf, newSecret } from './secret-link.ts'

const GOOD_FOR_MS = 30 * 60_000

/**
 * Mails a link to a new password, if the address is somebody's here. The answer must be the same for everybody, and take as long:
 * nobody learns who has an account.
 */
export async function requestReset(
  pool: pg.Pool,
  email: string,
  source: RequestSource,
  now: Instant,
): Promise<void> {
  const { secret, hash } = newSecret()
  await withTransaction(pool, async (tx) => {
    const { rows } = await tx.query<{ id: string; name: string; email: string }>(
      `select u.id, u.name, u.email from users u where u.email = $1
         and exists (select from accounts a where a.user_id = u.id and a.provider_id = 'credential')`,
      [email.trim().toLowerCase()],
    )
    const [user] = rows
    if (!user) {
      log.info('a new password was asked for by an address that has no account', { address: source.address })
      return
    }
    await tx.query('delete from password_resets where user_id = $1 or expires_at < $2', [
      user.id,
      new Date(now),
    ])
    await tx.query(
      'insert into password_resets (secret_hash, user_id, created_at, expires_at) values ($1, $2, $3, $4)',
      [hash, user.id, new Date(now), new Date(now + GOOD_FOR_MS)],
    )
    await postMail(tx, {
      to: user.email,
      subject: 'A new password for Restline',
      text: `Hello ${user.name},

somebody asked for a new password for your account. If it was you, choose one here within 30 minutes:

${env().publicUrl}/reset#${secret}

The link works once. If it was not you, do nothing: your password stays as it is.
`,
    })
    await tellFleetsOf(
      tx,
      { userId: user.id, fleetId: null },
      {
        actor: strangerActor(user.email),
        action: 'password.reset-asked',
        object: { kind: 'person', id: user.id },
        source,
        at: now,
      },
    )
  })
}

/**
 * Sets a new password by the secret of a mail, once; every session of the person ends.
 * @throws AppError unacceptable for a secret that is unknown, used or older than 30 minutes, all alike
 */
export async function completeReset(
  pool: pg.Pool,
  input: { secret: string; password: string },
  source: RequestSource,
  now: Instant,
): Promise<void> {
  const hash = await hashPassword(input.password)
  const done = await withTransaction(pool, async (tx) => {
    const { rows } = await tx.query<{ userId: string }>(
      'delete from password_resets where secret_hash = $1 and expires_at > $2 returning user_id as "userId"',
      [hashOf(input.secret), new Date(now)],
    )
    if (!rows[0]) return false
    const { userId } = rows[0]
    await setPassword(tx, userId, hash)
    await tx.query('delete from password_resets where user_id = $1', [userId])
    await endSessions(tx, userId)
    await tellFleetsOf(tx, { userId, fleetId: null }, await deedOn(tx, userId, 'password.reset', source, now))
    return true
  })
  if (done) return
  await tellSpent(pool, input.secret, source, now)
  throw new AppError(
    'unacceptable',
    'This link was used already, or is older than 30 minutes. Ask for another.',
  )
}

/** What the mail's holder did to the account: holding the mail is what proves them. */
async function deedOn(tx: Db, userId: string, action: string, source: RequestSource, at: Instant) {
  const { rows } = await tx.query<{ name: string }>('select name from users where id = $1', [userId])
  return {
    actor: personActor(userId, rows[0]?.name ?? ''),
    action,
    object: { kind: 'person', id: userId },
    source,
    at,
  }
}

/** A link that is too old is still known, and its fleets are told; of one that was used or made up nothing is. */
async function tellSpent(pool: pg.Pool, secret: string, source: RequestSource, at: Instant): Promise<void> {
  await withTransaction(pool, async (tx) => {
    const { rows } = await tx.query<{ userId: string }>(
      'select user_id as "userId" from password_resets where secret_hash = $1',
      [hashOf(secret)],
    )
    const userId = rows[0]?.userId
    if (!userId) return log.info('a link to a new password was refused', { address: source.address })
    await tellFleetsOf(
      tx,
      { userId, fleetId: null },
      {
        actor: strangerActor(''),
        action: 'password.reset-refused',
        object: { kind: 'person', id: userId },
        after: { reason: 'the link was older than 30 minutes' },
        source,
        at,
      },
    )
  })
}
