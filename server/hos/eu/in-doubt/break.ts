import type { Segment } from '../../gapped.ts'
import type { Violation } from '../../types.ts'
import { RULE } from '../break.ts'
import { LIMITS, MS } from '../limits.ts'
import type { Span } from '../timeline.ts'
import { type Bounds, type Doubtful, isRest, violation } from './blocks.ts'

/** Driving since the last break, apart for a driver who has taken the first part of one and for one who has not. */
interface State {
  without: Bounds | null
  withPart: Bounds | null
}

const both = (...all: (Bounds | null)[]): Bounds | null => {
  const some = all.filter((one) => one !== null)
  if (some.length === 0) return null
  return { least: Math.min(...some.map((one) => one.least)), most: Math.max(...some.map((one) => one.most)) }
}
const later = (one: Bounds | null, least: number, most: number): Bounds | null =>
  one && { least: one.least + least, most: one.most + most }

const BROKEN_OFF: State = { without: { least: 0, most: 0 }, withPart: null }

/**
 * Art. 7 over all fillings. What a rest does hangs on whether the first part of a break has been taken, and more rest is not always better:
 * a break that a gap completes uses up the part that a later half hour would have completed. So the driving since the break is
 * bounded for both kinds of driver, and a rest with a gap in it leads each of them wherever a rest of any length in it could.
 */
export function breakInDoubt(
  segments: readonly Segment[],
  multiManning: boolean,
): Doubtful & { drivenMs: Bounds } {
  const found: Doubtful = { proven: [], possible: [] }
  let state = BROKEN_OFF
  /** What may be broken and may go on; null after a break that is one for sure. */
  let open: Violation | null = null
  const broken = (kind: 'proven' | 'possible', { from, until }: Span, beforeMs: number) => {
    const begins = from + Math.max(0, MS.drivingPeriod - beforeMs)
    if (begins >= until) return
    const reached = [MS.drivingPeriod, beforeMs + until - from, null] as const
    const one = violation(RULE, LIMITS.drivingPeriod.citation, [begins, until], reached)
    if (kind === 'proven') found.proven.push(one)
    else if (open) {
      open.until = until
      open.explanation = one.explanation
    } else {
      open = one
      found.possible.push(one)
    }
  }
  for (const group of groupsOf(segments, multiManning)) {
    const now = both(state.without, state.withPart)!
    const [only] = group
    if (group.length === 1 && only!.status === 'DRIVE') {
      broken('proven', only!, now.least)
      broken('possible', only!, now.most)
      const ms = only!.until - only!.from
      state = { without: later(state.without, ms, ms), withPart: later(state.withPart, ms, ms) }
      continue
    }
    let before = now.most
    for (const one of group) {
      if (one.status !== null) continue
      broken('possible', one, before)
      before += one.until - one.from
    }
    if (isSurelyBreak(state, group, multiManning)) open = null
    const after = afterRest(state, group, multiManning)
    state = group[0]!.from === segments[0]!.from ? afterOpening(group, after) : after
  }
  return { ...found, drivenMs: both(state.without, state.withPart)! }
}

/** Single stretches, but rests and the gaps beside them together; a break that is known stands alone. */
function groupsOf(segments: readonly Segment[], multiManning: boolean): Segment[][] {
  const groups: Segment[][] = []
  let open = false
  const mayRest = ({ status }: Segment) =>
    status === null || isRest(status) || (multiManning && status === 'POA')
  for (const one of segments) {
    const last = groups.at(-1)?.at(-1)
    // A rest that goes on in the berth of a ferry is one rest.
    if (last && open && one.status !== null && last.status !== null && sameKind(one, last)) {
      groups.at(-1)!.splice(-1, 1, { ...last, until: one.until })
      continue
    }
    if (open && mayRest(one)) groups.at(-1)!.push(one)
    else groups.push([one])
    open = mayRest(one)
  }
  return groups.flatMap((group) => {
    const parts: Segment[][] = [[]]
    for (const one of group) {
      if (one.status !== null && mayRest(one) && one.until - one.from >= MS.break) parts.push([one], [])
      else parts.at(-1)!.push(one)
    }
    return parts.filter((part) => part.length > 0)
  })
}

const sameKind = (a: Segment, b: Segment) => a.status === b.status || (isRest(a.status!) && isRest(b.status!))

const longestKnown = (group: readonly Segment[]) =>
  Math.max(
    0,
    ...group.filter(({ status }) => status !== null && isRest(status)).map(({ from, until }) => until - from),
  )

const isCrewBreak = (group: readonly Segment[], multiManning: boolean) =>
  multiManning && group.some(({ status, from, until }) => status === 'POA' && until - from >= MS.breakAsCrew)

/** Is it a break for each kind of driver that there may be, and none may drive in it? */
function isSurelyBreak({ without }: State, group: readonly Segment[], multiManning: boolean): boolean {
  if (group.some(({ status }) => status === null)) return false
  const needed = without === null ? MS.breakSecondPart : MS.break
  return longestKnown(group) >= needed || isCrewBreak(group, multiManning)
}

/** The rest that the log opens with is the end of a long one: it leaves no first part, but may end sooner in a gap. */
function afterOpening(group: readonly Segment[], after: State): State {
  const [first] = group
  if (first!.status !== null && !isRest(first!.status)) return after
  if (group.every(({ status }) => status !== null && isRest(status))) return BROKEN_OFF
  const mostDriven = group.reduce((sum, one) => sum + (one.status === null ? one.until - one.from : 0), 0)
  return { ...after, without: both(after.without, { least: 0, most: mostDriven }) }
}

/** What a rest leads to, or a stretch that may be one: whole, cut or none, and any of its gaps driven. */
function afterRest(state: State, group: readonly Segment[], multiManning: boolean): State {
  const ms = group.at(-1)!.until - group[0]!.from
  const mostDriven = group.reduce((sum, one) => sum + (one.status === null ? one.until - one.from : 0), 0)
  const sureMs = longestKnown(group)
  if (sureMs >= MS.break || isCrewBreak(group, multiManning)) return BROKEN_OFF
  // Work alone, or availability that is no break.
  const restMs = group.every(({ status }) => status !== null && !isRest(status)) ? 0 : ms
  const { without, withPart } = state
  const taken = { least: 0, most: mostDriven }
  const second = withPart !== null && restMs >= MS.breakSecondPart
  const whole = without !== null && restMs >= MS.break
  const part = restMs >= MS.breakFirstPart
  return {
    without: both(
      sureMs < MS.breakFirstPart ? later(without, 0, mostDriven) : null,
      second || whole || (withPart !== null && restMs >= MS.break) ? taken : null,
    ),
    withPart: both(
      sureMs < MS.breakSecondPart ? later(withPart, 0, mostDriven) : null,
      part ? later(without, 0, mostDriven) : null,
      // A break and a first part after it.
      restMs >= MS.break && mostDriven > 0 ? taken : null,
    ),
  }
}
