import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { SYSTEM } from '../audit/record.ts'
import { type Db, db, withTransaction } from '../db/pool.ts'
import { env } from '../env.ts'
import type { Instant } from '../time/instant.ts'
import type { Role } from './can.ts'
import { tellFleetsOf, type Whose } from './deeds.ts'
import { addressOf } from './origin.ts'
import type { Person } from './principal.ts'

const HOUR_MS = 3_600_000
/** A session that nobody used for so long has ended. */
const IDLE_MS = 12 * HOUR_MS
/** However much it is used, a session ends after this. */
export const ABSOLUTE_SECONDS = 30 * 24 * 3600
/** Use is written down this often at most. */
const NOTE_USE_EVERY_MS = 5 * 60_000

export const isSecure = () => env().publicUrl.startsWith('https://')
/** `__Host-` binds a cookie to this very host and to https; browsers refuse that name without Secure. */
export const cookiePrefix = () => (isSecure() ? '__Host-restline' : 'restline')

/** A Set-Cookie of ours: for this host only, out of reach of scripts. */
export const setCookie = (name: string, value: string, maxAgeSeconds: number) =>
  `${cookiePrefix()}.${name}=${encodeURIComponent(value)}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${maxAgeSeconds}${isSecure() ? '; Secure' : ''}`

/** A cookie of ours out of a Cookie header. */
export function cookieOf(headers: Headers, name: string): string | null {
  const start = `${cookiePrefix()}.${name}=`
  const pair = headers
    .get('cookie')
    ?.split(/; */)
    .find((one) => one.startsWith(start))
  if (!pair) return null
  try {
    return decodeURIComponent(pair.slice(start.length))
  } catch {
    return null
  }
}

const signatureOf = (token: string, secret: string) => createHmac('sha256', secret).update(token).digest()

/** What a cookie says, if the signature beside it is ours. better-auth signs and reads the same cookies. */
export function signedCookieOf(headers: Headers, name: string): string | null {
  const value = cookieOf(headers, name)
  if (!value) return null
  const dot = value.lastIndexOf('.')
  const said = value.slice(0, dot)
  const given = Buffer.from(value.slice(dot + 1), 'base64')
  const ours = signatureOf(said, env().AUTH_SECRET)
  return given.length === ours.length && timingSafeEqual(given, ours) ? said : null
}

/**
 * A Cookie header in which what the key before this one has signed is signed by this one: while AUTH_SECRET is replaced nobody is signed
 * out, whichever instance they come to.
 */
export function signedAnew(cookie: string): string {
  const { AUTH_SECRET, AUTH_SECRET_PREVIOUS } = env()
  if (!AUTH_SECRET_PREVIOUS) return cookie
  return cookie
    .split(/; */)
    .map((pair) => {
      const [, name, said, given] = /^([^=]+)=(.+)\.([\w%+/=]+)$/.exec(pair) ?? []
      if (!name?.startsWith(`${cookiePrefix()}.`) || said === undefined || given === undefined) return pair
      const by = (secret: string) => encodeURIComponent(signatureOf(said, secret).toString('base64'))
      return isSame(given, by(AUTH_SECRET_PREVIOUS)) ? `${name}=${said}.${by(AUTH_SECRET)}` : pair
    })
    .join('; ')
}

const isSame = (given: string, expected: string) =>
  given.length === expected.length && timingSafeEqual(Buffer.from(given), Buffer.from(expected))

const tokenOf = (headers: Headers) => signedCookieOf(headers, 'session_token')

/** The token of the session that an answer begins; null if it begins none. */
function tokenIn(answered: Response): string | null {
  const cookie = answered.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ')
  return tokenOf(new Headers({ cookie }))
}

/**
 * Begins a session, always a new one: an id that was there before the login means nothing after it.
 * @param fleetId the one fleet that it is good for, when that fleet's directory or provider said who this is; else null
 * @param chosenFleetId the fleet that it begins in, of an account of ours; left out, the first of their fleets
 * @returns the Set-Cookie
 */
export async function openSession(
  tx: Db,
  {
    userId,
    fleetId,
    chosenFleetId = null,
    headers,
  }: { userId: string; fleetId: number | null; chosenFleetId?: number | null; headers: Headers },
  now: Instant,
): Promise<string> {
  const before = tokenOf(headers)
  if (before) await tx.query('delete from sessions where token = $1', [before])
  const token = randomBytes(24).toString('base64url')
  await tx.query(
    `insert into sessions (id, token, user_id, fleet_id, chosen_fleet_id, expires_at, created_at, updated_at, ip_address, user_agent)
     values ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9)`,
    [
      crypto.randomUUID(),
      token,
      userId,
      fleetId,
      chosenFleetId,
      new Date(now + ABSOLUTE_SECONDS * 1_000),
      new Date(now),
      addressOf(headers),
      headers.get('user-agent')?.slice(0, 300) ?? null,
    ],
  )
  const signature = signatureOf(token, env().AUTH_SECRET).toString('base64')
  return setCookie('session_token', `${token}.${signature}`, ABSOLUTE_SECONDS)
}

/** The session that takes the place of a person's own, when better-auth changes how they sign in, stays in the fleet where they are. */
export async function keepFleet(answered: Response, { userId, fleetId }: Person): Promise<void> {
  const token = tokenIn(answered)
  if (token)
    await db().query('update sessions set chosen_fleet_id = $3 where token = $1 and user_id = $2', [
      token,
      userId,
      fleetId,
    ])
}

interface Row {
  sessionId: string
  userId: string
  name: string
  email: string
  fleetId: number | null
  role: Role
  driverId: number | null
  local: boolean
  usedAt: Instant
}

/**
 * Who is signed in by this request's cookie, and in which fleet: the one that the session has entered while they are a member of it,
 * else the first of theirs. null for nobody, for a session that has ended (12 h without use, 30 days in all), and for a person without
 * a fleet. One query, by the token's unique index.
 */
export async function personOf(headers: Headers, now: Instant = Date.now()): Promise<Person | null> {
  const token = tokenOf(headers)
  if (!token) return null
  const { rows } = await db().query<Row>({
    name: 'session-by-token',
    text: `select s.id as "sessionId", s.user_id as "userId", u.name, coalesce(m.email, u.email) as email,
             m.fleet_id as "fleetId", m.role, m.driver_id as "driverId", s.fleet_id is null as local,
             s.updated_at as "usedAt"
           from sessions s join users u on u.id = s.user_id
             left join lateral (
               select * from fleet_members m where m.user_id = s.user_id and (s.fleet_id is null or m.fleet_id = s.fleet_id)
               order by m.fleet_id <> s.chosen_fleet_id, m.fleet_id limit 1) m on true
           where s.token = $1 and s.expires_at > $2`,
    values: [token, new Date(now)],
  })
  const [row] = rows
  if (!row) return null
  const { usedAt, ...person } = row
  if (now - usedAt >= IDLE_MS) {
    await endExpired(now, row.sessionId)
    return null
  }
  if (now - usedAt >= NOTE_USE_EVERY_MS) {
    await db().query('update sessions set updated_at = $2 where id = $1', [row.sessionId, new Date(now)])
  }
  return person.fleetId === null ? null : { kind: 'person', ...person, fleetId: person.fleetId }
}

/**
 * Ends sessions that nobody used for 12 hours or that are 30 days old, and tells their fleets; one of them, or all.
 * @returns how many ended
 */
export async function endExpired(now: Instant, id: string | null = null): Promise<number> {
  return await withTransaction(db(), async (tx) => {
    const { rows } = await tx.query<Whose & { old: boolean }>(
      `delete from sessions s where (s.updated_at <= $1 or s.expires_at <= $2) and ($3::text is null or s.id = $3)
       returning user_id as "userId", fleet_id as "fleetId", expires_at <= $2 as old`,
      [new Date(now - IDLE_MS), new Date(now), id],
    )
    for (const { old, ...whose } of rows)
      await tellFleetsOf(tx, whose, {
        actor: SYSTEM,
        action: 'session.expired',
        object: { kind: 'person', id: whose.userId },
        after: { reason: old ? 'older than 30 days' : 'not used for 12 hours' },
        at: now,
      })
    return rows.length
  })
}
