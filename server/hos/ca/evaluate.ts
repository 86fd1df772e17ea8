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
import { type Counted, CountedGauge } from '../north-america/counted.ts'
import { type Doubt, extensionsInDoubt, sureOf } from '../north-america/doubt.ts'
import type { Extension, Gauge } from '../north-america/gauge.ts'
import type { Limit } from '../north-america/limits.ts'
import { type Answers, nextChange } from '../north-america/next-change.ts'
import { goOn, type Rest, release, type Timeline, timelineOf } from '../north-america/timeline.ts'
import type { Resting } from '../north-america/window.ts'
import type { ClockName, DutyEvent, Evaluation, HosOptions, RulesetId, Violation } from '../types.ts'
import { cycleGauge } from './cycle.ts'
import { DayGauge } from './day.ts'
import { type Deferrals, deferralsOf, SplitsNotedGauge } from './deferral.ts'
import { type CanadianLaw, canadianLaw } from './limits.ts'
import { DailyRests } from './off-10-day.ts'
import { LongRestGauge } from './off-24-in-14.ts'
import { SmallerGauge } from './smallest.ts'
import { ShiftWindowGauge } from './window.ts'

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
  const evaluation = {
    asOf,
    status: line.status,
    statusSince: line.statusSince,
    clocks,
    violations,
    // A log that has not begun is of no day yet, and nothing of it changes.
    nextChangeAt:
      log[0] !== undefined && log[0].at <= asOf ? nextChangeAfter(now, law, options, doubt) : null,
  }
  release(line)
  return evaluation
}

function nextChangeAfter(
  now: Judged,
  law: CanadianLaw,
  options: HosOptions,
  doubt: Doubt | undefined,
): Instant | null {
  const { asOf, atLimit, clocks, line, pairedAt } = now
  if (atLimit) return asOf + 1
  const runsOut = clocks.map(({ runsOutAt }) => runsOutAt)
  return nextChange(now, runsOut, mayChangeAt(now, law, options), pairedAt, (at) =>
    judge(goOn(line, at), law, options, now, doubt),
  )
}

/** What a log says at one instant, and the workings that tell when it will say something else. */
interface Judged extends Answers {
  violations: Violation[]
  kept: Kept
  line: Timeline
  points: CalculationPoints
  gauges: readonly Gauge[]
  daily: DailyRests | null
  pairedAt: readonly Instant[]
  resting: Rest | null
  /** What the window's gauge knows of the rest that goes on. */
  rested: Resting
  /** At or past a limit, and driving on breaks it. */
  atLimit: boolean
}

/** @param before an earlier judgement of the same log, which has gone on */
function judge(
  line: Timeline,
  law: CanadianLaw,
  options: HosOptions,
  before: Judged | null,
  doubt?: Doubt,
): Judged {
  const adverse = options.adverseConditions ?? NONE
  const asOf = line.at[line.count]!
  const allowed = options.team ? law.pair.team : law.pair.single
  const pair = doubt?.kind === 'harshest' && !doubt.pairs ? null : allowed
  const sure = doubt?.kind === 'kindest' ? sureOf(doubt.harshest, law.reset.ms, options, asOf) : null
  const deferrals = deferralsOf(line, options, law.deferral)
  // Who splits on a day may not defer from it; and where a log has gaps, what is known later may reach back over rests that
  // seemed full.
  const looksBack = deferrals.firstDays.size > 0 || doubt !== undefined
  // A rest that goes on may change how long a limit is larger.
  const again = before !== null && !looksBack && adverse.length === 0 ? before : null
  if (again) again.points.goOn(again.kept.boundary)
  const points = again?.points ?? new CalculationPoints(line, law.reset.ms, pair, sure?.resets)
  const resting = presentRest(line)
  const pairedAt = resting ? pairsDoneAt(line, pair, points, resting) : NONE
  const rested = again?.rested ?? { restedAt: null }
  rested.restedAt = resting ? earliest(resting.from + law.reset.ms, pairedAt[0] ?? null) : null
  const splitOn = again ? NO_DAYS : new Set<number>()
  let { gauges } = again ?? { gauges: null }
  if (gauges) for (const gauge of gauges) gauge.rewind()
  else {
    const own = { resets: points.resets, resting }
    const longer = extensionsInDoubt(adverse, own, sure, doubt, law.adverse.ms)
    gauges = gaugesOf(line, law, options, longer, deferrals, rested, splitOn)
  }
  const keptAt = looksBack ? 0 : resting ? points.tourFrom : line.count
  const kept = looksBack || before === null ? null : before.kept
  const audit = auditOf(line, points, gauges, keptAt, kept)

  // Of the days that had ended, the rest that goes on is reckoned to those only that it began in.
  const settledUntil = resting ? resting.from : line.known.asOf
  const { dailyRest } = law
  let { daily } = again ?? { daily: null }
  if (dailyRest && !doubt) {
    daily ??= new DailyRests(line, { ...law, dailyRest }, options, deferrals)
    daily.judge(splitOn, again ? settledUntil : Number.NEGATIVE_INFINITY)
  }
  const broken = daily?.violations ?? NO_VIOLATIONS
  const openDays = again ? broken : broken.filter(({ from }) => from > settledUntil)
  return {
    asOf,
    status: line.status,
    line,
    points,
    gauges,
    daily,
    open: together(audit.open, openDays),
    kept: audit.kept,
    pairedAt,
    changes: audit.changes,
    clocks: audit.clocks,
    violations: together(audit.violations, broken),
    resting,
    rested,
    atLimit: audit.atLimit,
  }
}

const NONE: readonly Instant[] = []
/** Where nobody defers, nobody asks. */
const NO_DAYS = new Set<number>()
const NO_VIOLATIONS: readonly Violation[] = []

const together = (some: readonly Violation[], others: readonly Violation[]): Violation[] =>
  others.length === 0 ? [...some] : [...some, ...others].sort(byTimeAndRule)

function gaugesOf(
  line: Timeline,
  law: CanadianLaw,
  options: HosOptions,
  longer: readonly Extension[],
  deferrals: Deferrals,
  rested: Resting,
  splitOn: Set<number>,
): Gauge[] {
  const noted = (gauge: Gauge) =>
    deferrals.firstDays.size > 0 ? new SplitsNotedGauge(gauge, line, splitOn) : gauge
  const both = (name: ClockName, counted: Counted, limits: { shift: Limit; day: Limit | null }): Gauge => {
    const gauge = noted(new CountedGauge(line, name, counted, limits.shift, longer))
    if (!limits.day) return gauge
    return new SmallerGauge(gauge, new DayGauge(line, name, counted, limits.day, longer, deferrals))
  }
  return [
    both('drive', 'drivenMs', law.drive),
    both('duty', 'onDutyMs', law.duty),
    noted(new ShiftWindowGauge(line, law.window, longer, rested)),
    cycleGauge(line, law, options),
    new LongRestGauge(line, law.longRest),
  ]
}

/** The instants at which something may change, if nothing happens. */
function mayChangeAt(
  { line, resting, changes, daily }: Judged,
  law: CanadianLaw,
  options: HosOptions,
): Instant[] {
  const maybe: Instant[] = [...(options.adverseConditions ?? NONE)]
  // Past a limit that has no clock, driving on shows just after it.
  for (const at of changes) maybe.push(at, at + 1)
  if (resting) {
    const { restartMs, withoutRest } = law.cycle
    if (daily) daily.changes(resting, maybe)
    maybe.push(resting.from + law.reset.ms, resting.from + restartMs)
    if (withoutRest) maybe.push(resting.from + withoutRest.restMs)
  }
  for (let ahead = 0; ahead <= law.cycle.days; ahead++) maybe.push(line.comingDay(ahead))
  // A deferral may be declared for later.
  const { clock, at } = line
  for (const day of deferralsOf(line, options, law.deferral).firstDays) {
    const date = addDays(clock.dateOf(at[0]!, options.dayStartMinutes), day)
    for (const turn of [0, 1, 2]) maybe.push(clock.startOf(addDays(date, turn), options.dayStartMinutes))
  }
  return maybe
}
