import type { Instant } from '../../time/instant.ts'
import type { Clock, Explanation, Violation } from '../types.ts'
import type { CalculationPoints } from './calculation-point.ts'
import type { Gauge } from './gauge.ts'
import type { PairLaw } from './limits.ts'
import { BERTH, DRIVING, ON_DUTY, type Rest, restAt, type Timeline } from './timeline.ts'

export interface Audit {
  /** In order of `from`, then of rule. */
  violations: Violation[]
  /** Those that may still be others at a later instant, though nothing happens. */
  open: readonly Violation[]
  clocks: Clock[]
  /** Instants at which an answer changes if the present status goes on, as far as the gauges know. */
  changes: Instant[]
  /** At or past a limit, and driving has just begun or reached it: driving on breaks it. */
  atLimit: boolean
  /** Where a later audit of the same log, gone on, may begin. */
  kept: Kept
}

/** How far the walk had come at a boundary: for each gauge whether it was above zero, and if not, what was being broken. */
export interface Kept {
  boundary: number
  above: readonly boolean[]
  broken: readonly (Violation | null)[]
}

/**
 * Walks a log once with all its rules. Only driving breaks them: a violation begins where driving goes on past a level of
 * zero, and is the same one until the level has been above zero again.
 * @param gauges those without a clock come with `clockless`
 * @param keptAt the boundary before which nothing can change any more while nothing happens; points and gauges are marked there
 * @param from where an earlier audit of the log had come; the violations are then those from there on
 */
export function auditOf(
  line: Timeline,
  points: CalculationPoints,
  gauges: readonly Gauge[],
  keptAt: number,
  from: Kept | null,
): Audit {
  const walk = new Walk(line, points, gauges, from)
  let open: Violation[] = walk.violations
  let kept = from
  if (kept === null) {
    walk.until(keptAt)
    points.mark()
    for (const gauge of gauges) gauge.mark()
    kept = walk.kept()
    open = walk.broken()
    const settled = walk.violations.length
    walk.until(line.count)
    for (let v = settled; v < walk.violations.length; v++) open.push(walk.violations[v]!)
    open.sort(byTimeAndRule)
  } else walk.until(line.count)

  const here = points.at(line.count)
  const { violations } = walk
  if (violations.length > 1) violations.sort(byTimeAndRule)
  const audit: Audit = {
    violations,
    open,
    clocks: [],
    changes: [],
    atLimit: false,
    kept,
  }
  for (let g = 0; g < gauges.length; g++) {
    const gauge = gauges[g]!
    const level = gauge.levelAt(line.count, here)
    if (line.present === DRIVING && level <= 0 && walk.beginsAt(g)) audit.atLimit = true
    const { limitMs, since } = gauge.basis()
    const { running, runsOutAt, settlesAt } = gauge.ahead(level)
    if (runsOutAt !== null && Number.isFinite(runsOutAt)) audit.changes.push(runsOutAt)
    if (settlesAt !== undefined) audit.changes.push(settlesAt)
    // A limit that is lifted (395.1(h)(3)) has no clock.
    if (gauge.clockless || !Number.isFinite(level)) continue
    const remainingMs = Math.max(0, level)
    audit.clocks.push({ name: gauge.name, rule: gauge.rule, limitMs, remainingMs, running, runsOutAt, since })
  }
  return audit
}

class Walk {
  readonly violations: Mutable<Violation>[] = []
  readonly #line: Timeline
  readonly #points: CalculationPoints
  readonly #gauges: readonly Gauge[]
  readonly #above: boolean[] = []
  readonly #broken: (Mutable<Violation> | null)[] = []
  /** Till when each rule can't be broken, by the level that it had when it was asked: most need not be asked again for hours. */
  readonly #safeUntil: Instant[] = []
  /** The earliest of them. */
  #allSafeUntil: Instant = Number.NEGATIVE_INFINITY
  /** How many rules are broken and not yet above zero again: only they are asked while nobody drives. */
  #below = 0
  #next = 0

  constructor(line: Timeline, points: CalculationPoints, gauges: readonly Gauge[], from: Kept | null) {
    this.#line = line
    this.#points = points
    this.#gauges = gauges
    if (from !== null) this.#next = from.boundary
    for (let g = 0; g < gauges.length; g++) {
      const broken = from === null || from.above[g] ? null : from.broken[g]!
      this.#above.push(broken === null)
      this.#broken.push(broken === null ? null : copyOf(broken))
      this.#safeUntil.push(Number.NEGATIVE_INFINITY)
      if (broken === null) continue
      this.#below++
      this.violations.push(this.#broken[g]!)
    }
  }

  until(boundary: number): void {
    const { kind, at } = this.#line
    for (let i = this.#next; i < boundary; i++) {
      const driving = kind[i] === DRIVING
      if (this.#below > 0 || (driving && at[i + 1]! >= this.#allSafeUntil))
        this.#judge(i, driving, at[i]!, at[i + 1]!)
    }
    this.#next = boundary
  }

  /** Judges one segment by the rules that it may break, or that may be above zero again. */
  #judge(i: number, driving: boolean, from: Instant, until: Instant): void {
    const gauges = this.#gauges
    const above = this.#above
    const safeUntil = this.#safeUntil
    const here = this.#points.at(i)
    let safe = Number.POSITIVE_INFINITY
    for (let g = 0; g < gauges.length; g++) {
      if (above[g] && (!driving || until < safeUntil[g]!)) {
        if (safeUntil[g]! < safe) safe = safeUntil[g]!
        continue
      }
      const gauge = gauges[g]!
      const level = gauge.levelAt(i, here)
      safeUntil[g] = gauge.gradual ? from + level : Number.NEGATIVE_INFINITY
      if (safeUntil[g]! < safe) safe = safeUntil[g]!
      if (level > 0 && !above[g]) {
        above[g] = true
        this.#below--
      }
      if (!driving || level >= until - from) continue
      if (above[g]) {
        above[g] = false
        this.#below++
        this.#broken[g] = violationOf(gauge, level > 0 ? from + level : from)
        this.violations.push(this.#broken[g]!)
      }
      const broken = this.#broken[g]!
      broken.until = until
      broken.explanation.reachedMs = broken.explanation.limitMs - (level - (until - from))
    }
    this.#allSafeUntil = safe
  }

  /** What is being broken, or was last and the level has not been above zero since. */
  broken(): Violation[] {
    return this.#below === 0
      ? []
      : this.#broken.filter((one, g): one is Mutable<Violation> => one !== null && !this.#above[g])
  }

  /** A copy of how far it has come. */
  kept(): Kept {
    return {
      boundary: this.#next,
      above: [...this.#above],
      broken: this.#broken.map((one, g) => (one === null || this.#above[g] ? null : copyOf(one))),
    }
  }

  /** Does driving on break a rule anew, or again? */
  beginsAt(g: number): boolean {
    return this.#above[g]! || this.#broken[g]!.until < this.#line.at[this.#line.count]!
  }
}

const copyOf = ({ rule, from, until, explanation }: Violation): Mutable<Violation> => ({
  rule,
  from,
  until,
  explanation: { ...explanation },
})

export const byTimeAndRule = (a: Violation, b: Violation) => a.from - b.from || (a.rule < b.rule ? -1 : 1)

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends Explanation ? Mutable<Explanation> : T[K] }

function violationOf(gauge: Gauge, from: Instant): Mutable<Violation> {
  const { limitMs, since, rests } = gauge.basis()
  return {
    rule: gauge.rule,
    from,
    until: from,
    explanation: {
      citation: gauge.citation,
      limitMs,
      reachedMs: limitMs,
      since,
      rests: rests.map((rest) => ({ from: rest.from, until: rest.until })),
    },
  }
}

/** The rest that goes on, null on duty; one that begins at the instant asked about has no length yet. */
export function presentRest(line: Timeline): Rest | null {
  if (line.present >= ON_DUTY) return null
  const { count } = line
  const last = line.rests.length > 0 ? line.rests[line.rests.length - 1]! : null
  return last !== null && last.end === count ? last : restAt(line.at[count]!, count)
}

/** When the present rest, going on as it is, makes pairs that it does not make yet; the first of them first. */
export function pairsDoneAt(
  line: Timeline,
  pair: PairLaw | null,
  points: CalculationPoints,
  resting: Rest,
): Instant[] {
  const asOf = line.at[line.count]!
  const inBerth = line.present === BERTH
  const done: Instant[] = []
  if (pair === null) return done
  if (pair.of === 'berth' && !inBerth) return done
  let runFrom = asOf
  if (inBerth) {
    let first = line.count
    while (first > resting.first && line.kind[first - 1] === BERTH) first--
    runFrom = line.at[first]!
  }
  const from = pair.of === 'berth' ? runFrom : resting.from
  const { berthMs } = resting
  for (const first of points.firsts) {
    if (first.until > from) continue
    let doneAt = Math.max(from + pair.leastMs, from + pair.togetherMs - (first.until - first.from))
    if (first.berthMs < pair.berthMs && berthMs < pair.berthMs) {
      if (!inBerth) continue
      doneAt = Math.max(doneAt, runFrom + pair.berthMs)
    }
    if (doneAt > asOf) done.push(doneAt)
  }
  return done.length > 1 ? done.sort((a, b) => a - b) : done
}

/** The earlier of two instants that may not come. */
export function earliest(a: Instant | null, b: Instant | null): Instant | null {
  if (a === null || b === null) return a ?? b
  return Math.min(a, b)
}

/** The first of these after `asOf`. */
export function firstAfter(asOf: Instant, instants: readonly (Instant | null)[]): Instant | null {
  let next: Instant | null = null
  for (const at of instants) if (at !== null && at > asOf) next = earliest(next, at)
  return next
}
