import type { Db } from '../db/pool.ts'
import type { FramePosition } from '../geo/frame.ts'
import type { DutyStatus } from '../hos/types.ts'
import { type Instant, MINUTE } from '../time/instant.ts'
import type { Fleet } from './fleets.ts'
import { vehicleState } from './state.ts'

const IGNITION_KNOWN = 1
const IGNITION_ON = 2

/** From where on to read: the transaction that a frame before was read at, and when that was. */
export interface Cursor {
  revision: number
  at: Instant
}

/** A row of the stream, with what tells one version of it from the next. */
export interface Revised<T> {
  row: T
  version: string
}

/**
 * The newest positions of a fleet: all, or those that changed since the cursor. A vehicle changes when it reports, when
 * its driver's status does, and when time alone makes it silent.
 */
export async function latestPositions(
  db: Db,
  fleet: Fleet,
  since: Cursor | null,
  now: Instant,
): Promise<Revised<FramePosition>[]> {
  const silentMs = fleet.silentAfterMinutes * MINUTE
  const { rows } = await db.query<{
    vehicleId: number
    latitudeE7: number
    longitudeE7: number
    speedCkph: number | null
    headingDeg: number | null
    flags: number
    fixAt: Instant
    receivedAt: Instant
    revision: number
    status: DutyStatus | null
  }>(
    // Two reads by the index on revision, then one by key, rather than a scan of the fleet each quarter of a second.
    `${
      since
        ? `with changed as (
             select vehicle_id from latest_positions where fleet_id = $1 and revision >= $2
             union select vehicle_id from driver_clocks where fleet_id = $1 and revision >= $2
             union select vehicle_id from latest_positions
             where fleet_id = $1 and received_at >= $3 and received_at < $4)`
        : ''
    }
     select lp.vehicle_id as "vehicleId", lp.latitude_e7 as "latitudeE7", lp.longitude_e7 as "longitudeE7",
       lp.speed_ckph as "speedCkph", lp.heading_deg as "headingDeg", lp.flags, lp.fix_at as "fixAt",
       lp.received_at as "receivedAt", lp.revision, dc.status
     from latest_positions lp ${since ? 'join changed using (vehicle_id)' : ''}
     left join (
       select distinct on (vehicle_id) vehicle_id, status from driver_clocks
       where fleet_id = $1 and vehicle_id is not null order by vehicle_id, status_since desc
     ) dc on dc.vehicle_id = lp.vehicle_id
     where lp.fleet_id = $1`,
    since
      ? [fleet.id, since.revision, new Date(since.at - silentMs - 1), new Date(now - silentMs)]
      : [fleet.id],
  )
  return rows.map((row) => {
    const speedKph = row.speedCkph === null ? null : row.speedCkph / 100
    const state = vehicleState(
      {
        receivedAt: row.receivedAt,
        speedKph,
        ignition: row.flags & IGNITION_KNOWN ? (row.flags & IGNITION_ON) !== 0 : null,
        driverStatus: row.status,
      },
      fleet,
      now,
    )
    return {
      version: `${row.revision} ${state}`,
      row: {
        vehicleId: row.vehicleId,
        latitude: row.latitudeE7 / 1e7,
        longitude: row.longitudeE7 / 1e7,
        speedKph: speedKph ?? 0,
        headingDegrees: row.headingDeg,
        fixTime: row.fixAt,
        receivedTime: row.receivedAt,
        state,
      },
    }
  })
}
