import { DAY, type Instant, MINUTE } from '../time/instant.ts'
import { canadianLaw } from './ca/limits.ts'
import { type EuLedger, ledgerOf } from './eu/ledger.ts'
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

/** The rests and the ledger of (EC) 561/2006. */
const isEu = (ruleset: RulesetId) => ruleset === 'eu-561'

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

const known = ({ log, asOf }: Course): DutyEvent[] => log.filter((event) => event.at <= asOf)

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

/** No advice is to rest longer: by then every cycle has been reset, or a new week has begun. */
const LONGEST_REST_MS = 8 * DAY

/** Twice a month of days with all that can happen in one. */
const MOST_STEPS = 400

/** A rest that gives more driving than any shorter one. */
export interface RestAdvice {
  status: DutyStatus
  ms: number
  until: Instant
  driving: Driving
  /** The clocks that it brings up, and to what. */
  restores: { name: ClockName; remainingMs: number }[]
  /** Together with which earlier rest it counts, where it makes a pair. */
  pairedWith: { from: Instant; until: Instant } | null
  /** What it takes from what is left, in the EU: against a regular rest in its place. */
  cost: EuCost | null
}

export interface EuCost {
  reducedRestsLeft: number
  extensionsLeft: number
  /** Rest that must be made good later, and by when. */
  owed: { owedMs: number; dueAt: Instant }[]
}

export interface Advice {
  /** Driving on without a rest. */
  now: Driving
  /** Shortest first, each with more driving after it than the one before. */
  rests: RestAdvice[]
  /** The shortest rest that lets the driver drive again; null while no rest is needed, or none helps. */
  shortest: RestAdvice | null
  /** What is left to spend in the EU. */
  ledger: EuLedger | null
}

/** Less than this is no driving. */
const WORTH_MS = MINUTE

/**
 * Which rest to take from `asOf` on. In the EU these are the rests of the law (15 + 30 min, 45 min, 9 h, 3 + 9 h, 11 h, 24 h,
 * 45 h) with what each costs later; elsewhere every instant at which resting on gives more.
 */
export function advise(course: Course): Advice {
  const { ruleset, options, asOf } = course
  const now = drivingFrom(course)
  const rests = (isEu(ruleset) ? europeanRests(course) : restsThatGiveMore(course)).filter(
    (rest) => rest.driving.ms >= WORTH_MS,
  )
  return {
    now,
    rests,
    shortest: now.ms >= WORTH_MS ? null : (rests[0] ?? null),
    ledger: isEu(ruleset) ? ledgerOf(course.log, options, asOf) : null,
  }
}

function rested(course: Course, status: DutyStatus, until: Instant): Course {
  return { ...course, log: [...known(course), { at: course.asOf, status }], asOf: until }
}

function adviceOf(course: Course, status: DutyStatus, until: Instant, before: Evaluation): RestAdvice {
  const { ruleset, options, asOf } = course
  const after = rested(course, status, until)
  const evaluation = evaluate(after.log, ruleset, options, until)
  const restores = evaluation.clocks.flatMap(({ name, remainingMs }) => {
    const had = before.clocks.find((clock) => clock.name === name)?.remainingMs ?? 0
    return remainingMs > had ? [{ name, remainingMs }] : []
  })
  return {
    status,
    ms: until - asOf,
    until,
    driving: drivingFrom(after),
    restores,
    pairedWith: null,
    cost: null,
  }
}

function restsThatGiveMore(course: Course): RestAdvice[] {
  const { ruleset, options, asOf } = course
  const before = evaluate(known(course), ruleset, options, asOf)
  const all = restsOf(ruleset).flatMap((status) => {
    const rests = comingBack(course, status, LONGEST_REST_MS).map(({ at }) =>
      adviceOf(course, status, at, before),
    )
    const earlier = earliestWay(course, status, rests)
    return earlier === null ? rests : [adviceOf(course, status, earlier, before), ...rests]
  })
  // Shortest first; off duty before the berth where both give the same.
  all.sort((a, b) => a.ms - b.ms || b.driving.ms - a.driving.ms)
  const better: RestAdvice[] = []
  for (const one of all) if (one.driving.ms > (better.at(-1)?.driving.ms ?? 0)) better.push(one)
  const firsts = restsBefore(course)
  return better.map((one) => ({ ...one, pairedWith: firsts(one) }))
}

/**
 * What a day must hold has no clock, so resting may allow driving before any clock gains: the first minute of it, if there is
 * one before the first of `rests` that allows it.
 */
function earliestWay(course: Course, status: DutyStatus, rests: readonly RestAdvice[]): Instant | null {
  const { asOf } = course
  const enough = (minutes: number) =>
    drivingFrom(rested(course, status, asOf + minutes * MINUTE)).ms >= WORTH_MS
  const index = rests.findIndex((rest) => rest.driving.ms >= WORTH_MS)
  const first = rests[index]
  if (!first || enough(0)) return null
  let no = Math.floor((rests[index - 1]?.ms ?? 0) / MINUTE)
  let yes = Math.ceil(first.ms / MINUTE)
  while (yes - no > 1) {
    const middle = (no + yes) >> 1
    if (enough(middle)) yes = middle
    else no = middle
  }
  return yes * MINUTE < first.ms ? asOf + yes * MINUTE : null
}

/** The earlier rest of a pair that a rest of this kind and length completes: the calculation point is then its end. */
function restsBefore(course: Course): (one: RestAdvice) => { from: Instant; until: Instant } | null {
  const { ruleset, options } = course
  return ({ status, until }) => {
    const after = rested(course, status, until)
    const log = [...after.log, { at: until, status: drivingOf(ruleset) }]
    const since = evaluate(log, ruleset, options, until).clocks.find(({ name }) => name === 'drive')?.since
    if (since === undefined || since === null || since >= course.asOf) return null
    const index = course.log.findLastIndex((event) => event.at < since)
    let from = course.log[index]?.at
    if (from === undefined || !REST.has(course.log[index]!.status)) return null
    for (let i = index - 1; i >= 0 && REST.has(course.log[i]!.status); i--) from = course.log[i]!.at
    // A single rest that resets is no pair; without the new one the count would begin there too.
    const alone = evaluate(known(course), ruleset, options, course.asOf).clocks.find(
      ({ name }) => name === 'drive',
    )
    return alone?.since === since ? null : { from, until: since }
  }
}

const REST: ReadonlySet<DutyStatus> = new Set(['OFF', 'SB', 'PC'])

/** The lengths that the law names, art. 4(g), 4(h) and 7 of (EC) 561/2006. */
const EUROPEAN_RESTS_MS = [
  MS.breakFirstPart,
  MS.breakSecondPart,
  MS.break,
  MS.dailyRestFirstPart,
  MS.dailyRestReduced,
  MS.dailyRest,
  MS.weeklyRestReduced,
  MS.weeklyRest,
]

function europeanRests(course: Course): RestAdvice[] {
  const { ruleset, options, asOf } = course
  const before = evaluate(known(course), ruleset, options, asOf)
  const since = before.status === 'REST' || before.status === 'FERRY' ? before.statusSince : asOf
  return EUROPEAN_RESTS_MS.flatMap((ms) => {
    const until = since + ms
    if (until <= asOf) return []
    const advice = adviceOf(course, 'REST', until, before)
    const after = rested(course, 'REST', until)
    // What it cost shows once the driver works again.
    const working = [...after.log, { at: until, status: 'WORK' as const }]
    const { reducedRestsLeft, extensionsLeft, debts } = ledgerOf(working, options, until + MINUTE)
    return [{ ...advice, cost: { reducedRestsLeft, extensionsLeft, owed: debts } }]
  })
}
