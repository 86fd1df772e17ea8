import { DAY, type Instant } from '../../time/instant.ts'
import type { DutyEvent, EuropeanStatus } from '../types.ts'
import { MS } from './limits.ts'

export interface Span {
  from: Instant
  until: Instant
}

/** An uninterrupted run of one activity. */
export interface Stretch extends Span {
  status: EuropeanStatus
}

/** A rest: REST and FERRY joined. Around a ferry or train it may have interruptions, which are not part of `restMs`. */
export interface Rest extends Span {
  restMs: number
  ferry: boolean
  /** Still running when the log ends. */
  open: boolean
  /** The end of the long rest before the log; its `from` is only a mark far enough back. */
  beforeLog: boolean
  /** Its uninterrupted parts, in order. */
  parts: readonly Span[]
}

/** A log as activities and rests, up to an instant. */
export interface Timeline {
  /** The instant asked about. */
  asOf: Instant
  /** Where the activities end: `asOf`, or later if a running rest is imagined to go on. */
  end: Instant
  stretches: readonly Stretch[]
  /** Uninterrupted rests, the one before the log first. */
  rests: readonly Rest[]
  /** The same with the rests that a ferry or train joins into one (art. 9(1)). */
  joined: readonly Rest[]
}

/** How far the rest before the log is thought to reach back: beyond any weekly rest, to no number of weeks in particular. */
export const BEFORE = 70 * DAY

/**
 * A log that ends by `asOf` as activities and rests. With `restGoesOn` later than `asOf`, a rest that runs at `asOf` is
 * continued until then: whatever is still wrong afterwards, this rest could not have cured.
 */
export function timelineOf(log: readonly DutyEvent[], asOf: Instant, restGoesOn: Instant = asOf): Timeline {
  const stretches: Stretch[] = []
  let last: Stretch | undefined
  for (const event of log) {
    if (last) last.until = event.at
    // Two events at one instant: the second is what held.
    if (last && last.from === last.until) {
      stretches.pop()
      last = stretches[stretches.length - 1]
    }
    if (last?.status === event.status) last.until = asOf
    else {
      last = { status: event.status as EuropeanStatus, from: event.at, until: asOf }
      stretches.push(last)
    }
  }
  let end = asOf
  if (last) {
    if (isRest(last.status)) end = restGoesOn
    last.until = end
  }
  const rests = restsOf(stretches, end)
  return { asOf, end, stretches, rests, joined: joinByFerry(rests) }
}

/**
 * The same timeline at a later instant if nothing happens: its last activity goes on. What it holds is changed in place, so that
 * nothing that was read of it before may be used after.
 */
export function goOn(timeline: Timeline, asOf: Instant, restGoesOn: Instant = asOf): Timeline {
  const { stretches, rests } = timeline
  const last = stretches.length > 0 ? stretches[stretches.length - 1]! : null
  const end = last !== null && isRest(last.status) ? restGoesOn : asOf
  if (last !== null) last.until = end
  const rest = openRest(rests)
  if (rest) {
    // Before the log one rests from far enough back; without a log, till now.
    if (last === null) rest.from = asOf - BEFORE
    rest.until = end
    rest.restMs = end - rest.from
    rest.parts = [{ from: rest.from, until: end }]
  }
  return { asOf, end, stretches, rests, joined: joinByFerry(rests) }
}

/** Is it rest? Availability and other work never are. */
export const isRest = (status: EuropeanStatus) => status === 'REST' || status === 'FERRY'

function restsOf(stretches: readonly Stretch[], end: Instant): Rest[] {
  const rests: Rest[] = []
  const begin = stretches[0]?.from ?? end
  let running: Rest | null = single(begin - BEFORE, begin)
  running.beforeLog = true
  rests.push(running)
  for (const stretch of stretches) {
    if (!isRest(stretch.status)) {
      running = null
      continue
    }
    if (running) {
      running.until = stretch.until
      running.restMs = running.until - running.from
      running.parts = [{ from: running.from, until: running.until }]
    } else {
      running = single(stretch.from, stretch.until)
      rests.push(running)
    }
    running.ferry ||= stretch.status === 'FERRY'
  }
  if (running) running.open = true
  return rests
}

function single(from: Instant, until: Instant): Rest {
  return {
    from,
    until,
    restMs: until - from,
    ferry: false,
    open: false,
    beforeLog: false,
    parts: [{ from, until }],
  }
}

/** Rests around a ferry or train are one if interrupted at most twice and for an hour in all, and long enough (art. 9(1)). */
function joinByFerry(rests: readonly Rest[]): readonly Rest[] {
  if (!rests.some((rest) => rest.ferry)) return rests
  const joined: Rest[] = []
  for (let i = 0; i < rests.length; i++) {
    let taken = 0
    for (let more = MS.ferryInterruptions; more > 0 && taken === 0; more--) {
      const run = rests.slice(i, i + more + 1)
      if (run.length === more + 1 && isOneRest(run)) {
        joined.push(merge(run))
        taken = more
      }
    }
    if (taken === 0) joined.push(rests[i] as Rest)
    i += taken
  }
  return joined
}

function isOneRest(run: readonly Rest[]): boolean {
  if (!run.some((rest) => rest.ferry)) return false
  const restMs = run.reduce((sum, rest) => sum + rest.restMs, 0)
  const first = run[0] as Rest
  const last = run.at(-1) as Rest
  return restMs >= MS.ferryRest && last.until - first.from - restMs <= MS.ferryInterruptionTotal
}

function merge(run: readonly Rest[]): Rest {
  const first = run[0] as Rest
  const last = run.at(-1) as Rest
  return {
    from: first.from,
    until: last.until,
    restMs: run.reduce((sum, rest) => sum + rest.restMs, 0),
    ferry: true,
    open: last.open,
    beforeLog: first.beforeLog,
    parts: run.flatMap((rest) => rest.parts),
  }
}

/** How much of a rest lies before an instant, interruptions left out. */
export function restBefore(rest: Rest, instant: Instant): number {
  let sum = 0
  for (const part of rest.parts) sum += Math.max(0, Math.min(part.until, instant) - part.from)
  return sum
}

/** The rest that runs at the end of the log, if one does. */
export function openRest(rests: readonly Rest[]): Rest | null {
  const last = rests.at(-1)
  return last?.open ? last : null
}

/** Spans of rests as an explanation shows them; what lies before the log is left out. */
export const shown = (rests: readonly Rest[]): Span[] =>
  rests.filter((rest) => !rest.beforeLog).map((rest) => ({ from: rest.from, until: rest.until }))
