import type { Authenticator, DoorRequest, Proven } from './authenticators.ts'
import { contentOf } from './keys/content-digest.ts'
import { checkRequest, type ProfileEnvironment } from './keys/profile.ts'
import { type HiddenReason, type Refusal, unauthorized } from './keys/refusal.ts'
import { type SignerKind, TAG_OF } from './keys/signed-request.ts'
import type { Holder, KnownKeys } from './known-keys.ts'
import { type NonceBuckets, spendOf } from './nonces.ts'
import type { AuthMethod, DevicePrincipal } from './principal.ts'
import type { DeviceSecrets } from './secrets.ts'

export interface SignedOptions {
  keys: Pick<KnownKeys, 'find'>
  buckets: Pick<NonceBuckets, 'kept'>
  secrets: DeviceSecrets
  /** What devices know the server by: scheme and authority. */
  publicOrigin: string
  now: () => number
  addressOf(request: DoorRequest): string
  /** Behind the answer: when, from where and with which clock a key was used. */
  onUse(holder: Holder, address: string, clockOffsetMs: number): void
  /** Makes a pending key active by its first good request, and says so in the audit log; both stand when it returns. */
  activate(holder: Holder, address: string): Promise<void>
}

/** The profile fleet-device-v1 with a device's key, and fleet-session-v1 with a session's secret: one check for both. */
export function signedAuthenticators(options: SignedOptions): [Authenticator, Authenticator] {
  // Made once and not for each request.
  const lookUp: LookUp = { findKey: (kind, id) => options.keys.find(kind, id) }
  const make = (name: AuthMethod, claims: Authenticator['claims']): Authenticator => ({
    name,
    claims,
    authenticate: (request) => authenticate(options, lookUp, request),
  })
  return [
    make('http-signature', ({ headers }) => {
      const input = headers['signature-input']
      if (typeof input === 'string' && input.includes(TAG_OF.device)) return true
      // A half of a signature, or one of others: it gets the profile's answer, unless something else speaks for it.
      const isSession = typeof input === 'string' && input.includes(TAG_OF.session)
      const isOther = headers.authorization !== undefined || headers['client-cert'] !== undefined
      return !isSession && !isOther && (input !== undefined || headers.signature !== undefined)
    }),
    make('session', ({ headers }) => {
      const input = headers['signature-input']
      return typeof input === 'string' && input.includes(TAG_OF.session)
    }),
  ]
}

const METHOD: Record<SignerKind, AuthMethod> = { device: 'http-signature', session: 'session' }

type LookUp = Pick<ProfileEnvironment<Holder>, 'findKey'>

async function authenticate(
  options: SignedOptions,
  { findKey }: LookUp,
  request: DoorRequest,
): Promise<Proven | Refusal | undefined> {
  const { secrets, publicOrigin } = options
  const body = await request.body()
  if (body === undefined) return undefined
  const waiting = options.buckets.kept()
  if (waiting) await waiting
  const now = options.now()
  const checked = checkRequest<Holder>(
    {
      method: request.method,
      target: request.target,
      headers: pairsOf(request.rawHeaders),
      content: contentOf(body),
    },
    {
      publicOrigin,
      now,
      findKey,
      nonceKeys: secrets.nonceKeys,
      nonces: 'with_the_write',
    },
  )
  const answer = checked instanceof Promise ? await checked : checked
  if (!answer.ok) return answer
  const { key: holder, kind } = answer
  const method = METHOD[kind]
  const denied = notTaken(holder, method)
  if (denied) return denied
  if (holder.state === 'pending') await options.activate(holder, options.addressOf(request))
  options.onUse(holder, options.addressOf(request), answer.clockOffsetMs)
  const proven = provenOf(holder, method, now)
  proven.spend = spendOf(holder.fleetId, holder.number, answer.spend)
  if (kind === 'device') {
    const { keyId, expiresAt } = holder
    proven.signature = { keyId, keyName: answer.keyId, expiresAt, base: answer.base }
  }
  return proven
}

/** The fleet does not take this scheme: for the sender it is as if there were no such key. */
export function notTaken(
  { fleetTakes }: Pick<Holder, 'fleetTakes'>,
  method: AuthMethod,
): Refusal | undefined {
  return fleetTakes.includes(method) ? undefined : unauthorized('method_not_taken' satisfies HiddenReason)
}

/** What a key's holder may do, proved in this way. */
export function provenOf(holder: Holder, method: AuthMethod, now: number): Proven {
  return {
    ok: true,
    method,
    authenticatedAt: now,
    fleetId: holder.fleetId,
    fleetNumber: holder.fleetNumber,
    keyRef: holder.fingerprint,
    scopes: holder.scopes,
    device: principalOf(holder, method),
    vehicleIds: holder.vehicleIds,
    spend: null,
    signature: null,
  }
}

/** Made once for each holder and not for each request. */
const principals = new WeakMap<Holder, DevicePrincipal>()

function principalOf(holder: Holder, method: AuthMethod): DevicePrincipal | null {
  if (holder.device === null) return null
  const known = principals.get(holder)
  if (known?.method === method) return known
  const made = { ...holder.device, method }
  principals.set(holder, made)
  return made
}

function pairsOf(rawHeaders: readonly string[]): [string, string][] {
  const pairs = new Array<[string, string]>(rawHeaders.length / 2)
  for (let at = 0; at < rawHeaders.length; at += 2) pairs[at / 2] = [rawHeaders[at]!, rawHeaders[at + 1]!]
  return pairs
}
