import { createSecretKey, generateKeyPairSync, type KeyObject, randomBytes, verify } from 'node:crypto'
import { median } from '../ingest/bench/median.ts'
import { type Authenticator, DoorAuth, type DoorRequest, type Proven } from './authenticators.ts'
import { signData, VerifyingKey } from './keys/algorithm.ts'
import type { NonceSpend } from './keys/profile.ts'
import { draftRequest, newNonce } from './keys/sign-request.ts'
import type { Holder } from './known-keys.ts'
import { DeviceSecrets } from './secrets.ts'
import { signedAuthenticators } from './signed.ts'

const ORIGIN = 'https://ingest.example.com'
const ROUNDS = 5
const REQUESTS = 6_000
/** So many in turn of each kind: whatever else the machine does meanwhile slows all of them. */
const SLICE = 500
/** What the issue of speed is measured at. */
const RATE = 5_000

interface Made {
  request: DoorRequest
  /** What was signed, and the signature. */
  base: Buffer
  signature: Buffer
}

/**
 * Requests a second of one core through the doors' own pipeline (parse, digest, look-up, verification), a single heartbeat each: signed
 * by a key, and in a session. Beside the first stands the bare `verify` of node:crypto over the same bytes with the same key: a ratio
 * above 1 is what libsodium saves. The nonce's row is PostgreSQL's work and is in `ingest-single`.
 */
export async function benchAuth(print: (line: object) => void): Promise<void> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const secret = createSecretKey(randomBytes(32))
  const keyId = `bench/SHA256:${'k'.repeat(43)}`
  const session = `ds_${'s'.repeat(22)}`
  const holder = (verifying: VerifyingKey): Holder => ({
    ref: '1',
    verifying,
    state: 'active',
    enrolledAt: 0,
    expiresAt: null,
    number: 1,
    keyId: 1,
    fingerprint: keyId,
    fleetId: 1,
    fleetNumber: 1,
    fleetTakes: ['http-signature', 'session'],
    scopes: ['ingest'],
    vehicleIds: null,
    device: {
      kind: 'device',
      fleetId: 1,
      deviceId: 1,
      vehicleId: 1,
      fleetNumber: 1,
      deviceNumber: 1,
      name: 'unit-1',
    },
  })
  const holders = new Map([
    [keyId, holder(new VerifyingKey('ed25519', publicKey))],
    [session, holder(new VerifyingKey('hmac-sha256', secret))],
  ])
  const now = Date.now()
  const authenticators: Authenticator[] = signedAuthenticators({
    keys: { find: (_, id) => holders.get(id) },
    buckets: { kept: () => undefined },
    secrets: new DeviceSecrets(['a secret of the benchmark']),
    publicOrigin: ORIGIN,
    now: () => now,
    addressOf: () => '127.0.0.1',
    onUse: () => {},
    activate: () => Promise.reject(new Error('the benchmark has no database')),
  })
  const auth = new DoorAuth(authenticators)
  const make = (kind: 'device' | 'session', index: number): Made => {
    const body = Buffer.from(
      JSON.stringify({
        device: 'unit-1',
        fixTime: now - index,
        latitude: 41.5 + index / 1e6,
        longitude: -93.6,
        speedKph: 88.5,
        headingDegrees: 90,
        odometerMeters: 412_345_678 + index,
        ignition: true,
      }),
    )
    const algorithm = kind === 'device' ? 'ed25519' : 'hmac-sha256'
    const draft = draftRequest(
      {
        method: 'POST',
        target: '/v1/heartbeats',
        headers: [
          ['host', 'ingest.example.com'],
          ['content-type', 'application/json'],
          ['content-length', String(body.length)],
        ],
        body,
      },
      { kind, keyId: kind === 'device' ? keyId : session, algorithm },
      ORIGIN,
      now,
      newNonce(),
    )
    const signature = signData(algorithm, kind === 'device' ? privateKey : secret, draft.base)
    const pairs = draft.headers(signature)
    const headers = Object.fromEntries(pairs.map(([name, value]) => [name.toLowerCase(), value]))
    const request: DoorRequest = {
      method: 'POST',
      target: '/v1/heartbeats',
      headers,
      rawHeaders: pairs.flat(),
      address: '127.0.0.1',
      body: () => Promise.resolve(body),
    }
    return { request, base: draft.base, signature }
  }
  const requests = {
    signature: Array.from({ length: REQUESTS }, (_, index) => make('device', index)),
    session: Array.from({ length: REQUESTS }, (_, index) => make('session', index)),
  }
  const rates = { signature: [] as number[], session: [] as number[], verify: [] as number[] }
  for (let round = 0; round <= ROUNDS; round++) {
    const seconds = { signature: 0, session: 0, verify: 0 }
    for (let at = 0; at < REQUESTS; at += SLICE) {
      const signed = requests.signature.slice(at, at + SLICE)
      seconds.signature += await pipelineSeconds(auth, signed)
      seconds.verify += verifySeconds(publicKey, signed)
      seconds.session += await pipelineSeconds(auth, requests.session.slice(at, at + SLICE))
    }
    if (round === 0) continue
    const shown = (['signature', 'verify', 'session'] as const).map((kind) => {
      rates[kind].push(REQUESTS / seconds[kind])
      return `${kind} ${Math.round(REQUESTS / seconds[kind])}`
    })
    console.error(`auth ${round}/${ROUNDS}: ${shown.join(', ')}`)
  }
  const bare = median(rates.verify)
  const unit = 'requests/s/core'
  print({
    name: 'auth-signature',
    value: Math.round(median(rates.signature)),
    unit,
    baseline: { name: 'node:crypto verify alone', value: Math.round(bare), unit },
    ratio: Number((median(rates.signature) / bare).toFixed(3)),
  })
  print({
    name: 'auth-session',
    value: Math.round(median(rates.session)),
    unit,
    baseline: {
      name: 'the same signed by ed25519 without a session',
      value: Math.round(median(rates.signature)),
      unit,
    },
    ratio: Number((median(rates.session) / median(rates.signature)).toFixed(2)),
  })
  const share = (RATE / median(rates.session)) * 100
  print({
    name: 'auth-session-share',
    value: Number(share.toFixed(1)),
    unit: `% of a core at ${RATE} requests/s`,
    baseline: { name: 'what it may take', value: 15, unit: '%' },
    ratio: Number((share / 15).toFixed(2)),
  })
}

async function pipelineSeconds(auth: DoorAuth, requests: readonly Made[]): Promise<number> {
  const spent = new Set<NonceSpend['nonce']>()
  const startedAt = process.cpuUsage()
  for (const { request } of requests) {
    const proven = (await auth.authenticate(request)) as Proven
    if (!proven.ok) throw new Error(`a request of the benchmark was refused: ${JSON.stringify(proven)}`)
    spent.add(proven.spend!.nonce)
  }
  if (spent.size !== requests.length) throw new Error('a nonce came twice')
  return cpuSeconds(startedAt)
}

/** What node:crypto takes for the same signatures when nothing else is done. */
function verifySeconds(key: KeyObject, requests: readonly Made[]): number {
  const startedAt = process.cpuUsage()
  for (const { base, signature } of requests)
    if (!verify(null, base, key, signature)) throw new Error('a signature of the benchmark is not good')
  return cpuSeconds(startedAt)
}

/** Time of the processor, not of the clock: others use the machine too. */
function cpuSeconds(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since)
  return (user + system) / 1e6
}
