import type { Instant } from '../../time/instant.ts'
import { type Rest, type Timeline, timelineOf } from '../north-america/timeline.ts'
import type { DutyEvent, HosOptions, RulesetId, Violation } from '../types.ts'
import { dayNumber, deferralsOf } from './deferral.ts'
import { canadianLaw } from './limits.ts'

/** Bounds of an amount of time over all fillings of a log's gaps. */
interface Bounds {
  least: number
  most: number
}

/**
 * The days that lack their rest however a log's gaps are filled, and those that lack it in some filling: SOR/2005-313 s. 14.
 *
 * A day's rest, and its rest beyond the mandatory hours, are bounded from both sides. A run of rest that is known counts as it does
 * without gaps. A run with a gap in it may be rest in whole or cut anywhere, so it gives from what is known of it (nothing beyond the
 * mandatory hours, if it may hold them) to all that lies in the day. Hours beyond eight of a rest over midnight go to the day before as
 * far as it lacks them: the less that day has otherwise, the more it takes, but never so much that it ends with more; so the bounds of
 * what it has give the bounds of what is left to the next. A day that defers, or that another deferred to, is only ever possible.
 * @param harshest the log with every gap driven
 * @param kindest the log with every gap in the berth
 */
export function dailyRestsInDoubt(
  harshest: readonly DutyEvent[],
  kindest: readonly DutyEvent[],
  ruleset: RulesetId,
  options: HosOptions,
  asOf: Instant,
): { proven: Violation[]; possible: Violation[] } {
  const { dailyRest, adverse, deferral } = canadianLaw(ruleset)
  const found = { proven: [] as Violation[], possible: [] as Violation[] }
  if (!dailyRest) return found
  const { leastMs, mandatoryMs, totalMs, rule } = dailyRest
  const known = timelineOf(harshest, options, asOf)
  const line = timelineOf(kindest, options, asOf)
  const runs = line.rests.map((run) => runOf(run, known, leastMs, mandatoryMs))
  const deferrals = deferralsOf(line, options, deferral)
  const adverseOn = new Set(options.adverseConditions?.map((at) => dayNumber(line, options, at)))
  /** By how much the mandatory hours of the rest over the last midnight begin later than the rest. */
  let shift: Bounds = { least: 0, most: 0 }

  for (let d = 0; d < line.day[line.count]!; d++) {
    const [first, end] = [line.dayBoundary[d]!, line.dayBoundary[d + 1]!]
    const until = line.at[end]!
    const from =
      d > 0
        ? line.at[first]!
        : line.clock.startOf(line.clock.dateOf(line.at[0]!, options.dayStartMinutes), options.dayStartMinutes)
    const neededMs = totalMs - (adverseOn.has(d) ? adverse.ms : 0)
    const furtherNeededMs = neededMs - mandatoryMs
    const before = d > 0 ? 0 : line.at[0]! - from
    const rested: Bounds = { least: before, most: before }
    const further: Bounds = { least: before, most: before }
    let overnight: Rest | null = null
    for (const { run, pieces, uncertain, mayBeMandatory } of runs) {
      if (run.until <= from || run.from >= until) continue
      const insideMs = overlapMs(run, from, until)
      if (uncertain) {
        const sureMs = pieces.reduce((sum, piece) => sum + overlapMs(piece, from, until), 0)
        rested.least += sureMs
        further.least += mayBeMandatory ? 0 : sureMs
        if (run.opening || run.until - run.from >= leastMs) {
          rested.most += insideMs
          further.most += insideMs
        }
        continue
      }
      if (!run.opening && run.until - run.from < leastMs) continue
      rested.least += insideMs
      rested.most += insideMs
      further.least += insideMs
      further.most += insideMs
      if (!mayBeMandatory) continue
      if (run.from < from) {
        further.least -= mandatoryInside(run, shift.most, mandatoryMs, from, until)
        further.most -= mandatoryInside(run, shift.least, mandatoryMs, from, until)
      } else if (run.until <= until) {
        further.least -= mandatoryMs
        further.most -= mandatoryMs
      } else overnight = run
    }
    const deferred = deferrals.firstDays.has(d) || deferrals.firstDays.has(d - 1)
    if (overnight) {
      const run = overnight
      const insideMs = overlapMs(run, from, until)
      const shiftBy = (hadMs: number) =>
        Math.min(Math.max(0, furtherNeededMs - hadMs), run.until - run.from - mandatoryMs, until - run.from)
      const most = deferred ? shiftBy(0) : shiftBy(further.least - insideMs)
      const least = deferred ? 0 : shiftBy(further.most - insideMs)
      further.least -= mandatoryInside(run, most, mandatoryMs, from, until)
      further.most -= mandatoryInside(run, least, mandatoryMs, from, until)
      shift = { least, most }
    }
    const shortage = (restedMs: number, furtherMs: number) =>
      restedMs < neededMs
        ? { citation: dailyRest.totalCitation, limitMs: neededMs, reachedMs: restedMs }
        : furtherMs < furtherNeededMs
          ? {
              citation: dailyRest.furtherCitation,
              limitMs: furtherNeededMs,
              reachedMs: Math.max(0, furtherMs),
            }
          : null
    const worked = (of: Timeline) => of.onDutyMs[of.dayBoundary[d + 1]!]! > of.onDutyMs[of.dayBoundary[d]!]!
    const sure = worked(line) && !deferred ? shortage(rested.most, further.most) : null
    const maybe = worked(known)
      ? (shortage(rested.least, further.least) ??
        (deferred ? { citation: deferral.totalCitation, limitMs: neededMs, reachedMs: rested.least } : null))
      : null
    const short = sure ?? maybe
    if (short)
      found[sure ? 'proven' : 'possible'].push({
        rule,
        from: until,
        until,
        explanation: { since: from, ...short, rests: [] },
      })
  }
  return found
}

interface Run {
  run: Rest
  /** What of it is known, in pieces long enough to count. */
  pieces: Rest[]
  /** Is there a gap in it? */
  uncertain: boolean
  /** May it hold the hours that end a shift? The rest that the log opens with has had them. */
  mayBeMandatory: boolean
}

function runOf(run: Rest, known: Timeline, leastMs: number, mandatoryMs: number): Run {
  const parts = known.rests.filter((rest) => rest.from >= run.from && rest.until <= run.until)
  const uncertain = !parts.some((rest) => rest.from === run.from && rest.until === run.until)
  const pieces = parts.filter((rest) => rest.opening || rest.until - rest.from >= leastMs)
  const long = run.until - run.from >= mandatoryMs
  return { run, pieces, uncertain, mayBeMandatory: uncertain ? long || run.opening : long && !run.opening }
}

/** How much of a rest's mandatory hours lies in a day, if they begin so much later than the rest. */
const mandatoryInside = (run: Rest, shiftMs: number, mandatoryMs: number, from: Instant, until: Instant) =>
  overlapMs({ from: run.from + shiftMs, until: run.from + shiftMs + mandatoryMs }, from, until)

const overlapMs = (span: { from: Instant; until: Instant }, from: Instant, until: Instant) =>
  Math.max(0, Math.min(span.until, until) - Math.max(span.from, from))
