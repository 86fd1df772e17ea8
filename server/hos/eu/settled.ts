import type { Instant } from '../../time/instant.ts'
import type { DutyEvent, HosOptions, SettledPart } from '../types.ts'
import { settingsOf } from './answers.ts'
import { isSettled, mayCarryFor } from './compensation.ts'
import { MS } from './limits.ts'
import { isRest, type Rest, type Timeline, timelineOf } from './timeline.ts'
import { type Reading, readWeeklyRests } from './weeklyReading.ts'
import { weeklyRestsOf } from './weeklyRest.ts'
import type { Weeks } from './weeks.ts'

/**
 * What of a log can still matter. Which weeks the weekly rests count for (art. 8(9)) and what pays for reduced ones
 * (art. 8(6b)) may hang on rests of long ago, so of a part that all other rules have left behind only such rests are
 * kept; and of what lies before a rest that settles those too, nothing. null if nothing can be left out.
 */
export function settledPart(
  log: readonly DutyEvent[],
  options: HosOptions,
  asOf: Instant,
): SettledPart | null {
  const settings = settingsOf(options)
  const { weeks } = settings
  const timeline = timelineOf(log, asOf)
  // A rest around a ferry may join what lies on both sides of it.
  if (timeline.rests.some((rest) => rest.ferry)) return null
  const weeklyRests = weeklyRestsOf(timeline)
  // A weekly rest closes every period; after it nothing from before is still going on.
  const closing = weeklyRests.findLast((rest) => !rest.open)
  // The fortnight of art. 6(3) has passed the week that the rest ends in after the one that follows.
  const passedAt = (rest: Rest) => weeks.startOf(weeks.of(rest.until) + 2)
  const passed = weeklyRests.filter((rest) => !rest.beforeLog && closing && passedAt(rest) <= closing.from)
  const last = passed.at(-1)
  if (!last) return null

  const reading = readWeeklyRests(timeline, weeklyRests, weeks, settings.twoReducedAbroad)
  const final = passed.findLast((rest) =>
    isFinal(rest, passedAt(rest), timeline, weeklyRests, reading, weeks),
  )
  const from = final ? startOfWorkBefore(final, timeline) : Number.NEGATIVE_INFINITY
  return {
    log: [
      ...restsThatMatter(timeline, from, last.from, reading, weeks),
      ...log.filter(({ at }) => at >= last.from && at >= from),
    ],
    until: passedAt(last),
    weeksUntil: final ? passedAt(final) : Number.NEGATIVE_INFINITY,
  }
}

/** Does nothing before a rest touch the reading of a week after it? Then it fills one week, alone, and all debts are settled. */
function isFinal(
  rest: Rest,
  until: Instant,
  timeline: Timeline,
  weeklyRests: readonly Rest[],
  reading: Reading,
  weeks: Weeks,
): boolean {
  const week = weeks.of(rest.from)
  if (rest.restMs < MS.weeklyRest || week !== weeks.of(rest.until - 1)) return false
  // The week is judged by then, not later because of a rest that runs on.
  const weekEnd = weeks.startOf(week + 1)
  if (weeklyRests.some((one) => one.from < weekEnd && one.until >= until)) return false
  return isSettled(rest, until, timeline, reading, weeks)
}

const startOfWorkBefore = (rest: Rest, { stretches }: Timeline): Instant =>
  stretches.findLast((one) => one.from < rest.from && !isRest(one.status))?.from ?? Number.NEGATIVE_INFINITY

/** A part of the log with all between the rests that matter as other work. */
function restsThatMatter(
  { stretches, rests }: Timeline,
  from: Instant,
  until: Instant,
  reading: Reading,
  weeks: Weeks,
): DutyEvent[] {
  const kept: DutyEvent[] = []
  const put = (at: Instant, status: DutyEvent['status']) => {
    if (at >= from && at < until && kept.at(-1)?.status !== status) kept.push({ at, status })
  }
  const [first] = stretches
  if (first) put(Math.max(first.from, from), isRest(first.status) && first.from >= from ? 'REST' : 'WORK')
  for (const rest of rests) {
    if (!rest.beforeLog && !matters(rest, reading, weeks)) continue
    if (!rest.beforeLog) put(rest.from, 'REST')
    put(rest.until, 'WORK')
  }
  return kept
}

const matters = (rest: Rest, reading: Reading, weeks: Weeks) =>
  rest.restMs >= MS.weeklyRestReduced ||
  weeks.of(rest.from) !== weeks.of(rest.until) ||
  mayCarryFor(rest, reading, weeks)
