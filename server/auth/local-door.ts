import { type Db, db, withTransaction } from '../db/pool.ts'
import { AppError } from '../errors.ts'
import type { Instant } from '../time/instant.ts'
import { countAttempt, noteOnce, succeeded } from './attempts.ts'
import { personActor, sourceOf, tellFleetsOf, tellRefused, tellTooOften } from './deeds.ts'
import { addressOf } from './origin.ts'
import type { Person } from './principal.ts'
import { problem } from './problem.ts'
import { signedCookieOf } from './session.ts'

/** better-auth, which does the work. */
export type Handler = (request: Request) => Promise<Response>

/** A request that came past the door: what it asks for, and who is signed in. */
export interface Asked {
  request: Request
  /** Below `/api/auth`. */
  path: string
  person: Person | null
  now: Instant
}

/** A code of an app is good for three steps of 30 s; spent, it is kept for longer than that. */
const CODE_SPENT_MS = 2 * 60_000

/**
 * Has better-auth do it and says what came of it: to the caller little, to the audit logs of the person's fleets who and why.
 * @throws AppError too-often
 */
export async function askLocal(asked: Asked, handler: Handler): Promise<Response> {
  const { request, path, person } = asked
  if (path === '/sign-in/email') return await signIn(asked, handler)
  if (path === '/passkey/verify-authentication') return await byPasskey(asked, handler)
  if (path === '/sign-out') return await signOut(asked, handler)
  if (path.startsWith('/two-factor/verify-') && !person) return await secondStep(asked, handler)
  const answered = await handler(request)
  if (answered.ok) return answered
  if (path === '/passkey/generate-register-options' && answered.status === 403)
    return problem(403, 'forbidden', 'Sign in again first: a passkey is added within a day of signing in.')
  return refusedBy(answered, 401, 'This did not work. Start again.')
}

/** What somebody sent, whatever it is. */
export async function bodyOf(request: Request): Promise<Record<string, unknown>> {
  const body: unknown = await request
    .clone()
    .json()
    .catch(() => null)
  return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {}
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : '')

/** Counts a try; one too many is told and refused. */
export async function count(
  { request, now }: Pick<Asked, 'request' | 'now'>,
  account: string,
  who: { userId: string | null; email: string | null },
): Promise<() => Promise<void>> {
  const attempt = { account, address: addressOf(request.headers) }
  try {
    await countAttempt(db(), attempt, now)
  } catch (error) {
    if (error instanceof AppError) await tellTooOften(who, request.headers, now)
    throw error
  }
  return () => succeeded(db(), attempt)
}

/** Our own words for a refusal of better-auth's, with the cookies that it takes away. */
export function refusedBy(answered: Response, status: 400 | 401 | 422, detail: string): Response {
  const answer =
    answered.status >= 500
      ? problem(500, 'misconfigured', 'Something broke on our side; it was logged.')
      : answered.status === 429
        ? problem(429, 'too-often', 'Too many attempts. Wait a quarter of an hour, then try again.')
        : problem(
            status,
            status === 401 ? 'unauthenticated' : status === 400 ? 'malformed' : 'unacceptable',
            detail,
          )
  for (const cookie of answered.headers.getSetCookie()) answer.headers.append('set-cookie', cookie)
  return answer
}

/** Its cookies and no more: what better-auth says besides has the session's token in it, and scripts must not read that. */
export function plain(answered: Response, body: object = {}): Response {
  const answer = Response.json(body, { headers: { 'cache-control': 'no-store' } })
  for (const cookie of answered.headers.getSetCookie()) answer.headers.append('set-cookie', cookie)
  return answer
}

/** A session was opened: its fleets are told, and somebody without one is told so instead of being let in. */
async function opened(answered: Response, by: string, { request, now }: Asked): Promise<Response> {
  const said = (await answered.json()) as {
    twoFactorRedirect?: boolean
    token?: string
    session?: { token: string }
    user?: { id: string; name: string }
  }
  if (said.twoFactorRedirect || !said.user) return plain(answered, { twoFactorRedirect: true })
  const { id, name } = said.user
  const told = await withTransaction(db(), (tx) =>
    tellFleetsOf(
      tx,
      { userId: id, fleetId: null },
      {
        actor: personActor(id, name),
        action: 'session.opened',
        object: { kind: 'person', id },
        after: { by },
        source: sourceOf(request.headers),
        at: now,
      },
    ),
  )
  if (told > 0) return plain(answered)
  await db().query('delete from sessions where token = $1', [said.session?.token ?? said.token])
  return problem(
    403,
    'forbidden',
    'Your name and password are right, but you are a member of no fleet. Ask your fleet’s admin for an invitation.',
  )
}

async function signIn(asked: Asked, handler: Handler): Promise<Response> {
  const { request, now } = asked
  const { email } = await bodyOf(request)
  if (typeof email !== 'string')
    throw new AppError('malformed', 'Send an e-mail address and a password.', 'email')
  const { userId, reason } = await accountOf(db(), email)
  const good = await count(asked, email, { userId, email })
  const answered = await handler(request)
  if (answered.ok) {
    await good()
    return await opened(answered, 'password', asked)
  }
  if (answered.status >= 500) return refusedBy(answered, 401, '')
  await tellRefused({ userId, email, code: 'unauthenticated', reason }, request.headers, now)
  // One text for a wrong password, an unknown address and an address that is none.
  return problem(401, 'unauthenticated', 'This e-mail and password don’t belong together.')
}

/** Whose address this is, and why a sign-in with it fails if it does. */
async function accountOf(at: Db, email: string): Promise<{ userId: string | null; reason: string }> {
  const { rows } = await at.query<{ id: string; hasPassword: boolean }>(
    `select u.id, exists (select from accounts a where a.user_id = u.id and a.provider_id = 'credential') as "hasPassword"
     from users u where u.email = $1`,
    [email.replaceAll('\0', '').trim().toLowerCase()],
  )
  const [user] = rows
  if (!user) return { userId: null, reason: 'no account has this e-mail' }
  return { userId: user.id, reason: user.hasPassword ? 'wrong password' : 'the account has no password' }
}

/** The second step of a sign-in (RFC 6238): a code counts once (section 5.2), also where two instances see it at once. */
async function secondStep(asked: Asked, handler: Handler): Promise<Response> {
  const { request, path, now } = asked
  const userId = await halfSignedIn(request.headers, now)
  if (!userId) return problem(401, 'unauthenticated', 'This sign-in took too long. Start again.')
  const byApp = path.endsWith('-totp')
  const code = textOf((await bodyOf(request)).code)
  const good = await count(asked, `second step ${userId}`, { userId, email: null })
  const refuse = (reason: string) =>
    tellRefused({ userId, email: null, code: 'unauthenticated', reason }, request.headers, now)
  if (byApp && !(await spend(userId, code, now))) {
    await refuse('the code was tried before')
    return problem(401, 'unauthenticated', WRONG_CODE)
  }
  const answered = await handler(request)
  if (answered.ok) {
    await good()
    return await opened(answered, byApp ? 'password and code' : 'password and backup code', asked)
  }
  await refuse(answered.status === 429 ? 'too many wrong codes' : byApp ? 'wrong code' : 'wrong backup code')
  return refusedBy(answered, 401, WRONG_CODE)
}

const WRONG_CODE = 'That code is not right, or was used before. Wait for the next one.'

/** Marks an app's code as used; false if it was. */
export const spend = (userId: string, code: string, now: Instant) =>
  noteOnce(db(), `code ${userId} ${code}`, CODE_SPENT_MS, now)

/** Whose password was right a moment ago, and who still owes the second step. */
async function halfSignedIn(headers: Headers, now: Instant): Promise<string | null> {
  const { rows } = await db().query<{ userId: string }>(
    'select value as "userId" from verifications where identifier = $1 and expires_at > $2',
    [signedCookieOf(headers, 'two_factor'), new Date(now)],
  )
  return rows[0]?.userId ?? null
}

async function byPasskey(asked: Asked, handler: Handler): Promise<Response> {
  const { request, now } = asked
  const { response } = await bodyOf(request)
  const id = textOf((response as { id?: unknown } | undefined)?.id).slice(0, 1_000)
  const { rows } = await db().query<{ userId: string }>(
    'select user_id as "userId" from passkeys where credential_id = $1',
    [id.replaceAll('\0', '')],
  )
  const userId = rows[0]?.userId ?? null
  const good = await count(asked, `passkey ${id}`, { userId, email: null })
  const answered = await handler(request)
  if (answered.ok) {
    await good()
    return await opened(answered, 'passkey', asked)
  }
  const reason = userId ? 'the passkey’s answer was not right' : 'the passkey is not known'
  await tellRefused({ userId, email: null, code: 'unauthenticated', reason }, request.headers, now)
  return refusedBy(
    answered,
    401,
    'This passkey is not known here, or did not check that it is you. Sign in another way.',
  )
}

async function signOut({ request, person, now }: Asked, handler: Handler): Promise<Response> {
  const answered = await handler(request)
  if (answered.ok && person)
    await withTransaction(db(), (tx) =>
      tellFleetsOf(
        tx,
        { userId: person.userId, fleetId: person.local ? null : person.fleetId },
        {
          actor: personActor(person.userId, person.name),
          action: 'session.ended',
          object: { kind: 'person', id: person.userId },
          after: { by: 'signing out' },
          source: sourceOf(request.headers),
          at: now,
        },
      ),
    )
  return answered.ok ? plain(answered) : refusedBy(answered, 401, 'Start again.')
}
