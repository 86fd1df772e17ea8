import { DAY, type Instant } from '../../time/instant.ts'
import type { Violation } from '../types.ts'
import { LIMITS, MS } from './limits.ts'
import type { Timeline } from './timeline.ts'
import type { Weeks } from './weeks.ts'

export const WEEK_RULE = 'eu.drive-weekly'
export const FORTNIGHT_RULE = 'eu.drive-fortnight'

/** Driving of the fixed week of `asOf` and of the one before. */
export interface WeeklyDriving {
  thisWeekMs: number
  lastWeekMs: number
  violations: Violation[]
}

/**
 * Art. 6(2) and (3): 56 h of driving in a fixed week, 90 h in any two consecutive ones. Driving is split where the week
 * turns, and driving that interrupts a rest on a ferry counts.
 */
export function weeklyDriving(timeline: Timeline, weeks: Weeks): WeeklyDriving {
  const violations: Violation[] = []
  const first = timeline.stretches[0]
  let week = first ? weeks.of(first.from) : weeks.of(timeline.asOf)
  let weekUntil = weeks.startOf(week + 1)
  let thisWeekMs = 0
  let lastWeekMs = 0
  let overWeek: Violation | null = null
  let overFortnight: Violation | null = null

  /** Methods: a function with a name of its own would be named anew for each timeline, which costs more than it does. */
  const walk = {
    turnTo(at: Instant): void {
      while (at >= weekUntil) {
        week++
        weekUntil = weeks.startOf(week + 1)
        lastWeekMs = thisWeekMs
        thisWeekMs = 0
        overWeek = null
        overFortnight = null
      }
    },
    breach(
      open: Violation | null,
      rule: string,
      limit: 'drivingWeek' | 'drivingFortnight',
      carriedMs: number,
      from: Instant,
      until: Instant,
    ): Violation | null {
      const reachedMs = carriedMs + thisWeekMs
      if (reachedMs <= MS[limit]) return null
      const over = Math.min(reachedMs - MS[limit], until - from)
      const violation = open ?? {
        rule,
        from: until - over,
        until,
        explanation: {
          citation: LIMITS[limit].citation,
          limitMs: MS[limit],
          reachedMs,
          since: weeks.startOf(rule === WEEK_RULE ? week : week - 1),
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
    if (stretch.status !== 'DRIVE') continue
    for (let from = stretch.from; from < stretch.until; ) {
      walk.turnTo(from)
      const until = Math.min(stretch.until, weekUntil)
      thisWeekMs += until - from
      overWeek = walk.breach(overWeek, WEEK_RULE, 'drivingWeek', 0, from, until)
      overFortnight = walk.breach(overFortnight, FORTNIGHT_RULE, 'drivingFortnight', lastWeekMs, from, until)
      from = until
    }
  }
  walk.turnTo(timeline.asOf)
  return { thisWeekMs, lastWeekMs, violations }
}

/** What is left of the week's and the fortnight's driving. */
export function weeklyBalance(driving: WeeklyDriving): { weekMs: number; fortnightMs: number } {
  return {
    weekMs: Math.max(0, MS.drivingWeek - driving.thisWeekMs),
    fortnightMs: Math.max(0, MS.drivingFortnight - driving.thisWeekMs - driving.lastWeekMs),
  }
}

const WEEK_MS = 7 * DAY

/** When the two clocks reach zero if driving goes on from `asOf`; a new week on the way fills them again. */
export function weeklyDrivingRunsOut(driving: WeeklyDriving, asOf: Instant, weeks: Weeks) {
  const { weekMs, fortnightMs } = weeklyBalance(driving)
  const turn = weeks.startOf(weeks.of(asOf) + 1)
  const fortnightAfter = MS.drivingFortnight - (driving.thisWeekMs + (turn - asOf))
  return {
    week: weekMs === 0 ? null : asOf + weekMs < turn ? asOf + weekMs : turn + MS.drivingWeek,
    fortnight:
      fortnightMs === 0
        ? null
        : asOf + fortnightMs < turn
          ? asOf + fortnightMs
          : turn + Math.max(0, Math.min(fortnightAfter, WEEK_MS)),
  }
}
