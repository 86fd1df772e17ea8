import type { Instant } from '../../time/instant.ts'
import { isRest, openRest, type Span, type Timeline } from '../eu/timeline.ts'
import type { Clock, Violation } from '../types.ts'
import { LIMITS, MS } from './limits.ts'
import { isWork } from './weeks.ts'

export const RULE = 'wtd.work-6'

/** Work since the last break. */
export interface Consecutive {
  workedMs: number
  violations: Violation[]
}

/** Art. 5(1): never more than 6 h of work without a break, of which a part has at least 15 minutes (art. 5(2)). */
export function consecutiveWork(timeline: Timeline): Consecutive {
  const violations: Violation[] = []
  let workedMs = 0
  let since: Span | null = null
  let violation: Violation | null = null
  let restFrom: Instant | null = null
  const walk = {
    end(rest: Span): void {
      if (violation) violations.push(violation)
      violation = null
      workedMs = 0
      since = rest
    },
  }
  for (const stretch of timeline.stretches) {
    if (isRest(stretch.status)) {
      restFrom ??= stretch.from
      if (stretch.until - restFrom >= MS.breakPart) walk.end({ from: restFrom, until: stretch.until })
      continue
    }
    restFrom = null
    if (!isWork(stretch.status)) continue
    const left = Math.max(0, MS.workWithoutBreak - workedMs)
    workedMs += stretch.until - stretch.from
    if (workedMs <= MS.workWithoutBreak) continue
    const taken: Span | null = since
    violation = {
      rule: RULE,
      from: (violation as Violation | null)?.from ?? stretch.from + left,
      until: stretch.until,
      explanation: {
        citation: LIMITS.workWithoutBreak.citation,
        limitMs: MS.workWithoutBreak,
        reachedMs: workedMs,
        since: (taken as Span | null)?.until ?? timeline.stretches[0]!.from,
        rests: [],
      },
    }
  }
  if (violation) violations.push(violation)
  return { workedMs, violations }
}

/** What is left of the 6 h. */
export function consecutiveClock(
  { workedMs }: Consecutive,
  timeline: Timeline,
): { clock: Clock; changes: Instant[] } {
  const { asOf, stretches, rests } = timeline
  const status = stretches.at(-1)?.status
  const remainingMs = Math.max(0, MS.workWithoutBreak - workedMs)
  const running = status !== undefined && isWork(status) && remainingMs > 0
  const rest = openRest(rests)
  return {
    clock: {
      name: 'break',
      rule: RULE,
      limitMs: MS.workWithoutBreak,
      remainingMs,
      running,
      runsOutAt: running ? asOf + remainingMs : null,
    },
    changes: [asOf + remainingMs, ...(rest ? [rest.from + MS.breakPart] : [])],
  }
}
