import type { Person } from '../server/auth/principal.ts'
import { type Db, db, withFleet } from '../server/db/pool.ts'

/** How pages read: one transaction behind the walls of the person's fleet. They have no other way to the database. */
export const inFleet = <T>(person: Pick<Person, 'fleetId'>, work: (tx: Db) => Promise<T>): Promise<T> =>
  withFleet(db(), person.fleetId, work)
