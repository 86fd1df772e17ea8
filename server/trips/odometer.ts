/** Something that a vehicle drove, in order of time. */
export interface Leg {
  /** By trips and gaps, see Trip.distanceMeters */
  meters: number
  /** Of a gap: the truck may have been carried, as on a ferry. */
  unseen: boolean
  /** What the device's odometer said at its end; null: nothing, or not known */
  reading: number | null
}

/** An odometer is believed if it counted so much of what was seen driven at least, and so much of all at most. */
const LEAST = 0.9
const MOST = 1.5
/** Readings in kilometers, and the yard. */
const SLACK_METERS = 2_000

/**
 * The odometer after these legs: the first reading and what was driven since, by the device's count wherever that runs as the
 * truck did. So a reset, a new device or another unit is a step in the readings and none in the answer.
 * @returns meters; null if there is no reading
 */
export function odometerAfter(legs: readonly Leg[]): number | null {
  let odometer: number | null = null
  let last = 0
  let since = 0
  let seen = 0
  for (const { meters, unseen, reading } of legs) {
    since += meters
    if (!unseen) seen += meters
    if (reading === null) continue
    if (odometer === null) odometer = reading
    else {
      const counted = reading - last
      const believed = counted >= seen * LEAST - SLACK_METERS && counted <= since * MOST + SLACK_METERS
      odometer += believed ? Math.max(0, counted) : since
    }
    last = reading
    since = 0
    seen = 0
  }
  return odometer === null ? null : odometer + since
}
