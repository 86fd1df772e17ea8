import type { Instant } from '../../time/instant.ts'
import { type Bound, filled, type GapEvent, type Readings, segmentsOf } from '../gapped.ts'
import type { HosOptions, RulesetId } from '../types.ts'
import { settingsOf } from './answers.ts'
import { RULE as BREAK } from './break.ts'
import { debtsOf } from './compensation.ts'
import { RULE as DAILY } from './dailyDriving.ts'
import { RULE as REST } from './dailyRest.ts'
import { evaluateEu } from './evaluate.ts'
import { type Bounds, goneOn, isRest, restSegments } from './in-doubt/blocks.ts'
import { breakInDoubt } from './in-doubt/break.ts'
import { dailyDrivingInDoubt } from './in-doubt/daily-driving.ts'
import { dailyRestInDoubt, dutyDailyInDoubt, windowOf } from './in-doubt/daily-rest.ts'
import { weeklyRestInDoubt, weeksInDoubt } from './in-doubt/weekly-rest.ts'
import { MS } from './limits.ts'
import { timelineOf } from './timeline.ts'
import { FORTNIGHT_RULE, WEEK_RULE } from './weeklyDriving.ts'
import { readWeeklyRests } from './weeklyReading.ts'
import { weeklyRestsOf } from './weeklyRest.ts'

const SUMS: ReadonlySet<string> = new Set([WEEK_RULE, FORTNIGHT_RULE])
/** Beyond any rest that could still cure anything. */
const LONG_REST = MS.betweenWeeklyRests * MS.reducedDailyRests

/**
 * The bounds of a log with gaps under (EC) 561/2006. Driving by weeks only adds up: it is most with every gap driven and least with
 * every gap at rest. The other rules hang on rests in ways that turn round, so each has its bounds in `in-doubt/`, with the argument
 * why no filling lies beyond them.
 */
export function readEuropeanUnion(
  log: readonly GapEvent[],
  _ruleset: RulesetId,
  options: HosOptions,
  asOf: Instant,
): Readings {
  const settings = settingsOf(options)
  const { weeks } = settings
  const driven = filled(log, 'DRIVE')
  const harshest = evaluateEu(driven, options, asOf)
  const kindest = evaluateEu(filled(log, 'REST'), options, asOf)
  const segments = segmentsOf(log, asOf)
  const now = restSegments(segments)
  const last = log.at(-1)
  // What begins at the instant asked about ends the rest before it.
  const ended = last?.at === asOf && last.status !== 'UNKNOWN' && !isRest(last.status)
  const lasting = restSegments(ended ? segments : goneOn(segments))

  const timeline = timelineOf(driven, asOf, asOf + LONG_REST)
  const reading = readWeeklyRests(timeline, weeklyRestsOf(timeline), weeks, settings.twoReducedAbroad)
  const breaks = breakInDoubt(segments, settings.multiManning)
  const daily = dailyDrivingInDoubt(lasting, weeks, windowOf(settings), asOf)
  const parts = [
    breaks,
    daily,
    dailyRestInDoubt(lasting, settings, asOf),
    weeklyRestInDoubt(lasting, asOf),
    weeksInDoubt(lasting, {
      harshest: harshest.violations,
      kindest: kindest.violations,
      debts: debtsOf(reading, weeks),
      weeks,
      twoReducedAbroad: settings.twoReducedAbroad,
      asOf,
    }),
  ]
  const sums = (of: typeof harshest) => of.violations.filter(({ rule }) => SUMS.has(rule))

  const left = (limitMs: number, driven: Bounds) => ({
    least: Math.max(0, limitMs - driven.most),
    most: Math.max(0, limitMs - driven.least),
  })
  const ofDay = dailyDrivingInDoubt(now, weeks, windowOf(settings), asOf)
  const duty = dutyDailyInDoubt(now, settings, asOf)
  const bounded: [Bound['name'], string, number, Bounds][] = [
    ['break', BREAK, MS.drivingPeriod, left(MS.drivingPeriod, breaks.drivenMs)],
    ['driveDaily', DAILY, ofDay.limitMs, ofDay.remainingMs],
    ['dutyDaily', REST, duty.limitMs, duty.remainingMs],
  ]
  const ofSums = (of: typeof harshest) => of.clocks.filter(({ rule }) => SUMS.has(rule))
  const clocks = (which: keyof Bounds): Bound[] =>
    bounded.map(([name, rule, limitMs, bounds]) => ({ name, rule, limitMs, remainingMs: bounds[which] }))
  return {
    proven: [...sums(kindest), ...parts.flatMap(({ proven }) => proven)],
    possible: [...sums(harshest), ...parts.flatMap(({ possible }) => possible)],
    least: [[...clocks('least'), ...ofSums(harshest)]],
    most: [...clocks('most'), ...ofSums(kindest)],
    changes: [harshest.nextChangeAt, kindest.nextChangeAt],
  }
}
