import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import type { Journal, Source } from './journal.ts'

const AGAIN_AFTER_MS = 100
const LATER_AFTER_MS = 500

/** A process that is started again whenever it ends, as systemd or a container's runtime would do it. Nothing else touches it. */
export class Kept {
  /** How often it was started. */
  starts = 0
  readonly #name: string
  readonly #launch: () => ChildProcess
  readonly #journal: Journal
  #child: ChildProcess | undefined
  #closing = false

  /** @param launch starts the process with its output as pipes */
  constructor(name: string, source: Source, journal: Journal, launch: () => ChildProcess) {
    this.#name = name
    this.#journal = journal
    this.#launch = () => {
      const child = launch()
      for (const stream of [child.stdout, child.stderr]) if (stream) journal.follow(source, stream)
      return child
    }
  }

  /** Of the process that runs now, or ran last. */
  get pid(): number {
    return this.#child!.pid!
  }

  /** Starts it; from now on it is kept. */
  start(): void {
    const startedAt = Date.now()
    this.starts++
    const child = this.#launch()
    this.#child = child
    child.once('exit', (code, signal) => {
      if (this.#closing) return
      this.#journal.note(
        'keeper',
        `${this.#name} ended (${signal ?? `exit code ${code}`}), it is started again`,
      )
      // One that can't start at once is tried at a slower pace.
      const delay = Date.now() - startedAt > 1_000 ? AGAIN_AFTER_MS : LATER_AFTER_MS
      void wait(delay).then(() => {
        if (!this.#closing) this.start()
      })
    })
  }

  /** Ends it for good. */
  async close(signal: NodeJS.Signals): Promise<void> {
    this.#closing = true
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill(signal)
    await ended
  }
}
