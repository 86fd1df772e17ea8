import { DAY, type Instant } from '../../time/instant.ts'
import type { Clock, DutyEvent, Evaluation, Explanation, HosOptions, RulesetId, Violation } from '../types.ts'
import { CalculationPoints } from './calculation-point.ts'
import type { Extension, Gauge } from './gauge.ts'
import { type UnitedStatesLaw, unitedStatesLaw } from './limits.ts'
import { breakDoneAt, breakGauge } from './rules/break.ts'
import { cycleGauge } from './rules/cycle.ts'
import { driveGauge } from './rules/drive.ts'
import { dutyGauge } from './rules/duty.ts'
import { windowGauge } from './rules/window.ts'
import { BERTH, DRIVING, ON_DUTY, type Rest, type Timeline, timelineOf } from './timeline.ts'

/**
 * Judges a log as it is known at `asOf`: every violation, every clock, and when an answer changes next with no new event.
 * @param log events in order of time; each holds until the next, the last until `asOf`; later ones are left out
 * @throws HosRefusal for a log, zone or ruleset that can't be judged
 */
export function evaluateUnitedStates(
  log: readonly DutyEvent[],
  ruleset: RulesetId,
  options: HosOptions,
  asOf: Instant,
): Evaluation {
  const law = unitedStatesLaw(ruleset)
  const adverse = options.adverseConditions ?? []
  const line = timelineOf(log, options, asOf, adverse)
  const points = new CalculationPoints(line, law.reset.ms, law.pair)
  const resting = line.present < ON_DUTY ? presentRest(line) : null
  const restedAt = () =>
    resting ? earliest(resting.from + law.reset.ms, pairDoneAt(line, law, points, resting)) : null
  const gauges = gaugesOf(line, law, options, points.resets, resting, restedAt)

  const audit = gauges.map(() => ({ above: true, open: null as Mutable<Violation> | null }))
  const violations: Violation[] = []
  for (let i = 0; i < line.count; i++) {
    const from = line.at[i]!
    const until = line.at[i + 1]!
    const here = points.at(i)
    for (let g = 0; g < gauges.length; g++) {
      const gauge = gauges[g]!
      const state = audit[g]!
      const level = gauge.levelAt(i, here)
      if (level > 0) state.above = true
      if (line.kind[i] !== DRIVING || level >= until - from) continue
      if (state.above) {
        state.above = false
        state.open = violationOf(gauge, level > 0 ? from + level : from)
        violations.push(state.open)
      }
      state.open!.until = until
      state.open!.explanation.reachedMs = state.open!.explanation.limitMs - (level - (until - from))
    }
  }
  violations.sort((a, b) => a.from - b.from || (a.rule < b.rule ? -1 : 1))

  const here = points.at(line.count)
  const driving = line.present === DRIVING
  let atLimit = false
  const settles: Instant[] = []
  const clocks = gauges.map((gauge, g): Clock => {
    const level = gauge.levelAt(line.count, here)
    if (driving && level === 0 && audit[g]!.above) atLimit = true
    const remainingMs = Math.max(0, level)
    const { limitMs, since } = gauge.basis()
    const { running, runsOutAt, settlesAt } = gauge.ahead(level)
    if (settlesAt !== undefined) settles.push(settlesAt)
    return { name: gauge.name, rule: gauge.rule, limitMs, remainingMs, running, runsOutAt, since }
  })
  return {
    asOf,
    status: line.status,
    statusSince: line.statusSince,
    clocks,
    violations,
    // At a limit to the instant: driving on is past it.
    nextChangeAt: atLimit
      ? asOf + 1
      : nextChange(line, law, [...clocks.map((clock) => clock.runsOutAt), ...settles], points, resting),
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends Explanation ? Mutable<Explanation> : T[K] }

function violationOf(gauge: Gauge, from: Instant): Mutable<Violation> {
  const { limitMs, since, rests } = gauge.basis()
  return {
    rule: gauge.rule,
    from,
    until: from,
    explanation: {
      citation: gauge.citation,
      limitMs,
      reachedMs: limitMs,
      since,
      rests: rests.map((rest) => ({ from: rest.from, until: rest.until })),
    },
  }
}

function gaugesOf(
  line: Timeline,
  law: UnitedStatesLaw,
  options: HosOptions,
  resets: readonly Rest[],
  resting: Rest | null,
  restedAt: () => Instant | null,
): Gauge[] {
  const adverse = (ms: number) => adverseExtensions(options.adverseConditions ?? [], resets, resting, ms)
  const gauges = [driveGauge(line, law.drive, adverse(law.adverse.driveMs))]
  if (law.window) {
    const longer = [...adverse(law.adverse.windowMs), ...longTours(line, law, options, resets)]
    gauges.push(windowGauge(line, law.window, longer, restedAt))
  }
  if (law.duty) gauges.push(dutyGauge(line, law.duty, adverse(law.adverse.windowMs)))
  if (law.break && !options.shortHaul)
    gauges.push(breakGauge(line, law.break.limit, law.break.interruptionMs))
  const { limit, days, restartMs } = law.cycle
  gauges.push(cycleGauge(line, limit, days, restartMs, options))
  return gauges
}

/** The rest that goes on; one that begins at the instant asked about has no length yet. */
function presentRest(line: Timeline): Rest {
  const { count } = line
  const last = line.rests.at(-1)
  if (last?.end === count) return last
  const begun = { from: line.at[count]!, until: line.at[count]!, first: count, end: count }
  return { ...begun, opening: count === 0, berth: begun }
}

/** From when the conditions were met until the end of the next full rest; met in such a rest they count for nothing: 395.1(b)(1). */
function adverseExtensions(
  met: readonly Instant[],
  resets: readonly Rest[],
  present: Rest | null,
  ms: number,
): Extension[] {
  return met.map((from) => {
    const next = resets.find((rest) => rest.until > from || rest === present)
    return { from, until: next?.until ?? Number.POSITIVE_INFINITY, ms }
  })
}

/** The duty tours for which 395.1(o) is claimed and the claim is good. */
function longTours(
  line: Timeline,
  law: UnitedStatesLaw,
  options: HosOptions,
  resets: readonly Rest[],
): Extension[] {
  const { longTour, window, cycle } = law
  if (!longTour || !window || !options.shortHaul16?.length) return []
  const dayOf = (at: Instant) => Date.parse(line.clock.dateOf(at, options.dayStartMinutes)) / DAY
  const good: Instant[] = []
  for (const claim of [...options.shortHaul16].sort((a, b) => a - b)) {
    const last = good.at(-1)
    const apart = last === undefined ? Number.POSITIVE_INFINITY : dayOf(claim) - dayOf(last)
    const restarted = line.rests.some(
      (rest) =>
        rest.from >= last! &&
        rest.until <= claim &&
        rest.until - rest.from >= (cycle.restartMs ?? Number.POSITIVE_INFINITY),
    )
    if (apart === 0 || apart > longTour.apartDays || restarted) good.push(claim)
  }
  return good.map((claim) => ({
    from: resets.findLast((rest) => rest.until <= claim)?.until ?? Number.NEGATIVE_INFINITY,
    until: resets.find((rest) => rest.until > claim)?.until ?? Number.POSITIVE_INFINITY,
    ms: longTour.windowMs - window.ms,
  }))
}

/** The next instant at which any answer is another though nothing happens. */
function nextChange(
  line: Timeline,
  law: UnitedStatesLaw,
  known: readonly (Instant | null)[],
  points: CalculationPoints,
  resting: Rest | null,
): Instant | null {
  const asOf = line.at[line.count]!
  if (line.count === 0 && line.present < ON_DUTY) return null
  const instants = [...known, line.nextDayAt]
  if (law.break) instants.push(breakDoneAt(line, law.break.interruptionMs))
  if (resting) {
    instants.push(resting.from + law.reset.ms, pairDoneAt(line, law, points, resting))
    if (law.cycle.restartMs !== null) instants.push(resting.from + law.cycle.restartMs)
  }
  let next: Instant | null = null
  for (const at of instants) if (at !== null && at > asOf) next = earliest(next, at)
  return next
}

function earliest(a: Instant | null, b: Instant | null): Instant | null {
  if (a === null || b === null) return a ?? b
  return Math.min(a, b)
}

/** When the present rest, going on as it is, first makes a pair that it does not make yet. */
function pairDoneAt(
  line: Timeline,
  { pair }: UnitedStatesLaw,
  points: CalculationPoints,
  resting: Rest,
): Instant | null {
  const asOf = line.at[line.count]!
  const inBerth = line.present === BERTH
  if (pair.of === 'berth' && !inBerth) return null
  let runFrom = asOf
  if (inBerth) {
    let first = line.count
    while (first > resting.first && line.kind[first - 1] === BERTH) first--
    runFrom = line.at[first]!
  }
  const from = pair.of === 'berth' ? runFrom : resting.from
  const berthMs = resting.berth.until - resting.berth.from
  let next: Instant | null = null
  for (const first of points.firsts) {
    if (first.until > from) continue
    let doneAt = Math.max(from + pair.leastMs, from + pair.togetherMs - (first.until - first.from))
    if (first.berthMs < pair.berthMs && berthMs < pair.berthMs) {
      if (!inBerth) continue
      doneAt = Math.max(doneAt, runFrom + pair.berthMs)
    }
    if (doneAt > asOf && (next === null || doneAt < next)) next = doneAt
  }
  return next
}
