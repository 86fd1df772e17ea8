import type { Instant } from '../../time/instant.ts'
import { emptyReading, type Reading } from '../reading.ts'
import { crc16 } from './crc.ts'
import { namedElements, type RawElement } from './elements.ts'

export type Codec = '8' | '8E' | '16'

/** Why bytes are not what they should be. None of these may be acknowledged. */
export interface Refusal {
  code: 'codec' | 'count' | 'crc' | 'imei' | 'length' | 'login' | 'preamble' | 'truncated' | 'type'
  reason: string
}

interface Layout {
  codec: Codec
  codecId: number
  /** Bytes of an IO id, also of the event's. */
  idBytes: number
  /** Bytes of the counts of IO elements. */
  countBytes: number
  hasGenerationType: boolean
  hasVariableGroup: boolean
}

const LAYOUTS: readonly Layout[] = [
  { codec: '8', codecId: 0x08, idBytes: 1, countBytes: 1, hasGenerationType: false, hasVariableGroup: false },
  { codec: '8E', codecId: 0x8e, idBytes: 2, countBytes: 2, hasGenerationType: false, hasVariableGroup: true },
  { codec: '16', codecId: 0x10, idBytes: 2, countBytes: 1, hasGenerationType: true, hasVariableGroup: false },
]

const GROUP_BYTES = [1, 2, 4, 8] as const
/** Codec id and the two record counts. */
const LEAST_AVL_BYTES = 3

/**
 * The records of an AVL data part, codec id up to and including number of data 2, as TCP and UDP carry it. A record
 * without a fix keeps the place of the last one and is not `valid`. A place that is none (a latitude of 100 degrees) is
 * null in the reading, which is then not `valid`, and kept under `attributes.outOfRange`: one bad record must not block those
 * behind it. A time is what the eight bytes say, up to the year 584,556,019. Source: teltonika.md, Frame and Record.
 * @returns a Refusal codec, count, length (bytes are left over) or truncated (bytes are missing)
 */
export function decodeAvl(bytes: Buffer): { codec: Codec; readings: Reading[] } | Refusal {
  if (bytes.length < LEAST_AVL_BYTES) {
    return { code: 'truncated', reason: `AVL data of ${bytes.length} bytes has no codec and counts.` }
  }
  const layout = LAYOUTS.find(({ codecId }) => codecId === bytes[0])
  if (!layout) return { code: 'codec', reason: `Codec ${bytes.toString('hex', 0, 1)} is unknown.` }
  const count = bytes[1]!
  const countAfter = bytes.at(-1)!
  if (count !== countAfter) {
    return { code: 'count', reason: `${count} records announced, ${countAfter} confirmed.` }
  }
  const cursor = new Cursor(bytes.subarray(2, -1))
  const readings: Reading[] = []
  while (readings.length < count) {
    const reading = readRecord(cursor, layout)
    if (cursor.hasOverrun) return { code: 'truncated', reason: `Record ${readings.length} ends too early.` }
    readings.push(reading)
  }
  if (cursor.left > 0) return { code: 'length', reason: `${cursor.left} bytes after the last record.` }
  return { codec: layout.codec, readings }
}

/** Reads onwards. Behind the end it reads zeros and says so: whoever reads looks once, after a record. */
class Cursor {
  readonly #bytes: Buffer
  #at = 0
  hasOverrun = false

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  #take(size: number): number | null {
    if (size > this.left) {
      this.hasOverrun = true
      return null
    }
    this.#at += size
    return this.#at - size
  }

  unsigned(size: number): number {
    const at = this.#take(size)
    return at === null ? 0 : this.#bytes.readUIntBE(at, size)
  }

  signed(size: number): number {
    const at = this.#take(size)
    return at === null ? 0 : this.#bytes.readIntBE(at, size)
  }

  hex(size: number): string {
    const at = this.#take(size)
    return at === null ? '' : this.#bytes.toString('hex', at, at + size)
  }
}

function readRecord(cursor: Cursor, layout: Layout): Reading {
  const timestampMs = cursor.unsigned(4) * 2 ** 32 + cursor.unsigned(4)
  const priority = cursor.unsigned(1)
  const longitude = cursor.signed(4) / 1e7
  const latitude = cursor.signed(4) / 1e7
  const altitudeMeters = cursor.signed(2)
  const angleDegrees = cursor.unsigned(2)
  const satellites = cursor.unsigned(1)
  const speedKph = cursor.unsigned(2)
  const eventId = cursor.unsigned(layout.idBytes)
  const generationType = layout.hasGenerationType ? cursor.unsigned(1) : undefined
  const io = readElements(cursor, layout)
  const named = namedElements(io)

  const outOfRange: Record<string, number> = {}
  if (Math.abs(longitude) > 180) outOfRange.longitude = longitude
  if (Math.abs(latitude) > 90) outOfRange.latitude = latitude
  const hasPlace = Object.keys(outOfRange).length === 0
  if (angleDegrees > 360) outOfRange.angleDegrees = angleDegrees

  return {
    ...emptyReading(),
    fixAt: timestampMs,
    latitude: hasPlace ? latitude : null,
    longitude: hasPlace ? longitude : null,
    speedKph,
    headingDegrees: angleDegrees > 360 ? null : angleDegrees % 360,
    altitudeMeters,
    odometerMeters: typeof named.totalOdometerM === 'number' ? named.totalOdometerM : null,
    ignition: typeof named.ignition === 'boolean' ? named.ignition : null,
    valid: hasPlace && satellites > 0,
    attributes: {
      priority,
      eventId,
      satellites,
      ...(generationType !== undefined && { generationType }),
      ...named,
      ...(Object.keys(outOfRange).length > 0 && { outOfRange }),
      io,
    },
  }
}

/** The total of elements is not held against the groups: imitators get it wrong, and only the groups are needed. */
function readElements(cursor: Cursor, layout: Layout): Record<string, RawElement> {
  const io: Record<string, RawElement> = {}
  cursor.unsigned(layout.countBytes)
  for (const size of GROUP_BYTES) {
    const count = cursor.unsigned(layout.countBytes)
    for (let index = 0; index < count && !cursor.hasOverrun; index++) {
      const id = cursor.unsigned(layout.idBytes)
      io[id] = { size, hex: cursor.hex(size) }
    }
  }
  if (layout.hasVariableGroup) {
    const count = cursor.unsigned(layout.countBytes)
    for (let index = 0; index < count && !cursor.hasOverrun; index++) {
      const id = cursor.unsigned(layout.idBytes)
      const size = cursor.unsigned(2)
      io[id] = { size, hex: cursor.hex(size) }
    }
  }
  return io
}

/** What a device records: a Reading as the wire has it. */
export interface AvlRecord {
  fixAt: Instant
  latitude: number
  longitude: number
  altitudeMeters: number
  headingDegrees: number
  speedKph: number
  /** 0: no fix */
  satellites: number
  /** 0 low (if left out), 1 high, 2 panic */
  priority?: number
  /** The IO id that caused the record; 0 (if left out): periodic. */
  eventId?: number
  /** Codec 16 only; 7 (periodical) if left out. */
  generationType?: number
  /** Values in hexadecimal by IO id, two digits a byte. */
  io: Readonly<Record<number, string>>
}

/**
 * An AVL data part as a device makes it, which decodeAvl takes. Source: teltonika.md, Frame and Record.
 * @throws RangeError for what the codec can't say: more than 255 records, a number too large for its field, an element of
 * another size than 1, 2, 4 or 8 bytes outside codec 8E
 */
export function encodeAvl(codec: Codec, records: readonly AvlRecord[]): Buffer {
  const layout = LAYOUTS.find((candidate) => candidate.codec === codec)!
  const count = unsigned(records.length, 1)
  return Buffer.concat([
    unsigned(layout.codecId, 1),
    count,
    ...records.flatMap((record) => recordBytes(record, layout)),
    count,
  ])
}

/**
 * A whole TCP frame: encodeAvl's data with preamble, length and CRC. Source: teltonika.md, Frame.
 * @throws RangeError as encodeAvl
 */
export function encodeFrame(codec: Codec, records: readonly AvlRecord[]): Buffer {
  const data = encodeAvl(codec, records)
  return Buffer.concat([unsigned(0, 4), unsigned(data.length, 4), data, unsigned(crc16(data), 4)])
}

function recordBytes(record: AvlRecord, layout: Layout): Buffer[] {
  return [
    unsigned(Math.floor(record.fixAt / 2 ** 32), 4),
    unsigned(record.fixAt % 2 ** 32, 4),
    unsigned(record.priority ?? 0, 1),
    signed(Math.round(record.longitude * 1e7), 4),
    signed(Math.round(record.latitude * 1e7), 4),
    signed(record.altitudeMeters, 2),
    unsigned(record.headingDegrees, 2),
    unsigned(record.satellites, 1),
    unsigned(record.speedKph, 2),
    unsigned(record.eventId ?? 0, layout.idBytes),
    ...(layout.hasGenerationType ? [unsigned(record.generationType ?? 7, 1)] : []),
    ...elementBytes(record.io, layout),
  ]
}

function elementBytes(io: AvlRecord['io'], layout: Layout): Buffer[] {
  const elements = Object.entries(io).map(([id, hex]) => ({
    id: unsigned(Number(id), layout.idBytes),
    value: Buffer.from(hex, 'hex'),
  }))
  const sizes: readonly number[] = GROUP_BYTES
  const variable = elements.filter(({ value }) => !sizes.includes(value.length))
  if (variable.length > 0 && !layout.hasVariableGroup) {
    throw new RangeError(`Codec ${layout.codec} has no elements of ${variable[0]!.value.length} bytes.`)
  }
  const count = (of: readonly unknown[]) => unsigned(of.length, layout.countBytes)
  const groups = sizes.flatMap((size) => {
    const group = elements.filter(({ value }) => value.length === size)
    return [count(group), ...group.flatMap(({ id, value }) => [id, value])]
  })
  if (layout.hasVariableGroup) {
    groups.push(count(variable))
    for (const { id, value } of variable) groups.push(id, unsigned(value.length, 2), value)
  }
  return [count(elements), ...groups]
}

/** Big-endian. */
function unsigned(value: number, size: number): Buffer {
  const bytes = Buffer.alloc(size)
  bytes.writeUIntBE(value, 0, size)
  return bytes
}

function signed(value: number, size: number): Buffer {
  const bytes = Buffer.alloc(size)
  bytes.writeIntBE(value, 0, size)
  return bytes
}
