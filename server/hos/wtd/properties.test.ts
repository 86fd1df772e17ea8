import fc from '../../property.testing.ts'
import { DAY, type Instant, MINUTE } from '../../time/instant.ts'
import { zone } from '../../time/zone.ts'
import { checkProperties, type Lengths } from '../eu/properties.testing.ts'
import { weeksIn } from '../eu/weeks.ts'
import type { DutyEvent, HosOptions } from '../types.ts'

const lengths: Lengths = {
  DRIVE: [10, 25, 60, 120, 180, 240, 300, 359, 360, 361, 540, 600],
  WORK: [5, 15, 30, 60, 120, 240, 600],
  POA: [10, 44, 45, 60, 120],
  REST: [5, 14, 15, 16, 29, 30, 45, 60, 300, 539, 540, 541, 660, 840, 1440, 2700],
  FERRY: [15, 45, 120, 540],
}
const settings = fc.record({
  timeZone: fc.constantFrom('UTC', 'Asia/Kolkata'),
  dayStartMinutes: fc.constant(0),
  nightStartMinutes: fc.constantFrom(0, 60),
  averageOver26Weeks: fc.boolean(),
})

function byMinute(log: readonly DutyEvent[], end: Instant, options: HosOptions): string[] {
  const weeks = weeksIn(options.timeZone)
  const local = zone(options.timeZone)
  const found: string[] = []
  const isNight = (at: Instant) => {
    const minute = (((at + local.offsetAt(at)) % DAY) / MINUTE) | 0
    const since = minute - options.nightStartMinutes!
    return since >= 0 && since < 240
  }
  let consecutive = 0
  let rest = 0
  let period: { until: Instant; worked: number; over: Instant | null; dark: Instant | null } | null = null
  const endPeriod = () => {
    if (period?.over != null && period.dark !== null)
      found.push(`wtd.night-10 ${Math.max(period.over, period.dark)}`)
    period = null
  }
  let day: { worked: number; six: Instant | null; nine: Instant | null; breaks: number } | null = null
  const byWeek = new Map<number, number>()
  const reported = new Set<string>()
  const span = options.averageOver26Weeks ? 26 : 17
  let next = 0
  let status = 'REST'
  for (let at = log[0]!.at; at < end; at += MINUTE) {
    while (next < log.length && log[next]!.at <= at) status = log[next++]!.status
    if (status === 'REST' || status === 'FERRY') {
      rest++
      if (rest === 15) consecutive = 0
      if (rest === 540 && day) {
        if (day.six !== null && day.breaks < 30) found.push(`wtd.break-daily ${day.six}`)
        else if (day.nine !== null && day.breaks < 45) found.push(`wtd.break-daily ${day.nine}`)
        day = null
      }
      continue
    }
    if (day && rest >= 15) day.breaks += rest
    day ??= { worked: 0, six: null, nine: null, breaks: 0 }
    rest = 0
    if (status === 'POA') continue
    if (++consecutive === 361) found.push(`wtd.work-6 ${at}`)
    day.worked++
    if (day.worked === 361) day.six = at
    if (day.worked === 541) day.nine = at
    if (period && at >= (period as { until: Instant }).until) endPeriod()
    period ??= { until: at + DAY, worked: 0, over: null, dark: null }
    if (++period.worked === 601) period.over = at
    if (isNight(at)) period.dark ??= at
    const week = weeks.of(at)
    byWeek.set(week, (byWeek.get(week) ?? 0) + 1)
    const report = (rule: string) => {
      if (!reported.has(rule + week)) found.push(`${rule} ${at}`)
      reported.add(rule + week)
    }
    if (byWeek.get(week)! > 3600) report('wtd.work-60')
    let sum = 0
    for (let ago = 0; ago < span; ago++) sum += byWeek.get(week - ago) ?? 0
    if (sum > span * 48 * 60) report('wtd.work-48-average')
  }
  endPeriod()
  return found
}

checkProperties({
  ruleset: 'eu-wtd',
  lengths,
  settings,
  stays: /^wtd\.(work|night)/,
  minuteByMinute: byMinute,
  drives: ['break', 'workWeekly', 'workAverage'],
})
