import { renewToken } from '../server/auth/device.ts'
import { makeOwnKeys } from '../server/auth/own-keys.ts'
import { enrolPerson } from '../server/auth/people.ts'
import { ensurePartitions } from '../server/db/partitions.ts'
import { createPool, type Db, withTransaction } from '../server/db/pool.ts'
import { AppError } from '../server/errors.ts'
import { HOUR, type Instant, MINUTE, SECOND } from '../server/time/instant.ts'
import { personOf, TERMINALS, truckOf } from './seed/carrier.ts'
import { yardOf } from './seed/demo.ts'
import { readDevices, type SimulatedDevice, writeDevices } from './seed/devices.ts'
import { Itinerary } from './seed/plan.ts'
import { type FleetScript, type Login, SCENARIOS } from './seed/scenarios.ts'
import {
  type Enrolled,
  insertCrews,
  insertFleet,
  insertPast,
  insertStatuses,
  insertTerminals,
  type Past,
  SIMULATOR,
} from './seed/write.ts'

export { type Login, SCENARIOS }

export interface SeededFleet {
  id: number
  name: string
  slug: string
  login: Login
  trucks: number
}

export interface Seeded {
  scenario: string
  fleets: SeededFleet[]
  /** The person of the first fleet. */
  login: Login
  /** Everything was there already, and has been kept. */
  existed: boolean
  /** Positions written. */
  positions: number
}

export interface SeedOptions {
  /** Where the devices of simulated trucks are written, with their tokens. Left out: nowhere. */
  devicesFile?: string
  /** When the scenario starts; now if left out. */
  epoch?: Instant
}

/** An hour of dense fixes, so that the trails look alive; then sparser ones. */
const DENSE = { movingMs: 30 * SECOND, parkedMs: 5 * MINUTE }
const SPARSE = { movingMs: 2 * MINUTE, parkedMs: 30 * MINUTE }

/**
 * Makes a named scenario in a migrated database: fleets, people who sign in, trucks, drivers, and what happened until now.
 * A fleet that is there already is kept as it is; its devices file is written again if it is missing.
 * @throws AppError not-found for a name that is no scenario
 */
export async function seed(
  databaseUrl: string,
  scenario: string,
  options: SeedOptions = {},
): Promise<Seeded> {
  const script = Object.hasOwn(SCENARIOS, scenario) ? SCENARIOS[scenario] : undefined
  if (!script) {
    throw new AppError(
      'not-found',
      `There is no scenario "${scenario}": choose one of ${Object.keys(SCENARIOS).join(', ')}.`,
    )
  }
  const pool = createPool(databaseUrl, 2)
  try {
    const seeded: Seeded = {
      scenario,
      fleets: [],
      login: script.fleets[0]!.login,
      existed: true,
      positions: 0,
    }
    const devices: SimulatedDevice[] = []
    let epoch = options.epoch ?? Date.now()
    const kept = options.devicesFile ? readDevices(options.devicesFile) : undefined
    for (const fleetScript of script.fleets) {
      const { rows } = await pool.query<{ id: number; startedAt: Instant }>(
        'select id, created_at as "startedAt" from fleets where slug = $1',
        [fleetScript.slug],
      )
      const found = rows[0]
      let id: number
      if (found) {
        id = found.id
        epoch = found.startedAt
        const mine = kept?.devices.filter((device) => device.fleetId === id) ?? []
        devices.push(
          ...(mine.length > 0 || !options.devicesFile ? mine : await renewed(pool, id, fleetScript, epoch)),
        )
      } else {
        seeded.existed = false
        const made = await withTransaction(pool, (tx) => insertAll(tx, fleetScript, epoch))
        id = made.fleetId
        seeded.positions += made.positions
        devices.push(...made.devices)
        await pool.query('analyze')
      }
      if (!found) await enrolPerson(pool, { fleetId: id, name: fleetScript.person, ...fleetScript.login })
      const { name, slug, login } = fleetScript
      seeded.fleets.push({ id, name, slug, login, trucks: fleetScript.plans(epoch).length })
    }
    if (options.devicesFile) writeDevices(options.devicesFile, { scenario, epoch, devices })
    return seeded
  } finally {
    await pool.end()
  }
}

async function insertAll(
  tx: Db,
  script: FleetScript,
  epoch: Instant,
): Promise<{ fleetId: number; positions: number; devices: SimulatedDevice[] }> {
  await ensurePartitions(tx, epoch)
  const fleetId = await insertFleet(tx, script, epoch)
  const terminalIds = await insertTerminals(tx, fleetId, TERMINALS)
  const plans = script.plans(epoch)
  if (plans.length === 0) return { fleetId, positions: 0, devices: [] }
  const since = Math.min(...plans.map((plan) => plan.beginsAt))
  const crews = await insertCrews(
    tx,
    fleetId,
    plans.map(({ index }) => {
      const { terminal } = yardOf(index)
      return {
        truck: truckOf(script.seed, index),
        person: personOf(script.seed, index),
        terminalId: terminalIds[terminal]!,
        licenceState: TERMINALS[terminal]!.state,
      }
    }),
    since,
  )
  const pasts = plans.map(
    (plan, i): Past => ({
      crew: crews[i]!,
      itinerary: new Itinerary(plan),
      from: Math.max(plan.beginsAt, epoch - script.positionsMs),
      heardUntil: Math.min(epoch, plan.silence?.from ?? epoch),
    }),
  )
  const positions = await insertPast(tx, fleetId, pasts, [
    { until: epoch - HOUR, cadence: SPARSE },
    { until: epoch, cadence: DENSE },
  ])
  await insertStatuses(
    tx,
    fleetId,
    pasts.flatMap(({ crew, itinerary, heardUntil }) =>
      itinerary.statuses(itinerary.plan.beginsAt, heardUntil + 1).map((set) => ({
        ...set,
        crew,
        place: plans.length > 1_000 ? null : itinerary.at(set.at),
      })),
    ),
  )
  return { fleetId, positions, devices: crews.map((crew, i) => simulated(fleetId, crew, pasts[i]!)) }
}

const simulated = (
  fleetId: number,
  { vehicleId, truck, device, key }: Enrolled,
  past: Past,
): SimulatedDevice => ({
  fleetId,
  vehicleId,
  unitNumber: truck.unitNumber,
  name: device.name,
  token: device.token,
  key,
  heardUntil: past.heardUntil,
  plan: past.itinerary.plan,
})

/** The devices file was lost: the same plans, and new keys and tokens, because the old ones are stored nowhere. */
async function renewed(
  db: Db,
  fleetId: number,
  script: FleetScript,
  epoch: Instant,
): Promise<SimulatedDevice[]> {
  const { rows } = await db.query<{
    deviceId: number
    vehicleId: number
    name: string
    unitNumber: string
    heardUntil: Instant | null
  }>(
    `select d.id as "deviceId", d.vehicle_id as "vehicleId", d.name, v.unit_number as "unitNumber",
       l.fix_at as "heardUntil"
     from devices d
     join vehicles v on v.fleet_id = d.fleet_id and v.id = d.vehicle_id
     left join latest_positions l on l.fleet_id = d.fleet_id and l.vehicle_id = d.vehicle_id
     where d.fleet_id = $1`,
    [fleetId],
  )
  const byUnit = new Map(rows.map((row) => [row.unitNumber, row]))
  const found: (Omit<SimulatedDevice, 'key'> & { deviceId: number })[] = []
  for (const plan of script.plans(epoch)) {
    const row = byUnit.get(truckOf(script.seed, plan.index).unitNumber)
    const token = row && (await renewToken(db, fleetId, row.deviceId))
    if (!row || !token) continue
    const { heardUntil, ...known } = row
    found.push({ fleetId, ...known, token, heardUntil: heardUntil ?? epoch, plan })
  }
  const ids = found.map(({ deviceId }) => deviceId)
  const keys = await makeOwnKeys(db, fleetId, ids, SIMULATOR, epoch)
  return found.map(({ deviceId: _, ...device }, i) => ({ ...device, key: keys[i]! }))
}
