import fc from '../../property.testing.ts'
import { type Instant, MINUTE } from '../../time/instant.ts'
import { checkProperties, type Lengths } from '../eu/properties.testing.ts'
import { weeksIn } from '../eu/weeks.ts'
import type { DutyEvent, HosOptions } from '../types.ts'

const lengths: Lengths = {
  DRIVE: [10, 25, 60, 120, 230, 240, 241, 300, 329, 330, 331, 465, 600],
  WORK: [5, 15, 30, 60, 120, 240, 600],
  POA: [10, 44, 45, 60, 120],
  REST: [10, 14, 15, 20, 25, 29, 30, 45, 60, 300, 509, 510, 540, 599, 600, 660, 840, 1439, 1440, 2700],
  FERRY: [15, 45, 120, 510],
}
const settings = fc.record({
  timeZone: fc.constantFrom('UTC', 'Asia/Kolkata'),
  dayStartMinutes: fc.constant(0),
})

/** What is done in each minute of a log. */
function* minutesOf(log: readonly DutyEvent[], end: Instant): Generator<[Instant, string]> {
  let next = 0
  let status = 'REST'
  for (let at = log[0]!.at; at < end; at += MINUTE) {
    while (next < log.length && log[next]!.at <= at) status = log[next++]!.status
    yield [at, status === 'FERRY' ? 'REST' : status]
  }
}

function goodsByMinute(log: readonly DutyEvent[], end: Instant, { timeZone }: HosOptions): string[] {
  const weeks = weeksIn(timeZone)
  const found: string[] = []
  interface Day {
    until: Instant
    week: number
    driven: number
    duty: number
    over: Instant | null
    drove: Instant | null
  }
  const days: Day[] = []
  const heavy = new Map<number, Instant>()
  for (const [at, status] of minutesOf(log, end)) {
    if (status === 'REST') continue
    let day = days.at(-1)
    if (!day || at >= day.until) {
      day = { until: at + 1440 * MINUTE, week: weeks.of(at), driven: 0, duty: 0, over: null, drove: null }
      days.push(day)
    }
    if (++day.duty === 661) day.over = at
    if (status !== 'DRIVE') continue
    day.drove ??= at
    if (++day.driven === 601) found.push(`gb.drive-10 ${at}`)
    if (day.driven === 241 && !heavy.has(day.week)) heavy.set(day.week, at)
  }
  for (const { week, over, drove } of days) {
    const lapsed = heavy.get(week)
    if (over !== null && drove !== null && lapsed !== undefined)
      found.push(`gb.duty-11 ${Math.max(over, drove, lapsed)}`)
  }
  return found
}

function passengerByMinute(log: readonly DutyEvent[], end: Instant, { timeZone }: HosOptions): string[] {
  const weeks = weeksIn(timeZone)
  const found: string[] = []
  let spell: [Instant, string][] = []
  const endSpell = () => {
    const last = spell.findLastIndex(([, status]) => status !== 'REST')
    let driven = 0
    let rested = 0
    let over: Instant | null = null
    let late: Instant | null = null
    spell.slice(0, last + 1).forEach(([at, status], i) => {
      if (status === 'REST' && i < 510) rested++
      if (status !== 'DRIVE') return
      if (++driven <= 330) return
      over ??= at
      if (i >= 510) late ??= at
    })
    const from = rested >= 45 ? late : over
    if (from !== null) found.push(`gb.break-30 ${from}`)
    spell = []
  }
  let day: { from: Instant; driven: number; long: boolean } | null = null
  let rest = 0
  let before = true
  const reduced = new Map<number, number>()
  const first = log[0]!.at
  const rests: [Instant, Instant][] = [[first - 100 * 1440 * MINUTE, first]]
  const duties: Instant[] = []
  for (const [at, status] of minutesOf(log, end)) {
    if (status === 'REST') {
      rest++
      rests.at(-1)![1] = at + MINUTE
      if (spell.length > 0) spell.push([at, status])
      if (rest === 30) endSpell()
      if (rest === 510) day = null
      continue
    }
    duties.push(at)
    if (!before && rest >= 510 && rest < 600) {
      const count = (reduced.get(weeks.of(at)) ?? 0) + 1
      reduced.set(weeks.of(at), count)
      if (count > 3) found.push(`gb.rest-10 ${at}`)
    }
    before = false
    rest = 0
    rests.push([at + MINUTE, at + MINUTE])
    day ??= { from: at, driven: 0, long: false }
    if (at >= day.from + 960 * MINUTE && !day.long) {
      day.long = true
      found.push(`gb.day-16 ${at}`)
    }
    if (status === 'DRIVE' && ++day.driven === 601) found.push(`gb.drive-10 ${at}`)
    if (status === 'DRIVE' || spell.length > 0) spell.push([at, status])
  }
  endSpell()
  for (let week = weeks.of(first); weeks.startOf(week) < end; week++) {
    const [from, until] = [weeks.startOf(week - 1), weeks.startOf(week + 1)]
    const day = 1440 * MINUTE
    if (rests.some(([a, b]) => Math.min(b, until) - Math.max(a, from) >= day)) continue
    const broken = duties.find((at) => at >= until - day && at < until)
    if (broken !== undefined) found.push(`gb.rest-24-in-14 ${broken}`)
  }
  return found
}

checkProperties({
  ruleset: 'gb-domestic',
  lengths,
  settings,
  stays: /^gb\./,
  minuteByMinute: goodsByMinute,
  drives: ['driveDaily', 'duty'],
})
checkProperties({
  ruleset: 'gb-domestic-passenger',
  lengths,
  settings,
  // Breaks that are taken in time make a long spell of driving lawful.
  stays: /^gb\.(drive-10|day-16|rest)/,
  minuteByMinute: passengerByMinute,
  drives: ['driveDaily', 'break', 'window'],
})
