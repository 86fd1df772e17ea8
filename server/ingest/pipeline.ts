import pg from 'pg'

/** A statement with its parameters in binary form; prepared once a connection, under its name. */
export interface Step {
  name: string
  text: string
  values: Buffer[]
  /** CopyData and CopyDone, for a COPY. */
  copy?: Buffer
}

/** What each connection has prepared. */
const prepared = new WeakMap<pg.Connection, Set<string>>()

/**
 * Several statements, COPY among them, in one message and one transaction (extended query protocol: all up to the Sync is committed
 * with it, or none). PostgreSQL reads the rows of a COPY as they follow, and passes over all of it once one statement has
 * failed, so nothing is waited for in between.
 */
class Pipeline implements pg.Submittable {
  readonly done: Promise<void>
  readonly #steps: readonly Step[]
  #resolve!: () => void
  #reject!: (error: Error) => void

  constructor(steps: readonly Step[]) {
    this.#steps = steps
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  submit(connection: pg.Connection): void {
    const { stream } = connection
    stream.cork()
    const known = prepared.get(connection) ?? new Set()
    prepared.set(connection, known)
    // First, so that no failure of a statement leaves another one unprepared.
    for (const { name, text } of this.#steps) {
      if (known.has(name)) continue
      connection.parse({ name, text, types: [] }, true)
      known.add(name)
    }
    for (const { name, values, copy } of this.#steps) {
      connection.bind({ statement: name, values }, true)
      connection.execute({}, true)
      if (copy) stream.write(copy)
    }
    connection.sync()
    process.nextTick(() => stream.uncork())
  }

  handleCopyInResponse(): void {}
  handleCommandComplete(): void {}
  handleDataRow(): void {}
  handleRowDescription(): void {}
  handlePortalSuspended(): void {}
  handleEmptyQuery(): void {}
  handleReadyForQuery(): void {
    this.#resolve()
  }
  handleError(error: Error): void {
    this.#reject(error)
  }
}

/**
 * Runs the statements in one transaction. Resolves after the commit.
 * @param withinMs a database that says nothing for so long is away
 * @throws what PostgreSQL says; nothing of it is stored then, unless the connection ended
 */
export async function pipelined(pool: pg.Pool, withinMs: number, steps: readonly Step[]): Promise<void> {
  const client = await pool.connect()
  const pipeline = new Pipeline(steps)
  const late = setTimeout(() => pipeline.handleError(new Error('Query read timeout')), withinMs)
  let broken: Error | undefined
  try {
    client.query(pipeline)
    await pipeline.done
  } catch (error) {
    // What PostgreSQL said of a row, and a conflict, leave the connection as it was.
    if (!(error instanceof pg.DatabaseError && /^(22|23|40)/.test(error.code ?? ''))) broken = error as Error
    throw error
  } finally {
    clearTimeout(late)
    client.release(broken)
  }
}
