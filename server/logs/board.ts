import type { Db } from '../db/pool.ts'
import { type LiveReader, setLiveReader } from '../fleet/live-read.ts'
import type { Cursor, Revised } from '../fleet/positions.ts'
import { isAtWork } from '../fleet/state.ts'
import type { Clock, DutyStatus, RulesetId } from '../hos/types.ts'
import type { Instant } from '../time/instant.ts'
import type { DriverRow, ViolationRow } from './schema.ts'

interface Stored {
  driverId: number
  name: string
  employeeNumber: string
  homeTerminal: string
  timeZone: string
  ruleset: RulesetId
  createdAt: Instant
  vehicleId: number | null
  unitNumber: string | null
  status: DutyStatus | null
  statusSince: Instant
  clocks: Clock[]
  violations: ViolationRow[]
  evaluatedAt: Instant
  revision: number
}

/** The clock that stops the driver first; of two equal ones the first in the ruleset's order. */
export function tightestOf(clocks: readonly Clock[]): DriverRow['tightest'] {
  let least: Clock | undefined
  for (const clock of clocks) if (!least || clock.remainingMs < least.remainingMs) least = clock
  return least
    ? {
        name: least.name,
        remainingMs: least.remainingMs,
        running: least.running,
        runsOutAt: least.runsOutAt,
      }
    : null
}

/** As the last evaluation left it. A driver who has not been evaluated yet is off duty since joining, without clocks. */
function toRow({ revision: _, createdAt, ...stored }: Stored): DriverRow {
  if (stored.status === null) {
    return {
      ...stored,
      status: 'OFF',
      statusSince: createdAt,
      clocks: [],
      violations: [],
      tightest: null,
      evaluatedAt: createdAt,
    }
  }
  return { ...stored, status: stored.status, tightest: tightestOf(stored.clocks) }
}

interface BoardFilter {
  since?: Cursor | null
  driverId?: number
}

async function readBoard(db: Db, fleetId: number, filter: BoardFilter): Promise<Stored[]> {
  const { rows } = await db.query<Stored>(
    `select d.id as "driverId", d.name, d.employee_number as "employeeNumber", t.name as "homeTerminal",
       t.time_zone as "timeZone", d.ruleset, d.created_at as "createdAt", dc.vehicle_id as "vehicleId",
       v.unit_number as "unitNumber", dc.status, dc.status_since as "statusSince", dc.clocks, dc.violations,
       dc.evaluated_at as "evaluatedAt", coalesce(dc.revision, 0) as revision
     from drivers d
     join home_terminals t on t.fleet_id = d.fleet_id and t.id = d.home_terminal_id
     left join driver_clocks dc on dc.fleet_id = d.fleet_id and dc.driver_id = d.id
     left join vehicles v on v.fleet_id = dc.fleet_id and v.id = dc.vehicle_id
     where d.fleet_id = $1 and ($2::bigint is null or dc.revision >= $2) and ($3::bigint is null or d.id = $3)`,
    [fleetId, filter.since?.revision ?? null, filter.driverId ?? null],
  )
  return rows
}

/** A fleet's drivers with their clocks: those at work first, the tightest clock first among them; without clocks last. */
export async function listDriverRows(db: Db, fleetId: number): Promise<DriverRow[]> {
  const rows = (await readBoard(db, fleetId, {})).map(toRow)
  const left = (row: DriverRow) => row.tightest?.remainingMs ?? Number.POSITIVE_INFINITY
  return rows.sort(
    (a, b) =>
      Number(isAtWork(b.status)) - Number(isAtWork(a.status)) ||
      (left(a) === left(b) ? a.name.localeCompare(b.name) : left(a) - left(b)),
  )
}

/** One driver's row; undefined for a driver of another fleet. */
export async function findDriverRow(
  db: Db,
  fleetId: number,
  driverId: number,
): Promise<DriverRow | undefined> {
  const [stored] = await readBoard(db, fleetId, { driverId })
  return stored && toRow(stored)
}

const liveDrivers: LiveReader<DriverRow> = async (db, fleetId, since): Promise<Revised<DriverRow>[]> =>
  (await readBoard(db, fleetId, { since })).map((stored) => ({
    row: toRow(stored),
    version: String(stored.revision),
  }))

setLiveReader('drivers', liveDrivers)
