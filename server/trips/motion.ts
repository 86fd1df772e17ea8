import { type Instant, SECOND } from '../time/instant.ts'
import { analyse } from './derive.ts'
import { JITTER_METERS } from './links.ts'
import type { TrackPoint, TripSettings } from './types.ts'

/** Slower than this share of `movingKph` is rest; between the two it goes on as before. */
const REST_SHARE = 0.5

/** Wheels turn: traffic stops are not in it. `until` null: it still moved at the last fix. */
export interface MotionSpan {
  from: Instant
  until: Instant | null
}

/**
 * When the vehicle moved, in order, with hysteresis: from faster than `movingKph` until slower than half of it. A silence or a
 * contradiction (see Gap) ends motion at the last fix before it. A function of the set of points, as `derive`.
 */
export function motionOf(points: readonly TrackPoint[], settings: TripSettings): MotionSpan[] {
  const { fixes, links } = analyse(points, settings)
  const spans: MotionSpan[] = []
  let from: Instant | null = null
  const end = (until: Instant | null) => {
    if (from !== null) spans.push({ from, until })
    from = null
  }
  for (const [i, fix] of fixes.entries()) {
    const broken = i > 0 && links.breaks[i - 1] !== null
    if (broken) end(fixes[i - 1]!.at)
    const meters = i > 0 && !broken ? links.meters[i - 1]! : 0
    const ms = i > 0 ? fix.at - fixes[i - 1]!.at : SECOND
    // Without a speed, what the way from the fix before says.
    const kph = fix.speedKph ?? (meters > JITTER_METERS ? (meters / ms) * 3600 : 0)
    if (kph > settings.movingKph) from ??= i > 0 && !broken ? links.leftAt[i - 1]! : fix.at
    else if (kph <= settings.movingKph * REST_SHARE) end(links.arrivedAt[i]!)
  }
  end(null)
  return spans
}
