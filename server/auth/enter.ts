import { type RequestSource, recordAudit } from '../audit/record.ts'
import type { Db } from '../db/pool.ts'
import { AppError } from '../errors.ts'
import type { Instant } from '../time/instant.ts'
import { personActor } from './deeds.ts'
import type { ProvenPerson } from './directory.ts'
import { roleOf } from './provider-schema.ts'
import type { Provider } from './providers.ts'

const NO_ROLE = () =>
  new AppError(
    'forbidden',
    'You are who you say, but none of your groups may use Restline. Ask your fleet’s admin.',
  )
const REMOVED = () => new AppError('forbidden', 'You are no longer a member of this fleet. Ask its admin.')

/**
 * Whom a proven person is here: found by the provider's own name for them, never by their e-mail; made if they are new and their
 * groups have a role. A member's role follows their groups, except an owner's.
 * @returns the person's id
 * @throws AppError forbidden for somebody without a role, or who was removed
 * @throws AppError conflict when a member has that e-mail: they must sign in and connect the provider themselves
 */
export async function enter(
  tx: Db,
  provider: Provider,
  person: ProvenPerson,
  when: { source: RequestSource; at: Instant },
): Promise<string> {
  const { fleetId, id: providerId } = provider
  const role = roleOf(provider.settings, person.groups)
  const known = await tx.query<{ userId: string; role: string | null }>(
    `select i.user_id as "userId", m.role from sign_in_identities i
       left join fleet_members m on m.fleet_id = i.fleet_id and m.user_id = i.user_id
     where i.fleet_id = $1 and i.provider_id = $2 and i.subject = $3 for update of i`,
    [fleetId, providerId, person.subject],
  )
  const [found] = known.rows
  if (found) {
    if (found.role === null) throw REMOVED()
    if (found.role === 'owner') return found.userId
    if (role === null) throw NO_ROLE()
    await follow(tx, fleetId, found.userId, found.role, role, person)
    if (found.role !== role)
      await tell(tx, provider, person, { userId: found.userId, was: found.role, role }, when)
    return found.userId
  }
  if (role === null) throw NO_ROLE()
  await refuseTaken(tx, fleetId, provider.name, person.email)
  const userId = crypto.randomUUID()
  // Nobody signs in by this address, so no two providers can fight for one; the real one is shown from the membership.
  await tx.query(
    'insert into users (id, name, email, email_verified, updated_at) values ($1, $2, $3, false, now())',
    [userId, person.name, `${userId}@provider.invalid`],
  )
  await tx.query('insert into fleet_members (fleet_id, user_id, role, email) values ($1, $2, $3, $4)', [
    fleetId,
    userId,
    role,
    person.email,
  ])
  await tx.query(
    'insert into sign_in_identities (fleet_id, provider_id, subject, user_id) values ($1, $2, $3, $4)',
    [fleetId, providerId, person.subject, userId],
  )
  await tell(tx, provider, person, { userId, was: null, role }, when)
  return userId
}

/** A role that groups of a provider gave, for the audit log. */
async function tell(
  tx: Db,
  { fleetId, name }: Provider,
  person: ProvenPerson,
  { userId, was, role }: { userId: string; was: string | null; role: string },
  { source, at }: { source: RequestSource; at: Instant },
): Promise<void> {
  await recordAudit(tx, {
    fleetId,
    actor: personActor(userId, person.name),
    action: was === null ? 'person.joined' : 'person.role-changed',
    object: { kind: 'person', id: userId },
    ...(was !== null && { before: { role: was } }),
    after: { role, by: name },
    source,
    at,
  })
}

async function follow(
  tx: Db,
  fleetId: number,
  userId: string,
  was: string,
  role: string,
  person: ProvenPerson,
) {
  await tx.query(
    'update fleet_members set role = $3, email = coalesce($4, email) where fleet_id = $1 and user_id = $2',
    [fleetId, userId, role, person.email],
  )
  // Sessions of the role before end; the one that is being opened begins in the new one.
  if (was !== role) await endSessions(tx, userId)
}

async function refuseTaken(tx: Db, fleetId: number, provider: string, email: string | null): Promise<void> {
  const { rowCount } = await tx.query(
    `select from fleet_members m join users u on u.id = m.user_id
     where m.fleet_id = $1 and (lower(u.email) = $2 or lower(m.email) = $2)`,
    [fleetId, email],
  )
  if (rowCount)
    throw new AppError(
      'conflict',
      `A member of the fleet has this e-mail. Sign in as you did before, then connect ${provider} under My account.`,
    )
}

/**
 * Connects a provider to the account of somebody who is signed in: a confirming login, so no e-mail has to be believed.
 * @throws AppError conflict when another account of the fleet has it
 */
export async function connect(
  tx: Db,
  provider: Provider,
  person: ProvenPerson,
  userId: string,
): Promise<void> {
  const { rows } = await tx.query<{ userId: string }>(
    `insert into sign_in_identities as i (fleet_id, provider_id, subject, user_id) values ($1, $2, $3, $4)
     on conflict (fleet_id, provider_id, subject) do update set subject = excluded.subject returning user_id as "userId"`,
    [provider.fleetId, provider.id, person.subject, userId],
  )
  if (rows[0]!.userId !== userId)
    throw new AppError('conflict', `This account of ${provider.name} belongs to another person of the fleet.`)
}

/** Ends every session of a person, or every one but one. */
export async function endSessions(tx: Db, userId: string, except?: string): Promise<void> {
  await tx.query('delete from sessions where user_id = $1 and ($2::text is null or id <> $2)', [
    userId,
    except ?? null,
  ])
}
