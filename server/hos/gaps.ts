import type { Instant } from '../time/instant.ts'
import { readEuropeanUnion } from './eu/gaps.ts'
import { evaluate } from './evaluate.ts'
import { filled, type GapEvent, type Readings } from './gapped.ts'
import { readGreatBritain } from './gb/gaps.ts'
import { readNorthAmerica } from './north-america/gaps.ts'
import {
  type ClockName,
  type DutyStatus,
  type HosOptions,
  isEuropean,
  type RulesetId,
  type Violation,
} from './types.ts'
import { readWorkingTime } from './wtd/gaps.ts'

export type { GapEvent } from './gapped.ts'

/** What can be said of a log with gaps: honest in both directions. */
export interface GappedEvaluation {
  asOf: Instant
  /** null while nothing is known. */
  status: DutyStatus | null
  /** Broken however the gaps are filled. */
  proven: Violation[]
  /** Broken if the gaps are filled badly: not an accusation, a question. Whatever any filling breaks lies within these and what is proven. */
  possible: Violation[]
  /** How much is left at the least and at the most. */
  clocks: { name: ClockName; rule: string; limitMs: number; leastMs: number; mostMs: number }[]
  nextChangeAt: Instant | null
}

/**
 * Judges a log with gaps over all that may have been done in them: what is proven is broken in every filling, what any filling
 * breaks is proven or possible, and its clocks lie between the least and the most. Where a rule does not get worse or better
 * steadily the bounds are wider than the fillings are, never narrower. Without a gap it is `evaluate`, twice said.
 * @throws HosRefusal as `evaluate`
 */
export function evaluateWithGaps(
  log: readonly GapEvent[],
  ruleset: RulesetId,
  options: HosOptions,
  asOf: Instant,
): GappedEvaluation {
  const european = isEuropean(ruleset)
  // What can't be judged is refused, later events too.
  const kindest = evaluate(filled(log, european ? 'REST' : 'OFF'), ruleset, options, asOf)
  const known = log.filter(({ at }) => at <= asOf)
  if (known.every(({ status }) => status !== 'UNKNOWN')) {
    const { status, violations, clocks, nextChangeAt } = kindest
    return {
      asOf,
      status,
      proven: [...violations],
      possible: [],
      clocks: clocks.map(({ name, rule, limitMs, remainingMs }) => ({
        name,
        rule,
        limitMs,
        leastMs: remainingMs,
        mostMs: remainingMs,
      })),
      nextChangeAt,
    }
  }
  const readings = readerOf(ruleset)(known, ruleset, options, asOf)
  const proven = joined(readings.proven)
  const changes = [kindest.nextChangeAt, ...readings.changes].filter((at) => at !== null)
  return {
    asOf,
    status: known.at(-1)!.status === 'UNKNOWN' ? null : kindest.status,
    proven,
    possible: inOrder(joined(readings.possible).flatMap((one) => without(one, proven))),
    clocks: clocksOf(readings),
    nextChangeAt: changes.length > 0 ? Math.min(...changes) : null,
  }
}

function readerOf(ruleset: RulesetId) {
  if (ruleset === 'eu-561') return readEuropeanUnion
  if (ruleset === 'eu-wtd') return readWorkingTime
  return isEuropean(ruleset) ? readGreatBritain : readNorthAmerica
}

const inOrder = (violations: Violation[]) =>
  violations.sort((a, b) => a.from - b.from || (a.rule < b.rule ? -1 : 1))

/** Violations of one rule that meet are one, told as the first of them. */
function joined(violations: readonly Violation[]): Violation[] {
  const found: Violation[] = []
  for (const one of inOrder([...violations])) {
    const before = found.findLast(({ rule }) => rule === one.rule)
    if (before && one.from <= before.until) {
      before.until = Math.max(before.until, one.until)
      const reachedMs = Math.max(before.explanation.reachedMs, one.explanation.reachedMs)
      if (before.explanation.limitMs === one.explanation.limitMs)
        before.explanation = { ...before.explanation, reachedMs }
    } else found.push({ ...one })
  }
  return found
}

/** What is left of a possible violation beside those that are proven. */
function without(one: Violation, proven: readonly Violation[]): Violation[] {
  const left: Violation[] = []
  let { from } = one
  let whole = true
  for (const sure of proven) {
    if (sure.rule !== one.rule || sure.until < from || sure.from > one.until) continue
    whole = false
    if (sure.from > from) left.push({ ...one, from, until: sure.from })
    from = Math.max(from, sure.until)
  }
  if (whole || from < one.until) left.push({ ...one, from })
  return left
}

function clocksOf({ least, most }: Readings): GappedEvaluation['clocks'] {
  return least[0]!.map(({ name, rule, limitMs }) => {
    const lower = least.map((clocks) => clocks.find((clock) => clock.name === name)!.remainingMs)
    // A limit that may have been lifted has no clock.
    const upper = most.find((clock) => clock.name === name)
    const leastMs = Math.min(...lower)
    const mostMs = Math.max(leastMs, upper?.remainingMs ?? limitMs)
    return { name, rule, limitMs: Math.max(limitMs, upper?.limitMs ?? limitMs), leastMs, mostMs }
  })
}
