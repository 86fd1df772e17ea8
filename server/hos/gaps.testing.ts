import { HOUR, type Instant, MINUTE } from '../time/instant.ts'
import type { GapEvent, GappedEvaluation } from './gaps.ts'
import {
  type DutyEvent,
  type DutyStatus,
  type Evaluation,
  type HosOptions,
  isEuropean,
  type RulesetId,
  type Violation,
} from './types.ts'

/** Monday, midnight in Chicago. */
export const START: Instant = Date.UTC(2026, 2, 2, 6)

/** Rulesets of every kind of rules, each with a zone of its country. */
export const JURISDICTIONS: readonly [RulesetId, string][] = [
  ['us-property-70-8', 'America/Chicago'],
  ['us-property-60-7', 'America/Chicago'],
  ['us-passenger-70-8', 'America/Chicago'],
  ['us-short-haul-non-cdl', 'America/Chicago'],
  ['ca-south-70-7', 'America/Toronto'],
  ['ca-south-120-14', 'America/Toronto'],
  ['eu-561', 'Europe/Berlin'],
  ['eu-wtd', 'Europe/Berlin'],
  ['gb-domestic', 'Europe/London'],
  ['gb-domestic-passenger', 'Europe/London'],
]

const STATUSES: Record<'america' | 'europe', readonly DutyStatus[]> = {
  america: ['OFF', 'SB', 'D', 'ON', 'PC', 'YM'],
  europe: ['REST', 'DRIVE', 'WORK', 'POA', 'FERRY'],
}
export const statusesOf = (ruleset: RulesetId) => STATUSES[isEuropean(ruleset) ? 'europe' : 'america']

/** A small generator with a seed of its own: thousands of fillings a log cost a property library too much. */
export function randomOf(seed: number): (below: number) => number {
  let state = seed | 0
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

export interface Gapped {
  log: GapEvent[]
  options: HosOptions
  asOf: Instant
}

/** A log with up to three gaps: hours of a driver that come near all limits, in quarters of an hour and sometimes by the minute. */
export function gappedOf(ruleset: RulesetId, random: (below: number) => number, timeZone: string): Gapped {
  const european = isEuropean(ruleset)
  const [drive, work, rest, other]: DutyStatus[] = european
    ? ['DRIVE', 'WORK', 'REST', 'POA']
    : ['D', 'ON', 'OFF', 'SB']
  const stretches: { status: DutyStatus | 'UNKNOWN'; minutes: number }[] = []
  const quarters = (least: number, most: number) => 15 * (least * 4 + random((most - least) * 4 + 1))
  const days = 1 + random(random(3) === 0 ? 14 : 5)
  const long = [7, 8, 9, 10, 11, 12, 24, 34, 45]
  for (let day = 0; day < days; day++) {
    const parts = 1 + random(4)
    for (let i = 0; i < parts; i++) {
      stretches.push({ status: random(3) === 0 ? work! : drive!, minutes: quarters(0, 6) })
      const short = [15, 30, 45, 60, 120, 180, 420, 480][random(8)]!
      stretches.push({
        status: random(2) === 0 ? other! : rest!,
        minutes: short + (random(4) === 0 ? -1 : 0),
      })
    }
    stretches.push({ status: drive!, minutes: quarters(0, 4) })
    const hours = random(6) === 0 ? 6 + random(3) : long[random(random(3) === 0 ? 9 : 5)]!
    stretches.push({
      status: random(3) === 0 ? (other === 'SB' ? 'SB' : rest!) : rest!,
      minutes: hours * 60 + (random(5) === 0 ? -1 : 0),
    })
    if (european && random(6) === 0) stretches.at(-1)!.status = 'FERRY'
  }
  const gaps = 1 + random(3)
  for (let i = 0; i < gaps; i++) {
    const at = random(stretches.length)
    if (random(2) === 0) stretches[at]!.status = 'UNKNOWN'
    else {
      const half = stretches[at]!.minutes >> 1
      stretches[at]!.minutes -= half
      stretches.splice(at + random(2), 0, { status: 'UNKNOWN', minutes: half })
    }
  }
  let at = START + random(24) * HOUR
  const log: GapEvent[] = []
  for (const { status, minutes } of stretches) {
    if (minutes <= 0) continue
    log.push({ at, status })
    at += minutes * MINUTE
  }
  const asOf = random(3) === 0 ? START + HOUR + random((at - START) / MINUTE) * MINUTE : at
  return { log, options: { timeZone, dayStartMinutes: random(3) === 0 ? 300 : 0 }, asOf }
}

/** One way in which the gaps may have been spent: a few stretches each, by the minute, mostly of lengths that matter. */
export function fillingOf(
  { log, asOf }: Gapped,
  statuses: readonly DutyStatus[],
  random: (below: number) => number,
): DutyEvent[] {
  const lengths = [1, 14, 15, 30, 45, 60, 119, 120, 180, 240, 420, 479, 480, 539, 540, 600, 660]
  return log.flatMap(({ at, status }, i): DutyEvent[] => {
    if (status !== 'UNKNOWN') return [{ at, status }]
    const until = Math.min(log[i + 1]?.at ?? asOf, asOf)
    const events: DutyEvent[] = []
    const kinds = random(3) === 0 ? statuses : statuses.slice(0, 4)
    for (let from = at; from < until; ) {
      const left = (until - from) / MINUTE
      const minutes =
        random(4) === 0 ? left : random(2) === 0 ? 1 + random(left) : lengths[random(lengths.length)]!
      events.push({ at: from, status: kinds[random(kinds.length)]! })
      from += Math.min(left, minutes) * MINUTE
    }
    return events.length > 0 ? events : [{ at, status: statuses[0]! }]
  })
}

/** What is not true of a filling that was judged; null if the bounds hold. */
export function isBeyond(
  { violations, clocks }: Pick<Evaluation, 'violations' | 'clocks'>,
  bounds: GappedEvaluation,
): string | null {
  const told = (at: Instant) => new Date(at).toISOString().slice(5, 16)
  for (const { rule, from } of bounds.proven)
    if (!violations.some((one) => one.rule === rule && one.from <= from && from <= one.until))
      return `${rule} ${told(from)} is proven, and not broken`
  for (const one of violations)
    if (!isCovered(one, [...bounds.possible, ...bounds.proven]))
      return `${one.rule} ${told(one.from)} is broken, and not all of it is proven or possible`
  for (const { name, leastMs, mostMs } of bounds.clocks) {
    const clock = clocks.find((one) => one.name === name)
    if (clock && !(leastMs <= clock.remainingMs && clock.remainingMs <= mostMs))
      return `${name} ${clock.remainingMs / MINUTE} is not within ${leastMs / MINUTE} and ${mostMs / MINUTE}`
  }
  return null
}

/** Is each instant of a violation within one of the same rule? */
function isCovered({ rule, from, until }: Violation, by: readonly Violation[]): boolean {
  const parts = by.filter((one) => one.rule === rule).sort((a, b) => a.from - b.from)
  let at: Instant | null = null
  for (const part of parts)
    if (part.from <= (at ?? from) && (at ?? from) <= part.until) at = Math.max(at ?? from, part.until)
  return at !== null && at >= until
}
