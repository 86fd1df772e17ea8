import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import type { Random } from './random.ts'

/** What a sender says of itself on its standard output. */
export type SenderEvent = { event: 'started' } | ({ event: 'quiet' } & SenderTally)

/** Counted since the start. */
export interface SenderTally {
  acknowledged: number
  /** Sent again though acknowledged. */
  repeated: number
  cuts: number
  /** Attempts that were not acknowledged, by what came instead: a status or a network error. */
  refusals: Record<string, number>
  /** Answers that can't be true: the door had acknowledged something and then took it for new, or the reverse. */
  contradictions: string[]
}

/**
 * When the devices of a sender may send. Lines on the standard input tell it to `pause` (finish what is begun, until it is
 * acknowledged), `resume`, or `cut MS` (for so long break connections in the middle). Its output is one line of JSON for each
 * event; with its input the process ends.
 */
export class Turns {
  readonly tally: SenderTally = { acknowledged: 0, repeated: 0, cuts: 0, refusals: {}, contradictions: [] }
  readonly #paceMs: number
  #paused = false
  #cuttingUntil = 0
  /** Devices that wait for `resume`. */
  readonly #waiting: (() => void)[] = []
  #atWork = 0
  #told = true

  /**
   * @param paceMs between two turns of a device, on average
   * @param cutNow breaks what is under way
   */
  constructor(paceMs: number, cutNow: () => void) {
    this.#paceMs = paceMs
    createInterface({ input: process.stdin })
      .on('line', (line) => {
        const [command, ms] = line.split(' ')
        if (command === 'pause') {
          this.#paused = true
          this.#told = false
          this.#tellWhenQuiet()
        } else if (command === 'resume') {
          this.#paused = false
          for (const go of this.#waiting.splice(0)) go()
        } else if (command === 'cut') {
          this.#cuttingUntil = Date.now() + Number(ms)
          cutNow()
        }
      })
      .once('close', () => process.exit(0))
    this.#tell({ event: 'started' })
  }

  /** Connections break in the middle now. */
  get cutting(): boolean {
    return Date.now() < this.#cuttingUntil
  }

  /** Counts an attempt that was not acknowledged. */
  refused(answer: string): void {
    this.tally.refusals[answer] = (this.tally.refusals[answer] ?? 0) + 1
  }

  /** One device, for ever. */
  async take(random: Random, turn: () => Promise<void>): Promise<never> {
    await wait(random.between(0, this.#paceMs))
    for (;;) {
      if (this.#paused) await new Promise<void>((resolve) => this.#waiting.push(resolve))
      this.#atWork++
      await turn()
      this.#atWork--
      this.#tellWhenQuiet()
      await wait(random.between(this.#paceMs / 2, this.#paceMs * 1.5))
    }
  }

  #tellWhenQuiet(): void {
    if (!this.#paused || this.#told || this.#atWork > 0) return
    this.#told = true
    this.#tell({ event: 'quiet', ...this.tally })
  }

  #tell(event: SenderEvent): void {
    console.log(JSON.stringify(event))
  }
}

/** The pause before an attempt is made again, milliseconds: longer each time, up to a second. */
export function* backoffs(random: Random): Generator<number, never> {
  for (let most = 100; ; most = Math.min(most * 2, 1_000)) yield random.between(most / 2, most)
}
