/** Numbers in [0, 1) that are the same for the same keys, on every machine and in every process. */
export function randomOf(...keys: (string | number)[]): () => number {
  let state = 0x811c_9dc5
  for (const letter of keys.join('/')) state = Math.imul(state ^ letter.charCodeAt(0), 0x0100_0193)
  return () => {
    state = (state + 0x6d2b_79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

export const between = (random: () => number, least: number, most: number) =>
  least + (most - least) * random()

export const whole = (random: () => number, least: number, most: number) =>
  Math.floor(between(random, least, most + 1))

export const oneOf = <T>(random: () => number, list: readonly T[]): T =>
  list[Math.floor(random() * list.length)]!
