import type { Instant } from '../time/instant.ts'
import type { Clock, DutyEvent, DutyStatus, Violation } from './types.ts'

/** An event after which nothing is known till the next one: no data, whatever the reason. */
export interface GapEvent {
  at: Instant
  status: DutyStatus | 'UNKNOWN'
}

/** What a jurisdiction can say of a log with gaps. */
export interface Readings {
  /** Broken in every filling, at every instant of it. */
  proven: Violation[]
  /** What any filling breaks begins within one of these, or is proven. */
  possible: Violation[]
  /** Clocks none of which any filling goes below, by reading. */
  least: (readonly Bound[])[]
  /** Clocks that no filling goes above. */
  most: readonly Bound[]
  /** When an answer may be another with no new event. */
  changes: (Instant | null)[]
}

/** A bound of a clock. */
export type Bound = Pick<Clock, 'name' | 'rule' | 'limitMs' | 'remainingMs'>

/** The log with each gap spent in one status. */
export const filled = (log: readonly GapEvent[], filling: DutyStatus): DutyEvent[] =>
  log.map(({ at, status }) => ({ at, status: status === 'UNKNOWN' ? filling : status }))

/** A stretch of one status; null where nothing is known. */
export interface Segment {
  from: Instant
  until: Instant
  status: DutyStatus | null
}

/** The log up to an instant in stretches, none empty. */
export function segmentsOf(log: readonly GapEvent[], asOf: Instant): Segment[] {
  const found: Segment[] = []
  log.forEach(({ at, status }, i) => {
    const until = Math.min(log[i + 1]?.at ?? asOf, asOf)
    if (until > at) found.push({ from: at, until, status: status === 'UNKNOWN' ? null : status })
  })
  return found
}

/** A run of rest and of gaps, as long as it goes. */
export interface Run {
  from: Instant
  until: Instant
  /** Is there a gap in it? */
  uncertain: boolean
  /** The rests in it that are known, adjoining ones joined. */
  known: { from: Instant; until: Instant }[]
}

export function runsOf(segments: readonly Segment[], isRest: (status: DutyStatus) => boolean): Run[] {
  const runs: Run[] = []
  for (const { from, until, status } of segments) {
    if (status !== null && !isRest(status)) continue
    let run = runs.at(-1)
    if (run?.until !== from) {
      run = { from, until: from, uncertain: false, known: [] }
      runs.push(run)
    }
    run.until = until
    const last = run.known.at(-1)
    if (status === null) run.uncertain = true
    else if (last?.until === from) last.until = until
    else run.known.push({ from, until })
  }
  return runs
}
