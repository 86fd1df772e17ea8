import { type Actor, type AuditEntry, type RequestSource, recordAudit } from '../audit/record.ts'
import { type Db, db, withTransaction } from '../db/pool.ts'
import type { Instant } from '../time/instant.ts'
import { noteOnce } from './attempts.ts'
import { addressOf } from './origin.ts'

/** Where a request of the sign-in doors came from, for the audit log. */
export const sourceOf = (headers: Headers): RequestSource => ({
  address: addressOf(headers),
  requestId: crypto.randomUUID(),
})

export const personActor = (id: string, name: string): Actor => ({ kind: 'person', id, name })

/** Somebody who has not proved who they are, by what they typed. */
export const strangerActor = (typed: string): Actor => ({
  kind: 'stranger',
  id: 'unknown',
  name: typed.replaceAll('\0', '').slice(0, 200) || 'unknown',
})

/** A person by their account; a session of a fleet's provider is that fleet's affair alone. */
export interface Whose {
  userId: string
  fleetId: number | null
}

/**
 * Tells what became of an account to every fleet that its person is a member of: an account of ours belongs to no fleet. Always in the
 * order of the fleets' ids, so that two such deeds never wait for each other.
 * @returns how many fleets were told
 */
export async function tellFleetsOf(
  tx: Db,
  { userId, fleetId }: Whose,
  deed: Omit<AuditEntry, 'fleetId'>,
): Promise<number> {
  const { rows } = await tx.query<{ fleetId: number }>(
    `select fleet_id as "fleetId" from fleet_members where user_id = $1 and ($2::bigint is null or fleet_id = $2)
     order by fleet_id`,
    [userId, fleetId],
  )
  for (const row of rows) await recordAudit(tx, { ...deed, fleetId: row.fleetId })
  return rows.length
}

/** A sign-in that was refused: a stranger learns little, the fleets of the account that was tried learn why. */
export interface RefusedSignIn {
  /** The account's person; null where the name is nobody's. */
  userId: string | null
  /** The e-mail that was typed; anything else could be a password in the wrong field. */
  email: string | null
  code: string
  reason: string
}

/**
 * Tells of a refused sign-in with its true reason. One of nobody's name is told to the only fleet of an installation that has one,
 * and to none where there are several.
 */
export async function tellRefused(refused: RefusedSignIn, headers: Headers, now: Instant): Promise<void> {
  const { userId, email, code, reason } = refused
  const typed = email && /^\S{1,100}@\S{1,100}$/.test(email) ? email : ''
  const deed = {
    actor: strangerActor(typed),
    action: 'session.refused',
    object: { kind: 'person', id: userId ?? 'unknown' },
    after: { by: 'account', code, reason },
    source: sourceOf(headers),
    at: now,
  }
  await withTransaction(db(), async (tx) => {
    if (userId !== null) return await tellFleetsOf(tx, { userId, fleetId: null }, deed)
    const { rows } = await tx.query<{ id: number }>('select id from fleets limit 2')
    if (rows.length === 1) await recordAudit(tx, { ...deed, fleetId: rows[0]!.id })
  })
}

/** Says that an account is tried too often, once a minute: the tries themselves are told one by one until then. */
export async function tellTooOften(
  refused: Pick<RefusedSignIn, 'userId' | 'email'>,
  headers: Headers,
  now: Instant,
): Promise<void> {
  if (!(await noteOnce(db(), `too often ${refused.userId ?? refused.email}`, 60_000, now))) return
  await tellRefused({ ...refused, code: 'too-often', reason: 'too many attempts' }, headers, now)
}
