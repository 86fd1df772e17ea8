import { AuditFilter } from '../../../../server/audit/schema.ts'
import { listAudit } from '../../../../server/audit/search.ts'
import { auditCsv } from '../../../../server/reports/csv.ts'
import { answerReport } from '../answer.ts'

/** More rows are asked for day by day. */
const PAGES_AT_MOST = 50
/** Written in one go: some 10 ms. Between two pages others are answered. */
const ROWS_A_PAGE = 1_000

/** A fleet's audit log as CSV, the newest first. */
export function GET(request: Request): Promise<Response> {
  return answerReport(
    request,
    AuditFilter,
    async (filter, { fleetId }, tx) => {
      const parts: string[] = []
      for (let before: number | undefined; parts.length < PAGES_AT_MOST; ) {
        const rows = await listAudit(tx, fleetId, { ...filter, before, limit: ROWS_A_PAGE })
        parts.push(auditCsv(rows, parts.length === 0))
        before = rows.at(-1)?.sequence
        if (rows.length < ROWS_A_PAGE) break
      }
      return { name: ['audit', filter.from, filter.until].filter(Boolean).join('-'), csv: parts.join('') }
    },
    'audit.see',
  )
}
