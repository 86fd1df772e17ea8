import type { Instant } from '../time/instant.ts'
import { cycleSwitch } from './ca/cycle-switch.ts'
import { evaluate } from './evaluate.ts'
import { evaluateWithGaps, type GapEvent, type GappedEvaluation } from './gaps.ts'
import {
  type DutyEvent,
  type Evaluation,
  type HosOptions,
  HosRefusal,
  type RulesetId,
  type Violation,
} from './types.ts'

/** From when on a driver is under a ruleset: the instant of a border, or of a change of carrier. */
export interface Regime {
  from: Instant
  ruleset: RulesetId
  options: HosOptions
}

/**
 * Judges a log along which the rules change. Each ruleset counts from the whole log, also what was done under another:
 * clocks are never carried over. What is broken is reported for the time in which the ruleset applied.
 * @param regimes in order of `from`; the first holds for all time before the second
 * @throws HosRefusal bad-option for no or unordered regimes, else as `evaluate`
 */
export function evaluateAlong(
  log: readonly DutyEvent[],
  regimes: readonly Regime[],
  asOf: Instant,
): Evaluation & { ruleset: RulesetId } {
  const spans = spansOf(regimes, asOf)
  const violations: Violation[] = []
  let last: Evaluation | undefined
  spans.forEach(({ ruleset, options, from, until }, i) => {
    // The rules of the time before know nothing of what came after it.
    last = evaluate(log, ruleset, options, until)
    violations.push(...withinSpan(last.violations, from))
    if (i > 0) violations.push(...cycleSwitch(log, [spans[i - 1]!.ruleset, ruleset], from, until).proven)
  })
  return {
    ...last!,
    ruleset: spans.at(-1)!.ruleset,
    violations: inOrder(violations),
    nextChangeAt: earlier(last!.nextChangeAt, regimes[spans.length]?.from ?? null),
  }
}

/**
 * The same for a log with gaps: what is proven and possible under each ruleset for the time in which it applied, and the clocks of
 * the last one from the least to the most. What a filling breaks at a border goes on from before it, so the border is in what is possible
 * if it is not proven: each rule's possible time reaches as far as anything that may be broken in it.
 * @throws HosRefusal as `evaluateAlong`
 */
export function evaluateAlongWithGaps(
  log: readonly GapEvent[],
  regimes: readonly Regime[],
  asOf: Instant,
): GappedEvaluation & { ruleset: RulesetId } {
  const spans = spansOf(regimes, asOf)
  const [proven, possible]: Violation[][] = [[], []]
  const hasGap = log.some(({ at, status }) => status === 'UNKNOWN' && at <= asOf)
  let last: GappedEvaluation | undefined
  spans.forEach(({ ruleset, options, from, until }, i) => {
    last = evaluateWithGaps(log, ruleset, options, until)
    for (const one of withinSpan(last.proven, from)) {
      // In some filling it may have begun sooner and be over at the border.
      const atBorder = hasGap && one.until === from
      ;(atBorder ? possible! : proven!).push(one)
    }
    possible!.push(...withinSpan(last.possible, from))
    if (i === 0) return
    const change = cycleSwitch(log, [spans[i - 1]!.ruleset, ruleset], from, until)
    proven!.push(...change.proven)
    if (hasGap) possible!.push(...change.possible)
  })
  return {
    ...last!,
    ruleset: spans.at(-1)!.ruleset,
    proven: inOrder(proven!),
    possible: inOrder(possible!),
    nextChangeAt: earlier(last!.nextChangeAt, regimes[spans.length]?.from ?? null),
  }
}

/** Each ruleset with the time in which it holds, up to an instant. @throws HosRefusal bad-option for no or unordered regimes */
function spansOf(regimes: readonly Regime[], asOf: Instant): (Regime & { until: Instant })[] {
  if (regimes.length === 0) throw new HosRefusal('bad-option', null, 'a log needs a ruleset')
  regimes.forEach(({ from }, i) => {
    if (i > 0 && !(from > regimes[i - 1]!.from))
      throw new HosRefusal('bad-option', i, 'rulesets must follow one another in time')
  })
  const known = regimes.filter(({ from }, i) => i === 0 || from <= asOf)
  return known.map((regime, i) => ({
    ...regime,
    from: i === 0 ? Number.NEGATIVE_INFINITY : regime.from,
    until: Math.min(known[i + 1]?.from ?? asOf, asOf),
  }))
}

/** What is broken from an instant on; what had begun before it is broken from there. */
const withinSpan = (violations: readonly Violation[], begins: Instant): Violation[] =>
  violations
    .filter(({ from, until }) => until > begins || (until === begins && from === begins))
    .map((one) => ({ ...one, from: Math.max(one.from, begins) }))

const inOrder = (violations: Violation[]) =>
  violations.sort((a, b) => a.from - b.from || (a.rule < b.rule ? -1 : 1))

const earlier = (a: Instant | null, b: Instant | null) =>
  a === null || b === null ? (a ?? b) : Math.min(a, b)

/**
 * Both answers before a driver confirms that a border is crossed: as it is under the rules of now, and as it would be under
 * the others from `asOf` on.
 */
export function crossing(
  log: readonly DutyEvent[],
  regimes: readonly Regime[],
  to: Omit<Regime, 'from'>,
  asOf: Instant,
): { stay: Evaluation; cross: Evaluation } {
  return {
    stay: evaluateAlong(log, regimes, asOf),
    cross: evaluateAlong(log, crossed(regimes, to, asOf), asOf),
  }
}

/** Both answers where some time is unknown. */
export function crossingWithGaps(
  log: readonly GapEvent[],
  regimes: readonly Regime[],
  to: Omit<Regime, 'from'>,
  asOf: Instant,
): { stay: GappedEvaluation; cross: GappedEvaluation } {
  return {
    stay: evaluateAlongWithGaps(log, regimes, asOf),
    cross: evaluateAlongWithGaps(log, crossed(regimes, to, asOf), asOf),
  }
}

const crossed = (regimes: readonly Regime[], to: Omit<Regime, 'from'>, asOf: Instant): Regime[] => [
  ...regimes.filter(({ from }, i) => i === 0 || from < asOf),
  { ...to, from: asOf },
]
