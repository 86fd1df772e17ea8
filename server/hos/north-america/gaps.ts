import type { Instant } from '../../time/instant.ts'
import { evaluateCanada } from '../ca/evaluate.ts'
import { canadianLaw } from '../ca/limits.ts'
import { dailyRestsInDoubt } from '../ca/off-10-day-in-doubt.ts'
import {
  filled,
  type GapEvent,
  type Readings,
  type Run,
  runsOf,
  type Segment,
  segmentsOf,
} from '../gapped.ts'

import type { DutyEvent, DutyStatus, HosOptions, RulesetId } from '../types.ts'
import { evaluateUnitedStates } from '../us/evaluate.ts'
import { unitedStatesLaw } from '../us/limits.ts'
import type { Doubt } from './doubt.ts'

type Span = Pick<Run, 'from' | 'until'>

const RESTS: ReadonlySet<DutyStatus> = new Set(['OFF', 'SB', 'PC'])

/** Where gaps could hold more full rests than this, no pair of rests is counted on at all. */
const MOST_FULL_RESTS = 24

/**
 * The bounds of a log with gaps in North America.
 *
 * At the worst all gaps are driven. That leaves the fewest and shortest rests, the earliest calculation point and the most that counts
 * since, so no filling leaves less of a clock whose driving has been reached: a full rest that is known ends as late or later in any
 * filling, and so does the first rest of a known pair. Two things only turn the other way, and both through a full rest: one after an
 * instant may part two rests around it that made a pair, so that the first counts in the window again; and the first of a pair that
 * a gap makes full is the first of none, so that the second counts. So gaps are driven but for a full rest before an instant and
 * another after it, each in all the places that matter (`fullRestsOf`).
 *
 * At the best all gaps are spent in the berth, and each is at once a full rest, no full rest, and half of every pair that it could
 * be in (see `Doubt`): more than any filling gives. Circumstances that lengthen a limit are left out at the worst and last until a full
 * rest that is known at the best.
 */
export function readNorthAmerica(
  log: readonly GapEvent[],
  ruleset: RulesetId,
  options: HosOptions,
  asOf: Instant,
): Readings {
  const canadian = ruleset.startsWith('ca-')
  const judge = canadian ? evaluateCanada : evaluateUnitedStates
  const resetMs = canadian ? canadianLaw(ruleset).reset.ms : unitedStatesLaw(ruleset).reset.ms
  const harshest = filled(log, 'D')
  const kindest = filled(log, 'SB')
  const segments = segmentsOf(log, asOf)
  const rests = fullRestsOf(segments, resetMs)
  const pairs = rests.length <= MOST_FULL_RESTS
  const harsh: Doubt = { kind: 'harshest', pairs, harshest }
  const fillings = pairs
    ? rests.flatMap((one, i) => rests.slice(i).map((other) => driven(segments, [one, other])))
    : []
  const worst = [harshest, ...fillings].map((one) => judge(one, ruleset, options, asOf, harsh))
  const best = judge(kindest, ruleset, options, asOf, { kind: 'kindest', harshest })
  const days = canadian
    ? dailyRestsInDoubt(harshest, kindest, ruleset, options, asOf)
    : { proven: [], possible: [] }
  return {
    proven: [...best.violations, ...days.proven],
    possible: [...worst.flatMap(({ violations }) => violations), ...days.possible],
    least: worst.map(({ clocks }) => clocks),
    most: best.clocks,
    changes: [...worst, best, judge(kindest, ruleset, options, asOf)].map(({ nextChangeAt }) => nextChangeAt),
  }
}

/**
 * Full rests that gaps may hold, with what is known beside them: of each run as late as they go, as early as they go, and ending
 * where a rest that is known does. One with which the log opens is full, whatever its length.
 */
function fullRestsOf(segments: readonly Segment[], resetMs: number): Span[] {
  const found: Span[] = []
  for (const run of runsOf(segments, (status) => RESTS.has(status))) {
    if (!run.uncertain) continue
    const ends = new Set([run.until, ...run.known.map(({ until }) => until)])
    for (const { from, until, status } of segments) {
      if (status !== null || from < run.from || until > run.until) continue
      ends.add(until - 1)
      const earliest = Math.max(run.from + resetMs, from)
      if (earliest < until) ends.add(earliest)
    }
    const opening = run.from === segments[0]!.from
    for (const until of ends) {
      if (until - resetMs >= run.from) found.push({ from: until - resetMs, until })
      else if (opening) found.push({ from: run.from, until })
    }
  }
  return found
}

/** The log with its gaps driven but for some rests. */
function driven(segments: readonly Segment[], rests: readonly Span[]): DutyEvent[] {
  const edges = rests.flatMap(({ from, until }) => [from, until])
  return segments.flatMap(({ from, until, status }): DutyEvent[] => {
    if (status !== null) return [{ at: from, status }]
    const cuts = [from, ...edges.filter((at) => at > from && at < until).sort((a, b) => a - b)]
    const rested = (at: Instant) => rests.some((rest) => rest.from <= at && at < rest.until)
    return cuts.map((at) => ({ at, status: rested(at) ? 'OFF' : 'D' }))
  })
}
