/** Mulberry32: the same numbers from the same seed. */
export function generator(seed: number) {
  let state = seed
  const below = (limit: number): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit)
  }
  const between = (least: number, most: number) => least + below(most - least + 1)
  const oneOf = <T>(values: readonly T[]): T => values[below(values.length)]!
  return { below, between, oneOf }
}
export type Generator = ReturnType<typeof generator>

/** What is put into a text, and in the place of a value. */
export interface Damage {
  fragments: readonly string[]
  values: readonly string[]
  /** Where a value stands: global, matching nothing but the value. */
  value: RegExp
}

export const JSON_VALUE = /(?<=":)(?:"[^"]*"|[^",{}[\]]+)/g
export const PARAMETER_VALUE = /(?<==)[^&]*/g

/** A message of text with one thing wrong: cut, repeated, lost, put in, changed by a bit or by a value. */
export function damaged(random: Generator, bytes: Buffer, { fragments, values, value }: Damage): Buffer {
  const at = random.below(bytes.length + 1)
  const length = random.below(24)
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)]
  // A wrong value in a whole message gets furthest.
  switch (Math.min(random.below(12), 7)) {
    case 0:
      return random.below(4) === 0 ? before : bytes
    case 1:
      return Buffer.concat([before, Buffer.from(Array.from({ length }, () => random.below(256))), after])
    case 2:
      return Buffer.concat([before, after.subarray(0, length), after])
    case 3:
      return Buffer.concat([before, after.subarray(length)])
    case 4:
      return Buffer.concat([before, Buffer.from(random.oneOf(fragments)), after])
    case 5:
      return Buffer.concat([bytes.subarray(0, 1), Buffer.from(random.oneOf(fragments)), bytes.subarray(1)])
    case 6: {
      const flipped = Buffer.from(bytes)
      if (at < flipped.length) flipped[at]! ^= 1 << random.below(8)
      return flipped
    }
    default: {
      const text = bytes.toString('latin1')
      const found = [...text.matchAll(value)]
      if (found.length === 0) return bytes
      const { 0: old, index = 0 } = random.oneOf(found)
      return Buffer.from(
        text.slice(0, index) + random.oneOf(values) + text.slice(index + old.length),
        'latin1',
      )
    }
  }
}

/** Times a decoder; the slowest call is part of the report. Only what grows faster than its input takes a second. */
export class Watch {
  slowestMs = 0
  readonly #from = performance.now()

  time<T>(work: () => T): T {
    const from = performance.now()
    const result = work()
    const ms = performance.now() - from
    if (ms > this.slowestMs) this.slowestMs = ms
    if (ms > 1_000) throw new Error(`one message took ${ms.toFixed(0)} ms`)
    return result
  }

  report(decoder: string, seed: number, counts: Record<string, number>): string {
    const words = Object.entries(counts).map(([name, count]) => `${count} ${name}`)
    const seconds = (performance.now() - this.#from) / 1_000
    return `fuzz report, ${decoder}: seed ${seed}, ${words.join(', ')}; ${seconds.toFixed(1)} s, slowest ${this.slowestMs.toFixed(1)} ms`
  }
}
