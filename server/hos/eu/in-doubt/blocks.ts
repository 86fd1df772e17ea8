import type { Instant } from '../../../time/instant.ts'
import { type Run, runsOf, type Segment } from '../../gapped.ts'
import type { DutyStatus, Violation } from '../../types.ts'
import { MS } from '../limits.ts'
import { BEFORE, type Span } from '../timeline.ts'

/** An amount over all fillings of the gaps. */
export interface Bounds {
  least: number
  most: number
}

/** What a rule says of a log with gaps. */
export interface Doubtful {
  proven: Violation[]
  possible: Violation[]
}

export const isRest = (status: DutyStatus) => status === 'REST' || status === 'FERRY'

/** As far as the rest before any log is thought to reach. */
const LONG = BEFORE

/** The long rest before the log, of which the log may be the end. */
const withRestBefore = (segments: readonly Segment[]): Segment[] => {
  const first = segments[0]
  return first ? [{ from: first.from - LONG, until: first.from, status: 'REST' }, ...segments] : []
}

/** The stretches for rules that know no ferries. */
export const restsOnly = withRestBefore

/** What goes on at the end may be rest for as long as it takes: nothing that it could yet cure is broken. */
export function goneOn(segments: readonly Segment[]): Segment[] {
  const last = segments.at(-1)
  if (!last || (last.status !== null && !isRest(last.status))) return [...segments]
  return [...segments.slice(0, -1), { ...last, until: last.until + LONG }]
}

/**
 * The stretches for rules about daily and weekly rests. A gap may be a crossing by ferry, and then what interrupts the rest around it
 * for up to an hour is part of that rest (art. 9(1)): it is as unknown as the gap.
 */
export function restSegments(segments: readonly Segment[]): Segment[] {
  const all = withRestBefore(segments)
  const runs = runsOf(all, isRest)
  const doubtful: Span[] = []
  const crossing = (run: Run) =>
    run.uncertain ||
    all.some((one) => one.status === 'FERRY' && one.from >= run.from && one.until <= run.until)
  for (let i = 0; i < runs.length; i++) {
    for (let more = 1; more <= MS.ferryInterruptions && i + more < runs.length; more++) {
      const some = runs.slice(i, i + more + 1)
      const restMs = some.reduce((sum, run) => sum + run.until - run.from, 0)
      const wholeMs = some.at(-1)!.until - some[0]!.from
      if (restMs < MS.ferryRest || wholeMs - restMs > MS.ferryInterruptionTotal || !some.some(crossing))
        continue
      for (let k = 0; k < more; k++) doubtful.push({ from: some[k]!.until, until: some[k + 1]!.from })
    }
  }
  return all.map((one) =>
    doubtful.some(({ from, until }) => one.from >= from && one.until <= until)
      ? { ...one, status: null }
      : one,
  )
}

/** From the end of a rest of some length that is known to the start of the next. */
export interface Block extends Span {
  /** null for the last, which is not closed. */
  closing: Span | null
  /** The run of rest and gaps that the closing rest is in: it may begin sooner and end later. */
  closingRun: Run | null
  segments: Segment[]
  /** Runs that may be such a rest and are not known to be: those within, and those of the rests at both ends. */
  maybe: Run[]
  /** Stretches in which no such rest can lie. */
  bare: Span[]
  /** Does no gap leave open when it begins, when it ends, and whether it is one? */
  exact: boolean
}

export function blocksOf(segments: readonly Segment[], lengthMs: number): Block[] {
  const runs = runsOf(segments, isRest)
  const marks = runs.flatMap((run) =>
    run.known.filter(({ from, until }) => until - from >= lengthMs).map((rest) => ({ rest, run })),
  )
  const end = segments.at(-1)?.until ?? 0
  return marks.flatMap(({ rest }, i): Block[] => {
    const next = marks[i + 1]
    const from = rest.until
    const until = next?.rest.from ?? end
    if (from >= until) return []
    const maybe = runs.filter(
      (run) => run.uncertain && run.until - run.from >= lengthMs && run.until > from && run.from < until,
    )
    const bare: Span[] = []
    let at = from
    for (const run of maybe) {
      if (run.from > at) bare.push({ from: at, until: run.from })
      at = Math.max(at, run.until)
    }
    if (at < until) bare.push({ from: at, until })
    return [
      {
        from,
        until,
        closing: next?.rest ?? null,
        closingRun: next?.run ?? null,
        segments: segments.filter((one) => one.from >= from && one.until <= until),
        maybe,
        bare,
        exact: maybe.length === 0,
      },
    ]
  })
}

/** When what is counted goes beyond a limit, of spans that all count; null if it does not. */
export function passingOf(spans: readonly Span[], limitMs: number): Instant | null {
  let sum = 0
  for (const { from, until } of spans) {
    if (sum + until - from > limitMs) return from + Math.max(0, limitMs - sum)
    sum += until - from
  }
  return null
}

export const sumOf = (spans: readonly Span[]): number =>
  spans.reduce((sum, one) => sum + one.until - one.from, 0)

export function violation(
  rule: string,
  citation: string,
  [from, until]: readonly [Instant, Instant],
  [limitMs, reachedMs, since]: readonly [number, number, Instant | null],
): Violation {
  return { rule, from, until, explanation: { citation, limitMs, reachedMs, since, rests: [] } }
}
