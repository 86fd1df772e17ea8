import type { Instant } from '../../time/instant.ts'
import type { Violation } from '../types.ts'
import { LIMITS, MS } from './limits.ts'
import { isRest, type Span, type Timeline } from './timeline.ts'

export const RULE = 'eu.break-45'

/** Driving since the last break of art. 7, in milliseconds, and what was broken on the way. */
export interface Breaks {
  drivenMs: number
  violations: Violation[]
}

interface Period {
  since: Instant | null
  drivenMs: number
  rests: Span[]
  /** How many of them had been taken when the driver last drove past the limit. */
  restsBefore: number
  hasFirstPart: boolean
  violation: Violation | null
}

/**
 * Art. 7: after 4 h 30 of driving a break of 45 minutes, or of 15 and later 30. Driving adds up over other work,
 * availability and short stops; each complete break, early ones too, begins a new driving period.
 */
export function breaks(timeline: Timeline, multiManning: boolean): Breaks {
  const violations: Violation[] = []
  let period = begin(null)

  const walk = {
    reset(at: Instant): void {
      end(period, violations)
      period = begin(at)
    },
    rest(from: Instant, until: Instant): void {
      const ms = until - from
      // The rest that the log opens with is the end of a long one, not the first part of a break.
      if (from === timeline.stretches[0]!.from && ms < MS.break) return
      if (ms >= MS.break || (period.hasFirstPart && ms >= MS.breakSecondPart)) walk.reset(until)
      else if (ms >= MS.breakFirstPart) {
        period.hasFirstPart = true
        period.rests.push({ from, until })
      }
    },
  }

  let restFrom: Instant | null = null
  for (const stretch of timeline.stretches) {
    if (isRest(stretch.status)) {
      restFrom ??= stretch.from
      continue
    }
    if (restFrom !== null) walk.rest(restFrom, stretch.from)
    restFrom = null
    // A crew member beside the driver records availability; only a whole break counts (art. 7, third paragraph).
    if (stretch.status === 'POA' && multiManning && stretch.until - stretch.from >= MS.breakAsCrew) {
      walk.reset(stretch.until)
    }
    if (stretch.status === 'DRIVE') drive(period, stretch)
  }
  if (restFrom !== null) walk.rest(restFrom, timeline.end)
  end(period, violations)
  return { drivenMs: period.drivenMs, violations }
}

const begin = (since: Instant | null): Period => ({
  since,
  drivenMs: 0,
  rests: [],
  restsBefore: 0,
  hasFirstPart: false,
  violation: null,
})

/** What a period broke, told with the rests in it once. */
function end({ violation, rests, restsBefore }: Period, violations: Violation[]): void {
  if (violation === null) return
  violation.explanation.rests = rests.slice(0, restsBefore)
  violations.push(violation)
}

function drive(period: Period, stretch: Span): void {
  const ms = stretch.until - stretch.from
  const left = MS.drivingPeriod - period.drivenMs
  period.drivenMs += ms
  if (ms <= left) return
  const from = period.violation?.from ?? stretch.from + Math.max(0, left)
  period.restsBefore = period.rests.length
  period.violation = {
    rule: RULE,
    from,
    until: stretch.until,
    explanation: {
      citation: LIMITS.drivingPeriod.citation,
      limitMs: MS.drivingPeriod,
      reachedMs: period.drivenMs,
      since: period.since,
      rests: [],
    },
  }
}
