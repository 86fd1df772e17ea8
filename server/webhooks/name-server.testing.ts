import { createSocket } from 'node:dgram'
import { after } from 'node:test'

const HEADER_BYTES = 12
const TYPE_A = 1

/**
 * A name server (RFC 1035) on this machine that knows IPv4 addresses of some names: one for each time that it is asked, the last from
 * then on. A name without addresses is answered never.
 * @returns where it listens, as node's resolver takes it, and how often a name's IPv4 address was asked for
 */
export async function startNameServer(names: Record<string, readonly string[]>) {
  const socket = createSocket('udp4')
  const asked = new Map<string, number>()
  socket.on('message', (query, { port, address }) => {
    const labels: string[] = []
    let at = HEADER_BYTES
    for (let length = query[at]!; length > 0; length = query[at]!) {
      labels.push(query.toString('latin1', at + 1, at + 1 + length))
      at += length + 1
    }
    const name = labels.join('.').toLowerCase()
    const known = names[name] ?? []
    if (known.length === 0) return
    const wantsA = query.readUInt16BE(at + 1) === TYPE_A
    const times = asked.get(name) ?? 0
    if (wantsA) asked.set(name, times + 1)
    const given = wantsA ? known[Math.min(times, known.length - 1)]! : null
    const header = Buffer.from(query.subarray(0, HEADER_BYTES))
    // An answer, with recursion, no error; one question, one record or none, nothing more.
    header.writeUInt16BE(0x8180, 2)
    header.writeUInt16BE(given ? 1 : 0, 6)
    header.writeUInt32BE(0, 8)
    // The name is that of the question, at byte 12; class IN, no time to live, four bytes.
    const record = given
      ? [0xc0, HEADER_BYTES, 0, TYPE_A, 0, 1, 0, 0, 0, 0, 0, 4, ...given.split('.').map(Number)]
      : []
    socket.send(
      Buffer.concat([header, query.subarray(HEADER_BYTES, at + 5), Buffer.from(record)]),
      port,
      address,
    )
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  after(() => socket.close())
  return { servers: [`127.0.0.1:${socket.address().port}`], asked }
}
