import { DAY, type Instant } from '../../time/instant.ts'
import { type Zone, zone } from '../../time/zone.ts'

/** Fixed weeks, Monday 00:00 to Sunday 24:00 of a zone (art. 4(i)), numbered from that of 1 January 1970. */
export interface Weeks {
  /** Number of the week that holds the instant. */
  of(at: Instant): number
  /** Its first instant. */
  startOf(week: number): Instant
}

/** 1 January 1970 was a Thursday, three days into week 0. */
const THURSDAY = 3

const made = new Map<string, Weeks>()

/**
 * The fixed weeks of a zone.
 * @throws RangeError for an unknown zone
 */
export function weeksIn(timeZone: string): Weeks {
  let weeks = made.get(timeZone)
  if (!weeks) {
    weeks = makeWeeks(zone(timeZone))
    made.set(timeZone, weeks)
  }
  return weeks
}

function makeWeeks(local: Zone): Weeks {
  const starts = new Map<number, Instant>()

  function startOf(week: number): Instant {
    let start = starts.get(week)
    if (start === undefined) {
      start = local.instantOf((week * 7 - THURSDAY) * DAY)
      starts.set(week, start)
    }
    return start
  }

  function of(at: Instant): number {
    const week = Math.floor((Math.floor((at + local.offsetAt(at)) / DAY) + THURSDAY) / 7)
    // Where clocks change at midnight on a Monday, the boundary is the instant `startOf` names, once.
    if (at < startOf(week)) return week - 1
    return at < startOf(week + 1) ? week : week + 1
  }

  return { of, startOf }
}
