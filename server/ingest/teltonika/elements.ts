import { crc8 } from './crc.ts'

/** An IO element as it came: bytes on the wire, and their value in hexadecimal. */
export interface RawElement {
  size: number
  hex: string
}

interface Element {
  id: number
  /** Bytes; null: any number of them. */
  size: number | null
  name: string
  as: 'boolean' | 'unsigned' | 'signed' | 'text' | 'iButton' | 'raw'
  /** So many of the wire's units make one of the name's. */
  per?: number
}

/**
 * What the ids mean (teltonika.md, IO ids that matter; cell and area code, 205 and 206, after the vendor's dictionary).
 * The meaning differs between models, mostly along with the size: an id with another size is an unknown one.
 */
const ELEMENTS: readonly Element[] = [
  { id: 1, size: 1, name: 'din1', as: 'boolean' },
  { id: 2, size: 1, name: 'din2', as: 'boolean' },
  { id: 3, size: 1, name: 'din3', as: 'boolean' },
  { id: 4, size: 1, name: 'din4', as: 'boolean' },
  { id: 9, size: 2, name: 'analogInput1Raw', as: 'unsigned' },
  { id: 10, size: 2, name: 'analogInput2Raw', as: 'unsigned' },
  { id: 11, size: 8, name: 'iccid1', as: 'unsigned' },
  { id: 12, size: 4, name: 'fuelUsedGpsMl', as: 'unsigned' },
  { id: 13, size: 2, name: 'fuelRateGpsRaw', as: 'unsigned' },
  { id: 14, size: 8, name: 'iccid2', as: 'unsigned' },
  { id: 16, size: 4, name: 'totalOdometerM', as: 'unsigned' },
  { id: 17, size: 2, name: 'axisX', as: 'signed' },
  { id: 18, size: 2, name: 'axisY', as: 'signed' },
  { id: 19, size: 2, name: 'axisZ', as: 'signed' },
  { id: 21, size: 1, name: 'gsmSignal', as: 'unsigned' },
  { id: 24, size: 2, name: 'ioSpeedKph', as: 'unsigned' },
  { id: 66, size: 2, name: 'externalVoltageMv', as: 'unsigned' },
  { id: 67, size: 2, name: 'batteryVoltageMv', as: 'unsigned' },
  { id: 68, size: 2, name: 'batteryCurrentMa', as: 'unsigned' },
  { id: 69, size: 1, name: 'gnssStatus', as: 'unsigned' },
  { id: 72, size: 4, name: 'dallasTemp1C', as: 'signed', per: 10 },
  { id: 73, size: 4, name: 'dallasTemp2C', as: 'signed', per: 10 },
  { id: 74, size: 4, name: 'dallasTemp3C', as: 'signed', per: 10 },
  { id: 75, size: 4, name: 'dallasTemp4C', as: 'signed', per: 10 },
  { id: 78, size: 8, name: 'driverIButton', as: 'iButton' },
  { id: 80, size: 1, name: 'dataMode', as: 'unsigned' },
  { id: 81, size: 1, name: 'canSpeedKph', as: 'unsigned' },
  { id: 82, size: 1, name: 'canPedalPct', as: 'unsigned' },
  { id: 83, size: 4, name: 'canFuelUsedL', as: 'unsigned', per: 10 },
  { id: 84, size: 2, name: 'canFuelLevelL', as: 'unsigned', per: 10 },
  { id: 85, size: 2, name: 'canEngineRpm', as: 'unsigned' },
  { id: 87, size: 4, name: 'canOdometerM', as: 'unsigned' },
  { id: 89, size: 1, name: 'canFuelLevelPct', as: 'unsigned' },
  { id: 113, size: 1, name: 'batteryLevelPct', as: 'unsigned' },
  { id: 175, size: 1, name: 'autoGeofence', as: 'unsigned' },
  { id: 179, size: 1, name: 'dout1', as: 'boolean' },
  { id: 180, size: 1, name: 'dout2', as: 'boolean' },
  { id: 181, size: 2, name: 'pdopX10', as: 'unsigned' },
  { id: 182, size: 2, name: 'hdopX10', as: 'unsigned' },
  { id: 195, size: 8, name: 'driverCard1', as: 'text' },
  { id: 196, size: 8, name: 'driverCard2', as: 'text' },
  { id: 199, size: 4, name: 'tripOdometerM', as: 'unsigned' },
  { id: 200, size: 1, name: 'sleepMode', as: 'unsigned' },
  { id: 205, size: 2, name: 'gsmCellId', as: 'unsigned' },
  { id: 206, size: 2, name: 'gsmAreaCode', as: 'unsigned' },
  { id: 239, size: 1, name: 'ignition', as: 'boolean' },
  { id: 240, size: 1, name: 'movement', as: 'boolean' },
  { id: 241, size: 4, name: 'gsmOperator', as: 'unsigned' },
  { id: 246, size: 1, name: 'towing', as: 'unsigned' },
  { id: 247, size: 1, name: 'crash', as: 'unsigned' },
  { id: 249, size: 1, name: 'jamming', as: 'unsigned' },
  { id: 251, size: 1, name: 'idling', as: 'unsigned' },
  { id: 252, size: 1, name: 'unplug', as: 'unsigned' },
  { id: 253, size: 1, name: 'greenDrivingType', as: 'unsigned' },
  { id: 254, size: 1, name: 'greenDrivingValue', as: 'unsigned' },
  { id: 255, size: 1, name: 'overspeedKph', as: 'unsigned' },
  { id: 256, size: 17, name: 'vin', as: 'text' },
  { id: 281, size: null, name: 'dtcs', as: 'text' },
  { id: 325, size: 17, name: 'vin', as: 'text' },
  { id: 385, size: null, name: 'beacons', as: 'raw' },
  { id: 548, size: null, name: 'beacons', as: 'raw' },
  { id: 10828, size: null, name: 'beacons', as: 'raw' },
  { id: 10829, size: null, name: 'beacons', as: 'raw' },
  { id: 10831, size: null, name: 'beacons', as: 'raw' },
  { id: 11317, size: null, name: 'beacons', as: 'raw' },
]

const BY_ID: ReadonlyMap<string, Element> = new Map(ELEMENTS.map((element) => [String(element.id), element]))

/**
 * The well-known ones of a record's elements (keys: ids) under their names, in the units that the names end with. Left
 * out, as unknown: an unexpected size, an iButton that is zero (no key present) or fails its CRC-8, a number that no
 * double holds exactly, a text that is not printable ASCII. Source: teltonika.md, IO ids that matter.
 */
export function namedElements(io: Readonly<Record<string, RawElement>>): Record<string, unknown> {
  const named: Record<string, unknown> = {}
  for (const id in io) {
    const element = BY_ID.get(id)
    const { size, hex } = io[id]!
    if (!element || (element.size !== null && element.size !== size)) continue
    const value = meaning(element, hex)
    if (value !== null) named[element.name] = value
  }
  return named
}

function meaning({ as, per = 1 }: Element, hex: string): boolean | number | string | null {
  if (as === 'raw') return null
  if (as === 'text') return textOf(hex)
  if (as === 'iButton') return iButtonOf(hex)
  const unsigned = Number.parseInt(hex, 16)
  if (!Number.isSafeInteger(unsigned)) return null
  if (as === 'boolean') return unsigned !== 0
  const range = 2 ** (hex.length * 4)
  return (as === 'signed' && unsigned >= range / 2 ? unsigned - range : unsigned) / per
}

function textOf(hex: string): string | null {
  const text = Buffer.from(hex, 'hex').toString('latin1').replace(/\0+$/, '')
  return /^[ -~]+$/.test(text) ? text : null
}

/** As it is printed on the key: the wire's bytes in reverse. */
function iButtonOf(hex: string): string | null {
  const bytes = Buffer.from(hex, 'hex')
  if (bytes.every((byte) => byte === 0) || crc8(bytes.subarray(0, 7)) !== bytes[7]) return null
  return bytes.reverse().toString('hex').toUpperCase()
}
