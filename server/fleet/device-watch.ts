import type pg from 'pg'
import { AppError } from '../errors.ts'
import { MINUTE, SECOND } from '../time/instant.ts'
import type { Listener } from './changes.ts'
import { hearOfDevices, tellDevices } from './device-news.ts'
import { deviceNumberOf, listMessages } from './devices.ts'
import type { DeviceMessage } from './devices-schema.ts'

/** So often the processes that devices report to are told that somebody still watches, and it is asked whether they still may. */
const RENEW_MS = 2 * SECOND
/** A page that is forgotten stops costing anything; the browser begins anew if somebody is there. */
const LASTS_MS = 60 * MINUTE
const MOST_WATCHERS = 200

interface WatchOptions {
  fleetId: number
  deviceId: number
  /** The id of the last message that arrived; 0: all that are kept. */
  after: number
  signal: AbortSignal | undefined
  /** Asked every few seconds. */
  isAllowed: () => Promise<boolean>
}

/**
 * The watchers of a process: one connection hears for all of them, and none is kept when nobody watches. Messages are read
 * from the table, so it does not matter which process a device reports to.
 */
export class DeviceWatch {
  readonly #pool: pg.Pool
  readonly #watchers = new Map<() => void, number>()
  #listener: Listener | undefined
  readonly #renewMs: number

  constructor(pool: pg.Pool, renewMs = RENEW_MS) {
    this.#pool = pool
    this.#renewMs = renewMs
  }

  /**
   * null once it listens; then what is kept of a device's messages, and each as it comes, oldest first, until the signal ends it.
   * @throws AppError not-found for a device of another fleet; busy if too many watch; unauthenticated once isAllowed says no
   */
  async *watch(options: WatchOptions): AsyncGenerator<DeviceMessage | null, void, undefined> {
    const { fleetId, deviceId, signal, isAllowed } = options
    const deviceNumber = await deviceNumberOf(this.#pool, fleetId, deviceId)
    if (this.#watchers.size >= MOST_WATCHERS)
      throw new AppError('busy', 'Too many pages watch devices now: close one.')
    let wake = () => {}
    let fresh = true
    const tell = () => {
      fresh = true
      wake()
    }
    this.#join(tell, deviceNumber)
    signal?.addEventListener('abort', tell)
    const endsAt = performance.now() + LASTS_MS
    const seen = new Set<number>()
    let renewAt = performance.now()
    let asked = true
    try {
      yield null
      while (!signal?.aborted && performance.now() < endsAt) {
        if (performance.now() >= renewAt) {
          if (!asked && !(await isAllowed())) throw new AppError('unauthenticated', 'Your session has ended.')
          asked = false
          await tellDevices(this.#pool, { kind: 'watch', deviceNumber })
          renewAt = performance.now() + this.#renewMs
          // What was said while nobody listened shows now.
          fresh = true
        }
        if (fresh) {
          fresh = false
          const messages = await listMessages(this.#pool, fleetId, deviceId, options.after)
          // Two processes may write down what they received in another order than its ids'.
          const news = messages.filter(({ id }) => !seen.has(id)).reverse()
          seen.clear()
          for (const { id } of messages) seen.add(id)
          yield* news
          continue
        }
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, Math.max(1, renewAt - performance.now()))
          wake = () => {
            clearTimeout(timer)
            resolve()
          }
          if (fresh || signal?.aborted) wake()
        })
      }
    } finally {
      signal?.removeEventListener('abort', tell)
      this.#leave(tell)
    }
  }

  /** How many watch now. */
  get watchers(): number {
    return this.#watchers.size
  }

  #join(tell: () => void, deviceNumber: number): void {
    this.#watchers.set(tell, deviceNumber)
    this.#listener ??= hearOfDevices(
      this.#pool,
      (news) => {
        if (news.kind !== 'said') return
        for (const [wake, number] of this.#watchers) if (number === news.deviceNumber) wake()
      },
      () => {
        for (const wake of this.#watchers.keys()) wake()
      },
    )
  }

  #leave(tell: () => void): void {
    this.#watchers.delete(tell)
    if (this.#watchers.size > 0) return
    const idle = this.#listener
    this.#listener = undefined
    void idle?.close()
  }
}

/** One a process and database: Next's copy of this module must not open a second one. */
const shared = globalThis as { restlineWatches?: WeakMap<pg.Pool, DeviceWatch> }

export function watchOf(pool: pg.Pool): DeviceWatch {
  shared.restlineWatches ??= new WeakMap()
  let watch = shared.restlineWatches.get(pool)
  if (!watch) {
    watch = new DeviceWatch(pool)
    shared.restlineWatches.set(pool, watch)
  }
  return watch
}
