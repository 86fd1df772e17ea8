import { newId } from '../db/id.ts'
import type { Db } from '../db/pool.ts'
import { AppError } from '../errors.ts'
import type { Instant } from '../time/instant.ts'
import { MINUTE } from '../time/instant.ts'
import { lockDrivers, refreshClocks } from './clocks.ts'
import type { DriverKey } from './drivers.ts'
import { STOPPED_MS } from './motion.ts'
import { placesOf } from './place.ts'
import { deriveChanged, lockVehicle, recheckVehicle } from './refresh.ts'
import type { SettableStatus } from './schema.ts'

/** A clock this much ahead of ours is no fault of the driver's. */
const AHEAD_MS = MINUTE

export interface NewStatus extends DriverKey {
  status: SettableStatus
  at: Instant
  origin: 'driver' | 'dispatcher'
  vehicleId: number | null
  annotation: string
  recordedBy: string | null
}

/**
 * Records a status that a person set, and evaluates the driver. Said again (same driver, instant and status) it changes
 * nothing. A status set while the truck moves is kept and counts for nothing (us-canada 4); a dispatcher is told so instead.
 * @returns whether it was new
 * @throws AppError malformed for an instant in the future, conflict while the truck moves
 */
export async function recordStatus(tx: Db, status: NewStatus, now: Instant): Promise<boolean> {
  const { fleetId, driverId, vehicleId, at, origin } = status
  if (vehicleId !== null) await lockVehicle(tx, fleetId, vehicleId)
  await lockDrivers(tx, [status])
  if (at > now + AHEAD_MS) throw new AppError('malformed', 'must not be in the future', 'at')
  if (origin === 'dispatcher' && vehicleId !== null && (await isMoving(tx, fleetId, vehicleId, at))) {
    throw new AppError(
      'conflict',
      'The truck is moving, so its driver is driving: set the status once it has stopped.',
    )
  }
  const [place] = await placesOf(tx, fleetId, [{ vehicleId, at }])
  const { rowCount } = await tx.query(
    `insert into duty_events (fleet_id, driver_id, id, at, status, origin, vehicle_id, place, annotation, recorded_at, recorded_by)
     select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11
     where not exists (select 1 from duty_events where fleet_id = $1 and driver_id = $2 and at = $4 and status = $5)`,
    [
      fleetId,
      driverId,
      newId(),
      new Date(at),
      status.status,
      origin,
      vehicleId,
      place,
      status.annotation,
      new Date(now),
      status.recordedBy,
    ],
  )
  if (!rowCount) return false
  if (vehicleId !== null) {
    // It may end driving that would have gone on: whoever asked sees that in the answer, not a moment later.
    await recheckVehicle(tx, fleetId, vehicleId, at)
    await deriveChanged(tx, 1, now, { fleetId, vehicleId })
  }
  await refreshClocks(tx, [status], now)
  // The worker looks at it once more, for the alerts.
  await tx.query('update driver_clocks set next_change_at = $3 where fleet_id = $1 and driver_id = $2', [
    fleetId,
    driverId,
    new Date(now),
  ])
  return true
}

/** The vehicle that a driver has at an instant; null if none. */
export const vehicleOf = async (
  db: Db,
  { fleetId, driverId }: DriverKey,
  at: Instant,
): Promise<number | null> => (await assignmentAt(db, fleetId, 'driver_id', driverId, at))?.vehicleId ?? null

/** The driver who has a vehicle at an instant; null if none. */
export const driverOf = async (
  db: Db,
  fleetId: number,
  vehicleId: number,
  at: Instant,
): Promise<number | null> => (await assignmentAt(db, fleetId, 'vehicle_id', vehicleId, at))?.driverId ?? null

async function assignmentAt(
  db: Db,
  fleetId: number,
  column: 'driver_id' | 'vehicle_id',
  id: number,
  at: Instant,
): Promise<{ driverId: number; vehicleId: number } | undefined> {
  const { rows } = await db.query<{ driverId: number; vehicleId: number }>(
    `select driver_id as "driverId", vehicle_id as "vehicleId" from driver_assignments
     where fleet_id = $1 and ${column} = $2 and from_at <= $3 and (until_at is null or until_at > $3)
     order by from_at desc limit 1`,
    [fleetId, id, new Date(at)],
  )
  return rows[0]
}

/** Does motion go on at `at`, as far as the fixes tell: seen after it, or the newest fix moves and nothing came since? */
async function isMoving(tx: Db, fleetId: number, vehicleId: number, at: Instant): Promise<boolean> {
  const { rows } = await tx.query(
    `select 1 from driving_spans
     where fleet_id = $1 and vehicle_id = $2 and from_at <= $3
       and (last_motion_at + $4 * interval '1 millisecond' > $3 or until_at is null)
     limit 1`,
    [fleetId, vehicleId, new Date(at), STOPPED_MS],
  )
  return rows.length > 0
}
