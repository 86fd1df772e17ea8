import { Column, type Scalar } from './columns.ts'

/** Milliseconds from PostgreSQL's epoch (2000-01-01) back to ours. */
const POSTGRES_EPOCH_MS = 946_684_800_000
const POSTGRES_EPOCH_SECONDS = POSTGRES_EPOCH_MS / 1_000
const JSONB_VERSION = 1
/** `PGCOPY`, no flags, no extension. */
const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1')
const TRAILER = Buffer.from([0xff, 0xff])

/** The columns of `positions`, in the order of `Row` and of the statements in store.ts. */
export const POSITION_COLUMNS = [
  ['received_at', 'timestamptz'],
  ['fleet_number', 'int4'],
  ['device_number', 'int4'],
  ['fix_second', 'int4'],
  ['digest', 'int4'],
  ['latitude_e7', 'int4'],
  ['longitude_e7', 'int4'],
  ['speed_ckph', 'int4'],
  ['odometer_m', 'int4'],
  ['fix_ms', 'int2'],
  ['heading_deg', 'int2'],
  ['flags', 'int2'],
  ['altitude_m', 'int2'],
  ['accuracy_dm', 'int4'],
  ['engine_seconds', 'int4'],
  ['sequence', 'int8'],
  ['sent_at', 'timestamptz'],
  ['attributes', 'jsonb'],
] as const satisfies readonly (readonly [string, Scalar | 'jsonb'])[]

/** With every value but the attributes. */
const MOST_ROW_BYTES = 2 + POSITION_COLUMNS.length * 4 + 80

/** One row as it is stored. Instants are epoch milliseconds, the second is that of `fix_second`. */
export interface Row {
  receivedAt: number
  fleetNumber: number
  deviceNumber: number
  fixSecond: number
  digest: number
  latitudeE7: number | null
  longitudeE7: number | null
  speedCkph: number | null
  odometerM: number | null
  fixMs: number
  headingDeg: number | null
  flags: number
  altitudeM: number | null
  accuracyDm: number | null
  engineSeconds: number | null
  sequence: number | null
  sentAt: number | null
  attributes: string | null
}

/** Rows that lie side by side and belong to one month. */
export interface Stretch {
  /** The month's table. */
  table: string
  from: number
  until: number
}

/**
 * Rows in the binary form of PostgreSQL's COPY, without its head and end: filled while a body is parsed, copied whole into what is
 * sent, and never made into text. It remembers which of them belong to which month.
 */
export class Rows {
  readonly stretches: Stretch[] = []
  bytes: Buffer
  #end = 0

  constructor(expectedRows: number) {
    this.bytes = Buffer.allocUnsafe(expectedRows * MOST_ROW_BYTES)
  }

  get byteLength(): number {
    return this.#end
  }

  add(row: Row, table: string): void {
    const text = row.attributes
    const textBytes = text === null ? 0 : Buffer.byteLength(text)
    const from = this.#end
    const most = from + MOST_ROW_BYTES + textBytes
    if (most > this.bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(most, this.bytes.length * 2))
      this.bytes.copy(larger, 0, 0, from)
      this.bytes = larger
    }
    const { bytes } = this
    let at = int16(bytes, from, POSITION_COLUMNS.length)
    at = timestamptz(bytes, at, row.receivedAt)
    at = int4(bytes, at, row.fleetNumber)
    at = int4(bytes, at, row.deviceNumber)
    at = int4(bytes, at, row.fixSecond)
    at = int4(bytes, at, row.digest)
    at = int4(bytes, at, row.latitudeE7)
    at = int4(bytes, at, row.longitudeE7)
    at = int4(bytes, at, row.speedCkph)
    at = int4(bytes, at, row.odometerM)
    at = int2(bytes, at, row.fixMs)
    at = int2(bytes, at, row.headingDeg)
    at = int2(bytes, at, row.flags)
    at = int2(bytes, at, row.altitudeM)
    at = int4(bytes, at, row.accuracyDm)
    at = int4(bytes, at, row.engineSeconds)
    at = int8(bytes, at, row.sequence)
    at = timestamptz(bytes, at, row.sentAt)
    if (text === null) at = int32(bytes, at, -1)
    else {
      at = int32(bytes, at, textBytes + 1)
      bytes[at] = JSONB_VERSION
      at += 1 + bytes.write(text, at + 1)
    }
    this.#end = at
    const last = this.stretches.at(-1)
    if (last?.table === table) last.until = at
    else this.stretches.push({ table, from, until: at })
  }
}

/** The table of the month that a second since 2000 lies in, and the seconds between which it does. */
let month = { table: '', from: 0, until: 0 }

/** The table for a fix, by `fix_second`; whether it exists is another question. */
export function monthTable(fixSecond: number): string {
  if (fixSecond < month.from || fixSecond >= month.until) {
    const at = new Date((fixSecond + POSTGRES_EPOCH_SECONDS) * 1_000)
    const [year, index] = [at.getUTCFullYear(), at.getUTCMonth()]
    const [from, until] = [Date.UTC(year, index), Date.UTC(year, index + 1)]
    month = {
      table: `positions_${String(year).padStart(4, '0')}_${String(index + 1).padStart(2, '0')}`,
      from: from / 1_000 - POSTGRES_EPOCH_SECONDS,
      until: until / 1_000 - POSTGRES_EPOCH_SECONDS,
    }
  }
  return month.table
}

/** For each month its rows of many requests, as the messages that COPY takes (CopyData and CopyDone). */
export function copyMessages(all: readonly Rows[]): Map<string, Buffer> {
  const sizes = new Map<string, number>()
  for (const { stretches } of all)
    for (const { table, from, until } of stretches) sizes.set(table, (sizes.get(table) ?? 0) + until - from)
  const messages = new Map<string, Buffer>()
  for (const [table, size] of sizes) {
    const length = 4 + SIGNATURE.length + size + TRAILER.length
    const message = Buffer.allocUnsafe(1 + length + 5)
    message[0] = 0x64 // d
    message.writeInt32BE(length, 1)
    let at = 5 + SIGNATURE.copy(message, 5)
    for (const { stretches, bytes } of all)
      for (const one of stretches) if (one.table === table) at += bytes.copy(message, at, one.from, one.until)
    at += TRAILER.copy(message, at)
    message[at] = 0x63 // c
    message.writeInt32BE(4, at + 1)
    messages.set(table, message)
  }
  return messages
}

/** The same rows column by column, as the parameters of a statement: for groups that may hold what is stored already. */
export function columnsOfRows(all: readonly Rows[]): Buffer[] {
  const columns = POSITION_COLUMNS.map(([, type]) => new Column(type, 4_096))
  for (const { bytes, byteLength } of all) {
    for (let at = 0; at < byteLength; ) {
      at += 2
      for (const column of columns) at = column.take(bytes, at)
    }
  }
  return columns.map((column) => Column.joined([column]))
}

function int16(bytes: Buffer, at: number, value: number): number {
  bytes[at] = value >> 8
  bytes[at + 1] = value
  return at + 2
}

function int32(bytes: Buffer, at: number, value: number): number {
  bytes[at] = value >> 24
  bytes[at + 1] = value >> 16
  bytes[at + 2] = value >> 8
  bytes[at + 3] = value
  return at + 4
}

const int2 = (bytes: Buffer, at: number, value: number | null) =>
  value === null ? int32(bytes, at, -1) : int16(bytes, int32(bytes, at, 2), value)

const int4 = (bytes: Buffer, at: number, value: number | null) =>
  value === null ? int32(bytes, at, -1) : int32(bytes, int32(bytes, at, 4), value)

/** A safe integer. */
function int8(bytes: Buffer, at: number, value: number | null): number {
  if (value === null) return int32(bytes, at, -1)
  const high = Math.floor(value / 4_294_967_296)
  return int32(bytes, int32(bytes, int32(bytes, at, 8), high), value - high * 4_294_967_296)
}

const timestamptz = (bytes: Buffer, at: number, value: number | null) =>
  int8(bytes, at, value === null ? null : (value - POSTGRES_EPOCH_MS) * 1_000)
