import type { Person } from '../auth/principal.ts'
import type { Db } from '../db/pool.ts'
import { AppError } from '../errors.ts'
import type { DistanceUnit, Me } from './schema.ts'

export interface Fleet extends NonNullable<Me['fleet']> {
  /** Faster than this is motion. */
  motionThresholdKph: number
  silentAfterMinutes: number
}

/** The fleet's own settings. Throws not-found for an id that is none. */
export async function getFleet(db: Db, fleetId: number): Promise<Fleet> {
  const { rows } = await db.query<Fleet & { distanceUnit: DistanceUnit }>(
    `select id, name, slug, usdot_number as "usdotNumber", main_office as "mainOffice", time_zone as "timeZone",
       distance_unit as "distanceUnit", motion_threshold_kph as "motionThresholdKph",
       silent_after_minutes as "silentAfterMinutes"
     from fleets where id = $1`,
    [fleetId],
  )
  if (!rows[0]) throw new AppError('not-found', 'There is no such fleet.')
  return rows[0]
}

/** Who is looking, and at which fleet. */
export async function me(db: Db, person: Person): Promise<Me> {
  const { id, name, slug, usdotNumber, mainOffice, timeZone, distanceUnit } = await getFleet(
    db,
    person.fleetId,
  )
  return {
    user: {
      id: person.userId,
      name: person.name,
      email: person.email,
      role: person.role,
      driverId: person.driverId,
    },
    fleet: { id, name, slug, usdotNumber, mainOffice, timeZone, distanceUnit },
  }
}
