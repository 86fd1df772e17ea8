import { type Instant, MINUTE } from '../../time/instant.ts'
import { addDays, zone } from '../../time/zone.ts'
import type { DutyEvent, HosOptions, RulesetId } from '../types.ts'

/**
 * The hours of Canada south of 60° read off the law once a minute: slow, and so plain that it can be checked against the text.
 * What the engine is compared with. All numbers here are minutes since the log began.
 */
export interface MinuteAnswer {
  /** Rule and first minute, in order. */
  violations: { rule: string; from: Instant }[]
  /** Minutes left by clock. */
  remaining: Record<string, number>
}

interface Stretch {
  from: number
  until: number
}

const H = 60
const DAY = 24 * H
const lengthOf = ({ from, until }: Stretch) => until - from
const shared = (a: Stretch, b: Stretch) => Math.max(0, Math.min(a.until, b.until) - Math.max(a.from, b.from))

export function minuteByMinute(
  log: readonly DutyEvent[],
  ruleset: RulesetId,
  options: HosOptions,
  asOf: Instant,
): MinuteAnswer {
  const start = log[0] && log[0].at < asOf ? log[0].at : asOf
  const end = (asOf - start) / MINUTE
  const statuses: string[] = []
  for (const { at, status } of log) {
    for (let m = (at - start) / MINUTE; m < end; m++) statuses[m] = status
  }
  const isRest = (status: string) => ['OFF', 'SB', 'PC'].includes(status)
  const drives = statuses.map((status) => status === 'D')
  const works = statuses.map((status) => !isRest(status))
  const count = (which: readonly boolean[]) => {
    const totals = [0]
    for (const yes of which) totals.push(totals.at(-1)! + (yes ? 1 : 0))
    return (from: number, until: number) =>
      Math.max(0, totals[Math.max(0, until)]! - totals[Math.min(end, Math.max(0, from))]!)
  }
  const driven = count(drives)
  const worked = count(works)
  const runsOf = (which: (status: string) => boolean) => {
    const runs: Stretch[] = []
    statuses.forEach((status, m) => {
      if (!which(status)) return
      const last = runs.at(-1)
      if (last?.until === m) last.until = m + 1
      else runs.push({ from: m, until: m + 1 })
    })
    return runs
  }
  const rests = runsOf(isRest)
  const berth = runsOf((status) => status === 'SB')
  const opens = (rest: Stretch) => rest.from === 0

  // Sections 13, 18 and 19: the shift.
  const resets = rests.filter((rest) => opens(rest) || lengthOf(rest) >= 8 * H)
  const holding = (run: Stretch) => resets.find((rest) => run.from >= rest.from && run.until <= rest.until)
  const [least, together] = options.team ? [4 * H, 8 * H] : [2 * H, 10 * H]
  const pairs: [Stretch, Stretch][] = []
  for (const first of berth) {
    for (const second of berth) {
      if (second.from <= first.from || holding(first)) continue
      if (lengthOf(first) < least || lengthOf(second) < least) continue
      if (lengthOf(first) + lengthOf(second) < together) continue
      const between = resets.some(
        (rest) => rest.from > first.from && rest.until <= second.until && rest !== holding(second),
      )
      if (!between) pairs.push([first, second])
    }
  }
  interface Point {
    from: number
    left: Stretch | null
  }
  const fullRests = new Int32Array(end + 1)
  for (const rest of resets) fullRests.fill(rest.until, rest.until)
  const fullRest = (at: number): Point => ({ from: fullRests[at]!, left: null })
  const pointsAt = (at: number): Point[] => {
    const last = fullRest(at)
    const found = [last]
    for (const [first, second] of pairs) {
      if (first.from >= last.from && at >= second.until) found.push({ from: first.until, left: second })
    }
    for (const [first, second] of pairs) {
      if (first.from < last.from || at < first.until || at >= second.until) continue
      for (const point of [...found]) {
        if (point.from <= first.from) found.push({ from: point.from, left: first })
      }
    }
    return found
  }
  const met = (options.adverseConditions ?? []).map((instant) => (instant - start) / MINUTE)
  const moreAt = (at: number) => {
    const going = met.filter(
      (one) =>
        one <= at && !resets.some((rest) => (rest.until > one || rest.until === end) && rest.until <= at),
    )
    return going.length > 0 ? 2 * H : 0
  }
  const shift = {
    drive: (at: number, points: Point[]) =>
      Math.max(...points.map(({ from }) => 13 * H + moreAt(at) - driven(from, at))),
    duty: (at: number, points: Point[]) =>
      Math.max(...points.map(({ from }) => 14 * H + moreAt(at) - worked(from, at))),
    window: (at: number, points: Point[]) =>
      Math.max(
        ...points.map(({ from, left }) => {
          let opened = from
          while (opened < at && !works[opened]) opened++
          const out = left ? shared(left, { from: opened, until: at }) : 0
          return 16 * H + moreAt(at) - (at - opened - out)
        }),
      ),
  }

  // Section 12: the day.
  const clock = zone(options.timeZone)
  const firstDate = clock.dateOf(start, options.dayStartMinutes)
  const dateOf = (day: number) => addDays(firstDate, day)
  const startOf = (day: number) => (clock.startOf(dateOf(day), options.dayStartMinutes) - start) / MINUTE
  const starts: number[] = []
  while ((starts.at(-1) ?? 0) <= end) starts.push(startOf(starts.length))
  const dayOf = (at: number) => starts.findLastIndex((from) => from <= at)
  const declared = [...new Set(options.deferral?.map(({ day1 }) => day1) ?? [])].sort()
  const dayOnes = new Set<string>()
  for (const date of declared) if (!dayOnes.has(addDays(date, -1))) dayOnes.add(date)
  const deferred = starts.map((_, day) => (dayOnes.has(dateOf(day)) ? 2 * H : 0))
  const deferredOn = (day: number) => deferred[day] ?? 0
  const dayLeft = (at: number, limit: number, total: typeof driven) =>
    limit + moreAt(at) + deferredOn(dayOf(at)) - total(starts[dayOf(at)]!, at)

  // Sections 26 to 28: the cycle.
  const one = ruleset === 'ca-south-70-7'
  const [days, cycle, restart] = one ? [7, 70 * H, 36 * H] : [14, 120 * H, 72 * H]
  const lastOf = (length: number, at: number) =>
    rests.findLast((rest) => rest.until <= at && lengthOf(rest) >= length)
  const cycleLeft = (at: number) => {
    const oldest = dayOf(at) - days + 1
    const cleared = lastOf(restart, at)
    let carried = 0
    const minutes = options.carriedMinutes ?? []
    minutes.forEach((value, i) => {
      if (!cleared && i - minutes.length >= oldest) carried += value
    })
    const total = worked(Math.max(oldest > 0 ? starts[oldest]! : 0, cleared?.until ?? 0), at)
    const second = 70 * H - worked(lastOf(24 * H, at)?.until ?? 0, at)
    return Math.min(cycle - total - carried, one ? Number.POSITIVE_INFINITY : second)
  }

  const before = {
    from: Number.NEGATIVE_INFINITY,
    until: rests[0] && opens(rests[0]) ? rests[0].until : 0,
  }
  const everyRest = [before, ...rests]
  const levels: Record<string, (at: number, points: Point[]) => number> = {
    drive: (at, points) => Math.min(shift.drive(at, points), dayLeft(at, 13 * H, driven)),
    duty: (at, points) => Math.min(shift.duty(at, points), dayLeft(at, 14 * H, worked)),
    window: shift.window,
    cycle: cycleLeft,
    // Section 25: does any rest lie in the fourteen days before the end of this minute for 24 hours?
    long: (at) => {
      const fortnight = { from: at + 1 - 14 * DAY, until: at }
      return everyRest.some((rest) => shared(rest, fortnight) >= 24 * H) ? 1 : 0
    },
  }
  const ruleOf: Record<string, string> = {
    drive: 'ca.drive-13',
    duty: 'ca.duty-14',
    window: 'ca.window-16',
    cycle: one ? 'ca.cycle-70-7' : 'ca.cycle-120-14',
    long: 'ca.off-24-in-14',
  }
  const violations: MinuteAnswer['violations'] = []
  const broken = new Set<string>()
  for (let at = 0; at < end; at++) {
    const points = pointsAt(at)
    for (const name in levels) {
      const left = levels[name]!(at, points)
      if (left > 0) broken.delete(name)
      else if (drives[at] && !broken.has(name)) {
        broken.add(name)
        violations.push({ rule: ruleOf[name]!, from: start + at * MINUTE })
      }
    }
  }

  // Section 14: each minute of rest, before the log too, is mandatory or further.
  const kinds = new Uint8Array(end - starts[0]!)
  const [MANDATORY, FURTHER] = [1, 2]
  const put = (rest: Stretch, kind: number) =>
    kinds.fill(kind, rest.from - starts[0]!, rest.until - starts[0]!)
  const minutesOn = (day: number, least: number) => {
    const until = Math.min(starts[day + 1] ?? end, end) - starts[0]!
    let minutes = 0
    for (let m = starts[day]! - starts[0]!; m < until; m++) if (kinds[m]! >= least) minutes++
    return minutes
  }
  const restedOn = (day: number) => minutesOn(day, MANDATORY)
  const furtherOn = (day: number) => minutesOn(day, FURTHER)
  const adverseDates = options.adverseConditions?.map((at) => clock.dateOf(at, options.dayStartMinutes)) ?? []
  const needed = starts.map((_, day) => (adverseDates.includes(dateOf(day)) ? 8 * H : 10 * H))
  const neededOn = (day: number) => needed[day]!
  put({ from: starts[0]!, until: 0 }, FURTHER)
  for (const rest of rests) {
    if (opens(rest) || (lengthOf(rest) >= 30 && lengthOf(rest) < 8 * H)) put(rest, FURTHER)
    if (opens(rest) || lengthOf(rest) < 8 * H) continue
    // The eight hours may lie anywhere in it: as early as leaves its first day what that lacks, or as much as can be.
    const day = dayOf(rest.from)
    const overnight = rest.until > (starts[day + 1] ?? end)
    let best = { from: rest.from, left: Number.NEGATIVE_INFINITY }
    for (let from = rest.from; from + 8 * H <= rest.until; from++) {
      put(rest, FURTHER)
      put({ from, until: from + 8 * H }, MANDATORY)
      const keeps = deferredOn(day)
        ? Math.min(neededOn(day) - 8 * H, Math.max(0, restedOn(day) - 8 * H))
        : neededOn(day) - 8 * H
      const left = Math.min(keeps, furtherOn(day))
      if (left > best.left) best = { from, left }
      if (!overnight || left === keeps) break
    }
    put(rest, FURTHER)
    put({ from: best.from, until: best.from + 8 * H }, MANDATORY)
  }
  for (let day = 0; day < dayOf(end); day++) {
    const [from, until] = [starts[day]!, starts[day + 1]!]
    if (worked(from, until) === 0) continue
    let good = restedOn(day) >= neededOn(day) && furtherOn(day) >= neededOn(day) - 8 * H
    if (deferredOn(day)) good = restedOn(day) >= 8 * H
    else if (day > 0 && deferredOn(day - 1)) {
      // Section 16
      const yesterday = day - 1
      const lack = Math.max(
        neededOn(yesterday) - restedOn(yesterday),
        neededOn(yesterday) - 8 * H - furtherOn(yesterday),
      )
      const added = Math.min(2 * H, Math.max(0, lack))
      const splits = () => {
        for (let at = Math.max(0, starts[yesterday]!); at < until; at++) {
          if (!drives[at]) continue
          const [points, unsplit] = [pointsAt(at), [fullRest(at)]]
          if (Object.values(shift).some((level) => level(at, points) > 0 && level(at, unsplit) <= 0))
            return true
        }
        return false
      }
      good =
        restedOn(yesterday) + restedOn(day) >= neededOn(yesterday) + neededOn(day) &&
        furtherOn(day) >= neededOn(day) - 8 * H &&
        driven(starts[yesterday]!, until) <= 26 * H &&
        (added === 0 ||
          (!splits() &&
            rests.some(
              (rest) => shared(rest, { from, until }) > 0 && (opens(rest) || lengthOf(rest) >= 8 * H + added),
            )))
    }
    if (!good) violations.push({ rule: 'ca.off-10-day', from: start + until * MINUTE })
  }

  violations.sort((a, b) => a.from - b.from || (a.rule < b.rule ? -1 : 1))
  const remaining = Object.fromEntries(
    ['drive', 'duty', 'window', 'cycle'].map((name) => [
      name,
      Math.max(0, levels[name]!(end, pointsAt(end))),
    ]),
  )
  return { violations, remaining }
}
