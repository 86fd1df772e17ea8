import * as fs from 'node:fs'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'

/** Who said a line: a process under test, those who play devices, or the one who keeps all of them running. */
export type Source = 'server' | 'postgresql' | 'worker' | 'devices' | 'keeper'

/** One line of a log. */
export interface Line {
  at: number
  source: Source
  text: string
}

/** A line that must be there. */
export interface Expected {
  source: Source
  text: RegExp
}

/** What all processes log, in the order in which it came; in a file too. */
export class Journal {
  readonly lines: Line[] = []
  readonly #file: number

  constructor(file: string) {
    this.#file = fs.openSync(file, 'a')
  }

  /** Adds a line. */
  note(source: Source, text: string): void {
    const at = Date.now()
    this.lines.push({ at, source, text })
    fs.writeSync(this.#file, `${new Date(at).toISOString()} ${source}: ${text}\n`)
  }

  /** Adds each line of a stream. */
  follow(source: Source, stream: Readable): void {
    createInterface({ input: stream }).on('line', (text) => this.note(source, text))
  }

  /** Is there such a line behind the first `mark`? */
  has(mark: number, expected: Expected): boolean {
    return this.lines.slice(mark).some((line) => isIt(line, expected))
  }

  /** Resolves when each of these lines is there behind the first `mark`; else with those that did not come in time. */
  async missing(mark: number, expected: readonly Expected[], withinMs: number): Promise<Expected[]> {
    const until = Date.now() + withinMs
    for (;;) {
      const missing = expected.filter((one) => !this.has(mark, one))
      if (missing.length === 0 || Date.now() > until) return missing
      await wait(20)
    }
  }
}

const isIt = (line: Line, { source, text }: Expected) => line.source === source && text.test(line.text)
