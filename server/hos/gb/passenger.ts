import type { Judged, Rules } from '../eu/activities.ts'
import { daysBetweenRests, runningDay, sumOf } from '../eu/days.ts'
import { type Weeks, weeksIn } from '../eu/weeks.ts'
import type { Clock } from '../types.ts'
import * as breaks from './break.ts'
import { dailyRestViolations } from './dailyRest.ts'
import * as driving from './drivingDay.ts'
import * as fortnight from './fortnightlyRest.ts'
import { MS } from './limits.ts'
import * as workingDay from './workingDay.ts'

/** The rules for vehicles that carry passengers in Great Britain. */
export const passengerRules: Rules<Weeks> = {
  settingsOf: ({ timeZone }) => weeksIn(timeZone),

  judge(timeline, weeks): Judged {
    const { asOf } = timeline
    const days = daysBetweenRests(timeline, MS.dailyRestReduced)
    const day = runningDay(days, timeline, MS.dailyRestReduced)
    const drivingMs = Math.max(0, MS.drivingDay - (day ? sumOf(day, driving.isDriving) : 0))
    const running = timeline.stretches.at(-1)?.status === 'DRIVE' && drivingMs > 0
    const spells = breaks.spells(timeline)
    const ofBreak = breaks.breakClock(timeline, spells)
    const ofDay = workingDay.workingDayClock(days, timeline)
    const ofFortnight = fortnight.fortnightlyRestClock(timeline, weeks)
    const clocks: Clock[] = [
      ofBreak.clock,
      {
        name: 'driveDaily',
        rule: driving.RULE,
        limitMs: MS.drivingDay,
        remainingMs: drivingMs,
        running,
        runsOutAt: running ? asOf + drivingMs : null,
      },
      ofDay.clock,
      ofFortnight.clock,
    ]
    return {
      clocks,
      violations() {
        return [
          ...spells.violations,
          ...driving.drivingViolations(days, timeline),
          ...workingDay.workingDayViolations(days),
          ...dailyRestViolations(timeline, weeks),
          ...fortnight.fortnightlyRestViolations(timeline, weeks),
        ]
      },
      changes: [asOf + drivingMs, ...ofBreak.changes, ...ofDay.changes, ...ofFortnight.changes],
    }
  },
}
