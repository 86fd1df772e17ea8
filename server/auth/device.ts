import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { BlockList } from 'node:net'
import type pg from 'pg'
import { newId } from '../db/id.ts'
import { type Db, within } from '../db/pool.ts'
import { AppError } from '../errors.ts'
import type { DevicePrincipal } from './principal.ts'
import { rangesOf } from './ranges.ts'

/** A revocation is seen everywhere within this time. */
const KNOWN_FOR_MS = 4_000
/** A database that does not say within this who a device is, is away. */
const ANSWER_WITHIN_MS = 5_000
/** More devices than this are not remembered at once; what falls out is read again. */
const MOST_KNOWN = 200_000
/** Devices that one statement reads, and statements at a time: so the others find a connection. */
const MOST_AT_ONCE = 500
const MOST_READING = 2
const SECRET_BYTES = 32
/** `fdt_<8>_<43>` (device-signatures section 7): the device's number in hex, so that one lookup finds the row, and 256 random bits. */
const TOKEN = /^fdt_([0-9a-f]{8})_([A-Za-z0-9_-]{43})$/
/** `rl_<fleet>_<device>_<secret>`, the ids in base 36: what was given out before. It is good until it ends or is renewed. */
const FORMER = /^rl_([0-9a-z]{1,11})_([0-9a-z]{1,11})_([A-Za-z0-9_-]{32})$/

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

/** `mqtt`: OwnTracks from a broker. A device of it is heard there alone, where no token comes with a message. */
export type DeviceProtocol = 'json' | 'osmand' | 'owntracks' | 'mqtt' | 'teltonika'

export interface EnrolledDevice extends NewDevice {
  id: number
  /** Shown here once; only its hash is stored. */
  token: string
}

const tokenOf = (deviceNumber: number, secret: string) =>
  `fdt_${deviceNumber.toString(16).padStart(8, '0')}_${secret}`

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
    const secret = randomBytes(SECRET_BYTES).toString('base64url')
    hashes.push(hashOf(secret))
    return { ...device, id: newId(), secret }
  })
  const { rows } = await db.query<{ id: number; number: number }>(
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
  const numbers = new Map(rows.map(({ id, number }) => [id, number]))
  return enrolled.map(({ secret, ...one }) => ({ ...one, token: tokenOf(numbers.get(one.id)!, secret) }))
}

/** Gives a device a new token, for a year; the old one ends. Undefined if the fleet has no such device. */
export async function renewToken(db: Db, fleetId: number, deviceId: number): Promise<string | undefined> {
  const secret = randomBytes(SECRET_BYTES).toString('base64url')
  const { rows } = await db.query<{ number: number }>(
    `update devices set token_hash = $3, token_expires_at = now() + interval '1 year', revoked_at = null
     where fleet_id = $1 and id = $2 returning number`,
    [fleetId, deviceId, hashOf(secret)],
  )
  return rows[0] && tokenOf(rows[0].number, secret)
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
  /** From where alone it may come; null: from anywhere. */
  sources: BlockList | null
  readAt: number
  refreshing: boolean
}

/** A token that is not good any more, or never was; `device` is the one that it names, if there is one, and `reason` is for its fleet. */
export class RefusedToken extends AppError {
  constructor(
    readonly device: { fleetId: number; id: number } | null,
    readonly reason: string,
  ) {
    super('unauthenticated', 'This device token is not valid: enrol the device again.')
  }
}

interface DeviceRow {
  id: number
  name: string
  vehicleId: number
  number: number
  fleetId: number
  fleetNumber: number
  fleetTakes: string[]
  hash: Buffer
  expiresAt: number
  sources: string[]
  revokedAt: number | null
}

const SELECT_DEVICE = `select d.id, d.name, d.vehicle_id as "vehicleId", d.number, d.fleet_id as "fleetId",
    f.number as "fleetNumber", f.device_auth as "fleetTakes", d.token_hash as hash, d.token_expires_at as "expiresAt",
    d.token_sources as sources, d.revoked_at as "revokedAt"
  from devices d join fleets f on f.id = d.fleet_id`

/**
 * Devices by number, all that are asked for in one turn of the event loop by one statement. A fleet that connects anew would otherwise
 * be a statement for each truck, and what happens now, and whoever stores it, would wait behind all of them for a connection.
 */
class DeviceRows {
  readonly #pool: pg.Pool
  #asked: { number: number; answer: (row: DeviceRow | undefined) => void; fail: (error: unknown) => void }[] =
    []
  #reading = 0
  #woken = false

  constructor(pool: pg.Pool) {
    this.#pool = pool
  }

  of(number: number): Promise<DeviceRow | undefined> {
    return new Promise((answer, fail) => {
      this.#asked.push({ number, answer, fail })
      this.#wake()
    })
  }

  #wake(): void {
    if (this.#woken || this.#reading >= MOST_READING) return
    this.#woken = true
    setImmediate(() => {
      this.#woken = false
      void this.#read()
    })
  }

  async #read(): Promise<void> {
    const asked = this.#asked.splice(0, MOST_AT_ONCE)
    if (asked.length === 0) return
    this.#reading++
    if (this.#asked.length > 0) this.#wake()
    try {
      const { rows } = await this.#pool.query<DeviceRow>(
        within(ANSWER_WITHIN_MS, {
          name: 'devices-by-number',
          text: `${SELECT_DEVICE} where d.number = any($1::int4[])`,
          values: [asked.map(({ number }) => number)],
        }),
      )
      const found = new Map(rows.map((row) => [row.number, row]))
      for (const { number, answer } of asked) answer(found.get(number))
    } catch (error) {
      for (const { fail } of asked) fail(error)
    } finally {
      this.#reading--
      if (this.#asked.length > 0) this.#wake()
    }
  }
}

/**
 * Tokens to devices. An answer of the database is good for KNOWN_FOR_MS; while a known device goes on reporting its row is
 * read again in the background before that, so nobody waits for it, and a blink of the database locks no truck out
 * (its heartbeat then waits for the commit, which is where durability is decided).
 */
export class DeviceAuthenticator {
  readonly #pool: pg.Pool
  readonly #now: () => number
  readonly #known = new Map<string, Known>()
  readonly #rows: DeviceRows

  constructor(pool: pg.Pool, now: () => number) {
    this.#pool = pool
    this.#rows = new DeviceRows(pool)
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
    const named = token === undefined ? null : namedBy(token)
    if (!named) throw new AppError('unauthenticated', 'The Authorization header holds no device token.')
    const askedAt = this.#now()
    const row = named.former ? await this.#readFormer(named.ids) : await this.#rows.of(named.ids[0]!)
    const reason = faultOf(row, hashOf(named.secret), this.#now())
    if (!row || reason) {
      this.#known.delete(authorization)
      throw new RefusedToken(row ?? null, reason ?? 'unknown')
    }
    const principal: DevicePrincipal = {
      kind: 'device',
      method: 'token',
      fleetId: row.fleetId,
      deviceId: row.id,
      vehicleId: row.vehicleId,
      fleetNumber: row.fleetNumber,
      deviceNumber: row.number,
      name: row.name,
    }
    if (this.#known.size >= MOST_KNOWN) this.#known.delete(this.#known.keys().next().value!)
    const sources = row.sources.length === 0 ? null : rangesOf(row.sources)
    this.#known.set(authorization, { principal, sources, readAt: askedAt, refreshing: false })
    return principal
  }

  async #readFormer(ids: number[]): Promise<DeviceRow | undefined> {
    const { rows } = await this.#pool.query<DeviceRow>(
      within(ANSWER_WITHIN_MS, {
        name: 'device-by-id',
        text: `${SELECT_DEVICE} where d.fleet_id = $1 and d.id = $2`,
        values: ids,
      }),
    )
    return rows[0]
  }

  /** From where alone a token may come that has just been found good; null: from anywhere. */
  sourcesOf(authorization: string | undefined): BlockList | null {
    return (authorization && this.#known.get(authorization)?.sources) || null
  }
}

/** Why a token opens nothing; null: it does. */
function faultOf(row: DeviceRow | undefined, given: Buffer, now: number): string | null {
  if (!row) return 'unknown'
  if (row.hash.length !== given.length || !timingSafeEqual(row.hash, given)) return 'wrong_token'
  if (row.revokedAt !== null) return 'revoked'
  if (row.expiresAt <= now) return 'expired'
  return row.fleetTakes.includes('token') ? null : 'method_not_taken'
}

/** What a token says of itself: how its row is found, and its secret. */
function namedBy(token: string): { former: boolean; ids: number[]; secret: string } | null {
  const [, number, secret] = TOKEN.exec(token) ?? []
  if (number !== undefined && secret !== undefined) {
    const id = Number.parseInt(number, 16)
    return id <= 0x7fff_ffff ? { former: false, ids: [id], secret } : null
  }
  const former = FORMER.exec(token)
  if (!former) return null
  const ids = [Number.parseInt(former[1]!, 36), Number.parseInt(former[2]!, 36)]
  return ids.every(Number.isSafeInteger) ? { former: true, ids, secret: former[3]! } : null
}
