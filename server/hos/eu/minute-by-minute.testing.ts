import { type Instant, MINUTE } from '../../time/instant.ts'
import { zone } from '../../time/zone.ts'
import type { DutyEvent, HosOptions } from '../types.ts'

/**
 * (EC) 561/2006 read off the text once a minute, shares of weeks and compensations by trying all of them: slow, and so plain that
 * it can be checked against the law. What the engine is compared with. All numbers here are minutes since the log began.
 */
export interface MinuteAnswer {
  /** Rule and first minute, in order. */
  violations: { rule: string; from: Instant }[]
  /** Minutes left by clock. */
  remaining: Record<string, number>
}

interface Rest {
  from: number
  until: number
  /** Without interruptions. */
  minutes: number
  ferry: boolean
  parts: { from: number; until: number }[]
}

const H = 60
const LONG_AGO = -100 * 24 * H
/** How much longer a rest that runs may still go on: whatever the law counts, and around it. */
const GOES_ON = [0, 15, 30, 45, 2 * H, 3 * H, 7 * H, 9 * H, 11 * H, 24 * H, 30 * H, 45 * H, 69 * H, 100 * H]
const LATER = [...GOES_ON, 200 * H, 400 * H, 800 * H, 1_700 * H]

export function minuteByMinute(log: readonly DutyEvent[], options: HosOptions, asOf: Instant): MinuteAnswer {
  const start = log[0] && log[0].at < asOf ? log[0].at : asOf
  const now = (asOf - start) / MINUTE
  const statuses: string[] = []
  for (const { at, status } of log) {
    for (let m = (at - start) / MINUTE; m < now; m++) statuses[m] = status
  }
  const weekOf = weeksFrom(start, options.timeZone)
  const reading = readingOf(statuses, now, options, weekOf)
  let { violations } = reading
  // What a rest still running could yet cure is not reported.
  if (isRest(statuses.at(-1) ?? 'REST')) {
    for (const more of LATER.slice(1)) {
      const longer = [...statuses, ...new Array<string>(more).fill('REST')]
      const then = readingOf(longer, now, options, weekOf).violations
      const same = (a: Found) => then.some((b) => a.rule === b.rule && a.from === b.from)
      violations = violations.filter(same)
    }
  }
  violations.sort((a, b) => a.from - b.from || (a.rule < b.rule ? -1 : 1))
  return {
    violations: violations.map(({ rule, from }) => ({ rule, from: start + from * MINUTE })),
    remaining: reading.remaining,
  }
}

interface Found {
  rule: string
  from: number
}

const isRest = (status: string) => status === 'REST' || status === 'FERRY'

/** The fixed week of each minute, and where each begins: Monday 00:00 of the zone. */
interface WeekOf {
  (minute: number): number
  startOf(week: number): number
}

function weeksFrom(start: Instant, timeZone: string): WeekOf {
  const clock = zone(timeZone)
  const monday = Date.UTC(2026, 0, 5)
  const starts = new Map<number, number>()
  const startOf = (week: number) => {
    const known = starts.get(week)
    if (known !== undefined) return known
    const date = new Date(monday + week * 7 * 1440 * MINUTE).toISOString().slice(0, 10)
    starts.set(week, (clock.startOf(date) - start) / MINUTE)
    return starts.get(week)!
  }
  const of = (minute: number) => {
    let week = Math.floor((start + minute * MINUTE - monday) / (7 * 1440 * MINUTE))
    while (startOf(week) > minute) week--
    while (startOf(week + 1) <= minute) week++
    return week
  }
  return Object.assign(of, { startOf })
}

function restsOf(statuses: readonly string[]): Rest[] {
  const begins = statuses.findIndex((status) => !isRest(status))
  const opens = begins < 0 ? statuses.length : begins
  const rests: Rest[] = [restFrom(LONG_AGO, opens, statuses)]
  let from = -1
  for (let m = opens; m <= statuses.length; m++) {
    const resting = m < statuses.length && isRest(statuses[m]!)
    if (resting && from < 0) from = m
    if (!resting && from >= 0) {
      rests.push(restFrom(from, m, statuses))
      from = -1
    }
  }
  return rests
}

const restFrom = (from: number, until: number, statuses: readonly string[]): Rest => ({
  from,
  until,
  minutes: until - from,
  ferry: statuses.slice(Math.max(0, from), until).includes('FERRY'),
  parts: [{ from, until }],
})

/** Art. 9(1) */
function joinedByFerry(rests: readonly Rest[]): Rest[] {
  const found: Rest[] = []
  for (let i = 0; i < rests.length; i++) {
    let run = [rests[i]!]
    for (const more of [3, 2]) {
      const several = rests.slice(i, i + more)
      const minutes = several.reduce((sum, rest) => sum + rest.minutes, 0)
      const between = several.at(-1)!.until - several[0]!.from - minutes
      if (several.length < more || !several.some((rest) => rest.ferry)) continue
      if (minutes < 11 * H || between > 60) continue
      run = several
      break
    }
    found.push({
      from: run[0]!.from,
      until: run.at(-1)!.until,
      minutes: run.reduce((sum, rest) => sum + rest.minutes, 0),
      ferry: run.some((rest) => rest.ferry),
      parts: run.flatMap((rest) => rest.parts),
    })
    i += run.length - 1
  }
  return found
}

const before = (rest: Rest, minute: number) =>
  rest.parts.reduce((sum, part) => sum + Math.max(0, Math.min(part.until, minute) - part.from), 0)

function readingOf(statuses: readonly string[], now: number, options: HosOptions, weekOf: WeekOf) {
  const end = statuses.length
  const crew = options.multiManning ?? false
  const rests = restsOf(statuses)
  const joined = joinedByFerry(rests)
  const violations: Found[] = []
  const remaining: Record<string, number> = {}
  const report = (rule: string, from: number) => {
    if (from <= now) violations.push({ rule, from })
  }

  // Article 7
  {
    let [driven, firstPart, broken, waited] = [0, false, false, 0]
    let rest = 1
    for (let m = 0; m <= end; m++) {
      const ended = rests[rest]
      if (ended?.until === m) {
        rest++
        if (ended.minutes >= 45 || (firstPart && ended.minutes >= 30)) {
          ;[driven, firstPart, broken] = [0, false, false]
        } else if (ended.minutes >= 15) firstPart = true
      }
      if (m === end) break
      waited = statuses[m] === 'POA' ? waited + 1 : 0
      if (crew && waited >= 45) [driven, firstPart, broken] = [0, false, false]
      if (statuses[m] !== 'DRIVE') continue
      if (++driven > 270 && !broken) {
        broken = true
        report('eu.break-45', m)
      }
    }
    remaining.break = Math.max(0, 270 - driven)
  }

  // Article 6(2), (3)
  {
    const byWeek = new Map<number, number>()
    const told = new Set<string>()
    for (let m = 0; m < end; m++) {
      if (statuses[m] !== 'DRIVE') continue
      const week = weekOf(m)
      byWeek.set(week, (byWeek.get(week) ?? 0) + 1)
      const over = (rule: string, minutes: number, limit: number) => {
        if (minutes <= limit || told.has(rule + week)) return
        told.add(rule + week)
        report(rule, m)
      }
      const mine = byWeek.get(week)!
      over('eu.drive-weekly', mine, 56 * H)
      over('eu.drive-fortnight', mine + (byWeek.get(week - 1) ?? 0), 90 * H)
    }
    const week = weekOf(now)
    const [mine, last] = [byWeek.get(week) ?? 0, byWeek.get(week - 1) ?? 0]
    remaining.driveWeekly = Math.max(0, 56 * H - mine)
    remaining.driveFortnight = Math.max(0, 90 * H - mine - last)
  }

  // Article 8(2), (4), (5)
  const window = crew ? 30 * H : 24 * H
  const periods: { from: number; until: number; due: number; missing: boolean; reduced: number }[] = []
  {
    let reduced = 0
    let from = joined[0]!.until
    const long = joined.slice(1).filter((rest) => rest.minutes >= 9 * H)
    for (let i = 0; i <= long.length && from < end; i++) {
      const closing = long[i]
      const due = from + window
      const inside = closing ? before(closing, due) : 0
      const part = rests.some(
        (rest) => rest.from >= from && rest.until <= (closing?.from ?? end) && rest.minutes >= 3 * H,
      )
      const weekly = closing !== undefined && closing.minutes >= 24 * H
      const missing = inside < 9 * H && due <= now
      if (missing) report('eu.rest-daily', due)
      if (closing && inside >= 9 * H && inside < 11 * H && !part && !weekly) {
        reduced++
        if (reduced > 3) report('eu.rest-daily-reduced', Math.min(closing.until, due))
      }
      if (weekly) reduced = 0
      periods.push({ from, until: closing?.until ?? end, due, missing, reduced })
      if (!closing) break
      from = closing.until
    }
    const running = joined.at(-1)!.until === end ? joined.at(-1)! : null
    const needed = (used: number, part: boolean) => (part || used < 3 ? 9 * H : 11 * H)
    const period = periods.at(-1)
    if (!period || (running && running.minutes >= 9 * H)) {
      remaining.dutyDaily = window - needed(period?.reduced ?? 0, false)
    } else {
      const part = rests.some((rest) => rest.from >= period.from && rest.minutes >= 3 * H)
      remaining.dutyDaily = Math.max(0, period.due - needed(period.reduced, part) - end)
    }
  }

  // Article 6(1)
  {
    const ending = joined.slice(1).filter((rest) => {
      const period = periods.find(({ from, until }) => rest.from >= from && rest.until <= until)
      return rest.minutes >= 9 * H || (rest.minutes >= 7 * H && period!.missing)
    })
    const extensions = new Map<number, number>()
    let [driven, extended, broken] = [0, false, false]
    let next = 0
    for (let m = 0; m <= end; m++) {
      if (ending[next]?.until === m) {
        next++
        ;[driven, extended, broken] = [0, false, false]
      }
      if (m === end || statuses[m] !== 'DRIVE') continue
      // Driving that interrupts a rest on a ferry is of no day.
      if (joined.some((rest) => rest.from < m && m < rest.until)) continue
      driven++
      if (driven === 9 * H + 1) {
        const used = extensions.get(weekOf(m)) ?? 0
        extended = used < 2
        if (extended) extensions.set(weekOf(m), used + 1)
      }
      if (broken || driven <= (extended ? 10 * H : 9 * H)) continue
      broken = true
      report('eu.drive-daily', m)
    }
    const left = 2 - (extensions.get(weekOf(now)) ?? 0)
    remaining.driveDaily = Math.max(0, (extended || left > 0 ? 10 * H : 9 * H) - driven)
  }

  // Article 8(6)
  const weekly = joined.filter((rest, i) => i === 0 || rest.minutes >= 24 * H)
  weekly.forEach((rest, i) => {
    const due = rest.until + 144 * H
    const next = weekly[i + 1]
    if (rest.until < end && (next ? next.from > due : end > due)) report('eu.rest-weekly', due)
  })
  const counted = countWeeklyRests(weekly, joined, now, end, weekOf, options.internationalTwoReduced ?? false)
  for (const from of counted.broken) report('eu.rest-weekly-reduced', from)

  // Article 8(6b), (7)
  const debts = counted.reduced
    .map(({ rest, week }) => ({ rest, owed: 45 * H - rest.minutes, due: weekOf.startOf(week + 4) }))
    .filter(({ due }) => due <= now)
    .sort((a, b) => a.due - b.due || a.rest.from - b.rest.from)
  const paid: typeof debts = []
  for (const debt of debts) {
    if (canAllBePaid([...paid, debt], joined)) paid.push(debt)
    else report('eu.rest-compensation', debt.due)
  }
  return { violations, remaining }
}

interface Debt {
  rest: Rest
  owed: number
  due: number
}

/** Tries every rest for every debt. */
function canAllBePaid(
  debts: readonly Debt[],
  rests: readonly Rest[],
  taken = new Map<Rest, number>(),
): boolean {
  const [debt, ...others] = debts
  if (!debt) return true
  return rests.some((rest) => {
    if (rest.from < debt.rest.until || rest.from >= debt.due) return false
    const minutes = before(rest, debt.due)
    if (minutes >= 24 * H && minutes < 45 * H) return false
    const spare = minutes - (minutes < 24 * H ? 9 * H : 45 * H)
    const used = (taken.get(rest) ?? 0) + debt.owed
    return used <= spare && canAllBePaid(others, rests, new Map([...taken, [rest, used]]))
  })
}

/** Art. 8(6) and (9): every way to count the weekly rests in weeks, the one with the fewest and then the earliest breaches. */
function countWeeklyRests(
  weekly: readonly Rest[],
  joined: readonly Rest[],
  now: number,
  end: number,
  weekOf: WeekOf,
  abroad: boolean,
) {
  const [first, ...rests] = weekly
  const none = { broken: [] as number[], reduced: [] as { rest: Rest; week: number }[] }
  if (first!.until === end) return none
  const start = weekOf(first!.until - 1)
  const last = weekOf(now) + 1
  const inWeek = (rest: Rest, week: number) =>
    before(rest, weekOf.startOf(week + 1)) - before(rest, weekOf.startOf(week))
  const lies = (rest: Rest, week: number) =>
    rest.until > weekOf.startOf(week) && rest.from < weekOf.startOf(week + 1)
  const judgedAt = (week: number) => {
    const over = weekOf.startOf(week + 1)
    return joined.find((rest) => rest.from < over && rest.until > over)?.until ?? over
  }
  let best: { broken: number[]; weeks: number[] } | null = null
  const weeks: number[] = []
  const held = new Map<number, number>([-2, -1, 0].map((n) => [start + n, 2]))
  const isReduced = (rest: Rest) => rest.minutes < 45 * H

  const judge = () => {
    const broken: number[] = []
    for (let week = start + 1; week <= last; week++) {
      if (judgedAt(week) > now) continue
      const reached = [week - 1, week].every((one) => one <= start || rests.some((rest) => lies(rest, one)))
      if (!reached) continue
      const [a, b] = [held.get(week - 1) ?? 0, held.get(week) ?? 0]
      if (a > 0 && b > 0 && Math.max(a, b) === 2) continue
      const around = held.get(week - 2) === 2 && (held.get(week + 1) === 2 || judgedAt(week + 1) > now)
      if (abroad && a > 0 && b > 0 && around) continue
      broken.push(judgedAt(week))
    }
    if (!best || isBetter(broken, best.broken, weeks, best.weeks)) best = { broken, weeks: [...weeks] }
  }
  const countFrom = (i: number): void => {
    const rest = rests[i]
    if (!rest) {
      judge()
      return
    }
    const touched: number[] = []
    for (let week = weekOf(rest.from); lies(rest, week) && week <= last; week++) touched.push(week)
    const ways: [number, number][][] = touched.map((week) => [[week, isReduced(rest) ? 1 : 2]])
    const each = touched.filter((week) => inWeek(rest, week) >= 24 * H)
    if (each.length > 1) ways.push(each.map((week) => [week, inWeek(rest, week) >= 45 * H ? 2 : 1]))
    for (const way of ways) {
      const old = way.map(([week]) => held.get(week))
      for (const [week, kind] of way) held.set(week, Math.max(held.get(week) ?? 0, kind))
      if (isReduced(rest)) weeks.push(way[0]![0])
      countFrom(i + 1)
      if (isReduced(rest)) weeks.pop()
      way.forEach(([week], w) => {
        if (old[w] === undefined) held.delete(week)
        else held.set(week, old[w]!)
      })
    }
    if (ways.length === 0) countFrom(i + 1)
  }
  countFrom(0)
  const chosen = best! as { broken: number[]; weeks: number[] }
  const reduced = rests.filter((rest) => isReduced(rest) && weekOf(rest.from) <= last)
  return { broken: chosen.broken, reduced: reduced.map((rest, i) => ({ rest, week: chosen.weeks[i]! })) }
}

/** Fewer breaches, then earlier ones; of equal readings the one that counts reduced rests later. */
function isBetter(a: number[], b: number[], aWeeks: number[], bWeeks: number[]): boolean {
  if (a.length !== b.length) return a.length < b.length
  const i = a.findIndex((from, n) => from !== b[n])
  if (i >= 0) return a[i]! < b[i]!
  const w = aWeeks.findIndex((week, n) => week !== bWeeks[n])
  return w >= 0 && aWeeks[w]! > bWeeks[w]!
}
