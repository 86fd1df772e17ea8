/** Ids count milliseconds from here. */
const EPOCH = Date.UTC(2024, 0, 1)
const PER_MILLISECOND = 4096

let lastMs = 0
let counter = 0

/**
 * A new id: 41 bits of milliseconds since 2024 and 12 bits that begin at random and count within the millisecond.
 * 53 bits in all, so it is exact as a JavaScript number, and later ids are larger. Good until 2093.
 * Two processes can meet on one id with a chance of 1 in 4096 a shared millisecond: the primary key refuses, the caller retries.
 */
export function newId(): number {
  const now = Date.now() - EPOCH
  if (now > lastMs) {
    lastMs = now
    counter = Math.floor(Math.random() * (PER_MILLISECOND / 2))
  } else if (++counter >= PER_MILLISECOND) {
    lastMs++ // a burst borrows from the next millisecond rather than wait
    counter = 0
  }
  return lastMs * PER_MILLISECOND + counter
}
