import { createHash } from 'node:crypto'
import type { Db } from '../db/pool.ts'
import type { Instant } from '../time/instant.ts'

const ROWS_AT_ONCE = 1_000

/** A row as the hash covers it; `before` and `after` are the text of the json. */
interface ChainedRow {
  sequence: number
  at: Instant
  actorKind: string
  actorId: string
  actorName: string
  action: string
  objectKind: string
  objectId: string
  before: string | null
  after: string | null
  address: string | null
  requestId: string | null
  previousHash: Buffer
  hash: Buffer
}

/** The end of a chain. Kept elsewhere it proves later that nothing up to it was changed, cut off or written anew. */
export interface ChainEnd {
  sequence: number
  /** SHA-256, in hex. */
  hash: string
}

export interface ChainReport {
  rows: number
  end: ChainEnd | null
  /** The first row that is not as it was written, and what is wrong with it. */
  broken: { sequence: number; reason: string } | null
}

const field = (value: string | number | null) =>
  value === null ? '-' : `${Buffer.byteLength(String(value))}:${value}`

/** The hash that a row must have: the same as `audit_hash` in the database makes, and not made by the database. */
export function hashOf(fleetId: number, row: ChainedRow): Buffer {
  const fields = [
    fleetId,
    row.sequence,
    row.at,
    row.actorKind,
    row.actorId,
    row.actorName,
    row.action,
    row.objectKind,
    row.objectId,
    row.before,
    row.after,
    row.address,
    row.requestId,
  ]
  return createHash('sha256').update(row.previousHash).update(fields.map(field).join('')).digest()
}

/**
 * Reads a fleet's audit log from the first row to the last and holds every row to its hash and to the row before.
 * @param known an end that was noted earlier: its row must still be there, with that hash
 */
export async function verifyAuditChain(db: Db, fleetId: number, known?: ChainEnd): Promise<ChainReport> {
  let end: ChainEnd | null = null
  const report = (broken: ChainReport['broken']): ChainReport => ({
    rows: end?.sequence ?? 0,
    end,
    broken,
  })
  for (;;) {
    const rows: ChainedRow[] = await page(db, fleetId, end?.sequence ?? 0)
    for (const row of rows) {
      const expected: number = (end?.sequence ?? 0) + 1
      if (row.sequence !== expected) return report({ sequence: expected, reason: 'the row is missing' })
      if (row.previousHash.toString('hex') !== (end?.hash ?? ''))
        return report({ sequence: expected, reason: 'it does not follow from the row before' })
      if (!hashOf(fleetId, row).equals(row.hash))
        return report({ sequence: expected, reason: 'it was changed after it was written' })
      end = { sequence: row.sequence, hash: row.hash.toString('hex') }
      if (known?.sequence === row.sequence && known.hash !== end.hash)
        return report({ sequence: row.sequence, reason: 'it is not the row that was noted' })
    }
    if (rows.length < ROWS_AT_ONCE) break
  }
  if (known && known.sequence > (end?.sequence ?? 0))
    return report({ sequence: (end?.sequence ?? 0) + 1, reason: 'the end of the log was cut off' })
  return report(null)
}

async function page(db: Db, fleetId: number, after: number): Promise<ChainedRow[]> {
  const { rows } = await db.query<ChainedRow>(
    `select sequence, at, actor_kind as "actorKind", actor_id as "actorId", actor_name as "actorName", action,
       object_kind as "objectKind", object_id as "objectId", before::text, after::text, address,
       request_id as "requestId", previous_hash as "previousHash", hash
     from audit_log where fleet_id = $1 and sequence > $2 order by sequence limit ${ROWS_AT_ONCE}`,
    [fleetId, after],
  )
  return rows
}
