import { AppError } from '../errors.ts'
import type { Authenticator, DoorRequest, Proven, Refused } from './authenticators.ts'
import { type DeviceAuthenticator, RefusedToken } from './device.ts'
import { unauthorized } from './keys/refusal.ts'
import type { DevicePrincipal } from './principal.ts'
import { isWithin } from './ranges.ts'

/** A token that a device holds (device-signatures section 7): a string that whoever reads it may use, so weaker evidence. */
export function tokenAuthenticator(tools: Tools): Authenticator {
  const { tokens } = tools
  return {
    name: 'token',
    claims: ({ headers }) => headers.authorization !== undefined && !isJwt(headers.authorization),
    authenticate: (request) => {
      const known = tokens.known(request.headers.authorization)
      return known ? provenToken(known, request, tools) : read(request, tools)
    },
  }
}

interface Tools {
  tokens: DeviceAuthenticator
  /** The client's, also behind a proxy of ours. */
  addressOf(request: DoorRequest): string
  now: () => number
}

/** Three parts of base64url with points between them: no token of ours has a point, which is asked first, for most are ours. */
export const isJwt = (authorization: string) =>
  authorization.includes('.') &&
  /^Bearer +[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]* *$/i.test(authorization)

async function read(request: DoorRequest, tools: Tools): Promise<Proven | Refused> {
  try {
    const device = await tools.tokens.authenticate(request.headers.authorization)
    return provenToken(device, request, tools)
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'unauthenticated') throw error
    const refused = { ...unauthorized('bad_token'), detail: error.message }
    return error instanceof RefusedToken && error.device
      ? { ...refused, blamed: blamed(error.device, error.reason) }
      : refused
  }
}

const blamed = ({ fleetId, id }: { fleetId: number; id: number }, reason: string) => ({
  fleet: fleetId,
  object: { kind: 'device', id },
  reason,
})

function provenToken(
  device: DevicePrincipal,
  request: DoorRequest,
  { tokens, addressOf, now }: Tools,
): Proven | Refused {
  const sources = tokens.sourcesOf(request.headers.authorization)
  if (sources !== null && !isWithin(sources, addressOf(request)))
    return {
      ...unauthorized('bad_token'),
      blamed: blamed({ fleetId: device.fleetId, id: device.deviceId }, 'from_elsewhere'),
    }
  return {
    ok: true,
    method: 'token',
    authenticatedAt: now(),
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
