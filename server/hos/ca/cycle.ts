import { runningDown } from '../north-america/counted.ts'
import { CycleGauge } from '../north-america/cycle.ts'
import { type Ahead, type Basis, type Gauge, STANDING } from '../north-america/gauge.ts'
import { LastRest } from '../north-america/last-rest.ts'
import type { Limit } from '../north-america/limits.ts'
import { ON_DUTY, type Timeline } from '../north-america/timeline.ts'
import type { HosOptions } from '../types.ts'
import type { CanadianLaw } from './limits.ts'
import { SmallerGauge } from './smallest.ts'

/** On-duty time in the 7 or 14 days and, in cycle 2, since the last 24 h off: SOR/2005-313 s. 26, 27, 28. */
export function cycleGauge(line: Timeline, { cycle }: CanadianLaw, options: HosOptions): Gauge {
  const days = new CycleGauge(line, cycle.limit, cycle.days, cycle.restartMs, options)
  if (!cycle.withoutRest) return days
  return new SmallerGauge(days, new WithoutRestGauge(line, cycle.withoutRest.limit, cycle.withoutRest.restMs))
}

/** On-duty time since the last rest of `restMs`, or since the log began: s. 27(b). */
class WithoutRestGauge implements Gauge {
  readonly name = 'cycle'
  readonly rule: string
  readonly citation: string
  readonly gradual = true
  readonly #line: Timeline
  readonly #limitMs: number
  readonly #last: LastRest

  constructor(line: Timeline, limit: Limit, restMs: number) {
    this.rule = limit.rule
    this.citation = limit.citation
    this.#line = line
    this.#limitMs = limit.ms
    this.#last = new LastRest(line, restMs)
  }

  levelAt(boundary: number): number {
    const { onDutyMs } = this.#line
    this.#last.seek(boundary)
    const { rest } = this.#last
    return this.#limitMs - (onDutyMs[boundary]! - (rest === null ? 0 : onDutyMs[rest.end]!))
  }

  basis(): Basis {
    const { rest } = this.#last
    return { limitMs: this.#limitMs, since: rest?.until ?? this.#line.at[0]!, rests: rest ? [rest] : [] }
  }

  ahead(levelMs: number): Ahead {
    return this.#line.present >= ON_DUTY ? runningDown(this.#line, levelMs) : STANDING
  }

  mark(): void {
    this.#last.mark()
  }

  rewind(): void {
    this.#last.rewind()
  }
}
