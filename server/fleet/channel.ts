import type pg from 'pg'
import { withFleet } from '../db/pool.ts'
import { log } from '../log.ts'
import { type Instant, MINUTE } from '../time/instant.ts'
import { mergeFrames } from './frame-merge.ts'
import { formatCursor, parseCursor, type Reading, readFleet, type Versions } from './live-read.ts'
import type { LiveFrame } from './live-schema.ts'
import type { Cursor } from './positions.ts'

/** A watcher away for longer gets everything anew: that is cheaper than what it missed. */
const RESUME_WITHIN_MS = 10 * MINUTE
/** Versions are kept to leave out rows read twice; past this many they are forgotten, and some rows repeat once. */
const VERSIONS_AT_MOST = 200_000

export interface SubscribeOptions {
  /** The cursor of the last frame that arrived, to go on from; null for a snapshot. */
  lastEventId: string | null
  signal?: AbortSignal
  /** Asked every few seconds; the stream ends when it says no. */
  isAllowed?: () => Promise<boolean>
}

export interface Delivery {
  cursor: string
  frame: LiveFrame
}

interface ChannelOptions {
  pool: pg.Pool
  now: () => Instant
  frameMs: number
  pollMs: number
  recheckMs: number
  onEmpty: () => void
}

interface Subscriber {
  pending: Reading | null
  wake: () => void
}

/** One fleet's reader. Its reads follow one another, so that no watcher ever gets an older row after a newer one. */
export class Channel {
  readonly #subscribers = new Set<Subscriber>()
  readonly #sent: Versions = new Map()
  #cursor: Cursor | null = null
  #reads: Promise<unknown> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined
  #lastReadAt = 0
  #wanted = false
  #closed = false

  constructor(
    readonly fleetId: number,
    readonly options: ChannelOptions,
  ) {}

  /** Something changed: read soon, but not sooner than a frame's time after the last read. */
  wake(): void {
    if (this.#wanted || this.#closed || this.#subscribers.size === 0) return
    this.#wanted = true
    this.#schedule(Math.max(0, this.#lastReadAt + this.options.frameMs - performance.now()))
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    for (const subscriber of this.#subscribers) subscriber.wake()
  }

  async *subscribe(options: SubscribeOptions): AsyncGenerator<Delivery, void, undefined> {
    const { signal, isAllowed } = options
    const { recheckMs } = this.options
    const me: Subscriber = { pending: null, wake: () => undefined }
    const wake = () => me.wake()
    signal?.addEventListener('abort', wake)
    let checkedAt = performance.now()
    this.#subscribers.add(me)
    try {
      await this.#begin(me, options.lastEventId)
      while (!signal?.aborted && !this.#closed) {
        if (isAllowed && performance.now() - checkedAt >= recheckMs) {
          if (!(await isAllowed())) return
          checkedAt = performance.now()
        }
        const reading = me.pending
        if (reading) {
          me.pending = null
          yield { cursor: formatCursor(reading.cursor), frame: reading.frame }
          continue
        }
        const rest = Math.max(1, checkedAt + recheckMs - performance.now())
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, isAllowed ? rest : 0x7fffffff)
          me.wake = () => {
            clearTimeout(timer)
            resolve()
          }
          if (signal?.aborted || this.#closed) me.wake()
        })
        me.wake = () => undefined
      }
    } finally {
      signal?.removeEventListener('abort', wake)
      this.#subscribers.delete(me)
      if (this.#subscribers.size === 0) {
        this.#closed = true
        clearTimeout(this.#timer)
        this.options.onEmpty()
      }
    }
  }

  /** The first frame of a watcher: what it missed, or everything. It joins the shared frames in the same turn. */
  async #begin(subscriber: Subscriber, lastEventId: string | null): Promise<void> {
    const since = lastEventId === null ? null : parseCursor(lastEventId)
    await this.#inTurn(async () => {
      const at = this.options.now()
      let reading: Reading | undefined
      if (since && since.at <= at && at - since.at <= RESUME_WITHIN_MS) {
        reading = await this.#read(since, at)
        // A cursor ahead of the database is of another one, or of one that was restored.
        if (reading.cursor.revision < since.revision) reading = undefined
      }
      reading ??= await this.#read(null, at)
      this.#cursor ??= reading.cursor
      subscriber.pending = reading
    })
    if (!this.#timer) this.#schedule(this.options.pollMs)
  }

  /** One read behind the walls of the fleet. */
  #read(since: Cursor | null, at: Instant, sent?: Versions): Promise<Reading> {
    return withFleet(this.options.pool, this.fleetId, (tx) => readFleet(tx, this.fleetId, since, at, sent))
  }

  #schedule(delayMs: number): void {
    clearTimeout(this.#timer)
    if (!this.#closed) this.#timer = setTimeout(() => void this.#tick(), delayMs)
  }

  async #tick(): Promise<void> {
    this.#wanted = false
    this.#lastReadAt = performance.now()
    await this.#inTurn(() => this.#readChanges()).catch((error: Error) => {
      log.error('live frames failed', { fleetId: this.fleetId, error: error.message })
    })
    if (!this.#wanted) this.#schedule(this.options.pollMs)
  }

  async #readChanges(): Promise<void> {
    if (!this.#cursor || this.#subscribers.size === 0) return
    const reading = await this.#read(this.#cursor, this.options.now(), this.#sent)
    this.#cursor = reading.cursor
    if (this.#sent.size > VERSIONS_AT_MOST) this.#sent.clear()
    const { positions, drivers, alerts } = reading.frame
    if (!positions && !drivers && !alerts) return
    for (const subscriber of this.#subscribers) {
      const { pending } = subscriber
      subscriber.pending = pending
        ? { cursor: reading.cursor, frame: mergeFrames(pending.frame, reading.frame) }
        : reading
      subscriber.wake()
    }
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#reads.then(work)
    this.#reads = turn.catch(() => undefined)
    return turn
  }
}
