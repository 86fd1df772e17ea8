import { DAY, type Instant, MINUTE } from '../time/instant.ts'
import { type EuLedger, ledgerOf } from './eu/ledger.ts'
import { MS } from './eu/limits.ts'
import { evaluate } from './evaluate.ts'
import { type Course, comingBack, type Driving, drivingFrom, drivingOf, known, restsOf } from './forecast.ts'
import { type EuCost, euCostOf, isEu, type PairAdvice, pairsAhead, restingSince } from './pairs.ts'
import type { ClockName, DutyStatus, Evaluation } from './types.ts'

/** No advice is to rest longer: by then every cycle has been reset, or a new week has begun. */
const LONGEST_REST_MS = 8 * DAY

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
  /** What the law calls it, in the EU. */
  kind: EuRestKind | null
  /** What it takes from what is left, in the EU: against a regular rest in its place. */
  cost: EuCost | null
}

export interface Advice {
  /** Driving on without a rest. */
  now: Driving
  /** Shortest first, each with more driving after it than the one before. */
  rests: RestAdvice[]
  /** The shortest rest that lets the driver drive again; null while no rest is needed, or none helps. */
  shortest: RestAdvice | null
  /** Rests in two parts: what they would give, and by when the second must begin. None while at rest in North America. */
  pairs: PairAdvice[]
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
  const rests = restsAhead(course)
  return {
    now,
    rests,
    shortest: now.ms >= WORTH_MS ? null : (rests[0] ?? null),
    pairs: pairsAhead(course),
    ledger: isEu(ruleset) ? ledgerOf(course.log, options, asOf) : null,
  }
}

/** The rests of the advice alone. */
export const restsAhead = (course: Course): RestAdvice[] =>
  (isEu(course.ruleset) ? europeanRests(course) : restsThatGiveMore(course)).filter(
    (rest) => rest.driving.ms >= WORTH_MS,
  )

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
    kind: null,
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

/** The rests of art. 4(g), 4(h) and 7 of (EC) 561/2006. */
export type EuRestKind =
  | 'break'
  | 'break-first-part'
  | 'break-second-part'
  | 'daily'
  | 'daily-reduced'
  | 'daily-first-part'
  | 'daily-second-part'
  | 'weekly'
  | 'weekly-reduced'

const EUROPEAN_RESTS: readonly (readonly [EuRestKind, number])[] = [
  ['break-first-part', MS.breakFirstPart],
  ['break-second-part', MS.breakSecondPart],
  ['break', MS.break],
  ['daily-first-part', MS.dailyRestFirstPart],
  ['daily-reduced', MS.dailyRestReduced],
  ['daily', MS.dailyRest],
  ['weekly-reduced', MS.weeklyRestReduced],
  ['weekly', MS.weeklyRest],
]

function europeanRests(course: Course): RestAdvice[] {
  const { ruleset, options, asOf } = course
  const before = evaluate(known(course), ruleset, options, asOf)
  const { since } = restingSince(course)
  return EUROPEAN_RESTS.flatMap(([kind, ms]) => {
    const until = since + ms
    if (until <= asOf) return []
    const advice = adviceOf(course, 'REST', until, before)
    const { firstPart, ...cost } = euCostOf(rested(course, 'REST', until))
    // Thirty minutes that complete nothing are but a longer first part.
    const completes = advice.restores.some(({ name }) => name === 'break')
    if (kind === 'break-second-part' && !completes) return []
    if (kind === 'daily-reduced' && firstPart) return [{ ...advice, kind: 'daily-second-part', cost }]
    return [{ ...advice, kind, cost }]
  })
}
