import { stringify } from 'csv-stringify/sync'
import type { AuditRow } from '../audit/schema.ts'
import type { DayLog } from '../logs/schema.ts'
import { hoursMinutes, minutesThatAddUp } from '../time/duration.ts'
import { type Instant, MINUTE } from '../time/instant.ts'
import { isoWithOffset, zone } from '../time/zone.ts'
import type { FleetViolations } from './schema.ts'

const UNIT_METERS = { mi: 1_609.344, km: 1_000 }

type Cell = string | number | null
type Row = Record<string, Cell>

/**
 * RFC 4180 with a byte-order mark, so that spreadsheets read UTF-8, and an apostrophe before what they would run as a
 * formula. The header stands there even when no row does.
 * @param header false: these rows go on from others
 */
function toCsv(columns: readonly string[], rows: readonly Row[], header = true): string {
  return stringify([...rows], {
    columns: [...columns],
    header,
    bom: header,
    escape_formulas: true,
    record_delimiter: 'windows',
  })
}

/** An instant as the driver's clock read it, with its offset. */
const local = (at: Instant, timeZone: string) => isoWithOffset(at, zone(timeZone))

const DAY_COLUMNS = [
  'date',
  'driver',
  'employee_number',
  'home_terminal',
  'time_zone',
  'ruleset',
  'period_start',
  'period_end',
  'recorded_until',
  'off_duty',
  'sleeper_berth',
  'driving',
  'on_duty',
  'total',
  'distance',
  'distance_unit',
  'trucks',
  'violations',
]

/** A driver's days, a row a day; the times per status are whole minutes that add up to the day. */
export function daysCsv(days: readonly DayLog[]): string {
  const rows = days.map((day): Row => {
    const { driver, totals, carrier, distanceMeters } = day
    const minutes = minutesThatAddUp([totals.OFF, totals.SB, totals.D, totals.ON])
    const [off, sleeper, driving, onDuty] = minutes.map((one) => hoursMinutes(one * MINUTE)) as [
      string,
      string,
      string,
      string,
    ]
    return {
      date: day.date,
      driver: driver.name,
      employee_number: driver.employeeNumber,
      home_terminal: driver.homeTerminal,
      time_zone: driver.timeZone,
      ruleset: driver.ruleset,
      period_start: local(day.from, driver.timeZone),
      period_end: local(day.until, driver.timeZone),
      recorded_until: local(day.recordedUntil, driver.timeZone),
      off_duty: off,
      sleeper_berth: sleeper,
      driving,
      on_duty: onDuty,
      total: hoursMinutes(minutes.reduce((sum, one) => sum + one, 0) * MINUTE),
      // Unknown stays empty: a zero would be a statement.
      distance:
        distanceMeters === null ? null : Math.round(distanceMeters / UNIT_METERS[carrier.distanceUnit]),
      distance_unit: carrier.distanceUnit,
      trucks: day.unitNumbers.join(' '),
      violations: day.violations.map(({ explanation }) => explanation).join('; '),
    }
  })
  return toCsv(DAY_COLUMNS, rows)
}

const EVENT_COLUMNS = [
  'date',
  'driver',
  'employee_number',
  'time_zone',
  'from',
  'until',
  'duration',
  'status',
  'origin',
  'set_by',
  'truck',
  'place',
  'remark',
]

/** A driver's days, a row a change of status; the first of a day is carried in from the day before. */
export function eventsCsv(days: readonly DayLog[]): string {
  const rows = days.flatMap(({ date, driver, events, recordedUntil }) =>
    events.map((event, i): Row => {
      const until = events[i + 1]?.at ?? recordedUntil
      return {
        date,
        driver: driver.name,
        employee_number: driver.employeeNumber,
        time_zone: driver.timeZone,
        from: local(event.at, driver.timeZone),
        until: local(until, driver.timeZone),
        duration: hoursMinutes(until - event.at),
        status: event.status,
        origin: event.origin,
        set_by: event.recordedBy,
        truck: event.unitNumber,
        place: event.place,
        remark: event.annotation,
      }
    }),
  )
  return toCsv(EVENT_COLUMNS, rows)
}

const VIOLATION_COLUMNS = [
  'driver',
  'employee_number',
  'home_terminal',
  'time_zone',
  'ruleset',
  'date',
  'rule',
  'limit',
  'citation',
  'from',
  'until',
  'duration',
  'state',
  'explanation',
]

/**
 * A part of a fleet's violations, a row each, the first with the header. A driver whose log can't be judged has a row that says so,
 * after the violations.
 */
export function violationsCsv(
  { violations, notJudged }: Pick<FleetViolations, 'violations' | 'notJudged'>,
  isFirst: boolean,
): string {
  const rows = violations.map((violation): Row => {
    const { from, until, timeZone } = violation
    return {
      driver: violation.driverName,
      employee_number: violation.employeeNumber,
      home_terminal: violation.homeTerminal,
      time_zone: timeZone,
      ruleset: violation.ruleset,
      date: violation.date,
      rule: violation.rule,
      limit: violation.title,
      citation: violation.citation,
      from: local(from, timeZone),
      until: local(until, timeZone),
      duration: hoursMinutes(until - from),
      state: violation.open ? 'open' : 'ended',
      explanation: violation.explanation,
    }
  })
  const unknown = notJudged.map(
    ({ driverName, employeeNumber, reason }): Row => ({
      driver: driverName,
      employee_number: employeeNumber,
      state: 'not judged',
      explanation: reason,
    }),
  )
  return toCsv(VIOLATION_COLUMNS, [...rows, ...unknown], isFirst)
}

const AUDIT_COLUMNS = [
  'sequence',
  'at',
  'actor_kind',
  'actor',
  'action',
  'object',
  'object_name',
  'before',
  'after',
  'address',
]

/** A part of a fleet's audit log, a row a deed, the first with the header; instants in UTC. */
export const auditCsv = (rows: readonly AuditRow[], isFirst: boolean): string =>
  toCsv(
    AUDIT_COLUMNS,
    rows.map((row) => ({
      sequence: row.sequence,
      at: new Date(row.at).toISOString(),
      actor_kind: row.actorKind,
      actor: row.actorName,
      action: row.action,
      object: `${row.objectKind} ${row.objectId}`,
      object_name: row.objectName,
      before: row.before,
      after: row.after,
      address: row.address,
    })),
    isFirst,
  )
