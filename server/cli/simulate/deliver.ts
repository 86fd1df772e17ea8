import type { Receipt } from '../../ingest/schema.ts'
import type { Message } from './messages.ts'

const FIRST_RETRY_MS = 500
const LONGEST_RETRY_MS = 15_000
/** A key that is not taken will hardly become so; still, the device keeps what it has. */
const REFUSED_KEY_MS = 30_000
/** The status may arrive a moment before the server has seen the truck stand. */
const STATUS_TRIES = 6

export interface Line {
  /** One signed request; status 0 when nobody answered. */
  send(target: string, body: string, signal: AbortSignal): Promise<{ status: number; text: string }>
  /** Ends the delivery: nothing is lost, the message is not said. */
  signal: AbortSignal
  pause(ms: number): Promise<void>
  /** Told of what a person should know: an outage, a refusal. */
  onTrouble(sentence: string): void
  onDelivered(message: Message): void
}

/**
 * Sends one message until the server has answered it for good, however long that takes: an unanswered one may have been
 * stored, and saying it again changes nothing.
 * @throws the signal's reason when it is aborted
 */
export async function deliver(message: Message, line: Line): Promise<void> {
  const { path, body } = requestOf(message)
  let waitMs = FIRST_RETRY_MS
  for (let tries = 1; ; tries++) {
    line.signal.throwIfAborted()
    const answer = await line.send(path, body, line.signal)
    line.signal.throwIfAborted()
    if (isTaken(message, answer.status)) {
      if (message.kind === 'fixes') tellRefused(answer.text, line)
      return line.onDelivered(message)
    }
    const gone = answer.status === 401 || answer.status === 403
    const passing = answer.status === 0 || answer.status === 429 || answer.status >= 500
    line.onTrouble(
      answer.status === 0 ? `no answer: ${answer.text}` : `answer ${answer.status}: ${answer.text}`,
    )
    if (!passing && !gone && (message.kind === 'fixes' || tries >= STATUS_TRIES)) {
      // Refused for good; holding on to it would hold everything after it back for ever.
      return line.onDelivered(message)
    }
    // Spread, so that a fleet does not come back in one beat.
    await line.pause((gone ? REFUSED_KEY_MS : waitMs) * (0.75 + Math.random() / 2))
    waitMs = Math.min(waitMs * 2, LONGEST_RETRY_MS)
  }
}

/** 422: some heartbeats can't be stored as they stand, and the others are. */
const isTaken = (message: Message, status: number) =>
  (status >= 200 && status < 300) || (message.kind === 'fixes' && status === 422)

function requestOf(message: Message): { path: string; body: string } {
  if (message.kind === 'fixes') return { path: '/v1/heartbeats', body: JSON.stringify(message.heartbeats) }
  const { status, annotation, through } = message
  return {
    path: '/api/trpc/logs.reportStatus',
    body: JSON.stringify({ status, at: through, ...(annotation && { annotation }) }),
  }
}

function tellRefused(text: string, line: Line): void {
  const { refused } = JSON.parse(text) as Receipt
  const [first] = refused
  if (first) line.onTrouble(`${refused.length} heartbeats refused: ${first.field} ${first.reason}`)
}
