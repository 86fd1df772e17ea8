import { type Instant, MINUTE } from '../time/instant.ts'
import { zone } from '../time/zone.ts'
import type { Violation } from './types.ts'

/** A rule in words: how it is called, and what reaches its limit. */
const WORDS: Record<string, { title: string; reached: string }> = {
  'us.break-30': {
    title: '8-hour limit of driving without a break',
    reached: 'driving without a 30-minute interruption',
  },
  'ca.off-10-day': { title: '10 hours off in a day', reached: 'of rest not' },
  'ca.off-24-in-14': { title: '24 hours off in 14 days', reached: 'without 24 hours off' },
  'ca.cycle-switch': { title: 'Rest before another cycle', reached: 'off duty before another cycle not' },
  'ca.north.cycle-switch': {
    title: 'Rest before another cycle',
    reached: 'off duty before another cycle not',
  },
  'ca.cycle-70-7': { title: 'Cycle 1, 70 hours in 7 days', reached: 'on duty in 7 days' },
  'ca.cycle-120-14': { title: 'Cycle 2, 120 hours in 14 days', reached: 'on duty in 14 days' },
  'eu.break-45': {
    title: '4½-hour limit of driving without a break',
    reached: 'driving without a break of 45 min',
  },
  'eu.drive-daily': { title: 'Daily driving time', reached: 'driving in the day' },
  'eu.drive-weekly': { title: 'Weekly driving time', reached: 'driving in the week' },
  'eu.drive-fortnight': { title: 'Two-week driving time', reached: 'driving in two weeks' },
  'eu.rest-daily': { title: 'Daily rest', reached: 'of daily rest' },
  'eu.rest-daily-reduced': { title: 'Reduced daily rests', reached: 'of rest' },
  'eu.rest-weekly': { title: 'Weekly rest', reached: 'without a weekly rest' },
  'eu.rest-weekly-reduced': { title: 'Reduced weekly rests', reached: 'of weekly rest' },
  'wtd.work-60': { title: '60-hour week of work', reached: 'work in the week' },
  'wtd.work-48-average': { title: '48-hour average week', reached: 'work in the reference period' },
  'wtd.work-6': { title: '6-hour limit of work without a break', reached: 'work without a break' },
  'wtd.break-daily': { title: 'Breaks in a day of work', reached: 'of breaks not' },
  'wtd.night-10': { title: '10-hour limit with night work', reached: 'work in 24 h with night work' },
  'gb.drive-10': { title: '10-hour driving limit', reached: 'driving in the day' },
  'gb.duty-11': { title: '11-hour duty limit', reached: 'on duty in the day' },
  'gb.break-30': { title: '5½-hour limit of driving without a break', reached: 'without a break' },
  'gb.day-16': { title: '16-hour working day', reached: 'since coming on duty' },
  'gb.rest-10': { title: 'Daily rest', reached: 'of rest not' },
  'gb.rest-24-in-14': { title: '24 hours off in two weeks', reached: 'of rest in two weeks not' },
  'eu.rest-compensation': { title: 'Compensation for a reduced weekly rest', reached: 'of compensation' },
}

/** Rules of one pattern in every jurisdiction: `us.drive-11`, `us.tx.cycle-70-7`. */
function wordsOf(rule: string): { title: string; reached: string } | undefined {
  if (WORDS[rule]) return WORDS[rule]
  const [, kind, hours, days] = /\.(drive|window|duty|cycle)-(\d+)(?:-(\d+))?$/.exec(rule) ?? []
  if (kind === 'drive') return { title: `${hours}-hour driving limit`, reached: 'driving' }
  if (kind === 'window') return { title: `${hours}-hour window`, reached: 'since coming on duty' }
  if (kind === 'duty') return { title: `${hours}-hour on-duty limit`, reached: 'on duty' }
  if (kind === 'cycle')
    return { title: `${hours}-hour/${days}-day limit`, reached: `on duty in ${days} days` }
  return undefined
}

/** "11-hour driving limit"; a rule that is not known keeps its own name. */
export const ruleTitle = (rule: string): string => wordsOf(rule)?.title ?? rule

/** "11 h", "8 h 30 min", "45 min" */
export function durationText(ms: number): string {
  const minutes = Math.floor(ms / MINUTE)
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60]
  if (hours === 0) return `${rest} min`
  return rest === 0 ? `${hours} h` : `${hours} h ${rest} min`
}

/**
 * The sentence behind a violation: "11 h driving reached at 18:30 (since 06:00, after 10 h off ending 06:00), 49 CFR
 * 395.3(a)(3)(i)". Times are in the zone given; one on another day than the violation carries its date.
 */
export function explain(violation: Violation, timeZone: string): string {
  const { citation, limitMs, since, rests } = violation.explanation
  const clock = zone(timeZone)
  const day = clock.dateOf(violation.from)
  const time = (at: Instant) => {
    const local = new Date(at + clock.offsetAt(at)).toISOString()
    return clock.dateOf(at) === day ? local.slice(11, 16) : `${local.slice(5, 10)} ${local.slice(11, 16)}`
  }
  const basis: string[] = []
  if (since !== null) basis.push(`since ${time(since)}`)
  const [first, second] = rests
  if (first && second) {
    basis.push(
      `the rests of ${durationText(first.until - first.from)} ending ${time(first.until)} and ${durationText(second.until - second.from)} ending ${time(second.until)} counted together`,
    )
  } else if (first) {
    basis.push(`after ${durationText(first.until - first.from)} off ending ${time(first.until)}`)
  }
  const reached = `${durationText(limitMs)} ${wordsOf(violation.rule)?.reached ?? ''}`.trim()
  return `${reached} reached at ${time(violation.from)}${basis.length > 0 ? ` (${basis.join(', ')})` : ''}, ${citation}`
}
