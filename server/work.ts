import type pg from 'pg'
import { assessDriver } from './alerts/assess.ts'
import { keepDeviceAlerts, keepDriverAlerts, keepSilenceAlerts } from './alerts/keep.ts'
import { type Db, withTransaction } from './db/pool.ts'
import { notifyFleet } from './fleet/changes.ts'
import { isAtWork } from './fleet/state.ts'
import { type Evaluated, refreshClocks } from './logs/clocks.ts'
import type { DriverKey } from './logs/drivers.ts'
import { deriveChanged, driversDue, takeNotes } from './logs/refresh.ts'
import type { Instant } from './time/instant.ts'
import { deriveTrips } from './trips/refresh.ts'

/** What one transaction takes on; the rest waits for the next, so that none runs long. */
const VEHICLES_AT_ONCE = 200
const DRIVERS_AT_ONCE = 500
/** Trips come last and never hold up hours: so many vehicles a round. */
const TRIPS_A_ROUND = 100
/** Alerts come before a limit: a driver at work is looked at again when one of these is left. */
const WARN_AT_MS = [60 * 60_000, 30 * 60_000]

/**
 * One round of the worker: derives driving from what was reported, evaluates the drivers whose logs changed and those whose
 * answers change by the passing of time, keeps the alerts, and derives the trips that are due. Everything commits together with what it was derived from,
 * so a round cut off at any point is simply done again.
 * @returns how many vehicles and drivers were looked at, and of how many vehicles the trips; `more` of them are due
 */
export async function work(
  pool: pg.Pool,
  now: () => Instant,
): Promise<{ vehicles: number; drivers: number; trips: number; more: boolean }> {
  const done = { vehicles: 0, drivers: 0, trips: 0, more: false }
  while (await takeNotes(pool));
  for (let more = true; more; ) {
    const { taken, drivers } = await withTransaction(pool, async (tx) => {
      const derived = await deriveChanged(tx, VEHICLES_AT_ONCE, now())
      await refresh(tx, derived.drivers, now())
      return derived
    })
    done.vehicles += taken
    done.drivers += drivers.length
    more = taken === VEHICLES_AT_ONCE
  }
  for (let more = true; more; ) {
    const drivers = await withTransaction(pool, async (tx) => {
      const due = await driversDue(tx, now(), DRIVERS_AT_ONCE)
      await refresh(tx, due, now())
      return due
    })
    done.drivers += drivers.length
    more = drivers.length >= DRIVERS_AT_ONCE
  }
  await withTransaction(pool, async (tx) => {
    const changed = [await keepSilenceAlerts(tx, now()), await keepDeviceAlerts(tx, now())]
    for (const fleetId of new Set(changed.flatMap((fleets) => [...fleets]))) await notifyFleet(tx, fleetId)
  })
  done.trips = (await deriveTrips(pool, now(), TRIPS_A_ROUND)).vehicles
  done.more = done.trips === TRIPS_A_ROUND
  return done
}

async function refresh(tx: Db, keys: readonly DriverKey[], now: Instant): Promise<void> {
  if (keys.length === 0) return
  const evaluated = await refreshClocks(tx, keys, now)
  await keepDriverAlerts(
    tx,
    evaluated.map(({ driver, vehicleId, evaluation, violations }) => ({
      fleetId: driver.fleetId,
      driverId: driver.id,
      wanted: assessDriver(
        {
          driverId: driver.id,
          name: driver.name,
          timeZone: driver.timeZone,
          vehicleId,
          status: evaluation.status,
          statusSince: evaluation.statusSince,
          clocks: isAtWork(evaluation.status) ? evaluation.clocks : evaluation.clocks.map(standing),
          violations,
        },
        now,
      ),
    })),
    now,
  )
  await wakeForWarnings(tx, evaluated, now)
  for (const fleetId of new Set(keys.map((key) => key.fleetId))) await notifyFleet(tx, fleetId)
}

/** While a driver rests no limit is on its way, though the window goes on. */
const standing = <T extends object>(clock: T) => ({ ...clock, running: false, runsOutAt: null })

/** A warning is a change of its own: the driver is evaluated again when it is due. */
async function wakeForWarnings(tx: Db, evaluated: readonly Evaluated[], now: Instant): Promise<void> {
  const due: { driver: Evaluated['driver']; at: Instant }[] = []
  for (const { driver, evaluation } of evaluated) {
    if (!isAtWork(evaluation.status)) continue
    let next = Number.POSITIVE_INFINITY
    for (const { runsOutAt } of evaluation.clocks) {
      if (runsOutAt === null) continue
      for (const before of WARN_AT_MS) if (runsOutAt - before > now) next = Math.min(next, runsOutAt - before)
    }
    if (Number.isFinite(next)) due.push({ driver, at: next })
  }
  if (due.length === 0) return
  await tx.query(
    `update driver_clocks c set next_change_at = least(c.next_change_at, k.at)
     from unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) as k(fleet_id, driver_id, at)
     where c.fleet_id = k.fleet_id and c.driver_id = k.driver_id`,
    [
      due.map(({ driver }) => driver.fleetId),
      due.map(({ driver }) => driver.id),
      due.map(({ at }) => new Date(at)),
    ],
  )
}
