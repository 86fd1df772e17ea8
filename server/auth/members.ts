import type { Db } from '../db/pool.ts'
import { AppError } from '../errors.ts'
import { mayAssign, type Role } from './can.ts'
import { endSessions } from './enter.ts'
import type { MemberRow } from './members-schema.ts'
import type { Person } from './principal.ts'

const NOBODY = () => new AppError('not-found', 'There is no such person in this fleet.', 'userId')
const ONLY_OWNERS = () => new AppError('forbidden', 'Only an owner changes who is an owner.', 'role')

export async function listMembers(db: Db, fleetId: number): Promise<MemberRow[]> {
  const { rows } = await db.query<MemberRow>(
    `select m.user_id as "userId", u.name, coalesce(m.email, u.email) as email, m.role, m.driver_id as "driverId",
       d.name as "driverName", m.joined_at as "joinedAt",
       array(select 'password' from accounts a where a.user_id = u.id and a.provider_id = 'credential'
         union all select p.name from sign_in_identities i join sign_in_providers p on p.fleet_id = i.fleet_id and p.id = i.provider_id
           where i.fleet_id = m.fleet_id and i.user_id = u.id) as ways,
       u.two_factor_enabled or exists (select from passkeys k where k.user_id = u.id) as strong,
       (select max(s.updated_at) from sessions s where s.user_id = u.id and (s.fleet_id is null or s.fleet_id = m.fleet_id))
         as "lastSeenAt"
     from fleet_members m join users u on u.id = m.user_id
       left join drivers d on d.fleet_id = m.fleet_id and d.id = m.driver_id
     where m.fleet_id = $1 order by u.name`,
    [fleetId],
  )
  return rows
}

/** The role of a member, locked. @throws AppError not-found */
async function lockRole(tx: Db, fleetId: number, userId: string): Promise<Role> {
  const { rows } = await tx.query<{ role: Role }>(
    'select role from fleet_members where fleet_id = $1 and user_id = $2 for update',
    [fleetId, userId],
  )
  if (!rows[0]) throw NOBODY()
  return rows[0].role
}

/** A fleet always has an owner. The fleet's row is locked, so that two owners can't both go at once. */
async function keepAnOwner(tx: Db, fleetId: number): Promise<void> {
  const { rows } = await tx.query<{ owners: number }>(
    `select count(*) as owners from fleet_members where fleet_id = $1 and role = 'owner'`,
    [fleetId],
  )
  if (rows[0]!.owners === 0)
    throw new AppError('conflict', 'A fleet needs an owner: make somebody else one first.', 'role')
}

const lockFleet = (tx: Db, fleetId: number) =>
  tx.query('select from fleets where id = $1 for update', [fleetId])

/**
 * Changes what a member may do; their sessions end, so that none goes on in the role before.
 * @returns the role before
 * @throws AppError not-found, forbidden when owners are touched by others, conflict for the last owner
 */
export async function setRole(
  tx: Db,
  by: Person,
  input: { userId: string; role: Role; driverId: number | null },
): Promise<Role> {
  await lockFleet(tx, by.fleetId)
  const was = await lockRole(tx, by.fleetId, input.userId)
  if (!mayAssign(by.role, was) || !mayAssign(by.role, input.role)) throw ONLY_OWNERS()
  await checkDriver(tx, by.fleetId, input.driverId)
  await tx.query('update fleet_members set role = $3, driver_id = $4 where fleet_id = $1 and user_id = $2', [
    by.fleetId,
    input.userId,
    input.role,
    input.role === 'driver' ? input.driverId : null,
  ])
  await keepAnOwner(tx, by.fleetId)
  if (was !== input.role) await endSessions(tx, input.userId)
  return was
}

/** @throws AppError not-found for a driver that the fleet doesn't have */
export async function checkDriver(db: Db, fleetId: number, driverId: number | null): Promise<void> {
  if (driverId === null) return
  const { rowCount } = await db.query('select from drivers where fleet_id = $1 and id = $2', [
    fleetId,
    driverId,
  ])
  if (!rowCount) throw new AppError('not-found', 'There is no such driver in this fleet.', 'driverId')
}

/**
 * Takes a member out of the fleet; their sessions end. What ties them to a provider stays, so that it can't let them in again.
 * @returns what they were
 * @throws AppError as `setRole`
 */
export async function removeMember(
  tx: Db,
  by: Person,
  userId: string,
): Promise<{ name: string; role: Role }> {
  await lockFleet(tx, by.fleetId)
  const was = await lockRole(tx, by.fleetId, userId)
  if (!mayAssign(by.role, was)) throw ONLY_OWNERS()
  const { rows } = await tx.query<{ name: string }>(
    `delete from fleet_members m using users u where m.fleet_id = $1 and m.user_id = $2 and u.id = m.user_id
     returning u.name`,
    [by.fleetId, userId],
  )
  await keepAnOwner(tx, by.fleetId)
  await endSessions(tx, userId)
  return { name: rows[0]!.name, role: was }
}
