import { randomBytes } from 'node:crypto'
import type pg from 'pg'
import { recordAudit } from '../audit/record.ts'
import { withTransaction } from '../db/pool.ts'
import { AppError } from '../errors.ts'
import { faultOf, log } from '../log.ts'
import { guardedFetch } from '../outward.ts'
import { Reach } from '../reach.ts'
import { type Blamed, DoorAuth, type DoorRequest, type Proven, type Refused } from './authenticators.ts'
import { Buckets } from './buckets.ts'
import { DeviceAuthenticator } from './device.ts'
import { activateKey } from './device-keys.ts'
import { type Refusal, refuse } from './keys/refusal.ts'
import { issueServerNonce } from './keys/server-nonce.ts'
import { type Holder, KnownKeys } from './known-keys.ts'
import { NonceBuckets } from './nonces.ts'
import { type DevicePrincipal, isSigned } from './principal.ts'
import { clientAddress, isWithin, rangesOf } from './ranges.ts'
import { SCHEMES, type Scheme } from './schemes.ts'
import { DeviceSecrets } from './secrets.ts'

export interface DoorAuthOptions {
  /** What devices know the server by, such as `https://ingest.example.com`: signatures are over it, never over Host. */
  publicOrigin: string
  /** The installation's secrets, the current one first; all instances have the same. */
  secrets: readonly string[]
  /** Addresses of proxies that may name a client's address and certificate, as CIDR ranges. */
  proxies?: readonly string[]
  /** Networks of one's own in which issuers of tokens may be, as CIDR ranges; the public Internet only if left out. */
  networks?: readonly string[]
  /** Failed authentications of an address in a minute, beyond which it waits; none if left out. */
  failuresPerMinute?: number
  /** Requests a second of a device, and how many it may save up; none if left out. */
  requestsPerSecond?: number
  burst?: number
  /** Requests a second of all devices of a fleet together; none if left out. */
  fleetRequestsPerSecond?: number
  /** The schemes that there are; SCHEMES if left out. Which of them a fleet takes, it says itself. */
  schemes?: readonly Scheme[]
  /** Who may make the partitions of the nonces; the pool of the doors if left out. */
  owner?: pg.Pool
}

/** A device that is good, and comes too often: by its own rate or by its fleet's. */
export class OverRate extends AppError {
  constructor(
    readonly whose: 'device' | 'fleet',
    /** Until there is room for one, if nobody else takes it. */
    readonly waitMs: number,
  ) {
    super('too-often', `Too many requests of this ${whose}: wait a second, and send more at once.`)
    this.name = 'OverRate'
  }
}

/** How often the use of a key is written down, and a refusal of it. */
const NOTED_EVERY_MS = 30_000
const MOST_NOTED = 10_000
const ISSUER_WITHIN_MS = 5_000

/** All that the device doors ask about who is there. One for each process. */
export class DeviceGate {
  readonly tokens: DeviceAuthenticator
  readonly keys: KnownKeys
  readonly secrets: DeviceSecrets
  readonly options: DoorAuthOptions
  readonly #auth: DoorAuth
  readonly #pool: pg.Pool
  readonly #now: () => number
  readonly #proxies
  readonly #failures: Buckets | undefined
  readonly #rates: Buckets | undefined
  readonly #fleetRates: Buckets | undefined
  readonly #noted = new Map<string, number>()
  #nonce = { value: '', second: -1 }

  constructor(pool: pg.Pool, now: () => number, options: DoorAuthOptions) {
    this.#pool = pool
    this.#now = now
    this.options = options
    this.secrets = new DeviceSecrets(options.secrets)
    this.tokens = new DeviceAuthenticator(pool, now)
    this.keys = new KnownKeys(pool, now, this.secrets)
    this.#proxies = rangesOf(options.proxies ?? [])
    const { failuresPerMinute, requestsPerSecond, burst = 60, fleetRequestsPerSecond } = options
    this.#failures = failuresPerMinute ? new Buckets(failuresPerMinute / 60, failuresPerMinute) : undefined
    this.#rates = requestsPerSecond ? new Buckets(requestsPerSecond, burst) : undefined
    // A second's worth is saved up: a fleet speaks evenly, or not at all.
    this.#fleetRates = fleetRequestsPerSecond
      ? new Buckets(fleetRequestsPerSecond, Math.max(1, fleetRequestsPerSecond))
      : undefined
    const tools = {
      db: pool,
      keys: this.keys,
      tokens: this.tokens,
      buckets: new NonceBuckets(options.owner ?? pool, now),
      secrets: this.secrets,
      publicOrigin: options.publicOrigin,
      now,
      fetch: guardedFetch(new Reach(options.networks ?? []), ISSUER_WITHIN_MS),
      isProxy: (address: string) => isWithin(this.#proxies, address),
      addressOf: (request: DoorRequest) => this.addressOf(request),
      onUse: (holder: Holder, address: string, clockOffsetMs: number) =>
        this.#noteUse(holder, address, clockOffsetMs),
      activate: (holder: Holder, address: string) => this.#activate(holder, address),
    }
    this.#auth = new DoorAuth((options.schemes ?? SCHEMES).flatMap((scheme) => scheme(tools)))
  }

  /**
   * Who sent this, or why it is refused. Undefined if the device went away.
   * @throws a database error as it is; AppError too-large or busy of the body
   */
  authenticate(request: DoorRequest): Proven | Refusal | undefined | Promise<Proven | Refusal | undefined> {
    if (this.#failures && !this.#failures.has(this.addressOf(request), this.#now())) {
      return refuse('rate_limited', 'Too many requests of this address were refused: wait a minute.')
    }
    const answer = this.#auth.authenticate(request)
    return answer instanceof Promise
      ? answer.then((settled) => settled && this.#judged(request, settled))
      : answer && this.#judged(request, answer)
  }

  #judged(request: DoorRequest, answer: Proven | Refused): Proven | Refusal {
    if (!answer.ok) {
      const { code } = answer
      // Whose clock is wrong has signed with its key: a fleet whose clocks are wrong must not close its own address.
      if (answer.status === 401 && code !== 'clock_skew')
        this.#failures?.take(this.addressOf(request), this.#now())
      const reason = answer.hidden ?? (code === 'clock_skew' || code === 'digest_mismatch' ? code : undefined)
      const blamed = reason && (answer.blamed ?? this.#blamedKey(request, reason))
      if (blamed) this.#noteRefusal(request, blamed)
      return answer
    }
    const whose = answer.device
      ? `device ${answer.device.deviceNumber}`
      : `${answer.fleetId} ${answer.keyRef}`
    const over = this.#overRate(whose, answer.fleetNumber)
    return over ? refuse('rate_limited', over.message) : answer
  }

  /**
   * Counts one request of a device that this gate has not authenticated, or says which rate it is over; then nothing is counted. Each
   * door calls it once for what it stores at once.
   */
  overRate({ deviceNumber, fleetNumber }: DevicePrincipal): OverRate | null {
    return this.#overRate(`device ${deviceNumber}`, fleetNumber)
  }

  #overRate(whose: string, fleetNumber: number): OverRate | null {
    const now = this.#now()
    const fleet = this.#fleetRates && `fleet ${fleetNumber}`
    // Asked before the device's is taken: who waits for its fleet spends nothing of its own.
    if (fleet && !this.#fleetRates!.has(fleet, now))
      return new OverRate('fleet', this.#fleetRates!.waitMs(fleet, now))
    if (this.#rates && !this.#rates.take(whose, now))
      return new OverRate('device', this.#rates.waitMs(whose, now))
    if (fleet) this.#fleetRates!.take(fleet, now)
    return null
  }

  /** The client's address: the connection's, or what a proxy of ours says it is. */
  addressOf({ address, headers }: Pick<DoorRequest, 'address' | 'headers'>): string {
    return clientAddress(this.#proxies, address, headers['x-forwarded-for'])
  }

  /** For the header Fleet-Nonce of every answer (device-signatures section 5): one a second, to which each device adds its own. */
  serverNonce(): string {
    const second = Math.floor(this.#now() / 1000)
    if (second !== this.#nonce.second)
      this.#nonce = { value: issueServerNonce(this.#now(), this.secrets.nonceKeys[0]!), second }
    return this.#nonce.value
  }

  #noteUse(holder: Holder, address: string, clockOffsetMs: number): void {
    if (!this.#isDue(`use ${holder.fleetId} ${holder.keyId}`)) return
    this.#pool
      .query({
        name: 'note-key-use',
        text: `update device_keys set last_used_at = $3, last_address = $4, clock_offset_ms = $5
               where fleet_id = $1 and id = $2`,
        values: [holder.fleetId, holder.keyId, new Date(this.#now()), address, Math.round(clockOffsetMs)],
      })
      .catch((error: unknown) => log.warn('the use of a key was not noted', faultOf(error)))
  }

  /** Tells the fleet of one who has proved himself and is refused all the same: a replay, a device that is not his. */
  noteRefused(request: DoorRequest, { fleetId, device, keyRef, method }: Proven, reason: string): void {
    const object =
      device && !isSigned(method)
        ? { kind: 'device', id: device.deviceId }
        : { kind: 'device-key', id: keyRef }
    this.#noteRefusal(request, { fleet: fleetId, object, reason })
  }

  /** The key that a signature names, in the fleet that it names; or the key of the session that it names, where that one is known. */
  #blamedKey({ headers }: DoorRequest, reason: string): Blamed | undefined {
    const keyId = /;keyid="([^"]{1,200})"/.exec(String(headers['signature-input'] ?? ''))?.[1]
    if (keyId === undefined) return undefined
    const slash = keyId.indexOf('/')
    if (slash >= 0)
      return {
        fleet: keyId.slice(0, slash),
        object: { kind: 'device-key', id: keyId.slice(slash + 1) },
        reason,
      }
    const session = this.keys.remembered(keyId)
    return (
      session && {
        fleet: session.fleetId,
        object: { kind: 'device-key', id: session.fingerprint },
        reason,
        method: 'session',
      }
    )
  }

  /** The true reason is for the operator: once in a while for each thing, however often somebody knocks. */
  #noteRefusal(request: DoorRequest, { fleet, object, reason, method }: Blamed): void {
    if (!this.#isDue(`refused ${fleet} ${object.id} ${reason}`)) return
    const at = this.#now()
    const address = this.addressOf(request)
    withTransaction(this.#pool, async (tx) => {
      const { rows } = await tx.query<{ id: number }>(
        `select id from fleets where ${typeof fleet === 'number' ? 'id' : 'slug'} = $1`,
        [fleet],
      )
      if (!rows[0]) return
      await recordAudit(tx, {
        fleetId: rows[0].id,
        actor: { kind: 'stranger', id: address, name: address },
        action: 'device.refused',
        object,
        after: { reason, method },
        source: { address, requestId: randomBytes(8).toString('hex') },
        at,
      })
    }).catch((error: unknown) => log.warn('a refusal was not noted', faultOf(error)))
  }

  /** In one transaction: every step of a key's life is in the audit log (device-signatures section 2), once. */
  #activate({ fleetId, keyId, fingerprint }: Holder, address: string): Promise<void> {
    const at = this.#now()
    return withTransaction(this.#pool, async (tx) => {
      // Of two instances that see its first requests at once, one waits here for the other and finds nothing left to do.
      if (!(await activateKey(tx, fleetId, keyId, at))) return
      await recordAudit(tx, {
        fleetId,
        actor: { kind: 'device', id: String(keyId), name: fingerprint },
        action: 'device-key.activated',
        object: { kind: 'device-key', id: keyId },
        after: { fingerprint },
        source: { address, requestId: randomBytes(8).toString('hex') },
        at,
      })
    })
  }

  #isDue(what: string): boolean {
    const now = this.#now()
    const last = this.#noted.get(what)
    if (last !== undefined && Math.abs(now - last) < NOTED_EVERY_MS) return false
    if (this.#noted.size >= MOST_NOTED) this.#noted.delete(this.#noted.keys().next().value!)
    this.#noted.set(what, now)
    return true
  }
}
