import type { Instant } from '../../time/instant.ts'
import type { Timeline } from '../eu/timeline.ts'
import type { Weeks } from '../eu/weeks.ts'
import type { Clock, EuropeanStatus, Violation } from '../types.ts'
import { LIMITS, MS } from './limits.ts'

export const WEEK_RULE = 'wtd.work-60'
export const AVERAGE_RULE = 'wtd.work-48-average'

/** Art. 3(a): driving and other work. Waiting that is known beforehand is not (art. 3(b)), nor are breaks and rest. */
export const isWork = (status: EuropeanStatus) => status === 'DRIVE' || status === 'WORK'

/** The working time of each fixed week, and what was broken. */
export interface WorkOfWeeks {
  week: number
  thisWeekMs: number
  /** Of the reference period that ends with this week. */
  periodMs: number
  violations: Violation[]
}

/** The working time of each fixed week, in their order. */
export function workByWeek(timeline: Timeline, weeks: Weeks): Map<number, number> {
  const byWeek = new Map<number, number>()
  for (const stretch of timeline.stretches) {
    if (!isWork(stretch.status)) continue
    for (let from = stretch.from; from < stretch.until; ) {
      const week = weeks.of(from)
      const until = Math.min(stretch.until, weeks.startOf(week + 1))
      byWeek.set(week, (byWeek.get(week) ?? 0) + until - from)
      from = until
    }
  }
  return byWeek
}

/**
 * Art. 4(a): 60 h of work in any fixed week, 48 h on average over the reference period. Each run of so many weeks is a period; it is
 * broken when its work passes what its weeks allow together, for no rest to come can make up for that.
 */
export function workOfWeeks(timeline: Timeline, weeks: Weeks, referenceWeeks: number): WorkOfWeeks {
  const violations: Violation[] = []
  const byWeek = new Map<number, number>()
  const first = timeline.stretches[0]
  let week = weeks.of(first ? first.from : timeline.asOf)
  let weekUntil = weeks.startOf(week + 1)
  let earlierMs = 0
  let overWeek: Violation | undefined
  let overAverage: Violation | undefined
  const averageLimitMs = MS.averageWeek * referenceWeeks

  /** Methods: a function with a name of its own would be named anew for each timeline, which costs more than it does. */
  const walk = {
    turnTo(at: Instant): void {
      while (at >= weekUntil) {
        week++
        weekUntil = weeks.startOf(week + 1)
        earlierMs = 0
        for (let before = 1; before < referenceWeeks; before++) earlierMs += byWeek.get(week - before) ?? 0
        overWeek = undefined
        overAverage = undefined
      }
    },
    breach(
      open: Violation | undefined,
      rule: string,
      limitMs: number,
      reachedMs: number,
      from: Instant,
      until: Instant,
    ): Violation | undefined {
      if (reachedMs <= limitMs) return undefined
      const isOfWeek = rule === WEEK_RULE
      const violation = open ?? {
        rule,
        from: Math.max(from, until - (reachedMs - limitMs)),
        until,
        explanation: {
          citation: (isOfWeek ? LIMITS.week : LIMITS.averageWeek).citation,
          limitMs,
          reachedMs,
          since: weeks.startOf(isOfWeek ? week : week - referenceWeeks + 1),
          rests: [],
        },
      }
      violation.until = until
      violation.explanation = { ...violation.explanation, reachedMs }
      if (!open) violations.push(violation)
      return violation
    },
  }

  for (const stretch of timeline.stretches) {
    if (!isWork(stretch.status)) continue
    for (let from = stretch.from; from < stretch.until; ) {
      walk.turnTo(from)
      const until = Math.min(stretch.until, weekUntil)
      const worked = (byWeek.get(week) ?? 0) + until - from
      byWeek.set(week, worked)
      overWeek = walk.breach(overWeek, WEEK_RULE, MS.week, worked, from, until)
      overAverage = walk.breach(overAverage, AVERAGE_RULE, averageLimitMs, earlierMs + worked, from, until)
      from = until
    }
  }
  walk.turnTo(timeline.asOf)
  const thisWeekMs = byWeek.get(week) ?? 0
  return { week, thisWeekMs, periodMs: earlierMs + thisWeekMs, violations }
}

/** What is left of the week and of the period. A new week on the way brings its own balance. */
export function weekClocks(
  work: WorkOfWeeks,
  timeline: Timeline,
  weeks: Weeks,
  referenceWeeks: number,
  afterTurn: (at: Instant) => WorkOfWeeks,
): { clocks: Clock[]; changes: Instant[] } {
  const { asOf, stretches } = timeline
  const status = stretches.at(-1)?.status
  const working = status !== undefined && isWork(status)
  const turn = weeks.startOf(weeks.of(asOf) + 1)
  let turned: WorkOfWeeks | undefined
  const clock = (
    name: Clock['name'],
    rule: string,
    limitMs: number,
    reached: (work: WorkOfWeeks) => number,
  ): Clock => {
    const remainingMs = Math.max(0, limitMs - reached(work))
    const running = working && remainingMs > 0
    let runsOutAt: Instant | null = null
    if (running && asOf + remainingMs < turn) runsOutAt = asOf + remainingMs
    else if (running) {
      turned ??= afterTurn(turn)
      runsOutAt = turn + Math.max(0, limitMs - reached(turned))
    }
    // Nobody works a week on end: what lies beyond the one that comes is not told.
    if (runsOutAt !== null && runsOutAt >= weeks.startOf(weeks.of(turn) + 1)) runsOutAt = null
    return { name, rule, limitMs, remainingMs, running, runsOutAt }
  }
  const clocks = [
    clock('workWeekly', WEEK_RULE, MS.week, ({ thisWeekMs }) => thisWeekMs),
    clock('workAverage', AVERAGE_RULE, MS.averageWeek * referenceWeeks, ({ periodMs }) => periodMs),
  ]
  // While the driver rests each week that leaves the period gives hours back.
  const turns = Array.from({ length: referenceWeeks + 1 }, (_, ahead) => weeks.startOf(work.week + 1 + ahead))
  return { clocks, changes: [...turns, ...clocks.map(({ remainingMs }) => asOf + remainingMs)] }
}
