import type { Instant } from '../../time/instant.ts'
import type { Judged, Rules } from '../eu/activities.ts'
import { type Day, daysOf, goneOn, sumOf } from '../eu/days.ts'
import type { Timeline } from '../eu/timeline.ts'
import { type Weeks, weeksIn } from '../eu/weeks.ts'
import type { Clock } from '../types.ts'
import * as driving from './drivingDay.ts'
import * as duty from './duty.ts'
import { MS } from './limits.ts'

/** The 24 h from the start of duty, one after the other. */
const dutyDays = (timeline: Timeline): Day[] => daysOf(timeline, MS.day, duty.isDuty)

/** The one that runs at an instant; none while resting after its end. */
const dayAt = (days: readonly Day[], at: Instant): Day | undefined =>
  days.at(-1) && days.at(-1)!.until > at ? days.at(-1) : undefined

const DAYS_AHEAD = [0, 1, 2, 3, 4, 5, 6, 7]

interface Left {
  drivingMs: number
  duty: duty.Duty
  day: Day | undefined
}

function leftAt(timeline: Timeline, days: readonly Day[], weeks: Weeks): Left {
  const day = dayAt(days, timeline.asOf)
  return {
    drivingMs: Math.max(0, MS.drivingDay - (day ? sumOf(day, driving.isDriving) : 0)),
    duty: duty.dutyAt(days, day, timeline.asOf, weeks),
    day,
  }
}

/** When what is left by a reckoning is used up if the present activity goes on: today, or in the day that then begins. */
function usedUpAt(
  timeline: Timeline,
  weeks: Weeks,
  now: Left,
  leftMs: (left: Left) => number | null,
): Instant | null {
  const left = leftMs(now)
  if (left === null) return null
  const end = now.day?.until
  if (end === undefined || timeline.asOf + left < end) return timeline.asOf + left
  const next = goneOn(timeline, end)
  const then = leftMs(leftAt(next, dutyDays(next), weeks))
  return then === null ? null : end + then
}

/** The rules for goods vehicles in Great Britain. */
export const goodsRules: Rules<Weeks> = {
  settingsOf: ({ timeZone }) => weeksIn(timeZone),

  judge(timeline, weeks): Judged {
    const { asOf } = timeline
    const days = dutyDays(timeline)
    const now = leftAt(timeline, days, weeks)
    const status = timeline.stretches.at(-1)?.status
    const drives = status === 'DRIVE' && now.drivingMs > 0
    const runs = duty.runsDown(now.duty, status)
    const clocks: Clock[] = [
      {
        name: 'driveDaily',
        rule: driving.RULE,
        limitMs: MS.drivingDay,
        remainingMs: now.drivingMs,
        running: drives,
        runsOutAt: drives ? usedUpAt(timeline, weeks, now, ({ drivingMs }) => drivingMs) : null,
      },
      duty.dutyClock(
        now.duty,
        runs,
        runs
          ? usedUpAt(timeline, weeks, now, (left) =>
              // Work alone never ends the exception of a light week.
              status === 'DRIVE' || left.duty.exceptedMs === 0 ? left.duty.remainingMs : null,
            )
          : null,
      ),
    ]
    const changes = [
      weeks.startOf(weeks.of(asOf) + 1),
      asOf + now.drivingMs,
      asOf + now.duty.dutyMs,
      asOf + now.duty.exceptedMs,
      asOf + now.duty.dutyMs - now.duty.exceptedMs,
      // Duty that goes on begins a day each 24 h, and one of the next week may be the first to say something else.
      ...DAYS_AHEAD.map((ahead) => (now.day?.until ?? asOf) + ahead * MS.day),
    ]
    return {
      clocks,
      violations() {
        return [...driving.drivingViolations(days, timeline), ...duty.dutyViolations(days, weeks)]
      },
      changes,
    }
  },
}
