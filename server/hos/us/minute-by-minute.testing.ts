import { DAY, HOUR, type Instant, MINUTE } from '../../time/instant.ts'
import { addDays, zone } from '../../time/zone.ts'
import type { DutyEvent, HosOptions, RulesetId } from '../types.ts'

/**
 * The hours of the United States read off the law once a minute, with nothing kept from one minute to the next: slow, and
 * so plain that it can be checked against the text. What the engine is compared with, and measured against.
 */
export interface MinuteAnswer {
  /** Rule and first minute, in order. */
  violations: { rule: string; from: Instant }[]
  /** Minutes left by clock. */
  remaining: Record<string, number>
}

interface Stretch {
  from: Instant
  until: Instant
  status: string
}

const isRest = (status: string) => status === 'OFF' || status === 'SB' || status === 'PC'
const lengthOf = ({ from, until }: { from: Instant; until: Instant }) => until - from
const overlap = (a: { from: Instant; until: Instant }, from: Instant, until: Instant) =>
  Math.max(0, Math.min(a.until, until) - Math.max(a.from, from))

/** Neighbours for which `same` holds, as one. */
function joined(stretches: readonly Stretch[], same: (status: string) => boolean): Stretch[] {
  const found: Stretch[] = []
  for (const stretch of stretches) {
    if (!same(stretch.status)) continue
    const last = found.at(-1)
    if (last && last.until === stretch.from) last.until = stretch.until
    else found.push({ ...stretch })
  }
  return found
}

export function minuteByMinute(
  log: readonly DutyEvent[],
  ruleset: RulesetId,
  options: HosOptions,
  asOf: Instant,
): MinuteAnswer {
  const property = ruleset.startsWith('us-property')
  const [days, cycleHours] = ruleset.endsWith('60-7') ? ([7, 60] as const) : ([8, 70] as const)
  const resetMs = (property ? 10 : 8) * HOUR
  const togetherMs = resetMs
  const stretches = log
    .filter((event) => event.at < asOf)
    .map(({ at, status }, i, known) => ({
      from: at,
      until: known[i + 1]?.at ?? asOf,
      status: status as string,
    }))
    .filter((stretch) => lengthOf(stretch) > 0)
  const start = stretches[0]?.from ?? asOf
  const rests = joined(stretches, isRest)
  const runs = joined(stretches, (status) => status === 'SB')
  const opens = (rest: Stretch) => rest.from === start
  const resets = rests.filter((rest) => opens(rest) || lengthOf(rest) >= resetMs)
  const longestRun = (rest: Stretch) =>
    Math.max(0, ...runs.filter((run) => run.from >= rest.from && run.until <= rest.until).map(lengthOf))
  const parts = property
    ? rests
    : runs.filter((run) => !resets.some((rest) => opens(rest) && run.until <= rest.until))
  const within = (part: Stretch) => resets.find((rest) => part.from >= rest.from && part.until <= rest.until)
  const pairs: [Stretch, Stretch][] = []
  for (const first of parts) {
    for (const second of parts) {
      if (second.from <= first.from || within(first)) continue
      if (
        resets.some((rest) => rest.from > first.from && rest.until < second.until && rest !== within(second))
      )
        continue
      if (lengthOf(first) < 2 * HOUR || lengthOf(second) < 2 * HOUR) continue
      if (lengthOf(first) + lengthOf(second) < togetherMs) continue
      if (property && longestRun(first) < 7 * HOUR && longestRun(second) < 7 * HOUR) continue
      pairs.push([first, second])
    }
  }
  const drivenIn = (from: Instant, until: Instant) =>
    stretches.reduce((sum, one) => sum + (one.status === 'D' ? overlap(one, from, until) : 0), 0)
  const onDutyIn = (from: Instant, until: Instant) =>
    stretches.reduce((sum, one) => sum + (isRest(one.status) ? 0 : overlap(one, from, until)), 0)

  const points = (at: Instant) => {
    const last = Math.max(start, ...resets.filter((rest) => rest.until <= at).map((rest) => rest.until))
    const found: { from: Instant; left: Stretch | null }[] = [{ from: last, left: null }]
    for (const [first, second] of pairs) {
      if (first.from >= last && at >= second.until) found.push({ from: first.until, left: second })
    }
    for (const [first, second] of pairs) {
      if (first.from < last || at < first.until || at >= second.until) continue
      for (const point of [...found])
        if (point.from <= first.from) found.push({ from: point.from, left: first })
    }
    return found
  }
  const extra = (at: Instant) =>
    (options.adverseConditions ?? []).some(
      (met) =>
        met <= at && !resets.some((rest) => (rest.until > met || rest.until === asOf) && rest.until <= at),
    )
      ? 2 * HOUR
      : 0
  const clock = zone(options.timeZone)
  const firstDate = clock.dateOf(start, options.dayStartMinutes)

  // 395.1(o)
  const dayOf = (at: Instant) => Date.parse(clock.dateOf(at, options.dayStartMinutes)) / DAY
  const good: Instant[] = []
  for (const claim of [...(options.shortHaul16 ?? [])].sort((a, b) => a - b)) {
    if (rests.some((rest) => opens(rest) && claim >= rest.from && claim < rest.until)) continue
    const stands = good.every((earlier) => {
      const days = dayOf(claim) - dayOf(earlier)
      const restarted = rests.some(
        (rest) => rest.until > earlier && rest.until <= claim && lengthOf(rest) >= 34 * HOUR,
      )
      return days < 1 || days > 6 || restarted
    })
    if (stands) good.push(claim)
  }
  const tourOf = (at: Instant) =>
    Math.max(start, ...resets.filter((rest) => rest.until <= at).map((rest) => rest.until))
  const extraWindow = (at: Instant) =>
    good.some((claim) => tourOf(claim) === tourOf(at)) ? 2 * HOUR : extra(at)

  const carriedDays = (options.carriedMinutes ?? []).map((minutes, i, all) => ({
    minutes,
    date: addDays(firstDate, i - all.length),
  }))
  const cycleLeft = (
    at: Instant,
    ofDays: number,
    hours: number,
    counted: typeof onDutyIn,
    clears: boolean,
  ) => {
    const oldest = addDays(clock.dateOf(at, options.dayStartMinutes), 1 - ofDays)
    let from = clock.startOf(oldest, options.dayStartMinutes)
    let carried = 0
    const restart = clears && rests.findLast((rest) => rest.until <= at && lengthOf(rest) >= 34 * HOUR)
    if (restart) from = Math.max(from, restart.until)
    else for (const { date, minutes } of carriedDays) if (date >= oldest) carried += minutes * MINUTE
    return hours * HOUR - counted(from, at) - carried
  }

  const levels: Record<string, (at: Instant) => number> = {
    drive: (at) =>
      Math.max(...points(at).map(({ from }) => (property ? 11 : 10) * HOUR + extra(at) - drivenIn(from, at))),
    cycle: (at) => {
      const left = cycleLeft(at, days, cycleHours, onDutyIn, property)
      // 395.1(c)
      return options.driverSalesperson && property
        ? Math.max(left, cycleLeft(at, 7, 40, drivenIn, false))
        : left
    },
  }
  if (property) {
    levels.window = (at) =>
      Math.max(
        ...points(at).map(({ from, left }) => {
          const opened = stretches.find((one) => !isRest(one.status) && one.until > from)
          const since = opened ? Math.max(opened.from, from) : at
          if (since >= at) return 14 * HOUR + extraWindow(at)
          return 14 * HOUR + extraWindow(at) - (at - since - (left ? overlap(left, since, at) : 0))
        }),
      )
    if (!options.shortHaul) {
      levels.break = (at) => {
        const still = joined(stretches, (status) => status !== 'D').filter(
          (one) => Math.min(one.until, at) - one.from >= 30 * MINUTE,
        )
        const since = still.at(-1)
        return 8 * HOUR - (since && since.until >= at ? 0 : drivenIn(since?.until ?? start, at))
      }
    }
  } else {
    levels.duty = (at) =>
      Math.max(...points(at).map(({ from }) => 15 * HOUR + extra(at) - onDutyIn(from, at)))
  }
  const ruleOf: Record<string, string> = {
    drive: property ? 'us.drive-11' : 'us.drive-10',
    window: 'us.window-14',
    duty: 'us.duty-15',
    break: 'us.break-30',
    cycle: `us.cycle-${ruleset.slice(-4)}`,
  }
  const violations: MinuteAnswer['violations'] = []
  for (const [name, level] of Object.entries(levels)) {
    let above = true
    for (const { from, until, status } of stretches) {
      for (let at = from; at < until; at += MINUTE) {
        const left = level(at)
        if (left > 0) above = true
        else if (status === 'D' && above) {
          above = false
          violations.push({ rule: ruleOf[name]!, from: at })
        }
      }
    }
  }
  violations.sort((a, b) => a.from - b.from || (a.rule < b.rule ? -1 : 1))
  const remaining = Object.fromEntries(
    Object.entries(levels).map(([name, level]) => [name, Math.max(0, level(asOf)) / MINUTE]),
  )
  return { violations, remaining }
}
