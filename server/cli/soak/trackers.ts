// Plays Teltonika trackers against the real listener, and keeps a list of its own of what was acknowledged. It writes Codec 8
// itself and knows nothing of the server's code:
//   node --import tsx server/cli/soak/trackers.ts --port N --imeis FILE --acknowledged FILE --seed N --pace MS
import * as fs from 'node:fs'
import { connect, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Random } from './random.ts'
import { backoffs, Turns } from './turns.ts'

/** A tracker as `--imeis` lists them. */
export interface SoakTracker {
  name: string
  imei: string
}

const { values } = parseArgs({
  options: {
    port: { type: 'string' },
    imeis: { type: 'string' },
    acknowledged: { type: 'string' },
    seed: { type: 'string', default: '1' },
    pace: { type: 'string', default: '1000' },
  },
})
if (!values.port || !values.imeis || !values.acknowledged) {
  console.error('usage: trackers --port N --imeis FILE --acknowledged FILE [--seed N] [--pace MS]')
  process.exit(2)
}

const MOST_IN_FRAME = 20
const FIX_EVERY_MS = 400
const DAY_MS = 24 * 3_600_000
const ANSWER_WITHIN_MS = 30_000

const began = Date.now() - 9 * DAY_MS
const list = fs.openSync(values.acknowledged, 'a')
const open = new Set<Socket>()
const turns = new Turns(Number(values.pace), () => {
  for (const socket of open) {
    tally.cuts++
    socket.destroy(new Error('cut'))
  }
})
const { tally } = turns

/** One tracker: a connection that stays, one frame at a time, each until all of its records are acknowledged. */
class Tracker {
  readonly #one: SoakTracker
  readonly #random: Random
  #socket: Socket | undefined
  #records = 0

  constructor(one: SoakTracker, random: Random) {
    this.#one = one
    this.#random = random
  }

  run(): Promise<never> {
    return turns.take(this.#random, () => this.#turn())
  }

  async #turn(): Promise<void> {
    const count = this.#random.between(1, MOST_IN_FRAME)
    const times = Array.from({ length: count }, () => began + ++this.#records * FIX_EVERY_MS)
    const frame = frameOf(times)
    for (const pause of backoffs(this.#random)) {
      const answer = await this.#send(frame).catch((error: Error) => error.message)
      if (answer === count) break
      // Another number: the device keeps all of them.
      turns.refused(String(answer))
      this.#socket?.destroy()
      await wait(pause)
    }
    fs.writeSync(list, times.map((time) => `${this.#one.name},${time},\n`).join(''))
    tally.acknowledged += count
  }

  /** How many records of the frame are acknowledged; rejects if the connection ends or is silent. */
  async #send(frame: Buffer): Promise<number> {
    if (!this.#socket || this.#socket.destroyed) {
      this.#socket = await connected()
      this.#socket.write(Buffer.concat([Buffer.from([0, 15]), Buffer.from(this.#one.imei, 'latin1')]))
      const reply = await answered(this.#socket, 1)
      if (reply[0] !== 1) throw new Error('the IMEI was refused')
    }
    const socket = this.#socket
    if (this.#random.chance(turns.cutting ? 0.5 : 0.01)) {
      tally.cuts++
      socket.write(frame.subarray(0, this.#random.between(1, frame.length - 1)), () =>
        socket.destroy(new Error('cut')),
      )
    } else socket.write(frame)
    return (await answered(socket, 4)).readUInt32BE()
  }
}

function connected(): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(values.port), '127.0.0.1')
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    socket.on('error', reject)
    socket.once('connect', () => resolve(socket))
  })
}

/** The next so many bytes. */
function answered(socket: Socket, bytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => socket.destroy(new Error('no answer')), ANSWER_WITHIN_MS)
    let got = Buffer.alloc(0)
    const read = (chunk: Buffer) => {
      got = Buffer.concat([got, chunk])
      if (got.length < bytes) return
      done()
      resolve(got)
    }
    const failed = (error: Error) => {
      done()
      reject(error)
    }
    const closed = () => failed(new Error('closed'))
    const done = () => {
      clearTimeout(timer)
      socket.off('data', read).off('error', failed).off('close', closed)
    }
    socket.on('data', read).once('error', failed).once('close', closed)
  })
}

/** An AVL frame of Codec 8 (teltonika: preamble, length, codec, count, records, count, CRC-16/IBM). */
function frameOf(times: readonly number[]): Buffer {
  const records = times.map((time, i) => {
    const record = Buffer.alloc(30)
    record.writeBigUInt64BE(BigInt(time), 0)
    record.writeInt32BE(-930_000_000 - i, 9) // longitude, 1e-7 degrees
    record.writeInt32BE(410_000_000 + i, 13)
    record.writeInt16BE(280, 17)
    record.writeUInt16BE(90, 19)
    record[21] = 9 // satellites
    record.writeUInt16BE(80, 22) // km/h; then no event and no IO elements
    return record
  })
  const data = Buffer.concat([Buffer.from([8, times.length]), ...records, Buffer.from([times.length])])
  const frame = Buffer.alloc(8 + data.length + 4)
  frame.writeUInt32BE(data.length, 4)
  data.copy(frame, 8)
  frame.writeUInt32BE(crc16(data), 8 + data.length)
  return frame
}

function crc16(bytes: Buffer): number {
  let crc = 0
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xa001 : crc >>> 1
  }
  return crc
}

const trackers = JSON.parse(fs.readFileSync(values.imeis, 'utf8')) as SoakTracker[]
await Promise.all(
  trackers.map((one, i) => new Tracker(one, new Random(Number(values.seed) * 6_271 + i)).run()),
)
