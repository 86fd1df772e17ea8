import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, test } from 'node:test'
import { makeFleet, makeKey, ORIGIN, send, signRequest } from '../auth/doors.testing.ts'
import { testDatabase } from '../db/testing.ts'
import { listening } from './doors.testing.ts'
import { callingDevice } from './procedure.ts'
import { refuse } from './refuse.ts'
import { intakeOf } from './take.ts'

const { pool } = await testDatabase()
const intake = intakeOf(pool, Date.now, { publicOrigin: ORIGIN, secrets: ['p'.repeat(32)] })
const server = createServer((req, res) => {
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
