import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, describe, test } from 'node:test'
import { DeviceAuthenticator } from '../server/auth/device.ts'
import { testDatabase } from '../server/db/testing.ts'
import { DAY, HOUR } from '../server/time/instant.ts'
import { checkDigitOf, vinOf } from './seed/carrier.ts'
import { readDevices } from './seed/devices.ts'
import { planOf } from './seed/plan.ts'
import { SCENARIOS, seed } from './seed.ts'

const EPOCH = Date.UTC(2026, 10, 23, 16, 0, 7)
const { url, pool } = await testDatabase()
const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'restline-seed-'))
after(() => fs.rmSync(directory, { recursive: true, force: true }))
const devicesFile = path.join(directory, 'demo.json')

const count = async (sql: string, ...values: unknown[]): Promise<number> =>
  (await pool.query<{ count: number }>(`select count(*)::int as count from ${sql}`, values)).rows[0]!.count

describe('seeding', () => {
  test('the demonstration: a whole fleet, its week, and where each truck is now', async () => {
    const seeded = await seed(url, 'demo', { devicesFile, epoch: EPOCH })
    assert.equal(seeded.existed, false)
    assert.deepEqual(seeded.login, { email: 'dispatcher@demo.restline.example', password: 'restline-demo' })
    const { id } = seeded.fleets[0]!
    for (const table of [
      'vehicles',
      'drivers',
      'devices',
      'latest_positions',
      'vehicle_rechecks',
      'driver_assignments',
    ]) {
      assert.equal(await count(`${table} where fleet_id = $1`, id), 60, table)
    }
    assert.equal(await count('home_terminals where fleet_id = $1', id), 5)
    const positions = await count(
      'positions p join fleets f on f.number = p.fleet_number where f.id = $1',
      id,
    )
    assert.equal(positions, seeded.positions)
    assert.ok(positions > 80_000 && positions < 250_000, `${positions} positions`)
    const later = await count(
      'positions p join fleets f on f.number = p.fleet_number where f.id = $1 and fix_at(fix_second, fix_ms) > $2',
      id,
      new Date(EPOCH),
    )
    assert.equal(later, 0)
    assert.equal(await count('positions_other'), 0)
    const events = await count('duty_events where fleet_id = $1', id)
    assert.ok(events > 1_500 && events < 3_000, `${events} duty events`)
    assert.equal(
      await count(
        "duty_events where fleet_id = $1 and (at > $2 or status not in ('ON', 'OFF', 'SB'))",
        id,
        new Date(EPOCH),
      ),
      0,
    )
    assert.equal(await count('fleet_members where fleet_id = $1', id), 1)
    assert.equal(
      await count('(select vin from vehicles group by vin having length(vin) <> 17 or count(*) > 1) v'),
      0,
    )
    assert.equal(
      await count('(select name from drivers where fleet_id = $1 group by name having count(*) > 1) d', id),
      0,
    )
  })

  test('its devices file is for its owner alone, and its tokens open the door', async () => {
    assert.equal(fs.statSync(devicesFile).mode & 0o777, 0o600)
    const { devices, epoch } = readDevices(devicesFile)!
    assert.equal(epoch, EPOCH)
    assert.equal(devices.length, 60)
    const principal = await new DeviceAuthenticator(pool, () => EPOCH).authenticate(
      `Bearer ${devices[7]!.token}`,
    )
    assert.equal(principal.vehicleId, devices[7]!.vehicleId)
    assert.equal(principal.name, devices[7]!.name)
  })

  test('the simulator goes on where the history ends', async () => {
    const { rows } = await pool.query<{
      vehicleId: number
      fixAt: number
      odometerM: number
      latitudeE7: number
    }>(
      'select vehicle_id as "vehicleId", fix_at as "fixAt", odometer_m as "odometerM", latitude_e7 as "latitudeE7" from latest_positions',
    )
    for (const { vehicleId, plan, heardUntil } of readDevices(devicesFile)!.devices) {
      const row = rows.find((one) => one.vehicleId === vehicleId)!
      const state = planOf(plan, row.fixAt)
      assert.equal(row.odometerM, Math.round(state.odometerMeters))
      assert.equal(row.latitudeE7, Math.round(state.latitude * 1e7))
      assert.ok(row.fixAt <= heardUntil && row.fixAt > heardUntil - HOUR)
    }
  })

  test('again: keeps the data, and the devices file as it was', async () => {
    const before = fs.readFileSync(devicesFile, 'utf8')
    const positions = await count('positions')
    const again = await seed(url, 'demo', { devicesFile, epoch: EPOCH + DAY })
    assert.equal(again.existed, true)
    assert.equal(fs.readFileSync(devicesFile, 'utf8'), before)
    assert.equal(await count('positions'), positions)
  })

  test('a lost devices file is written again: the same plans, new tokens', async () => {
    const before = readDevices(devicesFile)!
    fs.rmSync(devicesFile)
    await seed(url, 'demo', { devicesFile })
    const now = readDevices(devicesFile)!
    assert.equal(now.epoch, EPOCH)
    assert.deepEqual(
      now.devices.map(({ vehicleId, plan }) => ({ vehicleId, plan })),
      before.devices.map(({ vehicleId, plan }) => ({ vehicleId, plan })),
    )
    const authenticator = new DeviceAuthenticator(pool, () => EPOCH)
    await authenticator.authenticate(`Bearer ${now.devices[0]!.token}`)
    await assert.rejects(authenticator.authenticate(`Bearer ${before.devices[0]!.token}`))
  })

  test('other scenarios stand beside it', async () => {
    const empty = await seed(url, 'empty', { devicesFile: path.join(directory, 'empty.json') })
    assert.deepEqual(readDevices(path.join(directory, 'empty.json'))!.devices, [])
    assert.equal(empty.fleets[0]!.trucks, 0)
    const two = await seed(url, 'two-fleets')
    assert.equal(two.fleets.length, 2)
    assert.notEqual(two.fleets[0]!.login.email, two.fleets[1]!.login.email)
    for (const scenario of ['one-driver', 'split-sleeper']) {
      const { fleets } = await seed(url, scenario)
      assert.equal(await count('drivers where fleet_id = $1', fleets[0]!.id), 1)
      assert.ok(
        (await count(
          'positions p join fleets f on f.number = p.fleet_number where f.id = $1',
          fleets[0]!.id,
        )) > 1_000,
      )
    }
  })

  test('an unknown name is refused with the names that are known', async () => {
    await assert.rejects(seed(url, 'constructor'), {
      message: `There is no scenario "constructor": choose one of ${Object.keys(SCENARIOS).join(', ')}.`,
    })
  })
})

test('a VIN carries its check digit', () => {
  // The specimen that manuals compute.
  assert.equal(checkDigitOf('1M8GDM9AXKP042788'), 'X')
  const vin = vinOf('1XKYDP9X', 2022, 4_711)
  assert.match(vin, /^1XKYDP9X[0-9X]N[A-Z]\d{6}$/)
  assert.equal(vin[8], checkDigitOf(vin))
})
