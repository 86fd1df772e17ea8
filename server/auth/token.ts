import { AppError } from '../errors.ts'
import type { Authenticator, DoorRequest, Proven } from './authenticators.ts'
import type { DeviceAuthenticator } from './device.ts'
import { type Refusal, unauthorized } from './keys/refusal.ts'
import type { DevicePrincipal } from './principal.ts'
import { isWithin } from './ranges.ts'

/** A token that a device holds (device-signatures section 7): a string that whoever reads it may use, so weaker evidence. */
export function tokenAuthenticator(tokens: DeviceAuthenticator, now: () => number): Authenticator {
  return {
    name: 'token',
    claims: ({ headers }) => headers.authorization !== undefined && !isJwt(headers.authorization),
    authenticate: (request) => {
      const known = tokens.known(request.headers.authorization)
      return known ? provenToken(known, request, tokens, now()) : read(tokens, request, now)
    },
  }
}

/** Three parts of base64url with points between them: no token of ours has a point. */
export const isJwt = (authorization: string) =>
  /^Bearer +[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]* *$/i.test(authorization)

async function read(
  tokens: DeviceAuthenticator,
  request: DoorRequest,
  now: () => number,
): Promise<Proven | Refusal> {
  try {
    const device = await tokens.authenticate(request.headers.authorization)
    return provenToken(device, request, tokens, now())
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'unauthenticated') throw error
    return { ...unauthorized('bad_token'), detail: error.message }
  }
}

function provenToken(
  device: DevicePrincipal,
  request: DoorRequest,
  tokens: DeviceAuthenticator,
  now: number,
): Proven | Refusal {
  const sources = tokens.sourcesOf(request.headers.authorization)
  if (sources !== null && !isWithin(sources, request.address)) return unauthorized('bad_token')
  return {
    ok: true,
    method: 'token',
    authenticatedAt: now,
    fleetId: device.fleetId,
    fleetNumber: device.fleetNumber,
    keyRef: `token of ${device.name}`,
    scopes: INGEST,
    device,
    vehicleIds: null,
    spend: null,
    signature: null,
  }
}

const INGEST = ['ingest'] as const
