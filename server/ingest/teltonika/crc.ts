const TABLE_16 = Uint16Array.from({ length: 256 }, (_, byte) => shifted(byte, 0xa001))
const TABLE_8 = Uint8Array.from({ length: 256 }, (_, byte) => shifted(byte, 0x8c))

function shifted(byte: number, polynomial: number): number {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1
  return crc
}

/** CRC-16/IBM (ARC), which a frame ends with (teltonika.md, Frame). */
export function crc16(bytes: Uint8Array): number {
  let crc = 0
  for (let at = 0; at < bytes.length; at++) crc = (crc >>> 8) ^ TABLE_16[(crc ^ bytes[at]!) & 0xff]!
  return crc
}

/** CRC-8 (Maxim), which an iButton's number ends with (teltonika.md, IO ids that matter). */
export function crc8(bytes: Uint8Array): number {
  let crc = 0
  for (let at = 0; at < bytes.length; at++) crc = TABLE_8[crc ^ bytes[at]!]!
  return crc
}
