import type { IncomingMessage } from 'node:http'
import { REPLAYED, type Refusal, RefusedRequest } from '../auth/keys/refusal.ts'
import { spendNonce } from '../auth/nonces.ts'
import type { DevicePrincipal } from '../auth/principal.ts'
import { unpacked } from './body.ts'
import { IncomingRequest, NO_SCOPE } from './gateway.ts'
import type { Intake } from './take.ts'

/** Whether a request to the procedures says that a device sent it, in whichever way. */
export const isOfDevice = ({ headers }: IncomingMessage) =>
  headers.authorization !== undefined ||
  headers['signature-input'] !== undefined ||
  headers.signature !== undefined ||
  headers['client-cert'] !== undefined

/**
 * The device that calls a procedure. A signed request is used up before the procedure runs: should that fail, the device signs
 * again, and what was done once is never done twice. What was read of the body is left where tRPC looks for it.
 * @throws RefusedRequest; AppError of the body; a database error as it is
 */
export async function callingDevice(intake: Intake, req: IncomingMessage): Promise<DevicePrincipal | null> {
  const request = new IncomingRequest(req)
  const proven = await intake.gate.authenticate(request)
  if (!proven) return null
  if (!proven.ok) throw new RefusedRequest(proven)
  // All that a device's procedures take is what it reports, as at the door of JSON.
  const refuse = (refusal: Refusal) => {
    intake.gate.noteRefused(request, proven, refusal.code)
    return new RefusedRequest(refusal)
  }
  if (!proven.scopes.includes('ingest')) throw refuse(NO_SCOPE)
  if (proven.spend) {
    if (!(await spendNonce(intake.pool, proven.spend))) throw refuse(REPLAYED)
    const body = await request.body()
    if (body && body.length > 0) Object.assign(req, { body: (await unpacked(req, body)).toString('utf8') })
  }
  return proven.device
}
