import type { KeyObject } from 'node:crypto'
import type { VerifyingKey } from './algorithm.ts'
import { digestMatches } from './content-digest.ts'
import { dummyKeyFor } from './dummy-key.ts'
import { type HiddenReason, REPLAYED, type Refusal, refuse, unauthorized } from './refusal.ts'
import { serverNonceTime } from './server-nonce.ts'
import {
  type DeviceRequest,
  readSignedRequest,
  type SignedRequest,
  type SignerKind,
} from './signed-request.ts'

/** What must be known of an enrolled key or a session; the caller's own row may hold more and comes back as it is. */
export interface KnownKey {
  /** What the nonce table calls it; unique over fleets, keys and sessions. */
  ref: string
  /** Prepared once and kept: device-signatures section 1. For a session its algorithm is hmac-sha256. */
  verifying: VerifyingKey
  /** A pending key becomes active by its first accepted request; the caller writes that down. */
  state: 'pending' | 'active' | 'revoked'
  /** Epoch milliseconds at which it was enrolled. */
  enrolledAt: number
  /** Epoch milliseconds; null for never. */
  expiresAt: number | null
}

/** What makes a request unrepeatable: one row of the replay table (device-signatures section 5). */
export interface NonceSpend {
  keyRef: string
  /** Freshness time in units of 600 s. That time is signed, so a replay always meets the bucket of the first. */
  bucket: number
  nonce: string
}

/** Remembers nonces; true for the first time, false for every other. */
export interface NonceStore {
  spend(spend: NonceSpend): boolean | Promise<boolean>
}

export interface ProfileEnvironment<Key extends KnownKey> {
  /** What the outside knows the server by: `https://ingest.example.com`, without a slash at the end. */
  publicOrigin: string
  /** Epoch milliseconds. */
  now: number
  /** Sessions and device keys are looked up apart, so that an id of one kind never finds a row of the other. */
  findKey(kind: SignerKind, keyId: string): Key | undefined | Promise<Key | undefined>
  /** The secrets of server nonces that count, the current one and perhaps its predecessor. */
  nonceKeys: readonly KeyObject[]
  /** Rate bucket, then scope: what the request may do now that it's known whose it is. */
  admit?(accepted: Accepted<Key>): Refusal | undefined | Promise<Refusal | undefined>
  /** `with_the_write`: the caller spends `accepted.spend` in the transaction that stores the request's data. */
  nonces: NonceStore | 'with_the_write'
}

/** A request that is what its signer sent, fresh and whole. */
export interface Accepted<Key extends KnownKey> {
  ok: true
  kind: SignerKind
  /** As the request gives it. */
  keyId: string
  key: Key
  spend: NonceSpend
  /** Milliseconds by which the signer's clock is ahead of ours, transport included. */
  clockOffsetMs: number
  /** The signature base, which salts a session's secret (device-signatures section 6). */
  base: Buffer
}

const SKEW_MS = 300_000
/** An instance's clock may be so much behind that of the one which issued the nonce. */
const INSTANCE_SKEW_MS = 5_000
const BUCKET_MS = 600_000
const PENDING_FOR_MS = 24 * 3_600_000
const KEY_ID: Record<SignerKind, RegExp> = {
  device: /^[^/]+\/SHA256:[A-Za-z0-9+/]{43}$/,
  session: /^ds_[A-Za-z0-9_-]{22}$/,
}

/**
 * The whole profile fleet-device-v1 (device-signatures sections 3 to 6) in the order of its section 4, for device keys and
 * sessions alike. What is refused comes back as a value with the page's code; only a look-up or store that fails throws.
 */
export function checkRequest<Key extends KnownKey>(
  request: DeviceRequest,
  environment: ProfileEnvironment<Key>,
): Accepted<Key> | Refusal | Promise<Accepted<Key> | Refusal> {
  const signed = readSignedRequest(request, environment.publicOrigin)
  if (!signed.ok) return signed
  const { kind, keyId } = signed
  const found = KEY_ID[kind].test(keyId) ? environment.findKey(kind, keyId) : undefined
  // What is known already is not waited for: a turn of the queue each would be a tenth of what a session's request costs.
  return found instanceof Promise
    ? found.then((key) => checkProof(request, environment, signed, key))
    : checkProof(request, environment, signed, found)
}

function checkProof<Key extends KnownKey>(
  request: DeviceRequest,
  environment: ProfileEnvironment<Key>,
  signed: SignedRequest,
  key: Key | undefined,
): Accepted<Key> | Refusal | Promise<Accepted<Key> | Refusal> {
  const hidden = faultOfProof(signed, key, environment.now)
  if (!key || hidden) return unauthorized(hidden ?? 'unknown_key')
  const freshAt = freshnessTime(signed, environment)
  if (freshAt === undefined) {
    return refuse(
      'clock_skew',
      'The clock is more than 300 s off: correct it from Date, or repeat with the Fleet-Nonce.',
    )
  }
  if (signed.digest && !digestMatches(signed.digest, request.content)) {
    return refuse('digest_mismatch', 'Content-Digest is not that of the body.')
  }
  const accepted: Accepted<Key> = {
    ok: true,
    kind: signed.kind,
    keyId: signed.keyId,
    key,
    spend: { keyRef: key.ref, bucket: Math.floor(freshAt / BUCKET_MS), nonce: signed.nonce },
    clockOffsetMs: signed.created - environment.now,
    base: signed.base,
  }
  const { admit, nonces } = environment
  return admit === undefined && nonces === 'with_the_write' ? accepted : admitted(accepted, admit, nonces)
}

async function admitted<Key extends KnownKey>(
  accepted: Accepted<Key>,
  admit: ProfileEnvironment<Key>['admit'],
  nonces: ProfileEnvironment<Key>['nonces'],
): Promise<Accepted<Key> | Refusal> {
  const denied = admit && (await admit(accepted))
  if (denied) return denied
  return nonces === 'with_the_write' || (await nonces.spend(accepted.spend)) ? accepted : REPLAYED
}

/**
 * Steps 3 and 4 up to the signature. Every request costs one verification, known key or not, so that the time of the
 * answer doesn't tell which keys exist.
 */
function faultOfProof(
  signed: SignedRequest,
  key: KnownKey | undefined,
  now: number,
): HiddenReason | undefined {
  const { kind, claimedAlgorithm } = signed
  // Section 6: the algorithm comes from the row, and a key of one kind must never serve for the other.
  const fits = key !== undefined && (key.verifying.algorithm === 'hmac-sha256') === (kind === 'session')
  const verifying = fits ? key.verifying : dummyKeyFor(kind, claimedAlgorithm, signed.signature.length)
  const isSigned = verifying.verify(signed.base, signed.signature)
  if (!key) return 'unknown_key'
  if (key.state === 'revoked') return 'revoked'
  if (key.expiresAt !== null && key.expiresAt <= now) return 'expired'
  if (key.state === 'pending' && now - key.enrolledAt > PENDING_FOR_MS) return 'pending_too_long'
  if (!fits || (claimedAlgorithm !== undefined && claimedAlgorithm !== verifying.algorithm))
    return 'wrong_algorithm'
  return isSigned ? undefined : 'bad_signature'
}

/**
 * The instant that makes the request fresh, epoch milliseconds, or undefined if it isn't (device-signatures section 5).
 * A nonce of ours decides alone, even when it is too old: were `created` asked then, the same request would be fresh twice
 * under two times, and its replay could miss the bucket of the first.
 */
function freshnessTime(
  { created, expires, nonce }: SignedRequest,
  { now, nonceKeys }: Pick<ProfileEnvironment<KnownKey>, 'now' | 'nonceKeys'>,
): number | undefined {
  const issued = serverNonceTime(nonce, nonceKeys)
  if (issued !== undefined)
    return now - issued <= SKEW_MS && issued - now <= INSTANCE_SKEW_MS ? issued : undefined
  if (Math.abs(now - created) > SKEW_MS) return undefined
  return expires !== undefined && now > expires ? undefined : created
}
