import { hashPassword } from 'better-auth/crypto'
import type pg from 'pg'
import { type Db, withTransaction } from '../db/pool.ts'
import type { Role } from './can.ts'

/**
 * Makes a person who can sign in to the fleet, or gives the one with this e-mail a new password and membership.
 * @returns the person's id
 */
export async function enrolPerson(
  pool: pg.Pool,
  person: { fleetId: number; name: string; email: string; password: string; role?: Role },
): Promise<string> {
  const email = person.email.toLowerCase()
  const hash = await hashPassword(person.password)
  return await withTransaction(pool, async (tx) => {
    const { rows } = await tx.query<{ id: string }>(
      `insert into users (id, name, email, email_verified, updated_at) values ($1, $2, $3, true, now())
       on conflict (email) do update set name = excluded.name, updated_at = now() returning id`,
      [crypto.randomUUID(), person.name, email],
    )
    const id = rows[0]!.id
    await setPassword(tx, id, hash)
    await tx.query(
      `insert into fleet_members (fleet_id, user_id, role) values ($1, $2, $3) on conflict (fleet_id, user_id) do ${
        person.role ? 'update set role = excluded.role' : 'nothing'
      }`,
      [person.fleetId, id, person.role ?? 'owner'],
    )
    return id
  })
}

/** Gives a person this password, by its hash, instead of any before. */
export async function setPassword(tx: Db, userId: string, hash: string): Promise<void> {
  await tx.query(`delete from accounts where user_id = $1 and provider_id = 'credential'`, [userId])
  await tx.query(
    `insert into accounts (id, account_id, provider_id, user_id, password, updated_at)
     values ($1, $2, 'credential', $2, $3, now())`,
    [crypto.randomUUID(), userId, hash],
  )
}
