import type pg from 'pg'
import { type Db, withTransaction } from '../db/pool.ts'
import { type Instant, SECOND } from '../time/instant.ts'
import { type Recount, writeRecounts } from './doubts.ts'
import { reviseVehicle } from './revise.ts'
import type { VehicleKey } from './rows.ts'
import { SETTINGS_COLUMNS, type SettingsRow, settingsOf } from './settings.ts'

/** A moving truck's trip is derived again so often at most, however often it reports. */
const APART_MS = 60 * SECOND
/**
 * Of a truck that stands where it stood, this share of the time that it has stood. Each look reads the whole stop, so the work for
 * one more heartbeat stays the same however long that is. What moves is looked at within APART_MS.
 */
const STANDING_SHARE = 20
/** 5 km/h, and some 100 m in 1e-7 degrees of latitude: still there. */
const STANDING_CKPH = 500
const STANDING_E7 = 9_000
/** What one transaction takes on: it holds their locks, and a person who sets a status waits for them. */
const VEHICLES_AT_ONCE = 20

/** Fixes of a vehicle changed between two instants. */
export interface Changed extends VehicleKey {
  fromAt: Instant
  untilAt: Instant
}

/**
 * Notes that the trips of these vehicles must be derived again, and when that is worth the work. In the transaction that takes the
 * note of the fixes, so a kill loses neither.
 */
export async function noteTrips(tx: Db, changed: readonly Changed[], now: Instant): Promise<void> {
  await tx.query({
    name: 'note-trips',
    text: `insert into trip_rechecks as r (fleet_id, vehicle_id, from_at, until_at, due_at)
      select k.fleet_id, k.vehicle_id, k.from_at, k.until_at, $5::timestamptz + case
        when s.ends_by = 'open' and k.from_at >= s.ended_at and coalesce(l.speed_ckph, 0) <= ${STANDING_CKPH}
          and abs(l.latitude_e7 - s.latitude_e7) < ${STANDING_E7}
          and abs(l.longitude_e7 - s.longitude_e7) * cosd(s.latitude_e7 / 1e7) < ${STANDING_E7}
        then greatest((s.ended_at - s.started_at) / ${STANDING_SHARE}, interval '${APART_MS} ms')
        else interval '${APART_MS} ms' end
      from unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::timestamptz[])
        as k(fleet_id, vehicle_id, from_at, until_at)
      left join latest_positions l on l.fleet_id = k.fleet_id and l.vehicle_id = k.vehicle_id
      left join lateral (
        select * from stops s where s.fleet_id = k.fleet_id and s.vehicle_id = k.vehicle_id
        order by s.started_at desc limit 1) s on true
      order by k.fleet_id, k.vehicle_id
      on conflict (fleet_id, vehicle_id) do update set from_at = least(r.from_at, excluded.from_at),
        until_at = greatest(r.until_at, excluded.until_at), due_at = least(r.due_at, excluded.due_at)`,
    values: [
      changed.map(({ fleetId }) => fleetId),
      changed.map(({ vehicleId }) => vehicleId),
      changed.map(({ fromAt }) => new Date(fromAt)),
      changed.map(({ untilAt }) => new Date(untilAt)),
      new Date(now),
    ],
  })
}

interface Claim extends Changed, SettingsRow {
  /** The note's version: fixes that come meanwhile make another, and the note stays. */
  version: string
}

export interface TripsDone {
  vehicles: number
  /** Points that were read. */
  points: number
  /** Rows that differed. */
  rows: number
}

/**
 * Derives the trips of up to `limit` vehicles whose notes are due. A vehicle that another process has is left to it; what is
 * cut off is done again, for the note goes with the commit.
 */
export async function deriveTrips(pool: pg.Pool, now: Instant, limit: number): Promise<TripsDone> {
  const done: TripsDone = { vehicles: 0, points: 0, rows: 0 }
  while (done.vehicles < limit) {
    const atOnce = Math.min(VEHICLES_AT_ONCE, limit - done.vehicles)
    const taken = await withTransaction(pool, (tx) => deriveDue(tx, now, atOnce, done))
    done.vehicles += taken
    if (taken < atOnce) break
  }
  return done
}

async function deriveDue(tx: Db, now: Instant, limit: number, done: TripsDone): Promise<number> {
  const { rows: claims } = await tx.query<Claim>({
    name: 'claim-trips',
    text: `select r.fleet_id as "fleetId", r.vehicle_id as "vehicleId", r.from_at as "fromAt", r.until_at as "untilAt",
        r.xmin::text as version, ${SETTINGS_COLUMNS}
      from trip_rechecks r
      join vehicle_motion m on m.fleet_id = r.fleet_id and m.vehicle_id = r.vehicle_id
      join fleets f on f.id = r.fleet_id
      where r.due_at <= $1 order by r.due_at limit $2
      for update of m skip locked`,
    values: [new Date(now), limit],
  })
  if (claims.length === 0) return 0
  // A commit that a crash undoes takes its notes' end with it: it need not wait for the disk.
  await tx.query('set local synchronous_commit = off')
  const marked: Changed[] = []
  const recounts: Recount[] = []
  for (const claim of claims) {
    const revision = await reviseVehicle(tx, claim, settingsOf(claim), claim.fromAt, claim.untilAt)
    done.points += revision.points
    done.rows += revision.rows
    recounts.push(...revision.recounts)
    if (revision.marked)
      marked.push({ ...claim, fromAt: revision.marked.from, untilAt: revision.marked.until })
  }
  await tx.query(
    `delete from trip_rechecks r using unnest($1::bigint[], $2::bigint[], $3::text[]) as k(fleet_id, vehicle_id, version)
     where r.fleet_id = k.fleet_id and r.vehicle_id = k.vehicle_id and r.xmin::text = k.version`,
    [
      claims.map(({ fleetId }) => fleetId),
      claims.map(({ vehicleId }) => vehicleId),
      claims.map(({ version }) => version),
    ],
  )
  await writeRecounts(tx, recounts)
  // Last, and in the order of those who take notes (server/logs/refresh.ts): they wait for these rows.
  if (marked.length > 0) await recheckMarked(tx, marked)
  return claims.length
}

/** Driving and the latest position don't count a jump, so a new mark is a change for them too. */
async function recheckMarked(tx: Db, marked: Changed[]): Promise<void> {
  marked.sort((a, b) => a.vehicleId - b.vehicleId)
  await tx.query(
    `insert into vehicle_rechecks as r (fleet_id, vehicle_id, from_at, until_at)
     select * from unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::timestamptz[])
     on conflict (fleet_id, vehicle_id) do update set from_at = least(r.from_at, excluded.from_at),
       until_at = greatest(r.until_at, excluded.until_at)`,
    [
      marked.map(({ fleetId }) => fleetId),
      marked.map(({ vehicleId }) => vehicleId),
      marked.map(({ fromAt }) => new Date(fromAt)),
      marked.map(({ untilAt }) => new Date(untilAt)),
    ],
  )
}
