import { DAY, type Instant } from '../../time/instant.ts'
import { type Audit, auditOf, earliest, pairsDoneAt, presentRest } from '../north-america/audit.ts'
import { CalculationPoints } from '../north-america/calculation-point.ts'
import { CountedGauge } from '../north-america/counted.ts'
import { CycleGauge } from '../north-america/cycle.ts'
import { type Doubt, extensionsInDoubt, type Sure, sureOf } from '../north-america/doubt.ts'
import type { Extension, Gauge } from '../north-america/gauge.ts'
import { nextChange } from '../north-america/next-change.ts'
import {
  comingDays,
  DRIVING,
  goOn,
  ON_DUTY,
  onDutyFrom,
  type Rest,
  release,
  type Timeline,
  timelineOf,
} from '../north-america/timeline.ts'
import { type Resting, WindowGauge } from '../north-america/window.ts'
import type { Clock, DutyEvent, DutyStatus, Evaluation, HosOptions, RulesetId } from '../types.ts'
import { BreakGauge, breakDoneAt } from './break.ts'
import { type UnitedStatesLaw, unitedStatesLaw } from './limits.ts'
import { SalespersonGauge } from './salesperson.ts'

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
  const evaluation = {
    asOf,
    status: line.status,
    statusSince: line.statusSince,
    clocks,
    violations,
    nextChangeAt: atLimit
      ? asOf + 1
      : nextChangeAfter(now, law, options, (at) => judge(goOn(line, at), law, options, now, doubt)),
  }
  release(line)
  return evaluation
}

/** What a log says at one instant, and the workings that tell when it will say something else. */
interface Judged extends Audit {
  asOf: Instant
  status: DutyStatus
  line: Timeline
  points: CalculationPoints
  resting: Rest | null
  /** What the window's gauge knows of the rest that goes on. */
  rested: Resting
  pairedAt: readonly Instant[]
  gauges: readonly Gauge[]
}

/** @param before an earlier judgement of the same log, which has gone on */
function judge(
  line: Timeline,
  law: UnitedStatesLaw,
  options: HosOptions,
  before: Judged | null,
  doubt?: Doubt,
): Judged {
  const asOf = line.at[line.count]!
  const sure = doubt?.kind === 'kindest' ? sureOf(doubt.harshest, law.reset.ms, options, asOf) : null
  const pair = doubt?.kind === 'harshest' && !doubt.pairs ? null : law.pair
  const again = before !== null && goesOnWith(law, options, doubt) ? before : null
  if (again) again.points.goOn(again.kept.boundary)
  const points = again?.points ?? new CalculationPoints(line, law.reset.ms, pair, sure?.resets)
  const resting = presentRest(line)
  const pairedAt = resting ? pairsDoneAt(line, pair, points, resting) : NONE
  const rested = again?.rested ?? { restedAt: null }
  rested.restedAt = resting ? earliest(resting.from + law.reset.ms, pairedAt[0] ?? null) : null
  const gauges = again?.gauges ?? gaugesOf(line, law, options, points.resets, resting, rested, doubt, sure)
  if (again) for (const gauge of gauges) gauge.rewind()
  // Where a log has gaps, what is known later may reach back over rests that seemed full.
  const keptAt = doubt ? 0 : resting ? points.tourFrom : line.count
  const kept = doubt || before === null ? null : before.kept
  const audit = auditOf(line, points, gauges, keptAt, kept)
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
    points,
    resting,
    rested,
    pairedAt,
    gauges,
  }
}

const NONE: readonly Instant[] = []

/** Can points and gauges go on with a log? Not where a rest that goes on may change how long a limit is larger. */
const goesOnWith = (law: UnitedStatesLaw, options: HosOptions, doubt: Doubt | undefined): boolean =>
  doubt === undefined &&
  !options.adverseConditions?.length &&
  (law.longTour === null || (law.longTour.allowed.by === 'claim' && !options.shortHaul16?.length))

function gaugesOf(
  line: Timeline,
  law: UnitedStatesLaw,
  options: HosOptions,
  resets: readonly Rest[],
  resting: Rest | null,
  rested: Resting,
  doubt: Doubt | undefined,
  sure: Sure | null,
): Gauge[] {
  const met = options.adverseConditions ?? NONE
  const longer = extensionsInDoubt(met, { resets, resting }, sure, doubt, law.adverse.windowMs)
  const driving = extensionsInDoubt(met, { resets, resting }, sure, doubt, law.adverse.driveMs)
  const gauges: Gauge[] = [new CountedGauge(line, 'drive', 'drivenMs', law.drive, driving)]
  if (law.window) {
    const tours = longTours(line, law, options, resets, resting, doubt, sure)
    gauges.push(new WindowGauge(line, law.window, [...longer, ...tours], rested))
  }
  if (law.duty) gauges.push(new CountedGauge(line, 'duty', 'onDutyMs', law.duty, longer))
  if (law.break && !options.shortHaul)
    gauges.push(new BreakGauge(line, law.break.limit, law.break.interruptionMs))
  const { limit, days, restartMs } = law.cycle
  const cycle = new CycleGauge(line, limit, days, restartMs, options)
  const sells = options.driverSalesperson ? law.salesperson : null
  gauges.push(sells ? new SalespersonGauge(line, cycle, sells, options) : cycle)
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
  if (!longTour || !window) return []
  const ms = longTour.windowMs - window.ms
  const { allowed } = longTour
  if (doubt?.kind === 'harshest')
    return allowed.by === 'days' ? surelyLong(law, window.ms, doubt.harshest, options, line, allowed, ms) : []
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
  for (const { opened, end, span } of toursOf(line, resets)) {
    const from = line.at[opened]!
    let lastDriven = from
    for (let i = opened; i < end; i++) if (line.kind[i] === DRIVING) lastDriven = line.at[i + 1]!
    const day = dayOf(from)
    if (used.filter((one) => day - one < ofDays).length >= days) continue
    found.push({ ...span, ms })
    if (lastDriven > from + windowMs) used.push(day)
  }
  return found
}

/** From full rest to full rest: the boundaries at which duty begins and the tour ends, and for how long it counts, the last for ever. */
function toursOf(line: Timeline, resets: readonly Rest[]) {
  const tours: { opened: number; end: number; span: { from: Instant; until: Instant } }[] = []
  const edges = [0, ...resets.filter((rest) => rest.end > 0).map((rest) => rest.end), line.count]
  for (let e = 0; e + 1 < edges.length; e++) {
    const [first, end] = [edges[e]!, edges[e + 1]!]
    const opened = Math.min(onDutyFrom(line, first), end)
    // One that has not begun yet begins now.
    if (opened === end && end < line.count) continue
    const until = e + 2 < edges.length ? line.at[end]! : Number.POSITIVE_INFINITY
    tours.push({ opened, end, span: { from: line.at[first]!, until } })
  }
  return tours
}

/**
 * Tours that may be longer however a log's gaps are filled: in any filling a tour lies between two full rests that are known, from the
 * first duty or gap there to the last driving or gap. Where that is no longer than a window nothing long can have been; else there may be as
 * many long tours as it holds with a full rest between each two. A tour of which another may lie before in the same stretch is not counted on.
 */
function surelyLong(
  { reset }: UnitedStatesLaw,
  windowMs: number,
  harshest: readonly DutyEvent[],
  options: HosOptions,
  { at, count, clock }: Timeline,
  { days, ofDays }: { days: number; ofDays: number },
  ms: number,
): Extension[] {
  const line = timelineOf(harshest, options, at[count]!)
  const dayOf = (instant: Instant) => Date.parse(clock.dateOf(instant, options.dayStartMinutes)) / DAY
  const { resets } = new CalculationPoints(line, reset.ms, null)
  const maybe: { lastDay: number; tours: number }[] = []
  const found: Extension[] = []
  for (const { opened, end, span } of toursOf(line, resets)) {
    const from = line.at[opened]!
    let until = from
    for (let i = opened; i < end; i++) if (line.kind[i]! >= ON_DUTY) until = line.at[i + 1]!
    const day = dayOf(from)
    const used = maybe.filter(({ lastDay }) => day - lastDay < ofDays)
    const before = used.reduce((sum, { tours }) => sum + tours, 0)
    if (before < days && until - from <= windowMs + reset.ms) found.push({ ...span, ms })
    if (until - from > windowMs)
      maybe.push({
        lastDay: dayOf(until - windowMs),
        tours: Math.floor((until - from + reset.ms) / (windowMs + reset.ms)),
      })
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
  const cycle = gauges.find((gauge) => gauge instanceof CycleGauge)
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
    sure.push(cycle.dayTurnsAt())
    return nextChange(now, sure, maybe, now.pairedAt, judgeAt)
  }
  // For a driver-salesperson the larger of two clocks holds: just past where they meet, and when days turn, it may be the other.
  return nextChange(now, [], [...sure, ...maybe], now.pairedAt, judgeAt)
}

/** Has anything been counted? */
const hasBegun = ({ since, remainingMs, limitMs }: Clock, asOf: Instant) =>
  since !== asOf || remainingMs < limitMs
