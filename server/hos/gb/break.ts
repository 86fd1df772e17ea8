import type { Instant } from '../../time/instant.ts'
import { isRest, openRest, type Span, type Timeline } from '../eu/timeline.ts'
import type { Clock, Violation } from '../types.ts'
import { LIMITS, MS } from './limits.ts'

export const RULE = 'gb.break-30'

/** Driving between two breaks of 30 minutes. */
interface Spell {
  from: Instant
  drivenMs: number
  /** Breaks too short to end it, as far as they lie in its first 8 h 30. */
  breaksMs: number
  breaks: Span[]
  /** When driving went past 5 h 30. */
  overAt: Instant | null
  /** When driving beyond 5 h 30 went past the 8 h 30. */
  lateAt: Instant | null
  drivenUntil: Instant
}

/** The spells of a log; the last is the one that still runs, undefined after a break. */
export interface Spells {
  running: Spell | undefined
  violations: Violation[]
}

/**
 * S. 96(2), vehicles for passengers: after 5 h 30 of driving a break of 30 minutes, unless the driving lies within 8 h 30 that hold
 * 45 minutes of shorter breaks and end with one of 30 or with the day. Those 45 minutes count once they have been taken: until
 * then driving beyond 5 h 30 is in breach, and they take the breach back.
 */
export function spells(timeline: Timeline): Spells {
  const violations: Violation[] = []
  let spell: Spell | undefined
  const end = () => {
    const violation = spell && violationOf(spell)
    if (violation) violations.push(violation)
    spell = undefined
  }
  let restFrom: Instant | null = null
  for (const stretch of timeline.stretches) {
    if (isRest(stretch.status)) {
      restFrom ??= stretch.from
      if (stretch.until - restFrom >= MS.break) end()
      continue
    }
    if (spell && restFrom !== null) takeBreak(spell, { from: restFrom, until: stretch.from })
    restFrom = null
    if (stretch.status !== 'DRIVE') continue
    spell ??= begin(stretch.from)
    drive(spell, stretch)
  }
  const violation = spell && violationOf(spell)
  if (violation) violations.push(violation)
  return { running: spell, violations }
}

const begin = (from: Instant): Spell => ({
  from,
  drivenMs: 0,
  breaksMs: 0,
  breaks: [],
  overAt: null,
  lateAt: null,
  drivenUntil: from,
})

function takeBreak(spell: Spell, taken: Span): void {
  const counted = Math.min(taken.until, spell.from + MS.longSpell) - taken.from
  if (counted <= 0) return
  spell.breaksMs += counted
  spell.breaks.push(taken)
}

function drive(spell: Spell, { from, until }: Span): void {
  const left = Math.max(0, MS.drivingSpell - spell.drivenMs)
  spell.drivenMs += until - from
  spell.drivenUntil = until
  if (spell.drivenMs <= MS.drivingSpell) return
  spell.overAt ??= from + left
  const late = Math.max(from + left, spell.from + MS.longSpell)
  if (until > late) spell.lateAt ??= late
}

function violationOf(spell: Spell): Violation | null {
  const isLong = spell.breaksMs >= MS.breaksOfLongSpell
  const from = isLong ? spell.lateAt : spell.overAt
  if (from === null) return null
  const limit = isLong ? LIMITS.longSpell : LIMITS.drivingSpell
  const explanation = {
    citation: limit.citation,
    limitMs: isLong ? MS.longSpell : MS.drivingSpell,
    reachedMs: isLong ? spell.drivenUntil - spell.from : spell.drivenMs,
    since: spell.from,
    rests: spell.breaks,
  }
  return { rule: RULE, from, until: spell.drivenUntil, explanation }
}

/** How long the driver may drive on without a break of 30 minutes, and when that may change. */
export function breakClock(
  timeline: Timeline,
  { running: spell }: Spells,
): { clock: Clock; changes: Instant[] } {
  const { asOf, stretches, rests } = timeline
  const status = stretches.at(-1)?.status
  const rest = openRest(rests)
  const restedAt = rest && !rest.beforeLog ? rest.from + MS.break : null
  const drivingMs = Math.max(0, MS.drivingSpell - (spell?.drivenMs ?? 0))
  const isLong = spell !== undefined && spell.breaksMs >= MS.breaksOfLongSpell
  const longUntil = isLong ? spell.from + MS.longSpell : null
  const longMs = longUntil === null ? 0 : Math.max(0, longUntil - asOf)
  const remainingMs = Math.max(drivingMs, longMs)
  const running = remainingMs > 0 && (status === 'DRIVE' || longMs > drivingMs)
  let runsOutAt: Instant | null = null
  if (running && status === 'DRIVE') runsOutAt = asOf + remainingMs
  else if (running && drivingMs === 0 && !(restedAt !== null && restedAt <= longUntil!)) runsOutAt = longUntil
  return {
    clock: { name: 'break', rule: RULE, limitMs: MS.drivingSpell, remainingMs, running, runsOutAt },
    changes: [
      asOf + drivingMs,
      ...(restedAt === null ? [] : [restedAt]),
      ...(longUntil === null ? [] : [longUntil, longUntil - drivingMs]),
    ],
  }
}
