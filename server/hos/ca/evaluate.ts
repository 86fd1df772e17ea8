import type { Instant } from '../../time/instant.ts'
import { addDays } from '../../time/zone.ts'
import {
  auditOf,
  byTimeAndRule,
  earliest,
  type Kept,
  pairsDoneAt,
  presentRest,
} from '../north-america/audit.ts'
import { CalculationPoints } from '../north-america/calculation-point.ts'
import { type Counted, countedGauge } from '../north-america/counted.ts'
import { type Doubt, extensionsInDoubt, sureOf } from '../north-america/doubt.ts'
import type { Gauge } from '../north-america/gauge.ts'
import type { Limit } from '../north-america/limits.ts'
import { type Answers, nextChange } from '../north-america/next-change.ts'
import { comingDays, goOn, type Rest, type Timeline, timelineOf } from '../north-america/timeline.ts'
import type { ClockName, DutyEvent, Evaluation, HosOptions, RulesetId, Violation } from '../types.ts'
import { cycleGauge } from './cycle.ts'
import { dayGauge } from './day.ts'
import { deferralsOf, notingSplits } from './deferral.ts'
import { type CanadianLaw, canadianLaw } from './limits.ts'
import { dailyRests } from './off-10-day.ts'
import { longRestGauge } from './off-24-in-14.ts'
import { smallestOf } from './smallest.ts'
import { windowGauge } from './window.ts'

/**
 * Judges a log as it is known at `asOf` by SOR/2005-313: every violation, every clock, and
 * when an answer changes next with no new event.
 * @param log events in order of time; each holds until the next, the last until `asOf`; later ones are left out
 * @param doubt for a log whose gaps have been filled: how to read what hangs on them; the day's rest is then left to `off-10-day-in-doubt.ts`
 * @throws HosRefusal for a log, zone, ruleset or option that can't be judged
 */
export function evaluateCanada(
  log: readonly DutyEvent[],
  ruleset: RulesetId,
  options: HosOptions,
  asOf: Instant,
  doubt?: Doubt,
): Evaluation {
  const law = canadianLaw(ruleset)
  const now = judge(timelineOf(log, options, asOf, options.adverseConditions), law, options, null, doubt)
  const { line, clocks, violations } = now
  const runsOut = clocks.map(({ runsOutAt }) => runsOutAt)
  // A log that has not begun is of no day yet, and nothing of it changes.
  const begun = log[0] !== undefined && log[0].at <= asOf
  return {
    asOf,
    status: line.status,
    statusSince: line.statusSince,
    clocks,
    violations,
    nextChangeAt: now.atLimit
      ? asOf + 1
      : begun
        ? nextChange(now, runsOut, mayChangeAt(now, law, options), now.pairedAt, (at) =>
            judge(goOn(line, at), law, options, now.kept, doubt),
          )
        : null,
  }
}

/** What a log says at one instant, and the instants at which it may say something else. */
interface Judged extends Answers {
  violations: Violation[]
  kept: Kept
  line: Timeline
  pairedAt: readonly Instant[]
  resting: Rest | null
  dailyChangesAt: readonly Instant[]
  /** At or past a limit, and driving on breaks it. */
  atLimit: boolean
}

/** @param kept where an earlier audit of the same log had come */
function judge(
  line: Timeline,
  law: CanadianLaw,
  options: HosOptions,
  kept: Kept | null,
  doubt?: Doubt,
): Judged {
  const { drive, duty } = law
  const adverse = options.adverseConditions ?? []
  const asOf = line.at[line.count]!
  const allowed = options.team ? law.pair.team : law.pair.single
  const pair = doubt?.kind === 'harshest' && !doubt.pairs ? null : allowed
  const sure = doubt?.kind === 'kindest' ? sureOf(doubt.harshest, law.reset.ms, options, asOf) : null
  const points = new CalculationPoints(line, law.reset.ms, pair, sure?.resets)
  const resting = presentRest(line)
  const pairedAt = resting ? pairsDoneAt(line, pair, points, resting) : []
  const restedAt = () => (resting ? earliest(resting.from + law.reset.ms, pairedAt[0] ?? null) : null)
  const longer = extensionsInDoubt(adverse, { resets: points.resets, resting }, sure, doubt, law.adverse.ms)
  const deferrals = deferralsOf(line, options, law.deferral)
  const splitOn = new Set<number>()
  const shift = (gauge: Gauge) => (deferrals.firstDays.size > 0 ? notingSplits(gauge, line, splitOn) : gauge)

  const both = (name: ClockName, counted: Counted, limits: { shift: Limit; day: Limit | null }) => {
    const gauge = shift(countedGauge(line, name, counted, limits.shift, longer))
    if (!limits.day) return gauge
    return smallestOf(gauge, dayGauge(line, name, counted, limits.day, longer, deferrals))
  }

  const gauges = [
    both('drive', 'drivenMs', drive),
    both('duty', 'onDutyMs', duty),
    shift(windowGauge(line, law.window, longer, restedAt)),
    cycleGauge(line, law, options),
    longRestGauge(line, law),
  ]
  // Who splits on a day may not defer from it; and where a log has gaps, what is known later may reach back over rests that
  // seemed full.
  const looksBack = deferrals.firstDays.size > 0 || doubt !== undefined
  const keptAt = looksBack ? 0 : resting ? points.tourFrom : line.count
  const audit = auditOf(line, points, gauges, keptAt, looksBack ? null : kept)
  const daily =
    law.dailyRest && !doubt
      ? dailyRests(line, { ...law, dailyRest: law.dailyRest }, options, deferrals, resting, splitOn)
      : { violations: [], changesAt: [] }

  // Of the days that had ended, the rest that goes on is reckoned to those only that it began in.
  const settledUntil = resting ? resting.from : line.known.asOf
  const openDays = daily.violations.filter(({ from }) => from > settledUntil)
  return {
    asOf,
    status: line.status,
    line,
    open: [...audit.open, ...openDays].sort(byTimeAndRule),
    kept: audit.kept,
    pairedAt,
    changes: audit.changes,
    clocks: audit.clocks,
    violations: [...audit.violations, ...daily.violations].sort(byTimeAndRule),
    resting,
    dailyChangesAt: daily.changesAt,
    atLimit: audit.atLimit,
  }
}

/** The instants at which something may change, if nothing happens. */
function mayChangeAt(
  { line, resting, changes, dailyChangesAt }: Judged,
  law: CanadianLaw,
  options: HosOptions,
): Instant[] {
  // Past a limit that has no clock, driving on shows just after it.
  const after = changes.map((at) => at + 1)
  const maybe = [...changes, ...after, ...dailyChangesAt, ...(options.adverseConditions ?? [])]
  if (resting) {
    const { restartMs, withoutRest } = law.cycle
    maybe.push(resting.from + law.reset.ms, resting.from + restartMs)
    if (withoutRest) maybe.push(resting.from + withoutRest.restMs)
  }
  maybe.push(...comingDays(line, law.cycle.days + 1))
  // A deferral may be declared for later.
  const { clock, at, count } = line
  for (const day of deferralsOf(line, options, law.deferral).firstDays) {
    const date = addDays(clock.dateOf(at[0]!, options.dayStartMinutes), day)
    for (const turn of [0, 1, 2]) maybe.push(clock.startOf(addDays(date, turn), options.dayStartMinutes))
  }
  return maybe.filter((one) => one > at[count]!)
}
