/** Milliseconds from PostgreSQL's epoch (2000-01-01) back to ours. */
const POSTGRES_EPOCH_MS = 946_684_800_000
const HEADER_BYTES = 20

/** A column of one statement's rows in PostgreSQL's binary array format (array_recv). `null` is a null. */
export class Column {
  readonly #oid: number
  #bytes: Buffer
  #end = 0
  #count = 0
  #nulls = 0

  constructor(type: keyof typeof OID, expectedBytes = 256) {
    this.#oid = OID[type]
    this.#bytes = Buffer.allocUnsafe(expectedBytes)
  }

  #room(bytes: number): number {
    const at = this.#end
    this.#end = at + bytes
    if (this.#end > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#end, this.#bytes.length * 2))
      this.#bytes.copy(larger, 0, 0, at)
      this.#bytes = larger
    }
    return at
  }

  /** True if the value is a null, which is then in. */
  #isNull(value: unknown): value is null {
    if (value !== null) return false
    const at = this.#room(4)
    this.#bytes.writeInt32BE(-1, at)
    this.#count++
    this.#nulls++
    return true
  }

  int2(value: number | null): void {
    if (this.#isNull(value)) return
    const at = this.#room(6)
    this.#bytes.writeInt32BE(2, at)
    this.#bytes.writeInt16BE(value, at + 4)
    this.#count++
  }

  int4(value: number | null): void {
    if (this.#isNull(value)) return
    const at = this.#room(8)
    this.#bytes.writeInt32BE(4, at)
    this.#bytes.writeInt32BE(value, at + 4)
    this.#count++
  }

  /** A safe integer. */
  int8(value: number | null): void {
    if (this.#isNull(value)) return
    const at = this.#room(12)
    const bytes = this.#bytes
    const high = Math.floor(value / 4_294_967_296)
    bytes.writeInt32BE(8, at)
    bytes.writeInt32BE(high, at + 4)
    bytes.writeUInt32BE(value - high * 4_294_967_296, at + 8)
    this.#count++
  }

  /** Epoch milliseconds. */
  timestamptz(value: number | null): void {
    this.int8(value === null ? null : (value - POSTGRES_EPOCH_MS) * 1000)
  }

  /** A value as it stands in a binary row: its length, or -1 for a null, and its bytes. @returns where the next one begins */
  take(source: Buffer, from: number): number {
    const length = source.readInt32BE(from)
    const until = from + 4 + Math.max(0, length)
    const at = this.#room(until - from)
    source.copy(this.#bytes, at, from, until)
    this.#count++
    if (length < 0) this.#nulls++
    return until
  }

  bytea(value: Uint8Array): void {
    const at = this.#room(4 + value.length)
    this.#bytes.writeInt32BE(value.length, at)
    this.#bytes.set(value, at + 4)
    this.#count++
  }

  /** The columns of many requests as one parameter. */
  static joined(columns: readonly Column[]): Buffer {
    let bytes = HEADER_BYTES
    let count = 0
    let nulls = 0
    for (const column of columns) {
      bytes += column.#end
      count += column.#count
      nulls += column.#nulls
    }
    const joined = Buffer.allocUnsafe(bytes)
    joined.writeInt32BE(1, 0)
    joined.writeInt32BE(nulls > 0 ? 1 : 0, 4)
    joined.writeInt32BE(columns[0]!.#oid, 8)
    joined.writeInt32BE(count, 12)
    joined.writeInt32BE(1, 16)
    let at = HEADER_BYTES
    for (const column of columns) {
      column.#bytes.copy(joined, at, 0, column.#end)
      at += column.#end
    }
    return joined
  }
}

export type Scalar = 'int2' | 'int4' | 'int8' | 'timestamptz'

/** Parameters of a statement, one for each name: what `read` gives of each row. */
export function columnsOf<Row>(
  rows: readonly Row[],
  columns: Record<string, readonly [Scalar, (row: Row) => number | null]>,
): Buffer[] {
  return Object.values(columns).map(([type, read]) => {
    const column = new Column(type, rows.length * 12)
    for (const row of rows) column[type](read(row))
    return Column.joined([column])
  })
}

/** PostgreSQL's object ids of the element types; fixed since its first versions. */
const OID = { int2: 21, int4: 23, int8: 20, timestamptz: 1184, bytea: 17, jsonb: 3802 } as const
