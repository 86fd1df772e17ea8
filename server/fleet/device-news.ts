import type pg from 'pg'
import type { Db } from '../db/pool.ts'
import { type Listener, listenTo } from './changes.ts'

/** Between the processes that devices report to and those that installers watch them from. */
const CHANNEL = 'restline_devices'

/** What is said there. */
export type DeviceNews =
  /** Somebody watches this device: write what it says down at once, for the next seconds. */
  | { kind: 'watch'; deviceNumber: number }
  /** Messages of it have been written down. */
  | { kind: 'said'; deviceNumber: number }
  /** The list of devices has changed: who was unknown may be known now. */
  | { kind: 'list' }

const textOf = (news: DeviceNews) => (news.kind === 'list' ? 'list' : `${news.kind} ${news.deviceNumber}`)

function newsOf(text: string): DeviceNews | null {
  if (text === 'list') return { kind: 'list' }
  const [, kind, number] = /^(watch|said) (\d{1,10})$/.exec(text) ?? []
  return kind ? { kind: kind as 'watch' | 'said', deviceNumber: Number(number) } : null
}

/** Says it to every process, once the surrounding transaction commits. */
export async function tellDevices(tx: Db, ...news: readonly DeviceNews[]): Promise<void> {
  await tx.query('select pg_notify($1, said) from unnest($2::text[]) as said', [CHANNEL, news.map(textOf)])
}

/** Hears it, on a connection of its own; `onGap` when something may have been missed. */
export const hearOfDevices = (
  pool: pg.Pool,
  onNews: (news: DeviceNews) => void,
  onGap: () => void,
): Listener =>
  listenTo(
    pool,
    CHANNEL,
    (text) => {
      const news = newsOf(text)
      if (news) onNews(news)
    },
    onGap,
  )
