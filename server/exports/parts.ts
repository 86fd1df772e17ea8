import { listAudit } from '../audit/search.ts'
import type { Db } from '../db/pool.ts'
import { loadDays } from '../logs/day.ts'
import { auditCsv, daysCsv, eventsCsv, violationsCsv } from '../reports/csv.ts'
import type { FleetViolations, ReportAsked } from '../reports/schema.ts'
import { violationsInParts } from '../reports/violations.ts'
import type { Instant } from '../time/instant.ts'

/** So many deeds are read and written in one go: some 10 ms. */
const ROWS_A_PAGE = 1_000

/** Some rows of a file, the first with the header; `csv` is empty where there is nothing to write. */
export interface Part {
  csv: string
  rows: number
}

/**
 * A report's file, part by part in order: no more than one part is in memory.
 * @param db behind the walls of the fleet, all of it as of one instant
 * @param accounts where people's accounts are, which belong to no fleet
 */
export async function* partsOf(
  db: Db,
  accounts: Db,
  fleetId: number,
  report: ReportAsked,
  now: Instant,
): AsyncGenerator<Part> {
  switch (report.kind) {
    case 'driver-days': {
      const days = await loadDays(db, fleetId, report.driverId, report.from, report.until, now)
      if (report.rows === 'days') yield { csv: daysCsv(days), rows: days.length }
      else yield { csv: eventsCsv(days), rows: days.reduce((sum, { events }) => sum + events.length, 0) }
      return
    }
    case 'violations': {
      const notJudged: FleetViolations['notJudged'] = []
      let isFirst = true
      for await (const part of violationsInParts(db, fleetId, report.from, report.until, now)) {
        const { violations } = part
        notJudged.push(...part.notJudged)
        yield { csv: violationsCsv({ violations, notJudged: [] }, isFirst), rows: violations.length }
        isFirst = false
      }
      yield { csv: violationsCsv({ violations: [], notJudged }, isFirst), rows: notJudged.length }
      return
    }
    case 'audit': {
      const { kind: _, ...filter } = report
      for (let before: number | undefined, isFirst = true; ; isFirst = false) {
        const rows = await listAudit(db, fleetId, { ...filter, before, limit: ROWS_A_PAGE }, accounts)
        yield { csv: auditCsv(rows, isFirst), rows: rows.length }
        if (rows.length < ROWS_A_PAGE) return
        before = rows.at(-1)!.sequence
      }
    }
  }
}
