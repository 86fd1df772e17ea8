import { createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey, jwtVerify } from 'jose'
import type { Db } from '../db/pool.ts'
import { AppError } from '../errors.ts'
import type { GuardedFetch } from '../outward.ts'
import type { Authenticator, DoorRequest, Proven, Refused } from './authenticators.ts'
import { KEY_SCOPES, type KeyScope } from './device-keys/schema.ts'
import { unauthorized } from './keys/refusal.ts'
import type { DevicePrincipal } from './principal.ts'
import { isJwt } from './token.ts'

/** No HMAC and no `none`: a public key is never a secret. */
const ALGORITHMS = ['EdDSA', 'Ed25519', 'ES256', 'ES384', 'RS256', 'PS256']
const SKEW_SECONDS = 60
const MOST_ISSUERS = 1_000
const ANSWER_WITHIN_MS = 5_000

interface DeviceRow {
  fleetId: number
  fleetNumber: number
  deviceId: number
  deviceNumber: number
  vehicleId: number
  name: string
}

/**
 * OAuth 2 client credentials: a JWT (RFC 9068) of an issuer that the fleet has named, verified by the issuer's JWKS. Its audience is
 * `<public origin>/fleets/<slug>`, which says whose it is; `client_id` (else `sub`) is the device's name in the fleet, `scope` what
 * it may do. Whoever reads it may use it, so it is weaker evidence, like a token.
 */
export function oauthAuthenticator(options: {
  db: Db
  publicOrigin: string
  /** Asks an issuer for its keys. */
  fetch: GuardedFetch
  now: () => number
}): Authenticator {
  const keySets = new Map<string, JWTVerifyGetKey>()
  const prefix = `${options.publicOrigin}/fleets/`
  return {
    name: 'oauth',
    claims: ({ headers }) => headers.authorization !== undefined && isJwt(headers.authorization),
    async authenticate(request: DoorRequest): Promise<Proven | Refused> {
      const jwt = request.headers.authorization!.replace(/^Bearer +/i, '').trim()
      const said = claimsOf(jwt)
      const slug = said?.audience.find((one) => one.startsWith(prefix))?.slice(prefix.length)
      if (!said || slug === undefined) return unauthorized('bad_token')
      const jwksUrl = await jwksOf(options.db, slug, said.issuer)
      const refused = (hidden: 'bad_token' | 'unknown_key', reason: string): Refused => ({
        ...unauthorized(hidden),
        blamed: { fleet: slug, object: { kind: 'device-issuer', id: said.issuer.slice(0, 500) }, reason },
      })
      if (jwksUrl === undefined) return refused('unknown_key', 'unknown_issuer')
      let keySet = keySets.get(jwksUrl)
      if (!keySet) {
        keySet = createRemoteJWKSet(new URL(jwksUrl), {
          timeoutDuration: ANSWER_WITHIN_MS,
          [customFetch]: options.fetch,
        })
        if (keySets.size >= MOST_ISSUERS) keySets.clear()
        keySets.set(jwksUrl, keySet)
      }
      const now = options.now()
      try {
        const { payload } = await jwtVerify(jwt, keySet, {
          issuer: said.issuer,
          audience: prefix + slug,
          algorithms: ALGORITHMS,
          requiredClaims: ['exp'],
          clockTolerance: SKEW_SECONDS,
          currentDate: new Date(now),
        })
        const name = typeof payload.client_id === 'string' ? payload.client_id : payload.sub
        const device = name === undefined ? undefined : await deviceOf(options.db, slug, name)
        return device ? provenJwt(device, payload.scope, now) : refused('unknown_key', 'unknown_device')
      } catch (error) {
        // Whoever can't be asked for his keys is away; that says nothing against the device.
        if (error instanceof errors.JWKSTimeout || !(error instanceof errors.JOSEError))
          throw new AppError('busy', 'The issuer of this token can not be reached: try again in a moment.')
        return refused('bad_token', error.code)
      }
    },
  }
}

/** What a JWT says before anything of it is proved. */
function claimsOf(jwt: string): { issuer: string; audience: string[] } | undefined {
  try {
    const claims: unknown = JSON.parse(Buffer.from(jwt.split('.')[1]!, 'base64url').toString('utf8'))
    if (claims === null || typeof claims !== 'object') return undefined
    const { iss, aud } = claims as { iss?: unknown; aud?: unknown }
    const audience = (Array.isArray(aud) ? aud : [aud]).filter((one) => typeof one === 'string')
    return typeof iss === 'string' ? { issuer: iss, audience } : undefined
  } catch {
    return undefined
  }
}

async function jwksOf(db: Db, slug: string, issuer: string): Promise<string | undefined> {
  const { rows } = await db.query<{ jwksUrl: string }>({
    name: 'issuer-of-fleet',
    text: `select i.jwks_url as "jwksUrl" from fleets f join device_issuers i on i.fleet_id = f.id
           where f.slug = $1 and i.issuer = $2 and 'oauth' = any(f.device_auth)`,
    values: [slug, issuer],
  })
  return rows[0]?.jwksUrl
}

async function deviceOf(db: Db, slug: string, name: string): Promise<DeviceRow | undefined> {
  const { rows } = await db.query<DeviceRow>({
    name: 'device-of-client',
    text: `select f.id as "fleetId", f.number as "fleetNumber", d.id as "deviceId", d.number as "deviceNumber",
             d.vehicle_id as "vehicleId", d.name
           from fleets f join devices d on d.fleet_id = f.id
           where f.slug = $1 and d.name = $2 and d.revoked_at is null`,
    values: [slug, name],
  })
  return rows[0]
}

function provenJwt(row: DeviceRow, scope: unknown, now: number): Proven {
  const asked = typeof scope === 'string' ? scope.split(' ') : []
  const scopes: KeyScope[] = KEY_SCOPES.filter((one) => asked.includes(one))
  const device: DevicePrincipal = { kind: 'device', method: 'oauth', ...row }
  return {
    ok: true,
    method: 'oauth',
    authenticatedAt: now,
    fleetId: row.fleetId,
    fleetNumber: row.fleetNumber,
    keyRef: `client ${row.name}`,
    scopes,
    device,
    vehicleIds: null,
    spend: null,
    signature: null,
  }
}
