import type { AlertRow } from '../alerts/schema.ts'
import type { Db } from '../db/pool.ts'
import { encodeFrame } from '../geo/frame.ts'
import type { DriverRow } from '../logs/schema.ts'
import type { Instant } from '../time/instant.ts'
import { getFleet } from './fleets.ts'
import type { LiveFrame } from './live-schema.ts'
import { type Cursor, latestPositions, type Revised } from './positions.ts'

/** Reads all rows of a fleet, or those whose revision is not below the cursor's. */
export type LiveReader<T> = (
  db: Db,
  fleetId: number,
  since: Cursor | null,
  now: Instant,
) => Promise<Revised<T>[]>

interface Readers {
  drivers: LiveReader<DriverRow>
  alerts: LiveReader<AlertRow>
}

/** Drivers and alerts belong to rooms above this one: they hand their readers down when they are loaded. */
const shared = globalThis as { restlineLiveReaders?: Partial<Readers> }
const readers = () => {
  shared.restlineLiveReaders ??= {}
  return shared.restlineLiveReaders
}

export function setLiveReader<K extends keyof Readers>(name: K, reader: Readers[K]): void {
  readers()[name] = reader
}

export interface Reading {
  cursor: Cursor
  frame: LiveFrame
}

/** Which version of each row has been sent. */
export type Versions = Map<string, string>

/**
 * One read of a fleet. The next cursor is taken first: the oldest transaction still running then. Whatever commits
 * later has a revision not below it, so nothing is skipped; rows read twice are left out by `sent`, if that is given.
 */
export async function readFleet(
  db: Db,
  fleetId: number,
  since: Cursor | null,
  now: Instant,
  sent?: Versions,
): Promise<Reading> {
  const { rows } = await db.query<{ revision: number }>(
    'select pg_snapshot_xmin(pg_current_snapshot())::text::bigint as revision',
  )
  const cursor = { revision: rows[0]!.revision, at: now }
  const fleet = await getFleet(db, fleetId)
  const { drivers: readDrivers, alerts: readAlerts } = readers()
  const positions = await latestPositions(db, fleet, since, now)
  const drivers = (await readDrivers?.(db, fleetId, since, now)) ?? []
  const alerts = (await readAlerts?.(db, fleetId, since, now)) ?? []
  const fresh = <T>(kind: string, found: Revised<T>[], id: (row: T) => number) =>
    (sent
      ? found.filter(({ row, version }) => {
          const key = `${kind}${id(row)}`
          const isNew = sent.get(key) !== version
          if (isNew) sent.set(key, version)
          return isNew
        })
      : found
    ).map(({ row }) => row)
  const snapshot = since === null
  const frame: LiveFrame = { snapshot, serverTime: now }
  const moved = fresh('v', positions, (row) => row.vehicleId)
  const changedDrivers = fresh('d', drivers, (row) => row.driverId)
  const changedAlerts = fresh('a', alerts, (row) => row.id)
  if (snapshot || moved.length) frame.positions = encodeFrame(moved)
  if (snapshot || changedDrivers.length) frame.drivers = changedDrivers
  if (snapshot || changedAlerts.length) frame.alerts = changedAlerts
  return { cursor, frame }
}

/** The cursor as it travels: `<revision>-<milliseconds>`. */
export const formatCursor = ({ revision, at }: Cursor) => `${revision}-${at}`

/** null for anything that is not one of our cursors. */
export function parseCursor(text: string): Cursor | null {
  const match = /^(\d{1,15})-(\d{1,15})$/.exec(text)
  return match ? { revision: Number(match[1]), at: Number(match[2]) } : null
}
