/** Reads the length-prefixed fields of the SSH wire format (RFC 4251 section 5); every length is checked before it is used. */
export class SshReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  /** How many bytes are still unread. */
  get left(): number {
    return this.#bytes.length - this.#at
  }

  /** The next `count` bytes as they are, or undefined if there are fewer. */
  bytes(count: number): Buffer | undefined {
    if (count > this.left) return undefined
    this.#at += count
    return this.#bytes.subarray(this.#at - count, this.#at)
  }

  /** The next four bytes as a number, or undefined if there are fewer. */
  uint32(): number | undefined {
    return this.bytes(4)?.readUInt32BE(0)
  }

  /** The next `string`: four bytes of length, then so many bytes. Undefined if it goes beyond the end. */
  string(): Buffer | undefined {
    const length = this.uint32()
    return length === undefined ? undefined : this.bytes(length)
  }

  /**
   * The next `mpint` as an unsigned magnitude without leading zeros. Undefined if it goes beyond the end, is zero or
   * negative, or is longer than it need be: RFC 4251 allows one form only, and two forms would be two fingerprints.
   */
  positiveInteger(): Buffer | undefined {
    const field = this.string()
    if (!field || field.length === 0 || field[0]! >= 0x80) return undefined
    if (field[0] !== 0) return field
    return field.length > 1 && field[1]! >= 0x80 ? field.subarray(1) : undefined
  }
}

/** A `string` of the SSH wire format (RFC 4251 section 5): the length in four bytes, then the bytes. */
export function sshString(content: Uint8Array | string): Buffer {
  const bytes = typeof content === 'string' ? Buffer.from(content, 'utf8') : content
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}
