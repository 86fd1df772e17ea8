import { loadDays } from '../../../../server/logs/day.ts'
import { daysCsv, eventsCsv } from '../../../../server/reports/csv.ts'
import { DriverDaysRequest } from '../../../../server/reports/schema.ts'
import { answerReport } from '../answer.ts'

/** A driver's days as CSV. */
export function GET(request: Request): Promise<Response> {
  return answerReport(request, DriverDaysRequest, async ({ driver, from, until, rows }, { fleetId }, tx) => {
    const days = await loadDays(tx, fleetId, driver, from, until, Date.now())
    const name = [days[0]?.driver.name.toLowerCase() ?? `driver ${driver}`, rows, from, until].join('-')
    return { name: name.replaceAll(' ', '-'), csv: rows === 'days' ? daysCsv(days) : eventsCsv(days) }
  })
}
