'use client'
import { age } from '../format.ts'
import { useLiveValue, useNow } from '../live/live.tsx'
import { cx } from '../ui/classes.ts'

/** News this late, or none for this long, is worth a word. */
const LATE_MS = 5_000
const UNHEARD_MS = 12_000

/** Says whether what the page shows is live, in words and a colour. Clocks go on by themselves in any case. */
export function LiveChip() {
  const { phase, heardAt, lagMs } = useLiveValue((store) => store.connection)
  useNow()
  const unheardMs = heardAt === 0 ? 0 : Date.now() - heardAt
  const late = phase === 'live' && (lagMs > LATE_MS || unheardMs > UNHEARD_MS)
  const state = late ? 'delayed' : phase
  const since = state === 'live' || heardAt === 0 ? '' : age(Math.max(unheardMs, late ? lagMs : 0))
  return (
    <span
      className={cx(
        'inline-flex h-7 shrink-0 items-center gap-1.5 rounded-full px-2.5 font-medium text-xs',
        state === 'live' && 'bg-good-soft text-good',
        state === 'connecting' && 'bg-sunken text-muted',
        (state === 'delayed' || state === 'reconnecting') && 'bg-warning-soft text-warning',
        state === 'offline' && 'bg-danger-soft text-danger',
      )}
    >
      <span
        aria-hidden
        className={cx(
          'size-2 rounded-full bg-current',
          state !== 'offline' && 'motion-safe:animate-[breathe_2s_ease-in-out_infinite]',
        )}
      />
      <span role="status">{WORDS[state]}</span>
      {since && <span className="tabular-nums">{since}</span>}
    </span>
  )
}

const WORDS = {
  connecting: 'Connecting',
  live: 'Live',
  delayed: 'Delayed',
  reconnecting: 'Reconnecting',
  offline: 'Offline',
}
