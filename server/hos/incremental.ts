import { DAY, type Instant } from '../time/instant.ts'
import { canadianLaw } from './ca/limits.ts'
import { settledPart as settledEuropeanPart } from './eu/settled.ts'
import { evaluate } from './evaluate.ts'
import { settledPart as settledDomesticPart } from './gb/settled.ts'
import { goesOn, waits } from './north-america/next-change.ts'
import { settledPart as settledNorthAmericanPart } from './north-america/settled.ts'
import { PackedLog } from './packed-log.ts'
import {
  type Clock,
  type DutyEvent,
  type DutyStatus,
  type Evaluation,
  type HosOptions,
  HosRefusal,
  type RulesetId,
  type SettledPart,
  type Violation,
} from './types.ts'
import { unitedStatesLaw } from './us/limits.ts'
import { settledPart as settledWorkingTime } from './wtd/settled.ts'

const RESTS: ReadonlySet<DutyStatus> = new Set(['OFF', 'SB', 'PC', 'REST', 'FERRY'])

/** A cut is looked for when the log has grown by this, so that looking costs next to nothing an event. */
const CUT_EVERY_EVENTS = 32

/**
 * A driver's log as it grows: the events that can still matter, packed, and the last answer. `advance` takes an event,
 * `answer` says at any later instant exactly what `evaluate` says of the whole log, mostly by letting the last answer's
 * clocks run.
 */
export class LogState {
  readonly ruleset: RulesetId
  readonly #options: HosOptions
  readonly #log = new PackedLog()
  #lookAgainAt = CUT_EVERY_EVENTS
  /** Violations of the part that has been cut off: nothing can take them back. */
  #settled: Violation[] = []
  /** Violations before this instant are settled. */
  #settledUntil = Number.NEGATIVE_INFINITY
  #weeksSettledUntil = Number.NEGATIVE_INFINITY
  #cut = false
  #last: Evaluation | null = null

  constructor(ruleset: RulesetId, options: HosOptions) {
    this.ruleset = ruleset
    this.#options = options
  }

  /** Bytes of the packed log: what a driver costs while nothing is broken. */
  get bytes(): number {
    return this.#log.bytes
  }

  get events(): number {
    return this.#log.count
  }

  /**
   * Takes an event. One that is late is put where it belongs; one at the instant of another comes after it.
   * @throws HosRefusal unknown-status; out-of-order for an instant before what is still held (start again from the whole log)
   */
  advance({ at, status }: DutyEvent): void {
    if (!PackedLog.isStatus(status)) throw new HosRefusal('unknown-status', null, `"${status}" is no status`)
    if (!Number.isFinite(at)) throw new HosRefusal('out-of-order', null, 'its time is not an instant')
    if (this.#cut && at < this.#settledUntil) {
      throw new HosRefusal('out-of-order', null, 'it lies in a part of the log that is no longer held')
    }
    this.#log.insert({ at, status })
    if (this.#last !== null && at <= this.#last.asOf) this.#last = null
    else if (this.#last !== null)
      this.#last = { ...this.#last, nextChangeAt: earlier(this.#last.nextChangeAt, at) }
  }

  /** What `evaluate` says of the whole log at `asOf`; later events are not known yet. */
  answer(asOf: Instant): Evaluation {
    const last = this.#last
    // While nothing has passed yet, an answer knows no day and no change.
    const begun = last !== null && this.#log.count > 0 && last.asOf > this.#log.at(0)
    if (begun && asOf >= last.asOf && asOf < (last.nextChangeAt ?? Number.POSITIVE_INFINITY)) {
      if (asOf === last.asOf) return last
      const carried = carriedForward(last, asOf)
      if (carried) return carried
    }
    if (asOf < this.#settledUntil) {
      throw new HosRefusal('bad-option', null, 'asOf lies in a part of the log that is no longer held')
    }
    const log = this.#log.events()
    const found = evaluate(log, this.ruleset, this.#now(), asOf)
    const { violations } = found
    const evaluation: Evaluation = {
      ...found,
      violations: this.#cut
        ? inOrder([
            ...this.#settled.map((one) =>
              one.rule === 'eu.rest-compensation' ? { ...one, until: asOf } : one,
            ),
            ...violations.filter((violation) => violation.from >= this.#settledUntilOf(violation)),
          ])
        : violations,
    }
    this.#last = log.length > 0 && log[log.length - 1]!.at > asOf ? null : evaluation
    if (this.#last && log.length >= this.#lookAgainAt) this.#settle(log, evaluation)
    return evaluation
  }

  /** What was carried into the log counts only while its days do. */
  #now(): HosOptions {
    return this.#cut ? { ...this.#options, carriedMinutes: undefined } : this.#options
  }

  #settledUntilOf({ rule }: Violation): Instant {
    return OF_WEEKS.has(rule) ? this.#weeksSettledUntil : this.#settledUntil
  }

  /** Leaves out what can no longer matter. */
  #settle(log: readonly DutyEvent[], { asOf, violations, clocks }: Evaluation): void {
    this.#lookAgainAt = log.length + CUT_EVERY_EVENTS
    const part = settledPartOf(log, this.ruleset, this.#options, asOf)
    if (!part || part.log.length === log.length) return
    // What goes on across the cut is told whole as long as it lasts.
    const isAcross = ({ from, until, rule }: Violation) =>
      from < part.until && until >= part.until && !OF_WEEKS.has(rule)
    if (violations.some(isAcross) || clocks.some((clock) => clock.remainingMs <= 0)) return
    this.#settledUntil = Math.max(this.#settledUntil, part.until)
    this.#weeksSettledUntil = Math.max(this.#weeksSettledUntil, part.weeksUntil)
    this.#settled = violations.filter((violation) => violation.from < this.#settledUntilOf(violation))
    this.#cut = true
    this.#log.hold(part.log)
    this.#lookAgainAt = part.log.length + CUT_EVERY_EVENTS
  }
}

/** These are judged by whole weeks, and a debt past its deadline is told for ever. */
const OF_WEEKS: ReadonlySet<string> = new Set(['eu.rest-compensation', 'eu.rest-weekly-reduced'])

/** What can still matter; null where nothing can be left out, or where circumstances reach back without an end. */
function settledPartOf(
  log: readonly DutyEvent[],
  ruleset: RulesetId,
  options: HosOptions,
  asOf: Instant,
): SettledPart | null {
  if (ruleset === 'eu-561') return settledEuropeanPart(log, options, asOf)
  if (ruleset === 'eu-wtd') return settledWorkingTime(log, options, asOf)
  if (ruleset.startsWith('gb-')) return settledDomesticPart(log, options, asOf)
  const reachesBack =
    options.shortHaul16?.length || options.deferral?.length || options.adverseConditions?.length
  if (reachesBack) return null
  if (ruleset.startsWith('ca-')) {
    const { restMs, withinMs } = canadianLaw(ruleset).longRest
    return settledNorthAmericanPart(log, { restMs, days: withinMs / DAY }, asOf)
  }
  if (!ruleset.startsWith('us-')) return null
  const { reset, cycle, window, longTour } = unitedStatesLaw(ruleset)
  const counted = longTour?.allowed.by === 'days' ? longTour.allowed : null
  const longTours = counted && window ? { pastMs: window.ms, days: counted.ofDays } : undefined
  return settledNorthAmericanPart(log, { restMs: reset.ms, days: cycle.days, longTours }, asOf)
}

const inOrder = (violations: Violation[]) =>
  violations.sort((a, b) => a.from - b.from || (a.rule < b.rule ? -1 : 1))

/** The last answer some time later, where nothing but running clocks has changed; null where that can't be told. */
function carriedForward(last: Evaluation, asOf: Instant): Evaluation | null {
  if (!NORTH_AMERICAN.has(last.status)) return carriedForwardInEurope(last, asOf)
  // A rest that goes on may still be reckoned to a day that is over (SOR/2005-313 s. 14).
  if (RESTS.has(last.status) && last.violations.some(({ rule }) => rule === 'ca.off-10-day')) return null
  // At the start of a day hours fall out of a cycle, and what was reached is counted anew.
  if (last.violations.some((one) => one.rule.includes('cycle') && goesOn(one, last))) return null
  const passedMs = asOf - last.asOf
  return {
    ...last,
    asOf,
    clocks: last.clocks.map((clock) => {
      const remainingMs = clock.running ? Math.max(0, clock.remainingMs - passedMs) : clock.remainingMs
      // Where counting has not begun, it begins now: after the rest (for a break, the stop) that still goes on.
      const begins = clock.since === last.asOf && waits(clock.name, last.status)
      return { ...clock, remainingMs, since: begins ? asOf : clock.since }
    }),
    // What was being broken is broken on while driving goes on.
    violations: last.violations.map((violation) => {
      if (!goesOn(violation, last)) return violation
      const { explanation } = violation
      return {
        ...violation,
        until: asOf,
        explanation: { ...explanation, reachedMs: explanation.reachedMs + passedMs },
      }
    }),
  }
}

/** The same for the activities of Europe, where what is broken grows in ways of its own. */
function carriedForwardInEurope(last: Evaluation, asOf: Instant): Evaluation | null {
  const reachesNow = ({ until }: { until: Instant }) => until === last.asOf
  if (last.violations.some((one) => reachesNow(one) || one.explanation.rests.some(reachesNow))) return null
  // Driving or working on past a limit goes on with what was broken before.
  if (!RESTS.has(last.status) && last.clocks.some(({ remainingMs }) => remainingMs === 0)) return null
  const passedMs = asOf - last.asOf
  return {
    asOf,
    status: last.status,
    statusSince: last.statusSince,
    clocks: last.clocks.map((clock) => (clock.running ? runDown(clock, passedMs) : clock)),
    violations: last.violations,
    nextChangeAt: last.nextChangeAt,
  }
}

/** Field by field: the rules' clocks have many shapes, and copying those by spreading takes several times as long. */
function runDown(clock: Clock, passedMs: number): Clock {
  const { name, rule, limitMs, running, runsOutAt } = clock
  const remainingMs = Math.max(0, clock.remainingMs - passedMs)
  return clock.since === undefined
    ? { name, rule, limitMs, remainingMs, running, runsOutAt }
    : { name, rule, limitMs, remainingMs, running, runsOutAt, since: clock.since }
}

const NORTH_AMERICAN: ReadonlySet<DutyStatus> = new Set(['OFF', 'SB', 'D', 'ON', 'PC', 'YM'])

const earlier = (a: Instant | null, b: Instant): Instant => (a === null ? b : Math.min(a, b))
