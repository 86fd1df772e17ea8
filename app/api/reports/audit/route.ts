import { AuditFilter } from '../../../../server/audit/schema.ts'
import { listAudit } from '../../../../server/audit/search.ts'
import { auditCsv } from '../../../../server/reports/csv.ts'
import { answerReport } from '../answer.ts'

/** More rows are asked for day by day. */
const ROWS_AT_MOST = 50_000

/** A fleet's audit log as CSV, the newest first. */
export function GET(request: Request): Promise<Response> {
  return answerReport(
    request,
    AuditFilter,
    async (filter, { fleetId }, tx) => ({
      name: ['audit', filter.from, filter.until].filter(Boolean).join('-'),
      csv: auditCsv(await listAudit(tx, fleetId, { ...filter, limit: ROWS_AT_MOST })),
    }),
    'audit.see',
  )
}
