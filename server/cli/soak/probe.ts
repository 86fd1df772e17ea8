import * as fs from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import type { SoakDevice } from './sender.ts'

const EVERY_MS = 25
const ANSWER_WITHIN_MS = 30_000

/** One device that asks again and again until it gets a receipt: so long the service was away. */
export class Probe {
  readonly #url: string
  readonly #device: SoakDevice
  readonly #list: string
  #fixTime = Date.now() - 5 * 24 * 3_600_000

  /** @param list what is acknowledged is added to this file, as the senders do it */
  constructor(url: string, device: SoakDevice, list: string) {
    this.#url = url
    this.#device = device
    this.#list = list
  }

  /**
   * Resolves with the milliseconds until a receipt came.
   * @throws Error if none came in time
   */
  async answered(withinMs: number): Promise<number> {
    const from = performance.now()
    let last = ''
    while (performance.now() - from < withinMs) {
      last = await this.#try()
      if (last === '200') return performance.now() - from
      await wait(EVERY_MS)
    }
    throw new Error(`no receipt within ${withinMs / 1000} s; the last answer: ${last}`)
  }

  async #try(): Promise<string> {
    this.#fixTime += 1_000
    const fixTime = this.#fixTime
    const { name, token } = this.#device
    try {
      const response = await fetch(this.#url, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ device: name, fixTime, latitude: 41, longitude: -93 }),
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      })
      await response.text()
      if (response.status === 200) fs.appendFileSync(this.#list, `${name},${fixTime},\n`)
      return String(response.status)
    } catch (error) {
      const { cause, message } = error as Error
      return (cause as NodeJS.ErrnoException | undefined)?.code ?? message
    }
  }
}
