import { actorOf, recordAudit } from '../server/audit/record.ts'
import { addressOf } from '../server/auth/origin.ts'
import type { Person } from '../server/auth/principal.ts'
import type { Db } from '../server/db/pool.ts'

/** Tells the audit log what somebody took away, as a file or on paper. */
export async function tellExport(
  tx: Db,
  person: Person,
  headers: Headers,
  { report, asked }: { report: string; asked: unknown },
): Promise<void> {
  await recordAudit(tx, {
    fleetId: person.fleetId,
    actor: actorOf(person),
    action: 'report.exported',
    object: { kind: 'report', id: report },
    after: asked,
    source: { address: addressOf(headers), requestId: crypto.randomUUID() },
    at: Date.now(),
  })
}
