import * as fs from 'node:fs'
import type { DevicesFile } from '../../../prisma/seed/devices.ts'
import type { Instant } from '../../time/instant.ts'

/** How far each truck has said what it had to say, beside the devices file, so that a restart goes on from there. */
export class Progress {
  readonly #file: string
  readonly #epoch: Instant
  readonly #said = new Map<number, Instant>()
  #dirty = false

  /** Whatever the file holds of another demonstration is left aside. */
  constructor(devicesPath: string, { epoch, devices }: DevicesFile) {
    this.#file = `${devicesPath}.progress`
    this.#epoch = epoch
    const read = readIfAny(this.#file)
    const known = read?.epoch === epoch ? (read.said ?? {}) : {}
    for (const { vehicleId, heardUntil } of devices) {
      this.#said.set(vehicleId, Math.max(heardUntil, known[vehicleId] ?? 0))
    }
  }

  said(vehicleId: number): Instant {
    return this.#said.get(vehicleId)!
  }

  advance(vehicleId: number, through: Instant): void {
    if (through <= this.said(vehicleId)) return
    this.#said.set(vehicleId, through)
    this.#dirty = true
  }

  /** Losing the last seconds of it costs nothing: what is said again is known again. */
  save(): void {
    if (!this.#dirty) return
    const draft = `${this.#file}.new`
    fs.writeFileSync(draft, JSON.stringify({ epoch: this.#epoch, said: Object.fromEntries(this.#said) }))
    fs.renameSync(draft, this.#file)
    this.#dirty = false
  }
}

function readIfAny(file: string): { epoch?: Instant; said?: Record<string, Instant> } | undefined {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}
