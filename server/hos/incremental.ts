import { HOUR, type Instant } from '../time/instant.ts'
import { evaluate } from './evaluate.ts'
import {
  DUTY_STATUSES,
  type DutyEvent,
  type DutyStatus,
  type Evaluation,
  type HosOptions,
  HosRefusal,
  type RulesetId,
  type Violation,
} from './types.ts'

const CODE = new Map(DUTY_STATUSES.map((status, code) => [status, code]))
const RESTS: ReadonlySet<DutyStatus> = new Set(['OFF', 'SB', 'PC'])

/** A log is cut when it has grown to this, so that cutting costs next to nothing an event. */
const CUT_FROM_EVENTS = 32

/**
 * A rest of this length sets everything to nothing that is counted in the log: what lies before its end is settled and is
 * not needed any more. null where no rest does (395.5 knows no restart), or where circumstances reach back further.
 */
function restartOf(ruleset: RulesetId, options: HosOptions): number | null {
  const reachesBack =
    options.shortHaul16?.length || options.deferral?.length || options.adverseConditions?.length
  if (reachesBack || ruleset === 'us-short-haul-non-cdl' || ruleset.includes('passenger')) return null
  if (ruleset.startsWith('us-')) return 34 * HOUR
  return ruleset.startsWith('ca-') ? 72 * HOUR : null
}

/**
 * A driver's log as it grows: the events that can still matter, packed, and the last answer. `advance` takes an event,
 * `answer` says at any later instant exactly what `evaluate` says of the whole log, mostly by letting the last answer's
 * clocks run.
 */
export class LogState {
  readonly ruleset: RulesetId
  readonly #options: HosOptions
  #at = new Float64Array(16)
  #status = new Uint8Array(16)
  #count = 0
  /** Violations of the part that has been cut off: nothing can take them back. */
  #settled: Violation[] = []
  /** Violations before this instant are settled. */
  #settledUntil = Number.NEGATIVE_INFINITY
  #cut = false
  #last: Evaluation | null = null

  constructor(ruleset: RulesetId, options: HosOptions) {
    this.ruleset = ruleset
    this.#options = options
  }

  /** Bytes of the packed log: what a driver costs while nothing is broken. */
  get bytes(): number {
    return this.#at.byteLength + this.#status.byteLength
  }

  get events(): number {
    return this.#count
  }

  /**
   * Takes an event. One that is late is put where it belongs; one at the instant of another comes after it.
   * @throws HosRefusal unknown-status; out-of-order for an instant before what is still held (start again from the whole log)
   */
  advance({ at, status }: DutyEvent): void {
    const code = CODE.get(status)
    if (code === undefined) throw new HosRefusal('unknown-status', null, `"${status}" is no status`)
    if (!Number.isFinite(at)) throw new HosRefusal('out-of-order', null, 'its time is not an instant')
    if (this.#cut && at < this.#settledUntil) {
      throw new HosRefusal('out-of-order', null, 'it lies in a part of the log that is no longer held')
    }
    let i = this.#count
    while (i > 0 && this.#at[i - 1]! > at) i--
    const late = i < this.#count
    this.#grow()
    if (late) {
      this.#at.copyWithin(i + 1, i, this.#count)
      this.#status.copyWithin(i + 1, i, this.#count)
    }
    this.#at[i] = at
    this.#status[i] = code
    this.#count++
    if (this.#last !== null && at <= this.#last.asOf) this.#last = null
    else if (this.#last !== null)
      this.#last = { ...this.#last, nextChangeAt: earlier(this.#last.nextChangeAt, at) }
  }

  /** What `evaluate` says of the whole log at `asOf`; later events are not known yet. */
  answer(asOf: Instant): Evaluation {
    const last = this.#last
    // While nothing has passed yet, an answer knows no day and no change.
    const begun = last !== null && this.#count > 0 && last.asOf > this.#at[0]!
    if (begun && asOf >= last.asOf && asOf < (last.nextChangeAt ?? Number.POSITIVE_INFINITY)) {
      if (asOf === last.asOf) return last
      const carried = carriedForward(last, asOf)
      if (carried) return carried
    }
    if (asOf < this.#settledUntil) {
      throw new HosRefusal('bad-option', null, 'asOf lies in a part of the log that is no longer held')
    }
    const { violations, ...found } = evaluate(this.#log(), this.ruleset, this.#now(), asOf)
    const evaluation: Evaluation = {
      ...found,
      violations: this.#cut
        ? [...this.#settled, ...violations.filter((violation) => violation.from >= this.#settledUntil)]
        : violations,
    }
    this.#last = this.#count > 0 && this.#at[this.#count - 1]! > asOf ? null : evaluation
    if (this.#last) this.#settle(evaluation)
    return evaluation
  }

  #log(): DutyEvent[] {
    const log: DutyEvent[] = new Array(this.#count)
    for (let i = 0; i < this.#count; i++)
      log[i] = { at: this.#at[i]!, status: DUTY_STATUSES[this.#status[i]!]! }
    return log
  }

  /** What was carried into the log counts only while its days do. */
  #now(): HosOptions {
    return this.#cut ? { ...this.#options, carriedMinutes: undefined } : this.#options
  }

  #grow(): void {
    if (this.#count < this.#at.length) return
    const [at, status] = [new Float64Array(this.#count * 2), new Uint8Array(this.#count * 2)]
    at.set(this.#at)
    status.set(this.#status)
    this.#at = at
    this.#status = status
  }

  /** Cuts off what can no longer matter: all that lies before the stretch without driving in which the last restart lies. */
  #settle({ asOf, violations }: Evaluation): void {
    const restartMs = restartOf(this.ruleset, this.#options)
    if (restartMs === null || this.#count < CUT_FROM_EVENTS) return
    let end = this.#count - 1
    for (; end > 0; end--) {
      if (this.#at[end]! > asOf || this.#kind(end) === REST || this.#kind(end - 1) !== REST) continue
      if (this.#at[end]! - this.#at[this.#firstOf(end - 1, REST)]! >= restartMs) break
    }
    const first = end > 0 ? this.#firstOf(end - 1, WORK) : 0
    if (first === 0) return
    this.#settledUntil = this.#at[end]!
    this.#settled = violations.filter((violation) => violation.from < this.#settledUntil)
    this.#at.copyWithin(0, first, this.#count)
    this.#status.copyWithin(0, first, this.#count)
    this.#count -= first
    this.#cut = true
  }

  /** The first of the events up to `i` that follow one another in a kind no busier than `kind`. */
  #firstOf(i: number, kind: number): number {
    let first = i
    while (first > 0 && this.#kind(first - 1) <= kind) first--
    return first
  }

  #kind(i: number): number {
    const status = DUTY_STATUSES[this.#status[i]!]!
    if (RESTS.has(status)) return REST
    return status === 'D' ? DRIVING : WORK
  }
}

const REST = 0
const WORK = 1
const DRIVING = 2

/** The last answer some time later, where nothing but running clocks has changed; null where that can't be told. */
function carriedForward(last: Evaluation, asOf: Instant): Evaluation | null {
  if (!NORTH_AMERICAN.has(last.status)) return null
  // A rest that goes on may still be reckoned to a day that is over (SOR/2005-313 s. 14).
  if (RESTS.has(last.status) && last.violations.some(({ rule }) => rule === 'ca.off-10-day')) return null
  // At the start of a day hours fall out of a cycle, and what was reached is counted anew.
  if (last.violations.some((one) => one.rule.includes('cycle') && isBrokenOn(one, last))) return null
  const passedMs = asOf - last.asOf
  const driving = last.status === 'D'
  return {
    ...last,
    asOf,
    clocks: last.clocks.map((clock) => {
      const remainingMs = clock.running ? Math.max(0, clock.remainingMs - passedMs) : clock.remainingMs
      // Where counting has not begun, it begins now: after the rest (for a break, the stop) that still goes on.
      const waits = clock.name === 'break' ? !driving : RESTS.has(last.status)
      return { ...clock, remainingMs, since: waits && clock.since === last.asOf ? asOf : clock.since }
    }),
    // What was being broken is broken on while driving goes on.
    violations: last.violations.map((violation) => {
      if (!isBrokenOn(violation, last)) return violation
      const { explanation } = violation
      return {
        ...violation,
        until: asOf,
        explanation: { ...explanation, reachedMs: explanation.reachedMs + passedMs },
      }
    }),
  }
}

const isBrokenOn = (violation: Violation, { status, asOf }: Evaluation) =>
  status === 'D' && violation.until === asOf && violation.from < asOf

const NORTH_AMERICAN: ReadonlySet<DutyStatus> = new Set(['OFF', 'SB', 'D', 'ON', 'PC', 'YM'])

const earlier = (a: Instant | null, b: Instant): Instant => (a === null ? b : Math.min(a, b))
