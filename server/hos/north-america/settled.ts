import { DAY, HOUR, type Instant } from '../../time/instant.ts'
import type { DutyEvent, DutyStatus, SettledPart } from '../types.ts'

/** What of a log a country's rules look back on. */
interface LookBack {
  /** A rest after which nothing but the cycle counts what was before. */
  restMs: number
  /** No rule looks further back than over so many days, the present one not counted. */
  days: number
  /** What driving so long after coming on duty uses up is counted for so many days: 49 CFR 395.1(e)(2). */
  longTours?: { pastMs: number; days: number }
}

/** Where the clocks are set back. */
const LONGEST_DAY_MS = 25 * HOUR

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
  { restMs, days, longTours }: LookBack,
  asOf: Instant,
): SettledPart | null {
  const long = longTours ? longToursOf(log, restMs, longTours.pastMs) : []
  const usedMs = longTours ? (longTours.days + 1) * LONGEST_DAY_MS : 0
  const ms = (days + 1) * LONGEST_DAY_MS
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
    else if (!long.some((from) => from < at && from > at - usedMs))
      return { log: log.slice(first - 1), until, weeksUntil: until }
  }
  return null
}

/** When each tour began in which somebody drove more than `pastMs` after it began. */
function longToursOf(log: readonly DutyEvent[], restMs: number, pastMs: number): Instant[] {
  const found: Instant[] = []
  let began: Instant | null = null
  let restFrom: Instant | null = null
  for (let i = 0; i < log.length; i++) {
    const { at, status } = log[i]!
    if (RESTS.has(status)) {
      restFrom ??= at
      continue
    }
    if (began === null || (restFrom !== null && at - restFrom >= restMs)) began = at
    restFrom = null
    const until = log[i + 1]?.at ?? Number.POSITIVE_INFINITY
    if (status === 'D' && until - began > pastMs && found[found.length - 1] !== began) found.push(began)
  }
  return found
}
