import type { Instant } from '../../time/instant.ts'
import type { DutyEvent, HosOptions } from '../types.ts'
import { presentRest } from './audit.ts'
import { CalculationPoints } from './calculation-point.ts'
import { adverseExtensions, type Extension } from './gauge.ts'
import { type Rest, timelineOf } from './timeline.ts'

/**
 * How a log with gaps is read where it leaves a choice. `harshest`: no circumstance lengthens a limit, since a restart in a
 * gap may have ended it, and pairs of rests count only where they are asked for. `kindest`: of each gap every use is made at once, also those that exclude each other (a full rest, and half of
 * a pair), and circumstances last until a full rest that is known.
 */
export type Doubt =
  | { kind: 'harshest'; pairs: boolean; harshest: readonly DutyEvent[] }
  | { kind: 'kindest'; harshest: readonly DutyEvent[] }

/** The full rests that are there however the gaps are filled, and the one of them that goes on. */
export interface Sure {
  resets: readonly Rest[]
  resting: Rest | null
}

/** @param log the log with every gap driven: what rest it has is known */
export function sureOf(log: readonly DutyEvent[], resetMs: number, options: HosOptions, asOf: Instant): Sure {
  const line = timelineOf(log, options, asOf, options.adverseConditions)
  return { resets: new CalculationPoints(line, resetMs, null).resets, resting: presentRest(line) }
}

/** Extensions of adverse conditions under a doubt; `own` are the rests of the log as it is read. */
export function extensionsInDoubt(
  met: readonly Instant[],
  own: Sure,
  sure: Sure | null,
  doubt: Doubt | undefined,
  ms: number,
): Extension[] {
  if (doubt?.kind === 'harshest') return []
  const { resets, resting } = sure ?? own
  return adverseExtensions(met, resets, resting, ms)
}
