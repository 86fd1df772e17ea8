import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

/** Who said a line: the server, the database, or the one who keeps both running. */
export type Source = 'server' | 'postgresql' | 'keeper'

/** One line of a log. */
export interface Line {
  at: number
  source: Source
  text: string
}

/** What all processes log, in the order in which it came. */
export class Journal {
  readonly lines: Line[] = []
  readonly #print: ((line: Line) => void) | undefined

  constructor(print?: (line: Line) => void) {
    this.#print = print
  }

  /** Adds a line. */
  note(source: Source, text: string): void {
    const line = { at: Date.now(), source, text }
    this.lines.push(line)
    this.#print?.(line)
  }

  /** Adds each line of a stream. */
  follow(source: Source, stream: Readable): void {
    createInterface({ input: stream }).on('line', (text) => this.note(source, text))
  }

  /** What came after the first `mark` lines. */
  since(mark: number): readonly Line[] {
    return this.lines.slice(mark)
  }
}
