import type { Instant } from '../../time/instant.ts'
import { timelineOf } from '../eu/timeline.ts'
import type { DutyEvent, HosOptions, SettledPart } from '../types.ts'
import { workingTimeRules } from './evaluate.ts'
import { MS } from './limits.ts'
import { workByWeek } from './weeks.ts'

/**
 * What of a log can still matter to working time. Before a rest of 24 h all periods and days are over; only how much was worked in
 * each week counts on, so each of these weeks is kept as one piece of work from its beginning. null if nothing can be left
 * out.
 */
export function settledPart(
  log: readonly DutyEvent[],
  options: HosOptions,
  asOf: Instant,
): SettledPart | null {
  const { weeks, referenceWeeks } = workingTimeRules.settingsOf(options)
  const timeline = timelineOf(log, asOf)
  const rest = timeline.rests.findLast(
    ({ open, beforeLog, restMs }) => !open && !beforeLog && restMs >= MS.periodWithNight,
  )
  if (!rest) return null
  const before = timelineOf(
    log.filter(({ at }) => at < rest.from),
    rest.from,
  )
  const kept: DutyEvent[] = []
  const oldest = weeks.of(rest.until) - referenceWeeks
  for (const [week, workedMs] of workByWeek(before, weeks)) {
    if (week < oldest || workedMs === 0) continue
    const from = weeks.startOf(week)
    kept.push({ at: from, status: 'WORK' }, { at: from + workedMs, status: 'REST' })
  }
  if (kept.length === 0) kept.push({ at: rest.from, status: 'REST' })
  const { until } = rest
  return { log: [...kept, ...log.filter(({ at }) => at >= until)], until, weeksUntil: until }
}
