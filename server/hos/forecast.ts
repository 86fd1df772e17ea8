import { DAY, type Instant, MINUTE } from '../time/instant.ts'
import { canadianLaw } from './ca/limits.ts'
import { MS } from './eu/limits.ts'
import { evaluate } from './evaluate.ts'
import {
  type ClockName,
  type DutyEvent,
  type DutyStatus,
  type Evaluation,
  type HosOptions,
  isEuropean,
  type RulesetId,
  type Violation,
} from './types.ts'

/** A log that goes on: what `evaluate` takes, in one piece. */
export interface Course {
  log: readonly DutyEvent[]
  ruleset: RulesetId
  options: HosOptions
  asOf: Instant
}

/** One step of a plan: a status for so long. */
export interface Step {
  status: DutyStatus
  ms: number
}

export interface WhatIf {
  /** Nothing is broken in the plan, nor by resting from its end on. */
  legal: boolean
  finishedAt: Instant
  /** What the plan breaks, or goes on breaking. */
  violations: Violation[]
  /** As it would be at the end. */
  evaluation: Evaluation
}

export const drivingOf = (ruleset: RulesetId): DutyStatus => (isEuropean(ruleset) ? 'DRIVE' : 'D')
/** What a driver may rest in; in the berth a rest can also be one of a pair. */
export const restsOf = (ruleset: RulesetId): readonly DutyStatus[] =>
  isEuropean(ruleset) ? ['REST'] : ['OFF', 'SB']

/** A missing rest shows when it could have been taken: so long after a plan the rests that it leaves room for are complete. */
function restedAfterMs(ruleset: RulesetId): number {
  if (ruleset.startsWith('ca-')) return canadianLaw(ruleset).longRest.restMs
  return ruleset.startsWith('eu-') ? MS.weeklyRest : 0
}

/**
 * Is it legal, and when would it be done? The plan begins at `asOf`; what the log has after that is not looked at.
 * @throws HosRefusal as `evaluate`
 */
export function whatIf(course: Course, plan: readonly Step[]): WhatIf {
  const { ruleset, options, asOf } = course
  const log = known(course)
  let at = asOf
  for (const { status, ms } of plan) {
    if (ms <= 0) continue
    log.push({ at, status })
    at += ms
  }
  const evaluation = evaluate(log, ruleset, options, at)
  const after = restedAfterMs(ruleset)
  if (after > 0) log.push({ at, status: restsOf(ruleset)[0]! })
  const { violations } = after > 0 ? evaluate(log, ruleset, options, at + after) : evaluation
  const broken = violations.filter((violation) => violation.until > asOf || violation.from >= asOf)
  return { legal: broken.length === 0, finishedAt: at, violations: broken, evaluation }
}

/** What of a log is known. */
export const known = ({ log, asOf }: Course): DutyEvent[] => log.filter((event) => event.at <= asOf)

/** How long the driver may drive on end from an instant, having rested till then, and what stops it. */
export interface Driving {
  ms: number
  until: Instant
  /** The rule that is reached first; null if none is, as far as the log tells. */
  limitedBy: string | null
}

/**
 * What driving from `asOf` on would give, to the minute where a rule has no clock. A rest that could not be had in any case is
 * not driving's fault.
 */
export function drivingFrom(course: Course): Driving {
  const { ruleset, options, asOf } = course
  const status = drivingOf(ruleset)
  let until = asOf + LONGEST_MS
  let limitedBy: string | null = null
  const { clocks } = evaluate([...known(course), { at: asOf, status }], ruleset, options, asOf)
  for (const { rule, remainingMs, runsOutAt } of clocks) {
    const ends = remainingMs === 0 ? asOf : (runsOutAt ?? Number.POSITIVE_INFINITY)
    if (ends >= until) continue
    until = ends
    limitedBy = rule
  }
  if (until === asOf) return { ms: 0, until, limitedBy }
  const named = ({ rule, from }: Violation) => `${rule} ${from}`
  const inAnyCase = new Set(whatIf(course, []).violations.map(named))
  const fault = (ms: number) =>
    whatIf(course, [{ status, ms }]).violations.find((violation) => !inAnyCase.has(named(violation)))
  let broken = fault(until - asOf)
  if (broken) {
    let [legal, illegal] = [0, Math.ceil((until - asOf) / MINUTE)]
    while (illegal - legal > 1) {
      const middle = (legal + illegal) >> 1
      const found = fault(Math.min(middle * MINUTE, until - asOf))
      if (found) {
        illegal = middle
        broken = found
      } else legal = middle
    }
    until = asOf + legal * MINUTE
    limitedBy = broken.rule
  }
  return { ms: until - asOf, until, limitedBy }
}

/** Nobody drives longer on end under any rules. */
const LONGEST_MS = DAY

/** Hours that come back while the driver rests: at the start of a day, or because the rest is long enough. */
export interface Return {
  at: Instant
  restedMs: number
  clocks: { name: ClockName; rule: string; remainingMs: number; gainedMs: number }[]
}

/**
 * What comes back, and when, if the driver rests in `status` from `asOf` on: each instant at which a clock gains by more
 * than it had, until nothing more can come, or so many milliseconds have passed.
 */
export function comingBack(
  course: Course,
  status: DutyStatus = restsOf(course.ruleset)[0]!,
  within: number = Number.POSITIVE_INFINITY,
): Return[] {
  const { ruleset, options, asOf } = course
  const log = [...known(course), { at: asOf, status }]
  const found: Return[] = []
  let before = evaluate(log, ruleset, options, asOf)
  for (let at = before.nextChangeAt, steps = 0; at !== null && steps < MOST_STEPS; steps++) {
    if (at - asOf > within) break
    const now = evaluate(log, ruleset, options, at)
    const clocks = now.clocks.flatMap(({ name, rule, remainingMs }) => {
      const gainedMs = remainingMs - (before.clocks.find((clock) => clock.name === name)?.remainingMs ?? 0)
      return gainedMs > 0 ? [{ name, rule, remainingMs, gainedMs }] : []
    })
    if (clocks.length > 0) found.push({ at, restedMs: at - asOf, clocks })
    if (now.clocks.every(({ remainingMs, limitMs }) => remainingMs >= limitMs)) break
    before = now
    at = now.nextChangeAt
  }
  return found
}

/** Twice a month of days with all that can happen in one. */
const MOST_STEPS = 400
