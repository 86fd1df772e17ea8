import type pg from 'pg'
import { enrolDevices } from '../../auth/device.ts'
import { makeOwnKeys, type OwnKey } from '../../auth/own-keys.ts'
import { newId } from '../../db/id.ts'
import { type Db, withTransaction } from '../../db/pool.ts'
import { AppError } from '../../errors.ts'
import type { Instant } from '../../time/instant.ts'

/** The fleet that takes the replay: the one named, else the oldest. */
export async function fleetOf(db: Db, slug: string | undefined): Promise<{ id: number; name: string }> {
  const { rows } = await db.query<{ id: number; name: string }>(
    'select id, name from fleets where $1::text is null or slug = $1 order by id limit 1',
    [slug ?? null],
  )
  if (rows[0]) return rows[0]
  throw new AppError(
    'not-found',
    slug ? `There is no fleet "${slug}".` : 'There is no fleet yet: seed one first.',
  )
}

/** Long before any trace: a replayed vehicle has one driver, however often it is replayed. */
const ALWAYS: Instant = Date.UTC(2000, 0, 1)
const TERMINAL = 'Replay'

/** Each device of the trace with its vehicle, its driver and a key; those that a replay made before get a new key. */
export async function enrolTrace(
  pool: pg.Pool,
  fleetId: number,
  devices: readonly string[],
  place: { latitude: number; longitude: number },
  now: Instant,
): Promise<Map<string, OwnKey>> {
  return await withTransaction(pool, async (tx) => {
    const known = await tx.query<{ id: number; name: string }>(
      'select id, name from devices where fleet_id = $1 and name = any($2)',
      [fleetId, devices],
    )
    const ids = new Map(known.rows.map(({ id, name }) => [name, id]))
    const missing = devices.filter((name) => !ids.has(name))
    if (missing.length > 0) await enrolMissing(tx, fleetId, missing, place, ids)
    const keys = await makeOwnKeys(
      tx,
      fleetId,
      devices.map((name) => ids.get(name)!),
      'the replay',
      now,
    )
    return new Map(devices.map((name, i) => [name, keys[i]!]))
  })
}

/** Vehicles, drivers and devices for names that the fleet does not know; their ids go into `ids`. */
async function enrolMissing(
  tx: Db,
  fleetId: number,
  missing: readonly string[],
  place: { latitude: number; longitude: number },
  ids: Map<string, number>,
): Promise<void> {
  const terminalId = await terminalOf(tx, fleetId, place)
  const vehicleIds = missing.map(() => newId())
  const driverIds = missing.map(() => newId())
  await tx.query(
    `insert into vehicles (fleet_id, id, unit_number) select $1, * from unnest($2::bigint[], $3::text[])`,
    [fleetId, vehicleIds, missing],
  )
  await tx.query(
    `insert into drivers (fleet_id, id, name, employee_number, home_terminal_id)
       select $1, id, 'Driver of ' || name, name, $4 from unnest($2::bigint[], $3::text[]) as d(id, name)`,
    [fleetId, driverIds, missing, terminalId],
  )
  await tx.query(
    `insert into driver_assignments (fleet_id, vehicle_id, from_at, driver_id)
       select $1, vehicle_id, $4, driver_id from unnest($2::bigint[], $3::bigint[]) as a(vehicle_id, driver_id)`,
    [fleetId, vehicleIds, driverIds, new Date(ALWAYS)],
  )
  const enrolled = await enrolDevices(
    tx,
    fleetId,
    missing.map((name, i) => ({ name, vehicleId: vehicleIds[i]! })),
  )
  for (const { name, id } of enrolled) ids.set(name, id)
}

async function terminalOf(
  tx: Db,
  fleetId: number,
  place: { latitude: number; longitude: number },
): Promise<number> {
  const { rows } = await tx.query<{ id: number }>(
    'select id from home_terminals where fleet_id = $1 and name = $2',
    [fleetId, TERMINAL],
  )
  if (rows[0]) return rows[0].id
  const id = newId()
  await tx.query(
    `insert into home_terminals (fleet_id, id, name, time_zone, latitude, longitude)
     select id, $2, $3, time_zone, $4, $5 from fleets where id = $1`,
    [fleetId, id, TERMINAL, place.latitude, place.longitude],
  )
  return id
}
