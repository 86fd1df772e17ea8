import type { LiveFrame } from '../../server/fleet/live-schema.ts'
import type { Client } from '../api.tsx'
import type { LiveStore, Phase } from './store.ts'
import { openStream } from './stream.ts'

/** What the tab that holds the connection tells the others. */
type Told =
  | { kind: 'frame'; frame: LiveFrame; cursor: string }
  | { kind: 'heard' }
  | { kind: 'phase'; phase: Phase }

const SILENT_MS = 20_000

/**
 * Connects the store. A browser opens six connections to a server at most, so tabs share one: the tab that holds the
 * lock keeps the stream and tells the others. Each tab first opens a stream of its own, for its snapshot; and again
 * when it hears nothing. Where the browser has no locks (plain http on another machine), each keeps its own.
 */
export function connectLive(
  client: Client,
  store: LiveStore,
  { scope, onSignedOut }: { scope: string; onSignedOut(): void },
): () => void {
  const name = `restline-live-${scope}`
  const channel = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel(name)
  const ended = new AbortController()
  let role: 'alone' | 'leader' | 'follower' = 'alone'
  let close: (() => void) | null = null
  let asked = false

  const tell = (told: Told) => role === 'leader' && channel?.postMessage(told)

  const open = () => {
    close ??= openStream(client, {
      since: () => store.cursor,
      onFrame: (frame, cursor) => {
        store.apply(frame, cursor)
        tell({ kind: 'frame', frame, cursor })
        if (!asked) askToLead()
        else if (role === 'follower') shut()
      },
      onHeard: () => {
        if (store.ready) store.heard()
        tell({ kind: 'heard' })
      },
      onLost: () => {
        const phase = lostPhase()
        store.setPhase(phase)
        tell({ kind: 'phase', phase })
      },
      onSignedOut,
    })
  }
  const shut = () => {
    close?.()
    close = null
  }

  const askToLead = () => {
    asked = true
    if (!channel || !navigator.locks) return
    const lead = () => {
      role = 'leader'
      open()
      return new Promise<void>((release) => ended.signal.addEventListener('abort', () => release()))
    }
    void navigator.locks
      .request(name, { ifAvailable: true }, (lock) => {
        if (lock) return lead()
        if (ended.signal.aborted) return
        role = 'follower'
        shut()
        navigator.locks.request(name, { signal: ended.signal }, lead).catch(() => undefined)
      })
      .catch(() => undefined)
  }

  channel?.addEventListener('message', ({ data }: MessageEvent<Told>) => {
    if (role !== 'follower') return
    if (data.kind === 'frame') store.apply(data.frame, data.cursor)
    else if (data.kind === 'heard') store.heard()
    else store.setPhase(data.phase)
  })

  const watch = setInterval(() => {
    if (role === 'follower' && Date.now() - store.connection.heardAt > SILENT_MS) open()
  }, 5_000)
  const goOffline = () => store.setPhase('offline')
  window.addEventListener('offline', goOffline)
  open()

  return () => {
    ended.abort()
    clearInterval(watch)
    window.removeEventListener('offline', goOffline)
    channel?.close()
    shut()
  }
}

/** A first try that failed is said too: a page that waits must not look as if all were well. */
const lostPhase = (): Phase => (navigator.onLine ? 'reconnecting' : 'offline')
