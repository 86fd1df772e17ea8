import type { Instant } from '../../time/instant.ts'
import type { PairLaw } from './limits.ts'
import { BERTH, type Rest, type Span, type Timeline } from './timeline.ts'

/** Where counting begins, and the rest that the window leaves out. */
export interface CalculationPoint {
  /** Boundary of the timeline. */
  boundary: number
  left: Span | null
  /** The rests that make it: one that reset, or the two of a pair; none before the first. */
  rests: readonly Span[]
}

interface Candidate extends Span {
  berthMs: number
  /** The latest earlier rest with which it makes a pair. */
  partner: Candidate | null
  /** Till the end of the last rest that it is the first of a pair with, the window leaves it out. */
  openUntil: Instant
}

/**
 * The calculation points that are good at each boundary of a log (395.1(g), FORMAT: "Reset" and "A pair"). Walk the boundaries
 * in order with `at`; each answer is valid until the next call.
 */
export class CalculationPoints {
  readonly #line: Timeline
  readonly #resets: readonly Rest[]
  /** Those beyond which no pair reaches. */
  readonly #ending: readonly Rest[]
  readonly #candidates: Candidate[]
  #nextReset = 0
  #nextCandidate = 0
  #points: CalculationPoint[]
  #open: Candidate[] = []
  #combined: readonly CalculationPoint[]

  /**
   * @param sure where a log has gaps, its full rests that are known: another may have been less, so it may be the first of a pair, and
   * rests before it may pair with rests after it
   */
  constructor(line: Timeline, resetMs: number, law: PairLaw | null, sure?: readonly Rest[]) {
    this.#line = line
    this.#resets = line.rests.filter((rest) => rest.opening || rest.until - rest.from >= resetMs)
    this.#ending = sure ? this.#resets.filter((rest) => sure.some((one) => ends(one, rest))) : this.#resets
    this.#candidates = law ? candidatesOf(line, this.#ending, law) : []
    this.#points = [{ boundary: 0, left: null, rests: [] }]
    this.#combined = this.#points
  }

  get resets(): readonly Rest[] {
    return this.#resets
  }

  /** The boundary at which the present tour began, or the one that the present rest ends. */
  get tourFrom(): number {
    const { count } = this.#line
    return this.#resets.findLast((rest) => rest.end < count)?.end ?? 0
  }

  /** The rests that could be the first of a pair with one that goes on at the end of the log, which itself may reset. */
  get firsts(): readonly (Span & { berthMs: number })[] {
    const { count } = this.#line
    const reset = this.#ending.findLast((rest) => rest.end < count)
    return this.#candidates.filter((one) => one.end < count && (!reset || one.first >= reset.end))
  }

  at(boundary: number): readonly CalculationPoint[] {
    const { at } = this.#line
    let moved = false
    for (;;) {
      const second = this.#candidates[this.#nextCandidate]
      const reset = this.#resets[this.#nextReset]
      const secondEnds = second !== undefined && second.end <= boundary
      const resetEnds = reset !== undefined && reset.end <= boundary
      if (!secondEnds && !resetEnds) break
      moved = true
      // A rest that resets may be a second too; what it resets comes after.
      if (secondEnds && !(resetEnds && reset.end < second.end)) {
        this.#nextCandidate++
        this.#pairUp(second)
      } else {
        this.#nextReset++
        this.#points = [{ boundary: reset!.end, left: null, rests: [reset!] }]
        this.#open = []
      }
    }
    if (this.#open.length > 0) {
      const latest = this.#points.reduce((most, point) => Math.max(most, point.boundary), 0)
      this.#open = this.#open.filter((first) => first.openUntil > at[boundary]! && first.end > latest)
      moved = true
    }
    if (moved) {
      this.#combined = this.#points
      for (const first of this.#open) {
        const before = this.#points.filter((point) => point.boundary <= first.first)
        this.#combined = [...this.#combined, ...before.map((point) => ({ ...point, left: first }))]
      }
    }
    return this.#combined
  }

  #pairUp(second: Candidate): void {
    if (second.partner) {
      const { end } = second.partner
      // A point at or after another's second rest always leaves more.
      this.#points = this.#points.filter((point, i) => i === 0 || point.left!.end > end)
      this.#points.push({ boundary: end, left: second, rests: [second.partner, second] })
    }
    if (second.openUntil <= this.#line.at[second.end]!) return
    // An earlier rest that is no longer, nor left out for longer, never leaves more: a log without a full rest has thousands.
    this.#open = this.#open.filter(
      (one) => lengthOf(one) > lengthOf(second) || one.openUntil > second.openUntil,
    )
    this.#open.push(second)
  }
}

/** A full rest that is known ends a rest; what would come after it may be a rest of its own. */
const ends = (one: Span, other: Span) => one.from >= other.from && one.until === other.until

const lengthOf = (span: Span) => span.until - span.from

/**
 * The rests that may be one of a pair, tour by tour. A tour that has one of them only makes no pair, so it is left out; of
 * the last one a rest still to come may be the second, so it stays.
 */
function candidatesOf(line: Timeline, resets: readonly Rest[], law: PairLaw): Candidate[] {
  const found: Candidate[] = []
  const spans = law.of === 'rest' ? line.rests : berthRuns(line, resets)
  let reset = 0
  let tour: Span[] = []
  for (let i = 0; i < spans.length; i++) {
    const span = spans[i]!
    while (reset < resets.length && resets[reset]!.end < span.end) {
      reset++
      if (tour.length > 1) addTour(found, tour, law)
      if (tour.length > 0) tour = []
    }
    // A rest that resets may be a second, and ends its tour.
    if (span.until - span.from >= law.leastMs) tour.push(span)
  }
  addTour(found, tour, law)
  return found
}

function addTour(found: Candidate[], spans: readonly Span[], law: PairLaw): void {
  const tour = spans.map(
    (span): Candidate => ({
      from: span.from,
      until: span.until,
      first: span.first,
      end: span.end,
      berthMs: law.of === 'rest' ? lengthOf((span as Rest).berth) : lengthOf(span),
      partner: null,
      openUntil: Number.NEGATIVE_INFINITY,
    }),
  )
  if (tour.length > 1) pair(tour, law)
  for (const one of tour) found.push(one)
}

function berthRuns(line: Timeline, resets: readonly Rest[]): Span[] {
  const runs: Span[] = []
  for (let i = 0; i < line.count; i++) {
    if (line.kind[i] !== BERTH) continue
    const last = runs[runs.length - 1]
    if (last && last.end === i) {
      last.end = i + 1
      last.until = line.at[i + 1]!
    } else runs.push({ from: line.at[i]!, until: line.at[i + 1]!, first: i, end: i + 1 })
  }
  // A run that belongs to the rest which the log opens with resets with it.
  const [opening] = resets
  return opening?.opening ? runs.filter((run) => run.first >= opening.end) : runs
}

const enough = (a: Candidate, b: Candidate, law: PairLaw) =>
  lengthOf(a) + lengthOf(b) >= law.togetherMs && (a.berthMs >= law.berthMs || b.berthMs >= law.berthMs)

/** Of the rests before, only those longer than all after them can be the latest that is long enough. */
function putLongest(stack: Candidate[], one: Candidate): void {
  while (stack.length > 0 && lengthOf(stack[stack.length - 1]!) <= lengthOf(one)) stack.pop()
  stack.push(one)
}

/** Of the rests after, from the end on, only those longer than all later ones can be the last that is long enough. */
function putRecord(records: Candidate[], one: Candidate): void {
  const longest = records[records.length - 1]
  if (!longest || lengthOf(one) > lengthOf(longest)) records.push(one)
}

/** Finds for each rest of a tour the latest earlier one that it makes a pair with, and till when each one may be left out. */
function pair(tour: readonly Candidate[], law: PairLaw): void {
  let all: Candidate[] = []
  let inBerth: Candidate[] = []
  for (const second of tour) {
    const stack = second.berthMs >= law.berthMs ? all : inBerth
    for (let i = stack.length - 1; i >= 0 && !second.partner; i--)
      if (enough(stack[i]!, second, law)) second.partner = stack[i]!
    putLongest(all, second)
    if (second.berthMs >= law.berthMs) putLongest(inBerth, second)
  }
  all = []
  inBerth = []
  for (let i = tour.length - 1; i >= 0; i--) {
    const first = tour[i]!
    for (const second of first.berthMs >= law.berthMs ? all : inBerth) {
      if (!enough(first, second, law)) continue
      first.openUntil = second.until
      break
    }
    putRecord(all, first)
    if (first.berthMs >= law.berthMs) putRecord(inBerth, first)
  }
}
