import type { GapEvent } from '../../server/hos/gaps.ts'
import type { Instant } from '../../server/time/instant.ts'

/** A status, or that nothing is known. */
export type LabStatus = GapEvent['status']

/** A status from one instant to another. */
export interface Stretch {
  from: Instant
  until: Instant
  status: LabStatus
}

/** In order of time; nothing that lasts no time, nothing that changes nothing. Of two at one instant the later one stands. */
export function tidied(log: readonly GapEvent[]): GapEvent[] {
  const kept: GapEvent[] = []
  for (const event of [...log].sort((a, b) => a.at - b.at)) {
    if (kept.at(-1)?.at === event.at) kept.pop()
    if (kept.at(-1)?.status !== event.status) kept.push(event)
  }
  return kept
}

/** What holds at an instant; `before` ahead of the first event. */
export const statusAt = (log: readonly GapEvent[], at: Instant, before: LabStatus): LabStatus =>
  log.findLast((event) => event.at <= at)?.status ?? before

/**
 * A status over a stretch; after it, what held at its end goes on.
 * @param before what holds ahead of the first event
 */
export function drawStretch(
  log: readonly GapEvent[],
  { from, until, status }: Stretch,
  before: LabStatus,
): GapEvent[] {
  if (until <= from) return tidied(log)
  const after = statusAt(log, until, before)
  return tidied([
    ...log.filter(({ at }) => at < from || at > until),
    { at: from, status },
    { at: until, status: after },
  ])
}

/** A status from an instant until the next change. */
export const drawFrom = (log: readonly GapEvent[], at: Instant, status: LabStatus): GapEvent[] =>
  tidied([...log.filter((event) => event.at !== at), { at, status }])

/** Takes away the change at an instant, or the last one before it; what held ahead of that goes on. */
export function removeChange(log: readonly GapEvent[], at: Instant): GapEvent[] {
  const last = tidied(log).findLast((event) => event.at <= at)
  return tidied(log.filter((event) => event.at !== last?.at))
}

/** The log within a period as stretches, the last event going on until `end`; nothing ahead of the first. */
export function stretchesOf(
  log: readonly GapEvent[],
  period: { from: Instant; until: Instant },
  end: Instant,
): Stretch[] {
  const found: Stretch[] = []
  log.forEach(({ at, status }, i) => {
    const from = Math.max(at, period.from)
    const until = Math.min(log[i + 1]?.at ?? Math.max(end, at), period.until)
    if (until > from) found.push({ from, until, status })
  })
  return found
}
