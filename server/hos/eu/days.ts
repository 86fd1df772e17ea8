import type { Instant } from '../../time/instant.ts'
import type { EuropeanStatus } from '../types.ts'
import type { Span, Stretch, Timeline } from './timeline.ts'

/** A period of work, with the activities in it. */
export interface Day extends Span {
  /** In order, cut to the period. */
  stretches: Stretch[]
}

/**
 * Periods of one length that begin where something that counts is first done: the first at the first such activity, each further
 * one at the first after the end of the one before, or at that end if it goes on over it.
 */
export function daysOf(
  timeline: Timeline,
  lengthMs: number,
  counts: (status: EuropeanStatus) => boolean,
): Day[] {
  const days: Day[] = []
  let day: Day | undefined
  for (const stretch of timeline.stretches) {
    for (let from = stretch.from; from < stretch.until || from === stretch.from; ) {
      if (!day || from >= day.until) {
        if (!counts(stretch.status)) break
        day = { from, until: from + lengthMs, stretches: [] }
        days.push(day)
      }
      const until = Math.min(stretch.until, day.until)
      const whole = from === stretch.from && until === stretch.until
      day.stretches.push(whole ? stretch : { status: stretch.status, from, until })
      if (until === from) break
      from = until
    }
  }
  return days
}

/** Periods of work between rests of some length; the last ends with the log, unless such a rest has ended it. */
export function daysBetweenRests(timeline: Timeline, restMs: number): Day[] {
  const days: Day[] = []
  let day: Day | undefined
  const ending = timeline.rests.filter((rest, r) => r > 0 && rest.restMs >= restMs)
  let next = 0
  for (const stretch of timeline.stretches) {
    while (next < ending.length && ending[next]!.until <= stretch.from) {
      next++
      day = undefined
    }
    const isEnding = next < ending.length && stretch.from >= ending[next]!.from
    const atRest = stretch.status === 'REST' || stretch.status === 'FERRY'
    if (isEnding || (!day && atRest)) continue
    if (!day) {
      day = { from: stretch.from, until: stretch.until, stretches: [] }
      days.push(day)
    }
    day.stretches.push(stretch)
    day.until = stretch.until
  }
  return days
}

/** Does a period still run at the end of the log? Not where a rest has ended it. */
export function runningDay(days: readonly Day[], timeline: Timeline, restMs: number): Day | undefined {
  const last = timeline.rests.at(-1)
  return last?.open && last.restMs >= restMs ? undefined : days.at(-1)
}

/** The milliseconds of the activities that count. */
export function sumOf(day: Day, counts: (status: EuropeanStatus) => boolean): number {
  let sum = 0
  for (const { status, from, until } of day.stretches) if (counts(status)) sum += until - from
  return sum
}

/** When the sum of what counts goes past a limit; null if it does not. */
export function passing(
  day: Day,
  limitMs: number,
  counts: (status: EuropeanStatus) => boolean,
): Instant | null {
  let sum = 0
  for (const { status, from, until } of day.stretches) {
    if (!counts(status)) continue
    if (sum + until - from > limitMs) return from + (limitMs - sum)
    sum += until - from
  }
  return null
}

/** The end of the last activity that counts; null if there is none. */
export const lastOf = (day: Day, counts: (status: EuropeanStatus) => boolean): Instant | null =>
  day.stretches.findLast(({ status }) => counts(status))?.until ?? null

/** The timeline as it would be later if the last activity goes on. */
export function goneOn(timeline: Timeline, asOf: Instant): Timeline {
  const last = timeline.stretches.at(-1)
  if (!last) return { ...timeline, asOf, end: asOf }
  return {
    ...timeline,
    asOf,
    end: asOf,
    stretches: [...timeline.stretches.slice(0, -1), { ...last, until: asOf }],
  }
}
