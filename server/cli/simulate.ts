import { setMaxListeners } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { readDevices, type SimulatedDevice } from '../../prisma/seed/devices.ts'
import { Itinerary } from '../../prisma/seed/plan.ts'
import { DeviceClient, ownSigner } from '../agent/client.ts'
import { leash } from '../leash.ts'
import { deliver, type Line } from './simulate/deliver.ts'
import { messagesDue, nextDue } from './simulate/messages.ts'
import { Progress } from './simulate/progress.ts'

const USAGE = 'usage: simulate --url http://127.0.0.1:3000 --devices FILE'
/** Requests under way at once; a fleet that comes back after a night delivers its backlog in this many lanes. */
const LANES = 24
const SAVE_EVERY_MS = 5_000
const TELL_EVERY_MS = 60_000

/** Trucks that report over HTTP as real ones would: heartbeats and what their drivers set, each signed with its own key. */
const { values } = parseArgs({ options: { url: { type: 'string' }, devices: { type: 'string' } } })
if (!values.url || !values.devices) {
  console.error(USAGE)
  process.exit(2)
}
const { url, devices: devicesPath } = values
const file = readDevices(devicesPath)
if (!file) {
  console.error(`${devicesPath} is no devices file: seed a scenario first.`)
  process.exit(1)
}

const stopping = new AbortController()
setMaxListeners(0, stopping.signal)
const stop = () => stopping.abort(new Error('stopping'))
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, stop)
leash(stop)

const progress = new Progress(devicesPath, file)
const tally = { heartbeats: 0, statuses: 0, troubles: 0, lastTrouble: '' }
let troubleToldAt = 0
const onTrouble = (name: string, sentence: string) => {
  tally.troubles++
  tally.lastTrouble = `${name}: ${sentence.slice(0, 300)}`
  // An outage is told once in a while, not once for each truck.
  if (Date.now() - troubleToldAt < 5_000) return
  troubleToldAt = Date.now()
  console.error(tally.lastTrouble)
}

let free = LANES
const waiting: (() => void)[] = []
async function inLane(work: () => Promise<void>): Promise<void> {
  if (free > 0) free--
  else await new Promise<void>((resolve) => waiting.push(resolve))
  try {
    await work()
  } finally {
    const next = waiting.shift()
    if (next) next()
    else free++
  }
}

/** One truck, until the simulator stops: says what is due, waits for what comes next. */
async function run(device: SimulatedDevice): Promise<void> {
  const itinerary = new Itinerary(device.plan)
  const client = new DeviceClient({ url, signer: ownSigner(device.key) })
  const line: Line = {
    send: (target, body, signal) => client.send('POST', target, Buffer.from(body), { signal }),
    signal: stopping.signal,
    pause: (ms) => pause(ms, undefined, { signal: stopping.signal }),
    onTrouble: (sentence) => onTrouble(device.name, sentence),
    onDelivered: (message) => {
      if (message.kind === 'fixes') tally.heartbeats += message.heartbeats.length
      else tally.statuses++
      progress.advance(device.vehicleId, message.through)
    },
  }
  for (;;) {
    const said = progress.said(device.vehicleId)
    for (const message of messagesDue(device, itinerary, said, Date.now())) {
      await inLane(() => deliver(message, line))
    }
    const due = nextDue(device, itinerary, progress.said(device.vehicleId))
    await pause(Math.max(20, due - Date.now()), undefined, { signal: stopping.signal })
  }
}

const saving = setInterval(() => progress.save(), SAVE_EVERY_MS)
const telling = setInterval(() => {
  const { heartbeats, statuses, troubles } = tally
  console.log(
    `${new Date().toISOString()} ${heartbeats} heartbeats, ${statuses} statuses, ${troubles} troubles`,
  )
}, TELL_EVERY_MS)
console.log(`${file.devices.length} trucks of "${file.scenario}" report to ${url}`)
await Promise.all(
  file.devices.map((device) =>
    run(device).catch((error: Error) => {
      if (!stopping.signal.aborted) console.error(`${device.name} has ended: ${error.stack}`)
    }),
  ),
)
clearInterval(saving)
clearInterval(telling)
progress.save()
process.exit(0)
