import pg from 'pg'
import type { Db } from '../db/pool.ts'

/** The one channel of the live stream; its payload is a fleet's id, a hint to look. */
const CHANNEL = 'restline'
const RECONNECT_MS = 1_000

/** Tells every process that something of this fleet changed, once the surrounding transaction commits. */
export async function notifyFleet(tx: Db, fleetId: number): Promise<void> {
  await tx.query('select pg_notify($1, $2)', [CHANNEL, String(fleetId)])
}

export interface Listener {
  close(): Promise<void>
}

/** Calls `onChange` with the fleet's id after each commit that notified; `onGap` as listenTo. */
export const listenForChanges = (
  pool: pg.Pool,
  onChange: (fleetId: number) => void,
  onGap: () => void,
): Listener => listenTo(pool, CHANNEL, (payload) => onChange(Number(payload)), onGap)

/**
 * Calls `onSaid` with what is said on a channel. It uses a connection of its own, beside the pool's; when that is lost it
 * connects again, and calls `onGap` then, because what was said meanwhile is lost.
 * @param channel one of our own names: it stands in the statement as it is
 */
export function listenTo(
  pool: pg.Pool,
  channel: string,
  onSaid: (payload: string) => void,
  onGap: () => void,
): Listener {
  let client: pg.Client | undefined
  let closed = false
  let retry: NodeJS.Timeout | undefined
  let starting: Promise<void> = Promise.resolve()

  const again = () => {
    if (closed || retry) return
    retry = setTimeout(() => {
      retry = undefined
      starting = start()
    }, RECONNECT_MS)
  }
  const start = async () => {
    const mine = new pg.Client(pool.options)
    client = mine
    // Both come after a loss, in either order; one of them alone starts the next attempt.
    mine.on('error', again)
    mine.on('end', again)
    mine.on('notification', ({ payload }) => onSaid(payload ?? ''))
    try {
      await mine.connect()
      await mine.query(`listen ${pg.escapeIdentifier(channel)}`)
      onGap()
    } catch {
      await mine.end().catch(() => undefined)
      again()
    }
  }
  starting = start()
  return {
    async close() {
      closed = true
      clearTimeout(retry)
      await starting
      await client?.end().catch(() => undefined)
    },
  }
}
