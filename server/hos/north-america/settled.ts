import { DAY, HOUR, type Instant } from '../../time/instant.ts'
import type { DutyEvent, DutyStatus, SettledPart } from '../types.ts'

/** What of a log a country's rules look back on. */
interface LookBack {
  /** A rest after which nothing but the cycle counts what was before. */
  restMs: number
  /** No rule looks further back than this from the start of a day. */
  ms: number
}

/** 10 h off, 49 CFR 395.3(a)(1); eight days, 395.3(b)(2). A day may have 25 hours. */
export const PROPERTY: LookBack = { restMs: 10 * HOUR, ms: 9 * 25 * HOUR }
/** 8 h off, 49 CFR 395.5(a). */
export const PASSENGER: LookBack = { ...PROPERTY, restMs: 8 * HOUR }
/** 24 h off, SOR/2005-313 s. 25 and 27(b); fourteen days, s. 25 and 27(a). */
export const CANADA: LookBack = { restMs: 24 * HOUR, ms: 15 * 25 * HOUR }

/** Rests over midnight may be reckoned to a day that is over, and only to the next one. */
const MARGIN_MS = 3 * DAY
const RESTS: ReadonlySet<DutyStatus> = new Set(['OFF', 'SB', 'PC'])

/**
 * What of a log can still matter. Pairs of rests end with a full rest, so violations before the
 * end of one are settled; what they and the clocks are counted from begins with a full rest that all rules' days
 * have left behind. null if there are no two such rests yet.
 */
export function settledPart(
  log: readonly DutyEvent[],
  { restMs, ms }: LookBack,
  asOf: Instant,
): SettledPart | null {
  let until: Instant | null = null
  for (let end = log.length - 1; end > 0; end--) {
    const at = log[end]!.at
    if (RESTS.has(log[end]!.status) || !RESTS.has(log[end - 1]!.status)) continue
    if (at > (until === null ? asOf - MARGIN_MS : until - ms)) continue
    let first = end - 1
    while (first > 0 && RESTS.has(log[first - 1]!.status)) first--
    if (first === 0) return null
    if (at - log[first]!.at < restMs) continue
    if (until === null) until = at
    else return { log: log.slice(first - 1), until, weeksUntil: until }
  }
  return null
}
