import type { Instant } from '../../time/instant.ts'
import { runningDown } from '../north-america/counted.ts'
import { type Ahead, type Basis, type Gauge, STANDING } from '../north-america/gauge.ts'
import { LastRest } from '../north-america/last-rest.ts'
import { DRIVING, type Timeline } from '../north-america/timeline.ts'
import type { CanadianLaw } from './limits.ts'

/**
 * Time that passes since the last 24 consecutive hours off; nobody may drive once they no longer lie wholly within the
 * fourteen days before: SOR/2005-313 s. 25. The fourteen days are taken as elapsed time.
 */
export class LongRestGauge implements Gauge {
  readonly name = 'cycle'
  readonly clockless = true
  readonly rule: string
  readonly citation: string
  readonly gradual = true
  readonly #line: Timeline
  readonly #limitMs: number
  readonly #last: LastRest

  constructor(line: Timeline, { limit, restMs }: CanadianLaw['longRest']) {
    this.rule = limit.rule
    this.citation = limit.citation
    this.#line = line
    this.#limitMs = limit.ms
    this.#last = new LastRest(line, restMs)
  }

  #since(): Instant {
    const { rests, at } = this.#line
    const { rest } = this.#last
    if (rest !== null) return rest.until
    // The driver comes to the log rested, and the rest that it opens with is the end of that rest.
    return rests.length > 0 && rests[0]!.opening ? rests[0]!.until : at[0]!
  }

  levelAt(boundary: number): number {
    this.#last.seek(boundary)
    return this.#limitMs - (this.#line.at[boundary]! - this.#since())
  }

  basis(): Basis {
    const { rest } = this.#last
    return { limitMs: this.#limitMs, since: this.#since(), rests: rest ? [rest] : [] }
  }

  ahead(levelMs: number): Ahead {
    return this.#line.present === DRIVING ? runningDown(this.#line, levelMs) : STANDING
  }

  mark(): void {
    this.#last.mark()
  }

  rewind(): void {
    this.#last.rewind()
  }
}
