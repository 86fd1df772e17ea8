import { DAY, type Instant, MINUTE } from '../time/instant.ts'
import { canadianLaw } from './ca/limits.ts'
import { ledgerOf } from './eu/ledger.ts'
import { LIMITS, MS } from './eu/limits.ts'
import { evaluate } from './evaluate.ts'
import { type Course, type Driving, drivingFrom, drivingOf, known, type Step, whatIf } from './forecast.ts'
import type { PairLaw } from './north-america/limits.ts'
import { type DutyStatus, isEuropean, type RulesetId, type Violation } from './types.ts'
import { unitedStatesLaw } from './us/limits.ts'

/** What a rest leaves in the EU. */
export interface EuCost {
  reducedRestsLeft: number
  extensionsLeft: number
  /** Rest that must be made good later, and by when. */
  owed: { owedMs: number; dueAt: Instant }[]
}

/** A rest in two parts: a split in North America; 15 + 30 min or 3 + 9 h in the EU. */
export interface PairAdvice {
  kind: 'split' | 'break' | 'daily'
  citation: string
  /** The part taken already, or in the EU the part to take now: then it ends after the instant asked about. */
  first: { from: Instant; until: Instant }
  second: { status: DutyStatus; ms: number }
  /** The last minute at which the second part may begin so that the pair still helps, the driver driving (3 + 9 h: working) till then. */
  beginBy: Instant
  /** Driving after the second part, begun then. */
  driving: Driving
  cost: EuCost | null
}

/** The rests and the ledger of (EC) 561/2006. */
export const isEu = (ruleset: RulesetId) => ruleset === 'eu-561'

/** Which pairs can be completed from `asOf` on, and by when. Shortest second part first. */
export function pairsAhead(course: Course): PairAdvice[] {
  if (isEu(course.ruleset)) return [breakInTwo(course), dailyRestInTwo(course)].filter((one) => one !== null)
  return isEuropean(course.ruleset) ? [] : splits(course)
}

const REST: ReadonlySet<DutyStatus> = new Set(['OFF', 'SB', 'PC', 'REST', 'FERRY'])

/** Since when the driver is at rest: `asOf` while not. */
export function restingSince(course: Course): { since: Instant; resting: boolean } {
  const run = restsBefore(course).at(-1)
  const resting = run !== undefined && run.until === course.asOf && REST.has(known(course).at(-1)!.status)
  return { since: resting ? run.from : course.asOf, resting }
}

interface Run {
  from: Instant
  until: Instant
  /** The longest stretch in the berth. */
  berthMs: number
}

/** Uninterrupted rests of the log. */
function restsBefore(course: Course): Run[] {
  const log = known(course)
  const runs: Run[] = []
  let berthFrom: Instant | null = null
  log.forEach(({ at, status }, i) => {
    const until = log[i + 1]?.at ?? course.asOf
    if (!REST.has(status) || until === at) return
    let run = runs.at(-1)
    if (run?.until === at) run.until = until
    else {
      run = { from: at, until, berthMs: 0 }
      runs.push(run)
      berthFrom = null
    }
    berthFrom = status === 'SB' ? (berthFrom ?? at) : null
    if (berthFrom !== null) run.berthMs = Math.max(run.berthMs, until - berthFrom)
  })
  return runs
}

/** The longest `ms` by the minute for which a plan breaks nothing that resting at once would not; null if none. */
function latest(course: Course, plan: (ms: number) => Step[]): number | null {
  const named = ({ rule, from }: Violation) => `${rule} ${from}`
  const inAnyCase = new Set(whatIf(course, plan(0).slice(0, -1)).violations.map(named))
  const legal = (minutes: number) =>
    whatIf(course, plan(minutes * MINUTE)).violations.every((one) => inAnyCase.has(named(one)))
  if (!legal(0)) return null
  let [yes, no] = [0, DAY / MINUTE]
  while (no - yes > 1) {
    const middle = (yes + no) >> 1
    if (legal(middle)) yes = middle
    else no = middle
  }
  return yes * MINUTE
}

/** The course after a plan. */
function after(course: Course, plan: readonly Step[]): Course {
  let at = course.asOf
  const log = known(course)
  for (const { status, ms } of plan) {
    if (ms > 0) log.push({ at, status })
    at += ms
  }
  return { ...course, log, asOf: at }
}

/** Rests looked at as the first of a pair, the latest ones. */
const FIRSTS = 3

function splits(course: Course): PairAdvice[] {
  const { ruleset, options, asOf } = course
  const { pair, resetMs } = pairLawOf(ruleset, options.team ?? false)
  if (!pair || restingSince(course).resting) return []
  const status = drivingOf(ruleset)
  const runs = restsBefore(course)
  const firsts = runs.slice(runs.findLastIndex((run) => run.until - run.from >= resetMs) + 1).slice(-FIRSTS)
  const found: PairAdvice[] = []
  for (const first of firsts) {
    const second = secondOf(first, pair)
    if (!second || second.ms >= resetMs) continue
    const way = (ms: number): Step[] => [{ status, ms }, second]
    const ms = latest(course, (before) => [...way(before), { status, ms: MINUTE }])
    if (ms === null) continue
    const then = after(course, way(ms))
    // Where driving goes on as without the second rest, no pair has been made.
    const clocks = evaluate([...then.log, { at: then.asOf, status }], ruleset, options, then.asOf).clocks
    if (clocks.find(({ name }) => name === 'drive')?.since !== first.until) continue
    const { from, until } = first
    const driving = drivingFrom(then)
    found.push({
      kind: 'split',
      citation: pair.citation,
      first: { from, until },
      second,
      beginBy: asOf + ms,
      driving,
      cost: null,
    })
  }
  return found.sort((a, b) => a.second.ms - b.second.ms)
}

function pairLawOf(ruleset: RulesetId, team: boolean): { pair: PairLaw | null; resetMs: number } {
  if (!ruleset.startsWith('ca-')) {
    const { pair, reset } = unitedStatesLaw(ruleset)
    return { pair, resetMs: reset.ms }
  }
  const { pair, reset } = canadianLaw(ruleset)
  return { pair: team ? pair.team : pair.single, resetMs: reset.ms }
}

/** The shortest rest that makes a pair with an earlier one; null where none does. */
function secondOf(first: Run, { of, leastMs, togetherMs, berthMs }: PairLaw): Step | null {
  const firstMs = of === 'berth' ? first.berthMs : first.until - first.from
  if (firstMs < leastMs) return null
  const inBerth = of === 'berth' || first.berthMs < berthMs
  const ms = Math.max(leastMs, togetherMs - firstMs, of === 'rest' && inBerth ? berthMs : 0)
  return { status: inBerth ? 'SB' : 'OFF', ms }
}

/** Art. 7, second paragraph: 15 minutes, then 30 before 4 h 30 of driving are over. */
function breakInTwo(course: Course): PairAdvice | null {
  const taken = restsBefore(course).findLast((run) => run.until - run.from >= MS.breakFirstPart)
  const half: Step = { status: 'REST', ms: MS.breakSecondPart }
  const full = (steps: readonly Step[]) => {
    const then = after(course, steps)
    const { clocks } = evaluate(then.log, then.ruleset, then.options, then.asOf)
    const clock = clocks.find(({ name }) => name === 'break')
    return clock !== undefined && clock.remainingMs === clock.limitMs
  }
  if (full([])) return null
  const minute: Step = { status: 'DRIVE', ms: MINUTE }
  const counts = taken !== undefined && full([minute, half])
  const first = counts ? taken : partFromNow(course, MS.breakFirstPart)
  return inTwo(course, 'break', LIMITS.breakSecondPart.citation, first, 'DRIVE', half)
}

/** Art. 4(g): 3 h, then 9 before the 24 h are over. */
function dailyRestInTwo(course: Course): PairAdvice | null {
  const { dailyFirstPart, dailyRestDueAt } = ledgerOf(course.log, course.options, course.asOf)
  if (dailyRestDueAt === null) return null
  const first = dailyFirstPart ?? partFromNow(course, MS.dailyRestFirstPart)
  const second: Step = { status: 'REST', ms: MS.dailyRestReduced }
  return inTwo(course, 'daily', LIMITS.dailyRestFirstPart.citation, first, 'WORK', second)
}

/** A first part taken now; a rest that runs already counts for it. */
function partFromNow(course: Course, ms: number): { from: Instant; until: Instant } {
  const { since } = restingSince(course)
  return { from: since, until: Math.max(course.asOf, since + ms) }
}

function inTwo(
  course: Course,
  kind: PairAdvice['kind'],
  citation: string,
  { from, until }: { from: Instant; until: Instant },
  between: DutyStatus,
  second: Step,
): PairAdvice | null {
  const firstLeft: Step = { status: 'REST', ms: Math.max(0, until - course.asOf) }
  const way = (ms: number): Step[] => [firstLeft, { status: between, ms: ms + MINUTE }, second]
  const ms = latest(course, (before) => [...way(before), { status: 'DRIVE', ms: MINUTE }])
  if (ms === null) return null
  const then = after(course, way(ms))
  const { firstPart: _, ...cost } = euCostOf(then)
  return {
    kind,
    citation,
    first: { from, until },
    second,
    beginBy: then.asOf - second.ms,
    driving: drivingFrom(then),
    cost,
  }
}

/** What is left once the driver works again after a rest, and whether that rest was a second part. */
export function euCostOf(course: Course): EuCost & { firstPart: boolean } {
  const { options, asOf } = course
  const working = [...known(course), { at: asOf, status: 'WORK' as const }]
  const { reducedRestsLeft, extensionsLeft, debts } = ledgerOf(working, options, asOf + MINUTE)
  const firstPart = ledgerOf(known(course), options, asOf).dailyFirstPart !== null
  return { reducedRestsLeft, extensionsLeft, owed: debts, firstPart }
}
