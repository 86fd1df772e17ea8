import type pg from 'pg'
import { faultOf, log } from '../log.ts'
import { DAY, HOUR, type Instant, MINUTE } from '../time/instant.ts'
import { layMonth } from './lay.ts'
import { ensurePartitions } from './partitions.ts'
import { dropExpired } from './retention.ts'

/** Where there is more to drop than one call takes, or a month was in use. */
const AGAIN_AFTER_MS = MINUTE
const AFTER_FAILURE_MS = MINUTE

/**
 * What keeps `positions` going for years: months made ahead once a day, expired ones dropped and ended ones laid in the order of
 * trucks once an hour. Called as often as one likes, from as many processes as there are.
 */
export class Upkeep {
  readonly #pool: pg.Pool
  #partitionsAt: Instant = Number.NEGATIVE_INFINITY
  #retentionAt: Instant = Number.NEGATIVE_INFINITY
  #layAt: Instant = Number.NEGATIVE_INFINITY
  readonly #stop = new AbortController()
  #running: Promise<void> | undefined

  constructor(pool: pg.Pool) {
    this.#pool = pool
  }

  /** Does what is due at `now`; a failure is logged, and tried again. Resolves when it is done. */
  run(now: Instant): Promise<void> {
    this.#running ??= this.#run(now).finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  /** Resolves when nothing is under way any more; what takes minutes is broken off, and begun anew by the next. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  async #run(now: Instant): Promise<void> {
    try {
      if (now >= this.#partitionsAt) {
        await ensurePartitions(this.#pool, now)
        this.#partitionsAt = now + DAY
      }
      if (now >= this.#retentionAt) {
        const { more } = await dropExpired(this.#pool, now, { log: (line) => log.info(line) })
        this.#retentionAt = now + (more ? AGAIN_AFTER_MS : HOUR)
      }
      if (now >= this.#layAt) {
        const { more } = await layMonth(this.#pool, now, {
          log: (line) => log.info(line),
          signal: this.#stop.signal,
        })
        this.#layAt = now + (more ? AGAIN_AFTER_MS : HOUR)
      }
    } catch (error) {
      if (this.#stop.signal.aborted) return
      log.error('the upkeep of positions failed', faultOf(error))
      this.#partitionsAt = Math.max(this.#partitionsAt, now + AFTER_FAILURE_MS)
      this.#retentionAt = Math.max(this.#retentionAt, now + AFTER_FAILURE_MS)
      this.#layAt = Math.max(this.#layAt, now + AFTER_FAILURE_MS)
    }
  }
}
