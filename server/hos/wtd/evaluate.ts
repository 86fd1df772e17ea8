import { MINUTE } from '../../time/instant.ts'
import { zone } from '../../time/zone.ts'
import type { Judged, Rules } from '../eu/activities.ts'
import { goneOn } from '../eu/days.ts'
import { type Weeks, weeksIn } from '../eu/weeks.ts'
import * as breaks from './break.ts'
import * as daily from './dailyBreaks.ts'
import { LIMITS } from './limits.ts'
import * as night from './night.ts'
import { weekClocks, workOfWeeks } from './weeks.ts'

export interface Settings {
  weeks: Weeks
  night: night.Night
  referenceWeeks: number
}

/** The limits of working time of mobile workers, Directive 2002/15/EC. */
export const workingTimeRules: Rules<Settings> = {
  settingsOf: ({ timeZone, nightStartMinutes = 0, averageOver26Weeks = false }) => ({
    weeks: weeksIn(timeZone),
    night: { zone: zone(timeZone), startMs: nightStartMinutes * MINUTE },
    referenceWeeks: (averageOver26Weeks ? LIMITS.referenceWeeksAgreed : LIMITS.referenceWeeks).value,
  }),

  judge(timeline, { weeks, night: dark, referenceWeeks }): Judged {
    const consecutive = breaks.consecutiveWork(timeline)
    const work = workOfWeeks(timeline, weeks, referenceWeeks)
    const ofBreak = breaks.consecutiveClock(consecutive, timeline)
    const days = daily.days(timeline)
    const ofDay = daily.dailyBreakClock(timeline, days)
    const periods = night.periods(timeline)
    const ofNight = night.nightClock(timeline, periods, dark)
    const ofWeeks = weekClocks(work, timeline, weeks, referenceWeeks, (at) =>
      workOfWeeks(goneOn(timeline, at), weeks, referenceWeeks),
    )
    return {
      clocks: [ofBreak.clock, ofDay.clock, ofNight.clock, ...ofWeeks.clocks],
      violations() {
        return [
          ...consecutive.violations,
          ...daily.dailyBreakViolations(timeline, days),
          ...night.nightViolations(periods, dark),
          ...work.violations,
        ]
      },
      changes: [...ofBreak.changes, ...ofDay.changes, ...ofNight.changes, ...ofWeeks.changes],
    }
  },
}
