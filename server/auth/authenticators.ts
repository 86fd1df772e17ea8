import type { IncomingHttpHeaders } from 'node:http'
import type { KeyScope } from './device-keys/schema.ts'
import { type Refusal, refuse } from './keys/refusal.ts'
import type { Spend } from './nonces.ts'
import type { AuthMethod, DevicePrincipal } from './principal.ts'

/** A request at a device door, as an authenticator may see it. No handler looks at credentials itself. */
export interface DoorRequest {
  method: string
  /** Path and query as they came. */
  target: string
  headers: IncomingHttpHeaders
  /** Names and values in turn, as they came. */
  rawHeaders: readonly string[]
  /** Of the connection. */
  address: string
  /**
   * The body as it came, before any inflating; undefined if the device went away.
   * @throws AppError too-large, busy
   */
  body(): Promise<Buffer | undefined>
}

/** Who sent a request, and what they may do. */
export interface Proven {
  ok: true
  method: AuthMethod
  /** Epoch milliseconds. */
  authenticatedAt: number
  fleetId: number
  fleetNumber: number
  /** For the audit log: a key's fingerprint, or what the token is called. */
  keyRef: string
  scopes: readonly KeyScope[]
  /** The one device that it speaks for; null for a gateway. */
  device: DevicePrincipal | null
  /** A gateway's vehicles; null: all of the fleet. */
  vehicleIds: ReadonlySet<number> | null
  /** To be used in the transaction that writes what the request asks for; null where nothing is signed. */
  spend: Spend | null
  /** Of a signature by a device's key: what a session or a rotation goes on from. */
  signature: { keyId: number; keyName: string; expiresAt: number | null; base: Buffer } | null
}

/** Whose fault a refusal would be, where the request names a fleet's thing that is there; the reason is for that fleet's audit log. */
export interface Blamed {
  /** Its id, or its short name. */
  fleet: number | string
  object: { kind: string; id: string | number }
  reason: string
  /** What of the thing was used, where it is not the thing itself: a key's session. */
  method?: AuthMethod
}

/** A refusal as the gate needs it: what the sender may know, and what the fleet must. */
export type Refused = Refusal & { blamed?: Blamed }

/**
 * One way to prove who sent a request (device-signatures section 8). All that a scheme is: `schemes.ts` lists them, and says what
 * one may use. It looks at credentials and nobody else does; that the fleet takes it is part of its answer.
 */
export interface Authenticator {
  name: AuthMethod
  /** Whether the request tries to prove itself in this way. Cheap: it is asked of every request. */
  claims(request: DoorRequest): boolean
  /** @throws what the database says when it is away, and as DoorRequest.body */
  authenticate(request: DoorRequest): Proven | Refused | undefined | Promise<Proven | Refused | undefined>
}

const TWICE = refuse('malformed', 'The request proves itself in two ways; send one.')
const NONE = refuse(
  'signature_missing',
  'Sign the request, or send the device token as "Authorization: Bearer …".',
)

/** The doors' one question: who is this? A request that two schemes claim is refused, whatever its fleet takes. */
export class DoorAuth {
  readonly #authenticators: readonly Authenticator[]

  constructor(authenticators: readonly Authenticator[]) {
    this.#authenticators = authenticators
  }

  /**
   * @returns undefined if the device went away
   * @throws as an authenticator
   */
  authenticate(request: DoorRequest): Proven | Refused | undefined | Promise<Proven | Refused | undefined> {
    let claiming: Authenticator | undefined
    for (const one of this.#authenticators) {
      if (!one.claims(request)) continue
      if (claiming) return TWICE
      claiming = one
    }
    return claiming ? claiming.authenticate(request) : NONE
  }
}
