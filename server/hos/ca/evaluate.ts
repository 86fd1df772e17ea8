import type { Instant } from '../../time/instant.ts'
import { addDays } from '../../time/zone.ts'
import {
  auditOf,
  byTimeAndRule,
  earliest,
  firstAfter,
  pairsDoneAt,
  presentRest,
} from '../north-america/audit.ts'
import { CalculationPoints } from '../north-america/calculation-point.ts'
import { type Counted, countedGauge } from '../north-america/counted.ts'
import { type Doubt, extensionsInDoubt, sureOf } from '../north-america/doubt.ts'
import type { Gauge } from '../north-america/gauge.ts'
import type { Limit } from '../north-america/limits.ts'
import { type Answers, knownOf, LONG_LOG, nextChange } from '../north-america/next-change.ts'
import { type Timeline, timelineOf } from '../north-america/timeline.ts'
import type { ClockName, DutyEvent, Evaluation, HosOptions, RulesetId } from '../types.ts'
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
  const now = judge(log, law, options, asOf, doubt)
  const { line, clocks, violations } = now
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
        ? log.length > LONG_LOG
          ? firstAfter(asOf, [...now.runsOut, ...now.maybe])
          : nextChange(now, now.runsOut, now.maybe, (at) =>
              judge(knownOf(log, asOf), law, options, at, doubt),
            )
        : null,
  }
}

/** What a log says at one instant, and the instants at which it may say something else. */
interface Judged extends Answers {
  line: Timeline
  runsOut: readonly (Instant | null)[]
  maybe: readonly (Instant | null)[]
  /** At or past a limit, and driving on breaks it. */
  atLimit: boolean
}

function judge(
  log: readonly DutyEvent[],
  law: CanadianLaw,
  options: HosOptions,
  asOf: Instant,
  doubt?: Doubt,
): Judged {
  const { drive, duty } = law
  const adverse = options.adverseConditions ?? []
  const line = timelineOf(log, options, asOf, adverse)
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

  const audit = auditOf(line, points, [
    both('drive', 'drivenMs', drive),
    both('duty', 'onDutyMs', duty),
    shift(windowGauge(line, law.window, longer, restedAt)),
    cycleGauge(line, law, options),
    longRestGauge(line, law),
  ])
  const daily =
    law.dailyRest && !doubt
      ? dailyRests(line, { ...law, dailyRest: law.dailyRest }, options, deferrals, resting, splitOn)
      : { violations: [], changesAt: [] }

  const days = daysAfter(line, options, law.cycle.days + 1, deferrals.firstDays)
  // Past a limit that has no clock, driving on shows just after it.
  const after = audit.changes.map((at) => at + 1)
  const maybe = [...audit.changes, ...after, ...daily.changesAt, ...adverse, ...days, ...pairedAt]
  if (resting) {
    const { restartMs, withoutRest } = law.cycle
    maybe.push(resting.from + law.reset.ms, resting.from + restartMs)
    if (withoutRest) maybe.push(resting.from + withoutRest.restMs)
  }
  return {
    asOf,
    status: line.status,
    line,
    changes: audit.changes,
    clocks: audit.clocks,
    violations: [...audit.violations, ...daily.violations].sort(byTimeAndRule),
    runsOut: audit.clocks.map(({ runsOutAt }) => runsOutAt),
    maybe,
    atLimit: audit.atLimit,
  }
}

/** When the next of the carrier's days begin, and those around deferrals that are declared for later. */
function daysAfter(
  line: Timeline,
  { dayStartMinutes }: HosOptions,
  days: number,
  deferred: ReadonlySet<number>,
): Instant[] {
  const { clock, at, count } = line
  const date = clock.dateOf(at[count]!, dayStartMinutes)
  const today = line.day[count]!
  const later = new Set(Array.from({ length: days }, (_, i) => i + 1))
  for (const day of deferred) for (const turn of [0, 1, 2]) later.add(day + turn - today)
  return [...later]
    .filter((after) => after > 0)
    .map((after) => clock.startOf(addDays(date, after), dayStartMinutes))
}
