import { can, whyNot } from '../auth/can.ts'
import type { Person } from '../auth/principal.ts'
import { newId } from '../db/id.ts'
import type { Db } from '../db/pool.ts'
import { AppError } from '../errors.ts'
import { findDrivers } from '../logs/drivers.ts'
import type { ReportAsked } from '../reports/schema.ts'
import { DAY, type Instant, MINUTE } from '../time/instant.ts'
import { type ExportRow, MAY_EXPORT } from './schema.ts'

/** So many of a fleet wait or are made at once; more are refused. */
const MOST_UNFINISHED = 10
/** So many may a person ask for in so long. */
const MOST_ASKED = 20
const ASKED_IN_MS = 10 * MINUTE
/** All files of a fleet together, as they are kept. */
const MOST_HELD_BYTES = 512 << 20
/** What became of an export is known for so long, also of one that was removed. */
const KNOWN_MS = 3 * DAY
const A_LIST = 50
/** The lock under which a fleet's exports are counted; audit_log's is 727277. */
const COUNTING = 727_278

/** The state that people see: a file that nobody may fetch any more is expired, whether it has been deleted yet or not. */
const ROW = (now: string) => `id, report, file_name as "fileName",
  case when state = 'ready' and expires_at <= ${now} then 'expired' else state end as state, rows, bytes,
  asked_at as "askedAt", started_at as "startedAt", ready_at as "readyAt", expires_at as "expiresAt", problem`

/** The one answer for what is not there, is somebody else’s, or is no id at all. */
export const NO_EXPORT = () => new AppError('not-found', 'You have no such export in this fleet.', 'id')

/**
 * Notes that a person wants a report as a file; the worker makes it.
 * @throws AppError forbidden for a report that is not for their role, not-found for a driver of another fleet, too-often where they
 * or their fleet have asked for as much as they may
 */
export async function askForExport(
  tx: Db,
  person: Person,
  report: ReportAsked,
  now: Instant,
): Promise<ExportRow> {
  const { fleetId, userId, role } = person
  const refused = whyNot(role, MAY_EXPORT[report.kind])
  if (refused) throw new AppError('forbidden', refused)
  const fileName = await nameOf(tx, fleetId, report)
  await tx.query(`select pg_advisory_xact_lock(${COUNTING}, hashint8($1))`, [fleetId])
  const { rows: counts } = await tx.query<{ unfinished: number; asked: number; held: number }>(
    `select count(*) filter (where state in ('queued', 'running')) as unfinished,
       count(*) filter (where user_id = $2 and asked_at > $3) as asked,
       coalesce(sum(packed_bytes) filter (where state in ('running', 'ready')), 0) as held
     from exports where fleet_id = $1`,
    [fleetId, userId, new Date(now - ASKED_IN_MS)],
  )
  const { unfinished, asked, held } = counts[0]!
  if (unfinished >= MOST_UNFINISHED)
    throw new AppError(
      'too-often',
      `${MOST_UNFINISHED} exports of this fleet are waiting or being made. Ask again when one is ready.`,
    )
  if (asked >= MOST_ASKED)
    throw new AppError(
      'too-often',
      `You asked for ${MOST_ASKED} exports within ${ASKED_IN_MS / MINUTE} minutes. Wait some minutes, then ask again.`,
    )
  if (held >= MOST_HELD_BYTES)
    throw new AppError(
      'too-often',
      `The files of this fleet take ${MOST_HELD_BYTES >> 20} MB. Delete some, or wait until they expire.`,
    )
  const { rows } = await tx.query<ExportRow>(
    `insert into exports (fleet_id, id, user_id, report, file_name, due_at, asked_at)
     values ($1, $2, $3, $4, $5, $6, $6) returning ${ROW('$6')}`,
    [fleetId, newId(), userId, JSON.stringify(report), fileName, new Date(now)],
  )
  return rows[0]!
}

/** What the file is called: of whom or what, and of which days. */
async function nameOf(db: Db, fleetId: number, report: ReportAsked): Promise<string> {
  const { kind, from, until } = report
  if (kind !== 'driver-days') return `${[kind, from, until].filter(Boolean).join('-')}.csv`
  const [driver] = await findDrivers(db, [{ fleetId, driverId: report.driverId }])
  if (!driver) throw new AppError('not-found', 'There is no such driver in this fleet.', 'driverId')
  return `${[driver.name.toLowerCase(), report.rows, from, until].join('-').replaceAll(' ', '-')}.csv`
}

/** What a person asked for in this fleet and may have, the newest first. */
export async function listExports(db: Db, person: Person, now: Instant): Promise<ExportRow[]> {
  const kinds = Object.entries(MAY_EXPORT).flatMap(([kind, action]) =>
    can(person.role, action) ? [kind] : [],
  )
  const { rows } = await db.query<ExportRow>(
    `select ${ROW('$3')} from exports
     where fleet_id = $1 and user_id = $2 and state <> 'removed' and report->>'kind' = any($4)
     order by id desc limit ${A_LIST}`,
    [person.fleetId, person.userId, new Date(now), kinds],
  )
  return rows
}

/** Takes one away, with its file: what is being made is stopped. It goes on counting towards what its person may ask for. */
export async function removeExport(tx: Db, person: Person, id: number): Promise<{ fileName: string }> {
  const { rows } = await tx.query<{ fileName: string }>(
    `update exports set state = 'removed', packed_bytes = 0
     where fleet_id = $1 and id = $2 and user_id = $3 and state <> 'removed' returning file_name as "fileName"`,
    [person.fleetId, id, person.userId],
  )
  if (!rows[0]) throw NO_EXPORT()
  await tx.query('delete from export_pieces where fleet_id = $1 and export_id = $2', [person.fleetId, id])
  return rows[0]
}

/** A file as it is fetched. */
export interface ExportFile {
  fileName: string
  report: ReportAsked
  bytes: number
  /** Of the whole file, in hex. */
  sha256: string
}

/**
 * A file that this person asked for and may have now; nobody else's, and none of another fleet.
 * @throws AppError not-found, forbidden for a report that is no longer for their role, conflict while it is not ready, gone once it
 * has expired
 */
export async function getFile(db: Db, person: Person, id: number, now: Instant): Promise<ExportFile> {
  const { rows } = await db.query<ExportRow & ExportFile>(
    `select ${ROW('$4')}, sha256 from exports
     where fleet_id = $1 and id = $2 and user_id = $3 and state <> 'removed'`,
    [person.fleetId, id, person.userId, new Date(now)],
  )
  const [row] = rows
  if (!row) throw NO_EXPORT()
  const refused = whyNot(person.role, MAY_EXPORT[row.report.kind])
  if (refused) throw new AppError('forbidden', refused)
  if (row.state === 'expired')
    throw new AppError('gone', 'This file has expired and was deleted. Ask for the export again.')
  if (row.state === 'failed')
    throw new AppError('conflict', `This export failed: ${row.problem} Ask for it again.`)
  if (row.state !== 'ready')
    throw new AppError('conflict', 'This file is still being made. Fetch it when it is ready.')
  const { fileName, report, bytes, sha256 } = row
  return { fileName, report, bytes, sha256 }
}

/** A piece of a file, packed; null behind the last, and once the file was deleted. */
export async function pieceOf(db: Db, fleetId: number, id: number, number: number): Promise<Buffer | null> {
  const { rows } = await db.query<{ content: Buffer }>(
    'select content from export_pieces where fleet_id = $1 and export_id = $2 and number = $3',
    [fleetId, id, number],
  )
  return rows[0]?.content ?? null
}

/** Deletes the files that have expired, and forgets what is long over; of all fleets. */
export async function expireExports(db: Db, now: Instant): Promise<void> {
  await db.query(
    `with gone as (
       update exports set state = 'expired', packed_bytes = 0 where state = 'ready' and expires_at <= $1
       returning fleet_id, id
     )
     delete from export_pieces p using gone g where p.fleet_id = g.fleet_id and p.export_id = g.id`,
    [new Date(now)],
  )
  await db.query(`delete from exports where state in ('failed', 'expired', 'removed') and asked_at < $1`, [
    new Date(now - KNOWN_MS),
  ])
}
