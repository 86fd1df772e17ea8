import type { Instant } from '../../server/time/instant.ts'
import type { Itinerary } from './plan.ts'
import { randomOf } from './random.ts'
import { MOTION_AFTER_MS } from './shifts.ts'

/** When a device takes fixes while it drives and while it stands. */
export interface Cadence {
  movingMs: number
  parkedMs: number
}

/**
 * The instants in (after, until] at which the device takes a fix: on its own grid, which differs from truck to truck so that
 * they do not all speak at once, and at the moments that matter: wheels begin to turn, motion is plain, the truck stands.
 */
export function fixTimes(itinerary: Itinerary, after: Instant, until: Instant, cadence: Cadence): Instant[] {
  const { seed, index } = itinerary.plan
  const phase = Math.floor(randomOf(seed, index, 'phase')() * 5_000)
  const times: Instant[] = []
  const take = (at: Instant) => {
    if (at > after && at <= until && at > (times.at(-1) ?? 0)) times.push(at)
  }
  for (const stretch of itinerary.stretches(after, until + 1)) {
    const { from, drive } = stretch
    const every = drive ? cadence.movingMs : cadence.parkedMs
    take(from)
    const begins = drive ? from + MOTION_AFTER_MS : from
    if (drive) take(begins)
    const first = Math.max(begins, after) + 1
    for (
      let at = Math.ceil((first - phase) / every) * every + phase;
      at < stretch.until && at <= until;
      at += every
    ) {
      take(at)
    }
  }
  return times
}
