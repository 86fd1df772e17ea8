import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type pg from 'pg'
import { newId } from '../db/id.ts'
import { type Db, within } from '../db/pool.ts'
import { AppError } from '../errors.ts'
import type { DevicePrincipal } from './principal.ts'

/** A revocation is seen everywhere within this time. */
const KNOWN_FOR_MS = 4_000
/** A database that does not say within this who a device is, is away. */
const ANSWER_WITHIN_MS = 5_000
/** More devices than this are not remembered at once; what falls out is read again. */
const MOST_KNOWN = 200_000
const SECRET_BYTES = 24
/** `rl_<fleet>_<device>_<secret>`: the ids in base 36, so that one lookup by primary key finds the row. */
const TOKEN = /^rl_([0-9a-z]{1,11})_([0-9a-z]{1,11})_([A-Za-z0-9_-]{32})$/

export interface NewDevice {
  vehicleId: number
  /** What the device calls itself in its heartbeats; unique in the fleet. */
  name: string
  /** The door that it uses; `json` if left out. */
  protocol?: DeviceProtocol
  /** What that protocol calls it: an IMEI, an identifier, `user/device`. */
  identity?: string
  /** Its identity alone lets it report. */
  open?: boolean
}

export type DeviceProtocol = 'json' | 'osmand' | 'owntracks' | 'teltonika'

export interface EnrolledDevice extends NewDevice {
  id: number
  /** Shown here once; only its hash is stored. */
  token: string
}

const hashOf = (secret: string) => createHash('sha256').update(secret).digest()

/**
 * Gives vehicles of a fleet their devices, each with a token of its own.
 * @throws AppError conflict if the fleet has a device of that name
 */
export async function enrolDevices(
  db: Db,
  fleetId: number,
  devices: readonly NewDevice[],
): Promise<EnrolledDevice[]> {
  const hashes: Buffer[] = []
  const enrolled = devices.map((device) => {
    const id = newId()
    const secret = randomBytes(SECRET_BYTES).toString('base64url')
    hashes.push(hashOf(secret))
    return { ...device, id, token: `rl_${fleetId.toString(36)}_${id.toString(36)}_${secret}` }
  })
  const { rows } = await db.query<{ id: number }>(
    `insert into devices (fleet_id, id, name, vehicle_id, token_hash, protocol, identity, open)
     select $1, * from unnest($2::bigint[], $3::text[], $4::bigint[], $5::bytea[], $6::text[], $7::text[], $8::boolean[])
     on conflict do nothing returning id, number`,
    [
      fleetId,
      enrolled.map((one) => one.id),
      enrolled.map((one) => one.name),
      enrolled.map((one) => one.vehicleId),
      hashes,
      enrolled.map((one) => one.protocol ?? 'json'),
      enrolled.map((one) => one.identity ?? null),
      enrolled.map((one) => one.open ?? false),
    ],
  )
  if (rows.length !== devices.length) {
    const stored = new Set(rows.map((row) => row.id))
    const taken = enrolled.find((one) => !stored.has(one.id))
    throw new AppError(
      'conflict',
      taken?.identity === undefined
        ? `The fleet has a device called "${taken?.name}" already.`
        : `There is a device called "${taken.name}" or "${taken.identity}" already.`,
      'name',
    )
  }
  return enrolled
}

/** Gives a device a new token; the old one ends. Undefined if the fleet has no such device. */
export async function renewToken(db: Db, fleetId: number, deviceId: number): Promise<string | undefined> {
  const secret = randomBytes(SECRET_BYTES).toString('base64url')
  const { rowCount } = await db.query(
    'update devices set token_hash = $3, revoked_at = null where fleet_id = $1 and id = $2',
    [fleetId, deviceId, hashOf(secret)],
  )
  return rowCount ? `rl_${fleetId.toString(36)}_${deviceId.toString(36)}_${secret}` : undefined
}

/** Ends a device's right to report; what it has reported stays. */
export async function revokeDevice(db: Db, fleetId: number, deviceId: number): Promise<void> {
  await db.query(
    'update devices set revoked_at = now() where fleet_id = $1 and id = $2 and revoked_at is null',
    [fleetId, deviceId],
  )
}

/** Who holds a token, as last read from the database. */
interface Known {
  principal: DevicePrincipal
  readAt: number
  refreshing: boolean
}

const UNKNOWN = () =>
  new AppError('unauthenticated', 'This device token is not valid: enrol the device again.')

/**
 * Tokens to devices. An answer of the database is good for KNOWN_FOR_MS; while a known device goes on reporting its row is
 * read again in the background before that, so nobody waits for it, and a blink of the database locks no truck out
 * (its heartbeat then waits for the commit, which is where durability is decided).
 */
export class DeviceAuthenticator {
  readonly #pool: pg.Pool
  readonly #now: () => number
  readonly #known = new Map<string, Known>()

  constructor(pool: pg.Pool, now: () => number) {
    this.#pool = pool
    this.#now = now
  }

  /** The device if it is known and its row fresh; the common case, without a promise. */
  known(authorization: string | undefined): DevicePrincipal | undefined {
    if (!authorization) return undefined
    const known = this.#known.get(authorization)
    if (!known) return undefined
    const age = this.#now() - known.readAt
    if (age >= KNOWN_FOR_MS) return undefined
    if (age >= KNOWN_FOR_MS / 2 && !known.refreshing) {
      known.refreshing = true
      this.authenticate(authorization).catch(() => {
        known.refreshing = false
      })
    }
    return known.principal
  }

  /**
   * @throws AppError unauthenticated for a missing, malformed, unknown or revoked token; a database error as it is
   */
  async authenticate(authorization: string | undefined): Promise<DevicePrincipal> {
    if (!authorization) {
      throw new AppError('unauthenticated', 'Send the device token as "Authorization: Bearer …".')
    }
    const token = /^Bearer +(\S+) *$/i.exec(authorization)?.[1]
    const parts = token === undefined ? null : TOKEN.exec(token)
    if (!parts) throw new AppError('unauthenticated', 'The Authorization header holds no device token.')
    const [fleetId, deviceId] = [Number.parseInt(parts[1]!, 36), Number.parseInt(parts[2]!, 36)]
    if (!Number.isSafeInteger(fleetId) || !Number.isSafeInteger(deviceId)) throw UNKNOWN()
    const { rows } = await this.#pool.query<{
      name: string
      vehicleId: number
      number: number
      fleetNumber: number
      hash: Buffer
      revokedAt: number | null
    }>(
      within(ANSWER_WITHIN_MS, {
        name: 'device-by-id',
        text: `select d.name, d.vehicle_id as "vehicleId", d.number, f.number as "fleetNumber", d.token_hash as hash,
               d.revoked_at as "revokedAt"
             from devices d join fleets f on f.id = d.fleet_id where d.fleet_id = $1 and d.id = $2`,
        values: [fleetId, deviceId],
      }),
    )
    const row = rows[0]
    const given = hashOf(parts[3]!)
    if (
      !row ||
      row.hash.length !== given.length ||
      !timingSafeEqual(row.hash, given) ||
      row.revokedAt !== null
    ) {
      this.#known.delete(authorization)
      throw UNKNOWN()
    }
    const principal: DevicePrincipal = {
      kind: 'device',
      fleetId,
      deviceId,
      vehicleId: row.vehicleId,
      fleetNumber: row.fleetNumber,
      deviceNumber: row.number,
      name: row.name,
    }
    if (this.#known.size >= MOST_KNOWN) this.#known.delete(this.#known.keys().next().value!)
    this.#known.set(authorization, { principal, readAt: this.#now(), refreshing: false })
    return principal
  }
}
