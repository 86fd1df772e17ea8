import type { Instant } from '../time/instant.ts'

/** `positions.fix_second` counts from here: four bytes reach from 1931 to 2068. */
const EPOCH_MS = Date.UTC(2000, 0, 1)
/** Fixes from here on do not fit. */
export const FIX_TIMES_END = Date.UTC(2068, 0, 1)

/** The second of `positions.fix_second` that an instant is in. */
export const fixSecond = (at: Instant): number => Math.floor((at - EPOCH_MS) / 1000)

/** The milliseconds of `positions.fix_ms`. */
export const fixMs = (at: Instant): number => at - EPOCH_MS - fixSecond(at) * 1000

/** The instant of both columns. */
export const fixInstant = (second: number, ms: number): Instant => EPOCH_MS + second * 1000 + ms
