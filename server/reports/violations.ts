import type { Db } from '../db/pool.ts'
import { HosRefusal } from '../hos/types.ts'
import { judge, violationRow } from '../logs/clocks.ts'
import { SETTLES_MS } from '../logs/day.ts'
import { type Driver, findDrivers } from '../logs/drivers.ts'
import { horizonMs, loadLogs } from '../logs/load.ts'
import type { Instant } from '../time/instant.ts'
import { addDays, zone } from '../time/zone.ts'
import type { FleetViolations } from './schema.ts'

/** So many drivers' logs are in memory at a time, however large the fleet is. */
const AT_ONCE = 200

/**
 * Every violation of a fleet's drivers that touches the days from `from` to `until`, by driver's name and time.
 * @param from, until first and last date, `YYYY-MM-DD`, in each driver's home-terminal zone
 */
export async function fleetViolations(
  db: Db,
  fleetId: number,
  from: string,
  until: string,
  now: Instant,
): Promise<FleetViolations> {
  const found: FleetViolations = { violations: [], notJudged: [], driverCount: 0 }
  for await (const part of violationsInParts(db, fleetId, from, until, now)) {
    found.violations.push(...part.violations)
    found.notJudged.push(...part.notJudged)
    found.driverCount += part.driverCount
  }
  return found
}

/** The same, some drivers at a time. */
export async function* violationsInParts(
  db: Db,
  fleetId: number,
  from: string,
  until: string,
  now: Instant,
): AsyncGenerator<FleetViolations> {
  const { rows } = await db.query<{ driverId: number }>(
    'select id as "driverId" from drivers where fleet_id = $1 order by name, id',
    [fleetId],
  )
  for (let i = 0; i < rows.length; i += AT_ONCE) {
    const keys = rows.slice(i, i + AT_ONCE).map(({ driverId }) => ({ fleetId, driverId }))
    const drivers = await findDrivers(db, keys)
    drivers.sort((a, b) => a.name.localeCompare(b.name) || a.id - b.id)
    const part: FleetViolations = { violations: [], notJudged: [], driverCount: keys.length }
    await addViolations(db, drivers, from, until, now, part)
    yield part
  }
}

async function addViolations(
  db: Db,
  drivers: readonly Driver[],
  from: string,
  until: string,
  now: Instant,
  found: FleetViolations,
): Promise<void> {
  const periods = drivers.map((driver) => {
    const clock = zone(driver.timeZone)
    const begins = clock.startOf(from, driver.dayStartMinutes)
    const ends = clock.startOf(addDays(until, 1), driver.dayStartMinutes)
    return { clock, begins, ends, asOf: Math.min(now, ends + SETTLES_MS) }
  })
  const logs = await loadLogs(
    db,
    drivers.map((driver, i) => ({
      fleetId: driver.fleetId,
      driverId: driver.id,
      from: periods[i]!.begins - horizonMs(driver.ruleset),
      until: periods[i]!.asOf,
    })),
  )
  drivers.forEach((driver, i) => {
    const { clock, begins, ends, asOf } = periods[i]!
    if (begins > asOf) return
    const { id: driverId, name: driverName, employeeNumber, homeTerminal, timeZone, ruleset } = driver
    try {
      for (const violation of judge(driver, logs[i]!, asOf).violations) {
        if (violation.from >= ends || violation.until <= begins) continue
        found.violations.push({
          driverId,
          driverName,
          employeeNumber,
          homeTerminal,
          timeZone,
          ruleset,
          date: clock.dateOf(violation.from, driver.dayStartMinutes),
          open: violation.until >= asOf,
          ...violationRow(violation, timeZone),
        })
      }
    } catch (error) {
      if (!(error instanceof HosRefusal)) throw error
      found.notJudged.push({ driverId, driverName, employeeNumber, reason: error.message })
    }
  })
}
