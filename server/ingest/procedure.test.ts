import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, test } from 'node:test'
import { beatOf, makeFleet, makeKey, ORIGIN, send, signRequest } from '../auth/doors.testing.ts'
import { testDatabase } from '../db/testing.ts'
import { listening } from './doors.testing.ts'
import { createDoor } from './http.ts'
import { callingDevice } from './procedure.ts'
import { refuse } from './refuse.ts'
import { takeProcedure } from './report.ts'
import { intakeOf } from './take.ts'

const { pool } = await testDatabase()
const intake = intakeOf(pool, Date.now, { publicOrigin: ORIGIN, secrets: ['p'.repeat(32)] })
const door = createDoor(intake)
const server = createServer((req, res) => {
  if (door.handle(req, res)) return
  callingDevice(intake, req).then(
    (device) => res.end(JSON.stringify({ name: device?.name ?? null })),
    (error: unknown) => refuse(intake, req, res, error),
  )
})
const instance = { url: await listening(server), pool, drained: async () => undefined }
after(() => {
  server.closeAllConnections()
  server.close()
})
const fleet = await makeFleet(pool, 'acme', ['unit-1'])
const [truck] = fleet.devices

test('a key calls procedures only where its scope lets it report, as at the door of JSON', async () => {
  const reach = { kind: 'device', deviceId: truck!.id } as const
  const call = async (key: Awaited<ReturnType<typeof makeKey>>) => {
    const signing = { keyId: key.enrolled.keyId, key: key.privateKey, target: '/api/trpc/heartbeat.report' }
    const { status, code, answer } = await send(instance, signRequest({}, signing))
    return [status, code ?? answer.name]
  }
  assert.deepEqual(await call(await makeKey(pool, fleet, reach)), [200, 'unit-1'])
  for (const scope of ['config:read', 'commands:read', 'eld:transfer'] as const)
    assert.deepEqual(await call(await makeKey(pool, fleet, reach, { scopes: [scope] })), [
      403,
      'scope_denied',
    ])
})

test('what is no heartbeat is refused for good, however it is nested and whatever stands for a name', async () => {
  const device = {
    kind: 'device',
    method: 'token',
    fleetId: fleet.id,
    fleetNumber: 1,
    deviceId: truck!.id,
    deviceNumber: 1,
    vehicleId: truck!.vehicleId,
    name: 'unit-1',
  } as const
  const deep = JSON.parse(`${'['.repeat(10_000)}${']'.repeat(10_000)}`)
  const from = { address: '127.0.0.1', receivedAt: Date.now() }
  const receipt = await takeProcedure(pool, device, deep, from)
  assert.deepEqual([receipt.received, receipt.refused.length], [1, 1])

  const gateway = await makeKey(pool, fleet, { kind: 'fleet' })
  const signing = { keyId: gateway.enrolled.keyId, key: gateway.privateKey }
  for (const name of [{ toString: 1, valueOf: 1 }, ['unit-1'], 7, null]) {
    const { status, answer } = await send(instance, signRequest([{ ...beatOf('x'), device: name }], signing))
    assert.deepEqual([status, (answer.refused as object[])?.length], [422, 1], JSON.stringify(name))
  }
})
