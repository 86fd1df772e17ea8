import * as fs from 'node:fs'
import path from 'node:path'
import type { OwnKey } from '../../server/auth/own-keys.ts'
import type { Instant } from '../../server/time/instant.ts'
import type { TruckPlan } from './plan.ts'

export interface SimulatedDevice {
  fleetId: number
  vehicleId: number
  unitNumber: string
  /** The device's own name. */
  name: string
  token: string
  /** What it signs with. */
  key: OwnKey
  /** What came later is still to be sent. */
  heardUntil: Instant
  plan: TruckPlan
}

/** What the simulator needs: written by the seed, readable by its owner alone, for it holds keys and tokens. */
export interface DevicesFile {
  scenario: string
  /** When the demonstration started; everything before it was written by the seed. */
  epoch: Instant
  devices: SimulatedDevice[]
}

/** Written whole or not at all. */
export function writeDevices(file: string, devices: DevicesFile): void {
  fs.mkdirSync(path.dirname(file), { recursive: true })
  const draft = `${file}.new`
  fs.writeFileSync(draft, JSON.stringify(devices), { mode: 0o600 })
  fs.renameSync(draft, file)
}

/** Undefined if there is none, or it is something else. */
export function readDevices(file: string): DevicesFile | undefined {
  try {
    const read = JSON.parse(fs.readFileSync(file, 'utf8')) as DevicesFile
    // One that was written before trucks had keys is made anew.
    return Array.isArray(read.devices) && read.devices.every(({ key }) => key) ? read : undefined
  } catch {
    return undefined
  }
}
