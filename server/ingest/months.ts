import type pg from 'pg'
import { within } from '../db/pool.ts'

/** Months are made long ahead, so nobody waits for the next look. */
const LOOK_EVERY_MS = 60_000

/** The months of `positions` that this process may copy into. All other dates go through the whole table, into its catch-all. */
export class Months {
  readonly #pool: pg.Pool
  readonly #withinMs: number
  #known: Set<string> | undefined
  #readAt = 0
  #reading: Promise<void> | undefined

  constructor(pool: pg.Pool, withinMs: number) {
    this.#pool = pool
    this.#withinMs = withinMs
  }

  /** @throws what the database says where it is asked for the first time */
  async haveAll(tables: readonly string[]): Promise<boolean> {
    if (!this.#known) await this.#look()
    else if (performance.now() - this.#readAt > LOOK_EVERY_MS) this.#look().catch(() => undefined)
    return tables.every((table) => this.#known?.has(table))
  }

  /** They are others now. */
  forget(): void {
    this.#known = undefined
  }

  #look(): Promise<void> {
    this.#readAt = performance.now()
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }

  async #read(): Promise<void> {
    const { rows } = await this.#pool.query<{ name: string }>(
      within(this.#withinMs, {
        name: 'months-of-positions',
        text: `select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
               where i.inhparent = 'positions'::regclass and has_table_privilege(c.oid, 'insert')`,
      }),
    )
    this.#known = new Set(rows.map(({ name }) => name))
  }
}
