import type { Rest, Timeline } from './timeline.ts'

/** The last rest of some length that has ended by a boundary. Boundaries are asked about in order. */
export class LastRest {
  rest: Rest | null = null
  readonly #line: Timeline
  readonly #leastMs: number
  #next = 0
  #markedRest: Rest | null = null
  #markedNext = 0

  constructor(line: Timeline, leastMs: number) {
    this.#line = line
    this.#leastMs = leastMs
  }

  seek(boundary: number): void {
    const { rests } = this.#line
    for (; this.#next < rests.length && rests[this.#next]!.end <= boundary; this.#next++) {
      const rest = rests[this.#next]!
      if (rest.until - rest.from >= this.#leastMs) this.rest = rest
    }
  }

  mark(): void {
    this.#markedRest = this.rest
    this.#markedNext = this.#next
  }

  rewind(): void {
    this.rest = this.#markedRest
    this.#next = this.#markedNext
  }
}
