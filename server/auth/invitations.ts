import { hashPassword } from 'better-auth/crypto'
import type pg from 'pg'
import { type RequestSource, recordAudit } from '../audit/record.ts'
import { newId } from '../db/id.ts'
import { type Db, withTransaction } from '../db/pool.ts'
import { env } from '../env.ts'
import { AppError } from '../errors.ts'
import type { Instant } from '../time/instant.ts'
import { countInvitation } from './attempts.ts'
import { mayAssign, ROLE_NAME, type Role } from './can.ts'
import { personActor } from './deeds.ts'
import { postMail } from './mail.ts'
import { checkDriver } from './members.ts'
import type { InvitationRow } from './members-schema.ts'
import { setPassword } from './people.ts'
import type { Person } from './principal.ts'
import { hashOf, newSecret } from './secret-link.ts'

const GOOD_FOR_MS = 7 * 24 * 3_600_000
/** A fleet can't send mail without end. */
const MOST_OPEN = 200

export async function listInvitations(db: Db, fleetId: number, now: Instant): Promise<InvitationRow[]> {
  const { rows } = await db.query<InvitationRow>(
    `select id, email, role, invited_by as "invitedBy", created_at as "createdAt", expires_at as "expiresAt" from invitations
     where fleet_id = $1 and accepted_at is null and expires_at > $2 order by created_at desc`,
    [fleetId, new Date(now)],
  )
  return rows
}

/**
 * Asks somebody in by mail. Whether the address has an account already is not told; one that was asked before is asked anew, and
 * the link before ends.
 * @throws AppError forbidden to make an owner without being one; too-often for more than 200 open ones
 */
export async function invite(
  tx: Db,
  by: Person,
  input: { email: string; role: Role; driverId: number | null },
  now: Instant,
): Promise<number> {
  if (!mayAssign(by.role, input.role))
    throw new AppError('forbidden', 'Only an owner makes an owner.', 'role')
  await checkDriver(tx, by.fleetId, input.driverId)
  const { rows } = await tx.query<{ name: string }>('select name from fleets where id = $1 for update', [
    by.fleetId,
  ])
  const open = await listInvitations(tx, by.fleetId, now)
  if (open.length >= MOST_OPEN)
    throw new AppError('too-often', 'There are 200 open invitations: take some back first.')
  await countInvitation(tx, by.fleetId, now)
  await tx.query('delete from invitations where fleet_id = $1 and email = $2 and accepted_at is null', [
    by.fleetId,
    input.email,
  ])
  const id = newId()
  const { secret, hash } = newSecret()
  await tx.query(
    `insert into invitations (fleet_id, id, email, role, driver_id, secret_hash, invited_by, created_at, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      by.fleetId,
      id,
      input.email,
      input.role,
      input.role === 'driver' ? input.driverId : null,
      hash,
      by.name,
      new Date(now),
      new Date(now + GOOD_FOR_MS),
    ],
  )
  await postMail(tx, {
    to: input.email,
    subject: `${by.name} asks you to join ${rows[0]!.name} on Restline`,
    text: `Hello,

${by.name} asks you to join the fleet ${rows[0]!.name} as ${ROLE_NAME[input.role]}. Accept here within 7 days:

${env().publicUrl}/join#${by.fleetId.toString(36)}.${id.toString(36)}.${secret}

The link works once. If you don't know what this is about, do nothing.
`,
  })
  return id
}

/** Takes an invitation back. @returns whose it was. @throws AppError not-found */
export async function withdraw(tx: Db, fleetId: number, id: number): Promise<{ email: string; role: Role }> {
  const { rows } = await tx.query<{ email: string; role: Role }>(
    'delete from invitations where fleet_id = $1 and id = $2 and accepted_at is null returning email, role',
    [fleetId, id],
  )
  if (!rows[0]) throw new AppError('not-found', 'There is no such open invitation.', 'id')
  return rows[0]
}

interface Open {
  fleetId: number
  id: number
  email: string
  role: Role
  driverId: number | null
}

const SPENT = () =>
  new AppError(
    'unacceptable',
    'This invitation was used or taken back, or is older than 7 days. Ask for another.',
  )

/** What the token of a mail opens, locked. @throws AppError unacceptable, whatever is wrong with it */
async function open(
  db: Db,
  token: string,
  now: Instant,
): Promise<Open & { fleet: string; invitedBy: string }> {
  const parts = /^([0-9a-z]{1,11})\.([0-9a-z]{1,11})\.([\w-]{43})$/.exec(token)
  if (!parts) throw SPENT()
  const { rows } = await db.query<Open & { fleet: string; invitedBy: string }>(
    `select i.fleet_id as "fleetId", i.id, i.email, i.role, i.driver_id as "driverId", f.name as fleet, i.invited_by as "invitedBy"
     from invitations i join fleets f on f.id = i.fleet_id
     where i.fleet_id = $1 and i.id = $2 and i.secret_hash = $3 and i.accepted_at is null and i.expires_at > $4 for update of i`,
    [Number.parseInt(parts[1]!, 36), Number.parseInt(parts[2]!, 36), hashOf(parts[3]!), new Date(now)],
  )
  if (!rows[0]) throw SPENT()
  return rows[0]
}

/** What an invitation says, for the page that accepts it. */
export async function readInvitation(
  db: Db,
  token: string,
  now: Instant,
): Promise<{ fleet: string; email: string; role: Role; invitedBy: string }> {
  const { fleet, email, role, invitedBy } = await open(db, token, now)
  return { fleet, email, role, invitedBy }
}

/**
 * Accepts an invitation: as the person who is signed in with that address, or as somebody new with a name and a password.
 * Holding the mail proves the address.
 * @returns who joined, and where
 * @throws AppError unacceptable for a token that is no good
 * @throws AppError conflict when the address has an account, and its person isn't signed in
 */
export async function acceptInvitation(
  pool: pg.Pool,
  input: { token: string; name?: string; password?: string },
  { signedIn, source }: { signedIn: Person | null; source: RequestSource },
  now: Instant,
): Promise<{ userId: string; fleetId: number }> {
  // Before the transaction: it takes a tenth of a second.
  const hash = input.password ? await hashPassword(input.password) : null
  return await withTransaction(pool, async (tx) => {
    const invitation = await open(tx, input.token, now)
    const { rows } = await tx.query<{ id: string }>('select id from users where email = $1', [
      invitation.email,
    ])
    let userId = rows[0]?.id
    if (userId && !(signedIn?.local && signedIn.userId === userId))
      throw new AppError(
        'conflict',
        `${invitation.email} has an account: sign in with it, then open this link again.`,
      )
    if (!userId) {
      if (!hash || !input.name) throw new AppError('malformed', 'Choose a name and a password.', 'password')
      userId = crypto.randomUUID()
      await tx.query(
        'insert into users (id, name, email, email_verified, updated_at) values ($1, $2, $3, true, now())',
        [userId, input.name, invitation.email],
      )
      await setPassword(tx, userId, hash)
    }
    await tx.query(
      `insert into fleet_members (fleet_id, user_id, role, driver_id) values ($1, $2, $3, $4)
       on conflict (fleet_id, user_id) do update set role = excluded.role, driver_id = excluded.driver_id
         where fleet_members.role <> 'owner'`,
      [invitation.fleetId, userId, invitation.role, invitation.driverId],
    )
    await tx.query('update invitations set accepted_at = $3 where fleet_id = $1 and id = $2', [
      invitation.fleetId,
      invitation.id,
      new Date(now),
    ])
    await recordAudit(tx, {
      fleetId: invitation.fleetId,
      actor: personActor(userId, signedIn?.userId === userId ? signedIn.name : (input.name ?? '')),
      action: 'invitation.accepted',
      object: { kind: 'invitation', id: invitation.id },
      after: { email: invitation.email, role: invitation.role, driverId: invitation.driverId },
      source,
      at: now,
    })
    return { userId, fleetId: invitation.fleetId }
  })
}
