import type { Instant } from '../time/instant.ts'
import { evaluate } from './evaluate.ts'
import {
  type ClockName,
  type DutyEvent,
  type DutyStatus,
  type Evaluation,
  type HosOptions,
  isEuropean,
  type RulesetId,
  type Violation,
} from './types.ts'

/** An event after which nothing is known till the next one: no data, whatever the reason. */
export interface GapEvent {
  at: Instant
  status: DutyStatus | 'UNKNOWN'
}

/** What can be said of a log with gaps: honest in both directions. */
export interface GappedEvaluation {
  asOf: Instant
  /** null while nothing is known. */
  status: DutyStatus | null
  /** Broken however the gaps are filled. */
  proven: Violation[]
  /** Broken if the gaps are filled badly: not an accusation, a question. */
  possible: Violation[]
  /** How much is left at the least and at the most. */
  clocks: { name: ClockName; rule: string; limitMs: number; leastMs: number; mostMs: number }[]
  nextChangeAt: Instant | null
}

/** Every status that a gap may have been, the kindest first. */
const NORTH_AMERICA: readonly DutyStatus[] = ['OFF', 'SB', 'ON', 'D']
const EUROPE: readonly DutyStatus[] = ['REST', 'POA', 'WORK', 'DRIVE']

/**
 * Judges a log with gaps by reading each gap as rest, in the berth, as work and as driving. What is broken in all readings is
 * proven, what is broken in one is possible, and clocks lie between the readings. Without a gap it is `evaluate`, twice said.
 * @throws HosRefusal as `evaluate`
 */
export function evaluateWithGaps(
  log: readonly GapEvent[],
  ruleset: RulesetId,
  options: HosOptions,
  asOf: Instant,
): GappedEvaluation {
  const known = log.filter(({ at }) => at <= asOf)
  const hasGap = known.some(({ status }) => status === 'UNKNOWN')
  const fillings = isEuropean(ruleset) ? EUROPE : NORTH_AMERICA
  const readings = (hasGap ? fillings : fillings.slice(0, 1)).map((filling) =>
    evaluate(
      known.map(({ at, status }): DutyEvent => ({ at, status: status === 'UNKNOWN' ? filling : status })),
      ruleset,
      options,
      asOf,
    ),
  )
  const [kindest] = readings
  const proven = kindest!.violations.flatMap((violation) => {
    const twins = readings.map((reading) => reading.violations.find((other) => isTwin(violation, other)))
    if (twins.some((twin) => twin === undefined)) return []
    // From when on it is broken in every reading.
    return [twins.reduce((latest, twin) => (twin!.from > latest!.from ? twin : latest))!]
  })
  const possible: Violation[] = []
  for (const { violations } of readings) {
    for (const violation of violations) {
      if (![...proven, ...possible].some((other) => isTwin(violation, other))) possible.push(violation)
    }
  }
  const last = known.at(-1)?.status
  return {
    asOf,
    status: last === 'UNKNOWN' ? null : kindest!.status,
    proven: inOrder(proven),
    possible: inOrder(possible),
    clocks: clocksOf(readings),
    nextChangeAt: readings.reduce<Instant | null>((next, reading) => {
      const at = reading.nextChangeAt
      return at === null || next === null ? (at ?? next) : Math.min(at, next)
    }, null),
  }
}

/** The same violation in another reading: the same rule, at a time that they share. */
const isTwin = (a: Violation, b: Violation) => a.rule === b.rule && a.from <= b.until && b.from <= a.until

const inOrder = (violations: Violation[]) =>
  violations.sort((a, b) => a.from - b.from || (a.rule < b.rule ? -1 : 1))

function clocksOf(readings: readonly Evaluation[]): GappedEvaluation['clocks'] {
  return readings[0]!.clocks.map(({ name, rule, limitMs }) => {
    const left = readings.map(
      (reading) => reading.clocks.find((clock) => clock.name === name)?.remainingMs ?? 0,
    )
    return { name, rule, limitMs, leastMs: Math.min(...left), mostMs: Math.max(...left) }
  })
}
