import type { Instant } from '../../time/instant.ts'
import { evaluateBy } from '../eu/activities.ts'
import {
  type Block,
  blocksOf,
  type Doubtful,
  isRest,
  passingOf,
  restsOnly,
  sumOf,
  violation,
} from '../eu/in-doubt/blocks.ts'
import { type Counts, mayPass, mostAt, type Period, periodsOf } from '../eu/in-doubt/periods.ts'
import type { Span } from '../eu/timeline.ts'
import { type Weeks, weeksIn } from '../eu/weeks.ts'
import {
  type Bound,
  filled,
  type GapEvent,
  type Readings,
  runsOf,
  type Segment,
  segmentsOf,
} from '../gapped.ts'
import type { Evaluation, HosOptions, RulesetId } from '../types.ts'
import { RULE as BREAK } from './break.ts'
import { RULE as REST } from './dailyRest.ts'
import { RULE as DRIVE } from './drivingDay.ts'
import { RULE as DUTY } from './duty.ts'
import { RULE as FORTNIGHT } from './fortnightlyRest.ts'
import { goodsRules } from './goods.ts'
import { LIMITS, MS } from './limits.ts'
import { passengerRules } from './passenger.ts'
import { RULE as DAY } from './workingDay.ts'

const drives: Counts = (status) => status === 'DRIVE'
const onDuty: Counts = (status) => !isRest(status)

/**
 * The bounds of a log with gaps under the domestic rules of Great Britain. For goods, the 24 h of a day are known as long as no
 * gap may hold the beginning of one, and after 24 h off; between, a limit may be passed wherever as much may have counted in any
 * 24 h. For passengers, days lie between rests of 8 h 30 that are known, and spells of driving between breaks of 30 min.
 */
export function readGreatBritain(
  log: readonly GapEvent[],
  ruleset: RulesetId,
  options: HosOptions,
  asOf: Instant,
): Readings {
  const rules = ruleset === 'gb-domestic' ? goodsRules : passengerRules
  const harshest = evaluateBy(rules, filled(log, 'DRIVE'), options, asOf)
  const kindest = evaluateBy(rules, filled(log, 'REST'), options, asOf)
  const segments = segmentsOf(log, asOf)
  const weeks = weeksIn(options.timeZone)
  const found =
    ruleset === 'gb-domestic'
      ? goods(segments, harshest, kindest, weeks, asOf)
      : passengers(segments, harshest, kindest, weeks, asOf, isDutyNow(log))
  const clocks = (of: Evaluation, which: 'least' | 'most'): Bound[] =>
    of.clocks.map((clock) => ({ ...clock, remainingMs: found.left(clock.rule, which) ?? clock.remainingMs }))
  return {
    proven: found.proven,
    possible: found.possible,
    least: [clocks(harshest, 'least')],
    most: clocks(kindest, 'most'),
    changes: [harshest.nextChangeAt, kindest.nextChangeAt],
  }
}

interface Found extends Doubtful {
  /** What bounds a clock where the readings do not. */
  left: (rule: string, which: 'least' | 'most') => number | null
}

const driving = (segments: readonly Segment[]) => segments.filter(({ status }) => status === 'DRIVE')

function goods(
  segments: readonly Segment[],
  harshest: Evaluation,
  kindest: Evaluation,
  weeks: Weeks,
  asOf: Instant,
): Found {
  const duty = periodsOf(segments, MS.day, onDuty, asOf)
  const found: Doubtful = { proven: [], possible: [] }
  const inKnown = ({ explanation: { since } }: Evaluation['violations'][number]) =>
    duty.known.some(({ from }) => from === since)
  found.proven.push(...kindest.violations.filter((one) => one.rule === DRIVE && inKnown(one)))
  found.possible.push(...harshest.violations.filter((one) => one.rule === DRIVE && inKnown(one)))
  const toldDrive = ({ from, until }: Span) =>
    violation(DRIVE, LIMITS.drivingDay.citation, [from, until], [MS.drivingDay, MS.drivingDay, null])
  const toldDuty = (from: Instant, until: Instant) =>
    violation(DUTY, LIMITS.dutyDay.citation, [from, until], [MS.dutyDay, MS.dutyDay, null])
  for (const open of duty.open) {
    found.possible.push(...mayPass(segments, open, MS.day, MS.drivingDay, drives).map(toldDrive))
    // The exception of a light week may end with any later day of it, and take back that of this one.
    for (const { from } of mayPass(segments, open, MS.day, MS.dutyDay, onDuty).slice(0, 1))
      found.possible.push(toldDuty(from, asOf))
  }
  for (const day of duty.known) {
    const week = weeks.of(day.from)
    const over = passingOf(day.most, MS.dutyDay)
    if (over !== null && driven(segments, day, 'most').length > 0)
      found.possible.push(toldDuty(Math.min(over, asOf), Math.min(asOf, weeks.startOf(week + 1) + MS.day)))
    const overSurely = passingOf(day.sure, MS.dutyDay)
    const [first] = driven(segments, day, 'sure')
    const ends = exceptionEnds(
      segments,
      duty.known.filter((one) => weeks.of(one.from) === week),
    )
    if (overSurely === null || !first || ends === null) continue
    const from = Math.max(overSurely, first.from, ends)
    const lastDuty = day.sure.at(-1)!.until
    // Another day may have ended the exception sooner, and then it was broken before this one was over.
    const [begins, turns] = [weeks.startOf(week), weeks.startOf(week + 1)]
    const sooner = duty.open.some((open) => open.from < turns && open.until > begins)
    const twin = harshest.violations.some(
      (one) => one.rule === DUTY && one.explanation.since === day.from && one.from === from,
    )
    if (from <= asOf && (lastDuty >= from || (twin && !sooner)))
      found.proven.push(toldDuty(from, Math.max(from, lastDuty)))
  }
  return { ...found, left: (rule, which) => leftOfGoods(rule, which) }

  function leftOfGoods(rule: string, which: 'least' | 'most'): number | null {
    const open = duty.open.find(({ until }) => until === asOf)
    if (rule === DRIVE) {
      if (!open) return null
      return which === 'most'
        ? MS.drivingDay
        : Math.max(0, MS.drivingDay - mostAt(segments, open, MS.day, drives, asOf))
    }
    const light = MS.drivingOfLightWeek
    if (open) {
      if (which === 'most') return MS.dutyDay
      return Math.max(
        0,
        Math.min(
          light - mostAt(segments, open, MS.day, drives, asOf),
          MS.dutyDay - mostAt(segments, open, MS.day, onDuty, asOf),
        ),
      )
    }
    const day = duty.known.find(({ until, from }) => from <= asOf && until > asOf)
    const dutyMs = MS.dutyDay - sumOf(day?.[which === 'least' ? 'most' : 'sure'] ?? [])
    const drivenMs = day ? sumOf(driven(segments, day, which === 'least' ? 'most' : 'sure')) : 0
    const week = weeks.of(day?.from ?? asOf)
    const surely =
      exceptionEnds(
        segments,
        duty.known.filter((one) => weeks.of(one.from) === week),
      ) !== null
    if (surely) return Math.max(0, dutyMs)
    return Math.max(
      0,
      which === 'least' ? Math.min(dutyMs, light - drivenMs) : Math.max(dutyMs, light - drivenMs),
    )
  }
}

/** What is driven in a day. */
function driven(segments: readonly Segment[], { from, until }: Span, which: 'sure' | 'most'): Span[] {
  return segments
    .filter(({ status }) => status === 'DRIVE' || (which === 'most' && status === null))
    .map((one) => ({ from: Math.max(one.from, from), until: Math.min(one.until, until) }))
    .filter((one) => one.until > one.from)
}

/** When known driving of a day of the week surely goes past 4 h. */
function exceptionEnds(segments: readonly Segment[], days: readonly Period[]): Instant | null {
  const all = days.map((day) => passingOf(driven(segments, day, 'sure'), MS.drivingOfLightWeek))
  const some = all.filter((at) => at !== null)
  return some.length > 0 ? Math.min(...some) : null
}

function passengers(
  segments: readonly Segment[],
  harshest: Evaluation,
  kindest: Evaluation,
  weeks: Weeks,
  asOf: Instant,
  dutyNow: boolean,
): Found {
  const all = restsOnly(segments)
  const days = blocksOf(all, MS.dailyRestReduced)
  const spells = blocksOf(all, MS.break)
  const of = (evaluation: Evaluation, name: string) =>
    evaluation.violations.filter(({ rule }) => rule === name)
  const parts = [
    { proven: of(kindest, FORTNIGHT), possible: of(harshest, FORTNIGHT) },
    ...days.map(drivingOfDay),
    ...days.map(lengthOfDay),
    dutyNow ? lateNow(days.at(-1), asOf) : NOTHING,
    reducedRests(segments, weeks, asOf),
    ...spells.map((spell) => drivingOfSpell(spell, of(harshest, BREAK))),
  ]
  return {
    proven: parts.flatMap(({ proven }) => proven),
    possible: parts.flatMap(({ possible }) => possible),
    left(rule, which) {
      if (rule === DRIVE) return leftOfDay(days.at(-1), which)
      if (rule === DAY) return leftOfLength(days.at(-1), which, asOf)
      if (rule === BREAK) return leftOfSpell(spells.at(-1), which)
      return null
    },
  }
}

const most = (segments: readonly Segment[]) =>
  segments.filter(({ status }) => status === 'DRIVE' || status === null)

function drivingOfDay({ segments, bare, from }: Block): Doubtful {
  const told = (at: Instant, spans: readonly Span[]) =>
    violation(
      DRIVE,
      LIMITS.drivingDay.citation,
      [at, spans.at(-1)!.until],
      [MS.drivingDay, sumOf(spans), from],
    )
  const found: Doubtful = { proven: [], possible: [] }
  const maybe = most(segments)
  const at = passingOf(maybe, MS.drivingDay)
  if (at !== null) found.possible.push(told(at, maybe))
  for (const stretch of bare) {
    const sure = driving(within(segments, stretch))
    const over = passingOf(sure, MS.drivingDay)
    if (over !== null) found.proven.push(told(over, sure))
  }
  return found
}

const within = (segments: readonly Segment[], { from, until }: Span) =>
  segments.filter((one) => one.from >= from && one.until <= until)

/** A day runs from its first duty. */
function lengthOfDay({ segments, bare, from, until }: Block): Doubtful {
  const found: Doubtful = { proven: [], possible: [] }
  const told = (begin: Instant, end: Instant, since: Instant) =>
    violation(DAY, LIMITS.workingDay.citation, [begin, end], [MS.workingDay, end - since, since])
  const last = segments.findLast(({ status }) => status === null || onDuty(status))
  if (last && last.until > from + MS.workingDay)
    found.possible.push(told(from + MS.workingDay, Math.min(last.until, until), from))
  for (const stretch of bare) {
    const duties = within(segments, stretch).filter(({ status }) => status !== null && onDuty(status))
    const [first] = duties
    const limitAt = first ? first.from + MS.workingDay : null
    const late = duties.find((one) => limitAt !== null && one.until > limitAt)
    if (late) found.proven.push(told(Math.max(limitAt!, late.from), duties.at(-1)!.until, first!.from))
  }
  return found
}

const NOTHING: Doubtful = { proven: [], possible: [] }

const isDutyNow = (log: readonly GapEvent[]) => {
  const { status } = log.at(-1)!
  return status === 'UNKNOWN' || onDuty(status)
}

/** Duty that begins at the very instant asked about breaks the 16 h at once. */
function lateNow(day: Block | undefined, asOf: Instant): Doubtful {
  if (!day || day.closing || asOf < day.from + MS.workingDay) return NOTHING
  const before = day.segments.findLast(({ status }) => status === null || onDuty(status))?.until ?? asOf
  const late = violation(
    DAY,
    LIMITS.workingDay.citation,
    [Math.max(before, day.from + MS.workingDay), asOf],
    [MS.workingDay, asOf - day.from, day.from],
  )
  return { proven: [], possible: [late] }
}

/** Rests of 8 h 30 to 10 h by the week in which they end: those that are known, and as many as the gaps may hold. */
function reducedRests(segments: readonly Segment[], weeks: Weeks, asOf: Instant): Doubtful {
  const found: Doubtful = { proven: [], possible: [] }
  const least = new Map<number, number>()
  const mostOf = new Map<number, number>()
  const add = (counts: Map<number, number>, week: number, more: number) => {
    counts.set(week, (counts.get(week) ?? 0) + more)
    return counts.get(week)!
  }
  const told = (from: Instant, until: Instant) =>
    violation(REST, LIMITS.dailyRest.citation, [from, until], [MS.dailyRest, until - from, null])
  const runs = runsOf(segments, isRest)
  for (const run of runs) {
    const ms = run.until - run.from
    const opening = run === runs[0] && run.from === segments[0]!.from
    if (ms < MS.dailyRestReduced) continue
    if (run.uncertain) {
      for (let week = weeks.of(run.from); week <= weeks.of(run.until); week++)
        if (add(mostOf, week, Math.floor(ms / MS.dailyRestReduced)) > MS.reducedRestsPerWeek)
          found.possible.push(told(run.from, run.until))
    } else if (ms < MS.dailyRest && run.until < asOf && !opening) {
      const week = weeks.of(run.until)
      const at = told(run.until, run.until)
      if (add(least, week, 1) > MS.reducedRestsPerWeek) found.proven.push(at)
      if (add(mostOf, week, 1) > MS.reducedRestsPerWeek) found.possible.push(at)
    }
  }
  return found
}

function drivingOfSpell(block: Block, broken: Evaluation['violations']): Doubtful {
  const { segments, bare, from, until } = block
  // Without a gap it is what it is, breaks that make it long among it.
  if (segments.every(({ status }) => status !== null)) {
    const proven = broken.filter((one) => one.from >= from && one.from < until)
    return { proven, possible: [] }
  }
  const found: Doubtful = { proven: [], possible: [] }
  const told = (at: Instant, spans: readonly Span[]) =>
    violation(
      BREAK,
      LIMITS.drivingSpell.citation,
      [at, spans.at(-1)!.until],
      [MS.drivingSpell, sumOf(spans), from],
    )
  const maybe = most(segments)
  const at = passingOf(maybe, MS.drivingSpell)
  if (at !== null) found.possible.push(told(at, maybe))
  if (mayBeLong(block)) return found
  for (const stretch of bare) {
    const sure = driving(within(segments, stretch))
    const over = passingOf(sure, MS.drivingSpell)
    if (over !== null) found.proven.push(told(over, sure))
  }
  return found
}

/** May it hold 45 minutes of shorter breaks? */
const mayBeLong = ({ segments }: Block) => sumOf(runsOf(segments, isRest)) >= MS.breaksOfLongSpell

function leftOfDay(day: Block | undefined, which: 'least' | 'most'): number {
  if (!day || day.closing) return MS.drivingDay
  return Math.max(0, MS.drivingDay - sumOf(which === 'least' ? most(day.segments) : sinceMaybe(day)))
}

/** Known driving since the last rest that may have ended it. */
function sinceMaybe({ segments, maybe, from }: Block): Segment[] {
  const since = Math.max(from, maybe.at(-1)?.until ?? from)
  return driving(segments).filter((one) => one.from >= since)
}

function leftOfLength(day: Block | undefined, which: 'least' | 'most', asOf: Instant): number {
  if (!day || day.closing) return MS.workingDay
  const since = Math.max(day.from, day.maybe.at(-1)?.until ?? day.from)
  const known = day.segments.find((one) => one.from >= since && one.status !== null && onDuty(one.status))
  const begin = which === 'least' ? day.from : known?.from
  return begin === undefined ? MS.workingDay : Math.max(0, begin + MS.workingDay - asOf)
}

function leftOfSpell(spell: Block | undefined, which: 'least' | 'most'): number | null {
  if (!spell || spell.closing) return MS.drivingSpell
  if (spell.segments.every(({ status }) => status !== null)) return null
  if (which === 'least') return Math.max(0, MS.drivingSpell - sumOf(most(spell.segments)))
  const driving = Math.max(0, MS.drivingSpell - sumOf(sinceMaybe(spell)))
  return mayBeLong(spell) ? Math.max(driving, MS.longSpell - MS.breaksOfLongSpell) : driving
}
