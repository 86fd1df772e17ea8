import type pg from 'pg'
import type { KeyScope } from './device-keys/schema.ts'
import { Epochs } from './epochs.ts'
import type { VerifyingKey } from './keys/algorithm.ts'
import { SIGNATURE_ALGORITHMS } from './keys/algorithm.ts'
import type { KnownKey } from './keys/profile.ts'
import { sessionVerifyingKey } from './keys/session-keys.ts'
import { verifyingKeyOf } from './keys/ssh-key.ts'
import { parseSshKeyLine } from './keys/ssh-key-line.ts'
import type { DevicePrincipal } from './principal.ts'
import type { DeviceSecrets } from './secrets.ts'

/** So many parsed keys and sessions are kept, those longest unused going first (device-signatures section 1). */
const MOST_KNOWN = 10_000
/** Even when nothing moved the epoch, a row is read again after this time. */
const KNOWN_FOR_MS = 60_000

/** An enrolled key or a session of one, with what it may do. */
export interface Holder extends KnownKey {
  /** Of the key or the session: `device_nonces.key_ref`. */
  number: number
  keyId: number
  fingerprint: string
  fleetId: number
  fleetNumber: number
  /** The schemes that the fleet takes, in their order. */
  fleetTakes: readonly string[]
  scopes: readonly KeyScope[]
  /** Of these vehicles alone; null: it is for one device or for all the fleet. */
  vehicleIds: ReadonlySet<number> | null
  /** The one device that it is for; null for a gateway. */
  device: Omit<DevicePrincipal, 'method'> | null
}

interface KeyRow {
  keyId: number
  fingerprint: string
  publicKey: string
  algorithm: string
  state: 'pending' | 'active' | 'revoked'
  scopes: KeyScope[]
  reach: 'fleet' | 'vehicles' | 'device'
  vehicleIds: string[]
  enrolledAt: number
  expiresAt: number | null
  fleetId: number
  fleetNumber: number
  fleetTakes: string[]
  deviceId: number | null
  deviceNumber: number
  deviceName: string
  vehicleId: number
  deviceEnded: boolean
}

interface SessionRow extends KeyRow {
  id: number
  openedAt: number
  endsAt: number
  secret: Buffer
}

const COLUMNS = `k.id as "keyId", k.fingerprint, k.public_key as "publicKey", k.algorithm, k.state, k.scopes, k.reach,
  k.vehicle_ids::text[] as "vehicleIds", k.enrolled_at as "enrolledAt", k.expires_at as "expiresAt",
  f.id as "fleetId", f.number as "fleetNumber", f.device_auth as "fleetTakes",
  d.id as "deviceId", d.number as "deviceNumber", d.name as "deviceName", d.vehicle_id as "vehicleId",
  d.revoked_at is not null as "deviceEnded"`
const OF_DEVICE = 'left join devices d on d.fleet_id = k.fleet_id and d.id = k.device_id'

/** The prefix of a session's name, 12 random bytes behind the fleet's four. */
const SESSION_NAME = /^ds_([A-Za-z0-9_-]{22})$/
const DEVICE_KEY_ID = /^([^/]+)\/(SHA256:[A-Za-z0-9+/]{43})$/

/**
 * Keys and sessions by the id that a request gives, kept parsed. What is kept counts while the fleet's epoch stands: a revocation
 * is seen within 5 s (device-signatures section 2).
 */
export class KnownKeys {
  readonly #pool: pg.Pool
  readonly #now: () => number
  readonly #secrets: DeviceSecrets
  readonly #epochs: Epochs
  readonly #known = new Map<string, { holder: Holder; readAt: number }>()
  #changes = 0

  constructor(pool: pg.Pool, now: () => number, secrets: DeviceSecrets) {
    this.#pool = pool
    this.#now = now
    this.#secrets = secrets
    this.#epochs = new Epochs(pool, now, (fleetId) => this.#forget(fleetId))
  }

  /**
   * The key or session of an id; undefined if there is none. Without a promise when it is known.
   * @throws a database error as it is
   */
  find(kind: 'device' | 'session', id: string): Holder | undefined | Promise<Holder | undefined> {
    const first = this.#epochs.current()
    if (first) return first.then(() => this.#found(kind, id))
    return this.#found(kind, id)
  }

  /** What is kept of an id, fresh or not: enough to say whom a refused request named. Asks nobody. */
  remembered(id: string): Holder | undefined {
    return this.#known.get(id)?.holder
  }

  #found(kind: 'device' | 'session', id: string): Holder | undefined | Promise<Holder | undefined> {
    const known = this.#known.get(id)
    if (known && Math.abs(this.#now() - known.readAt) < KNOWN_FOR_MS) return known.holder
    return this.#read(kind, id)
  }

  /** The active keys of a fingerprint, over all fleets: what a certificate at a proxy gives. */
  async byFingerprint(fingerprint: string): Promise<Holder[]> {
    await this.#epochs.current()
    const { rows } = await this.#pool.query<KeyRow>({
      name: 'keys-by-fingerprint',
      text: `select ${COLUMNS} from device_keys k join fleets f on f.id = k.fleet_id ${OF_DEVICE}
             where k.fingerprint = $1 order by k.state = 'active' desc limit 3`,
      values: [fingerprint],
    })
    return rows.map((row) => holderOf(row, verifyingKeyOfRow(row)))
  }

  async #read(kind: 'device' | 'session', id: string): Promise<Holder | undefined> {
    const readAt = this.#now()
    const changes = this.#changes
    const holder = kind === 'device' ? await this.#readKey(id) : await this.#readSession(id)
    this.#known.delete(id)
    if (!holder) return undefined
    // Read before a change that we have heard of meanwhile: good for this once at most.
    if (changes !== this.#changes) return holder
    if (this.#known.size >= MOST_KNOWN) this.#known.delete(this.#known.keys().next().value!)
    this.#known.set(id, { holder, readAt })
    return holder
  }

  async #readKey(id: string): Promise<Holder | undefined> {
    const parts = DEVICE_KEY_ID.exec(id)
    if (!parts) return undefined
    const { rows } = await this.#pool.query<KeyRow>({
      name: 'key-by-id',
      text: `select ${COLUMNS} from fleets f join device_keys k on k.fleet_id = f.id and k.fingerprint = $2 ${OF_DEVICE}
             where f.slug = $1`,
      values: [parts[1], parts[2]],
    })
    return rows[0] && holderOf(rows[0], verifyingKeyOfRow(rows[0]))
  }

  async #readSession(id: string): Promise<Holder | undefined> {
    const fleetNumber = fleetNumberOf(id)
    if (fleetNumber === undefined) return undefined
    const { rows } = await this.#pool.query<SessionRow>({
      name: 'session-by-id',
      text: `select ${COLUMNS}, s.id, s.opened_at as "openedAt", s.expires_at as "endsAt", s.secret
             from fleets f join device_sessions s on s.fleet_id = f.id and s.session = $2
               join device_keys k on k.fleet_id = s.fleet_id and k.id = s.key_id ${OF_DEVICE}
             where f.number = $1`,
      values: [fleetNumber, id],
    })
    const [row] = rows
    if (!row) return undefined
    const holder = holderOf(row, sessionVerifyingKey(this.#secrets.open(row.secret, id)))
    return {
      ...holder,
      number: row.id,
      ref: `${row.fleetId} ${row.id}`,
      // A session never outlives its key, and one of a key that has yet to prove itself can't be.
      state: row.state === 'active' ? holder.state : 'revoked',
      enrolledAt: row.openedAt,
      expiresAt: Math.min(row.endsAt, row.expiresAt ?? row.endsAt),
    }
  }

  #forget(fleetId: number): void {
    this.#changes++
    for (const [id, { holder }] of this.#known) if (holder.fleetId === fleetId) this.#known.delete(id)
  }
}

/** The fleet that a session's name begins with; undefined if it is no such name. */
function fleetNumberOf(session: string): number | undefined {
  const name = SESSION_NAME.exec(session)?.[1]
  if (name === undefined) return undefined
  const number = Buffer.from(name, 'base64url').readUInt32BE(0)
  return number <= 0x7fff_ffff ? number : undefined
}

function verifyingKeyOfRow(row: KeyRow): VerifyingKey {
  const reading = parseSshKeyLine(row.publicKey)
  const algorithm = SIGNATURE_ALGORITHMS.find((one) => one === row.algorithm)
  if (!reading.ok || !algorithm) throw new Error(`the key ${row.keyId} can not be read as it was enrolled`)
  return verifyingKeyOf(reading.key, algorithm)
}

function holderOf(row: KeyRow, verifying: VerifyingKey): Holder {
  const device =
    row.deviceId === null
      ? null
      : {
          kind: 'device' as const,
          fleetId: row.fleetId,
          deviceId: row.deviceId,
          vehicleId: row.vehicleId,
          fleetNumber: row.fleetNumber,
          deviceNumber: row.deviceNumber,
          name: row.deviceName,
        }
  return {
    ref: `${row.fleetId} ${row.keyId}`,
    verifying,
    // A key for a device that has ended, or is gone, ends with it.
    state: row.reach === 'device' && (device === null || row.deviceEnded) ? 'revoked' : row.state,
    enrolledAt: row.enrolledAt,
    expiresAt: row.expiresAt,
    number: row.keyId,
    keyId: row.keyId,
    fingerprint: row.fingerprint,
    fleetId: row.fleetId,
    fleetNumber: row.fleetNumber,
    fleetTakes: row.fleetTakes,
    scopes: row.scopes,
    vehicleIds: row.reach === 'vehicles' ? new Set(row.vehicleIds.map(Number)) : null,
    device,
  }
}
