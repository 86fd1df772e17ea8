import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { before, describe, test } from 'node:test'
import { newId } from '../db/id.ts'
import { testDatabase } from '../db/testing.ts'
import { DeviceAuthenticator, type EnrolledDevice, enrolDevices, renewToken, revokeDevice } from './device.ts'

const { pool } = await testDatabase()

describe('device tokens', () => {
  const fleetId = newId()
  let device: EnrolledDevice
  let clock = 1_000_000
  const fresh = () => new DeviceAuthenticator(pool, () => clock)
  const refused = { name: 'AppError', code: 'unauthenticated' }

  before(async () => {
    const vehicleId = newId()
    await pool.query(
      `insert into fleets (id, name, slug, time_zone) values ($1, 'Northern', 'northern', 'America/Chicago')`,
      [fleetId],
    )
    await pool.query(`insert into vehicles (fleet_id, id, unit_number) values ($1, $2, '101')`, [
      fleetId,
      vehicleId,
    ])
    device = (await enrolDevices(pool, fleetId, [{ vehicleId, name: 'unit-101' }]))[0]!
  })

  test('a token names its device, and the database holds no secret', async () => {
    const { kind, name, vehicleId, deviceId } = await fresh().authenticate(`Bearer ${device.token}`)
    assert.deepEqual([kind, name, vehicleId, deviceId], ['device', 'unit-101', device.vehicleId, device.id])
    const { rows } = await pool.query<{ row: string }>('select devices::text as row from devices')
    // A secret may hold underscores of its own: its length says where it begins.
    const secret = device.token.slice(-43)
    assert.match(device.token, /^fdt_[0-9a-f]{8}_/)
    assert.equal(device.token.length, 'fdt_00000000_'.length + secret.length)
    assert.ok(rows.length > 0 && !rows.some(({ row }) => row.includes(secret)))
  })

  test('anything else is refused', async () => {
    const [, id, secret] = device.token.match(/^fdt_([0-9a-f]{8})_([\w-]{43})$/)!
    const wrong = [
      undefined,
      '',
      'Bearer',
      device.token,
      `Basic ${device.token}`,
      `Bearer fdt_${id}_${'A'.repeat(43)}`,
      `Bearer fdt_00ffffff_${secret}`,
      `Bearer fdt_ffffffff_${secret}`,
      `Bearer fdt_${id}_${secret}A`,
      `Bearer rl_${fleetId.toString(36)}_${device.id.toString(36)}_${secret!.slice(0, 32)}`,
      `Bearer ${device.token} ${device.token}`,
    ]
    for (const authorization of wrong) await assert.rejects(fresh().authenticate(authorization), refused)
  })

  test('a token of the former kind is good until it is renewed, and every token ends', async () => {
    const secret = 'S'.repeat(32)
    const former = `Bearer rl_${fleetId.toString(36)}_${device.id.toString(36)}_${secret}`
    const set = (hash: Buffer, ends: string) =>
      pool.query('update devices set token_hash = $1, token_expires_at = $2 where fleet_id = $3', [
        hash,
        ends,
        fleetId,
      ])
    await set(createHash('sha256').update(secret).digest(), '2030-01-01T00:00:00Z')
    assert.equal((await fresh().authenticate(former)).deviceId, device.id)
    await set(createHash('sha256').update(secret).digest(), new Date(clock).toISOString())
    await assert.rejects(fresh().authenticate(former), refused)
    device.token = (await renewToken(pool, fleetId, device.id))!
    assert.equal((await fresh().authenticate(`Bearer ${device.token}`)).deviceId, device.id)
    await assert.rejects(fresh().authenticate(former), refused)
  })

  test('the same name twice in a fleet is a conflict', async () => {
    await assert.rejects(enrolDevices(pool, fleetId, [{ vehicleId: device.vehicleId, name: 'unit-101' }]), {
      code: 'conflict',
      field: 'name',
    })
  })

  test('a revoked device is out within five seconds, though it was known', async () => {
    const authenticator = fresh()
    const authorization = `Bearer ${device.token}`
    await authenticator.authenticate(authorization)
    assert.equal(authenticator.known(authorization)?.deviceId, device.id)
    await revokeDevice(pool, fleetId, device.id)
    clock += 5_000
    assert.equal(authenticator.known(authorization), undefined)
    await assert.rejects(authenticator.authenticate(authorization), refused)
  })

  test('a renewed token replaces the old one', async () => {
    const token = await renewToken(pool, fleetId, device.id)
    assert.equal((await fresh().authenticate(`Bearer ${token}`)).deviceId, device.id)
    await assert.rejects(fresh().authenticate(`Bearer ${device.token}`), refused)
    assert.equal(await renewToken(pool, newId(), device.id), undefined)
  })
})
