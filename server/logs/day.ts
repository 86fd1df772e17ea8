import type { Db } from '../db/pool.ts'
import { AppError } from '../errors.ts'
import { getFleet } from '../fleet/fleets.ts'
import { advise } from '../hos/advice.ts'
import { ruleTitle } from '../hos/explain.ts'
import { type DutyStatus, HosRefusal } from '../hos/types.ts'
import { DAY, type Instant } from '../time/instant.ts'
import { addDays, zone } from '../time/zone.ts'
import { courseOf, judge, violationRow } from './clocks.ts'
import { type Driver, findDrivers } from './drivers.ts'
import { entryAt, type LogEntry } from './events.ts'
import { horizonMs, loadLogs } from './load.ts'
import { placesOf } from './place.ts'
import type { AdviceRow, DayEvent, DayLog, DaySegment } from './schema.ts'

/** A pair of rests can take a violation back for so long after it; older days are judged with this much after them. */
export const SETTLES_MS = 3 * DAY

type Row = keyof DayLog['totals']
const ROW: Record<DutyStatus, Row> = {
  OFF: 'OFF',
  PC: 'OFF',
  SB: 'SB',
  D: 'D',
  ON: 'ON',
  YM: 'ON',
  REST: 'OFF',
  FERRY: 'SB',
  DRIVE: 'D',
  WORK: 'ON',
  POA: 'ON',
}

/** The row of the graph grid that a status is drawn in (49 CFR 395.8(g)). */
export const gridRow = (status: DutyStatus): Row => ROW[status]

/** The carrier's day that holds `now`, for a driver. */
export const dateAt = (driver: Driver, now: Instant): string =>
  zone(driver.timeZone).dateOf(now, driver.dayStartMinutes)

/**
 * A driver's days in order, those that have begun by `now`. One log is read for all of them, and judged as it is known
 * now, so that a day looks the same alone and within a month.
 * @param from, until first and last date, `YYYY-MM-DD` in the home terminal's zone
 * @throws AppError not-found for a driver of another fleet
 */
export async function loadDays(
  db: Db,
  fleetId: number,
  driverId: number,
  from: string,
  until: string,
  now: Instant,
): Promise<DayLog[]> {
  const [driver] = await findDrivers(db, [{ fleetId, driverId }])
  if (!driver) throw new AppError('not-found', 'There is no such driver in this fleet.', 'driverId')
  const clock = zone(driver.timeZone)
  const startOf = (date: string) => clock.startOf(date, driver.dayStartMinutes)
  const asOf = Math.min(now, startOf(addDays(until, 1)) + SETTLES_MS)
  const [log = []] = await loadLogs(db, [
    { fleetId, driverId, from: startOf(from) - horizonMs(driver.ruleset), until: asOf },
  ])
  const fleet = await getFleet(db, fleetId)
  const { violations } = judge(driver, log, asOf)
  const units = await unitNumbers(db, fleetId, log)
  // A person's status keeps its place; where driving began is read from the track.
  const driving = log.filter(
    ({ at, origin }) => origin === 'automatic' && at >= startOf(from) && at < startOf(addDays(until, 1)),
  )
  const places = await placesOf(db, fleetId, driving)
  driving.forEach((entry, i) => {
    entry.place = places[i]!
  })
  const days: DayLog[] = []
  for (let date = from; date <= until && startOf(date) <= now; date = addDays(date, 1)) {
    const [begins, ends] = [startOf(date), startOf(addDays(date, 1))]
    const recordedUntil = Math.min(ends, now)
    const segments = segmentsOf(log, begins, recordedUntil)
    const events = eventsOf(log, begins, recordedUntil, units)
    days.push({
      driver: {
        id: driver.id,
        name: driver.name,
        employeeNumber: driver.employeeNumber,
        homeTerminal: driver.homeTerminal,
        timeZone: driver.timeZone,
        ruleset: driver.ruleset,
        licence: driver.licence,
      },
      carrier: {
        name: fleet.name,
        usdotNumber: fleet.usdotNumber,
        mainOffice: fleet.mainOffice,
        distanceUnit: fleet.distanceUnit,
      },
      date,
      from: begins,
      until: ends,
      recordedUntil,
      segments,
      totals: totalsOf(segments),
      events,
      violations: violations
        .filter((violation) => violation.from < ends && violation.until > begins)
        .map((violation) => violationRow(violation, driver.timeZone)),
      clocks: [...judge(driver, log, recordedUntil).clocks],
      advice: recordedUntil < ends ? adviceFor(driver, log, now) : null,
      unitNumbers: [...new Set(events.flatMap(({ unitNumber }) => unitNumber ?? []))],
      distanceMeters: await distanceOf(db, fleetId, driverId, begins, recordedUntil),
    })
  }
  return days
}

/** What a driver may do from `now` on; null where the log can't be judged. */
export async function loadAdvice(
  db: Db,
  fleetId: number,
  driverId: number,
  now: Instant,
): Promise<AdviceRow | null> {
  const [driver] = await findDrivers(db, [{ fleetId, driverId }])
  if (!driver) throw new AppError('not-found', 'There is no such driver in this fleet.', 'driverId')
  const from = now - horizonMs(driver.ruleset)
  const [log = []] = await loadLogs(db, [{ fleetId, driverId, from, until: now }])
  return adviceFor(driver, log, now)
}

/** A page shows a few rests, not each that gives a minute more. */
const RESTS_SHOWN = 3

function adviceFor(driver: Driver, log: readonly LogEntry[], now: Instant): AdviceRow | null {
  try {
    const { now: straight, rests, pairs } = advise(courseOf(driver, log, now))
    return {
      driveUntil: straight.until,
      driveMs: straight.ms,
      limitedBy: straight.limitedBy && ruleTitle(straight.limitedBy),
      rests: rests
        .filter(({ driving }) => driving.ms > straight.ms)
        .slice(0, RESTS_SHOWN)
        .map(({ status, ms, until, driving, pairedWith, kind, cost }) => ({
          status,
          ms,
          until,
          driveMs: driving.ms,
          limitedBy: driving.limitedBy && ruleTitle(driving.limitedBy),
          paired: pairedWith !== null,
          kind,
          cost,
        })),
      pairs: pairs.map(({ driving, ...pair }) => ({
        ...pair,
        driveMs: driving.ms,
        limitedBy: driving.limitedBy && ruleTitle(driving.limitedBy),
      })),
    }
  } catch (error) {
    if (error instanceof HosRefusal) return null
    throw error
  }
}

/** One day; today if no date is given. A day that has not begun is not found. */
export async function loadDay(
  db: Db,
  fleetId: number,
  driverId: number,
  date: string | undefined,
  now: Instant,
): Promise<DayLog> {
  const [driver] = await findDrivers(db, [{ fleetId, driverId }])
  if (!driver) throw new AppError('not-found', 'There is no such driver in this fleet.', 'driverId')
  const wanted = date ?? dateAt(driver, now)
  const [day] = await loadDays(db, fleetId, driverId, wanted, wanted, now)
  if (!day) throw new AppError('not-found', 'That day has not begun.', 'date')
  return day
}

function segmentsOf(log: readonly LogEntry[], from: Instant, until: Instant): DaySegment[] {
  const segments: DaySegment[] = []
  const put = (begins: Instant, status: DutyStatus) => {
    const last = segments.at(-1)
    if (last) last.until = begins
    if (last && last.from === last.until) segments.pop()
    if (segments.at(-1)?.status !== status) segments.push({ from: begins, until, status })
    else segments.at(-1)!.until = until
  }
  put(from, entryAt(log, from)?.status ?? 'OFF')
  for (const { at, status } of log) if (at > from && at < until) put(at, status)
  return segments
}

function totalsOf(segments: readonly DaySegment[]): DayLog['totals'] {
  const totals = { OFF: 0, SB: 0, D: 0, ON: 0 }
  for (const { from, until, status } of segments) totals[gridRow(status)] += until - from
  return totals
}

function eventsOf(
  log: readonly LogEntry[],
  from: Instant,
  until: Instant,
  units: ReadonlyMap<number, string>,
): DayEvent[] {
  const toEvent = ({ vehicleId, ...entry }: LogEntry): DayEvent => ({
    ...entry,
    unitNumber: vehicleId === null ? null : (units.get(vehicleId) ?? null),
  })
  const carried = entryAt(log, from)
  const events = log.filter(({ at }) => at >= from && at < until).map(toEvent)
  if (events[0]?.at === from) return events
  const before: DayEvent = carried
    ? { ...toEvent(carried), at: from, origin: 'carried', place: '', annotation: '', recordedBy: null }
    : {
        at: from,
        status: 'OFF',
        origin: 'carried',
        unitNumber: null,
        place: '',
        annotation: '',
        recordedBy: null,
      }
  return [before, ...events]
}

async function unitNumbers(db: Db, fleetId: number, log: readonly LogEntry[]): Promise<Map<number, string>> {
  const ids = [...new Set(log.flatMap(({ vehicleId }) => vehicleId ?? []))]
  if (ids.length === 0) return new Map()
  const { rows } = await db.query<{ id: number; unitNumber: string }>(
    'select id, unit_number as "unitNumber" from vehicles where fleet_id = $1 and id = any($2)',
    [fleetId, ids],
  )
  return new Map(rows.map(({ id, unitNumber }) => [id, unitNumber]))
}

/**
 * How far the driver's vehicles went while they were the driver's: by the odometer, or where a device tells none, by the way
 * between its fixes. null where there are no fixes.
 */
async function distanceOf(
  db: Db,
  fleetId: number,
  driverId: number,
  from: Instant,
  until: Instant,
): Promise<number | null> {
  const { rows } = await db.query<{ meters: number | null }>(
    `select sum(coalesce(nullif(by_odometer, 0), by_fixes)) as meters from (
       select max(odometer_m) - min(odometer_m) as by_odometer, sum(step) as by_fixes from (
         select p.device_number, p.odometer_m,
           -- Between fixes a few minutes apart the earth is flat enough.
           sqrt(power((p.latitude_e7 - lag(p.latitude_e7) over w) * 0.0111195, 2)
             + power((p.longitude_e7 - lag(p.longitude_e7) over w) * 0.0111195 * cos(radians(p.latitude_e7 / 1e7)), 2)) as step
         from driver_assignments a
         join devices d on d.fleet_id = a.fleet_id and d.vehicle_id = a.vehicle_id
         join positions p on p.device_number = d.number
           and p.fix_second >= fix_second(greatest(a.from_at, $3))
           and p.fix_second < fix_second(least(coalesce(a.until_at, $4), $4))
         where a.fleet_id = $1 and a.driver_id = $2 and a.from_at < $4 and (a.until_at is null or a.until_at > $3)
           and (p.flags & -256) = 0
         window w as (partition by p.device_number order by p.fix_second, p.fix_ms)
       ) steps group by device_number
     ) devices`,
    [fleetId, driverId, new Date(from), new Date(until)],
  )
  return rows[0]?.meters ?? null
}
