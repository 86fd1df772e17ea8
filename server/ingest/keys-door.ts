import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { z } from 'zod'
import { recordAudit } from '../audit/record.ts'
import type { Proven } from '../auth/authenticators.ts'
import { rotateKey } from '../auth/device-keys.ts'
import { REPLAYED, RefusedRequest, refuse as refusalOf } from '../auth/keys/refusal.ts'
import { openSession } from '../auth/keys/session-keys.ts'
import { spendNonce } from '../auth/nonces.ts'
import { newId } from '../db/id.ts'
import { type Db, withTransaction } from '../db/pool.ts'
import { AppError } from '../errors.ts'
import { IncomingRequest } from './gateway.ts'
import { refuse, refuseMethod } from './refuse.ts'
import type { Intake } from './take.ts'

/** A device that lost its sessions makes new ones; so many of a key are kept. */
const MOST_SESSIONS = 8

const OpenSession = z.strictObject({ x25519: z.string().max(64) })
const Rotate = z.strictObject({ publicKey: z.string().max(20_000), signature: z.string().max(20_000) })

const ONLY_SIGNED = refusalOf(
  'unauthorized',
  "Sign this with the device's own key: no session and no token will do.",
)

/** `POST /v1/sessions` and `POST /v1/keys`, for devices by their own key alone. True if the request was for them. */
export function answerKeys(intake: Intake, req: IncomingMessage, res: ServerResponse): boolean {
  const path = (req.url ?? '').split('?')[0]
  const work = path === '/v1/sessions' ? openOne : path === '/v1/keys' ? rotateOne : undefined
  if (!work) return false
  if (req.method === 'POST') void answer(intake, req, res, work)
  else refuseMethod(intake, res, ['POST'])
  return true
}

type Signed = Proven & { signature: NonNullable<Proven['signature']> }
type Work = (intake: Intake, tx: Db, signed: Signed, body: unknown, address: string) => Promise<object>

async function answer(intake: Intake, req: IncomingMessage, res: ServerResponse, work: Work): Promise<void> {
  const request = new IncomingRequest(req)
  let sender: Proven | undefined
  try {
    const proven = await intake.gate.authenticate(request)
    if (proven === undefined) return
    if (!proven.ok) throw new RefusedRequest(proven)
    sender = proven
    const { signature, spend } = proven
    if (!signature || !spend) throw new RefusedRequest(ONLY_SIGNED)
    const body = parsed(await request.body())
    const answered = await withTransaction(intake.pool, async (tx) => {
      if (!(await spendNonce(tx, spend))) throw new RefusedRequest(REPLAYED)
      return await work(intake, tx, { ...proven, signature }, body, intake.gate.addressOf(request))
    })
    const text = JSON.stringify(answered)
    res
      .writeHead(200, {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(text),
        'cache-control': 'no-store',
        'fleet-nonce': intake.gate.serverNonce(),
      })
      .end(text)
  } catch (error) {
    refuse(intake, req, res, error)
    if (sender && error instanceof RefusedRequest)
      intake.gate.noteRefused(request, sender, error.refusal.code)
  }
}

function parsed(body: Buffer | undefined): unknown {
  try {
    return JSON.parse((body ?? Buffer.alloc(0)).toString('utf8'))
  } catch {
    throw new AppError('malformed', 'is not JSON', 'body')
  }
}

function read<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body)
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw new AppError('malformed', issue!.message, issue!.path.join('.') || 'body')
}

/** Agrees a secret with the device and keeps it, sealed (device-signatures section 6). */
const openOne: Work = async (intake, tx, { fleetId, fleetNumber, signature }, body) => {
  const now = intake.now()
  const opened = openSession(read(OpenSession, body).x25519, signature.base, fleetNumber)
  if (!opened.ok)
    throw new AppError('malformed', 'must be 32 bytes of base64url, a point of X25519', 'x25519')
  const endsAt = Math.min(now + opened.expiresIn * 1000, signature.expiresAt ?? Number.POSITIVE_INFINITY)
  await tx.query(
    `delete from device_sessions where fleet_id = $1 and key_id = $2 and (expires_at <= $3 or session in (
       select session from device_sessions where fleet_id = $1 and key_id = $2 order by id desc offset ${MOST_SESSIONS - 1}))`,
    [fleetId, signature.keyId, new Date(now)],
  )
  await tx.query(
    `insert into device_sessions (fleet_id, session, id, key_id, opened_at, expires_at, secret)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [
      fleetId,
      opened.session,
      newId(),
      signature.keyId,
      new Date(now),
      new Date(endsAt),
      intake.gate.secrets.seal(opened.secret, opened.session),
    ],
  )
  return { session: opened.session, x25519: opened.x25519, expiresIn: Math.floor((endsAt - now) / 1000) }
}

/** The device changes its own key (device-signatures section 2). */
const rotateOne: Work = async (intake, tx, { fleetId, keyRef, signature }, body, address) => {
  const now = intake.now()
  const host = new URL(intake.gate.options.publicOrigin).host
  const old = { fleetId, id: signature.keyId, keyId: signature.keyName }
  const key = await rotateKey(tx, old, read(Rotate, body), host, now)
  await recordAudit(tx, {
    fleetId,
    actor: { kind: 'device', id: String(signature.keyId), name: keyRef },
    action: 'device-key.rotated',
    object: { kind: 'device-key', id: key.id },
    before: { fingerprint: keyRef },
    after: { fingerprint: key.fingerprint, expiresAt: key.expiresAt },
    source: { address, requestId: randomBytes(8).toString('hex') },
    at: now,
  })
  return { keyid: key.keyId, fingerprint: key.fingerprint, expiresAt: key.expiresAt }
}
