import { createHmac, timingSafeEqual } from 'node:crypto'
import { prismaAdapter } from '@better-auth/prisma-adapter'
import { betterAuth } from 'better-auth'
import { db } from '../db/pool.ts'
import { prisma } from '../db/prisma.ts'
import { env } from '../env.ts'
import type { Role } from './can.ts'
import type { Person } from './principal.ts'

const HOUR_MS = 3_600_000
/** A session that nobody used for so long has ended. */
const IDLE_MS = 12 * HOUR_MS
/** However much it is used, a session ends after this. */
const ABSOLUTE_SECONDS = 30 * 24 * 3600
/** Use is written down this often at most. */
const NOTE_USE_EVERY_MS = 5 * 60_000

const isSecure = () => env().publicUrl.startsWith('https://')
/** `__Host-` binds a cookie to this very host and to https; browsers refuse that name without Secure. */
const cookiePrefix = () => (isSecure() ? '__Host-restline' : 'restline')

function createAuth() {
  const { AUTH_SECRET, publicUrl } = env()
  return betterAuth({
    appName: 'Restline',
    baseURL: publicUrl,
    secret: AUTH_SECRET,
    database: prismaAdapter(prisma(), { provider: 'postgresql' }),
    // People are invited by their fleet; nobody signs up from outside.
    emailAndPassword: { enabled: true, disableSignUp: true, minPasswordLength: 10 },
    // No copy of the session in a cookie: what is ended on the server has ended.
    session: { expiresIn: ABSOLUTE_SECONDS, disableSessionRefresh: true, cookieCache: { enabled: false } },
    rateLimit: {
      enabled: true,
      window: 60,
      max: 300,
      customRules: { '/sign-in/email': { window: 60, max: 10 } },
    },
    advanced: {
      cookiePrefix: cookiePrefix(),
      useSecureCookies: false,
      defaultCookieAttributes: { secure: isSecure(), httpOnly: true, sameSite: 'lax', path: '/' },
    },
    telemetry: { enabled: false },
  })
}

const shared = globalThis as { restlineAuth?: ReturnType<typeof createAuth> }

/** better-auth over our own tables. */
export const auth = () => {
  shared.restlineAuth ??= createAuth()
  return shared.restlineAuth
}

/** The session's token out of a Cookie header, if the signature beside it is ours. */
function tokenOf(cookies: string): string | null {
  const name = `${cookiePrefix()}.session_token=`
  const pair = cookies.split(/; */).find((one) => one.startsWith(name))
  if (!pair) return null
  const value = decodeURIComponent(pair.slice(name.length))
  const dot = value.lastIndexOf('.')
  const token = value.slice(0, dot)
  const given = Buffer.from(value.slice(dot + 1), 'base64')
  const ours = createHmac('sha256', env().AUTH_SECRET).update(token).digest()
  return given.length === ours.length && timingSafeEqual(given, ours) ? token : null
}

interface SessionRow {
  sessionId: string
  userId: string
  name: string
  email: string
  fleetId: number | null
  role: Role
  driverId: number | null
  usedAt: number
}

/**
 * Who is signed in by this request's cookie, and in which fleet; null for nobody, for a session that has ended (12 h without
 * use, 30 days in all), and for a person without a fleet. One query, by the token's unique index.
 */
export async function personOf(headers: Headers, now = Date.now()): Promise<Person | null> {
  const token = tokenOf(headers.get('cookie') ?? '')
  if (!token) return null
  const { rows } = await db().query<SessionRow>({
    name: 'session-by-token',
    text: `select s.id as "sessionId", s.user_id as "userId", u.name, u.email, m.fleet_id as "fleetId", m.role,
             m.driver_id as "driverId", s.updated_at as "usedAt"
           from sessions s join users u on u.id = s.user_id
             left join lateral (
               select * from fleet_members m where m.user_id = s.user_id and (s.fleet_id is null or m.fleet_id = s.fleet_id)
               order by m.fleet_id limit 1) m on true
           where s.token = $1 and s.expires_at > $2`,
    values: [token, new Date(now)],
  })
  const [row] = rows
  if (!row) return null
  const { usedAt, ...person } = row
  if (now - usedAt >= IDLE_MS) {
    await db().query('delete from sessions where id = $1', [row.sessionId])
    return null
  }
  if (now - usedAt >= NOTE_USE_EVERY_MS) {
    await db().query('update sessions set updated_at = $2 where id = $1', [row.sessionId, new Date(now)])
  }
  return person.fleetId === null ? null : { kind: 'person', ...person, fleetId: person.fleetId }
}
