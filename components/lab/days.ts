import { type Instant, MINUTE } from '../../server/time/instant.ts'
import { addDays, type Zone } from '../../server/time/zone.ts'

/** A 24-hour period of the home terminal (23 or 25 hours where the clocks change). */
export interface LabDay {
  date: string
  from: Instant
  until: Instant
}

/** The day of a date. */
export function dayOf(date: string, zone: Zone, dayStartMinutes: number): LabDay {
  const [from, until] = [zone.startOf(date, dayStartMinutes), zone.startOf(addDays(date, 1), dayStartMinutes)]
  return { date, from, until }
}

/** The days from one instant to another, newest first, `most` of them at most, and how many earlier ones are left out. */
export function daysBetween(
  from: Instant,
  until: Instant,
  zone: Zone,
  dayStartMinutes: number,
  most: number,
): { days: LabDay[]; leftOut: number } {
  const first = zone.dateOf(from, dayStartMinutes)
  const last = zone.dateOf(until, dayStartMinutes)
  const days: LabDay[] = []
  for (let date = last; date >= first && days.length < most; date = addDays(date, -1)) {
    days.push(dayOf(date, zone, dayStartMinutes))
  }
  const earliest = days.at(-1)?.date ?? last
  return { days, leftOut: Math.round((Date.parse(earliest) - Date.parse(first)) / (1440 * MINUTE)) }
}

const QUARTER = 15 * MINUTE

/** To the nearest quarter of an hour, or minute. */
export const snapped = (at: Instant, fine: boolean): Instant => {
  const step = fine ? MINUTE : QUARTER
  return Math.round(at / step) * step
}

/** The next quarter of an hour (or minute) after an instant, or the one before it. */
export function stepped(at: Instant, forward: boolean, fine: boolean): Instant {
  const step = fine ? MINUTE : QUARTER
  return forward ? (Math.floor(at / step) + 1) * step : (Math.ceil(at / step) - 1) * step
}
