// Plays devices against the real door, and keeps a list of its own of what was acknowledged. It knows HTTP and nothing of the
// server's code:
//   node --import tsx server/cli/soak/sender.ts --url URL --devices FILE --acknowledged FILE --seed N --pace MS
import * as fs from 'node:fs'
import * as http from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import { Random } from './random.ts'
import { backoffs, Turns } from './turns.ts'

/** A device as `--devices` lists them. */
export interface SoakDevice {
  name: string
  token: string
}

const { values } = parseArgs({
  options: {
    url: { type: 'string' },
    devices: { type: 'string' },
    acknowledged: { type: 'string' },
    seed: { type: 'string', default: '1' },
    pace: { type: 'string', default: '1000' },
  },
})
if (!values.url || !values.devices || !values.acknowledged) {
  console.error('usage: sender --url URL --devices FILE --acknowledged FILE [--seed N] [--pace MS]')
  process.exit(2)
}

const MOST_IN_BATCH = 50
const FIX_EVERY_MS = 400
const DAY_MS = 24 * 3_600_000
/** Longer than the server gives its database, so that it can answer itself. */
const ANSWER_WITHIN_MS = 30_000
const REMEMBERED = 8

const target = new URL(values.url)
const seed = Number(values.seed)
const began = Date.now() - 10 * DAY_MS
const list = fs.openSync(values.acknowledged, 'a')
const agent = new http.Agent({ keepAlive: true })
const turns = new Turns(Number(values.pace), () => {
  // What is under way at this instant breaks, wherever it is.
  for (const socket of Object.values(agent.sockets).flat()) {
    tally.cuts++
    socket?.destroy(Object.assign(new Error('cut'), { code: 'cut' }))
  }
})
const { tally } = turns

interface Beat {
  device: string
  fixTime: number
  latitude: number
  longitude: number
  speedKph: number
  sequence: number
}

interface Batch {
  beats: Beat[]
  /** An attempt may have been stored though its receipt never came. */
  uncertain: boolean
}

/** One device: a connection, one request at a time, a batch until it is acknowledged. */
class Device {
  readonly #random: Random
  readonly #one: SoakDevice
  #sequence = 0
  /** Kept back, to be sent after newer ones. */
  #heldBack: Batch[] = []
  /** The last acknowledged, some of which are sent again. */
  #acknowledged: Batch[] = []

  constructor(one: SoakDevice, random: Random) {
    this.#one = one
    this.#random = random
  }

  run(): Promise<never> {
    return turns.take(this.#random, () => this.#turn())
  }

  async #turn(): Promise<void> {
    const random = this.#random
    if (this.#acknowledged.length > 0 && random.chance(0.1)) return await this.#repeat()
    if (this.#heldBack.length > 0 && random.chance(0.3)) return await this.#deliver(this.#heldBack.shift()!)
    const batch = this.#make()
    if (random.chance(0.1) && this.#heldBack.length < REMEMBERED) this.#heldBack.push(batch)
    else await this.#deliver(batch)
  }

  #make(): Batch {
    const random = this.#random
    // Mostly few, as trucks do; now and then a backlog.
    const size = random.chance(0.8) ? random.between(1, 8) : random.between(9, MOST_IN_BATCH)
    const beats = Array.from({ length: size }, (): Beat => {
      const sequence = ++this.#sequence
      return {
        device: this.#one.name,
        fixTime: began + sequence * FIX_EVERY_MS,
        latitude: 41 + sequence * 1e-5,
        longitude: -93,
        speedKph: random.between(0, 100),
        sequence,
      }
    })
    return { beats: random.chance(0.3) ? random.shuffled(beats) : beats, uncertain: false }
  }

  /** Until it is acknowledged; then it is on the list before anything else happens. */
  async #deliver(batch: Batch): Promise<void> {
    const receipt = await this.#insist(batch)
    const { beats } = batch
    fs.writeSync(
      list,
      beats.map(({ device, fixTime, sequence }) => `${device},${fixTime},${sequence}\n`).join(''),
    )
    tally.acknowledged += beats.length
    if (receipt.stored + receipt.duplicates !== beats.length)
      this.#contradicted(batch, 'the receipt does not count all of the batch', receipt)
    if (!batch.uncertain && receipt.duplicates > 0)
      this.#contradicted(batch, 'never sent before, and called a duplicate', receipt)
    this.#acknowledged.push(batch)
    if (this.#acknowledged.length > REMEMBERED) this.#acknowledged.shift()
  }

  /** A batch that was acknowledged once more, or one mixed of two that were. */
  async #repeat(): Promise<void> {
    const first = this.#random.pick(this.#acknowledged)
    const other = this.#random.chance(0.3) ? this.#random.pick(this.#acknowledged) : first
    const beats = this.#random.shuffled([...new Set([...first.beats, ...other.beats])])
    const batch = { beats, uncertain: true }
    const receipt = await this.#insist(batch)
    tally.repeated += beats.length
    if (receipt.stored > 0) this.#contradicted(batch, 'acknowledged before, and taken for new', receipt)
  }

  #contradicted({ beats }: Batch, what: string, receipt: Receipt): void {
    const { stored, duplicates } = receipt
    tally.contradictions.push(
      `${this.#one.name} ${beats[0]!.sequence}…: ${what} (${beats.length} sent, stored ${stored}, duplicates ${duplicates})`,
    )
  }

  async #insist(batch: Batch): Promise<Receipt> {
    for (const pause of backoffs(this.#random)) {
      const cut = this.#random.chance(turns.cutting ? 0.5 : 0.01)
      const answer = await attempt(this.#one, batch.beats, this.#random, cut)
      if (typeof answer !== 'string') return answer
      turns.refused(answer)
      // Refused for good: the sender sends nothing that is wrong, so this is a fault of the door.
      if (answer === '422') this.#contradicted(batch, 'refused as not storable', { stored: 0, duplicates: 0 })
      batch.uncertain = true
      await wait(pause)
    }
    throw new Error('unreachable: it is tried for ever')
  }
}

interface Receipt {
  stored: number
  duplicates: number
}

/** One request: the receipt, or in a word why there is none. */
function attempt(
  { token }: SoakDevice,
  beats: readonly Beat[],
  random: Random,
  cut: boolean,
): Promise<Receipt | string> {
  const text = JSON.stringify(beats.length === 1 ? beats[0] : beats)
  const gzip = random.chance(0.2)
  const body = gzip ? gzipSync(text) : Buffer.from(text)
  return new Promise((resolve) => {
    const req = http.request(
      {
        agent,
        host: target.hostname,
        port: target.port,
        path: '/v1/heartbeats',
        method: 'POST',
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          'content-length': body.length,
          ...(gzip ? { 'content-encoding': 'gzip' } : {}),
        },
        timeout: ANSWER_WITHIN_MS,
      },
      (res) => {
        const chunks: Buffer[] = []
        res.on('data', (chunk: Buffer) => chunks.push(chunk))
        res.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
        res.once('end', () => {
          if (res.statusCode !== 200) return resolve(String(res.statusCode))
          resolve(JSON.parse(Buffer.concat(chunks).toString('utf8')) as Receipt)
        })
      },
    )
    req.once('timeout', () => req.destroy(Object.assign(new Error('no answer'), { code: 'no answer' })))
    req.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    if (!cut) return void req.end(body)
    tally.cuts++
    const broken = () => req.destroy(Object.assign(new Error('cut'), { code: 'cut' }))
    // Somewhere in the middle; or all of it went and the answer is not waited for.
    if (random.chance(0.2)) req.end(body, broken)
    else req.write(body.subarray(0, random.between(1, body.length - 1)), broken)
  })
}

const devices = JSON.parse(fs.readFileSync(values.devices, 'utf8')) as SoakDevice[]
await Promise.all(devices.map((one, i) => new Device(one, new Random(seed * 7_919 + i)).run()))
