import type { Db } from '../db/pool.ts'
import { evaluate } from '../hos/evaluate.ts'
import { explain, ruleTitle } from '../hos/explain.ts'
import type { Course } from '../hos/forecast.ts'
import { type DutyStatus, type Evaluation, HosRefusal, isEuropean, type Violation } from '../hos/types.ts'
import { log } from '../log.ts'
import { DAY, type Instant } from '../time/instant.ts'
import { type Driver, type DriverKey, findDrivers } from './drivers.ts'
import { type LogEntry, nextEntryAfter } from './events.ts'
import { horizonMs, loadLogs } from './load.ts'
import type { ViolationRow } from './schema.ts'

/** A driver's violations stay on the board for so long after they ended. */
const SHOWN_FOR_MS = DAY
/** A log that can't be judged is tried again after this. */
const RETRY_MS = DAY

/** A driver as just evaluated, for whoever acts on it. */
export interface Evaluated {
  driver: Driver
  vehicleId: number | null
  evaluation: Evaluation
  violations: ViolationRow[]
}

export function violationRow(violation: Violation, timeZone: string): ViolationRow {
  return {
    rule: violation.rule,
    title: ruleTitle(violation.rule),
    from: violation.from,
    until: violation.until,
    explanation: explain(violation, timeZone),
    citation: violation.explanation.citation,
  }
}

/** What people set and motion shows, in the words of (EU) 165/2014 art. 34. */
const EUROPEAN: Partial<Record<DutyStatus, DutyStatus>> = {
  OFF: 'REST',
  SB: 'REST',
  PC: 'REST',
  ON: 'WORK',
  YM: 'WORK',
  D: 'DRIVE',
}

/** A merged log as the hours engine takes it, in the words of the driver's rules. */
export const courseOf = (driver: Driver, log: readonly LogEntry[], asOf: Instant): Course => ({
  log: log.map(({ at, status }) => ({
    at,
    status: isEuropean(driver.ruleset) ? (EUROPEAN[status] ?? status) : status,
  })),
  ruleset: driver.ruleset,
  options: { timeZone: driver.timeZone, dayStartMinutes: driver.dayStartMinutes },
  asOf,
})

/** Judges a merged log; entries ahead of `now` (driving that will end by itself) are not known yet. */
export function judge(driver: Driver, log: readonly LogEntry[], now: Instant): Evaluation {
  const course = courseOf(driver, log, now)
  return evaluate(course.log, course.ruleset, course.options, now)
}

/**
 * Evaluates drivers at `now` and keeps the answers. Their rows are locked in order of id, so that of two processes the
 * later one reads what the earlier wrote. A log that the engine refuses leaves the last answer standing and is reported.
 */
export async function refreshClocks(tx: Db, keys: readonly DriverKey[], now: Instant): Promise<Evaluated[]> {
  if (keys.length === 0) return []
  await lockDrivers(tx, keys)
  const drivers = await findDrivers(tx, keys)
  const logs = await loadLogs(
    tx,
    drivers.map((driver) => ({
      fleetId: driver.fleetId,
      driverId: driver.id,
      from: now - horizonMs(driver.ruleset),
      until: now,
    })),
  )
  const vehicles = await assignedVehicles(tx, drivers, now)
  const evaluated: Evaluated[] = []
  const nextChangeAt: (Instant | null)[] = []
  const refused: Driver[] = []
  drivers.forEach((driver, i) => {
    try {
      const evaluation = judge(driver, logs[i]!, now)
      const violations = evaluation.violations
        .filter((violation) => violation.until > now - SHOWN_FOR_MS)
        .map((violation) => violationRow(violation, driver.timeZone))
      evaluated.push({ driver, vehicleId: vehicles.get(driver.id) ?? null, evaluation, violations })
      const next = nextEntryAfter(logs[i]!, now)?.at ?? null
      const { nextChangeAt: changes } = evaluation
      nextChangeAt.push(next === null || changes === null ? (next ?? changes) : Math.min(next, changes))
    } catch (error) {
      if (!(error instanceof HosRefusal)) throw error
      const { id, fleetId } = driver
      log.error('the log of a driver can’t be judged', { driver: id, fleet: fleetId, error: error.message })
      refused.push(driver)
    }
  })
  await store(tx, evaluated, nextChangeAt, now)
  if (refused.length > 0) {
    await tx.query(
      `update driver_clocks c set next_change_at = $3
       from unnest($1::bigint[], $2::bigint[]) as k(fleet_id, driver_id)
       where c.fleet_id = k.fleet_id and c.driver_id = k.driver_id`,
      [refused.map((one) => one.fleetId), refused.map((one) => one.id), new Date(now + RETRY_MS)],
    )
  }
  return evaluated
}

/** Until the transaction ends, nobody else writes these drivers' logs or clocks. Always in order of id, so that nobody waits in a circle. */
export async function lockDrivers(tx: Db, keys: readonly DriverKey[]): Promise<void> {
  await tx.query(
    `select 1 from drivers d join unnest($1::bigint[], $2::bigint[]) as k(fleet_id, driver_id)
       on d.fleet_id = k.fleet_id and d.id = k.driver_id
     order by d.fleet_id, d.id for no key update of d`,
    [keys.map((key) => key.fleetId), keys.map((key) => key.driverId)],
  )
}

/** The vehicle that each driver has at `now`. */
async function assignedVehicles(
  tx: Db,
  drivers: readonly Driver[],
  now: Instant,
): Promise<Map<number, number>> {
  const { rows } = await tx.query<{ driverId: number; vehicleId: number }>(
    `select distinct on (a.driver_id) a.driver_id as "driverId", a.vehicle_id as "vehicleId"
     from unnest($1::bigint[], $2::bigint[]) as k(fleet_id, driver_id)
     join driver_assignments a on a.fleet_id = k.fleet_id and a.driver_id = k.driver_id
       and a.from_at <= $3 and (a.until_at is null or a.until_at > $3)
     order by a.driver_id, a.from_at desc`,
    [drivers.map((driver) => driver.fleetId), drivers.map((driver) => driver.id), new Date(now)],
  )
  return new Map(rows.map(({ driverId, vehicleId }) => [driverId, vehicleId]))
}

async function store(
  tx: Db,
  evaluated: readonly Evaluated[],
  nextChangeAt: readonly (Instant | null)[],
  now: Instant,
): Promise<void> {
  if (evaluated.length === 0) return
  await tx.query(
    `insert into driver_clocks (fleet_id, driver_id, evaluated_at, status, status_since, vehicle_id, clocks, violations,
       next_change_at)
     select fleet_id, driver_id, $1, status, status_since, vehicle_id, clocks, violations, next_change_at
     from unnest($2::bigint[], $3::bigint[], $4::text[], $5::timestamptz[], $6::bigint[], $7::jsonb[], $8::jsonb[],
       $9::timestamptz[]) as e(fleet_id, driver_id, status, status_since, vehicle_id, clocks, violations, next_change_at)
     on conflict (fleet_id, driver_id) do update set evaluated_at = excluded.evaluated_at, status = excluded.status,
       status_since = excluded.status_since, vehicle_id = excluded.vehicle_id, clocks = excluded.clocks,
       violations = excluded.violations, next_change_at = excluded.next_change_at,
       revision = pg_current_xact_id()::text::bigint`,
    [
      new Date(now),
      evaluated.map(({ driver }) => driver.fleetId),
      evaluated.map(({ driver }) => driver.id),
      evaluated.map(({ evaluation }) => evaluation.status),
      evaluated.map(({ evaluation }) => new Date(evaluation.statusSince)),
      evaluated.map(({ vehicleId }) => vehicleId),
      evaluated.map(({ evaluation }) => JSON.stringify(evaluation.clocks)),
      evaluated.map(({ violations }) => JSON.stringify(violations)),
      nextChangeAt.map((at) => (at === null ? null : new Date(at))),
    ],
  )
}
