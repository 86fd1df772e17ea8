/** Names are free to invent: what is remembered of them is bounded. */
const MOST_NAMES = 50_000

/** Token buckets by name: `perSecond` come back, at most `burst` are there. */
export class Buckets {
  readonly #perSecond: number
  readonly #burst: number
  readonly #levels = new Map<string, { level: number; at: number }>()

  constructor(perSecond: number, burst: number) {
    this.#perSecond = perSecond
    this.#burst = burst
  }

  has(name: string, now: number): boolean {
    const bucket = this.#levels.get(name)
    return bucket === undefined || this.#levelOf(bucket, now) >= 1
  }

  take(name: string, now: number): boolean {
    const bucket = this.#levels.get(name)
    const level = bucket === undefined ? this.#burst : this.#levelOf(bucket, now)
    const taken = level >= 1
    if (bucket) {
      bucket.level = taken ? level - 1 : level
      bucket.at = now
      return taken
    }
    if (this.#levels.size >= MOST_NAMES) this.#levels.delete(this.#levels.keys().next().value!)
    this.#levels.set(name, { level: level - 1, at: now })
    return taken
  }

  /** How long until one can be taken, in ms; 0: now. */
  waitMs(name: string, now: number): number {
    const bucket = this.#levels.get(name)
    const missing = bucket === undefined ? 0 : 1 - this.#levelOf(bucket, now)
    return missing <= 0 ? 0 : Math.ceil((missing / this.#perSecond) * 1000)
  }

  #levelOf({ level, at }: { level: number; at: number }, now: number): number {
    return Math.min(this.#burst, level + (Math.max(0, now - at) / 1000) * this.#perSecond)
  }
}
