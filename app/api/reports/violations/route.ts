import { violationsCsv } from '../../../../server/reports/csv.ts'
import { ViolationsRequest } from '../../../../server/reports/schema.ts'
import { fleetViolations } from '../../../../server/reports/violations.ts'
import { answerReport } from '../answer.ts'

/** A fleet's violations as CSV. */
export function GET(request: Request): Promise<Response> {
  return answerReport(request, ViolationsRequest, async ({ from, until }, { fleetId }, tx) => ({
    name: `violations-${from}-${until}`,
    csv: violationsCsv(await fleetViolations(tx, fleetId, from, until, Date.now())),
  }))
}
