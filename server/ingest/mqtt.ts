import { setTimeout as pause } from 'node:timers/promises'
import { connect, type MqttClient } from 'mqtt'
import type { OverRate } from '../auth/door-auth.ts'
import { AppError } from '../errors.ts'
import { faultOf, log } from '../log.ts'
import { connections, countMessage, countRefusal, countSlowed } from './metrics.ts'
import { decodeOwnTracks } from './owntracks.ts'
import type { Reading } from './reading.ts'
import { refusalWords } from './said.ts'
import { type Arrival, type Intake, noteRefused, type Sender, senderOf, takeReadings } from './take.ts'

export interface MqttOptions {
  /** mqtt:// or mqtts://, with the user and the password that the broker wants. */
  url: string
  /** Fixed, so that the broker queues for us while we are away; no two processes may have the same. */
  clientId: string
  /** Processes of one group share the messages among them (`$share/GROUP/…`). */
  group?: string | undefined
  /** Where devices publish: as many levels as their apps' pubTopicBase has. */
  topic: string
}

export interface MqttDoor {
  /** Whether the broker gives us what devices publish. */
  readonly connected: boolean
  /** Takes nothing new; resolves when what was taken is acknowledged and the broker knows that we left. */
  close(): Promise<void>
}

/** What a device publishes below its own topic and is no location: taken so that the broker does not keep it. */
const BELOW = ['event', 'waypoint', 'waypoints', 'status', 'dump', 'step', 'beacon']
/** Messages that wait for the disk; beyond it nothing more is read from the broker. */
const MOST_WAITING = 500
const MOST_PAYLOAD_BYTES = 1 << 20
const KEEPALIVE_SECONDS = 30
const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 30_000
/** A connection that held so long was a good one. */
const GOOD_AFTER_MS = 60_000

/**
 * OwnTracks over MQTT from an existing broker (owntracks-mqtt.md): a persistent session at QoS 1, and PUBACK after the
 * commit. A device is known by the topic that the broker lets it publish to, and no token comes with what a broker hands on:
 * weaker evidence, and a device of this protocol is heard nowhere else. What can't be stored now is not acknowledged: the connection ends, and the broker gives it again on the next,
 * which is made with growing pauses.
 */
export function subscribeMqtt(intake: Intake, options: MqttOptions): MqttDoor {
  const address = `mqtt ${new URL(options.url).host}`
  const taking = new Set<Promise<void>>()
  const stopping = new AbortController()
  const inTurn = turnsOf(intake, roomOf(intake, stopping.signal))
  let client: MqttClient | undefined
  let timer: NodeJS.Timeout | undefined
  let pauseMs = FIRST_PAUSE_MS
  let subscribed = false
  let closing = false

  const start = () => {
    const startedAt = performance.now()
    const own = connect(options.url, {
      clientId: options.clientId,
      clean: false,
      keepalive: KEEPALIVE_SECONDS,
      // A client a connection: what is not acknowledged on one is given again on the next, and nothing else is kept.
      reconnectPeriod: 0,
    })
    client = own
    own.on('connect', ({ sessionPresent }) => {
      own.subscribe(topicsOf(options), { qos: 1 }, (error, granted = []) => {
        if (closing || client !== own) return
        if (error || granted.some(({ qos }) => qos > 2)) {
          log.error('the MQTT broker refuses the subscription', { broker: address, ...faultOf(error) })
          own.end(true)
          return
        }
        subscribed = true
        connections.labels('mqtt').set(1)
        log.info('the MQTT broker is connected', { broker: address, sessionPresent })
      })
    })
    // Called for one message after the other; an error means that this is not the time to acknowledge.
    own.handleMessage = (packet, next) => {
      const { stream } = own
      const later = () => (packet.qos === 0 ? next() : next(NOT_YET))
      const one = take(packet.topic, bytesOf(packet.payload), packet.retain)
        .then(
          () => {
            pauseMs = FIRST_PAUSE_MS
            if (packet.qos > 0 && own.stream === stream && !stream.destroyed)
              stream.write(puback(packet.messageId!))
          },
          (error: unknown) => {
            if (closing) return
            const busy = error instanceof AppError && error.code === 'busy'
            countRefusal('mqtt', busy ? 'busy' : 'failed')
            if (client === own && own.connected)
              log.warn('a message of the MQTT broker was not stored; it will be given again', {
                broker: address,
                ...(busy ? { error: error.message } : faultOf(error)),
              })
            own.end(true)
          },
        )
        .finally(() => taking.delete(one))
      taking.add(one)
      if (closing) return
      if (taking.size < MOST_WAITING) later()
      else void one.then(later)
    }
    own.on('error', (error) => log.warn('the MQTT broker is away', { broker: address, error: error.message }))
    own.once('close', () => {
      if (client !== own) return
      client = undefined
      if (subscribed) log.warn('the connection to the MQTT broker ended', { broker: address })
      subscribed = false
      connections.labels('mqtt').set(0)
      own.end(true)
      if (closing) return
      if (performance.now() - startedAt > GOOD_AFTER_MS) pauseMs = FIRST_PAUSE_MS
      // Not all processes of a group at the same instant.
      timer = setTimeout(start, pauseMs * (0.5 + Math.random() / 2))
      pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2)
    })
  }

  const take = async (topic: string, raw: Buffer, retained: boolean): Promise<void> => {
    const arrival: Arrival = {
      protocol: 'mqtt',
      address,
      raw,
      receivedAt: intake.now(),
      from: performance.now(),
    }
    // A retained message was cleared.
    if (raw.length === 0) return
    // The broker's memory of one that was given out long ago: it is no news, and may be months old.
    if (retained) {
      countMessage('mqtt', 0, 1, 0, 0)
      return
    }
    if (raw.length > MOST_PAYLOAD_BYTES) return countRefusal('mqtt', 'too-large')
    const message = decodeOwnTracks(raw, { topic })
    // Whoever is refused for good is acknowledged: the broker would hold it in front of the others.
    if (message.kind === 'ignored') {
      if (message.type === 'encrypted') noteUnknown(message.identity ?? topic, 'encrypted', arrival)
      return
    }
    if (message.kind === 'refused')
      return noteRefused(intake, arrival, { identity: message.identity ?? topic }, refusalWords(message))
    const sender = await senderOf(intake, arrival, message.identity ?? topic)
    if (sender) await inTurn(sender, message.reading, arrival)
  }
  const noteUnknown = (identity: string, reason: string, { receivedAt }: Arrival) =>
    intake.activity.noteUnknown('mqtt', identity, address, reason, receivedAt)

  start()
  return {
    get connected() {
      return subscribed
    },
    async close() {
      closing = true
      stopping.abort()
      clearTimeout(timer)
      await Promise.allSettled(taking)
      const last = client
      client = undefined
      await last?.endAsync(!last.connected)
    },
  }
}

/**
 * Waits until a device may say more, by its own rate and by its fleet's. A broker hands out few messages at a time, of all fleets: those
 * of one that is over its rate go on together as one request, so that they stand in front of the others for no longer than that takes.
 * @returns undefined if there is room now; rejects when the door closes
 */
function roomOf({ gate }: Intake, stop: AbortSignal): (sender: Sender) => Promise<void> | undefined {
  const waiting = new Map<number, Promise<void>>()
  return ({ device }) => {
    const { fleetNumber } = device
    const together = waiting.get(fleetNumber)
    if (together) return together
    const over = gate.overRate(device)
    if (!over) return undefined
    countSlowed('mqtt', over)
    const wait = async () => {
      for (let more: OverRate | null = over; more; more = gate.overRate(device))
        await pause(more.waitMs, undefined, { signal: stop })
    }
    if (over.whose === 'device') return wait()
    const all = wait().finally(() => waiting.delete(fleetNumber))
    waiting.set(fleetNumber, all)
    return all
  }
}

/** Messages of a device that came while an earlier one of it was written. */
interface Turn {
  readings: Reading[]
  raws: Buffer[]
  written: Promise<void>
}

/**
 * Stores what devices say, each device's messages one commit after the other, and together what has come meanwhile: the broker hands out
 * few at a time, in their order, and a phone that was away for a day would fill all of these, each of its messages with a commit of its
 * own, in front of everybody else's.
 * @returns resolves after the commit
 */
function turnsOf(
  intake: Intake,
  room: (sender: Sender) => Promise<void> | undefined,
): (sender: Sender, reading: Reading, arrival: Arrival) => Promise<void> {
  const writing = new Map<number, Promise<void>>()
  const waiting = new Map<number, Turn>()
  const write = (sender: Sender, readings: readonly Reading[], arrival: Arrival): Promise<void> => {
    const { deviceNumber } = sender.device
    const take = () => takeReadings(intake, sender, readings, arrival)
    const wait = room(sender)
    const written: Promise<void> = (wait ? wait.then(take) : take())
      .then(() => undefined)
      .finally(() => {
        if (writing.get(deviceNumber) === written) writing.delete(deviceNumber)
      })
    writing.set(deviceNumber, written)
    return written
  }
  return (sender, reading, arrival) => {
    const { deviceNumber } = sender.device
    const earlier = writing.get(deviceNumber)
    if (!earlier) return write(sender, [reading], arrival)
    let turn = waiting.get(deviceNumber)
    if (!turn) {
      const [readings, raws]: [Reading[], Buffer[]] = [[], []]
      const written = earlier
        .catch(() => undefined)
        .then(() => {
          waiting.delete(deviceNumber)
          return write(sender, readings, { ...arrival, raw: joined(raws) })
        })
      turn = { readings, raws, written }
      waiting.set(deviceNumber, turn)
    }
    turn.readings.push(reading)
    turn.raws.push(arrival.raw)
    return turn.written
  }
}

/** A line for each message. */
const joined = (raws: readonly Buffer[]) =>
  Buffer.concat(raws.flatMap((raw, i) => (i === 0 ? [raw] : [NEW_LINE, raw])))
const NEW_LINE = Buffer.from('\n')

/** Tells the client to go on without acknowledging. */
const NOT_YET = new Error('acknowledged after the commit')

function topicsOf({ topic, group }: MqttOptions): string[] {
  const prefix = group === undefined ? '' : `$share/${group}/`
  return [topic, ...BELOW.map((below) => `${topic}/${below}`)].map((one) => prefix + one)
}

const bytesOf = (payload: string | Buffer) => (typeof payload === 'string' ? Buffer.from(payload) : payload)

/** MQTT 3.1.1, 3.4. */
const puback = (messageId: number) => Buffer.from([0x40, 2, messageId >> 8, messageId & 0xff])
