import type { Instant } from '../../../time/instant.ts'
import { runsOf, type Segment } from '../../gapped.ts'
import { RULE } from '../dailyDriving.ts'
import { LIMITS, MS } from '../limits.ts'
import type { Span } from '../timeline.ts'
import type { Weeks } from '../weeks.ts'
import {
  type Block,
  type Bounds,
  blocksOf,
  type Doubtful,
  isRest,
  passingOf,
  sumOf,
  violation,
} from './blocks.ts'

/** Extensions used in each fixed week. */
type Used = Map<number, Bounds>

/**
 * Art. 6(1) over all fillings, between daily rests that are known. All that may be driven there since the last such rest is the most of
 * a day; what is known to be driven since the last run that may end a day is the least. Seven hours end one only if the daily rest is
 * missing, so where that is open they may. Each day beyond nine hours takes an extension of its week, and the bounds of what has been taken say
 * whether a day has nine hours or ten.
 */
export function dailyDrivingInDoubt(
  segments: readonly Segment[],
  weeks: Weeks,
  windowMs: number,
  asOf: Instant,
): Doubtful & { remainingMs: Bounds; limitMs: number } {
  const found: Doubtful = { proven: [], possible: [] }
  const used: Used = new Map()
  let last: Piece | null = null
  const blocks = blocksOf(segments, MS.dailyRestReduced)
  for (const block of blocks)
    for (const piece of piecesOf(block, windowMs, asOf)) {
      judge(piece, used, weeks, asOf, found)
      last = block.closing ? null : piece
    }
  return { ...found, ...clockOf(last, used, weeks, asOf) }
}

/** What lies between rests that surely end a day. */
interface Piece {
  /** Driven for sure, and at the most. */
  sure: Span[]
  most: Span[]
  /** Where a rest may end a day. */
  splits: Span[]
  /** How many days it may hold that are longer than nine hours. */
  longDays: number
  /** Known to be extended; may be extended. Set when judged. */
  extended: boolean
  maybeExtended: boolean
}

function piecesOf(block: Block, windowMs: number, asOf: Instant): Piece[] {
  // However many rests the gaps hold, the last period begins by then: a window that is missed from there is missed from sooner.
  const latest = Math.max(block.from, ...block.maybe.map(({ until }) => until))
  const windowUntil = latest + windowMs
  const inTime = block.closing !== null && block.closing.from + MS.dailyRestReduced <= windowUntil
  const broken = !inTime && windowUntil <= asOf
  const runs = runsOf(block.segments, isRest)
  const ending = MS.restEndingDayWhenMissing
  const sureEnds = broken
    ? runs.flatMap(({ known }) =>
        known.filter((rest) => rest.from >= latest && rest.until - rest.from >= ending),
      )
    : []
  // Whether a rest of seven hours was enough is open where the daily rest is.
  const mayEnd = !block.exact || broken || (!inTime && block.segments.some(({ status }) => status === null))
  const splits = mayEnd
    ? runs.filter(
        (run) =>
          run.until - run.from >= ending &&
          !sureEnds.some((rest) => rest.from === run.from && rest.until === run.until),
      )
    : []
  const edges = [block.from, ...sureEnds.map(({ until }) => until), block.until]
  return edges.slice(1).map((until, i): Piece => {
    const inside = block.segments.filter(
      (one) => one.from >= edges[i]! && one.until <= until && one.from < asOf,
    )
    const clipped = inside.map((one) => ({ ...one, until: Math.min(one.until, asOf) }))
    const sure = clipped.filter(({ status }) => status === 'DRIVE')
    const most = clipped.filter(({ status }) => status === 'DRIVE' || status === null)
    const here = splits.filter((run) => run.from >= edges[i]! && run.until <= until)
    const longDays = here.length === 0 ? 1 : Math.max(1, Math.ceil(sumOf(most) / MS.drivingDay) - 1)
    return { sure, most, splits: here, longDays, extended: false, maybeExtended: false }
  })
}

function judge(piece: Piece, used: Used, weeks: Weeks, asOf: Instant, found: Doubtful): void {
  const { most, sure, splits, longDays } = piece
  const ninth = passingOf(most, MS.drivingDay)
  if (ninth === null) return
  const end = most.at(-1)!.until
  const touched: number[] = []
  for (let week = weeks.of(ninth); week <= weeks.of(end - 1); week++) touched.push(week)
  const before = touched.map((week) => used.get(week) ?? { least: 0, most: 0 })
  const fewest = Math.min(...before.map(({ least }) => least))
  const surelyLeft = Math.max(...before.map((one) => one.most)) + longDays - 1 < MS.extensionsPerWeek
  const maybeLeft = fewest < MS.extensionsPerWeek
  const sureNinth = splits.length === 0 ? passingOf(sure, MS.drivingDay) : null
  const surelyOne =
    sureNinth !== null && weeks.of(sureNinth) === touched[0] && surelyLeftOrUsed(surelyLeft, maybeLeft)
  piece.extended = sureNinth !== null && surelyLeft
  piece.maybeExtended = maybeLeft
  touched.forEach((week, i) => {
    const { least, most: had } = before[i]!
    const sureHere = surelyOne && week === touched[0]
    used.set(week, {
      least: Math.min(MS.extensionsPerWeek, least + (sureHere ? 1 : 0)),
      most: Math.min(MS.extensionsPerWeek, had + longDays),
    })
  })
  const told = (limitMs: number, from: Instant, until: Instant, reachedMs: number) =>
    violation(RULE, LIMITS.drivingDay.citation, [from, until], [limitMs, reachedMs, most[0]!.from])

  const low = surelyLeft ? MS.drivingDayExtended : MS.drivingDay
  const from = passingOf(most, low)
  if (from !== null) found.possible.push(told(low, from, Math.min(end, asOf), sumOf(most)))
  const high = maybeLeft ? MS.drivingDayExtended : MS.drivingDay
  for (const spans of between(sure, splits)) {
    const at = passingOf(spans, high)
    if (at !== null) found.proven.push(told(high, at, spans.at(-1)!.until, sumOf(spans)))
  }
}

/** A day beyond nine hours takes an extension, or finds none left: either way one more is gone, if one was there. */
const surelyLeftOrUsed = (surely: boolean, maybe: boolean) => surely || maybe

/** Spans in groups, parted where a rest may end a day. */
function between(spans: readonly Span[], splits: readonly Span[]): Span[][] {
  const groups: Span[][] = [[]]
  let next = 0
  for (const span of spans) {
    while (next < splits.length && splits[next]!.until <= span.from) {
      next++
      groups.push([])
    }
    groups.at(-1)!.push(span)
  }
  return groups
}

/** What is left of the day: of ten hours where it is extended or an extension is left in the week. */
function clockOf(
  piece: Piece | null,
  used: Used,
  weeks: Weeks,
  asOf: Instant,
): { remainingMs: Bounds; limitMs: number } {
  const now = used.get(weeks.of(asOf)) ?? { least: 0, most: 0 }
  const [nine, ten] = [MS.drivingDay, MS.drivingDayExtended]
  const most = now.least < MS.extensionsPerWeek || piece?.maybeExtended ? ten : nine
  const least = now.most < MS.extensionsPerWeek || piece?.extended ? ten : nine
  const drivenMost = piece ? sumOf(piece.most) : 0
  const groups = piece ? between(piece.sure, piece.splits) : []
  const ended =
    piece?.splits.at(-1)?.until === asOf ||
    ((piece?.splits.length ?? 0) > 0 && groups.length - 1 < piece!.splits.length)
  const drivenLeast = ended ? 0 : sumOf(groups.at(-1) ?? [])
  return {
    limitMs: most,
    remainingMs: { least: Math.max(0, least - drivenMost), most: Math.max(0, most - drivenLeast) },
  }
}
