import type { Instant } from '../../time/instant.ts'
import { runningDown } from '../north-america/counted.ts'
import { type Ahead, type Basis, type Gauge, STANDING } from '../north-america/gauge.ts'
import type { Limit } from '../north-america/limits.ts'
import { DRIVING, type Span, type Timeline } from '../north-america/timeline.ts'

/** Driving since the last 30 consecutive minutes without any: 49 CFR 395.3(a)(3)(ii). */
export class BreakGauge implements Gauge {
  readonly name = 'break'
  readonly rule: string
  readonly citation: string
  readonly gradual = true
  readonly #line: Timeline
  readonly #limitMs: number
  readonly #interruptionMs: number
  #walked: Walked = { seen: 0, stoppedAt: -1, breakFirst: -1, breakEnd: 0 }
  #marked = this.#walked

  constructor(line: Timeline, limit: Limit, interruptionMs: number) {
    this.rule = limit.rule
    this.citation = limit.citation
    this.#line = line
    this.#limitMs = limit.ms
    this.#interruptionMs = interruptionMs
  }

  levelAt(boundary: number): number {
    const line = this.#line
    const walked = this.#walked
    for (let i = walked.seen; i < boundary; i++) {
      if (line.kind[i] === DRIVING) {
        walked.stoppedAt = -1
        continue
      }
      if (walked.stoppedAt < 0) walked.stoppedAt = i
      if (line.at[i + 1]! - line.at[walked.stoppedAt]! < this.#interruptionMs) continue
      walked.breakFirst = walked.stoppedAt
      walked.breakEnd = i + 1
    }
    if (boundary > walked.seen) walked.seen = boundary
    return this.#limitMs - (line.drivenMs[boundary]! - line.drivenMs[walked.breakEnd]!)
  }

  basis(): Basis {
    const { at } = this.#line
    const { breakFirst: first, breakEnd: end } = this.#walked
    if (first < 0) return { limitMs: this.#limitMs, since: at[0]!, rests: [] }
    const last: Span = { from: at[first]!, until: at[end]!, first, end }
    return { limitMs: this.#limitMs, since: last.until, rests: [last] }
  }

  ahead(levelMs: number): Ahead {
    return this.#line.present === DRIVING ? runningDown(this.#line, levelMs) : STANDING
  }

  mark(): void {
    this.#marked = { ...this.#walked }
  }

  rewind(): void {
    this.#walked = { ...this.#marked }
  }
}

interface Walked {
  /** How many segments have been seen. */
  seen: number
  /** Where the present stretch without driving began; -1 while driving. */
  stoppedAt: number
  /** The boundaries of the last break; it begins before the log, at -1, where there was none. */
  breakFirst: number
  breakEnd: number
}

/** When the present stretch without driving will have been a break; null if it is one already, or while driving. */
export function breakDoneAt(line: Timeline, interruptionMs: number): Instant | null {
  if (line.present === DRIVING) return null
  let first = line.count
  while (first > 0 && line.kind[first - 1] !== DRIVING) first--
  const doneAt = line.at[first]! + interruptionMs
  return doneAt > line.at[line.count]! ? doneAt : null
}
