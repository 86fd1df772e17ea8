import type { Instant } from '../../../time/instant.ts'
import type { Segment } from '../../gapped.ts'
import type { DutyStatus } from '../../types.ts'
import type { Span } from '../timeline.ts'
import { sumOf } from './blocks.ts'

export type Counts = (status: DutyStatus) => boolean

/** A period of fixed length that begins with the first activity that counts: what surely and what possibly counts in it. */
export interface Period extends Span {
  sure: Span[]
  most: Span[]
}

export interface Periods {
  /** Those whose beginning no gap can move. */
  known: Period[]
  /** Times in which nobody knows when periods begin: from a gap that may hold a beginning to the end of so long without any that counts. */
  open: Span[]
}

const clip = ({ from, until }: Span, begin: Instant, end: Instant): Span[] => {
  const span = { from: Math.max(from, begin), until: Math.min(until, end) }
  return span.until > span.from ? [span] : []
}

export function periodsOf(
  segments: readonly Segment[],
  lengthMs: number,
  counts: Counts,
  asOf: Instant,
): Periods {
  const found: Periods = { known: [], open: [] }
  let lost: Instant | null = null
  let quietFrom: Instant | null = null
  let endsAt = Number.NEGATIVE_INFINITY
  const begin = (from: Instant) => {
    endsAt = from + lengthMs
    const inside = (kind: (one: Segment) => boolean) =>
      segments.filter(kind).flatMap((one) => clip(one, from, endsAt))
    const sure = (one: Segment) => one.status !== null && counts(one.status)
    found.known.push({
      from,
      until: endsAt,
      sure: inside(sure),
      most: inside((one) => one.status === null || sure(one)),
    })
  }
  for (const { from, until, status } of segments) {
    if (status !== null && !counts(status)) {
      quietFrom ??= from
      continue
    }
    if (lost !== null && status !== null && quietFrom !== null && from - quietFrom >= lengthMs) {
      found.open.push({ from: lost, until: from })
      lost = null
      endsAt = Number.NEGATIVE_INFINITY
    }
    quietFrom = null
    if (lost !== null) continue
    for (let at = Math.max(from, endsAt); at < until; at = endsAt) {
      if (status === null) {
        lost = at
        break
      }
      begin(at)
    }
  }
  if (lost !== null) found.open.push({ from: lost, until: asOf })
  return found
}

/**
 * Where more than a limit may be reached within some period of an open time: a period begins after the time did and is no longer than
 * its length, so what counts in it has counted since then.
 */
export function mayPass(
  segments: readonly Segment[],
  open: Span,
  lengthMs: number,
  limitMs: number,
  counts: Counts,
): Span[] {
  const most = segments
    .filter(({ status }) => status === null || counts(status))
    .flatMap((one) => clip(one, open.from, open.until))
  const found: Span[] = []
  for (const { from, until } of most) {
    // The sum falls only where what counted leaves the period: at the ends of earlier stretches.
    const edges = most.flatMap((one) => [one.from + lengthMs, one.until + lengthMs])
    const cuts = [from, ...edges.filter((at) => at > from && at < until).sort((a, b) => a - b), until]
    cuts.slice(1).forEach((end, i) => {
      const start = cuts[i]!
      const sumAt = (at: Instant) => sumOf(most.flatMap((one) => clip(one, at - lengthMs, at)))
      const [before, after] = [sumAt(start), sumAt(end)]
      if (before >= limitMs) found.push({ from: start, until: end })
      else if (after > limitMs) found.push({ from: end - (after - limitMs), until: end })
    })
  }
  return bridged(found, lengthMs - limitMs)
}

/** What is passed on both sides of a pause is passed in between, if one period may hold the pause and more than the limit. */
function bridged(spans: readonly Span[], longestPauseMs: number): Span[] {
  const found: Span[] = []
  for (const one of spans) {
    const last = found.at(-1)
    if (last && one.from - last.until < longestPauseMs) last.until = one.until
    else found.push({ ...one })
  }
  return found
}

/** The most that counts in the period that may run at an instant. */
export const mostAt = (
  segments: readonly Segment[],
  open: Span,
  lengthMs: number,
  counts: Counts,
  at: Instant,
) =>
  sumOf(
    segments
      .filter(({ status }) => status === null || counts(status))
      .flatMap((one) => clip(one, Math.max(open.from, at - lengthMs), at)),
  )
