import { z } from 'zod'
import { SIGNATURE_ALGORITHMS } from './algorithm.ts'

/** What is wrong with a case, in lines; none if it passes. */
export interface Verdict {
  id: string
  faults: string[]
}

/** Header fields as the cases write them. */
export const Headers = z.array(z.tuple([z.string(), z.string()]))
export const Algorithm = z.enum(SIGNATURE_ALGORITHMS)

/** Two lines if the values differ, none if they don't. */
export function differing(what: string, expected: unknown, came: unknown): string[] {
  if (expected === came) return []
  const show = (value: unknown) => (value === undefined ? 'nothing' : JSON.stringify(value))
  return [`${what}: expected ${show(expected)}`, `${' '.repeat(what.length)}  came     ${show(came)}`]
}

/**
 * Reads what shows its faults only when tried, a key say.
 * @throws Error naming the field of the file
 */
export function reading<T>(field: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new Error(`${field}: ${(error as Error).message}`)
  }
}
