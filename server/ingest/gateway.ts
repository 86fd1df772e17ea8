import type { IncomingMessage } from 'node:http'
import type { DoorRequest, Proven } from '../auth/authenticators.ts'
import { RefusedRequest, refuse } from '../auth/keys/refusal.ts'
import type { DevicePrincipal } from '../auth/principal.ts'
import { AppError } from '../errors.ts'
import type { Batch } from './batch.ts'
import { receiveBody } from './body.ts'
import { decodeReport, MOST_HEARTBEATS, wordsOf } from './decode.ts'
import { storeCounted } from './receive.ts'
import type { Receipt, Refused } from './schema.ts'
import { type Arrival, type Intake, noteBatch } from './take.ts'

export const NO_SCOPE = refuse('scope_denied', 'What signed this may not report positions.')
/** Devices that it may not speak for and devices that are not there: one answer. */
export const NOT_ITS_OWN = refuse(
  'scope_denied',
  'A heartbeat names a device that this key does not speak for: nothing was stored.',
)

/** A request of Node's as authenticators see it; the body is read once, by whoever needs it first. */
export class IncomingRequest implements DoorRequest {
  readonly #req: IncomingMessage
  #body: Promise<Buffer | undefined> | undefined

  constructor(req: IncomingMessage) {
    this.#req = req
  }

  get method(): string {
    return this.#req.method ?? 'GET'
  }
  get target(): string {
    return this.#req.url ?? '/'
  }
  get headers() {
    return this.#req.headers
  }
  get rawHeaders() {
    return this.#req.rawHeaders
  }
  get address(): string {
    return this.#req.socket.remoteAddress ?? ''
  }
  body(): Promise<Buffer | undefined> {
    this.#body ??= receiveBody(this.#req)
    return this.#body
  }
}

/** It speaks for several devices: a gateway, or a back office that sends for its trucks. */
export const isGateway = ({ device }: Proven) => device === null

/** The devices that a report names, as far as it is one; what is no heartbeat names none. */
export function namesOf(report: unknown): string[] {
  const heartbeats: readonly unknown[] = Array.isArray(report) ? report : [report]
  const names: string[] = []
  for (const one of heartbeats) {
    const name = (one as { device?: unknown } | null)?.device
    if (typeof name === 'string') names.push(name)
  }
  return names
}

/**
 * A report of several devices by one key: every row is held against the key's scope, and one foreign device refuses all of it
 * (device-signatures section 2). Everything that can be stored is stored in one transaction, or nothing.
 * @throws RefusedRequest scope_denied or replayed; AppError as decodeReport
 */
export async function takeForMany(
  intake: Intake,
  report: unknown,
  arrival: Arrival,
  proven: Proven,
): Promise<Receipt> {
  if (report === null || typeof report !== 'object')
    throw new AppError('malformed', 'The body must be one heartbeat or an array of heartbeats.')
  const heartbeats: readonly unknown[] = Array.isArray(report) ? report : [report]
  if (heartbeats.length > MOST_HEARTBEATS)
    throw new AppError(
      'too-large',
      `${heartbeats.length} heartbeats in one request; send at most ${MOST_HEARTBEATS}.`,
    )
  const devices = await devicesOf(intake, proven, [...new Set(namesOf(report))])
  const refused: Refused[] = []
  const groups = new Map<DevicePrincipal, { items: unknown[]; indexes: number[] }>()
  for (const [index, one] of heartbeats.entries()) {
    const name = (one as { device?: unknown } | null)?.device
    const device = typeof name === 'string' ? devices.get(name) : undefined
    if (!device) {
      refused.push({ index, field: 'device', reason: 'must be the name under which the device was enrolled' })
      continue
    }
    const group = groups.get(device) ?? { items: [], indexes: [] }
    group.items.push(one)
    group.indexes.push(index)
    groups.set(device, group)
  }
  const batches: { batch: Batch; refused: Refused[] }[] = []
  for (const [device, { items, indexes }] of groups) {
    const decoded = decodeReport(items, device, arrival.receivedAt)
    const own = decoded.refused.map((one) => ({ ...one, index: indexes[one.index]! }))
    batches.push({ batch: decoded.batch, refused: own })
    refused.push(...own)
  }
  const all = batches.map(({ batch }) => batch)
  const counts = await storeCounted(intake.receiver, 'json', all, proven.spend)
  let stored = 0
  let taken = 0
  for (const [at, { batch, refused: own }] of batches.entries()) {
    noteBatch(intake, batch, counts[at]!, arrival, own.map(wordsOf))
    stored += counts[at]!
    taken += batch.size
  }
  refused.sort((a, b) => a.index - b.index)
  return { received: heartbeats.length, stored, duplicates: taken - stored, refused }
}

async function devicesOf(
  { pool }: Intake,
  { fleetId, fleetNumber, vehicleIds, method }: Proven,
  names: readonly string[],
): Promise<Map<string, DevicePrincipal>> {
  const { rows } = await pool.query<{
    deviceId: number
    deviceNumber: number
    vehicleId: number
    name: string
  }>({
    name: 'devices-by-name',
    text: `select id as "deviceId", number as "deviceNumber", vehicle_id as "vehicleId", name from devices
           where fleet_id = $1 and name = any($2) and revoked_at is null`,
    values: [fleetId, names],
  })
  const allowed = rows.filter(({ vehicleId }) => vehicleIds === null || vehicleIds.has(vehicleId))
  if (allowed.length < names.length) throw new RefusedRequest(NOT_ITS_OWN)
  return new Map(allowed.map((row) => [row.name, { kind: 'device', method, fleetId, fleetNumber, ...row }]))
}
