import type { Instant } from '../../time/instant.ts'
import { type Day, daysBetweenRests, lastOf, passing, runningDay, sumOf } from '../eu/days.ts'
import { isRest, openRest, type Span, type Timeline } from '../eu/timeline.ts'
import type { Clock, Violation } from '../types.ts'
import { LIMITS, MS } from './limits.ts'
import { isWork } from './weeks.ts'

export const RULE = 'wtd.break-daily'

/** Days of work, which a daily rest ends. */
export const days = (timeline: Timeline): Day[] => daysBetweenRests(timeline, MS.dailyRest)

/** The breaks of a day, in parts long enough to count. One that still runs is the last. */
function breaksOf(day: Day): Span[] {
  const breaks: Span[] = []
  let rest: Span | null = null
  for (const { status, from, until } of day.stretches) {
    if (!isRest(status)) {
      rest = null
      continue
    }
    const longer: Span = { from: rest?.from ?? from, until }
    // One that was long enough before is longer now.
    if (rest && rest.until - rest.from >= MS.breakPart) breaks.pop()
    if (longer.until - longer.from >= MS.breakPart) breaks.push(longer)
    rest = longer
  }
  return breaks
}

const sum = (spans: readonly Span[]) => spans.reduce((ms, { from, until }) => ms + until - from, 0)

/**
 * Art. 5(1): 30 minutes of breaks in a day of more than 6 h of work, 45 in one of more than 9 h. What is missing can be taken as
 * long as the day goes on, so a day is judged when a daily rest has ended it; it is broken from the hour of work that
 * asked for more.
 */
export function dailyBreakViolations(timeline: Timeline, days: readonly Day[]): Violation[] {
  const running = runningDay(days, timeline, MS.dailyRest)
  return days.flatMap((day) => {
    if (day === running) return []
    const breaks = breaksOf(day)
    const takenMs = sum(breaks)
    const short = passing(day, MS.dayWithBreak, isWork)
    const long = passing(day, MS.dayWithLongBreak, isWork)
    const isShort = short !== null && takenMs < MS.breakOfDay
    const from = isShort ? short : takenMs < MS.longBreakOfDay ? long : null
    if (from === null) return []
    const limit = long === null ? LIMITS.breakOfDay : LIMITS.longBreakOfDay
    const explanation = {
      citation: limit.citation,
      limitMs: long === null ? MS.breakOfDay : MS.longBreakOfDay,
      reachedMs: takenMs,
      since: day.from,
      rests: breaks.map((one) => ({ from: one.from, until: one.until })),
    }
    return [{ rule: RULE, from, until: lastOf(day, isWork)!, explanation }]
  })
}

/** How much work the breaks taken so far allow in the day: 6 h, 9 h with 30 minutes, no limit with 45. */
export function dailyBreakClock(
  timeline: Timeline,
  days: readonly Day[],
): { clock: Clock; changes: Instant[] } {
  const { asOf, stretches, rests } = timeline
  const day = runningDay(days, timeline, MS.dailyRest)
  const status = stretches.at(-1)?.status
  const takenMs = day ? sum(breaksOf(day)) : 0
  const workedMs = day ? sumOf(day, isWork) : 0
  const isMet = takenMs >= MS.longBreakOfDay
  const limitMs = takenMs >= MS.breakOfDay ? MS.dayWithLongBreak : MS.dayWithBreak
  const remainingMs = isMet ? limitMs : Math.max(0, limitMs - workedMs)
  const running = !isMet && status !== undefined && isWork(status) && remainingMs > 0
  const rest = openRest(rests)
  const earlierMs = rest && asOf - rest.from >= MS.breakPart ? takenMs - (asOf - rest.from) : takenMs
  return {
    clock: {
      name: 'breakDaily',
      rule: RULE,
      limitMs,
      remainingMs,
      running,
      runsOutAt: running ? asOf + remainingMs : null,
    },
    changes: [
      asOf + remainingMs,
      ...(rest && status !== undefined && isRest(status)
        ? [MS.breakPart, MS.dailyRest, MS.breakOfDay - earlierMs, MS.longBreakOfDay - earlierMs].map(
            (ms) => rest.from + ms,
          )
        : []),
    ],
  }
}
