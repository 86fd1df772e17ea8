import type { Instant } from '../../../time/instant.ts'
import { type Run, runsOf, type Segment } from '../../gapped.ts'
import type { Violation } from '../../types.ts'
import { RULE as COMPENSATION, type Debt } from '../compensation.ts'
import { LIMITS, MS } from '../limits.ts'
import { RULE as PAIRS } from '../weeklyPairs.ts'
import { RULE } from '../weeklyRest.ts'
import type { Weeks } from '../weeks.ts'
import { blocksOf, type Doubtful, isRest, violation } from './blocks.ts'

/** Art. 8(6) over all fillings: between weekly rests that are known, as for the daily rest. */
export function weeklyRestInDoubt(segments: readonly Segment[], asOf: Instant): Doubtful {
  const found: Doubtful = { proven: [], possible: [] }
  const told = (from: Instant, until: Instant, since: Instant) =>
    violation(
      RULE,
      LIMITS.betweenWeeklyRests.citation,
      [from, until],
      [MS.betweenWeeklyRests, until - since, since],
    )
  for (const { from, until, closing, bare } of blocksOf(segments, MS.weeklyRestReduced)) {
    const end = Math.min(closing?.from ?? asOf, asOf)
    const due = from + MS.betweenWeeklyRests
    if (end > due) found.possible.push(told(due, end, from))
    for (const stretch of bare) {
      const dueHere = stretch.from + MS.betweenWeeklyRests
      const restFrom = Math.min(stretch.until, until, asOf)
      if (restFrom > dueHere) found.proven.push(told(dueHere, restFrom, stretch.from))
    }
  }
  return found
}

interface Readings {
  /** What the log breaks with every gap driven, and with every gap at rest. */
  harshest: readonly Violation[]
  kindest: readonly Violation[]
  /** Debts of reduced weekly rests, with every gap driven. */
  debts: readonly Debt[]
  weeks: Weeks
  twoReducedAbroad: boolean
  asOf: Instant
}

const mayBe = (run: Run, ms: number) => run.uncertain && run.until - run.from >= ms

/**
 * Art. 8(6) and (6b) over all fillings. Which weeks a rest over Sunday midnight counts in hangs on other such rests, so a gap that
 * may be a weekly rest puts in doubt the weeks that it lies in, and on both sides those as far as rests run over a Sunday midnight, one into
 * the other. Pairs of other weeks are what they are. Where no gap may be a weekly rest the debts are known; if all are paid with
 * every gap driven, they are paid in any filling; else which of them is paid by a rest in a gap is open.
 */
export function weeksInDoubt(segments: readonly Segment[], readings: Readings): Doubtful {
  const runs = runsOf(segments, isRest)
  const doubtful = weeksInDoubtOf(runs, readings)
  const found: Doubtful = { proven: [], possible: [] }
  pairs(runs, doubtful, readings, found)
  compensation(runs, doubtful, readings, found)
  return found
}

function weeksInDoubtOf(runs: readonly Run[], { weeks, twoReducedAbroad, asOf }: Readings): Set<number> {
  const touched = (run: Run) => {
    const found: number[] = []
    const last = Math.min(weeks.of(run.until - 1), weeks.of(asOf) + 1)
    for (let week = weeks.of(run.from); week <= last; week++) found.push(week)
    return found
  }
  const open = new Set(runs.filter((run) => mayBe(run, MS.weeklyRestReduced)).flatMap(touched))
  if (open.size === 0) return open
  const [first, last] = [weeks.of(runs[0]!.until - 1), weeks.of(asOf) + 1]
  if (twoReducedAbroad) {
    for (let week = first; week <= last; week++) open.add(week)
    return open
  }
  const across = new Set<number>()
  for (const run of runs) {
    if (run.uncertain || run.until - run.from < MS.weeklyRestReduced) continue
    const mine = touched(run)
    if (mine.length > 1) for (const week of mine) across.add(week)
  }
  for (const week of [...open]) {
    for (let w = week - 1; w >= first && across.has(w); w--) open.add(w)
    for (let w = week + 1; w <= last && across.has(w); w++) open.add(w)
  }
  return open
}

function pairs(
  runs: readonly Run[],
  doubtful: ReadonlySet<number>,
  { harshest, kindest, weeks, asOf }: Readings,
  found: Doubtful,
): void {
  const endsBy = (at: Instant) =>
    Math.min(asOf, runs.find((run) => run.from < at && run.until > at)?.until ?? at)
  const isOpen = (second: number) => doubtful.has(second - 1) || doubtful.has(second)
  const secondOf = ({ explanation }: Violation) => weeks.of(explanation.since!) + 1
  for (const one of harshest) {
    if (one.rule !== PAIRS || isOpen(secondOf(one))) continue
    const same = kindest.some((other) => other.rule === PAIRS && other.from === one.from)
    if (same) found.proven.push(one)
    else found.possible.push({ ...one, until: Math.max(one.until, endsBy(weeks.startOf(secondOf(one) + 1))) })
  }
  const opens = runs[0]
  if (!opens) return
  const first = weeks.of(opens.known[0]!.until - 1)
  for (let second = first + 1; weeks.startOf(second + 1) <= asOf; second++) {
    if (!isOpen(second) || isSurelyLawful(second, runs, weeks)) continue
    const at = weeks.startOf(second + 1)
    found.possible.push(
      violation(
        PAIRS,
        '(EC) 561/2006 art. 8(6)',
        [at, endsBy(at)],
        [MS.weeklyRest, 0, weeks.startOf(second - 1)],
      ),
    )
  }
}

/** Have both weeks a weekly rest that is known and lies in them alone, and one of them a whole one? */
function isSurelyLawful(second: number, runs: readonly Run[], weeks: Weeks): boolean {
  const longest = (week: number) => {
    const inside = runs.filter(
      (run) => run.from >= weeks.startOf(week) && run.until <= weeks.startOf(week + 1),
    )
    return Math.max(0, ...inside.flatMap(({ known }) => known.map(({ from, until }) => until - from)))
  }
  const [one, two] = [longest(second - 1), longest(second)]
  return Math.min(one, two) >= MS.weeklyRestReduced && Math.max(one, two) >= MS.weeklyRest
}

function compensation(
  runs: readonly Run[],
  doubtful: ReadonlySet<number>,
  { harshest, kindest, debts, weeks, asOf }: Readings,
  found: Doubtful,
): void {
  const of = (all: readonly Violation[]) => all.filter(({ rule }) => rule === COMPENSATION)
  const [broken, stillBroken] = [of(harshest), of(kindest)]
  const carrier = runs.find((run) => mayBe(run, MS.dailyRestReduced + 1))
  const told = (from: Instant, owedMs: number, since: Instant) =>
    violation(COMPENSATION, LIMITS.weeksToCompensate.citation, [from, asOf], [owedMs, 0, since])
  for (const one of broken) {
    const settled = !carrier || one.from <= carrier.from
    const week = weeks.of(one.explanation.since! - 1)
    const known = settled && !doubtful.has(week) && !doubtful.has(week - 1)
    if (known && stillBroken.some(({ from }) => from === one.from)) found.proven.push(one)
  }
  if (!carrier) return
  if (doubtful.size === 0) {
    if (broken.length > 0)
      for (const { deadline, owedMs, rest } of debts)
        if (deadline <= asOf) found.possible.push(told(deadline, owedMs, rest.until))
    return
  }
  for (const run of runs) {
    const ms = run.until - run.from
    const reduced = run.uncertain
      ? ms >= MS.weeklyRestReduced
      : ms >= MS.weeklyRestReduced && ms < MS.weeklyRest
    const deadline = weeks.startOf(
      weeks.of(Math.max(run.from, runs[0]!.until - 1)) + MS.weeksToCompensate + 1,
    )
    if (reduced && deadline <= asOf)
      found.possible.push(told(deadline, MS.weeklyRest - MS.weeklyRestReduced, run.until))
  }
}
