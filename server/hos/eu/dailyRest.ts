import type { Instant } from '../../time/instant.ts'
import type { Violation } from '../types.ts'
import { LIMITS, MS } from './limits.ts'
import { openRest, type Rest, restBefore, shown, type Timeline } from './timeline.ts'

export const RULE = 'eu.rest-daily'

/** How the daily rest of a period turned out; `open` while it may still be taken in time. */
export type DailyRestKind = 'open' | 'regular' | 'reduced' | 'missing'

/** From the end of a rest of 9 h or more to the end of the next (art. 8(2)). */
export interface Period {
  from: Instant
  /** The end of the closing rest, or of the log. */
  until: Instant
  /** By when the rest must be complete: 24 h from the start, 30 h for a crew. */
  windowUntil: Instant
  /** The rest of 9 h or more that closes it. */
  closing: Rest | null
  /** How much of that rest lies in the window. */
  insideMs: number
  /** An earlier rest of 3 h or more, the first part of a split rest (art. 4(g)). */
  firstPart: Rest | null
  kind: DailyRestKind
  /** Reduced rests since the last weekly rest, this one included; none after a closing weekly rest. */
  reducedCount: number
}

export interface DailyRestOptions {
  multiManning: boolean
  /** Do 9 h taken by a crew use up a reduced rest? Disputed; DVSA's guide says yes. */
  crewRestCounts: boolean
}

/** The periods of art. 8(2) in order; the last is open unless the log ends in its closing rest. */
export function periodsOf(timeline: Timeline, options: DailyRestOptions): Period[] {
  const periods: Period[] = []
  const { joined, rests } = timeline
  const window = options.multiManning ? MS.dailyRestWindowAsCrew : MS.dailyRestWindow
  const before = joined[0]
  if (!before || before.open) return periods

  let from = before.until
  let reducedCount = 0
  let next = 1
  let raw = 0
  for (;;) {
    while (next < joined.length && (joined[next] as Rest).restMs < MS.dailyRestReduced) next++
    const closing = joined[next++] ?? null
    const windowUntil = from + window
    while (raw < rests.length && (rests[raw] as Rest).from < from) raw++
    const firstPart = firstPartOf(rests, raw, closing?.from ?? timeline.end)
    const insideMs = closing ? restBefore(closing, windowUntil) : 0
    const kind = judge(closing, insideMs, firstPart, windowUntil <= timeline.asOf, options)
    if (kind === 'reduced') reducedCount++
    if (closing && closing.restMs >= MS.weeklyRestReduced) reducedCount = 0
    const until = closing?.until ?? timeline.end
    periods.push({ from, until, windowUntil, closing, insideMs, firstPart, kind, reducedCount })
    if (!closing || closing.open) break
    from = closing.until
  }
  return periods
}

/** The first rest of 3 h or more from index `raw` on that ends by `before`. */
function firstPartOf(rests: readonly Rest[], raw: number, before: Instant): Rest | null {
  for (let i = raw; i < rests.length; i++) {
    const rest = rests[i] as Rest
    if (rest.until > before) return null
    if (rest.restMs >= MS.dailyRestFirstPart) return rest
  }
  return null
}

function judge(
  closing: Rest | null,
  insideMs: number,
  firstPart: Rest | null,
  windowOver: boolean,
  options: DailyRestOptions,
): DailyRestKind {
  if (!closing) return windowOver ? 'missing' : 'open'
  if (insideMs < MS.dailyRestReduced) return 'missing'
  if (insideMs >= MS.dailyRest || firstPart || closing.restMs >= MS.weeklyRestReduced) return 'regular'
  return options.multiManning && !options.crewRestCounts ? 'regular' : 'reduced'
}

/** Is the daily rest of the period known to be missing at `asOf`? */
export const isBroken = (period: Period, asOf: Instant) =>
  period.kind === 'missing' && period.windowUntil <= asOf

/** Art. 8(2): a daily rest within each 24 h (30 h for a crew, art. 8(5)) of the end of the last one. */
export function dailyRestViolations(
  periods: readonly Period[],
  timeline: Timeline,
  multiManning: boolean,
): Violation[] {
  return periods
    .filter((period) => isBroken(period, timeline.asOf))
    .map((period) => ({
      rule: RULE,
      from: period.windowUntil,
      until: Math.max(period.windowUntil, period.closing?.from ?? timeline.asOf),
      explanation: {
        citation: (multiManning ? LIMITS.dailyRestWindowAsCrew : LIMITS.dailyRestWindow).citation,
        limitMs: MS.dailyRestReduced,
        reachedMs: longestInside(period, timeline),
        since: period.from,
        rests: period.closing ? shown([period.closing]) : [],
      },
    }))
}

/** The longest rest that the window holds, so that the report can say how much was missing. */
function longestInside(period: Period, timeline: Timeline): number {
  let longest = period.insideMs
  for (let i = timeline.rests.length - 1; i >= 0; i--) {
    const rest = timeline.rests[i] as Rest
    if (rest.from < period.from) break
    if (rest.until <= period.until) longest = Math.max(longest, restBefore(rest, period.windowUntil))
  }
  return longest
}

/** The clock `dutyDaily`: until when the daily rest must begin, looking at this rule alone. */
export interface DutyDaily {
  limitMs: number
  remainingMs: number
  running: boolean
  runsOutAt: Instant | null
}

/** Time left until the daily rest must begin; a whole new period while at rest for 9 h or more. */
export function dutyDaily(
  periods: readonly Period[],
  timeline: Timeline,
  options: DailyRestOptions,
): DutyDaily {
  const { asOf, rests, joined } = timeline
  const window = options.multiManning ? MS.dailyRestWindowAsCrew : MS.dailyRestWindow
  const alwaysNine = options.multiManning && !options.crewRestCounts
  const needWith = (reduced: number, firstPart: boolean) =>
    alwaysNine || firstPart || reduced < MS.reducedDailyRests ? MS.dailyRestReduced : MS.dailyRest

  const current = periods.at(-1)
  const resting = openRest(joined)
  if (!current || (resting && resting.restMs >= MS.dailyRestReduced)) {
    const limitMs = window - needWith(current?.reducedCount ?? 0, false)
    return { limitMs, remainingMs: limitMs, running: false, runsOutAt: null }
  }
  const need = needWith(current.reducedCount, current.firstPart !== null)
  const remainingMs = Math.max(0, current.windowUntil - need - asOf)
  const running = remainingMs > 0
  let runsOutAt: Instant | null = running ? asOf + remainingMs : null
  const rest = openRest(rests)
  if (rest && runsOutAt !== null) {
    // Resting on makes a first part of 3 h, then a whole rest: the clock may gain before it has run out.
    if (need > MS.dailyRestReduced && rest.from + MS.dailyRestFirstPart <= runsOutAt) {
      runsOutAt = current.windowUntil - MS.dailyRestReduced
    }
    if (wholeRestAt(timeline, rest) <= runsOutAt) runsOutAt = null
  }
  return { limitMs: window - need, remainingMs, running, runsOutAt }
}

/** When the running rest will be a daily rest, if it goes on: after 9 h, or after 11 h in all around a ferry. */
export function wholeRestAt(timeline: Timeline, rest: Rest): Instant {
  let soonest = rest.from + MS.dailyRestReduced
  for (const at of ferryRestAt(timeline)) soonest = Math.min(soonest, at)
  return soonest
}

/** Instants at which the running rest could complete one around a ferry, if it goes on. */
export function ferryRestAt(timeline: Timeline): Instant[] {
  const { rests, joined } = timeline
  const last = rests.length - 1
  const running = openRest(rests)
  const found: Instant[] = []
  if (!running || joined.at(-1)?.from !== running.from) return found
  let earlierMs = 0
  let ferry = running.ferry
  for (let more = 1; more <= MS.ferryInterruptions && more <= last; more++) {
    const first = rests[last - more] as Rest
    earlierMs += first.restMs
    ferry ||= first.ferry
    const interruptions = running.from - first.from - earlierMs
    const at = running.from + MS.ferryRest - earlierMs
    // One that already belongs to a rest around a ferry begins no other.
    if (joined[joined.length - 1 - more]?.from !== first.from) break
    if (ferry && interruptions <= MS.ferryInterruptionTotal && at > timeline.asOf) found.push(at)
  }
  return found
}
