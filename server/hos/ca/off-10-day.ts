import type { Instant } from '../../time/instant.ts'
import type { Rest, Timeline } from '../north-america/timeline.ts'
import type { Explanation, HosOptions, Violation } from '../types.ts'
import { type Deferrals, dayNumber } from './deferral.ts'
import type { CanadianLaw, DailyRestLaw } from './limits.ts'

/** South of 60°, where a day must hold its rest. */
type LawWithDailyRest = CanadianLaw & { dailyRest: DailyRestLaw }

/**
 * The days, of those that have ended, in which too little rest was taken: SOR/2005-313 s. 14, or s. 16 for two days of which
 * the first defers rest to the second.
 */
export class DailyRests {
  /** Those that `judge` was asked for. */
  violations: Violation[] = []
  readonly #line: Timeline
  readonly #law: LawWithDailyRest
  readonly #options: HosOptions
  readonly #deferrals: Deferrals
  readonly #days: Day[] = []

  constructor(line: Timeline, law: LawWithDailyRest, options: HosOptions, deferrals: Deferrals) {
    this.#line = line
    this.#law = law
    this.#options = options
    this.#deferrals = deferrals
  }

  /**
   * Judges the days that have ended after an instant.
   * @param splitOn numbers of the days on which driving was lawful only by a pair of rests in the berth
   * @param after what was read of earlier days stays
   */
  judge(splitOn: ReadonlySet<number>, after: Instant): void {
    const days = this.#days
    while (days.length > 0 && days[days.length - 1]!.until > after) days.pop()
    readDays(days, this.#line, this.#law, this.#options, this.#deferrals)
    this.violations = []
    for (let d = days.length - 1; d >= 0 && days[d]!.until > after; d--) {
      const day = days[d]!
      const shortage = day.worked ? this.#shortageOn(d, splitOn) : null
      if (shortage === null) continue
      const { rule } = this.#law.dailyRest
      const explanation = { since: day.from, ...shortage, rests: [] }
      this.violations.push({ rule, from: day.until, until: day.until, explanation })
    }
    this.violations.reverse()
  }

  /** Adds when the present rest, going on, may change them. */
  changes(resting: Rest, found: Instant[]): void {
    const { leastMs, mandatoryMs } = this.#law.dailyRest
    for (let d = this.#days.length - 1; d >= 0 && resting.from < this.#days[d]!.until; d--) {
      const day = this.#days[d]!
      if (resting.from < day.from) continue
      const first = this.#firstOf(d)
      const addedMs = first ? deferredMs(this.#law, first) : 0
      for (const ms of [leastMs, mandatoryMs, mandatoryMs + day.lackMs, mandatoryMs + addedMs])
        found.push(resting.from + ms)
    }
  }

  /** The day that defers rest to a day. */
  #firstOf(d: number): Day | undefined {
    return this.#deferrals.firstDays.has(d - 1) ? this.#days[d - 1] : undefined
  }

  #shortageOn(d: number, splitOn: ReadonlySet<number>): Shortage | null {
    const day = this.#days[d]!
    if (day.defers) return firstDayShortage(this.#law, day)
    const first = this.#firstOf(d)
    return first
      ? secondDayShortage(this.#law, first, day, splitOn.has(d - 1) || splitOn.has(d))
      : shortageOf(this.#law, day)
  }
}

/** What a day holds, and what it needs if no rest is deferred. */
interface Day {
  from: Instant
  until: Instant
  worked: boolean
  /** Is it day one of a deferral? */
  defers: boolean
  neededMs: number
  neededFurtherMs: number
  restedMs: number
  /** Rest that is no part of the consecutive hours that end a shift. */
  furtherMs: number
  /** What the last rest of the day had to give to the further hours. */
  lackMs: number
  /** The longest rest of which it has a part, whole. */
  longestMs: number
  drivenMs: number
  /** When the hours that end a shift begin, of the last rest so far that went on from one day into the next. */
  mandatoryFrom: Instant
  /** The first rest that may go on into the next day. */
  nextRest: number
}

/** Reads the days that have ended, beside those that were read before. */
function readDays(
  days: Day[],
  line: Timeline,
  law: LawWithDailyRest,
  options: HosOptions,
  deferrals: Deferrals,
): void {
  const { leastMs, mandatoryMs, totalMs } = law.dailyRest
  const { rests } = line
  const met = options.adverseConditions
  const adverseOn = met?.length ? new Set(met.map((at) => dayNumber(line, options, at))) : null
  const last = days.length > 0 ? days[days.length - 1]! : null
  let next = last?.nextRest ?? 0
  let mandatoryFrom = last?.mandatoryFrom ?? Number.NEGATIVE_INFINITY
  for (let d = days.length; d < line.day[line.count]!; d++) {
    const first = line.dayBoundary[d]!
    const end = line.dayBoundary[d + 1]!
    const until = line.at[end]!
    const from = d > 0 ? line.at[first]! : startOfFirstDay(line, options)
    // Before the log the driver rests, and has had the mandatory hours when it opens.
    let restedMs = d > 0 ? 0 : line.at[0]! - from
    let furtherMs = restedMs
    let besideLastMs = furtherMs
    let longestMs = 0
    let overnight: Rest | null = null
    while (next < rests.length && rests[next]!.until <= from) next++
    for (let r = next; r < rests.length && rests[r]!.from < until; r++) {
      const rest = rests[r]!
      const lengthMs = rest.opening ? Number.POSITIVE_INFINITY : rest.until - rest.from
      besideLastMs = furtherMs
      if (lengthMs < leastMs) continue
      const insideMs = overlapMs(rest.from, rest.until, from, until)
      restedMs += insideMs
      furtherMs += insideMs
      longestMs = Math.max(longestMs, lengthMs)
      if (lengthMs < mandatoryMs || rest.opening) continue
      if (rest.from < from) furtherMs -= overlapMs(mandatoryFrom, mandatoryFrom + mandatoryMs, from, until)
      else if (rest.until <= until) furtherMs -= mandatoryMs
      else overnight = rest
    }
    const neededMs = totalMs - (adverseOn?.has(d) ? law.adverse.ms : 0)
    const neededFurtherMs = neededMs - mandatoryMs
    const defers = deferrals.firstDays.has(d)
    // A day that defers keeps of the further hours those that it has not deferred.
    const keptMs = defers ? clamp(restedMs - mandatoryMs, 0, neededFurtherMs) : neededFurtherMs
    const lackMs = Math.max(0, keptMs - besideLastMs)
    if (overnight) {
      // Which day gets the hours beyond the mandatory ones is not in the text: here the first, as far as it lacks them.
      const beyondMs = overnight.until - overnight.from - mandatoryMs
      mandatoryFrom = overnight.from + Math.min(lackMs, beyondMs, until - overnight.from)
      furtherMs -= overlapMs(mandatoryFrom, mandatoryFrom + mandatoryMs, from, until)
    }
    days.push({
      from,
      until,
      worked: line.onDutyMs[end]! > line.onDutyMs[first]!,
      defers,
      neededMs,
      neededFurtherMs,
      restedMs,
      furtherMs,
      lackMs,
      longestMs,
      drivenMs: line.drivenMs[end]! - line.drivenMs[first]!,
      mandatoryFrom,
      nextRest: next,
    })
  }
}

type Shortage = Pick<Explanation, 'citation' | 'limitMs' | 'reachedMs'> & { since?: Instant }

const shortOf = (citation: string, limitMs: number, reachedMs: number): Shortage | null =>
  reachedMs < limitMs ? { citation, limitMs, reachedMs } : null

/** s. 14 */
function shortageOf({ dailyRest }: LawWithDailyRest, day: Day): Shortage | null {
  return (
    shortOf(dailyRest.totalCitation, day.neededMs, day.restedMs) ??
    shortOf(dailyRest.furtherCitation, day.neededFurtherMs, day.furtherMs)
  )
}

/** s. 16(a): of the mandatory hours none is deferred. */
function firstDayShortage({ dailyRest, deferral }: LawWithDailyRest, day: Day): Shortage | null {
  return shortOf(deferral.mandatoryCitation, dailyRest.mandatoryMs, day.restedMs)
}

/** s. 16, and s. 14(3), which holds on day two as on any other. */
function secondDayShortage(law: LawWithDailyRest, first: Day, day: Day, split: boolean): Shortage | null {
  const { dailyRest, deferral } = law
  const addedMs = deferredMs(law, first)
  // Where nothing may be deferred, it is the rest of day one that lacks.
  const notDeferred = { since: first.from, limitMs: first.neededMs, reachedMs: first.restedMs }
  if (split && addedMs > 0) return { citation: deferral.splitCitation, ...notDeferred }
  if (first.drivenMs + day.drivenMs > deferral.drivingMs) {
    return { citation: deferral.drivingCitation, ...notDeferred }
  }
  const neededMs = first.neededMs + day.neededMs
  const total = shortOf(deferral.totalCitation, neededMs, first.restedMs + day.restedMs)
  if (total) return { since: first.from, ...total }
  return (
    (addedMs > 0 ? shortOf(deferral.addedCitation, dailyRest.mandatoryMs + addedMs, day.longestMs) : null) ??
    shortOf(dailyRest.furtherCitation, day.neededFurtherMs, day.furtherMs)
  )
}

/** What day one leaves to day two: whatever it lacks. */
function deferredMs({ deferral }: LawWithDailyRest, first: Day): number {
  const lackMs = Math.max(first.neededMs - first.restedMs, first.neededFurtherMs - first.furtherMs)
  return clamp(lackMs, 0, deferral.mostMs)
}

const clamp = (value: number, least: number, most: number) => Math.min(Math.max(value, least), most)

const overlapMs = (ofFrom: Instant, ofUntil: Instant, from: Instant, until: Instant) =>
  Math.max(0, Math.min(ofUntil, until) - Math.max(ofFrom, from))

const startOfFirstDay = ({ clock, at }: Timeline, { dayStartMinutes }: HosOptions) =>
  clock.startOf(clock.dateOf(at[0]!, dayStartMinutes), dayStartMinutes)
