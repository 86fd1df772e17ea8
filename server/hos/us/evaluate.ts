import { DAY, type Instant } from '../../time/instant.ts'
import {
  type Audit,
  auditOf,
  earliest,
  firstAfter,
  type Kept,
  pairsDoneAt,
  presentRest,
} from '../north-america/audit.ts'
import { CalculationPoints } from '../north-america/calculation-point.ts'
import { countedGauge } from '../north-america/counted.ts'
import { type CycleGauge, cycleGauge } from '../north-america/cycle.ts'
import { type Doubt, extensionsInDoubt, type Sure, sureOf } from '../north-america/doubt.ts'
import type { Extension, Gauge } from '../north-america/gauge.ts'
import { nextChange } from '../north-america/next-change.ts'
import {
  comingDays,
  DRIVING,
  goOn,
  ON_DUTY,
  type Rest,
  type Timeline,
  timelineOf,
} from '../north-america/timeline.ts'
import { windowGauge } from '../north-america/window.ts'
import type { Clock, DutyEvent, DutyStatus, Evaluation, HosOptions, RulesetId } from '../types.ts'
import { breakDoneAt, breakGauge } from './break.ts'
import { type UnitedStatesLaw, unitedStatesLaw } from './limits.ts'
import { salespersonGauge } from './salesperson.ts'

/**
 * Judges a log as it is known at `asOf`: every violation, every clock, and when an answer changes next with no new event.
 * @param log events in order of time; each holds until the next, the last until `asOf`; later ones are left out
 * @param doubt for a log whose gaps have been filled: how to read what hangs on them
 * @throws HosRefusal for a log, zone or ruleset that can't be judged
 */
export function evaluateUnitedStates(
  log: readonly DutyEvent[],
  ruleset: RulesetId,
  options: HosOptions,
  asOf: Instant,
  doubt?: Doubt,
): Evaluation {
  const law = unitedStatesLaw(ruleset)
  const now = judge(timelineOf(log, options, asOf, options.adverseConditions), law, options, null, doubt)
  const { line, violations, clocks, atLimit } = now
  return {
    asOf,
    status: line.status,
    statusSince: line.statusSince,
    clocks,
    violations,
    nextChangeAt: atLimit
      ? asOf + 1
      : nextChangeAfter(now, law, options, (at) => judge(goOn(line, at), law, options, now.kept, doubt)),
  }
}

/** What a log says at one instant, and the workings that tell when it will say something else. */
interface Judged extends Audit {
  asOf: Instant
  status: DutyStatus
  line: Timeline
  resting: Rest | null
  pairedAt: readonly Instant[]
  gauges: readonly Gauge[]
}

/** @param kept where an earlier audit of the same log had come */
function judge(
  line: Timeline,
  law: UnitedStatesLaw,
  options: HosOptions,
  kept: Kept | null,
  doubt?: Doubt,
): Judged {
  const asOf = line.at[line.count]!
  const sure = doubt?.kind === 'kindest' ? sureOf(doubt.harshest, law.reset.ms, options, asOf) : null
  const pair = doubt?.kind === 'harshest' && !doubt.pairs ? null : law.pair
  const points = new CalculationPoints(line, law.reset.ms, pair, sure?.resets)
  const resting = presentRest(line)
  const pairedAt = resting ? pairsDoneAt(line, pair, points, resting) : []
  const own = { resets: points.resets, resting }
  const gauges = gaugesOf(
    line,
    law,
    options,
    (ms) => extensionsInDoubt(options.adverseConditions ?? NONE, own, sure, doubt, ms),
    () => longTours(line, law, options, own.resets, resting, doubt, sure),
    () => (resting ? earliest(resting.from + law.reset.ms, pairedAt[0] ?? null) : null),
  )
  // Where a log has gaps, what is known later may reach back over rests that seemed full.
  const keptAt = doubt ? 0 : resting ? points.tourFrom : line.count
  const audit = auditOf(line, points, gauges, keptAt, doubt ? null : kept)
  return {
    violations: audit.violations,
    open: audit.open,
    clocks: audit.clocks,
    changes: options.driverSalesperson ? audit.changes.flatMap((at) => [at, at + 1]) : audit.changes,
    atLimit: audit.atLimit,
    kept: audit.kept,
    asOf,
    status: line.status,
    line,
    resting,
    pairedAt,
    gauges,
  }
}

const NONE: readonly Instant[] = []

function gaugesOf(
  line: Timeline,
  law: UnitedStatesLaw,
  options: HosOptions,
  adverse: (ms: number) => Extension[],
  tours: () => Extension[],
  restedAt: () => Instant | null,
): Gauge[] {
  const gauges = [countedGauge(line, 'drive', 'drivenMs', law.drive, adverse(law.adverse.driveMs))]
  if (law.window) {
    const longer = [...adverse(law.adverse.windowMs), ...tours()]
    gauges.push(windowGauge(line, law.window, longer, restedAt))
  }
  if (law.duty) gauges.push(countedGauge(line, 'duty', 'onDutyMs', law.duty, adverse(law.adverse.windowMs)))
  if (law.break && !options.shortHaul)
    gauges.push(breakGauge(line, law.break.limit, law.break.interruptionMs))
  const { limit, days, restartMs } = law.cycle
  const cycle = cycleGauge(line, limit, days, restartMs, options)
  const sells = options.driverSalesperson ? law.salesperson : null
  gauges.push(sells ? salespersonGauge(line, cycle, sells, options) : cycle)
  return gauges
}

/** The duty tours that may be longer. */
function longTours(
  line: Timeline,
  law: UnitedStatesLaw,
  options: HosOptions,
  resets: readonly Rest[],
  resting: Rest | null,
  doubt: Doubt | undefined,
  sure: Sure | null,
): Extension[] {
  const { longTour, window } = law
  if (!longTour || !window || doubt?.kind === 'harshest') return []
  const ms = longTour.windowMs - window.ms
  const { allowed } = longTour
  if (sure) {
    // A restart in a gap may have made any claim good, and nobody knows which days were long.
    const claims = allowed.by === 'claim' ? (options.shortHaul16 ?? []) : null
    return claims?.map((claim) => widestTour(claim, resets, sure, ms)) ?? [{ ...ALWAYS, ms }]
  }
  return allowed.by === 'claim'
    ? claimedTours(line, law, options, resets, resting, allowed.apartDays, ms)
    : countedTours(line, window.ms, options, resets, allowed, ms)
}

/** 395.1(o): tours for which it is claimed, and the claim is good. */
function claimedTours(
  line: Timeline,
  { cycle }: UnitedStatesLaw,
  options: HosOptions,
  resets: readonly Rest[],
  resting: Rest | null,
  apartDays: number,
  ms: number,
): Extension[] {
  if (!options.shortHaul16?.length) return []
  const dayOf = (at: Instant) => Date.parse(line.clock.dateOf(at, options.dayStartMinutes)) / DAY
  const opening = resets.find((rest) => rest.opening) ?? resting
  /** The rest that the log opens with ends no duty tour: there is none to claim for. */
  const inOpening = (claim: Instant) =>
    opening?.opening &&
    claim >= opening.from &&
    (claim < opening.until || (claim === opening.until && opening.end === line.count && resting))
  const good: Instant[] = []
  for (const claim of [...options.shortHaul16].sort((a, b) => a - b)) {
    if (inOpening(claim)) continue
    const last = good.at(-1)
    const apart = last === undefined ? Number.POSITIVE_INFINITY : dayOf(claim) - dayOf(last)
    // A claim made in a rest is for the tour that the rest ends, so that this rest itself lies between the two.
    const restarted = line.rests.some(
      (rest) =>
        rest.until > last! &&
        rest.until <= claim &&
        rest.until - rest.from >= (cycle.restartMs ?? Number.POSITIVE_INFINITY),
    )
    if (apart === 0 || apart > apartDays || restarted) good.push(claim)
  }
  return good.map((claim) => tourOf(claim, resets, ms))
}

const ALWAYS = { from: Number.NEGATIVE_INFINITY, until: Number.POSITIVE_INFINITY }

/** From the full rest before a claim to the one after it. */
const tourOf = (claim: Instant, resets: readonly Rest[], ms: number): Extension => ({
  from: resets.findLast((rest) => rest.until <= claim)?.until ?? ALWAYS.from,
  until: resets.find((rest) => rest.until > claim)?.until ?? ALWAYS.until,
  ms,
})

/** A rest that goes on into a gap, and past the claim, leaves the claim to the tour before it. */
const widestTour = (claim: Instant, resets: readonly Rest[], sure: Sure, ms: number): Extension => {
  const before = resets.filter(({ until }) => until <= claim)
  const over = (one: Rest) => before.some((rest) => rest.from <= one.from && one.until <= rest.until)
  return {
    from: sure.resets.findLast(over)?.until ?? ALWAYS.from,
    until: sure.resets.find((rest) => rest.until > claim)?.until ?? ALWAYS.until,
    ms,
  }
}

/** 395.1(e)(2): every tour, until the days of the week that may be long have been used by driving past the window. */
function countedTours(
  line: Timeline,
  windowMs: number,
  options: HosOptions,
  resets: readonly Rest[],
  { days, ofDays }: { days: number; ofDays: number },
  ms: number,
): Extension[] {
  const dayOf = (at: Instant) => Date.parse(line.clock.dateOf(at, options.dayStartMinutes)) / DAY
  const found: Extension[] = []
  const used: number[] = []
  const edges = [0, ...resets.filter((rest) => rest.end > 0).map((rest) => rest.end), line.count]
  for (let e = 0; e + 1 < edges.length; e++) {
    const [first, end] = [edges[e]!, edges[e + 1]!]
    let opened = first
    while (opened < end && line.kind[opened]! < ON_DUTY) opened++
    // One that has not begun yet begins now.
    if (opened === end && end < line.count) continue
    const from = line.at[opened]!
    let lastDriven = from
    for (let i = opened; i < end; i++) if (line.kind[i] === DRIVING) lastDriven = line.at[i + 1]!
    const day = dayOf(from)
    if (used.filter((one) => day - one < ofDays).length >= days) continue
    found.push({
      from: line.at[first]!,
      until: e + 2 < edges.length ? line.at[end]! : Number.POSITIVE_INFINITY,
      ms,
    })
    if (lastDriven > from + windowMs) used.push(day)
  }
  return found
}

/** The next instant at which any answer is another though nothing happens. */
function nextChangeAfter(
  now: Judged,
  law: UnitedStatesLaw,
  options: HosOptions,
  judgeAt: (at: Instant) => Judged,
): Instant | null {
  const { asOf, line, resting, clocks, gauges } = now
  if (line.count === 0 && line.present < ON_DUTY) return null
  const sure: (Instant | null)[] = [...now.changes]
  // A rest that goes on just past a claim leaves it to the tour before.
  const claims = (options.shortHaul16 ?? []).flatMap((at) => [at, at + 1])
  const maybe = [...(options.adverseConditions ?? []), ...claims]
  if (law.break && !options.shortHaul) sure.push(breakDoneAt(line, law.break.interruptionMs))
  const cycle = gauges.find((gauge): gauge is CycleGauge => 'dayTurnsAt' in gauge)
  const countsDays = law.longTour?.allowed.by === 'days'
  if (!cycle || countsDays || options.carriedMinutes?.length) maybe.push(...comingDays(line, law.cycle.days))
  if (resting) {
    const reset = resting.from + law.reset.ms
    if (clocks.some((clock) => clock.name !== 'break' && clock.name !== 'cycle' && hasBegun(clock, asOf)))
      sure.push(reset)
    else maybe.push(reset)
    if (law.cycle.restartMs !== null) {
      const restart = resting.from + law.cycle.restartMs
      if (cycle && clocks.some((clock) => clock.name === 'cycle' && hasBegun(clock, asOf))) sure.push(restart)
      else maybe.push(restart)
    }
  }
  if (cycle) {
    sure.push(cycle.dayTurnsAt(firstAfter(asOf, sure)))
    return nextChange(now, sure, maybe, now.pairedAt, judgeAt)
  }
  // For a driver-salesperson the larger of two clocks holds: just past where they meet, and when days turn, it may be the other.
  return nextChange(now, [], [...sure, ...maybe], now.pairedAt, judgeAt)
}

/** Has anything been counted? */
const hasBegun = ({ since, remainingMs, limitMs }: Clock, asOf: Instant) =>
  since !== asOf || remainingMs < limitMs
