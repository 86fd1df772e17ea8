import type { LiveFrame } from '../../server/fleet/live-schema.ts'
import { type Client, isSignedOut } from '../api.tsx'

export interface StreamHandlers {
  /** The cursor to go on from; null for everything. */
  since(): string | null
  onFrame(frame: LiveFrame, cursor: string): void
  /** A sign of life without news. */
  onHeard(): void
  onLost(): void
  onSignedOut(): void
}

const RETRY_AT_MOST_MS = 15_000

/**
 * Keeps one subscription to `live.stream` alive. The link resumes a dropped connection by itself; when the server
 * answers with an error it gives up, so then we begin again, later and later, from the last cursor.
 */
export function openStream(client: Client, handlers: StreamHandlers): () => void {
  let closed = false
  let failures = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  let subscription: { unsubscribe(): void } | undefined

  const again = () => {
    if (closed) return
    handlers.onLost()
    clearTimeout(timer)
    const wait = Math.min(RETRY_AT_MOST_MS, 500 * 2 ** failures++)
    // Many browsers must not come back in the same instant.
    timer = setTimeout(begin, wait * (0.7 + Math.random() * 0.6))
  }

  const begin = () => {
    subscription?.unsubscribe()
    const lastEventId = handlers.since()
    let current = true
    const mine = client.live.stream.subscribe(lastEventId === null ? {} : { lastEventId }, {
      onStarted: ({ context }) => {
        const source = context?.eventSource
        if (source instanceof EventSource)
          source.addEventListener('ping', () => current && !closed && handlers.onHeard())
      },
      onData: ({ id, data }) => {
        failures = 0
        if (current && !closed) handlers.onFrame(data, id)
      },
      onConnectionStateChange: ({ state, error }) => {
        if (!current || closed) return
        if (state === 'pending') handlers.onHeard()
        else if (state === 'connecting' && error) handlers.onLost()
      },
      onError: (error) => {
        if (!current || closed) return
        current = false
        if (isSignedOut(error)) handlers.onSignedOut()
        else again()
      },
      onComplete: () => {
        if (current) again()
        current = false
      },
    })
    subscription = {
      unsubscribe: () => {
        current = false
        mine.unsubscribe()
      },
    }
  }

  const comeBack = () => {
    failures = 0
    begin()
  }
  window.addEventListener('online', comeBack)
  begin()
  return () => {
    closed = true
    clearTimeout(timer)
    window.removeEventListener('online', comeBack)
    subscription?.unsubscribe()
  }
}
