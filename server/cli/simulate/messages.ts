import type { SimulatedDevice } from '../../../prisma/seed/devices.ts'
import { type Cadence, fixTimes } from '../../../prisma/seed/fixes.ts'
import type { Itinerary } from '../../../prisma/seed/plan.ts'
import type { Heartbeat } from '../../ingest/schema.ts'
import { DAY, HOUR, type Instant, MINUTE, SECOND } from '../../time/instant.ts'

/** What a device says, in its order. Everything up to `through` is said once it is acknowledged. */
export type Message =
  | { kind: 'fixes'; through: Instant; heartbeats: Heartbeat[] }
  | { kind: 'status'; through: Instant; status: 'ON' | 'OFF' | 'SB'; annotation: string }

const LIVE: Cadence = { movingMs: 5 * SECOND, parkedMs: MINUTE }
/** A backlog is thinner than what is said as it happens; both are on one grid, so nothing is said in two ways. */
const BACKLOG: Cadence = { movingMs: MINUTE, parkedMs: 10 * MINUTE }
const BACKLOG_AFTER_MS = 3 * MINUTE
/**
 * Of what lies further back than any rule looks, little more than departures and arrivals. Left out altogether, the gap
 * would read as one long drive.
 */
const OLD: Cadence = { movingMs: 30 * MINUTE, parkedMs: 12 * HOUR }
const OLD_AFTER_MS = 8 * DAY
const OLD_AT_ONCE_MS = 30 * DAY
/** Older fixes are doubted and kept out of everything. */
const LONGEST_BACKLOG_MS = 390 * DAY
const MOST_PER_MESSAGE = 500

const rounded = (value: number, digits: number) => Number(value.toFixed(digits))

function heartbeatAt({ name }: SimulatedDevice, itinerary: Itinerary, at: Instant): Heartbeat {
  const state = itinerary.at(at)
  return {
    device: name,
    fixTime: at,
    latitude: rounded(state.latitude, 7),
    longitude: rounded(state.longitude, 7),
    speedKph: rounded(state.speedKph, 1),
    headingDegrees: Math.round(state.headingDegrees) % 360,
    odometerMeters: Math.round(state.odometerMeters),
    ignition: state.ignition,
  }
}

/** What the device has to say after `said`: everything up to `now`, or a piece of a backlog of weeks. */
export function messagesDue(
  device: SimulatedDevice,
  itinerary: Itinerary,
  said: Instant,
  now: Instant,
): Message[] {
  const { silence, beginsAt } = device.plan
  if (silence && now >= silence.from && now < silence.until) return []
  const from = Math.max(said, now - LONGEST_BACKLOG_MS, beginsAt)
  const oldUntil = Math.min(now - OLD_AFTER_MS, from + OLD_AT_ONCE_MS)
  const old = from < oldUntil ? messagesWithin(device, itinerary, from, oldUntil, OLD) : []
  if (old.length > 0) return old
  return messagesWithin(device, itinerary, from, now, now - from > BACKLOG_AFTER_MS ? BACKLOG : LIVE)
}

/** Everything in (from, until]: fixes, and between them what the driver set. */
function messagesWithin(
  device: SimulatedDevice,
  itinerary: Itinerary,
  from: Instant,
  until: Instant,
  cadence: Cadence,
): Message[] {
  const messages: Message[] = []
  let heartbeats: Heartbeat[] = []
  let through = from
  const flush = () => {
    if (heartbeats.length > 0) messages.push({ kind: 'fixes', through, heartbeats })
    heartbeats = []
  }
  const statuses = itinerary.statuses(from + 1, until + 1)
  let next = 0
  const tell = (before: Instant) => {
    for (; next < statuses.length && statuses[next]!.at < before; next++) {
      flush()
      const { at, status, note } = statuses[next]!
      messages.push({ kind: 'status', through: at, status, annotation: note })
    }
  }
  for (const at of fixTimes(itinerary, from, until, cadence)) {
    tell(at)
    heartbeats.push(heartbeatAt(device, itinerary, at))
    through = at
    if (heartbeats.length >= MOST_PER_MESSAGE) flush()
  }
  tell(Number.POSITIVE_INFINITY)
  flush()
  return messages
}

/** When the device next has something to say, after `said`. */
export function nextDue({ plan }: SimulatedDevice, itinerary: Itinerary, said: Instant): Instant {
  const after = Math.max(said, plan.beginsAt)
  const until = after + LIVE.parkedMs + SECOND
  const fix = fixTimes(itinerary, after, until, LIVE)[0] ?? until
  const set = itinerary.statuses(after + 1, until)[0]?.at ?? until
  const due = Math.min(fix, set)
  return plan.silence && due >= plan.silence.from && due < plan.silence.until ? plan.silence.until : due
}
