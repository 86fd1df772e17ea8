import { distanceMeters } from '../geo/distance.ts'
import { type Instant, MINUTE, SECOND } from '../time/instant.ts'

/** Without motion for so long the truck has stopped, and a person may set another status. */
export const STOPPED_MS = 3 * SECOND
/** Driving ends so long after the last motion: 5 minutes until the question, 1 minute for the answer that did not come. */
export const ENDS_AFTER_MS = 6 * MINUTE
/** A truck that was moving when it fell silent is presumed to drive on for so long. */
export const PRESUMED_MS = 60 * MINUTE
/** Two fixes further apart than this allows are not one truck's road; the gap proves nothing. */
const FASTEST_KPH = 250

/** A fix that is trusted (server/ingest/judge.ts); at most one an instant, in order of time. */
export interface Fix {
  at: Instant
  latitude: number
  longitude: number
  /** null: the device did not say */
  speedKph: number | null
}

/** Driving as `driving_spans` keeps it: a function of the fixes and the set statuses alone, never of the present time. */
export interface Span {
  from: Instant
  /** The last fix that proves motion. */
  lastMotionAt: Instant
  /** null while the newest fix moves: driving then goes on, presumed for at most PRESUMED_MS after the last motion. */
  until: Instant | null
}

export interface Resume {
  /** Where the machine stood: fixes up to this instant give context only. */
  after: Instant
  /** The last span that began before it, as far as those fixes tell. */
  span: Span | null
}

interface Moment {
  fix: Fix
  moves: boolean
}

export interface MotionInput {
  fixes: readonly Fix[]
  thresholdKph: number
  /** Instants at which a person set a status for the driver of this truck, in order. */
  setAt: readonly Instant[]
  resume?: Resume
}

/** When a span ends as far as we know; ahead of now while the truck moves or has just stopped. */
export const endOf = (span: Span): Instant => span.until ?? span.lastMotionAt + PRESUMED_MS

/** The first instant of `ordered` that is in [from, until). */
function firstWithin(ordered: readonly Instant[], from: Instant, until: Instant): Instant | undefined {
  let low = 0
  let high = ordered.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (ordered[middle]! < from) low = middle + 1
    else high = middle
  }
  const found = ordered[low]
  return found !== undefined && found < until ? found : undefined
}

function impliedKph(a: Fix, b: Fix): number {
  return (distanceMeters(a, b) / (b.at - a.at)) * 3600
}

/**
 * Driving from fixes (us-canada section 4). It begins at the first fix that moves faster than the threshold; it ends six
 * minutes after the last motion, or when a person set a status after the truck had stopped for three seconds. A gap
 * between two fixes proves driving through when its average speed is above the threshold and the truck was moving
 * before it, or was silent for longer than the six minutes; a shorter gap after a standing fix does not, or the jitter of
 * a parked receiver would drive.
 *
 * With `resume` only the last span before it and later ones are answered.
 */
export function deriveSpans({ fixes, thresholdKph, setAt, resume }: MotionInput): Span[] {
  const spans: Span[] = []
  let open: { from: Instant; lastMotionAt: Instant } | null = resume?.span
    ? { from: resume.span.from, lastMotionAt: resume.span.lastMotionAt }
    : null
  let previous: Moment | null = null

  const close = (horizonMs: number): Span => {
    const { from, lastMotionAt } = open!
    const horizon = lastMotionAt + horizonMs
    return { from, lastMotionAt, until: firstWithin(setAt, lastMotionAt + STOPPED_MS, horizon) ?? horizon }
  }
  for (const fix of fixes) {
    const last: Moment | null = previous
    const gapMs = last ? fix.at - last.fix.at : 0
    const implied: number = last ? impliedKph(last.fix, fix) : 0
    const covered: boolean = implied > thresholdKph && implied <= FASTEST_KPH
    const moves: boolean = fix.speedKph === null ? covered : fix.speedKph > thresholdKph
    if (fix.at > (resume?.after ?? Number.NEGATIVE_INFINITY)) {
      const through = covered && (previous!.moves || gapMs > ENDS_AFTER_MS)
      // Between two moving fixes nobody saw a stop.
      const unbroken = through || (moves && previous?.moves === true && gapMs <= ENDS_AFTER_MS)
      if (through || moves) {
        const start = through ? previous!.fix.at : fix.at
        if (open && !continues(open.lastMotionAt, start, unbroken)) {
          spans.push(close(ENDS_AFTER_MS))
          open = null
        }
        open ??= { from: start, lastMotionAt: start }
        open.lastMotionAt = fix.at
      }
    }
    previous = { fix, moves }
  }
  if (open) {
    const going = previous?.moves === true && previous.fix.at === open.lastMotionAt
    const last = close(going ? PRESUMED_MS : ENDS_AFTER_MS)
    spans.push(going && last.until === open.lastMotionAt + PRESUMED_MS ? { ...last, until: null } : last)
  }
  return spans

  /** Does motion that begins (or is next seen) at `start` belong to the driving whose last motion was before? */
  function continues(lastMotionAt: Instant, start: Instant, unbroken: boolean): boolean {
    if (unbroken && previous!.fix.at === lastMotionAt) return true
    return (
      start - lastMotionAt <= ENDS_AFTER_MS &&
      firstWithin(setAt, lastMotionAt + STOPPED_MS, start) === undefined
    )
  }
}
