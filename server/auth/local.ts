import { passkey } from '@better-auth/passkey'
import { prismaAdapter } from '@better-auth/prisma-adapter'
import { APIError, betterAuth } from 'better-auth'
import { createAuthMiddleware } from 'better-auth/api'
import { twoFactor } from 'better-auth/plugins/two-factor'
import { prisma } from '../db/prisma.ts'
import { env } from '../env.ts'
import { AppError } from '../errors.ts'
import type { Instant } from '../time/instant.ts'
import { changeAccount, isChange } from './local-changes.ts'
import { askLocal } from './local-door.ts'
import { foreignReason } from './origin.ts'
import { problem, refusal } from './problem.ts'
import { versionOf } from './reseal.ts'
import { secretsOfProduct } from './seal.ts'
import { ABSOLUTE_SECONDS, cookiePrefix, isSecure, personOf } from './session.ts'

function createAuth() {
  const { publicUrl } = env()
  const { hostname, origin } = new URL(publicUrl)
  // Browsers give passkeys to names, never to numbers (WebAuthn, 5.1.3): on one's own machine that name is localhost.
  const named = new URL(publicUrl)
  if (hostname === '127.0.0.1') named.hostname = 'localhost'
  return betterAuth({
    appName: 'Restline',
    baseURL: publicUrl,
    secrets: secretsOfProduct().map((value) => ({ version: versionOf(value), value })),
    trustedOrigins: [origin, named.origin],
    database: prismaAdapter(prisma(), { provider: 'postgresql' }),
    // People are invited by their fleet; nobody signs up from outside.
    emailAndPassword: { enabled: true, disableSignUp: true, minPasswordLength: 10 },
    // No copy of the session in a cookie: what is ended on the server has ended.
    session: { expiresIn: ABSOLUTE_SECONDS, disableSessionRefresh: true, cookieCache: { enabled: false } },
    plugins: [
      twoFactor({ issuer: 'Restline', trustDeviceMaxAge: 1 }),
      passkey({
        rpID: named.hostname,
        rpName: 'Restline',
        origin: named.origin,
        // A passkey signs in alone, past the second step: the key itself must have asked for a finger, a face or its PIN.
        authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
        authentication: {
          afterVerification: ({ verification }) => {
            if (!verification.authenticationInfo.userVerified) throw new APIError('UNAUTHORIZED')
          },
        },
      }),
    ],
    hooks: {
      before: createAuthMiddleware(async (ctx) => {
        // A new password ends every session and begins a new one here.
        if (ctx.path === '/change-password')
          return { context: { body: { ...ctx.body, revokeOtherSessions: true } } }
      }),
    },
    // What can be guessed is counted by server/auth/attempts.ts, for all processes together.
    rateLimit: {
      enabled: true,
      window: 60,
      max: 300,
      customRules: { '/sign-in/*': false, '/two-factor/*': false },
    },
    advanced: {
      cookiePrefix: cookiePrefix(),
      useSecureCookies: false,
      defaultCookieAttributes: { secure: isSecure(), httpOnly: true, sameSite: 'lax', path: '/' },
      ipAddress: { ipAddressHeaders: ['x-restline-address'] },
    },
    logger: { level: 'error' },
    telemetry: { enabled: false },
  })
}

const shared = globalThis as { restlineAuth?: ReturnType<typeof createAuth> }

/** better-auth over our own tables, for local accounts. */
const auth = () => {
  shared.restlineAuth ??= createAuth()
  return shared.restlineAuth
}

/** What of better-auth answers from outside; the rest of it is closed. */
const OPEN = new Set([
  '/sign-in/email',
  '/sign-out',
  '/two-factor/verify-totp',
  '/two-factor/verify-backup-code',
  '/passkey/generate-authenticate-options',
  '/passkey/verify-authentication',
])
/** These change how somebody signs in: only for a session of an account of ours, since a fleet's provider must open that fleet only. */
const LOCAL = new Set([
  '/change-password',
  '/two-factor/enable',
  '/two-factor/disable',
  '/two-factor/generate-backup-codes',
  '/passkey/generate-register-options',
  '/passkey/verify-registration',
  '/passkey/delete-passkey',
])

/** What answers below `/api/auth`. */
export const LOCAL_PATHS = [...OPEN, ...LOCAL]

/** The door of local accounts, `/api/auth/…`: JSON from our own pages only, attempts counted, ended sessions ended first. */
export async function answerLocal(request: Request, now: Instant): Promise<Response> {
  try {
    return await answer(request, now)
  } catch (error) {
    return refusal(error)
  }
}

async function answer(request: Request, now: Instant): Promise<Response> {
  const path = new URL(request.url).pathname.replace(/^\/api\/auth/, '')
  if (!OPEN.has(path) && !LOCAL.has(path))
    return problem(404, 'not-found', 'There is nothing at this address.')
  if (request.method !== 'GET') {
    const { headers } = request
    const foreign = foreignReason({
      origin: headers.get('origin'),
      host: headers.get('host'),
      cookie: headers.get('cookie'),
      contentType: headers.get('content-type'),
    })
    if (foreign) return problem(403, 'forbidden', foreign)
  } else if (!path.startsWith('/passkey/generate-')) return problem(405, 'malformed', 'POST only.')
  // Reading it ends it when it was idle for too long; better-auth would not.
  const person = await personOf(request.headers, now)
  if (LOCAL.has(path)) {
    if (!person) throw new AppError('unauthenticated', 'Sign in first.')
    if (!person.local)
      throw new AppError(
        'forbidden',
        'You signed in by your company’s directory or provider: this is kept there.',
      )
  }
  const handler = (asked: Request) => auth().handler(asked)
  return person && isChange(path)
    ? await changeAccount({ request, path, person, now }, handler)
    : await askLocal({ request, path, person, now }, handler)
}
