import type { Instant } from '../../time/instant.ts'
import { DAY } from '../../time/instant.ts'
import { timelineOf } from '../eu/timeline.ts'
import { weeksIn } from '../eu/weeks.ts'
import type { DutyEvent, HosOptions, SettledPart } from '../types.ts'
import { MS } from './limits.ts'

/**
 * What of a log can still matter to the domestic rules. After a rest of 24 h a new day begins, and the fortnight has had its rest;
 * what is counted by weeks (a light week, reduced rests) begins anew with the next one. From then on such a rest and what
 * came after it say the same as the whole log. null if nothing can be left out.
 */
export function settledPart(
  log: readonly DutyEvent[],
  { timeZone }: HosOptions,
  asOf: Instant,
): SettledPart | null {
  const weeks = weeksIn(timeZone)
  const { rests } = timelineOf(log, asOf)
  // The days that began in the week are over, and none of their breaks goes on.
  const overAt = (at: Instant): Instant | undefined => {
    const next = weeks.startOf(weeks.of(at) + 1) + DAY
    return rests.find(({ from, until, open }) => !open && from >= next && until - from >= MS.dailyRest)?.until
  }
  for (let i = rests.length - 1; i > 0; i--) {
    const rest = rests[i]!
    if (rest.open || rest.restMs < MS.fortnightlyRest) continue
    const until = overAt(rest.until)
    if (until === undefined) continue
    return {
      log: [{ at: rest.from, status: 'REST' }, ...log.filter(({ at }) => at >= rest.until)],
      until,
      weeksUntil: until,
    }
  }
  return null
}
