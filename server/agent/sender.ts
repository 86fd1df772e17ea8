import type { Receipt } from '../ingest/schema.ts'
import type { DeviceClient } from './client.ts'
import type { Journal, Kept } from './journal.ts'

/** Small enough for a bad line to bring over, and for the newest not to wait for the backlog. */
const MOST_AT_ONCE = 200
const FIRST_RETRY_MS = 500
const LONGEST_RETRY_MS = 15_000
/** A key that is refused will hardly be taken in a moment; still, the truck keeps what it has. */
const REFUSED_KEY_MS = 30_000

export interface Sending {
  client: DeviceClient
  journal: Journal
  /** The device's name in its fleet. */
  device: string
  signal: AbortSignal
  pause(ms: number): Promise<void>
  /** For a person: an outage, a refusal. */
  onTrouble(sentence: string): void
}

/**
 * Sends what the journal holds, the newest first, until nothing is left. What is answered for good is removed; everything else stays
 * and is tried again.
 * @throws the signal's reason when it is aborted
 */
export async function drain(sending: Sending): Promise<void> {
  const { journal, client, signal } = sending
  let waitMs = FIRST_RETRY_MS
  let atOnce = MOST_AT_ONCE
  while (journal.size > 0) {
    signal.throwIfAborted()
    const records = journal.newest(atOnce)
    const answer = await client.send('POST', '/v1/heartbeats', bodyOf(sending.device, records), { signal })
    if (answer.status === 200 || answer.status === 422) {
      journal.remove(records)
      tellRefused(answer.text, sending)
      waitMs = FIRST_RETRY_MS
      atOnce = MOST_AT_ONCE
      continue
    }
    sending.onTrouble(
      answer.status === 0 ? `no answer: ${answer.text}` : `answer ${answer.status}: ${answer.text}`,
    )
    if (answer.status === 413 && atOnce > 1) {
      atOnce = Math.ceil(atOnce / 4)
      continue
    }
    if ((answer.status === 400 || answer.status === 413) && atOnce === 1) {
      // One that can't be read, or is too large alone, will never be taken: holding on to it would hold everything behind it back.
      journal.remove(records)
      continue
    }
    if (answer.status === 400) {
      atOnce = 1
      continue
    }
    const isRefused = answer.status === 401 || answer.status === 403
    const asked = Number(answer.headers.get('retry-after')) * 1000
    const pauseMs = isRefused ? REFUSED_KEY_MS : Math.max(asked || 0, waitMs)
    // Spread, so that a fleet does not come back in one beat.
    await sending.pause(pauseMs * (0.75 + Math.random() / 2))
    waitMs = Math.min(waitMs * 2, LONGEST_RETRY_MS)
  }
}

function bodyOf(device: string, records: readonly Kept[]): Buffer {
  const name = JSON.stringify(device)
  // What is kept is an object of at least one field.
  return Buffer.from(`[${records.map(({ text }) => `{"device":${name},${text.slice(1)}`).join(',')}]`)
}

function tellRefused(text: string, { onTrouble }: Sending): void {
  try {
    const { refused } = JSON.parse(text) as Receipt
    const [first] = refused
    if (first) onTrouble(`${refused.length} positions refused: ${first.field} ${first.reason}`)
  } catch {
    // The answer says that it was taken; how it says so is no matter.
  }
}
