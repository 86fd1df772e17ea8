import type { Instant } from '../time/instant.ts'
import { evaluate } from './evaluate.ts'
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
  if (regimes.length === 0) throw new HosRefusal('bad-option', null, 'a log needs a ruleset')
  regimes.forEach(({ from }, i) => {
    if (i > 0 && !(from > regimes[i - 1]!.from))
      throw new HosRefusal('bad-option', i, 'rulesets must follow one another in time')
  })
  const known = regimes.filter(({ from }, i) => i === 0 || from <= asOf)
  const violations: Violation[] = []
  let last: Evaluation | undefined
  known.forEach(({ ruleset, options, from }, i) => {
    const begins = i === 0 ? Number.NEGATIVE_INFINITY : from
    const ends = Math.min(known[i + 1]?.from ?? asOf, asOf)
    // The rules of the time before know nothing of what came after it.
    last = evaluate(log, ruleset, options, ends)
    for (const violation of last.violations) {
      if (violation.until < begins || (violation.until === begins && violation.from < begins)) continue
      violations.push({ ...violation, from: Math.max(violation.from, begins) })
    }
  })
  const next = regimes[known.length]?.from ?? null
  const { nextChangeAt } = last!
  return {
    ...last!,
    ruleset: known.at(-1)!.ruleset,
    violations: violations.sort((a, b) => a.from - b.from || (a.rule < b.rule ? -1 : 1)),
    nextChangeAt:
      nextChangeAt === null || next === null ? (nextChangeAt ?? next) : Math.min(nextChangeAt, next),
  }
}

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
    cross: evaluateAlong(
      log,
      [...regimes.filter(({ from }, i) => i === 0 || from < asOf), { ...to, from: asOf }],
      asOf,
    ),
  }
}
