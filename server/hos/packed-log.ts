import type { Instant } from '../time/instant.ts'
import { DUTY_STATUSES, type DutyEvent, type DutyStatus } from './types.ts'

const CODE = new Map(DUTY_STATUSES.map((status, code) => [status, code]))
/** Grows by so many events: room that waits is memory of every driver. */
const ROOM = 16
const LOW = 4_294_967_296
/** Four bits beside the status hold the milliseconds beyond 32 bits: two years from the first event. */
const MOST_COMPACT_MS = LOW * 16

/** A log in order of time, five bytes an event; a log of more than two years, or of instants within a millisecond, takes nine. */
export class PackedLog {
  #base = 0
  /** Milliseconds since `#base`; of a compact log, their lower 32 bits. */
  #low: Uint32Array | Float64Array = new Uint32Array(ROOM)
  /** Status in the lower four bits. */
  #status = new Uint8Array(ROOM)
  count = 0

  static isStatus = (status: string): status is DutyStatus => CODE.has(status as DutyStatus)

  get bytes(): number {
    return this.#low.byteLength + this.#status.byteLength
  }

  at(i: number): Instant {
    const high = this.#low instanceof Uint32Array ? (this.#status[i]! >> 4) * LOW : 0
    return this.#base + high + this.#low[i]!
  }

  /** Puts an event where it belongs; after those of the same instant. */
  insert(event: DutyEvent): void {
    const fits =
      this.#low instanceof Float64Array ||
      (this.count > 0 && event.at >= this.#base && isCompact(event.at - this.#base))
    if (!fits) {
      const after = this.events()
      const i = after.findIndex(({ at }) => at > event.at)
      this.hold(i < 0 ? [...after, event] : after.toSpliced(i, 0, event))
      return
    }
    if (this.count === this.#low.length) this.#room(this.count + ROOM)
    let i = this.count
    while (i > 0 && this.at(i - 1) > event.at) i--
    if (i < this.count) {
      this.#low.copyWithin(i + 1, i, this.count)
      this.#status.copyWithin(i + 1, i, this.count)
    }
    this.#put(i, event)
    this.count++
  }

  events(): DutyEvent[] {
    const log: DutyEvent[] = new Array(this.count)
    for (let i = 0; i < this.count; i++)
      log[i] = { at: this.at(i), status: DUTY_STATUSES[this.#status[i]! & 15]! }
    return log
  }

  /** Holds this log instead. */
  hold(log: readonly DutyEvent[]): void {
    this.#base = log[0]?.at ?? 0
    const compact = log.every(({ at }) => isCompact(at - this.#base))
    const room = log.length + ROOM
    this.#low = compact ? new Uint32Array(room) : new Float64Array(room)
    this.#status = new Uint8Array(room)
    this.count = log.length
    for (let i = 0; i < log.length; i++) this.#put(i, log[i]!)
  }

  #put(i: number, { at, status }: DutyEvent): void {
    const offset = at - this.#base
    const high = this.#low instanceof Uint32Array ? Math.floor(offset / LOW) : 0
    this.#low[i] = offset - high * LOW
    this.#status[i] = CODE.get(status)! | (high << 4)
  }

  #room(length: number): void {
    const low = this.#low instanceof Uint32Array ? new Uint32Array(length) : new Float64Array(length)
    const status = new Uint8Array(length)
    low.set(this.#low)
    status.set(this.#status)
    this.#low = low
    this.#status = status
  }
}

const isCompact = (offset: number) => Number.isInteger(offset) && offset < MOST_COMPACT_MS
