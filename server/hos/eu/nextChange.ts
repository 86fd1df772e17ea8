import type { Instant } from '../../time/instant.ts'
import type { Violation } from '../types.ts'
import { clocksSignature, violationsSignature } from './activities.ts'
import { type Answers, answersOf, type Settings } from './answers.ts'
import { ferryRestAt } from './dailyRest.ts'
import { MS } from './limits.ts'
import { goOn, openRest, type Timeline } from './timeline.ts'
import { weeklyRestDue } from './weeklyRest.ts'

/** The lengths of a rest that move a clock by being reached. */
const REST_STEPS = [
  MS.breakSecondPart,
  MS.break,
  MS.dailyRestFirstPart,
  MS.restEndingDayWhenMissing,
  MS.dailyRestReduced,
  MS.dailyRest,
  MS.weeklyRestReduced,
]

/** Weeks ahead in which a past rest can still matter: the fortnight, and the third week after a reduced rest. */
const WEEKS_AHEAD = 6

/**
 * The next instant at which any answer changes with no new event: a clock stops, fills or runs out, a violation comes or
 * goes. A clock that only runs down is no change. Null if nothing will change.
 */
export function nextChangeAt(
  settings: Settings,
  now: Answers,
  violations: readonly Violation[],
): Instant | null {
  const { asOf } = now.timeline
  const clocks = clocksSignature(now.clocks, asOf)
  const broken = violationsSignature(violations)
  // The timeline goes on with each candidate: what is to be asked is known before.
  for (const at of candidates(now, settings)) {
    if (at <= asOf) continue
    const then = answersOf(goOn(now.timeline, at), settings)
    if (clocksSignature(then.clocks, at) !== clocks || violationsSignature(then.violations()) !== broken)
      return at
  }
  return null
}

/** Instants at which something could change, in order. Limits are inclusive: a breach shows just after its limit. */
function candidates(now: Answers, settings: Settings): Instant[] {
  const { timeline, periods, clocks, dailyDriving, weekDriving, drivenSinceBreakMs } = now
  const { asOf, stretches, joined } = timeline
  const { weeks } = settings
  const found = new Set<Instant>()
  const limit = (at: Instant) => found.add(at).add(at + 1)

  for (const clock of clocks) if (clock.runsOutAt !== null) limit(clock.runsOutAt)
  const week = weeks.of(asOf)
  for (let n = 1; n <= WEEKS_AHEAD; n++) found.add(weeks.startOf(week + n))

  const last = stretches.at(-1)
  if (last?.status === 'DRIVE') {
    limit(asOf + MS.drivingPeriod - drivenSinceBreakMs)
    limit(asOf + MS.drivingWeek - weekDriving.thisWeekMs)
    limit(asOf + MS.drivingFortnight - weekDriving.thisWeekMs - weekDriving.lastWeekMs)
    limit(asOf + MS.drivingDay - dailyDriving.drivenMs)
    limit(asOf + MS.drivingDayExtended - dailyDriving.drivenMs)
  }
  if (last?.status === 'POA') found.add(last.from + MS.breakAsCrew)

  const period = periods.at(-1)
  if (period) {
    limit(period.windowUntil)
    found.add(period.windowUntil - MS.dailyRest).add(period.windowUntil - MS.dailyRestReduced)
  }
  const weeklyRest = joined.findLast((rest) => rest.beforeLog || rest.restMs >= MS.weeklyRestReduced)
  if (weeklyRest) limit(weeklyRestDue(weeklyRest))
  for (const at of restSteps(timeline)) found.add(at)
  return [...found].sort((a, b) => a - b)
}

function restSteps(timeline: Timeline): Instant[] {
  const { asOf, rests, joined } = timeline
  const found: Instant[] = []
  for (const rest of [openRest(rests), openRest(joined)]) {
    if (rest) for (const step of REST_STEPS) found.push(asOf + step - rest.restMs)
  }
  return [...found, ...ferryRestAt(timeline)]
}
