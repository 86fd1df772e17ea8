import type { Db } from '../db/pool.ts'
import type { RulesetId } from '../hos/types.ts'

/** What evaluating and showing a driver's log needs to know about the driver. */
export interface Driver {
  fleetId: number
  id: number
  name: string
  employeeNumber: string
  licence: string
  homeTerminal: string
  timeZone: string
  ruleset: RulesetId
  dayStartMinutes: number
}

export interface DriverKey {
  fleetId: number
  driverId: number
}

/** The drivers of these keys, in any order; an unknown key is left out. */
export async function findDrivers(db: Db, keys: readonly DriverKey[]): Promise<Driver[]> {
  if (keys.length === 0) return []
  const { rows } = await db.query<Driver>(
    `select d.fleet_id as "fleetId", d.id, d.name, d.employee_number as "employeeNumber",
       trim(d.licence_state || ' ' || d.licence_number) as licence, t.name as "homeTerminal",
       t.time_zone as "timeZone", d.ruleset, d.day_start_minutes as "dayStartMinutes"
     from unnest($1::bigint[], $2::bigint[]) as k(fleet_id, driver_id)
     join drivers d on d.fleet_id = k.fleet_id and d.id = k.driver_id
     join home_terminals t on t.fleet_id = d.fleet_id and t.id = d.home_terminal_id`,
    [keys.map((key) => key.fleetId), keys.map((key) => key.driverId)],
  )
  return rows
}
