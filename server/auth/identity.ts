import type { BlockList } from 'node:net'
import type pg from 'pg'
import { within } from '../db/pool.ts'
import { AppError } from '../errors.ts'
import { Buckets } from './buckets.ts'
import type { DeviceProtocol } from './device.ts'
import type { DevicePrincipal } from './principal.ts'
import { rangesOf } from './ranges.ts'

/** What changes in the list of devices is seen everywhere within this time. */
const KNOWN_FOR_MS = 4_000
/** A database that does not say within this who a device is, is away. */
const ANSWER_WITHIN_MS = 5_000
/** Identities are free to invent: what is remembered of them is bounded, and no stranger takes a device's place. */
const MOST_DEVICES = 200_000
const MOST_STRANGERS = 10_000
/** No device is enrolled under a longer one. */
const MOST_CHARACTERS = 256
/** Strangers that an address may bring at once, and one more a second; those that are remembered cost nothing. */
const STRANGERS_AT_ONCE = 100
const STRANGERS_A_SECOND = 1
/** Identities of one statement, and those that may wait for one. */
const MOST_AT_ONCE = 500
const MOST_WAITING = 5_000

/** A device as its protocol's identity names it. */
export interface Identified {
  principal: DevicePrincipal
  /** May it report by its identity alone? */
  open: boolean
  /** Its fleet asks for the identity before a token that comes with it. */
  identityFirst: boolean
  /** From where alone it may report; null: from anywhere. */
  networks: BlockList | null
}

interface Remembered {
  found: Identified | null
  readAt: number
  /** Of the list of devices; an older one is read again. */
  edition: number
}

interface Question {
  protocol: DeviceProtocol
  identity: string
  answer(found: Identified | null): void
  fail(error: unknown): void
}

const READ = `
select a.at::int - 1 as at, 'device' as kind, 'identity' as method, d.fleet_id as "fleetId", d.id as "deviceId",
  d.vehicle_id as "vehicleId", d.number as "deviceNumber", f.number as "fleetNumber", d.name,
  d.open and 'identity' = any(f.device_auth) as open,
  coalesce(array_position(f.device_auth, 'identity') < array_position(f.device_auth, 'token'), false) as "identityFirst",
  d.token_sources as sources
from unnest($1::text[], $2::text[]) with ordinality as a(protocol, identity, at)
join devices d on d.protocol = a.protocol and d.identity = a.identity and d.revoked_at is null
join fleets f on f.id = d.fleet_id and (d.protocol <> 'teltonika' or 'identity' = any(f.device_auth))`

/**
 * Identities of protocols that carry no secret, an IMEI say, to devices. The answer of the database, also that there is no such
 * device, is good for KNOWN_FOR_MS. Whoever asks while a statement is under way is asked for in the next, with all the others:
 * so one that knocks for ever costs a row of a statement in four seconds, and a flood of invented identities one statement
 * at a time.
 */
export class DeviceDirectory {
  readonly #pool: pg.Pool
  readonly #now: () => number
  readonly #devices = new Map<string, Remembered>()
  readonly #strangers = new Map<string, Remembered>()
  readonly #newcomers = new Buckets(STRANGERS_A_SECOND, STRANGERS_AT_ONCE)
  readonly #asked = new Map<string, Promise<Identified | null>>()
  #waiting: Question[] = []
  #reading: Promise<void> | undefined
  #edition = 0

  constructor(pool: pg.Pool, now: () => number) {
    this.#pool = pool
    this.#now = now
  }

  /** Reads all of them again: the list of devices has changed in this process. */
  forget(): void {
    this.#edition++
  }

  /**
   * The device of an identity; null if none of that protocol has it, or it was revoked.
   * @param address whose strangers are limited; null where many devices come through one, as through a broker
   * @throws AppError too-often if the address has brought too many strangers, busy if too many are asked for; a database error as
   *   it is
   */
  async find(
    protocol: DeviceProtocol,
    identity: string,
    address: string | null = null,
  ): Promise<Identified | null> {
    if (identity.length > MOST_CHARACTERS) return null
    const key = `${protocol} ${identity}`
    const known = this.#devices.get(key) ?? this.#strangers.get(key)
    if (known && known.edition === this.#edition && this.#now() - known.readAt < KNOWN_FOR_MS)
      return known.found
    if (!known && address !== null && !this.#newcomers.has(address, this.#now()))
      throw new AppError('too-often', 'Too many unknown devices came from this address: wait a minute.')
    const found = await this.#ask(key, protocol, identity)
    if (!known && !found && address !== null) this.#newcomers.take(address, this.#now())
    return found
  }

  #ask(key: string, protocol: DeviceProtocol, identity: string): Promise<Identified | null> {
    // Who asks after the list has changed does not wait for an answer from before.
    const edition = `${this.#edition} ${key}`
    let asked = this.#asked.get(edition)
    if (asked) return asked
    if (this.#waiting.length >= MOST_WAITING)
      return Promise.reject(new AppError('busy', 'Too many devices are asked for at once.'))
    asked = new Promise<Identified | null>((answer, fail) => {
      this.#waiting.push({ protocol, identity, answer, fail })
    }).finally(() => this.#asked.delete(edition))
    this.#asked.set(edition, asked)
    this.#reading ??= this.#readAll().finally(() => {
      this.#reading = undefined
    })
    return asked
  }

  async #readAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, MOST_AT_ONCE)
      try {
        const found = await this.#read(group)
        for (const [at, question] of group.entries()) question.answer(found[at]!)
      } catch (error) {
        for (const question of group) question.fail(error)
      }
    }
  }

  async #read(group: readonly Question[]): Promise<(Identified | null)[]> {
    const [edition, readAt] = [this.#edition, this.#now()]
    const { rows } = await this.#pool.query<
      DevicePrincipal & { at: number; open: boolean; identityFirst: boolean; sources: string[] }
    >(
      within(ANSWER_WITHIN_MS, {
        name: 'devices-by-identity',
        text: READ,
        values: [group.map(({ protocol }) => protocol), group.map(({ identity }) => identity)],
      }),
    )
    const found = group.map((): Identified | null => null)
    for (const { at, open, identityFirst, sources, ...principal } of rows) {
      const networks = sources.length === 0 ? null : rangesOf(sources)
      found[at] = { principal, open, identityFirst, networks }
    }
    for (const [at, { protocol, identity }] of group.entries())
      this.#remember(`${protocol} ${identity}`, { found: found[at]!, readAt, edition })
    return found
  }

  #remember(key: string, answer: Remembered): void {
    this.#devices.delete(key)
    this.#strangers.delete(key)
    const [kept, most] = answer.found
      ? [this.#devices, MOST_DEVICES]
      : ([this.#strangers, MOST_STRANGERS] as const)
    if (kept.size >= most) kept.delete(kept.keys().next().value!)
    kept.set(key, answer)
  }
}
