import type pg from 'pg'
import type { GuardedFetch } from '../outward.ts'
import type { Authenticator, DoorRequest } from './authenticators.ts'
import { certificateAuthenticator } from './certificate.ts'
import type { DeviceAuthenticator } from './device.ts'
import type { Holder, KnownKeys } from './known-keys.ts'
import type { NonceBuckets } from './nonces.ts'
import { oauthAuthenticator } from './oauth.ts'
import type { DeviceSecrets } from './secrets.ts'
import { signedAuthenticators } from './signed.ts'
import { tokenAuthenticator } from './token.ts'

/** What a scheme may use; one of each for the process. */
export interface SchemeTools {
  db: pg.Pool
  /** Keys and sessions by id, kept while the fleet's epoch stands. */
  keys: KnownKeys
  tokens: DeviceAuthenticator
  buckets: NonceBuckets
  secrets: DeviceSecrets
  /** What devices know the server by: scheme and authority. */
  publicOrigin: string
  now: () => number
  /** Asks what a fleet's settings name, and nothing inside our own network that the operator has not opened. */
  fetch: GuardedFetch
  /** May this address pass on what it says of others? */
  isProxy(address: string): boolean
  /** The client's address, also behind a proxy of ours. */
  addressOf(request: DoorRequest): string
  /** Behind the answer: when, from where and with which clock a key was used. */
  onUse(holder: Holder, address: string, clockOffsetMs: number): void
  /** Makes a pending key active by its first good request, and says so in the audit log; both stand when it returns. */
  activate(holder: Holder, address: string): Promise<void>
}

/** Makes the authenticators of a scheme. */
export type Scheme = (tools: SchemeTools) => readonly Authenticator[]

/**
 * Every scheme of the doors. A new one is a file with a `Scheme`, its line here, and its name in `AUTH_METHODS`; a fleet switches it on
 * and puts it into its order in the settings. `identity` has no credentials to look at: `identity.ts` knows it.
 */
export const SCHEMES: readonly Scheme[] = [
  signedAuthenticators,
  (tools) => [certificateAuthenticator(tools)],
  (tools) => [oauthAuthenticator(tools)],
  (tools) => [tokenAuthenticator(tools)],
]
