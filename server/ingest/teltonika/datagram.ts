import type { Reading } from '../reading.ts'
import { type AvlRecord, type Codec, decodeAvl, encodeAvl, type Refusal } from './codec.ts'

export interface Datagram {
  /** 15 digits */
  imei: string
  packetId: number
  avlPacketId: number
  codec: Codec
  readings: Reading[]
}

const PACKET_TYPE = 1
const IMEI_BYTES = 15
/** Length, packet id, packet type, AVL packet id, length of the IMEI, IMEI. */
const HEADER_BYTES = 2 + 2 + 1 + 1 + 2 + IMEI_BYTES

/**
 * One UDP packet. It has no CRC: the lengths, the counts and UDP's own checksum are all that guards it. To be answered
 * with `datagramReply` once all readings are stored. Source: teltonika.md, UDP.
 * @returns a Refusal truncated, length, type or imei, or one of decodeAvl's
 */
export function decodeDatagram(bytes: Buffer): Datagram | Refusal {
  if (bytes.length < HEADER_BYTES) {
    return { code: 'truncated', reason: `A packet of ${bytes.length} bytes has no header.` }
  }
  const declared = bytes.readUInt16BE(0)
  if (declared !== bytes.length - 2) {
    return { code: 'length', reason: `${declared} bytes declared, ${bytes.length - 2} received.` }
  }
  if (bytes[4] !== PACKET_TYPE) return { code: 'type', reason: `Packet type ${bytes[4]} is unknown.` }
  const imei = bytes.toString('latin1', HEADER_BYTES - IMEI_BYTES, HEADER_BYTES)
  if (bytes.readUInt16BE(6) !== IMEI_BYTES || !/^\d{15}$/.test(imei)) {
    return { code: 'imei', reason: 'The IMEI is not 15 digits.' }
  }
  const decoded = decodeAvl(bytes.subarray(HEADER_BYTES))
  if ('code' in decoded) return decoded
  return { imei, packetId: bytes.readUInt16BE(2), avlPacketId: bytes[5]!, ...decoded }
}

/** The answer to a packet of which `accepted` records are stored. Source: teltonika.md, UDP. */
export function datagramReply(packetId: number, avlPacketId: number, accepted: number): Buffer {
  const reply = Buffer.from([0, 5, 0, 0, PACKET_TYPE, avlPacketId, accepted])
  reply.writeUInt16BE(packetId, 2)
  return reply
}

/**
 * A packet as a device makes it. Source: teltonika.md, UDP.
 * @throws RangeError as encodeAvl, or if the IMEI is not 15 digits or the packet is longer than 65,537 bytes
 */
export function encodeDatagram(
  { imei, packetId, avlPacketId }: Pick<Datagram, 'imei' | 'packetId' | 'avlPacketId'>,
  codec: Codec,
  records: readonly AvlRecord[],
): Buffer {
  if (!/^\d{15}$/.test(imei)) throw new RangeError('An IMEI is 15 digits.')
  const bytes = Buffer.concat([Buffer.alloc(HEADER_BYTES), encodeAvl(codec, records)])
  bytes.writeUInt16BE(bytes.length - 2, 0)
  bytes.writeUInt16BE(packetId, 2)
  bytes.writeUInt8(PACKET_TYPE, 4)
  bytes.writeUInt8(avlPacketId, 5)
  bytes.writeUInt16BE(IMEI_BYTES, 6)
  bytes.write(imei, HEADER_BYTES - IMEI_BYTES, 'latin1')
  return bytes
}
