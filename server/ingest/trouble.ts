import { type LogFields, log } from '../log.ts'

/** What goes on is said again so often. */
const EVERY_MS = 10_000
/** A group that takes longer is worth a line of the log. */
const SLOW_MS = 1_000
const LOOK_EVERY_MS = 250

type State = 'well' | 'slow' | 'failing'

/** A group that is being stored. */
interface Begun {
  reports: number
  /** performance.now() when it was begun. */
  from: number
  isSlow: boolean
}

/**
 * What the log says of storing: a line when it becomes slow (while the group still waits) or fails, one each ten seconds while that goes
 * on, and one when it is over. A line for each group would fill a disk while the database is away, for nobody.
 */
export class StoreTrouble {
  readonly #open = new Set<Begun>()
  #timer: NodeJS.Timeout | undefined
  #state: State = 'well'
  /** performance.now() when it began, of what was last noted, of the last failure and of the last line. */
  #began = 0
  #last = 0
  #failed = 0
  #said = 0
  #groups = 0
  #reports = 0

  begin(reports: number): Begun {
    const begun = { reports, from: performance.now(), isSlow: false }
    this.#open.add(begun)
    this.#timer ??= setInterval(() => this.#look(), LOOK_EVERY_MS).unref()
    return begun
  }

  stored(begun: Begun): void {
    this.#open.delete(begun)
    if (begun.isSlow) {
      if (begun.from >= this.#failed) this.#state = 'slow'
      this.#count(begun, performance.now())
    } else if (this.#state !== 'well' && begun.from >= this.#last) {
      this.#state = 'well'
      const afterMs = Math.round(performance.now() - this.#began)
      log.info('reports are stored at once again', { afterMs, groups: this.#groups, reports: this.#reports })
    }
  }

  failed(begun: Begun, error: unknown): void {
    this.#open.delete(begun)
    const now = performance.now()
    this.#say('failing', 'a group was not stored; its devices send it again', begun, now, {
      error: (error as Error).message,
    })
    this.#failed = now
    this.#count(begun, now)
  }

  #look(): void {
    if (this.#open.size === 0) {
      clearInterval(this.#timer)
      this.#timer = undefined
    }
    const now = performance.now()
    for (const begun of this.#open) {
      if (now - begun.from <= SLOW_MS) continue
      begun.isSlow = true
      this.#say('slow', 'storing reports takes long', begun, now)
    }
  }

  #count({ reports }: Begun, now: number): void {
    this.#last = now
    this.#groups++
    this.#reports += reports
  }

  #say(state: State, message: string, { reports, from }: Begun, now: number, more: LogFields = {}): void {
    const level = state === 'failing' ? 'error' : 'warn'
    if (this.#state === 'well') {
      this.#began = from
      this.#groups = 0
      this.#reports = 0
    }
    this.#last = now
    if (this.#state === 'well' || (this.#state === 'slow' && state === 'failing')) {
      this.#state = state
      this.#said = now
      log[level](message, { reports, forMs: Math.round(now - from), ...more })
    } else if (now - this.#said >= EVERY_MS) {
      this.#said = now
      const all = { groups: this.#groups, reports: this.#reports, forMs: Math.round(now - this.#began) }
      log[level]('storing is still in trouble', { ...all, ...more })
    }
  }
}

/**
 * Logs what may happen many times a second: the first at once, then a line each ten seconds with the last of them and how many
 * there were.
 */
export function sparing(
  level: 'warn' | 'error',
  message: string,
  everyMs = EVERY_MS,
): (fields: LogFields) => void {
  let times = 0
  let last: LogFields = {}
  let waiting = false
  const wait = () => {
    waiting = true
    setTimeout(() => {
      waiting = false
      if (times === 0) return
      log[level](message, { ...last, times })
      times = 0
      wait()
    }, everyMs).unref()
  }
  return (fields) => {
    if (waiting) {
      times++
      last = fields
      return
    }
    log[level](message, fields)
    wait()
  }
}
