import type { Db } from '../db/pool.ts'

/** Everyone looks so often while there is something to decide. */
const POLL_MS = 1_000
/** What was known so long ago decides nothing: the database is asked first. With the poll, a revocation is seen within 5 s. */
const CURRENT_MS = 3_500

/**
 * The fleets' `auth_epochs`: what is remembered of a fleet's keys and sessions holds until its epoch moves. Asked with each
 * decision and not by a timer, so an instance that nobody talks to does nothing, and one that can't reach the database
 * decides nothing from memory.
 */
export class Epochs {
  readonly #db: Db
  readonly #now: () => number
  readonly #onChange: (fleetId: number) => void
  readonly #seen = new Map<number, number>()
  #readAt = Number.NEGATIVE_INFINITY
  #reading: Promise<void> | undefined

  constructor(db: Db, now: () => number, onChange: (fleetId: number) => void) {
    this.#db = db
    this.#now = now
    this.#onChange = onChange
  }

  /**
   * Undefined when what is remembered may decide; else a promise to wait for first.
   * @throws (the promise) a database error as it is
   */
  current(): Promise<void> | undefined {
    const age = Math.abs(this.#now() - this.#readAt)
    if (age < POLL_MS) return undefined
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined
    })
    if (age >= CURRENT_MS) return this.#reading
    // In the background: should it fail, the next one waits for it, and fails for its caller.
    this.#reading.catch(() => undefined)
    return undefined
  }

  async #read(): Promise<void> {
    // What was true when the question was asked; the answer may take its time.
    const askedAt = this.#now()
    const { rows } = await this.#db.query<{ fleetId: number; epoch: number }>({
      name: 'auth-epochs',
      text: 'select fleet_id as "fleetId", epoch from auth_epochs',
    })
    for (const { fleetId, epoch } of rows) {
      if (this.#seen.get(fleetId) === epoch) continue
      this.#seen.set(fleetId, epoch)
      this.#onChange(fleetId)
    }
    this.#readAt = askedAt
  }
}
