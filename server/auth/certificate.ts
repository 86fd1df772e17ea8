import { X509Certificate } from 'node:crypto'
import type { Authenticator, Proven, Refused } from './authenticators.ts'
import { strictBase64 } from './keys/base64.ts'
import { unauthorized } from './keys/refusal.ts'
import { fingerprintOf } from './keys/ssh-key.ts'
import type { Holder, KnownKeys } from './known-keys.ts'
import { notTaken, provenOf } from './signed.ts'

/**
 * Mutual TLS that a proxy of ours has ended (RFC 9440): Client-Cert holds the certificate, whose key must be an enrolled one. The field
 * counts from a proxy's address only; from anybody else it claims nothing that could be proved, and is refused.
 */
export function certificateAuthenticator(options: {
  keys: KnownKeys
  isProxy(address: string): boolean
  now: () => number
}): Authenticator {
  return {
    name: 'mtls',
    claims: ({ headers }) => headers['client-cert'] !== undefined,
    async authenticate(request): Promise<Proven | Refused> {
      if (!options.isProxy(request.address)) return unauthorized('bad_certificate')
      const fingerprint = keyOf(request.headers['client-cert'])
      if (fingerprint === undefined) return unauthorized('bad_certificate')
      const now = options.now()
      const holders = await options.keys.byFingerprint(fingerprint)
      const [holder, other] = holders.filter((one) => faultOf(one, now) === undefined)
      if (!holder) {
        const [known] = holders
        return known ? refusedTo(known, faultOf(known, now)!) : unauthorized('unknown_key')
      }
      // A certificate names no fleet; a key that is active in two of them could mean either.
      if (other) return refusedTo(holder, 'also_of_another_fleet')
      return notTaken(holder, 'mtls') ? refusedTo(holder, 'method_not_taken') : provenOf(holder, 'mtls', now)
    },
  }
}

/** Why a key is no proof at this time. A pending one proves itself by signing, not by a certificate. */
function faultOf({ state, expiresAt }: Holder, now: number): string | undefined {
  if (state !== 'active') return state
  return expiresAt !== null && expiresAt <= now ? 'expired' : undefined
}

const refusedTo = ({ fleetId, keyId }: Holder, reason: string): Refused => ({
  ...unauthorized('bad_certificate'),
  blamed: { fleet: fleetId, object: { kind: 'device-key', id: keyId }, reason },
})

/** The fingerprint of the key in a Client-Cert field: a byte sequence of DER (RFC 9440 section 2.1). Undefined if it is none. */
function keyOf(field: string | string[] | undefined): string | undefined {
  const base64 = typeof field === 'string' ? /^ *:([A-Za-z0-9+/=]{1,16000}): *$/.exec(field)?.[1] : undefined
  const der = base64 === undefined ? undefined : strictBase64(base64)
  if (!der) return undefined
  try {
    return fingerprintOf(new X509Certificate(der).publicKey)
  } catch {
    return undefined
  }
}
