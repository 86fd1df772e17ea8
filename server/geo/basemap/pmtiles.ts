type Gzip = (bytes: Uint8Array) => Uint8Array

/** A run of consecutive tile ids (PMTiles' Hilbert order) that share one tile. */
export interface TileRun {
  tileId: number
  runLength: number
  /** An encoded vector tile, not compressed. */
  data: Uint8Array
}

export interface ArchiveOptions {
  minZoom: number
  maxZoom: number
  /** West, south, east, north in degrees. */
  bounds: [number, number, number, number]
  /** Longitude, latitude, zoom. */
  center: [number, number, number]
  metadata: Record<string, unknown>
  /** Compresses; given from outside, for this room knows no platform. */
  gzip: Gzip
}

interface Entry {
  tileId: number
  runLength: number
  offset: number
  length: number
}

const HEADER_BYTES = 127
/** A reader fetches the first 16 KiB at once; the root directory must lie within. */
const ROOT_BYTES = 16_384 - HEADER_BYTES
const GZIP = 2
const MVT = 1

function pushVarint(bytes: number[], value: number): void {
  let rest = value
  while (rest > 127) {
    bytes.push((rest % 128) | 128)
    rest = Math.floor(rest / 128)
  }
  bytes.push(rest)
}

/** A directory: ids as differences, run lengths, lengths, offsets (0 says "right after the one before"), gzipped. */
function directory(entries: Entry[], gzip: Gzip): Uint8Array {
  const bytes: number[] = []
  pushVarint(bytes, entries.length)
  let last = 0
  for (const entry of entries) {
    pushVarint(bytes, entry.tileId - last)
    last = entry.tileId
  }
  for (const entry of entries) pushVarint(bytes, entry.runLength)
  for (const entry of entries) pushVarint(bytes, entry.length)
  entries.forEach((entry, i) => {
    const before = entries[i - 1]
    const follows = before !== undefined && before.offset + before.length === entry.offset
    pushVarint(bytes, follows ? 0 : entry.offset + 1)
  })
  return gzip(Uint8Array.from(bytes))
}

/** The root directory, and leaves below it when one directory does not fit the first fetch. */
function directories(entries: Entry[], gzip: Gzip): { root: Uint8Array; leaves: Uint8Array } {
  const whole = directory(entries, gzip)
  if (whole.length <= ROOT_BYTES) return { root: whole, leaves: new Uint8Array() }
  for (let size = 4_096; ; size *= 2) {
    const parts: Uint8Array[] = []
    const pointers: Entry[] = []
    let offset = 0
    for (let i = 0; i < entries.length; i += size) {
      const leaf = directory(entries.slice(i, i + size), gzip)
      pointers.push({ tileId: entries[i]!.tileId, runLength: 0, offset, length: leaf.length })
      parts.push(leaf)
      offset += leaf.length
    }
    const root = directory(pointers, gzip)
    if (root.length <= ROOT_BYTES) return { root, leaves: Buffer.concat(parts) }
  }
}

/**
 * A PMTiles version 3 archive of vector tiles. Equal tiles are stored once, and equal neighbours become one entry, so
 * an ocean costs a few bytes. Throws RangeError when two runs overlap.
 */
export function writeArchive(runs: TileRun[], options: ArchiveOptions): Buffer {
  const sorted = [...runs].sort((a, b) => a.tileId - b.tileId)
  const stored = new Map<string, { offset: number; length: number }>()
  const contents: Uint8Array[] = []
  const entries: Entry[] = []
  let size = 0
  let addressed = 0
  for (const run of sorted) {
    const last = entries.at(-1)
    if (last && run.tileId < last.tileId + last.runLength)
      throw new RangeError(`tile ${run.tileId} comes twice`)
    const key = Buffer.from(run.data).toString('latin1')
    let place = stored.get(key)
    if (!place) {
      const packed = options.gzip(run.data)
      place = { offset: size, length: packed.length }
      stored.set(key, place)
      contents.push(packed)
      size += packed.length
    }
    addressed += run.runLength
    if (last && last.offset === place.offset && last.tileId + last.runLength === run.tileId)
      last.runLength += run.runLength
    else entries.push({ tileId: run.tileId, runLength: run.runLength, ...place })
  }

  const { root, leaves } = directories(entries, options.gzip)
  const metadata = options.gzip(new TextEncoder().encode(JSON.stringify(options.metadata)))
  const header = Buffer.alloc(HEADER_BYTES)
  header.write('PMTiles', 0)
  header[7] = 3
  let at = HEADER_BYTES
  let field = 8
  for (const length of [root.length, metadata.length, leaves.length, size]) {
    header.writeBigUInt64LE(BigInt(at), field)
    header.writeBigUInt64LE(BigInt(length), field + 8)
    at += length
    field += 16
  }
  header.writeBigUInt64LE(BigInt(addressed), 72)
  header.writeBigUInt64LE(BigInt(entries.length), 80)
  header.writeBigUInt64LE(BigInt(stored.size), 88)
  header[96] = 1 // tiles lie in the order of their ids
  header[97] = GZIP
  header[98] = GZIP
  header[99] = MVT
  header[100] = options.minZoom
  header[101] = options.maxZoom
  options.bounds.forEach((degrees, i) => {
    header.writeInt32LE(Math.round(degrees * 1e7), 102 + 4 * i)
  })
  header[118] = options.center[2]
  header.writeInt32LE(Math.round(options.center[0] * 1e7), 119)
  header.writeInt32LE(Math.round(options.center[1] * 1e7), 123)
  return Buffer.concat([header, root, metadata, leaves, ...contents])
}
