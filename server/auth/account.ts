import type { Db } from '../db/pool.ts'
import { AppError } from '../errors.ts'
import { endSessions } from './enter.ts'
import type { AccountView, OwnFleet, SessionRow } from './members-schema.ts'
import type { Person } from './principal.ts'

/** What a person sees of their own account. A session that a fleet's provider opened sees that fleet's only. */
export async function viewAccount(db: Db, person: Person): Promise<AccountView> {
  const { userId, fleetId } = person
  const account = await db.query<Pick<AccountView, 'hasPassword' | 'twoFactor'>>(
    `select u.two_factor_enabled as "twoFactor",
       exists (select from accounts a where a.user_id = u.id and a.provider_id = 'credential') as "hasPassword"
     from users u where u.id = $1`,
    [userId],
  )
  const passkeys = await db.query<AccountView['passkeys'][number]>(
    `select id, coalesce(nullif(name, ''), 'Passkey') as name, created_at as "createdAt" from passkeys
     where user_id = $1 order by created_at`,
    [userId],
  )
  const providers = await db.query<AccountView['providers'][number]>(
    `select p.id, p.kind, p.name, exists (select from sign_in_identities i
       where i.fleet_id = p.fleet_id and i.provider_id = p.id and i.user_id = $2) as connected
     from sign_in_providers p where p.fleet_id = $1 and p.enabled order by p.name`,
    [fleetId, userId],
  )
  return {
    name: person.name,
    email: person.email,
    local: person.local,
    ...account.rows[0]!,
    passkeys: passkeys.rows,
    providers: providers.rows,
    sessions: await listSessions(db, person),
  }
}

async function listSessions(db: Db, { userId, sessionId, local, fleetId }: Person): Promise<SessionRow[]> {
  const { rows } = await db.query<SessionRow>(
    `select id, created_at as "createdAt", updated_at as "usedAt", ip_address as address, user_agent as "userAgent",
       id = $2 as current, fleet_id is not null as "byProvider"
     from sessions where user_id = $1 and expires_at > now() and updated_at > now() - interval '12 hours'
       and ($3 or fleet_id = $4) order by id = $2 desc, updated_at desc limit 100`,
    [userId, sessionId, local, fleetId],
  )
  return rows
}

/** The fleets in which this session may be: all of the person's, or the one whose provider opened it. */
export async function listFleets(db: Db, { userId, fleetId, local }: Person): Promise<OwnFleet[]> {
  const { rows } = await db.query<OwnFleet>(
    `select f.id, f.name, m.role, f.id = $2 as current from fleet_members m join fleets f on f.id = m.fleet_id
     where m.user_id = $1 and ($3 or f.id = $2) order by f.name, f.id`,
    [userId, fleetId, local],
  )
  return rows
}

/**
 * Enters another of the person's fleets by this session; their other sessions stay where they are.
 * @throws AppError not-found for a fleet in which it may not be, be there one or not
 */
export async function enterFleet(db: Db, { userId, sessionId }: Person, fleetId: number): Promise<void> {
  const { rowCount } = await db.query(
    `update sessions s set chosen_fleet_id = $3 where s.id = $1 and s.user_id = $2 and s.fleet_id is null
       and exists (select from fleet_members m where m.fleet_id = $3 and m.user_id = s.user_id)`,
    [sessionId, userId, fleetId],
  )
  if (!rowCount) throw new AppError('not-found', 'There is no such fleet.', 'fleetId')
}

/** Ends one of one's own sessions. @throws AppError not-found */
export async function endSession(db: Db, person: Person, id: string): Promise<void> {
  const { rowCount } = await db.query('delete from sessions where user_id = $1 and id = $2', [
    person.userId,
    id,
  ])
  if (!rowCount) throw new AppError('not-found', 'This session has ended already.', 'id')
}

/** Ends all of one's own sessions, this one too. */
export const signOutEverywhere = (db: Db, { userId }: Person) => endSessions(db, userId)

/**
 * Takes a provider off one's account.
 * @throws AppError not-found; forbidden for a session that a provider opened
 */
export async function disconnect(tx: Db, person: Person, providerId: number): Promise<void> {
  if (!person.local)
    throw new AppError(
      'forbidden',
      'You signed in by your company’s directory or provider: this is kept there.',
    )
  const { rowCount } = await tx.query(
    'delete from sign_in_identities where fleet_id = $1 and provider_id = $2 and user_id = $3',
    [person.fleetId, providerId, person.userId],
  )
  if (!rowCount) throw new AppError('not-found', 'This provider is not connected to your account.', 'id')
}
