import { distanceMeters } from '../geo/distance.ts'
import { MINUTE } from '../time/instant.ts'
import { isOnePlace, JITTER_METERS, type Links, odometerBetween } from './links.ts'
import type { Fix } from './plausible.ts'
import type { TripSettings } from './types.ts'

/** Stops in traffic are shorter; who idles for longer has arrived. */
const TRAFFIC_MS = 2 * MINUTE

/** Fixes `first` to `last` stand at one place for at least the fleet's standstill. */
export interface Standstill {
  first: number
  last: number
  /** The beginning hangs on no fix after this one. */
  startNeeds: number
  /** The end hangs on no fix before this one. */
  endNeeds: number
}

/** Fixes without a break between, `first` to `last`. */
export interface Stretch {
  first: number
  last: number
}

/** Fixes between which nothing contradicts and no long silence hides where the truck was. */
export function stretchesOf(fixes: readonly Fix[], links: Links): Stretch[] {
  const stretches: Stretch[] = []
  for (let i = 0, first = 0; i < fixes.length; i++) {
    if (i + 1 < fixes.length && links.breaks[i] === null) continue
    stretches.push({ first, last: i })
    first = i + 1
  }
  return stretches
}

export class Standing {
  readonly #standstillMs: number

  constructor(
    readonly fixes: readonly Fix[],
    readonly links: Links,
    readonly settings: TripSettings,
  ) {
    this.#standstillMs = settings.standstillMinutes * MINUTE
  }

  /** Has the truck left the place of fix `from` when it is at fix `i`? */
  #hasLeft(from: number, i: number): boolean {
    const [a, b] = [this.fixes[from]!, this.fixes[i]!]
    if (!isOnePlace(a, b, this.settings)) return true
    const driven = odometerBetween(a, b, this.settings) ?? 0
    const saysSo = b.speedKph !== null && b.speedKph > this.settings.movingKph
    // A receiver at rest says a speed at times, but no odometer turns with it.
    if (distanceMeters(a, b) <= JITTER_METERS) return saysSo && driven > 0
    if (driven > JITTER_METERS) return true
    if (b.speedKph !== null) return saysSo
    const ms = b.at - this.fixes[i - 1]!.at
    const meters = this.links.meters[i - 1]!
    return meters > JITTER_METERS && (meters / ms) * 3600 > this.settings.movingKph
  }

  /**
   * The last fix that proves a full standstill from fix `i` on, or -1. Asked of each fix alone, and no further ahead than the
   * standstill is long, so that one answer never hangs on another.
   */
  provenUntil(i: number, stretch: Stretch): number {
    const { arrivedAt, leftAt, stands } = this.links
    if (!stands[i]) return -1
    const until = arrivedAt[i]! + this.#standstillMs
    for (let next = i + 1; next <= stretch.last; next++) {
      if (this.#hasLeft(i, next)) return leftAt[next - 1]! >= until ? next - 1 : -1
      if (this.fixes[next]!.at >= until) return next
    }
    return -1
  }

  /** All standstills of a stretch: where the proofs of its fixes overlap they are one. */
  all(stretch: Stretch): Standstill[] {
    const found: Standstill[] = []
    for (let i = stretch.first; i <= stretch.last; i++) {
      const proven = this.provenUntil(i, stretch)
      if (proven < 0) continue
      const { last, latest } = this.#grow(i, proven, stretch)
      const reached = this.#back(i, stretch)
      const engineOff = this.#engineOffAfter(reached, proven)
      const waited = engineOff > reached && this.provenUntil(engineOff, stretch) >= 0
      // Whether it waited hangs on what follows, and the more so when that isn't known yet.
      const needed = Math.max(engineOff, i)
      const one = {
        first: waited ? engineOff : reached,
        last: this.#ahead(last, stretch),
        startNeeds: Math.max(proven + 1, this.#indexAt(i, this.fixes[needed]!.at + this.#standstillMs) + 1),
        endNeeds: Math.min(latest, this.#indexAt(0, this.fixes[last]!.at - this.#standstillMs)),
      }
      const before = found.at(-1)
      if (before && one.first <= before.last) {
        before.last = Math.max(before.last, one.last)
        before.endNeeds = Math.min(before.endNeeds, one.endNeeds)
      } else found.push(one)
      i = last
    }
    return found
  }

  /** On to where no proof of the fixes so far reaches further; and the latest of those fixes whose proof reaches there. */
  #grow(first: number, proven: number, stretch: Stretch): { last: number; latest: number } {
    let last = proven
    let latest = first
    for (let grown = true; grown; ) {
      grown = false
      // No other proof can reach beyond `last`.
      const since = this.fixes[last]!.at - this.#standstillMs
      const from = last
      for (let i = from; i > first && this.fixes[i]!.at > since; i--) {
        const until = this.provenUntil(i, stretch)
        if (until > last || (until === last && i > latest)) {
          grown = until > last
          last = until
          latest = i
          if (grown) break
        }
      }
    }
    return { last, latest }
  }

  /** Fixes before that stand there too, of no longer ago than a standstill: too scattered to prove one by themselves. */
  #back(first: number, stretch: Stretch): number {
    const place = this.fixes[first]!
    let i = first
    while (i > stretch.first && this.fixes[i - 1]!.at > place.at - this.#standstillMs) {
      if (!this.#stoodBefore(i - 1, first)) break
      i--
    }
    return i
  }

  /** Did it stand at fix `i` where it stands at the later fix `place`? */
  #stoodBefore(i: number, place: number): boolean {
    const [a, b] = [this.fixes[i]!, this.fixes[place]!]
    if (!this.links.stands[i] || !isOnePlace(a, b, this.settings)) return false
    if (distanceMeters(a, b) <= JITTER_METERS) return true
    return (odometerBetween(a, b, this.settings) ?? 0) <= JITTER_METERS
  }

  /**
   * A truck that waits with the engine on and then switches it off has been in traffic (or at the gate) until then, when the
   * wait was no longer than traffic's and what follows is a standstill: the last fix of the wait. Else `first`.
   */
  #engineOffAfter(first: number, last: number): number {
    const until = this.links.arrivedAt[first]! + Math.min(TRAFFIC_MS, this.#standstillMs)
    let i = first
    while (i < last && this.fixes[i]!.ignition === true && this.fixes[i + 1]!.ignition === true) i++
    const off = i < last && this.fixes[i]!.ignition === true && this.fixes[i + 1]!.ignition === false
    return off && this.fixes[i]!.at < until ? i : first
  }

  /** The same as `#back` at the end: the first fix that moves is of the way, however near it is. */
  #ahead(last: number, stretch: Stretch): number {
    const until = this.fixes[last]!.at + this.#standstillMs
    let stood = last
    for (let i = last + 1; i <= stretch.last && this.fixes[i]!.at < until; i++) {
      if (this.#hasLeft(last, i)) break
      if (this.links.stands[i]) stood = i
    }
    return stood
  }

  /** Where a stretch without a standstill at its beginning leaves the place of its first fix. */
  leavesAt({ first, last }: Stretch): number {
    if (!this.links.stands[first]) return first
    let i = first
    while (i < last && !this.#hasLeft(first, i + 1)) i++
    return i
  }

  /** Where it reaches the place of its last fix. */
  reachesAt({ first, last }: Stretch): number {
    let i = last
    while (i > first && this.#stoodBefore(i - 1, last)) i--
    return this.#engineOffAfter(i, last)
  }

  /** The first fix at or after an instant, from fix `low` on; the last if there is none. */
  #indexAt(low: number, at: number): number {
    let high = this.fixes.length - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.fixes[middle]!.at < at) low = middle + 1
      else high = middle
    }
    return low
  }
}
