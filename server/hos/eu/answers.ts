import { DAY, type Instant } from '../../time/instant.ts'
import type { Clock, DutyEvent, HosOptions, Violation } from '../types.ts'
import { inOrder } from './activities.ts'
import * as breakRule from './break.ts'
import * as compensation from './compensation.ts'
import * as daily from './dailyDriving.ts'
import * as rest from './dailyRest.ts'
import { MS } from './limits.ts'
import { reducedRestViolations } from './reducedRests.ts'
import { goOn, openRest, type Timeline, timelineOf } from './timeline.ts'
import * as weekly from './weeklyDriving.ts'
import { weeklyPairViolations } from './weeklyPairs.ts'
import { readWeeklyRests } from './weeklyReading.ts'
import { weeklyRestsOf, weeklyRestViolations } from './weeklyRest.ts'
import { type Weeks, weeksIn } from './weeks.ts'

/** What a log says at one instant, and the workings that tell when it will say something else. */
export interface Answers {
  timeline: Timeline
  periods: readonly rest.Period[]
  drivenSinceBreakMs: number
  dailyDriving: daily.DailyDriving
  weekDriving: weekly.WeeklyDriving
  clocks: Clock[]
  /** Worked out when asked for: most changes show in the clocks already. */
  violations: () => Violation[]
}

/** The settings of the log, read once. */
export interface Settings extends rest.DailyRestOptions {
  weeks: Weeks
  twoReducedAbroad: boolean
}

export function settingsOf(options: HosOptions): Settings {
  return {
    weeks: weeksIn(options.timeZone),
    multiManning: options.multiManning ?? false,
    crewRestCounts: options.crewReducedRestCounts ?? true,
    twoReducedAbroad: options.internationalTwoReduced ?? false,
  }
}

/** Beyond any rest that could still cure anything. */
const LONG_REST = 70 * DAY

/** All violations and clocks at an instant, of a log with no later event. */
export const answersAt = (log: readonly DutyEvent[], settings: Settings, asOf: Instant): Answers =>
  answersOf(timelineOf(log, asOf), settings)

/** The same of a log as activities. Its violations are to be asked for before anything else is made of the timeline. */
export function answersOf(timeline: Timeline, settings: Settings): Answers {
  const { asOf } = timeline
  const now = judge(timeline, settings)
  const { rests } = timeline
  // A rest that still runs may cure what looks broken: let it go on, and report what is broken even then.
  return {
    timeline,
    periods: now.periods,
    drivenSinceBreakMs: now.breaks.drivenMs,
    dailyDriving: now.driving,
    weekDriving: now.weekDriving,
    clocks: clocksOf(timeline, now, settings),
    violations() {
      if (!openRest(rests)) return violationsOf(now, settings)
      const found = violationsOf(judge(goOn(timeline, asOf, asOf + LONG_REST), settings), settings)
      goOn(timeline, asOf)
      return found
    },
  }
}

interface Judged {
  timeline: Timeline
  breaks: breakRule.Breaks
  periods: rest.Period[]
  driving: daily.DailyDriving
  weekDriving: weekly.WeeklyDriving
}

function judge(timeline: Timeline, settings: Settings): Judged {
  const periods = rest.periodsOf(timeline, settings)
  return {
    timeline,
    breaks: breakRule.breaks(timeline, settings.multiManning),
    periods,
    driving: daily.dailyDriving(timeline, periods, settings.weeks),
    weekDriving: weekly.weeklyDriving(timeline, settings.weeks),
  }
}

function violationsOf(judged: Judged, settings: Settings): Violation[] {
  const { timeline, periods } = judged
  const { weeks } = settings
  const weeklyRests = weeklyRestsOf(timeline)
  const reading = readWeeklyRests(timeline, weeklyRests, weeks, settings.twoReducedAbroad)
  const violations = [
    ...judged.breaks.violations,
    ...judged.driving.violations,
    ...judged.weekDriving.violations,
    ...rest.dailyRestViolations(periods, timeline, settings.multiManning),
    ...reducedRestViolations(periods),
    ...weeklyRestViolations(timeline, weeklyRests),
    ...weeklyPairViolations(reading, weeklyRests, weeks),
    ...compensation.compensationViolations(timeline, reading, weeks),
  ]
    .filter((violation) => violation.from <= timeline.asOf)
    .map((violation) => asSeenAt(violation, timeline.asOf))
  return inOrder(violations)
}

/** A rest that was imagined to go on is told with the length that it has. */
function asSeenAt(violation: Violation, asOf: Instant): Violation {
  const { rests } = violation.explanation
  if (rests.every(({ until }) => until <= asOf)) return violation
  const taken = rests.map(({ from, until }) => ({ from, until: Math.min(until, asOf) }))
  return { ...violation, explanation: { ...violation.explanation, rests: taken } }
}

function clocksOf(timeline: Timeline, judged: Judged, settings: Settings): Clock[] {
  const { asOf, stretches } = timeline
  const driving = stretches.at(-1)?.status === 'DRIVE'
  const balance = weekly.weeklyBalance(judged.weekDriving)
  const weekRunsOut = weekly.weeklyDrivingRunsOut(judged.weekDriving, asOf, settings.weeks)
  const breakMs = Math.max(0, MS.drivingPeriod - judged.breaks.drivenMs)
  const dailyMs = Math.max(0, judged.driving.limitMs - judged.driving.drivenMs)

  return [
    drivingClock(driving, 'break', breakRule.RULE, MS.drivingPeriod, breakMs, asOf + breakMs),
    drivingClock(
      driving,
      'driveDaily',
      daily.RULE,
      judged.driving.limitMs,
      dailyMs,
      driving ? daily.dailyDrivingRunsOut(judged.driving, timeline, judged.periods, settings.weeks) : null,
    ),
    drivingClock(driving, 'driveWeekly', weekly.WEEK_RULE, MS.drivingWeek, balance.weekMs, weekRunsOut.week),
    drivingClock(
      driving,
      'driveFortnight',
      weekly.FORTNIGHT_RULE,
      MS.drivingFortnight,
      balance.fortnightMs,
      weekRunsOut.fortnight,
    ),
    { name: 'dutyDaily', rule: rest.RULE, ...rest.dutyDaily(judged.periods, timeline, settings) },
  ]
}

function drivingClock(
  driving: boolean,
  name: Clock['name'],
  rule: string,
  limitMs: number,
  remainingMs: number,
  runsOutAt: Instant | null,
): Clock {
  const running = driving && remainingMs > 0
  return { name, rule, limitMs, remainingMs, running, runsOutAt: running ? runsOutAt : null }
}
