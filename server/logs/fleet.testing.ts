import type pg from 'pg'
import { insertCrews, insertFleet, insertTerminals } from '../../prisma/seed/write.ts'
import type { DevicePrincipal, Person } from '../auth/principal.ts'
import { newId } from '../db/id.ts'
import { receiverOf } from '../ingest/receive.ts'
import { takeReport } from '../ingest/report.ts'
import type { Heartbeat, Receipt } from '../ingest/schema.ts'
import { appRouter } from '../router.ts'
import { HOUR, type Instant } from '../time/instant.ts'
import { createCaller } from '../trpc.ts'

export interface Truck {
  vehicleId: number
  driverId: number
  device: DevicePrincipal
}

export interface Fix {
  at: Instant
  speedKph: number
  /** Kilometers north of where the truck began; the speed alone says whether it moves. */
  km: number
}

/** A fleet of one home terminal for tests of everything behind the door. */
export class TestFleet {
  constructor(
    readonly pool: pg.Pool,
    readonly id: number,
    readonly trucks: readonly Truck[],
  ) {}

  static async make(
    pool: pg.Pool,
    since: Instant,
    options: { trucks?: number; timeZone?: string; ruleset?: string } = {},
  ): Promise<TestFleet> {
    const { trucks = 1, timeZone = 'America/Chicago', ruleset } = options
    const slug = `test-${newId()}`
    const mainOffice = '1 Main Street'
    const id = await insertFleet(
      pool,
      { name: 'Tested', slug, usdotNumber: '123', mainOffice, timeZone },
      since,
    )
    const place = { name: 'Home', timeZone, latitude: 41, longitude: -93, state: 'IA', routes: [] }
    const [terminalId] = await insertTerminals(pool, id, [place])
    const crews = Array.from({ length: trucks }, (_, i) => ({
      truck: { unitNumber: String(i + 1), makeModel: 'Test', plate: '', vin: '' },
      person: { name: `Driver ${i + 1}`, employeeNumber: `E${i + 1}`, licenceNumber: `L${i + 1}` },
      terminalId: terminalId!,
      licenceState: 'IA',
      ruleset,
    }))
    const enrolled = await insertCrews(pool, id, crews, since)
    const numbers = await pool.query<{ id: number; number: number; fleetNumber: number }>(
      `select d.id, d.number, f.number as "fleetNumber" from devices d join fleets f on f.id = d.fleet_id
       where d.fleet_id = $1`,
      [id],
    )
    const numberOf = new Map(numbers.rows.map((row) => [row.id, row]))
    return new TestFleet(
      pool,
      id,
      enrolled.map(({ vehicleId, driverId, device: { id: deviceId, name } }) => ({
        vehicleId,
        driverId,
        device: {
          kind: 'device',
          method: 'session',
          fleetId: id,
          deviceId,
          vehicleId,
          fleetNumber: numberOf.get(deviceId)!.fleetNumber,
          deviceNumber: numberOf.get(deviceId)!.number,
          name,
        },
      })),
    )
  }

  /** Through the same code as the doors, received at `receivedAt`. */
  async report(fixes: readonly Fix[], receivedAt: Instant, truck = this.trucks[0]!): Promise<Receipt> {
    const heartbeats = fixes.map(
      ({ at, speedKph, km }): Heartbeat => ({
        device: truck.device.name,
        fixTime: at,
        latitude: 41 + km / 111.195,
        longitude: -93,
        speedKph,
      }),
    )
    const receiver = receiverOf(this.pool)
    const receipt = await takeReport(receiver, truck.device, heartbeats, receivedAt)
    // What shows follows behind the receipt.
    await receiver.drained()
    return receipt
  }

  /** The procedures as a person of this fleet calls them. */
  person(now: Instant) {
    const principal: Person = {
      kind: 'person',
      userId: 'u',
      name: 'Pat',
      email: 'p@x.example',
      fleetId: this.id,
      role: 'owner',
      driverId: null,
      sessionId: 's',
      local: true,
    }
    return createCaller(appRouter)({ principal, db: this.pool, now })
  }

  /** The procedures as a truck's device calls them. */
  device(now: Instant, truck = this.trucks[0]!) {
    return createCaller(appRouter)({ principal: truck.device, db: this.pool, now })
  }
}

/** A fix every `everyMs` from `from` on, until before `until`, at one speed, going on from `km`. */
export function run(from: Instant, until: Instant, speedKph: number, km = 0, everyMs = 60_000): Fix[] {
  const fixes: Fix[] = []
  for (let at = from; at < until; at += everyMs)
    fixes.push({ at, speedKph, km: km + (speedKph * (at - from)) / HOUR })
  return fixes
}

/** Stretches one after the other: how long and how fast. */
export function journey(start: Instant, ...legs: readonly [ms: number, speedKph: number][]): Fix[] {
  const fixes: Fix[] = []
  let [at, km] = [start, 0]
  for (const [ms, speedKph] of legs) {
    fixes.push(...run(at, at + ms, speedKph, km))
    at += ms
    km += (speedKph * ms) / HOUR
  }
  return fixes
}
