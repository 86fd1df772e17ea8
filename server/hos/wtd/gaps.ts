import { type Instant, MINUTE } from '../../time/instant.ts'
import { zone } from '../../time/zone.ts'
import { evaluateBy } from '../eu/activities.ts'
import {
  type Block,
  blocksOf,
  type Doubtful,
  isRest,
  passingOf,
  restsOnly,
  sumOf,
  violation,
} from '../eu/in-doubt/blocks.ts'
import { type Counts, mayPass, mostAt, periodsOf } from '../eu/in-doubt/periods.ts'
import { type Bound, filled, type GapEvent, type Readings, runsOf, segmentsOf } from '../gapped.ts'
import type { HosOptions, RulesetId } from '../types.ts'
import { RULE as DAILY } from './dailyBreaks.ts'
import { workingTimeRules } from './evaluate.ts'
import { LIMITS, MS } from './limits.ts'
import { RULE as NIGHT, nightAfter } from './night.ts'

const isWork: Counts = (status) => status === 'DRIVE' || status === 'WORK'

/**
 * The bounds of a log with gaps under Directive 2002/15/EC. Work by weeks and since the last break only adds up, and rest only takes away: at
 * the worst all gaps are work, at the best all are rest. A day's breaks are bounded between daily rests that are known, and the 24 h
 * of night work by periods whose beginning is known; where it is not, by all 24 h that there may be.
 */
export function readWorkingTime(
  log: readonly GapEvent[],
  _ruleset: RulesetId,
  options: HosOptions,
  asOf: Instant,
): Readings {
  const harshest = evaluateBy(workingTimeRules, filled(log, 'WORK'), options, asOf)
  const kindest = evaluateBy(workingTimeRules, filled(log, 'REST'), options, asOf)
  const segments = segmentsOf(log, asOf)
  const blocks = blocksOf(restsOnly(segments), MS.dailyRest)
  const night = { zone: zone(options.timeZone), startMs: (options.nightStartMinutes ?? 0) * MINUTE }
  const parts = [dailyBreaks(blocks, asOf), nightWork()]
  const turning = new Set([DAILY, NIGHT])
  const adding = (of: typeof harshest) => of.violations.filter(({ rule }) => !turning.has(rule))
  const clocks = (of: typeof harshest, which: 'least' | 'most'): Bound[] =>
    of.clocks.map((clock) => {
      if (clock.rule === DAILY) return { ...clock, ...dailyClock(blocks.at(-1), which) }
      if (clock.rule === NIGHT) return { ...clock, remainingMs: nightClock(clock.remainingMs, which) }
      return clock
    })
  return {
    proven: [...adding(kindest), ...parts.flatMap(({ proven }) => proven)],
    possible: [...adding(harshest), ...parts.flatMap(({ possible }) => possible)],
    least: [clocks(harshest, 'least')],
    most: clocks(kindest, 'most'),
    changes: [harshest.nextChangeAt, kindest.nextChangeAt],
  }

  function nightWork(): Doubtful {
    const periods = periodsOf(segments, MS.periodWithNight, isWork, asOf)
    const inKnown = ({ explanation: { since } }: { explanation: { since: Instant | null } }) =>
      periods.known.some(({ from }) => from === since)
    const found: Doubtful = {
      proven: kindest.violations.filter((one) => one.rule === NIGHT && inKnown(one)),
      possible: harshest.violations.filter((one) => one.rule === NIGHT && inKnown(one)),
    }
    for (const open of periods.open) {
      const most = segments.filter(({ status }) => status === null || isWork(status))
      for (const { from, until } of mayPass(segments, open, MS.periodWithNight, MS.workWithNight, isWork)) {
        // The night may come before the 10 h are over, or after.
        const [begin, end] = [from - MS.periodWithNight, until + MS.periodWithNight]
        const dark =
          nightAfter(night, begin).from < end && most.some((one) => one.until > begin && one.from < end)
        if (dark)
          found.possible.push(
            violation(
              NIGHT,
              LIMITS.workWithNight.citation,
              [from, Math.min(end, asOf)],
              [MS.workWithNight, MS.workWithNight, null],
            ),
          )
      }
    }
    return found
  }

  function nightClock(remainingMs: number, which: 'least' | 'most'): number {
    const open = periodsOf(segments, MS.periodWithNight, isWork, asOf).open.find(
      ({ until }) => until === asOf,
    )
    if (!open) return remainingMs
    const tillNight = Math.max(0, nightAfter(night, asOf).from - asOf)
    if (which === 'most') return Math.max(MS.workWithNight, tillNight, remainingMs)
    return Math.max(0, MS.workWithNight - mostAt(segments, open, MS.periodWithNight, isWork, asOf))
  }
}

/**
 * What a block holds of work and of breaks, at the least and at the most. A day that gaps leave open begins and ends in them, and so holds
 * a whole stretch in which no daily rest can lie, with its breaks; the last day holds the last of these. But two rests in one run
 * may have a day of work between them.
 */
function contentOf({ segments, exact, maybe, bare, until }: Block) {
  const sure = segments.filter(({ status }) => status !== null && isWork(status))
  const most = segments.filter(({ status }) => status === null || isWork(status))
  const runs = runsOf(segments, isRest)
  const long = (span: { from: Instant; until: Instant }) => span.until - span.from >= MS.breakPart
  const breaksIn = (one: { from: Instant; until: Instant }) =>
    sumOf(
      runs.flatMap(({ known }) =>
        known.filter((rest) => long(rest) && rest.from >= one.from && rest.until <= one.until),
      ),
    )
  const all = exact ? sumOf(runs.flatMap(({ known }) => known.filter(long))) : 0
  const dayWithin = maybe.some((run) => run.until - run.from > 2 * MS.dailyRest)
  const breaksLeast = exact ? all : dayWithin ? 0 : Math.min(...bare.map(breaksIn))
  const tail = bare.at(-1)
  const breaksOfLast = exact ? all : tail?.until === until ? breaksIn(tail) : 0
  const breaksMost = sumOf(runs.filter(long))
  return { sure, most, breaksLeast, breaksOfLast, breaksMost }
}

function dailyBreaks(blocks: readonly Block[], asOf: Instant): Doubtful {
  const found: Doubtful = { proven: [], possible: [] }
  for (const block of blocks) {
    const { exact, closing, until } = block
    // A day that goes on is not judged yet.
    if (!closing && exact) continue
    const { sure, most, breaksLeast, breaksMost } = contentOf(block)
    const from = firstLack(most, breaksLeast)
    const told = (at: Instant, end: Instant, reachedMs: number) =>
      violation(DAILY, LIMITS.breakOfDay.citation, [at, end], [MS.breakOfDay, reachedMs, block.from])
    if (from !== null) found.possible.push(told(from, Math.min(until, asOf), breaksLeast))
    const surely = exact && closing ? firstLack(sure, breaksMost) : null
    if (surely !== null) found.proven.push(told(surely, sure.at(-1)!.until, breaksMost))
  }
  return found
}

/** From which hour of work on breaks are lacking. */
function firstLack(work: Parameters<typeof passingOf>[0], breaksMs: number): Instant | null {
  const short = breaksMs < MS.breakOfDay ? passingOf(work, MS.dayWithBreak) : null
  return short ?? (breaksMs < MS.longBreakOfDay ? passingOf(work, MS.dayWithLongBreak) : null)
}

function dailyClock(
  block: Block | undefined,
  which: 'least' | 'most',
): { limitMs: number; remainingMs: number } {
  const left = (breaksMs: number, workedMs: number) => {
    if (breaksMs >= MS.longBreakOfDay)
      return { limitMs: MS.dayWithLongBreak, remainingMs: MS.dayWithLongBreak }
    const limitMs = breaksMs >= MS.breakOfDay ? MS.dayWithLongBreak : MS.dayWithBreak
    return { limitMs, remainingMs: Math.max(0, limitMs - workedMs) }
  }
  const whole = left(0, 0)
  if (!block || block.closing) return whole
  const { sure, most, breaksOfLast, breaksMost } = contentOf(block)
  if (which === 'least') return left(breaksOfLast, sumOf(most))
  const best = left(breaksMost, block.exact ? sumOf(sure) : 0)
  return best.remainingMs >= whole.remainingMs || block.exact ? best : whole
}
