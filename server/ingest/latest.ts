import type pg from 'pg'
import type { DevicePrincipal } from '../auth/principal.ts'
import { within } from '../db/pool.ts'
import type { Batch, Point } from './batch.ts'
import { columnsOf } from './columns.ts'
import { sparing } from './trouble.ts'

/** How long a new position may wait before it shows; the live stream looks four times a second at most. */
const WAIT_MS = 50
const RETRY_MS = 1_000
const STATEMENT_MS = 20_000
const sayLate = sparing('warn', 'latest positions are late')

interface Latest {
  device: DevicePrincipal
  receivedAt: number
  point: Point
}

/**
 * Moves each vehicle's latest position forward and tells the other processes, for many groups at once and behind the receipts.
 * Nothing is lost with it: the worker finds the same from the positions (server/logs/latest.ts), whose recheck is durable.
 */
const ADVANCE = `
with advanced as (
  insert into latest_positions as l (fleet_id, vehicle_id, device_id, fix_at, received_at, latitude_e7, longitude_e7,
    odometer_m, speed_ckph, heading_deg, flags)
  select p.* from unnest($1::int8[], $2::int8[], $3::int8[], $4::timestamptz[], $5::timestamptz[], $6::int4[], $7::int4[],
    $8::int4[], $9::int4[], $10::int2[], $11::int2[]) as p(fleet_id, vehicle_id)
  join vehicles v on v.fleet_id = p.fleet_id and v.id = p.vehicle_id
  on conflict (fleet_id, vehicle_id) do update set device_id = excluded.device_id, fix_at = excluded.fix_at,
    received_at = excluded.received_at, latitude_e7 = excluded.latitude_e7, longitude_e7 = excluded.longitude_e7,
    odometer_m = excluded.odometer_m, speed_ckph = excluded.speed_ckph, heading_deg = excluded.heading_deg,
    flags = excluded.flags, revision = pg_current_xact_id()::text::bigint
  where l.fix_at < excluded.fix_at
)
select set_config('synchronous_commit', 'off', true), pg_notify('restline', fleet_id::text)
from (select distinct fleet_id from unnest($12::int8[]) as f(fleet_id)) as fleets`

export class LatestPositions {
  readonly #pool: pg.Pool
  #pending = new Map<number, Latest>()
  /** Fleets to tell, though none of their vehicles may have moved. */
  #fleets = new Set<number>()
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> | undefined

  constructor(pool: pg.Pool) {
    this.#pool = pool
  }

  /** Takes note of a batch that is stored. */
  add({ device, latest: point, receivedAt }: Batch): void {
    this.#fleets.add(device.fleetId)
    if (point !== null) this.#keep({ device, receivedAt, point })
    if (!this.#writing) this.#timer ??= setTimeout(() => void this.#flush(), WAIT_MS)
  }

  /** Resolves when what was noted is written. */
  async flushed(): Promise<void> {
    await this.#writing
    if (this.#fleets.size > 0) await this.#flush()
  }

  #keep(one: Latest): void {
    const known = this.#pending.get(one.device.vehicleId)
    if (!known || known.point.fixAt < one.point.fixAt) this.#pending.set(one.device.vehicleId, one)
  }

  #flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const [pending, fleets] = [this.#pending, this.#fleets]
    this.#pending = new Map()
    this.#fleets = new Set()
    this.#writing = this.#write([...pending.values()], [...fleets])
      .then(
        () => 0,
        (error: Error) => {
          // The worker will find it; we try again so that it shows sooner.
          sayLate({ error: error.message })
          for (const one of pending.values()) this.#keep(one)
          for (const fleetId of fleets) this.#fleets.add(fleetId)
          return RETRY_MS
        },
      )
      .then((waitMs) => {
        this.#writing = undefined
        if (this.#fleets.size > 0)
          this.#timer ??= setTimeout(() => void this.#flush(), Math.max(waitMs, WAIT_MS)).unref()
      })
    return this.#writing
  }

  async #write(latest: Latest[], fleets: number[]): Promise<void> {
    // In one order, so that two processes never wait for each other's vehicles.
    latest.sort((a, b) => a.device.vehicleId - b.device.vehicleId)
    const values = [
      ...columnsOf(latest, {
        fleetId: ['int8', ({ device }) => device.fleetId],
        vehicleId: ['int8', ({ device }) => device.vehicleId],
        deviceId: ['int8', ({ device }) => device.deviceId],
        fixAt: ['timestamptz', ({ point }) => point.fixAt],
        receivedAt: ['timestamptz', ({ receivedAt }) => receivedAt],
        latitudeE7: ['int4', ({ point }) => point.latitudeE7],
        longitudeE7: ['int4', ({ point }) => point.longitudeE7],
        odometerM: ['int4', ({ point }) => point.odometerM],
        speedCkph: ['int4', ({ point }) => point.speedCkph],
        headingDeg: ['int2', ({ point }) => point.headingDeg],
        flags: ['int2', ({ point }) => point.flags],
      }),
      ...columnsOf(fleets, { fleetId: ['int8', (fleetId) => fleetId] }),
    ]
    await this.#pool.query(within(STATEMENT_MS, { name: 'advance-latest-positions', text: ADVANCE, values }))
  }
}
