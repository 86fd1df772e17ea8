import { DAY, type Instant, MINUTE } from '../time/instant.ts'
import { restsAhead } from './advice.ts'
import { canadianLaw } from './ca/limits.ts'
import { MS as EU } from './eu/limits.ts'
import { evaluate } from './evaluate.ts'
import { type Course, drivingFrom, drivingOf, restsOf, type Step, whatIf } from './forecast.ts'
import { MS as GB } from './gb/limits.ts'
import type { PairLaw } from './north-america/limits.ts'
import { type DutyEvent, type DutyStatus, isEuropean, type RulesetId } from './types.ts'
import { unitedStatesLaw } from './us/limits.ts'
import { RULE as DAILY_BREAKS } from './wtd/dailyBreaks.ts'
import { MS as WTD } from './wtd/limits.ts'

export interface LegalTrip {
  /** The legs with the rests between them, from `asOf` on. */
  steps: Step[]
  arrivalAt: Instant
  restMs: number
}

export interface TripOptions {
  /** A trip that takes longer than this is not looked for; 14 days if left out. */
  mostMs?: number
  /** How many ways to go on are looked at before it gives up; 20,000 if left out. */
  mostWays?: number
}

const MOST_MS = 14 * DAY
const MOST_WAYS = 20_000

/** A way so far: what has been done, and what is left of the leg that is under way. */
interface Way {
  steps: Step[]
  log: readonly DutyEvent[]
  at: Instant
  leg: number
  leftMs: number
  /** No way can arrive sooner: now, and all that is left to do. */
  bound: Instant
}

/**
 * Rests that may be one of a pair: the shortest and what it lacks; where one must lie in the berth, as short as that may be and what it
 * lacks (2 and 8, 3 and 7 h: 395.1(g)(1)(ii)); else multiples of the shortest, and two equal ones (2 and 6, 4 and 4 h; 5 and 5 h).
 */
function partsOf({ leastMs, togetherMs, berthMs }: PairLaw, resetMs: number): number[] {
  if (berthMs > 0) return [leastMs, togetherMs - berthMs, berthMs, togetherMs - leastMs]
  const parts = new Set([togetherMs / 2])
  for (let ms = leastMs; ms < resetMs; ms += leastMs) parts.add(ms)
  return [...parts]
}

/** Breaks and rests that give nothing at once, and count together with others: Directive 2002/15/EC art. 5, Transport Act 1968 s. 96. */
const SHORT_RESTS_MS = [
  WTD.breakPart,
  WTD.breakOfDay,
  WTD.longBreakOfDay,
  GB.dailyRestReduced,
  WTD.dailyRest,
  GB.dailyRest,
]
/** (EC) 561/2006 art. 4(g), 4(h), 7; parts of a break or a rest only where they complete it. */
const EUROPEAN_RESTS_MS = [
  EU.breakSecondPart,
  EU.break,
  EU.dailyRestFirstPart,
  EU.dailyRestReduced,
  EU.dailyRest,
  EU.weeklyRestReduced,
  EU.weeklyRest,
]

/**
 * The legs in their order, with the rests that make them legal and an arrival that no other placing of rests makes earlier.
 * A leg may be interrupted. Rests are tried where driving can't go on and between legs, in the lengths that give more
 * driving and those that may be the first of a pair; the way with the earliest possible arrival is followed first, so
 * the first to arrive is the earliest.
 * @returns null if there is none within the bounds
 * @throws HosRefusal as `evaluate`
 */
export function planLegalTrip(
  course: Course,
  legs: readonly Step[],
  { mostMs = MOST_MS, mostWays = MOST_WAYS }: TripOptions = {},
): LegalTrip | null {
  const todo = legs.filter(({ ms }) => ms > 0)
  const restOf = todo.map((_, i) => todo.slice(i).reduce((sum, { ms }) => sum + ms, 0))
  const start: Way = {
    steps: [],
    log: course.log.filter((event) => event.at <= course.asOf),
    at: course.asOf,
    leg: 0,
    leftMs: todo[0]?.ms ?? 0,
    bound: course.asOf + (restOf[0] ?? 0),
  }
  const open = [start]
  const seen = new Map<string, Instant>()
  for (let looked = 0; open.length > 0 && looked < mostWays; ) {
    const way = take(open)
    if (way.leg >= todo.length) {
      // A pair that was counted on must be complete by now.
      if (!whatIf(course, way.steps).legal) continue
      const restMs = way.at - course.asOf - (restOf[0] ?? 0)
      return { steps: joined(way.steps), arrivalAt: way.at, restMs }
    }
    const here = { ...course, log: way.log, asOf: way.at }
    const key = keyOf(here, way)
    const before = seen.get(key)
    if (before !== undefined && before <= way.at) continue
    seen.set(key, way.at)
    looked++
    for (const step of stepsFrom(here, way, todo)) {
      const next = after(way, step, todo, restOf)
      if (next.bound - course.asOf <= mostMs) open.push(next)
    }
  }
  return null
}

/** The way that can arrive first; of those the one that has come furthest. */
function take(open: Way[]): Way {
  let best = 0
  for (let i = 1; i < open.length; i++) {
    const [a, b] = [open[i]!, open[best]!]
    if (a.bound < b.bound || (a.bound === b.bound && a.at > b.at)) best = i
  }
  const [way] = open.splice(best, 1)
  return way!
}

/** Ways that stand alike: the same left to do, the same clocks, the same rests that may still pair. */
function keyOf(course: Course, way: Way): string {
  const { clocks, nextChangeAt } = evaluate(course.log, course.ruleset, course.options, course.asOf)
  const left = clocks.map(({ remainingMs }) => Math.round(remainingMs / MINUTE)).join()
  const rests = lastRests(course.log, course.asOf)
  const next = nextChangeAt === null ? '' : Math.round((nextChangeAt - course.asOf) / MINUTE)
  return `${way.leg} ${way.leftMs} ${left} ${rests} ${next} ${way.steps.at(-1)?.status ?? ''}`
}

/** Rests of longer ago are in no pair with one to come. */
const PAIRED_WITHIN_MS = 2 * DAY

/** How long ago the rests were that may count with others, and how long. */
function lastRests(log: readonly DutyEvent[], asOf: Instant): string {
  const found: string[] = []
  for (let i = log.length - 1; i >= 0 && asOf - log[i]!.at < PAIRED_WITHIN_MS; i--) {
    const until = log[i + 1]?.at ?? asOf
    if (RESTS.has(log[i]!.status) && until - log[i]!.at >= WTD.breakPart)
      found.push(`${log[i]!.status}${(asOf - until) / MINUTE}:${(until - log[i]!.at) / MINUTE}`)
  }
  return found.join()
}

const RESTS: ReadonlySet<DutyStatus> = new Set(['OFF', 'SB', 'PC', 'REST', 'FERRY'])

/** What may be done next: the leg for as long as is legal, or a rest. */
function stepsFrom(course: Course, way: Way, legs: readonly Step[]): Step[] {
  const { status } = legs[way.leg]!
  const steps: Step[] = []
  for (const ms of longest(course, status, way.leftMs)) if (ms >= MINUTE) steps.push({ status, ms })
  // A rest that gives nothing is no way on; a longer one in its place is.
  if (way.steps.length > 0 && RESTS.has(way.steps.at(-1)!.status)) return steps
  return [...steps, ...restsHere(course), ...restThatSuffices(course, way, legs)]
}

/**
 * The shortest rest, to the minute, after which all that is left to do is legal without another. What a day must hold is asked for
 * by work alone too, so it may be shorter than any rest that gives driving.
 */
function restThatSuffices(course: Course, way: Way, legs: readonly Step[]): Step[] {
  const left = legs.slice(way.leg).map((leg, i) => (i === 0 ? { ...leg, ms: way.leftMs } : leg))
  const rest = (minutes: number): Step => ({ status: restsOf(course.ruleset)[0]!, ms: minutes * MINUTE })
  const suffices = (minutes: number) => whatIf(course, [rest(minutes), ...left]).legal
  let [no, yes] = [0, DAY / MINUTE]
  if (suffices(no) || !suffices(yes)) return []
  while (yes - no > 1) {
    const middle = (yes + no) >> 1
    if (suffices(middle)) yes = middle
    else no = middle
  }
  return [rest(yes)]
}

function restsHere(course: Course): Step[] {
  const { ruleset } = course
  const rest = (ms: number): Step => ({ status: 'REST', ms })
  if (ruleset === 'eu-561') return EUROPEAN_RESTS_MS.map(rest)
  const rests = restsAhead(course).map(({ status, ms }): Step => ({ status, ms }))
  if (isEuropean(ruleset)) return [...rests, ...SHORT_RESTS_MS.map(rest)]
  // The berth serves every kind of pair.
  const pair = pairOf(course)
  const parts = pair ? partsOf(pair, resetOf(ruleset)) : []
  return [...rests, ...parts.map((ms): Step => ({ status: 'SB', ms }))]
}

/**
 * How long a leg may go on from here: as the log stands, and where that is longer, counting on a rest after it that makes good: one that
 * makes a pair with one before it, as a driver does who splits, or the breaks that a day of work still lacks.
 */
function longest(course: Course, status: DutyStatus, mostMs: number): number[] {
  const { ruleset } = course
  const strict =
    status === drivingOf(ruleset)
      ? Math.min(mostMs, drivingFrom(course).ms)
      : legalFor(course, mostMs, (ms) => [{ status, ms }])
  if (strict === mostMs) return [strict]
  const hopeful = hopefulFor(course, status, mostMs)
  return hopeful > strict ? [strict, hopeful] : [strict]
}

/** What a later rest can make good; 0 where none can. */
function hopefulFor(course: Course, status: DutyStatus, mostMs: number): number {
  const { ruleset } = course
  if (ruleset === 'eu-wtd') return legalFor(course, mostMs, (ms) => [{ status, ms }], DAILY_BREAKS)
  if (isEuropean(ruleset) || status !== drivingOf(ruleset)) return 0
  const berth: Step = { status: 'SB', ms: resetOf(ruleset) - MINUTE }
  return legalFor(course, mostMs, (ms) => [{ status, ms }, berth])
}

const resetOf = (ruleset: RulesetId): number =>
  (ruleset.startsWith('ca-') ? canadianLaw(ruleset) : unitedStatesLaw(ruleset)).reset.ms

/** How two rests stand for one; null where they don't. */
function pairOf({ ruleset, options }: Course): PairLaw | null {
  if (!ruleset.startsWith('ca-')) return unitedStatesLaw(ruleset).pair
  const { single, team } = canadianLaw(ruleset).pair
  return options.team ? team : single
}

/** The longest legal plan of a kind that grows, to the minute. What is broken in any case is not its fault, nor what can be cured. */
function legalFor(course: Course, mostMs: number, plan: (ms: number) => Step[], curable?: string): number {
  const named = ({ rule, from }: { rule: string; from: Instant }) => `${rule} ${from}`
  const inAnyCase = new Set(whatIf(course, []).violations.map(named))
  const legal = (ms: number) =>
    whatIf(course, plan(ms)).violations.every((one) => one.rule === curable || inAnyCase.has(named(one)))
  if (legal(mostMs)) return mostMs
  let [yes, no] = [0, Math.ceil(mostMs / MINUTE)]
  while (no - yes > 1) {
    const middle = (yes + no) >> 1
    if (legal(middle * MINUTE)) yes = middle
    else no = middle
  }
  return yes * MINUTE
}

function after(way: Way, step: Step, legs: readonly Step[], restOf: readonly number[]): Way {
  const rests = RESTS.has(step.status) && step.status !== legs[way.leg]!.status
  const leftMs = rests ? way.leftMs : way.leftMs - step.ms
  const done = leftMs <= 0
  const leg = done ? way.leg + 1 : way.leg
  const left = done ? (legs[leg]?.ms ?? 0) : leftMs
  const at = way.at + step.ms
  return {
    steps: [...way.steps, step],
    log: [...way.log, { at: way.at, status: step.status }],
    at,
    leg,
    leftMs: left,
    bound: at + left + (restOf[leg + 1] ?? 0),
  }
}

function joined(steps: readonly Step[]): Step[] {
  const found: Step[] = []
  for (const { status, ms } of steps) {
    const last = found.at(-1)
    if (last?.status === status) last.ms += ms
    else found.push({ status, ms })
  }
  return found
}
