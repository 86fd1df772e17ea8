import { setTimeout as pause } from 'node:timers/promises'
import type { DeviceClient } from '../../agent/client.ts'
import type { Receipt } from '../../ingest/schema.ts'
import { MINUTE } from '../../time/instant.ts'
import type { TraceRow } from './trace.ts'

const MOST_PER_REQUEST = 500
const MOST_AT_ONCE = 32
const FIRST_RETRY_MS = 250
const LONGEST_RETRY_MS = 5_000

/** What became of the rows; `stored + duplicates + refused` is `sent` at the end. */
export interface Tally {
  sent: number
  stored: number
  duplicates: number
  refused: number
  /** Field and reason, and how many rows. */
  reasons: Map<string, number>
  retries: number
}

export interface Replay {
  /** Who signs for each device. */
  clients: ReadonlyMap<string, DeviceClient>
  shiftMs: number
  /** Recorded seconds a second; Infinity: without pauses. */
  speed: number
  onProgress(tally: Tally, done: number): void
}

/** Posts the rows through the door, in the file's order for each device, the recorded pauses divided by the speed. */
export async function sendTrace(rows: readonly TraceRow[], replay: Replay): Promise<Tally> {
  const tally: Tally = { sent: 0, stored: 0, duplicates: 0, refused: 0, reasons: new Map(), retries: 0 }
  const queues = new Map<string, TraceRow[]>()
  const ready: string[] = []
  let busy = 0
  let wake = () => {}

  const pump = () => {
    while (busy < MOST_AT_ONCE && ready.length > 0) {
      const device = ready.shift()!
      busy++
      void sendAll(device).then(() => {
        busy--
        pump()
        wake()
      })
    }
  }
  const sendAll = async (device: string) => {
    for (let queue = queues.get(device)!; queue.length > 0; ) {
      await sendOne(device, queue.splice(0, MOST_PER_REQUEST))
    }
    queues.delete(device)
  }
  const sendOne = async (device: string, batch: readonly TraceRow[]) => {
    const receipt = await post(replay, device, batch, tally)
    tally.sent += batch.length
    tally.stored += receipt.stored
    tally.duplicates += receipt.duplicates
    tally.refused += receipt.refused.length
    for (const { field, reason } of receipt.refused) {
      const words = `${field} ${reason}`.trim()
      tally.reasons.set(words, (tally.reasons.get(words) ?? 0) + 1)
    }
  }

  const startedAt = performance.now()
  const firstAt = rows[0]?.receivedAt ?? 0
  for (const [done, row] of rows.entries()) {
    const dueInMs = (row.receivedAt - firstAt) / replay.speed - (performance.now() - startedAt)
    if (dueInMs > 5) {
      pump()
      await pause(dueInMs)
    }
    const device = row.heartbeat.device
    const queue = queues.get(device)
    if (queue) queue.push(row)
    else {
      queues.set(device, [row])
      ready.push(device)
    }
    replay.onProgress(tally, done + 1)
  }
  pump()
  while (busy > 0 || ready.length > 0) {
    await new Promise<void>((resolve) => {
      wake = resolve
    })
    replay.onProgress(tally, rows.length)
  }
  return tally
}

/** Sends until the server has answered for good: what is not acknowledged is sent again, as a device does. */
async function post(
  replay: Replay,
  device: string,
  batch: readonly TraceRow[],
  tally: Tally,
): Promise<Receipt> {
  const body = JSON.stringify(
    batch.map(({ heartbeat, fixAt }) => ({ ...heartbeat, fixTime: fixAt + replay.shiftMs })),
  )
  for (let waitMs = FIRST_RETRY_MS; ; waitMs = Math.min(waitMs * 2, LONGEST_RETRY_MS)) {
    const answer = await replay.clients.get(device)!.send('POST', '/v1/heartbeats', Buffer.from(body))
    if (answer.status === 200 || answer.status === 422) return JSON.parse(answer.text) as Receipt
    if (answer.status > 0 && answer.status < 500 && answer.status !== 429) {
      throw new Error(`The door refused ${device} with ${answer.status}: ${answer.text}`)
    }
    tally.retries++
    await pause(waitMs)
  }
}

/** Where a recording ends its driver goes off duty, or every clock would run on for ever. The truck stands by then. */
export async function endDuty(rows: readonly TraceRow[], replay: Replay, now: number): Promise<number> {
  const lastAt = new Map<string, number>()
  for (const { heartbeat, fixAt } of rows) {
    lastAt.set(heartbeat.device, Math.max(fixAt, lastAt.get(heartbeat.device) ?? 0))
  }
  let told = 0
  for (const [device, at] of lastAt) {
    const status = {
      status: 'OFF',
      at: Math.min(at + replay.shiftMs + 7 * MINUTE, now),
      annotation: 'End of the recording',
    }
    const body = Buffer.from(JSON.stringify(status))
    const answer = await replay.clients.get(device)!.send('POST', '/api/trpc/logs.reportStatus', body)
    if (answer.status === 200) told++
    else console.error(`${device} could not go off duty: ${answer.text.slice(0, 300)}`)
  }
  return told
}
