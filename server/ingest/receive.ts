import type pg from 'pg'
import type { DeviceProtocol } from '../auth/device.ts'
import { REPLAYED, RefusedRequest } from '../auth/keys/refusal.ts'
import { type Spend, spendNonce } from '../auth/nonces.ts'
import { AppError } from '../errors.ts'
import type { Batch } from './batch.ts'
import { LatestPositions } from './latest.ts'
import { commitSeconds, countAnswered, countReceived, groupRows, measureQueue } from './metrics.ts'
import { PositionStore, type Request, type Stored } from './store.ts'
import { StoreTrouble } from './trouble.ts'

/** Rows in one statement; more wait for the next. */
const GROUP_ROWS = 4_000
/** While one statement waits for the disk the next is made; more of them only wait for each other. */
const WRITERS = 2
/**
 * What is little waits for the writer that is under way, and goes in one group with what comes meanwhile: a group costs as much as
 * eight heartbeats. With so many rows, or after so long, another writer takes it.
 */
const SECOND_FROM_ROWS = 64
const SECOND_AFTER_MS = 10
/** What may wait for the disk. Beyond it the door says 503, and the devices keep what they have. */
const QUEUE_ROWS = 100_000
const QUEUE_BYTES = 64 << 20
/** What has waited in devices may fill so much of the queue: there is always room for what happens now. */
const BACKLOG_SHARE = 0.75
/** What happens now takes so much of a group before what has waited. */
const LIVE_SHARE = 0.75
/** One device may fill so much of it, however many connections it opens. */
const DEVICE_ROWS = 10_000

const DEADLOCK_TRIES = 3

interface Waiting extends Request {
  rows: number
  bytes: number
  resolve: (stored: number[]) => void
  reject: (error: Error) => void
}

/**
 * Heartbeats of concurrent requests share a transaction: written at once when idle, gathered while a write is under way.
 * A promise resolves after the commit, with the number of rows that were new. At most one batch of a vehicle is in
 * a group, and what happens now is written before what has waited in devices: so a device's counts are its request's, and nobody's
 * backlog starves another.
 */
export class Receiver {
  readonly #pool: pg.Pool
  /** What happens now is written first; what has waited in devices fills the groups up. */
  #live: Waiting[] = []
  #backlog: Waiting[] = []
  readonly #rowsOfDevice = new Map<number, number>()
  #rows = 0
  #bytes = 0
  #writing = 0
  /** Of `#rows` those that no writer has taken. */
  #waiting = 0
  #writingSince = 0
  #timer: NodeJS.Timeout | undefined
  #woken = false
  readonly #beingWritten = new Set<number>()
  #idle: (() => void)[] = []
  readonly #store: PositionStore
  readonly #latest: LatestPositions
  readonly #trouble = new StoreTrouble()

  constructor(pool: pg.Pool) {
    this.#pool = pool
    this.#store = new PositionStore(pool)
    this.#latest = new LatestPositions(pool)
    measureQueue(() => ({ rows: this.#rows, bytes: this.#bytes }))
  }

  /** Rows that wait for the disk. */
  get depth(): number {
    return this.#rows
  }

  /**
   * Stores a batch durably.
   * @param spend of a signed request: the nonce is used up in the same transaction
   * @returns how many of its rows were new
   * @throws AppError busy when too much waits already, or when the database is away: nothing is acknowledged, send it again;
   *   RefusedRequest replayed if the request has been here before
   */
  async store(batch: Batch, spend: Spend | null = null): Promise<number> {
    return (await this.storeAll([batch], spend))[0]!
  }

  /** The same for the batches of one request, each of another device: all of them or none. */
  storeAll(batches: readonly Batch[], spend: Spend | null): Promise<number[]> {
    let [rows, late, bytes] = [0, 0, 0]
    for (const batch of batches) {
      rows += batch.size
      late += batch.late
      bytes += batch.byteLength
    }
    if (rows === 0) return this.#storeNothing(batches, spend)
    const isLive = late < rows
    const share = isLive ? 1 : BACKLOG_SHARE
    if (
      this.#rows + rows > QUEUE_ROWS * share ||
      this.#bytes + bytes > QUEUE_BYTES * share ||
      batches.some((batch) => this.#rowsWith(batch) > DEVICE_ROWS)
    ) {
      return Promise.reject(
        new AppError('busy', 'Too much is waiting to be stored: send it again in a moment.'),
      )
    }
    return new Promise((resolve, reject) => {
      const lane = isLive ? this.#live : this.#backlog
      lane.push({ batches, spend, rows, bytes, resolve, reject })
      for (const batch of batches) this.#rowsOfDevice.set(batch.device.deviceNumber, this.#rowsWith(batch))
      this.#rows += rows
      this.#bytes += bytes
      this.#waiting += rows
      this.#wake()
    })
  }

  #rowsWith({ device, size }: Batch): number {
    return (this.#rowsOfDevice.get(device.deviceNumber) ?? 0) + size
  }

  /** A signed request is used up though nothing of it can be stored. */
  async #storeNothing(batches: readonly Batch[], spend: Spend | null): Promise<number[]> {
    if (spend && !(await spendNonce(this.#pool, spend))) throw new RefusedRequest(REPLAYED)
    return batches.map(() => 0)
  }

  /** Resolves when everything taken has been answered, and shows. */
  async drained(): Promise<void> {
    if (this.#writing > 0 || this.#rows > 0) {
      await new Promise<void>((resolve) => this.#idle.push(resolve))
    }
    await this.#latest.flushed()
  }

  /**
   * What is read in one turn of the event loop is one group: the first request of a turn would otherwise be written alone, and cost the
   * others a whole commit.
   */
  #wake(): void {
    if (this.#woken) return
    this.#woken = true
    setImmediate(() => {
      this.#woken = false
      this.#pump()
    })
  }

  #pump(): void {
    while (this.#writing < WRITERS) {
      if (this.#rows === 0) {
        for (const tell of this.#idle.splice(0)) tell()
        return
      }
      if (this.#writing > 0 && !this.#isDue()) return
      const group: Waiting[] = []
      // However much happens now, what has waited gets a part of each group.
      let rows = this.#fill(group, this.#live, 0, GROUP_ROWS * LIVE_SHARE)
      rows = this.#fill(group, this.#backlog, rows, GROUP_ROWS)
      this.#fill(group, this.#live, rows, GROUP_ROWS)
      if (group.length === 0) return
      for (const one of group) this.#waiting -= one.rows
      this.#writingSince = performance.now()
      this.#writing++
      void this.#write(group).finally(() => {
        for (const one of group) this.#leave(one)
        this.#writing--
        this.#wake()
      })
    }
  }

  /** Whether what waits is worth a writer of its own; if not yet, it is asked again once it is. */
  #isDue(): boolean {
    if (this.#waiting >= SECOND_FROM_ROWS) return true
    const left = this.#writingSince + SECOND_AFTER_MS - performance.now()
    if (left <= 0) return true
    if (this.#waiting > 0)
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined
        this.#pump()
      }, left)
    return false
  }

  /** Moves what fits from a lane to a group that has `rows` already; one batch a vehicle, the first that came first. */
  #fill(group: Waiting[], lane: Waiting[], rows: number, most: number): number {
    const later: Waiting[] = []
    let at = 0
    for (; at < lane.length && rows < most; at++) {
      const one = lane[at]!
      const isTaken = one.batches.some(({ device }) => this.#beingWritten.has(device.vehicleId))
      if (isTaken || (rows > 0 && rows + one.rows > most)) {
        later.push(one)
        continue
      }
      for (const { device } of one.batches) this.#beingWritten.add(device.vehicleId)
      rows += one.rows
      group.push(one)
    }
    lane.splice(0, at, ...later)
    return rows
  }

  #leave({ batches, rows, bytes }: Waiting): void {
    this.#rows -= rows
    this.#bytes -= bytes
    for (const { device, size } of batches) {
      this.#beingWritten.delete(device.vehicleId)
      const left = this.#rowsOfDevice.get(device.deviceNumber)! - size
      if (left > 0) this.#rowsOfDevice.set(device.deviceNumber, left)
      else this.#rowsOfDevice.delete(device.deviceNumber)
    }
  }

  async #write(group: readonly Waiting[], tries = DEADLOCK_TRIES): Promise<void> {
    const begun = this.#trouble.begin(group.length)
    try {
      const answers = await this.#measured(group)
      this.#trouble.stored(begun)
      for (const [at, { batches, resolve, reject }] of group.entries()) {
        const stored = answers[at]
        if (!stored) {
          reject(new RefusedRequest(REPLAYED))
          continue
        }
        for (const [index, added] of stored.entries()) if (added > 0) this.#latest.add(batches[index]!)
        resolve(stored)
      }
    } catch (error) {
      if (group.length > 1 && isOfOneBatch(error)) {
        this.#trouble.stored(begun)
        // One of them can't be stored (its vehicle was removed meanwhile, say): the others must not suffer for it.
        for (const one of group) await this.#write([one])
        return
      }
      if (isDeadlock(error) && tries > 1) {
        this.#trouble.stored(begun)
        return await this.#write(group, tries - 1)
      }
      this.#trouble.failed(begun, error)
      for (const { reject } of group) {
        reject(new AppError('busy', 'The store is away: nothing of this was kept, send it again.'))
      }
    }
  }

  async #measured(group: readonly Waiting[]): Promise<Stored[]> {
    const from = performance.now()
    groupRows.observe(group.reduce((sum, { rows }) => sum + rows, 0))
    try {
      return await this.#store.store(group)
    } finally {
      commitSeconds.observe((performance.now() - from) / 1_000)
    }
  }
}

/** Stores the batches of one request, all of them or none, and counts them meanwhile. As Receiver.storeAll */
export async function storeCounted(
  receiver: Receiver,
  protocol: DeviceProtocol,
  batches: readonly Batch[],
  spend: Spend | null,
): Promise<number[]> {
  let heartbeats = 0
  for (const { size } of batches) heartbeats += size
  countReceived(protocol, heartbeats)
  try {
    return await receiver.storeAll(batches, spend)
  } finally {
    countAnswered(protocol, heartbeats)
  }
}

/** PostgreSQL ended us so that another instance could go on; nothing was stored. */
const isDeadlock = (error: unknown) => /^40/.test(String((error as { code?: unknown }).code))

/** PostgreSQL answered, and it is about the rows (class 22, 23, or a deadlock): not about the connection. */
function isOfOneBatch(error: unknown): boolean {
  const code = (error as { code?: unknown }).code
  return typeof code === 'string' && /^(22|23|40)/.test(code)
}

const receivers = new WeakMap<pg.Pool, Receiver>()

/** The process's one receiver of a pool: all doors share its groups. */
export function receiverOf(pool: pg.Pool): Receiver {
  let receiver = receivers.get(pool)
  if (!receiver) {
    receiver = new Receiver(pool)
    receivers.set(pool, receiver)
  }
  return receiver
}
