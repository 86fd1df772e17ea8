import type { Instant } from '../../time/instant.ts'
import type { ClockName } from '../types.ts'
import type { CalculationPoint } from './calculation-point.ts'
import type { Rest, Span } from './timeline.ts'

/** What a limit was counted from. */
export interface Basis {
  limitMs: number
  since: Instant | null
  rests: readonly Span[]
}

/**
 * One rule over one timeline. Its level is how long the driver may still do the thing, negative when it is past. The
 * boundaries are asked about in order, not all of them, each with its calculation points; between two neighbours a level only falls, and
 * while driving it falls by the time that passes.
 */
export interface Gauge {
  readonly name: ClockName
  /** It is judged, and has no clock. */
  readonly clockless?: true
  readonly rule: string
  readonly citation: string
  /** Does its level never fall by more than the time that passes? Not where its limit is larger for a time. */
  readonly gradual: boolean
  levelAt(boundary: number, points: readonly CalculationPoint[]): number
  /** Of the boundary asked about last. */
  basis(): Basis
  /**
   * For the last boundary, the instant asked about: does the level fall while the present status goes on, when does it
   * reach zero (null: it does not), and when does it stop falling above zero?
   */
  ahead(levelMs: number): Ahead
  /** Notes how far it has been asked. */
  mark(): void
  /** Back to the mark: the log has gone on, and boundaries from there on will be asked about. */
  rewind(): void
}

export interface Ahead {
  running: boolean
  runsOutAt: Instant | null
  settlesAt?: Instant
}

export const STANDING: Ahead = { running: false, runsOutAt: null }

/** A time in which a limit is larger. */
export interface Extension {
  from: Instant
  until: Instant
  ms: number
}

export function extensionAt(extensions: readonly Extension[], at: Instant): number {
  let most = 0
  for (const { from, until, ms } of extensions) if (from <= at && at < until && ms > most) most = ms
  return most
}

/**
 * From when the conditions were met until the end of the next full rest; met in such a rest they count for nothing: 49 CFR
 * 395.1(b)(1), SOR/2005-313 s. 76(2).
 */
export function adverseExtensions(
  met: readonly Instant[],
  resets: readonly Rest[],
  present: Rest | null,
  ms: number,
): Extension[] {
  return met.map((from) => {
    const next = resets.find((rest) => rest.until > from || rest === present)
    return { from, until: next?.until ?? Number.POSITIVE_INFINITY, ms }
  })
}
