import type pg from 'pg'
import type { Db } from '../db/pool.ts'
import type { Instant } from '../time/instant.ts'
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
  | Connected

/** It has connected: an older connection of it is another process's to end. */
export interface Connected {
  kind: 'connected'
  deviceNumber: number
  at: Instant
  /** The process that it is connected to. */
  process: string
  address: string
}

function textOf(news: DeviceNews): string {
  if (news.kind === 'list') return 'list'
  const text = `${news.kind} ${news.deviceNumber}`
  return news.kind === 'connected' ? `${text} ${news.at} ${news.process} ${news.address}` : text
}

function newsOf(text: string): DeviceNews | null {
  if (text === 'list') return { kind: 'list' }
  const [, kind, number, at, process, address] =
    /^(watch|said|connected) (\d{1,10})(?: (\d{1,16}) (\w{1,40}) (.{0,64}))?$/.exec(text) ?? []
  const deviceNumber = Number(number)
  if (kind === 'connected')
    return process === undefined ? null : { kind, deviceNumber, at: Number(at), process, address: address! }
  return kind ? { kind: kind as 'watch' | 'said', deviceNumber } : null
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
