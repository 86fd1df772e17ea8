import type { Instant } from '../../time/instant.ts'
import { type GapEvent, runsOf, type Segment, segmentsOf } from '../gapped.ts'
import type { DutyStatus, RulesetId, Violation } from '../types.ts'
import { CANADA } from './limits.ts'

const RESTS: ReadonlySet<DutyStatus> = new Set(['OFF', 'SB', 'PC'])

/**
 * A change from one cycle to the other, which asks for the rest that resets the cycle that is left: SOR/2005-313 s. 29, north of 60°
 * s. 54. The rest may be over at the change, as long as nothing has been driven since, or come after it; driving before it breaks the
 * rule, once, until the rest is complete. The rest with which a log opens is long enough. Other changes of rules ask for nothing.
 *
 * Where some time is unknown, driving that is known breaks it for sure if no rest that a gap may be part of is long enough; it may be
 * broken where a gap is driven or holds no rest.
 * @param at when the cycle changes; `until` how far it is looked at
 */
export function cycleSwitch(
  log: readonly GapEvent[],
  [before, after]: readonly [RulesetId, RulesetId],
  at: Instant,
  until: Instant,
): { proven: Violation[]; possible: Violation[] } {
  const [left, taken] = [CANADA[before], CANADA[after]]
  if (!left || !taken || before === after || !!left.dailyRest !== !!taken.dailyRest)
    return { proven: [], possible: [] }
  const segments = segmentsOf(log, until)
  const opening = segments[0]?.from
  const { restartMs, switchRule, switchCitation } = left.cycle
  const runs = runsOf(segments, (status) => RESTS.has(status))
  const told = (kind: 'proven' | 'possible'): Violation[] => {
    const drivenBy = segments.findLast((one) => one.from < at && mayDrive(one, kind === 'possible'))
    const since = drivenBy ? Math.min(drivenBy.until, at) : Number.NEGATIVE_INFINITY
    const long = (rest: { from: Instant; until: Instant }) =>
      rest.until > since && (rest.from === opening || rest.until - rest.from >= restartMs)
    const rests = kind === 'proven' ? runs : runs.flatMap(({ known }) => known)
    const doneBy = Math.min(...rests.filter(long).map((rest) => rest.until), Number.POSITIVE_INFINITY)
    const driven = segments.filter(
      (one) => one.until > at && one.from < doneBy && mayDrive(one, kind === 'possible'),
    )
    const [first, last] = [driven[0], driven.at(-1)]
    if (!first || !last) return []
    const from = Math.max(first.from, at)
    const explanation = { citation: switchCitation, limitMs: restartMs, reachedMs: 0, since: at, rests: [] }
    return [{ rule: switchRule, from, until: last.until, explanation }]
  }
  return { proven: told('proven'), possible: told('possible') }
}

const mayDrive = ({ status }: Segment, gaps: boolean) => status === 'D' || (gaps && status === null)
