import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after } from 'node:test'
import type pg from 'pg'
import { newId } from '../db/id.ts'
import { createPool } from '../db/pool.ts'
import { createDoor } from '../ingest/http.ts'
import { intakeOf } from '../ingest/take.ts'
import { type EnrolledDevice, enrolDevices } from './device.ts'
import type { EnrolledKey, KeyReach, KeyScope } from './device-keys/schema.ts'
import { enrolKey } from './device-keys.ts'
import type { DoorAuthOptions } from './door-auth.ts'
import { type SignatureAlgorithm, signData } from './keys/algorithm.ts'
import type { HeaderFields } from './keys/http-message.ts'
import { draftRequest, newNonce } from './keys/sign-request.ts'
import type { SignerKind } from './keys/signed-request.ts'
import { sshString } from './keys/ssh-wire.ts'

export const ORIGIN = 'https://ingest.example.com'
const SECRET = 'what all instances of these tests share'

/** One of several instances over a database: pool, caches and all of its own. */
export interface Instance {
  url: string
  pool: pg.Pool
  drained(): Promise<void>
}

/** @param options `publicOrigin: 'its own'` for the address at which it listens */
export async function startInstance(
  databaseUrl: string,
  options: Partial<DoorAuthOptions> = {},
  now: () => number = Date.now,
): Promise<Instance> {
  const pool = createPool(databaseUrl, 5)
  const server = createServer((req, res) => {
    if (!door.handle(req, res)) res.writeHead(404).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const auth = { publicOrigin: ORIGIN, secrets: [SECRET], networks: ['127.0.0.0/8'], ...options }
  if (auth.publicOrigin === 'its own') auth.publicOrigin = url
  const intake = intakeOf(pool, now, auth)
  const door = createDoor(intake)
  after(async () => {
    server.closeAllConnections()
    server.close()
    await door.close()
    await pool.end()
  })
  return { url, pool, drained: () => door.close() }
}

/** The line of a .pub file. */
export function keyLine(publicKey: KeyObject): string {
  const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x!, 'base64url')
  const blob = Buffer.concat([sshString(Buffer.from('ssh-ed25519')), sshString(raw)])
  return `ssh-ed25519 ${blob.toString('base64')} truck@fleet`
}

export interface TestFleet {
  id: number
  slug: string
  devices: EnrolledDevice[]
}

export async function makeFleet(pool: pg.Pool, slug: string, names: readonly string[]): Promise<TestFleet> {
  const id = newId()
  await pool.query(`insert into fleets (id, name, slug, time_zone) values ($1, $2, $2, 'America/Chicago')`, [
    id,
    slug,
  ])
  const devices = names.map((name) => ({ name, vehicleId: newId() }))
  await pool.query(
    `insert into vehicles (fleet_id, id, unit_number) select $1, * from unnest($2::bigint[], $3::text[])`,
    [id, devices.map((one) => one.vehicleId), names],
  )
  return { id, slug, devices: await enrolDevices(pool, id, devices) }
}

export interface TestKey {
  privateKey: KeyObject
  line: string
  enrolled: EnrolledKey
}

/** A new Ed25519 key of a fleet, active unless said otherwise. */
export async function makeKey(
  pool: pg.Pool,
  fleet: TestFleet,
  reach: KeyReach,
  more: { scopes?: KeyScope[]; state?: 'pending' | 'active'; now?: number; expiresAt?: number } = {},
): Promise<TestKey> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const line = keyLine(publicKey)
  const { scopes = ['ingest'], state = 'active', now = Date.now(), expiresAt } = more
  const enrolled = await enrolKey(
    pool,
    fleet.id,
    { publicKey: line, scopes, reach, expiresAt },
    { name: 'Ada', now, state },
  )
  return { privateKey, line, enrolled }
}

export interface Signing {
  kind?: SignerKind
  keyId: string
  key: KeyObject
  algorithm?: SignatureAlgorithm
  now?: number
  nonce?: string
  method?: string
  target?: string
}

/** A request as it goes over the line: to be sent, sent again, or changed first. */
export interface SignedRequest {
  method: string
  target: string
  headers: HeaderFields
  body: string
  base: Buffer
}

export function signRequest(body: unknown, signing: Signing): SignedRequest {
  const {
    kind = 'device',
    keyId,
    key,
    algorithm = 'ed25519',
    method = 'POST',
    target = '/v1/heartbeats',
  } = signing
  const text = JSON.stringify(body)
  const draft = draftRequest(
    { method, target, headers: [['Content-Type', 'application/json']], body: Buffer.from(text) },
    { kind, keyId, algorithm },
    ORIGIN,
    signing.now ?? Date.now(),
    signing.nonce ?? newNonce(),
  )
  return {
    method,
    target,
    headers: draft.headers(signData(algorithm, key, draft.base)),
    body: text,
    base: draft.base,
  }
}

export interface Answered {
  status: number
  code: string | undefined
  answer: Record<string, unknown>
  headers: Headers
}

export async function send(
  instance: Instance,
  { method, target, headers, body }: Omit<SignedRequest, 'base'>,
): Promise<Answered> {
  const response = await fetch(instance.url + target, {
    method,
    headers: headers.map(([name, value]): [string, string] => [name, value]),
    body,
  })
  const answer = (await response.json()) as Record<string, unknown>
  return {
    status: response.status,
    code: answer.code as string | undefined,
    answer,
    headers: response.headers,
  }
}

let minute = 0
/** A heartbeat like no other. */
export const beatOf = (device: string) => ({
  device,
  fixTime: Date.now() - 3_600_000 + minute++ * 1_000,
  latitude: 41.5,
  longitude: -93.6,
  speedKph: 88.5,
})

export async function positionsOf(pool: pg.Pool, device: EnrolledDevice): Promise<{ flags: number }[]> {
  const { rows } = await pool.query<{ flags: number }>(
    'select flags from positions where device_number = (select number from devices where id = $1)',
    [device.id],
  )
  return rows
}
