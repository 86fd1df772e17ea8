import type { Instant } from '../../time/instant.ts'
import type { PairLaw } from './limits.ts'
import { BERTH, onDutyFrom, type Rest, type Span, type Timeline } from './timeline.ts'

/** Where counting begins, and the rest that the window leaves out. */
export interface CalculationPoint {
  /** Boundary of the timeline. */
  boundary: number
  left: Span | null
  /** The rests that make it: one that reset, or the two of a pair; none before the first. */
  rests: readonly Span[]
  /** How far nobody has been found on duty since: a first look goes no further back. */
  opened: number
}

interface Candidate extends Span {
  berthMs: number
  /** The latest earlier rest with which it makes a pair. */
  partner: Candidate | null
  /** Till the end of the last rest that it is the first of a pair with, the window leaves it out. */
  openUntil: Instant
}

const NONE: readonly never[] = []

/** How far a walk over the boundaries has come. */
interface Walked {
  nextReset: number
  nextCandidate: number
  points: readonly CalculationPoint[]
  open: readonly Candidate[]
  combined: readonly CalculationPoint[]
}

/**
 * The calculation points that are good at each boundary of a log (395.1(g), FORMAT: "Reset" and "A pair"). Walk the boundaries
 * in order with `at`; each answer is valid until the next call.
 */
export class CalculationPoints {
  readonly #line: Timeline
  readonly #resetMs: number
  readonly #law: PairLaw | null
  readonly #resets: Rest[] = []
  /** Those beyond which no pair reaches. */
  readonly #ending: readonly Rest[]
  readonly #candidates: Candidate[] = []
  #nextReset = 0
  #nextCandidate = 0
  #points: readonly CalculationPoint[]
  #open: readonly Candidate[] = NONE
  #combined: readonly CalculationPoint[]
  #marked: Walked | null = null

  /**
   * @param sure where a log has gaps, its full rests that are known: another may have been less, so it may be the first of a pair, and
   * rests before it may pair with rests after it
   */
  constructor(line: Timeline, resetMs: number, law: PairLaw | null, sure?: readonly Rest[]) {
    this.#line = line
    this.#resetMs = resetMs
    this.#law = law
    this.#addResets(0)
    this.#ending = sure ? this.#resets.filter((rest) => sure.some((one) => ends(one, rest))) : this.#resets
    if (law) addCandidates(this.#candidates, line, this.#ending, law, 0)
    this.#points = [{ boundary: 0, left: null, rests: NONE, opened: 0 }]
    this.#combined = this.#points
  }

  /** Those that begin at a boundary or later. */
  #addResets(from: number): void {
    const { rests } = this.#line
    for (let r = firstFrom(rests, from); r < rests.length; r++) {
      const rest = rests[r]!
      if (rest.opening || rest.until - rest.from >= this.#resetMs) this.#resets.push(rest)
    }
  }

  /** Notes how far the walk has come, for `goOn`. */
  mark(): void {
    this.#marked = {
      nextReset: this.#nextReset,
      nextCandidate: this.#nextCandidate,
      points: this.#points,
      open: this.#open,
      combined: this.#combined,
    }
  }

  /**
   * The log has gone on with nothing new: back to the mark, and the rests from a boundary on, at which a tour begins, are read again.
   * For a log without gaps.
   */
  goOn(from: number): void {
    const marked = this.#marked!
    this.#nextReset = marked.nextReset
    this.#nextCandidate = marked.nextCandidate
    this.#points = marked.points
    this.#open = marked.open
    this.#combined = marked.combined
    cutFrom(this.#resets, from)
    this.#addResets(from)
    if (this.#law === null) return
    cutFrom(this.#candidates, from)
    addCandidates(this.#candidates, this.#line, this.#ending, this.#law, from)
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
      const second =
        this.#nextCandidate < this.#candidates.length ? this.#candidates[this.#nextCandidate]! : null
      const reset = this.#nextReset < this.#resets.length ? this.#resets[this.#nextReset]! : null
      const secondEnds = second !== null && second.end <= boundary
      const resetEnds = reset !== null && reset.end <= boundary
      if (!secondEnds && !resetEnds) break
      moved = true
      // A rest that resets may be a second too; what it resets comes after.
      if (secondEnds && !(resetEnds && reset.end < second.end)) {
        this.#nextCandidate++
        this.#pairUp(second)
      } else {
        this.#nextReset++
        this.#points = [{ boundary: reset!.end, left: null, rests: [reset!], opened: reset!.end }]
        this.#open = NONE
      }
    }
    if (this.#open.length > 0 && this.#forget(at[boundary]!)) moved = true
    if (moved) this.#combined = this.#open.length > 0 ? this.#combine() : this.#points
    return this.#combined
  }

  /** Forgets the rests that the window leaves out no longer; were there any? */
  #forget(at: Instant): boolean {
    let latest = 0
    for (const point of this.#points) if (point.boundary > latest) latest = point.boundary
    // No function is made here: it would be made at each boundary.
    const open: Candidate[] = []
    for (const first of this.#open) if (first.openUntil > at && first.end > latest) open.push(first)
    if (open.length === this.#open.length) return false
    this.#open = open
    return true
  }

  /**
   * The points with each of the rests that may be left out. Of the points before such a rest only those count after which the
   * driver came on duty last: any other has the same rest left out of a longer window.
   */
  #combine(): readonly CalculationPoint[] {
    const combined = [...this.#points]
    for (const first of this.#open) {
      let last = -1
      for (const point of this.#points) {
        if (point.boundary > first.first) continue
        const opened = onDutyFrom(this.#line, point.opened)
        if (opened > last) last = opened
      }
      for (const { boundary, rests, opened } of this.#points) {
        if (boundary > first.first || onDutyFrom(this.#line, opened) < last) continue
        combined.push({ boundary, left: first, rests, opened })
      }
    }
    return combined
  }

  #pairUp(second: Candidate): void {
    if (second.partner) {
      const { end } = second.partner
      // A point at or after another's second rest always leaves more.
      const points = this.#points.filter((point, i) => i === 0 || point.left!.end > end)
      points.push({ boundary: end, left: second, rests: [second.partner, second], opened: end })
      this.#points = points
    }
    if (second.openUntil <= this.#line.at[second.end]!) return
    // An earlier rest that is no longer, nor left out for longer, never leaves more: a log without a full rest has thousands.
    const open = this.#open.filter(
      (one) => lengthOf(one) > lengthOf(second) || one.openUntil > second.openUntil,
    )
    open.push(second)
    this.#open = open
  }
}

/** A full rest that is known ends a rest; what would come after it may be a rest of its own. */
const ends = (one: Span, other: Span) => one.from >= other.from && one.until === other.until

const lengthOf = (span: Span) => span.until - span.from

/** The index of the first of these that begins at a boundary or later. */
function firstFrom(spans: readonly Span[], boundary: number): number {
  if (boundary === 0) return 0
  let i = spans.length
  while (i > 0 && spans[i - 1]!.first >= boundary) i--
  return i
}

function cutFrom(spans: Span[], boundary: number): void {
  spans.length = firstFrom(spans, boundary)
}

/**
 * The rests that may be one of a pair, tour by tour, from a boundary on at which a tour begins. A tour that has one of them only
 * makes no pair, so it is left out; of the last one a rest still to come may be the second, so it stays.
 */
function addCandidates(
  found: Candidate[],
  line: Timeline,
  resets: readonly Rest[],
  law: PairLaw,
  from: number,
): void {
  const inBerth = law.of === 'berth'
  const spans = inBerth ? berthRuns(line, resets, from) : line.rests
  let reset = firstFrom(resets, from)
  let tour: Span[] = []
  for (let i = inBerth ? 0 : firstFrom(spans, from); i < spans.length; i++) {
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
}

function addTour(found: Candidate[], spans: readonly Span[], law: PairLaw): void {
  const tour = spans.map(
    (span): Candidate => ({
      from: span.from,
      until: span.until,
      first: span.first,
      end: span.end,
      berthMs: law.of === 'rest' ? (span as Rest).berthMs : lengthOf(span),
      partner: null,
      openUntil: Number.NEGATIVE_INFINITY,
    }),
  )
  if (tour.length > 1) pair(tour, law)
  for (const one of tour) found.push(one)
}

/** Runs in the berth alone, from a boundary on. */
function berthRuns(line: Timeline, resets: readonly Rest[], from: number): Span[] {
  const runs: Span[] = []
  let last: Span | null = null
  // Those of the rest which the log opens with reset with it.
  const opening = resets.length > 0 && resets[0]!.opening ? resets[0]!.end : 0
  for (let i = Math.max(from, opening); i < line.count; i++) {
    if (line.kind[i] !== BERTH) continue
    if (last !== null && last.end === i) {
      last.end = i + 1
      last.until = line.at[i + 1]!
    } else {
      last = { from: line.at[i]!, until: line.at[i + 1]!, first: i, end: i + 1 }
      runs.push(last)
    }
  }
  return runs
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
