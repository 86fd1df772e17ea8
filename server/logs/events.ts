import type { DutyStatus } from '../hos/types.ts'
import type { Instant } from '../time/instant.ts'

/** A status that a person set. */
export interface SetEvent {
  id: number
  at: Instant
  status: DutyStatus
  origin: 'driver' | 'dispatcher'
  vehicleId: number | null
  place: string
  annotation: string
  recordedBy: string | null
}

/** Driving of a vehicle while the driver had it; `until` is when it ends as far as we know, maybe ahead of now. */
export interface DrivingStretch {
  vehicleId: number
  from: Instant
  until: Instant
}

/** One change of status in the merged log. */
export interface LogEntry {
  at: Instant
  status: DutyStatus
  origin: 'automatic' | 'driver' | 'dispatcher'
  vehicleId: number | null
  place: string
  annotation: string
  recordedBy: string | null
}

const automatic = (at: Instant, status: DutyStatus, vehicleId: number): LogEntry => ({
  at,
  status,
  origin: 'automatic',
  vehicleId,
  place: '',
  annotation: '',
  recordedBy: null,
})

/** Stretches in order, those that touch or overlap joined: nobody drives two trucks at once. */
function joined(driving: readonly DrivingStretch[]): DrivingStretch[] {
  const result: DrivingStretch[] = []
  const ordered = [...driving].sort(
    (a, b) => a.from - b.from || a.vehicleId - b.vehicleId || a.until - b.until,
  )
  for (const stretch of ordered) {
    if (stretch.until <= stretch.from) continue
    const last = result.at(-1)
    if (last && stretch.from <= last.until) last.until = Math.max(last.until, stretch.until)
    else result.push({ ...stretch })
  }
  return result
}

/**
 * The driver's log: what people set, with the driving that motion proves over it (us-canada 4). A status holds until motion
 * begins; one set while driving counts for nothing; when driving ends the driver is on duty, unless a person set a
 * status at that very instant. Before the first entry the driver is off duty. In order of time, one entry an instant.
 */
export function mergeLog(events: readonly SetEvent[], driving: readonly DrivingStretch[]): LogEntry[] {
  const set = [...events].sort((a, b) => a.at - b.at || a.id - b.id)
  const stretches = joined(driving)
  const log: LogEntry[] = []
  const push = (entry: LogEntry) => {
    if (log.at(-1)?.at === entry.at) log.pop()
    log.push(entry)
  }
  let next = 0
  const takeUntil = (end: Instant) => {
    for (; next < set.length && set[next]!.at < end; next++) {
      const { id: _, ...event } = set[next]!
      push(event)
    }
  }
  for (const { from, until, vehicleId } of stretches) {
    takeUntil(from)
    push(automatic(from, 'D', vehicleId))
    while (next < set.length && set[next]!.at < until) next++
    push(automatic(until, 'ON', vehicleId))
    // A status set at the instant when driving ends takes the place of the automatic one.
  }
  takeUntil(Number.POSITIVE_INFINITY)
  return log
}

/** What holds at `at`: the last entry not after it; null before the first. */
export function entryAt(log: readonly LogEntry[], at: Instant): LogEntry | null {
  let low = 0
  let high = log.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (log[middle]!.at <= at) low = middle + 1
    else high = middle
  }
  return log[low - 1] ?? null
}

/** The first change after `at`, driving that will end by itself among them; null if none is known. */
export function nextEntryAfter(log: readonly LogEntry[], at: Instant): LogEntry | null {
  return log.find((entry) => entry.at > at) ?? null
}
