import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import * as fs from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import { TRPCError } from '@trpc/server'
import { ACTIONS, type Action, can, ROLES, ROUTES, type Role, type Route } from './auth/can.ts'
import { enrolKey } from './auth/device-keys.ts'
import { sshString } from './auth/keys/ssh-wire.ts'
import type { Principal } from './auth/principal.ts'
import { seal } from './auth/seal.ts'
import { newId } from './db/id.ts'
import { testDatabase } from './db/testing.ts'
import { appRouter } from './router.ts'
import { createCaller } from './trpc.ts'
import { SECRET_PURPOSE } from './webhooks/courier.ts'

/**
 * Who may call what: the whole list. A procedure without a row here fails the test. `foreign` is an input that names things of
 * another fleet; it must be answered as if they did not exist.
 */
interface Row {
  /** A device, or the people whose role may do this. */
  who: 'device' | Action
  foreign?: (other: Fleet) => unknown
}
const ACCESS: Record<string, Row> = {
  'heartbeat.report': { who: 'device', foreign: (other) => heartbeat(other.deviceName) },
  'fleet.me': { who: 'account.own' },
  'fleet.vehicles': { who: 'fleet.see' },
  'fleet.vehicle': { who: 'fleet.see', foreign: (other) => ({ id: other.vehicleId }) },
  'devices.list': { who: 'devices.see' },
  'devices.get': { who: 'devices.see', foreign: (other) => ({ id: other.deviceId }) },
  'devices.signal': { who: 'devices.see', foreign: (other) => ({ id: other.deviceId }) },
  'devices.unknown': { who: 'devices.see' },
  'devices.enrol': {
    who: 'devices.manage',
    foreign: (other) => ({ vehicleId: other.vehicleId, name: 'new', protocol: 'json' }),
  },
  'devices.renewToken': { who: 'devices.manage', foreign: (other) => ({ id: other.deviceId }) },
  'devices.revoke': { who: 'devices.manage', foreign: (other) => ({ id: other.deviceId }) },
  'devices.watch': { who: 'devices.see', foreign: (other) => ({ id: other.deviceId }) },
  'live.stream': { who: 'fleet.see' },
  'trips.day': { who: 'fleet.see', foreign: (other) => ({ vehicleId: other.vehicleId }) },
  'trips.month': { who: 'fleet.see' },
  'trips.track': {
    who: 'fleet.see',
    foreign: (other) => ({ vehicleId: other.vehicleId, from: NOW - 1_000, until: NOW }),
  },
  'logs.drivers': { who: 'hours.see' },
  'logs.day': { who: 'hours.see-one', foreign: (other) => ({ driverId: other.driverId }) },
  'logs.advice': { who: 'hours.see-one', foreign: (other) => ({ driverId: other.driverId }) },
  'logs.setStatus': {
    who: 'duty.set',
    foreign: (other) => ({ driverId: other.driverId, status: 'OFF', annotation: 'Rest' }),
  },
  'logs.reportStatus': { who: 'device' },
  'alerts.list': { who: 'alerts.see' },
  'alerts.acknowledge': { who: 'alerts.settle', foreign: (other) => ({ id: other.alertId }) },
  'alerts.resolve': { who: 'alerts.settle', foreign: (other) => ({ id: other.alertId }) },
  'audit.list': { who: 'audit.see' },
  'exports.ask': {
    who: 'reports.export',
    foreign: (other) => ({
      report: { kind: 'driver-days', driverId: other.driverId, from: '2026-11-20', until: '2026-11-24' },
    }),
  },
  'exports.list': { who: 'reports.export' },
  'exports.remove': { who: 'reports.export', foreign: (other) => ({ id: other.exportId }) },
  'keys.list': { who: 'devices.see' },
  'keys.enrol': {
    who: 'keys.manage',
    foreign: (other) => ({
      publicKey: newKeyLine(),
      scopes: ['ingest'],
      reach: { kind: 'device', deviceId: other.deviceId },
    }),
  },
  'keys.challenge': { who: 'keys.manage', foreign: (other) => ({ keyId: other.keyId }) },
  'keys.prove': { who: 'keys.manage', foreign: (other) => ({ keyId: other.keyId, signature: '' }) },
  'keys.revoke': { who: 'keys.manage', foreign: (other) => ({ keyId: other.keyId, why: 'stolen' }) },
  'deviceSignIn.get': { who: 'sign-in.manage' },
  'deviceSignIn.setMethods': { who: 'sign-in.manage' },
  'deviceSignIn.addIssuer': { who: 'sign-in.manage' },
  'deviceSignIn.removeIssuer': {
    who: 'sign-in.manage',
    foreign: () => ({ issuer: 'https://login.rival.example' }),
  },
  'deviceSignIn.testIssuer': { who: 'sign-in.manage' },
  'deviceSignIn.setTokenSources': {
    who: 'sign-in.manage',
    foreign: (other) => ({ deviceId: other.deviceId, sources: '10.0.0.0/8' }),
  },
  'account.view': { who: 'account.own' },
  'account.fleets': { who: 'account.own' },
  'account.enterFleet': { who: 'account.own', foreign: (other) => ({ fleetId: other.id }) },
  'account.endSession': { who: 'account.own', foreign: (other) => ({ id: other.sessionId }) },
  'account.endOthers': { who: 'account.own' },
  'account.signOutEverywhere': { who: 'account.own' },
  'account.disconnect': { who: 'account.own', foreign: (other) => ({ id: other.providerId }) },
  'people.list': { who: 'people.see' },
  'people.invite': {
    who: 'people.manage',
    foreign: (other) => ({ email: 'new@x.example', role: 'driver', driverId: other.driverId }),
  },
  'people.withdraw': { who: 'people.manage', foreign: (other) => ({ id: other.invitationId }) },
  'people.setRole': { who: 'people.manage', foreign: (other) => ({ userId: other.userId, role: 'viewer' }) },
  'people.remove': { who: 'people.manage', foreign: (other) => ({ userId: other.userId }) },
  'signIn.providers': { who: 'sign-in.manage' },
  'signIn.save': { who: 'sign-in.manage', foreign: (other) => provider(other.providerId) },
  'signIn.remove': { who: 'sign-in.manage', foreign: (other) => ({ id: other.providerId }) },
  'signIn.test': {
    who: 'sign-in.manage',
    foreign: (other) => ({ provider: provider(other.providerId) }),
  },
  'webhooks.list': { who: 'webhooks.manage' },
  'webhooks.save': {
    who: 'webhooks.manage',
    foreign: (other) => ({
      id: other.webhookId,
      name: 'TMS',
      url: 'https://8.8.8.8/',
      kinds: ['limit-passed'],
      enabled: true,
    }),
  },
  'webhooks.rotateSecret': { who: 'webhooks.manage', foreign: (other) => ({ id: other.webhookId }) },
  'webhooks.remove': { who: 'webhooks.manage', foreign: (other) => ({ id: other.webhookId }) },
  'webhooks.test': { who: 'webhooks.manage', foreign: (other) => ({ id: other.webhookId }) },
  'webhooks.deliveries': { who: 'webhooks.manage', foreign: (other) => ({ id: other.webhookId }) },
  'webhooks.sendAgain': { who: 'webhooks.manage', foreign: (other) => ({ id: other.deliveryId }) },
}

interface Fleet {
  id: number
  vehicleId: number
  driverId: number
  deviceId: number
  deviceNumber: number
  deviceName: string
  alertId: number
  keyId: number
  userId: string
  sessionId: string
  providerId: number
  invitationId: number
  webhookId: number
  deliveryId: number
  exportId: number
}

const { url, pool } = await testDatabase()
process.env.DATABASE_URL ??= url
process.env.AUTH_SECRET ??= 'a secret of the tests alone, 32 characters'
const NOW = Date.now()

/** A new Ed25519 key as ssh-keygen writes its public half. */
function newKeyLine(): string {
  const { publicKey } = generateKeyPairSync('ed25519')
  const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x!, 'base64url')
  const blob = Buffer.concat([sshString(Buffer.from('ssh-ed25519')), sshString(raw)])
  return `ssh-ed25519 ${blob.toString('base64')}`
}

const provider = (id: number) => ({
  kind: 'oidc',
  id,
  name: 'Company',
  enabled: false,
  settings: { issuer: 'http://127.0.0.1:9', clientId: 'restline', groups: [], otherwise: null },
})
const heartbeat = (device: string) => ({ device, fixTime: NOW, latitude: 41, longitude: -87 })

async function makeFleet(slug: string): Promise<Fleet> {
  const [id, terminalId, vehicleId, driverId, deviceId, alertId] = Array.from({ length: 6 }, newId) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const deviceName = `device-of-${slug}`
  await pool.query(`insert into fleets (id, name, slug, time_zone) values ($1, $2, $2, 'America/Chicago')`, [
    id,
    slug,
  ])
  await pool.query(
    `insert into home_terminals (fleet_id, id, name, time_zone, latitude, longitude) values ($1, $2, 'Chicago', 'America/Chicago', 41.8, -87.6)`,
    [id, terminalId],
  )
  await pool.query(`insert into vehicles (fleet_id, id, unit_number) values ($1, $2, '1')`, [id, vehicleId])
  await pool.query(
    `insert into drivers (fleet_id, id, name, employee_number, home_terminal_id) values ($1, $2, 'A Driver', '1', $3)`,
    [id, driverId, terminalId],
  )
  const device = await pool.query<{ number: number }>(
    `insert into devices (fleet_id, id, name, vehicle_id, token_hash) values ($1, $2, $3, $4, '\\x00') returning number`,
    [id, deviceId, deviceName, vehicleId],
  )
  await pool.query(
    `insert into driver_assignments (fleet_id, vehicle_id, from_at, driver_id) values ($1, $2, $3, $4)`,
    [id, vehicleId, new Date(NOW - 86_400_000), driverId],
  )
  await pool.query(
    `insert into alerts (fleet_id, id, kind, subject, vehicle_id, due_at, opened_at, facts)
     values ($1, $2, 'truck-silent', 'silent:1', $3, $4, $4, '{}')`,
    [id, alertId, vehicleId, new Date(NOW)],
  )
  const key = await enrolKey(
    pool,
    id,
    { publicKey: newKeyLine(), scopes: ['ingest'], reach: { kind: 'device', deviceId } },
    { name: 'Ada', now: NOW },
  )
  const [userId, sessionId, providerId, invitationId] = [
    `user-of-${slug}`,
    `session-of-${slug}`,
    newId(),
    newId(),
  ]
  await pool.query(`insert into users (id, name, email) values ($1, $2, $2 || '@x.example')`, [userId, slug])
  await pool.query(`insert into fleet_members (fleet_id, user_id, role) values ($1, $2, 'dispatcher')`, [
    id,
    userId,
  ])
  await pool.query(
    `insert into sessions (id, token, user_id, expires_at, updated_at) values ($1, $1, $2, now() + interval '1 day', now())`,
    [sessionId, userId],
  )
  await pool.query(
    `insert into sign_in_providers (fleet_id, id, kind, name, settings) values ($1, $2, 'oidc', $3, '{}')`,
    [id, providerId, slug],
  )
  await pool.query(
    `insert into invitations (fleet_id, id, email, role, secret_hash, invited_by, expires_at)
     values ($1, $2, 'i@x.example', 'viewer', '\\x00', 'Ada', now() + interval '1 day')`,
    [id, invitationId],
  )
  const [webhookId, deliveryId] = [newId(), newId()]
  await pool.query(
    `insert into webhook_endpoints (fleet_id, id, name, url, kinds, secret, created_by)
     values ($1, $2, 'TMS', 'https://127.0.0.1:9/', '{limit-passed}', $3, 'Ada')`,
    [id, webhookId, seal('a secret', SECRET_PURPOSE)],
  )
  await pool.query(
    `insert into webhook_deliveries (fleet_id, id, endpoint_id, event, body, due_at, created_at)
     values ($1, $2, $3, 'alert.opened', '{}', now(), now())`,
    [id, deliveryId, webhookId],
  )
  // By the same person: it is the fleet that counts.
  const exportId = newId()
  await pool.query(
    `insert into exports (fleet_id, id, user_id, report, file_name, due_at, asked_at)
     values ($1, $2, 'u', '{"kind":"violations","from":"2026-11-20","until":"2026-11-24"}', 'x.csv', now(), now())`,
    [id, exportId],
  )
  return {
    webhookId,
    deliveryId,
    exportId,
    userId,
    sessionId,
    providerId,
    invitationId,
    id,
    vehicleId,
    driverId,
    deviceId,
    deviceNumber: device.rows[0]!.number,
    deviceName,
    alertId,
    keyId: key.id,
  }
}

const ours = await makeFleet('ours')
const theirs = await makeFleet('theirs')
const as = (role: Role): Principal => ({
  kind: 'person',
  userId: 'u',
  name: 'Ada',
  email: 'ada@ours.example',
  fleetId: ours.id,
  role,
  driverId: role === 'driver' ? ours.driverId : null,
  sessionId: 's',
  local: true,
})
const OWNER = as('owner')
const DEVICE: Principal = {
  kind: 'device',
  method: 'session',
  fleetId: ours.id,
  deviceId: ours.deviceId,
  fleetNumber: 1,
  deviceNumber: ours.deviceNumber,
  vehicleId: ours.vehicleId,
  name: ours.deviceName,
}

const procedures = Object.keys(appRouter._def.procedures)

const procedureOf = (path: string) =>
  (
    appRouter._def.procedures as unknown as Record<
      string,
      { _def: { type: 'query' | 'mutation' | 'subscription'; meta?: { may?: Action } } }
    >
  )[path]!._def

/** It got past the door, whatever became of it there. */
const wasHeard = (code: string | null) => code !== 'UNAUTHORIZED' && code !== 'FORBIDDEN'

function files(directory: string): string[] {
  return fs
    .readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(directory, path.join(entry.parentPath ?? entry.path, entry.name)))
}

/** The code of the refusal, or null when the call went through. */
async function refusal(path: string, principal: Principal | null, input: unknown): Promise<string | null> {
  const caller = createCaller(appRouter)({ principal, db: pool, now: NOW })
  const [room, name] = path.split('.') as [keyof typeof caller, string]
  try {
    const answer = await (caller[room] as unknown as Record<string, (input: unknown) => Promise<unknown>>)[
      name
    ]!(input)
    // A subscription refuses when it is first read.
    if (answer && typeof answer === 'object' && Symbol.asyncIterator in answer) {
      const iterator = (answer as AsyncIterable<unknown>)[Symbol.asyncIterator]()
      await iterator.next()
      await iterator.return?.()
    }
    return null
  } catch (error) {
    if (error instanceof TRPCError) return error.code
    throw error
  }
}

describe('who may call what', () => {
  test('every procedure has a row, and every row a procedure', () => {
    assert.deepEqual(procedures.toSorted(), Object.keys(ACCESS).toSorted())
  })

  test('attack 3: every role and every procedure, none may more than its row says', async () => {
    for (const [path, { who, foreign }] of Object.entries(ACCESS)) {
      const input = foreign?.(ours)
      assert.equal(await refusal(path, null, input), 'UNAUTHORIZED', `${path} by nobody`)
      const device = await refusal(path, DEVICE, input)
      if (who === 'device') assert.ok(wasHeard(device), `${path} by a device: ${device}`)
      else assert.equal(device, 'FORBIDDEN', `${path} by a device`)
      for (const role of ROLES) {
        const code = await refusal(path, as(role), input)
        if (who !== 'device' && can(role, who)) assert.ok(wasHeard(code), `${path} by ${role}: ${code}`)
        else assert.equal(code, 'FORBIDDEN', `${path} by ${role}`)
      }
    }
  })

  test('a procedure asks for what its row says, and what changes something is not for those who look', () => {
    const looking: readonly Action[] = ACTIONS.filter((action) => action.includes('see'))
    for (const [path, { who }] of Object.entries(ACCESS)) {
      const { meta, type } = procedureOf(path)
      const asks = meta?.may ?? (type === 'mutation' ? 'fleet.change' : 'fleet.see')
      if (who !== 'device') assert.equal(asks, who, path)
      if (type === 'mutation' && who !== 'device')
        assert.ok(!looking.includes(who), `${path} changes something`)
    }
  })

  test('every page and door has a row in ROUTES, and every row a page or a door', () => {
    const found = files('app')
      .filter((file) => /(^|\/)(page\.tsx|route\.ts)$/.test(file))
      .map((file) => `/${path.dirname(file)}`.replace(/\/\([^)]*\)/g, '').replace(/\/\.$/, '') || '/')
    assert.deepEqual(found.toSorted(), Object.keys(ROUTES).toSorted())
  })

  test('a page asks for its own row', () => {
    for (const file of files('app').filter((one) => one.endsWith('page.tsx'))) {
      const route = `/${path.dirname(file)}`.replace(/\/\([^)]*\)/g, '').replace(/\/\.$/, '') || '/'
      const text = fs.readFileSync(path.join('app', file), 'utf8')
      if (ROUTES[route as Route] === 'anyone' && route !== '/') continue
      assert.ok(text.includes(`signedIn('${route}')`), `${file} does not ask signedIn('${route}')`)
    }
  })

  for (const [path, { who, foreign }] of Object.entries(ACCESS)) {
    if (!foreign) continue
    test(`attack 1: ${path} does not know the things of another fleet`, async () => {
      const code = await refusal(path, who === 'device' ? DEVICE : OWNER, foreign(theirs))
      // A heartbeat for a foreign device is refused as any other device's name is: it is not that of the key.
      assert.equal(code, path === 'heartbeat.report' ? 'FORBIDDEN' : 'NOT_FOUND')
    })
  }

  test('a driver sees their own log; others of the fleet are no drivers for them', async () => {
    for (const path of ['logs.day', 'logs.advice']) {
      assert.equal(await refusal(path, as('driver'), { driverId: ours.driverId }), null)
      assert.equal(await refusal(path, as('driver'), { driverId: ours.driverId + 1 }), 'NOT_FOUND')
    }
  })

  test('nothing of the other fleet was changed by trying', async () => {
    const { rows } = await pool.query(
      `select (select count(*) from duty_events where fleet_id = $1) as events,
              (select count(*) from positions p join fleets f on f.number = p.fleet_number where f.id = $1) as positions,
              (select count(*) from alerts where fleet_id = $1 and acknowledged_at is null and resolved_at is null) as alerts,
              (select count(*) from exports where fleet_id = $1 and state = 'queued') as exports,
              (select count(*) from sign_in_providers where fleet_id = $1 and kind = 'oidc' and name = 'theirs') as providers,
              (select count(*) from invitations where fleet_id = $1 and email = 'i@x.example') as invitations,
              (select count(*) from fleet_members m join sessions s using (user_id) where m.fleet_id = $1 and m.role = 'dispatcher')
                as members`,
      [theirs.id],
    )
    assert.deepEqual(rows, [
      { events: 0, positions: 0, alerts: 1, exports: 1, providers: 1, invitations: 1, members: 1 },
    ])
  })

  test('an input with a field that nobody asked for is refused', async () => {
    for (const path of [
      'fleet.vehicle',
      'logs.day',
      'logs.setStatus',
      'alerts.acknowledge',
      'alerts.resolve',
      'alerts.list',
      'people.invite',
      'people.setRole',
      'people.remove',
      'signIn.remove',
      'account.endSession',
      'exports.ask',
      'exports.remove',
    ]) {
      const input = { ...(ACCESS[path]!.foreign?.(ours) as object), fleetId: theirs.id }
      assert.equal(await refusal(path, OWNER, input), 'BAD_REQUEST', path)
    }
  })
})
