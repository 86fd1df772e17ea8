import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type pg from 'pg'
import type { DeviceAuthenticator, DeviceProtocol } from '../auth/device.ts'
import { DeviceGate, type DoorAuthOptions, type OverRate } from '../auth/door-auth.ts'
import { DeviceDirectory, type Identified } from '../auth/identity.ts'
import type { Spend } from '../auth/nonces.ts'
import type { DevicePrincipal } from '../auth/principal.ts'
import { isWithin } from '../auth/ranges.ts'
import { AppError } from '../errors.ts'
import type { Instant } from '../time/instant.ts'
import type { Batch } from './batch.ts'
import { OPEN_IDENTITY } from './judge.ts'
import { countSlowed } from './metrics.ts'
import type { PhoneRequest } from './phones.ts'
import { batchOf } from './point.ts'
import type { Reading } from './reading.ts'
import { type Receiver, receiverOf, storeCounted } from './receive.ts'
import { activityOf, type DeviceActivity } from './status.ts'

/** What every door needs. */
export interface Intake {
  receiver: Receiver
  activity: DeviceActivity
  pool: pg.Pool
  /** Who is there: every door that can see more than an identity asks it. */
  gate: DeviceGate
  devices: DeviceAuthenticator
  directory: DeviceDirectory
  now: () => number
}

/** Where nobody says what the doors are called: on this machine alone, with a secret that ends with the process. */
const alone = (): DoorAuthOptions => ({
  publicOrigin: 'http://localhost',
  secrets: [randomBytes(32).toString('base64')],
})

/** The one way in of a process: all doors share it. */
export const intakeOf = (
  pool: pg.Pool,
  now: () => number,
  auth: DoorAuthOptions = alone(),
  gate = new DeviceGate(pool, now, auth),
): Intake => ({
  receiver: receiverOf(pool),
  activity: activityOf(pool),
  pool,
  gate,
  devices: gate.tokens,
  directory: new DeviceDirectory(pool, now),
  now,
})

const PANIC = 2

/** Where a message came from, and when. */
export interface Arrival {
  protocol: DeviceProtocol
  address: string
  /** The message as it came, for the installer. */
  raw: Buffer
  receivedAt: Instant
  /** performance.now() when it was whole. */
  from: number
}

/** Why something of a message could not be taken, once for each that was refused. */
export type Turned = readonly string[]

/**
 * Stores a batch and notes what came of it. Resolves after the commit.
 * @param spend what makes a signed request unrepeatable
 * @returns how many were new
 * @throws AppError busy: nothing of it is acknowledged; RefusedRequest replayed
 */
export async function takeBatch(
  intake: Intake,
  batch: Batch,
  arrival: Arrival,
  turned: Turned = [],
  spend: Spend | null = null,
): Promise<number> {
  const stored = await storeCounted(intake.receiver, arrival.protocol, [batch], spend)
  noteBatch(intake, batch, stored[0]!, arrival, turned)
  return stored[0]!
}

/** What an installer asks of a device: how it is doing. */
export function noteBatch(
  { activity }: Intake,
  batch: Batch,
  stored: number,
  arrival: Arrival,
  turned: Turned = [],
): void {
  // Field by field: what is spread V8 makes by a slow way, here and for every heartbeat.
  activity.note(batch.device, {
    protocol: arrival.protocol,
    address: arrival.address,
    raw: arrival.raw,
    receivedAt: arrival.receivedAt,
    received: batch.size + turned.length,
    stored,
    duplicates: batch.size - stored,
    refusals: turned,
    batch,
    tookMs: performance.now() - arrival.from,
  })
}

/** A broker speaks for all of its devices: its address says nothing of one that knocks. */
const addressOf = ({ protocol, address }: Pick<Arrival, 'protocol' | 'address'>) =>
  protocol === 'mqtt' ? null : address

/**
 * Notes a message of which nothing can be taken, for its device if that is known, else as one who knocks.
 * @throws AppError too-often or busy as senderOf; a database error as it is
 */
export async function noteRefused(
  { directory, activity }: Intake,
  arrival: Arrival,
  sender: DevicePrincipal | { identity: string | null },
  reason: string,
): Promise<void> {
  const { protocol } = arrival
  const device =
    'kind' in sender
      ? sender
      : sender.identity === null
        ? null
        : (await directory.find(protocol, sender.identity, addressOf(arrival)))?.principal
  if (device) {
    activity.note(device, {
      ...arrival,
      received: 1,
      stored: 0,
      duplicates: 0,
      refusals: [reason],
      batch: null,
      tookMs: performance.now() - arrival.from,
    })
  } else if ('identity' in sender && sender.identity !== null) {
    activity.noteUnknown(protocol, sender.identity, arrival.address, 'malformed', arrival.receivedAt)
  }
}

/** Who sends: proved by a token, or known by an identity alone. */
export interface Sender {
  device: DevicePrincipal
  /** Bits of judge.ts that all its positions carry. */
  flags: number
}

/**
 * The device behind an identity that a protocol carries. One that may report by its identity alone is taken as it is, its positions
 * marked as weaker evidence, and so with a token in an address; any other must bring its token. Either must come from the device's
 * networks, where it is bound to some. Nobody is created: whoever is not enrolled is listed to the installer.
 * @returns null if nobody of that identity may report
 * @throws AppError too-often if its address has brought too many strangers, busy if too many ask at once: it comes again; a
 *   database error as it is
 */
export async function senderOf(
  { directory, activity, devices }: Intake,
  arrival: Pick<Arrival, 'protocol' | 'address' | 'receivedAt'>,
  identity: string,
  { authorization, tokenInAddress }: Partial<Pick<PhoneRequest, 'authorization' | 'tokenInAddress'>> = {},
): Promise<Sender | null> {
  const { protocol, address, receivedAt } = arrival
  const seenFrom = addressOf(arrival)
  const found = await directory.find(protocol, identity, seenFrom)
  const networks = found?.networks ?? null
  if (networks !== null && seenFrom !== null && !isWithin(networks, seenFrom)) {
    activity.noteUnknown(protocol, identity, address, 'elsewhere', receivedAt)
    return null
  }
  // An app names itself in each message and may bring a token besides: the fleet's order says which is asked for first.
  if (found?.open && found.identityFirst) return { device: found.principal, flags: OPEN_IDENTITY }
  const proven = found && authorization !== undefined ? await tokenOf(devices, authorization) : null
  if (found && proven && isSame(proven, found))
    return { device: proven, flags: tokenInAddress ? OPEN_IDENTITY : 0 }
  // Another device's token says that this is not who it claims to be; one that is none says nothing.
  if (found?.open && !proven) return { device: found.principal, flags: OPEN_IDENTITY }
  if (found && proven)
    activity.raise(
      found.principal,
      'foreign-identity',
      `From ${address}, with the token of another device.`,
      receivedAt,
    )
  const reason = !found ? 'unknown' : authorization === undefined ? 'no-token' : 'wrong-token'
  activity.noteUnknown(protocol, identity, address, reason, receivedAt)
  return null
}

const isSame = (device: DevicePrincipal, { principal }: Identified) =>
  device.deviceNumber === principal.deviceNumber

async function tokenOf(devices: DeviceAuthenticator, authorization: string): Promise<DevicePrincipal | null> {
  try {
    return devices.known(authorization) ?? (await devices.authenticate(authorization))
  } catch (error) {
    if (error instanceof AppError && error.code === 'unauthenticated') return null
    throw error
  }
}

/** Of a device over its own rate: so long its request is held. */
const MOST_HELD_MS = 2_000

/**
 * Counts a request of a sender. One of a device over its own rate is held for a moment: a phone that was away says hundreds of things,
 * each with a request of its own when the one before is answered, and goes on later where it is refused.
 * @returns undefined if there is room now
 * @throws OverRate, or rejects with it: the request is not to be stored now, and not acknowledged
 */
export function admit(
  { gate }: Intake,
  { device }: Sender,
  protocol: DeviceProtocol,
): Promise<void> | undefined {
  const over = gate.overRate(device)
  if (!over) return undefined
  if (over.whose === 'fleet') throw over
  countSlowed(protocol, over)
  return hold(gate, device, over)
}

async function hold(gate: DeviceGate, device: DevicePrincipal, first: OverRate): Promise<void> {
  let heldMs = 0
  for (let over: OverRate | null = first; over; over = gate.overRate(device)) {
    heldMs += over.waitMs
    if (over.whose === 'fleet' || heldMs > MOST_HELD_MS) throw over
    await pause(over.waitMs)
  }
}

/** Stores the readings of a sender, and tells who calls for help. Resolves after the commit; @throws AppError busy as takeBatch */
export async function takeReadings(
  intake: Intake,
  { device, flags }: Sender,
  readings: readonly Reading[],
  arrival: Arrival,
  turned?: Turned,
): Promise<number> {
  const stored = await takeBatch(
    intake,
    batchOf(readings, device, arrival.receivedAt, flags),
    arrival,
    turned,
  )
  const call = readings.find(callsForHelp)
  // What is said again because its answer was lost has been told.
  if (call && stored > 0) intake.activity.raise(device, 'sos', callWords(call, arrival), arrival.receivedAt)
  return stored
}

/** A phone's `alarm=sos` (osmand.md), a tracker's panic priority (teltonika.md, Record). */
const callsForHelp = ({ attributes: { alarm, priority } }: Reading) =>
  [alarm].flat().some((one) => typeof one === 'string' && /^sos$/i.test(one)) || priority === PANIC

function callWords({ fixAt, latitude, longitude }: Reading, { receivedAt }: Arrival): string {
  const at = new Date(fixAt ?? receivedAt)
  const when = Number.isNaN(at.getTime())
    ? 'at no known time'
    : `at ${at.toISOString().slice(0, 16).replace('T', ' ')} UTC`
  const where =
    latitude === null || longitude === null
      ? 'without a place'
      : `at ${latitude.toFixed(5)}, ${longitude.toFixed(5)}`
  return `It was called for ${when}, ${where}.`
}
