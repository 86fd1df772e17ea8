import { createSocket } from 'node:dgram'
import { createServer, type Server, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { DevicePrincipal } from '../../auth/principal.ts'
import { AppError } from '../../errors.ts'
import { faultOf, log } from '../../log.ts'
import type { Instant } from '../../time/instant.ts'
import { noteBroken } from '../broken.ts'
import { connections, countRefusal, countSlowed, reasonOf } from '../metrics.ts'
import {
  type Arrival,
  admit,
  type Intake,
  noteRefused,
  type Sender,
  senderOf,
  takeReadings,
} from '../take.ts'
import { sparing } from '../trouble.ts'
import { datagramReply, decodeDatagram } from './datagram.ts'
import { acknowledgement, loginReply, type StreamItem, TeltonikaStream } from './stream.ts'

/** Who has connected must say who they are within this time. */
const LOGIN_WITHIN_MS = 15_000
/** The rest of a frame that has begun comes within this time, however slow the network. */
const FRAME_WITHIN_MS = 30_000
/** Trackers keep their connection open between two intervals of sending, an hour at most. */
const IDLE_MS = 65 * 60_000
const MOST_CONNECTIONS = 50_000
/** Of one address, as long as it has not logged in: trackers of a mobile network share addresses. */
const MOST_STRANGERS_OF_ADDRESS = 1_000
/** A connection that was replaced has so long to end: who does it, or goes on talking, is there, and no half-open link. */
const RETIRE_WITHIN_MS = 15_000
/** A fleet that comes back connects at once; beyond it the system lets each wait a second or more. */
const BACKLOG = 4_096
/** Items of one connection that wait for the disk; beyond it nothing more is read from it. */
const MOST_WAITING = 8
/** Datagrams that wait for the disk; beyond it they are dropped, and the devices send them again. */
const MOST_DATAGRAMS = 2_000
/** Of one tracker, which sends the next when one is answered: more would keep the others waiting. */
const MOST_DATAGRAMS_OF_TRACKER = 20
/** Who is over a rate asks again whether there is room. */
const ASK_EVERY_MS = 1_000
/** A database that is away fails all of them. */
const sayNotTaken = sparing('error', 'a frame was not taken')
const sayPacketNotTaken = sparing('error', 'a packet was not taken')

/** What an installer reads of them. */
const TWO_AT_ONCE = 'two trackers were connected with this IMEI at once'

export interface TeltonikaListener {
  /** The port that both TCP and UDP are heard on. */
  port: number
  /** Hears nothing new, ends the connections and resolves when what was taken is answered. */
  close(): Promise<void>
}

/**
 * Teltonika trackers over TCP and UDP on one port (0: any that is free). Each frame is acknowledged after the commit, with the count
 * of its records; what can't be stored now gets no answer, and the device sends it again. An unknown IMEI is refused and
 * listed. Source: teltonika.md, TCP session, UDP.
 */
export async function listenTeltonika(
  intake: Intake,
  port: number,
  host: string,
): Promise<TeltonikaListener> {
  const open = new Set<Connection>()
  const ofDevice: ConnectionOfDevice = new Map()
  const strangers = new Map<string, number>()
  const server = createServer({ noDelay: true }, (socket) => {
    const address = socket.remoteAddress ?? ''
    const many = strangers.get(address) ?? 0
    if (open.size >= MOST_CONNECTIONS || many >= MOST_STRANGERS_OF_ADDRESS) {
      countRefusal('teltonika', 'too-many-connections')
      socket.destroy()
      return
    }
    strangers.set(address, many + 1)
    const leave = () => {
      const left = (strangers.get(address) ?? 1) - 1
      if (left > 0) strangers.set(address, left)
      else strangers.delete(address)
    }
    const connection = new Connection(intake, socket, address, ofDevice, leave)
    open.add(connection)
    connections.labels('teltonika').inc()
    socket.once('close', () => {
      open.delete(connection)
      connections.labels('teltonika').dec()
    })
  })
  intake.activity.onElsewhere = ({ deviceNumber, at, address }) =>
    ofDevice.get(deviceNumber)?.giveWay(at, address)
  await listen(server, port, host)
  const { port: bound } = server.address() as { port: number }
  const datagrams = await hearDatagrams(intake, bound, host).catch((error: unknown) => {
    server.close()
    throw error
  })
  return {
    port: bound,
    async close() {
      server.close()
      await datagrams.close()
      await Promise.all([...open].map((connection) => connection.end()))
    },
  }
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, host, backlog: BACKLOG }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

/** By the device's number: who connects again replaces its older connection, which a mobile network may keep half open for hours. */
type ConnectionOfDevice = Map<number, Connection>

/** One tracker's connection: its items are answered one after the other, in their order. */
class Connection {
  readonly #intake: Intake
  readonly #socket: Socket
  readonly #address: string
  readonly #ofDevice: ConnectionOfDevice
  readonly #stream = new TeltonikaStream()
  #leave: (() => void) | undefined
  #sender: Sender | null = null
  /** Of `#sender`; the stream may have read a later login already. */
  #imei = ''
  #loggedInAt: Instant = 0
  #waiting: StreamItem[] = []
  #working: Promise<void> | undefined
  #timer: NodeJS.Timeout
  #ending = false
  /** The frame that waits until the device may say more. */
  #slowed: Buffer | undefined
  /** Told once if the other side turns out to be there, though another connection has taken this one's place. */
  #stillThere: (() => void) | undefined

  constructor(
    intake: Intake,
    socket: Socket,
    address: string,
    ofDevice: ConnectionOfDevice,
    leave: () => void,
  ) {
    this.#ofDevice = ofDevice
    this.#intake = intake
    this.#socket = socket
    this.#address = address
    this.#leave = leave
    this.#timer = setTimeout(() => this.#giveUp('no-login'), LOGIN_WITHIN_MS)
    socket.on('data', (chunk) => this.#read(chunk))
    // A reset tells nothing that the close does not.
    socket.on('error', () => socket.destroy())
    socket.once('end', () => this.#isThere())
    socket.once('close', () => {
      clearTimeout(this.#timer)
      this.#loggedIn()
      this.#forget()
      if (this.#stream.pendingBytes > 0) noteBroken('teltonika')
    })
  }

  /** Reads no more; resolves when what was read is answered. */
  async end(): Promise<void> {
    this.#ending = true
    this.#socket.pause()
    await this.#working
    this.#socket.end()
    this.#socket.destroySoon()
  }

  #read(chunk: Buffer): void {
    this.#isThere()
    if (this.#ending) return
    for (const item of this.#stream.push(chunk)) if (!this.#isSlowed(item)) this.#waiting.push(item)
    if (this.#stream.mustClose) this.#socket.pause()
    else {
      if (this.#waiting.length >= MOST_WAITING) this.#socket.pause()
      this.#await()
    }
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined
    })
  }

  /**
   * A tracker that waits for its acknowledgement in vain sends the frame again (teltonika.md), and is told once: it would take a second
   * acknowledgement for that of the next frame, and forget that one.
   */
  #isSlowed(item: StreamItem): boolean {
    return item.kind === 'frame' && this.#slowed !== undefined && item.raw.equals(this.#slowed)
  }

  /** The time that the device has for what comes next. */
  #await(): void {
    clearTimeout(this.#timer)
    const { pendingBytes, imei } = this.#stream
    const [reason, ms] =
      imei === null
        ? ['no-login', LOGIN_WITHIN_MS]
        : pendingBytes > 0
          ? ['half-frame', FRAME_WITHIN_MS]
          : ['idle', IDLE_MS]
    this.#timer = setTimeout(() => this.#giveUp(reason as string), ms as number)
  }

  #giveUp(reason: string): void {
    if (reason !== 'idle') countRefusal('teltonika', reason)
    this.#socket.destroy()
  }

  #loggedIn(): void {
    this.#leave?.()
    this.#leave = undefined
  }

  /**
   * Takes the device's place from its older connection: the newer lives. Frames that are not acknowledged come again on it. That
   * both are alive is told: an IMEI is no secret, and somebody else may be using it.
   */
  #replace({ device }: Sender, arrival: Omit<Arrival, 'raw'>): void {
    const older = this.#ofDevice.get(device.deviceNumber)
    if (older === this) return
    this.#ofDevice.set(device.deviceNumber, this)
    if (!older) return
    older.#giveWayTo(device, arrival.receivedAt, this.#address)
  }

  /** The device has connected to another process, at an instant by that one's clock; the newer connection lives there too. */
  giveWay(at: Instant, address: string): void {
    if (!this.#sender || at <= this.#loggedInAt) return
    this.#forget()
    this.#giveWayTo(this.#sender.device, at, address)
  }

  #giveWayTo(device: DevicePrincipal, at: Instant, newer: string): void {
    countRefusal('teltonika', 'replaced')
    this.#retire(() => {
      const imei = this.#imei
      const addresses = `from ${this.#address} and ${newer}`
      log.warn('two trackers are connected with one IMEI; the newer one goes on', {
        imei,
        device: device.deviceNumber,
        address: newer,
        older: this.#address,
      })
      const { activity } = this.#intake
      const arrival = { protocol: 'teltonika', address: newer, receivedAt: at } as const
      activity.noteRefusal(device, arrival, `${TWO_AT_ONCE}, ${addresses}`)
      activity.raise(device, 'two-trackers', `Both were connected with IMEI ${imei}, ${addresses}.`, at)
    })
  }

  /**
   * Nothing is taken or answered any more. A link that a mobile network keeps half open says nothing to that; one whose other side
   * is there ends it, or goes on talking, and then `stillThere` is called.
   */
  #retire(stillThere: () => void): void {
    this.#stillThere = stillThere
    this.#ending = true
    this.#waiting = []
    // What waits unread is from before, and proves nothing.
    if (this.#socket.isPaused()) return void this.#socket.destroy()
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#socket.destroy(), RETIRE_WITHIN_MS)
    this.#socket.end()
  }

  #isThere(): void {
    const tell = this.#stillThere
    if (!tell) return
    this.#stillThere = undefined
    tell()
    this.#socket.destroy()
  }

  #forget(): void {
    const number = this.#sender?.device.deviceNumber
    if (number !== undefined && this.#ofDevice.get(number) === this) this.#ofDevice.delete(number)
  }

  async #work(): Promise<void> {
    try {
      for (let item = this.#waiting.shift(); item; item = this.#waiting.shift()) {
        if (!(await this.#take(item))) {
          this.#waiting = []
          this.#socket.destroySoon()
          return
        }
        if (this.#waiting.length < MOST_WAITING && !this.#stream.mustClose && !this.#ending)
          this.#socket.resume()
      }
      if (this.#stream.mustClose) this.#socket.destroySoon()
    } catch (error) {
      // Not stored, so not acknowledged: the device sends it again on its next connection.
      countRefusal('teltonika', error instanceof AppError ? reasonOf(error) : 'failed')
      if (!(error instanceof AppError)) sayNotTaken({ imei: this.#stream.imei, ...faultOf(error) })
      this.#waiting = []
      this.#socket.destroy()
    }
  }

  /** False: the connection ends with it. */
  async #take(item: StreamItem): Promise<boolean> {
    const arrival = {
      protocol: 'teltonika' as const,
      address: this.#address,
      receivedAt: this.#intake.now(),
      from: performance.now(),
    }
    if (item.kind === 'login') {
      const sender = await senderOf(this.#intake, arrival, item.imei)
      // One that went away meanwhile takes nobody's place.
      if (this.#socket.destroyed || this.#ending) return false
      const before = this.#sender?.device
      if (sender && before && before.deviceNumber !== sender.device.deviceNumber)
        this.#intake.activity.raise(
          sender.device,
          'foreign-identity',
          `A connection from ${this.#address} said to be another tracker first, and then this one.`,
          arrival.receivedAt,
        )
      this.#forget()
      this.#sender = sender
      this.#imei = item.imei
      this.#loggedInAt = arrival.receivedAt
      this.#socket.write(loginReply(sender !== null))
      if (sender) {
        this.#loggedIn()
        this.#replace(sender, arrival)
        this.#intake.activity.noteConnected(sender.device, arrival)
      }
      return this.#sender !== null
    }
    if (item.kind === 'reject') {
      countRefusal('teltonika', item.code)
      // A login that names nobody is refused like one of a stranger; what is none is told nothing.
      if (item.code === 'imei' && !this.#sender) this.#socket.write(loginReply(false))
      if (this.#sender) {
        const { device } = this.#sender
        const said = `From ${this.#address}: ${item.reason}`
        this.#intake.activity.raise(device, 'bad-frames', said, arrival.receivedAt)
        await noteRefused(this.#intake, { ...arrival, raw: item.raw }, device, item.reason)
      }
      return true
    }
    if (item.kind === 'other' || !this.#sender) return true
    if (!(await this.#room(this.#sender, item.raw))) return true
    if (!(await this.#isStill(this.#sender, arrival))) return false
    await takeReadings(this.#intake, this.#sender, item.readings, { ...arrival, raw: item.raw })
    if (!this.#socket.writableEnded) this.#socket.write(acknowledgement(item.count))
    return true
  }

  /**
   * Whether the IMEI is still this device's and may report: a connection lives for days, and a revocation, or a tracker that was moved to
   * another truck, counts within seconds. Asked of what is remembered for so long.
   */
  async #isStill({ device }: Sender, arrival: Omit<Arrival, 'raw'>): Promise<boolean> {
    const now = await senderOf(this.#intake, arrival, this.#imei)
    if (now?.device.deviceNumber !== device.deviceNumber) return false
    this.#sender = now
    return true
  }

  /**
   * Waits until the device may say more, by its own rate and by its fleet's; nothing more is taken of it meanwhile. Its frame is just not
   * acknowledged yet, however often it is sent: to end the connection would cost a new one besides. False: the connection has ended.
   */
  async #room({ device }: Sender, frame: Buffer): Promise<boolean> {
    const { gate } = this.#intake
    let over = gate.overRate(device)
    if (!over) return true
    countSlowed('teltonika', over)
    this.#slowed = frame
    for (; over; over = gate.overRate(device)) {
      // All that wait for one fleet do not ask at the same instant.
      const spreadMs = over.whose === 'fleet' ? Math.random() * ASK_EVERY_MS : 0
      await pause(Math.min(over.waitMs, ASK_EVERY_MS) + spreadMs)
      if (this.#ending || this.#socket.destroyed) return false
    }
    this.#slowed = undefined
    return true
  }
}

/** UDP: each packet for itself, with its IMEI. */
async function hearDatagrams(
  intake: Intake,
  port: number,
  host: string,
): Promise<{ close(): Promise<void> }> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  const taking = new Set<Promise<void>>()
  const waiting = new Map<string, number>()
  const take = async (bytes: Buffer, address: string, from: number): Promise<void> => {
    const packet = decodeDatagram(bytes)
    if ('code' in packet) return countRefusal('teltonika', packet.code)
    const arrival = {
      protocol: 'teltonika' as const,
      address,
      raw: bytes,
      receivedAt: intake.now(),
      from: performance.now(),
    }
    const { imei, packetId, avlPacketId, readings } = packet
    const before = waiting.get(imei) ?? 0
    if (before >= MOST_DATAGRAMS_OF_TRACKER) return countRefusal('teltonika', 'busy')
    waiting.set(imei, before + 1)
    try {
      const sender = await senderOf(intake, arrival, imei)
      if (!sender) return
      const held = admit(intake, sender, 'teltonika')
      if (held) await held
      await takeReadings(intake, sender, readings, arrival)
      socket.send(datagramReply(packetId, avlPacketId, readings.length), from, address)
    } finally {
      const left = waiting.get(imei)! - 1
      if (left > 0) waiting.set(imei, left)
      else waiting.delete(imei)
    }
  }
  socket.on('message', (bytes, { address, port: from }) => {
    if (taking.size >= MOST_DATAGRAMS) return countRefusal('teltonika', 'busy')
    const one = take(bytes, address, from)
      .catch((error: unknown) => {
        countRefusal('teltonika', error instanceof AppError ? reasonOf(error) : 'failed')
        if (!(error instanceof AppError)) sayPacketNotTaken({ address, ...faultOf(error) })
      })
      .finally(() => taking.delete(one))
    taking.add(one)
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.bind(port, host, () => {
      socket.off('error', reject)
      socket.on('error', (error) => log.error('UDP failed', { port, error: error.message }))
      resolve()
    })
  })
  return {
    async close() {
      await Promise.all(taking)
      await new Promise<void>((resolve) => socket.close(() => resolve()))
    },
  }
}
