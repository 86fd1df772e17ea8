import type { NonceSpend, NonceStore } from './profile.ts'

/** Nonces in memory, for the conformance cases and tests: one process only, and never emptied. */
export class MemoryNonces implements NonceStore {
  readonly #spent = new Set<string>()

  spend({ keyRef, bucket, nonce }: NonceSpend): boolean {
    const before = this.#spent.size
    // The parts hold no blank: references and nonces are without, and a bucket is a number.
    return this.#spent.add(`${keyRef} ${bucket} ${nonce}`).size > before
  }
}
