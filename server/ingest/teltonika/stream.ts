import type { Reading } from '../reading.ts'
import { type Codec, decodeAvl, type Refusal } from './codec.ts'
import { crc16 } from './crc.ts'

/** What a device said on its connection, in order. */
export type StreamItem =
  | { kind: 'login'; imei: string }
  /** To be answered with `acknowledgement(count)` once all readings are stored. */
  | { kind: 'frame'; codec: Codec; readings: Reading[]; count: number; raw: Buffer }
  /** A command codec's frame: no acknowledgement. `codec` is the number that it is called by. */
  | { kind: 'other'; codec: number; raw: Buffer }
  /** No acknowledgement. `raw` is its beginning, at most MOST_REJECTED_BYTES. */
  | ({ kind: 'reject'; raw: Buffer } & Refusal)

/** The vendor's largest frame has 1280 bytes, photos and texts about 2 kB. */
const MOST_DATA_BYTES = 65_536
const MOST_REJECTED_BYTES = 2_048
const IMEI_BYTES = 15
const LOGIN_BYTES = 2 + IMEI_BYTES
/** Preamble and data length. */
const HEADER_BYTES = 8
const CRC_BYTES = 4
/** Codec id and the two counts. */
const LEAST_DATA_BYTES = 3
const PING = 0xff
/** A buffer that grew beyond this is given back once it is empty: most connections are idle. */
const KEPT_BYTES = 4_096
const EMPTY = Buffer.alloc(0)

/**
 * One device's TCP connection, from bytes to what they say (teltonika.md, TCP session and Frame). It holds at most one
 * incomplete frame, and copies a byte a fixed number of times however small the pieces are.
 */
export class TeltonikaStream {
  #bytes = EMPTY
  #start = 0
  #end = 0
  #imei: string | null = null
  #mustClose = false

  /** Who logged in last, 15 digits; null before that. */
  get imei(): string | null {
    return this.#imei
  }

  /** True once it can't be known where the next frame begins: close the connection, nothing more is read from it. */
  get mustClose(): boolean {
    return this.#mustClose
  }

  /** Bytes of a login or frame that is not complete: not 0 for long means that the rest does not come. */
  get pendingBytes(): number {
    return this.#end - this.#start
  }

  /**
   * What became complete with these bytes. Never throws on what a device sends. A frame with a wrong CRC or an unknown
   * codec is passed over; a wrong preamble, length, IMEI or a frame before the login ends the connection (mustClose).
   */
  push(chunk: Buffer): StreamItem[] {
    const items: StreamItem[] = []
    if (this.#mustClose) return items
    this.#append(chunk)
    for (let item = this.#next(); item; item = this.#next()) items.push(item)
    if (this.#mustClose || this.pendingBytes === 0) {
      this.#start = this.#end = 0
      if (this.#mustClose || this.#bytes.length > KEPT_BYTES) this.#bytes = EMPTY
    }
    return items
  }

  #append(chunk: Buffer): void {
    if (this.#end + chunk.length > this.#bytes.length) {
      const pending = this.pendingBytes
      const needed = pending + chunk.length
      // Moved only if that frees half of it, or else doubled: either way a byte is copied twice on average.
      const target = needed * 2 > this.#bytes.length ? Buffer.allocUnsafe(needed * 2) : this.#bytes
      this.#bytes.copy(target, 0, this.#start, this.#end)
      this.#bytes = target
      this.#start = 0
      this.#end = pending
    }
    chunk.copy(this.#bytes, this.#end)
    this.#end += chunk.length
  }

  #next(): StreamItem | null {
    if (this.#mustClose) return null
    while (this.#start < this.#end && this.#bytes[this.#start] === PING) this.#start++
    const pending = this.#bytes.subarray(this.#start, this.#end)
    const firstNonZero = pending.subarray(0, 4).findIndex((byte) => byte !== 0)
    if (firstNonZero === 1 && pending[1] === IMEI_BYTES) return this.#login(pending)
    if (firstNonZero === 1 && this.#imei === null)
      return this.#fatal('imei', `An IMEI has 15 digits, not ${pending[1]}.`, pending)
    if (firstNonZero !== -1)
      return this.#fatal('preamble', 'Neither a login nor a frame begins like this.', pending)
    if (pending.length < HEADER_BYTES) return null
    return this.#frame(pending)
  }

  #login(pending: Buffer): StreamItem | null {
    if (pending.length < LOGIN_BYTES) return null
    const imei = pending.toString('latin1', 2, LOGIN_BYTES)
    if (!/^\d{15}$/.test(imei)) return this.#fatal('imei', 'The IMEI is not 15 digits.', pending)
    this.#start += LOGIN_BYTES
    this.#imei = imei
    return { kind: 'login', imei }
  }

  #frame(pending: Buffer): StreamItem | null {
    if (this.#imei === null) return this.#fatal('login', 'A frame came before the IMEI.', pending)
    const dataBytes = pending.readUInt32BE(4)
    if (dataBytes < LEAST_DATA_BYTES || dataBytes > MOST_DATA_BYTES) {
      return this.#fatal('length', `A frame can't have ${dataBytes} bytes of data.`, pending)
    }
    const frameBytes = HEADER_BYTES + dataBytes + CRC_BYTES
    if (pending.length < frameBytes) return null
    this.#start += frameBytes
    // The buffer is used again.
    return decodeFrame(Buffer.from(pending.subarray(0, frameBytes)))
  }

  #fatal(code: Refusal['code'], reason: string, pending: Buffer): StreamItem {
    this.#mustClose = true
    return reject({ code, reason }, pending)
  }
}

/** A frame of the length that it declares. */
function decodeFrame(raw: Buffer): StreamItem {
  const data = raw.subarray(HEADER_BYTES, -CRC_BYTES)
  const declared = raw.readUInt32BE(raw.length - CRC_BYTES)
  const computed = crc16(data)
  if (declared !== computed) {
    return reject({ code: 'crc', reason: `The CRC is ${hex(computed)}, not ${hex(declared)}.` }, raw)
  }
  const codecId = data[0]!
  if (codecId >= 0x0c && codecId <= 0x0f) return { kind: 'other', codec: codecId, raw }
  const decoded = decodeAvl(data)
  if ('code' in decoded) return reject(decoded, raw)
  return { kind: 'frame', ...decoded, count: decoded.readings.length, raw }
}

const hex = (crc: number) => crc.toString(16).padStart(4, '0')

const reject = (refusal: Refusal, bytes: Buffer): StreamItem => ({
  kind: 'reject',
  ...refusal,
  raw: Buffer.from(bytes.subarray(0, MOST_REJECTED_BYTES)),
})

/** The answer to a login; after a refusal the connection is closed. Source: teltonika.md, TCP session. */
export const loginReply = (known: boolean): Buffer => Buffer.from([known ? 1 : 0])

/**
 * The answer to a frame whose `count` records are all stored: the device deletes them then, and sends them again after any
 * other number. Source: teltonika.md, Acknowledgement and store-and-forward.
 */
export function acknowledgement(count: number): Buffer {
  const reply = Buffer.alloc(4)
  reply.writeUInt32BE(count)
  return reply
}

/**
 * What a device begins its connection with. Source: teltonika.md, TCP session.
 * @throws RangeError if the IMEI is not 15 digits
 */
export function encodeLogin(imei: string): Buffer {
  if (!/^\d{15}$/.test(imei)) throw new RangeError('An IMEI is 15 digits.')
  return Buffer.concat([Buffer.from([0, IMEI_BYTES]), Buffer.from(imei, 'latin1')])
}
