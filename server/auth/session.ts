import { prismaAdapter } from '@better-auth/prisma-adapter'
import { betterAuth } from 'better-auth'
import { db } from '../db/pool.ts'
import { prisma } from '../db/prisma.ts'
import { env } from '../env.ts'
import type { Person } from './principal.ts'

function createAuth() {
  const { AUTH_SECRET, publicUrl } = env()
  return betterAuth({
    appName: 'Restline',
    baseURL: publicUrl,
    secret: AUTH_SECRET,
    database: prismaAdapter(prisma(), { provider: 'postgresql' }),
    // People are invited by their fleet (`npm run user`); nobody signs up from outside.
    emailAndPassword: { enabled: true, disableSignUp: true, minPasswordLength: 10 },
    session: { expiresIn: 30 * 24 * 3600, updateAge: 3600, cookieCache: { enabled: true, maxAge: 60 } },
    rateLimit: {
      enabled: true,
      window: 60,
      max: 300,
      customRules: { '/sign-in/email': { window: 60, max: 10 } },
    },
    advanced: { cookiePrefix: 'restline', useSecureCookies: publicUrl.startsWith('https://') },
    telemetry: { enabled: false },
  })
}

const shared = globalThis as { restlineAuth?: ReturnType<typeof createAuth> }

/** better-auth over our own tables. */
export const auth = () => {
  shared.restlineAuth ??= createAuth()
  return shared.restlineAuth
}

/** Who is signed in by this request's cookie, and in which fleet; null for nobody, or for a person without a fleet. */
export async function personOf(headers: Headers): Promise<Person | null> {
  if (!headers.get('cookie')) return null
  const session = await auth().api.getSession({ headers })
  if (!session) return null
  const { rows } = await db().query<{ fleet_id: number }>(
    'select fleet_id from fleet_members where user_id = $1 order by fleet_id limit 1',
    [session.user.id],
  )
  const { id, name, email } = session.user
  return rows[0] ? { kind: 'person', userId: id, name, email, fleetId: rows[0].fleet_id } : null
}
