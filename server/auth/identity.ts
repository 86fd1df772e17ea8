import type pg from 'pg'
import { within } from '../db/pool.ts'
import type { DeviceProtocol } from './device.ts'
import type { DevicePrincipal } from './principal.ts'

/** What changes in the list of devices is seen everywhere within this time. */
const KNOWN_FOR_MS = 4_000
/** A database that does not say within this who a device is, is away. */
const ANSWER_WITHIN_MS = 5_000
/** Identities are free to invent: what is remembered of them is bounded. */
const MOST_KNOWN = 200_000

/** A device as its protocol's identity names it. */
export interface Identified {
  principal: DevicePrincipal
  /** May it report by its identity alone? */
  open: boolean
}

/**
 * Identities of protocols that carry no secret, an IMEI say, to devices. The answer of the database, also that there is no such
 * device, is good for KNOWN_FOR_MS, so that one who knocks for ever costs a query in four seconds.
 */
export class DeviceDirectory {
  readonly #pool: pg.Pool
  readonly #now: () => number
  readonly #known = new Map<string, { found: Identified | null; readAt: number }>()

  constructor(pool: pg.Pool, now: () => number) {
    this.#pool = pool
    this.#now = now
  }

  /** Reads all of them again: the list of devices has changed in this process. */
  forget(): void {
    this.#known.clear()
  }

  /**
   * The device of an identity; null if none of that protocol has it, or it was revoked.
   * @throws a database error as it is
   */
  async find(protocol: DeviceProtocol, identity: string): Promise<Identified | null> {
    const key = `${protocol} ${identity}`
    const known = this.#known.get(key)
    if (known && this.#now() - known.readAt < KNOWN_FOR_MS) return known.found
    const { rows } = await this.#pool.query<DevicePrincipal & { open: boolean }>(
      within(ANSWER_WITHIN_MS, {
        name: 'device-by-identity',
        text: `select 'device' as kind, 'identity' as method, d.fleet_id as "fleetId", d.id as "deviceId", d.vehicle_id as "vehicleId",
               d.number as "deviceNumber", f.number as "fleetNumber", d.name, d.open
             from devices d join fleets f on f.id = d.fleet_id
             where d.protocol = $1 and d.identity = $2 and d.revoked_at is null`,
        values: [protocol, identity],
      }),
    )
    const [row] = rows
    let found: Identified | null = null
    if (row) {
      const { open, ...principal } = row
      found = { principal, open }
    }
    this.#known.delete(key)
    if (this.#known.size >= MOST_KNOWN) this.#known.delete(this.#known.keys().next().value!)
    this.#known.set(key, { found, readAt: this.#now() })
    return found
  }
}
