import type { Instant } from '../../../time/instant.ts'
import { runsOf, type Segment } from '../../gapped.ts'
import { RULE } from '../dailyRest.ts'
import { LIMITS, MS } from '../limits.ts'
import { RULE as REDUCED } from '../reducedRests.ts'
import { type Block, type Bounds, blocksOf, type Doubtful, isRest, violation } from './blocks.ts'

export interface DailyRestSettings {
  multiManning: boolean
  crewRestCounts: boolean
}

export const windowOf = ({ multiManning }: DailyRestSettings) =>
  multiManning ? MS.dailyRestWindowAsCrew : MS.dailyRestWindow

/**
 * Art. 8(2) and (4) over all fillings, between rests of nine hours that are known. Where no gap can be such a rest or move one, the period is
 * what it is. Else a period may begin at any time from the end of the last rest that is known, so none can be broken before 24 h from
 * there, and all may be after; and in a stretch in which no such rest can lie one is broken for sure if it leaves no nine hours of
 * the 24. Each nine hours of a gap may be a reduced rest.
 */
export function dailyRestInDoubt(
  segments: readonly Segment[],
  settings: DailyRestSettings,
  asOf: Instant,
): Doubtful {
  const found: Doubtful = { proven: [], possible: [] }
  const windowMs = windowOf(settings)
  const citation = (settings.multiManning ? LIMITS.dailyRestWindowAsCrew : LIMITS.dailyRestWindow).citation
  const told = (from: Instant, until: Instant, since: Instant) =>
    violation(RULE, citation, [from, until], [MS.dailyRestReduced, 0, since])
  for (const block of blocksOf(segments, MS.dailyRestReduced)) {
    const { from, until, closing, bare, exact } = block
    const due = from + windowMs
    if (due > asOf || (closing && closing.from + MS.dailyRestReduced <= due)) continue
    if (!exact) {
      const end = closing ? Math.min(asOf, closing.from + MS.dailyRestReduced) : asOf
      found.possible.push(told(due, end, from))
    }
    for (const stretch of bare) {
      const dueHere = stretch.from + windowMs
      const restFrom = Math.min(stretch.until, asOf)
      const isLast = stretch.until === until && !closing
      const missed = isLast ? restFrom >= dueHere : restFrom + MS.dailyRestReduced > dueHere
      if (!missed || dueHere > asOf) continue
      // Where the period may have begun sooner, it may have been over by then.
      if (exact || stretch.from === from || restFrom >= dueHere)
        found.proven.push(told(dueHere, Math.max(dueHere, restFrom), stretch.from))
    }
  }
  countReduced(segments, settings, asOf, found)
  return found
}

/** Reduced rests since the last weekly one, to the end; and what the fourth breaks. */
function countReduced(
  segments: readonly Segment[],
  settings: DailyRestSettings,
  asOf: Instant,
  found: Doubtful | null,
): Bounds {
  let [least, most] = [0, 0]
  if (settings.multiManning && !settings.crewRestCounts) return { least, most }
  for (const block of blocksOf(segments, MS.dailyRestReduced)) {
    const { from, closing, closingRun, maybe } = block
    const { sure, possible } = kindOf(block, windowOf(settings))
    const windowUntil = from + windowOf(settings)
    const inGaps = maybe.reduce((sum, run) => {
      const ms = Math.min(run.until, asOf) - Math.max(run.from, from)
      return sum + Math.max(0, Math.floor(ms / MS.dailyRestReduced))
    }, 0)
    const weekly = (ms: number) => ms >= MS.weeklyRestReduced
    const more = inGaps + (possible ? 1 : 0)
    most += more
    if (sure) least++
    if (maybe.some((run) => weekly(run.until - run.from))) least = 0
    const told = (begin: Instant, end: Instant) =>
      violation(REDUCED, LIMITS.reducedDailyRests.citation, [begin, end], [MS.dailyRest, 0, from])
    if (found && more > 0 && most > MS.reducedDailyRests) {
      const end = Math.min(closing?.until ?? asOf, windowUntil)
      if (sure && least > MS.reducedDailyRests) found.proven.push(told(end, end))
      else if (!block.exact) found.possible.push(told(from, Math.min(asOf, closingRun?.until ?? asOf)))
      else found.possible.push(told(end, Math.max(end, Math.min(closingRun!.until, windowUntil, asOf))))
    }
    if (closing && weekly(closing.until - closing.from)) [least, most] = [0, 0]
  }
  return { least, most }
}

/** Is the rest that closes a block a reduced one: for sure, or possibly? */
function kindOf(block: Block, windowMs: number): { sure: boolean; possible: boolean } {
  const { from, closing, closingRun, exact } = block
  if (!closing || !closingRun || closing.until - closing.from >= MS.weeklyRestReduced)
    return { sure: false, possible: false }
  if (!exact) return { sure: false, possible: true }
  const windowUntil = from + windowMs
  const insideMs = Math.min(closing.until, windowUntil) - closing.from
  const mostInsideMs = Math.min(closingRun.until, windowUntil) - closing.from
  const firstPart = firstPartOf(block)
  const possible = mostInsideMs >= MS.dailyRestReduced && insideMs < MS.dailyRest && !firstPart.sure
  const sure = possible && mostInsideMs < MS.dailyRest && !firstPart.possible && !closingRun.uncertain
  return { sure, possible }
}

function firstPartOf({ segments }: Block): { sure: boolean; possible: boolean } {
  const runs = runsOf(segments, isRest)
  const long = ({ from, until }: { from: Instant; until: Instant }) => until - from >= MS.dailyRestFirstPart
  return { sure: runs.some(({ known }) => known.some(long)), possible: runs.some(long) }
}

/** The clock `dutyDaily`: minutes until the daily rest must begin. */
export function dutyDailyInDoubt(
  segments: readonly Segment[],
  settings: DailyRestSettings,
  asOf: Instant,
): { limitMs: number; remainingMs: Bounds } {
  const windowMs = windowOf(settings)
  const alwaysNine = settings.multiManning && !settings.crewRestCounts
  const { least, most } = countReduced(segments, settings, asOf, null)
  const needWith = (count: number, firstPart: boolean) =>
    alwaysNine || firstPart || count < MS.reducedDailyRests ? MS.dailyRestReduced : MS.dailyRest
  const last = blocksOf(segments, MS.dailyRestReduced).at(-1)
  const limitMs = windowMs - needWith(least, false)
  const whole = { least: windowMs - needWith(most, false), most: limitMs }
  // At rest for nine hours: a whole new period.
  if (!last || last.closing) return { limitMs, remainingMs: whole }
  const firstPart = firstPartOf(last)
  const left = (from: Instant, need: number) => Math.max(0, from + windowMs - need - asOf)
  const leastMs = Math.min(whole.least, left(last.from, needWith(most, last.exact && firstPart.sure)))
  const latest = last.maybe.at(-1)
  const sinceLatest = Math.max(last.from, latest?.until ?? last.from)
  const mostMs = latest?.until === asOf ? whole.most : left(sinceLatest, needWith(least, firstPart.possible))
  return {
    limitMs: Math.max(limitMs, mostMs),
    remainingMs: { least: Math.min(leastMs, mostMs), most: mostMs },
  }
}
