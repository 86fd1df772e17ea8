import { randomBytes } from 'node:crypto'
import { after } from 'node:test'
import type pg from 'pg'
import { newId } from '../db/id.ts'
import { testDatabase } from '../db/testing.ts'
import type { Instant } from '../time/instant.ts'
import type { Person } from './principal.ts'
import type { DirectorySettings, OpenIdSettings } from './provider-schema.ts'

export const ORIGIN = 'http://127.0.0.1:3999'

/** The doors of signing in over a database of this file's own, called as the server calls them. */
export async function openDoors() {
  // Before the database is dropped.
  after(async () => (await import('../db/pool.ts')).closeDb())
  const { url, pool } = await testDatabase()
  Object.assign(process.env, {
    DATABASE_URL: url,
    AUTH_SECRET: randomBytes(32).toString('base64'),
    PUBLIC_URL: ORIGIN,
    SIGN_IN_NETWORKS: '127.0.0.0/8',
  })
  const { answerSignIn } = await import('./door.ts')
  const { answerLocal } = await import('./local.ts')
  const { personOf } = await import('./session.ts')
  after(async () => (await import('../db/prisma.ts')).prisma().$disconnect())
  return { pool, answerSignIn, answerLocal, personOf }
}

export type Doors = Awaited<ReturnType<typeof openDoors>>

let browsers = 0

/** Somebody's browser: its cookies, and the address that it comes from, one of its own if left out. */
export class Browser {
  readonly cookies = new Map<string, string>()
  readonly #doors: Doors
  address: string

  constructor(doors: Doors, address = `10.0.${++browsers >> 8}.${browsers & 255}`) {
    this.#doors = doors
    this.address = address
  }

  #headers(): Headers {
    const headers = new Headers({
      'x-restline-address': this.address,
      origin: ORIGIN,
      host: '127.0.0.1:3999',
    })
    if (this.cookies.size)
      headers.set('cookie', [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; '))
    return headers
  }

  async #send(path: string, init: RequestInit, now: Instant): Promise<Response> {
    const request = new Request(`${ORIGIN}${path}`, { ...init, headers: init.headers ?? this.#headers() })
    const door = path.startsWith('/api/auth/') ? this.#doors.answerLocal : this.#doors.answerSignIn
    const answer = await door(request, now)
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!
      if (!value || /max-age=0/i.test(line)) this.cookies.delete(name!)
      else this.cookies.set(name!, value)
    }
    return answer
  }

  async post(path: string, body: unknown, now = Date.now()): Promise<Response> {
    const headers = this.#headers()
    headers.set('content-type', 'application/json')
    return await this.#send(path, { method: 'POST', body: JSON.stringify(body), headers }, now)
  }

  get(path: string, now = Date.now()): Promise<Response> {
    return this.#send(path, {}, now)
  }

  person(now = Date.now()): Promise<Person | null> {
    return this.#doors.personOf(this.#headers(), now)
  }

  signIn(email: string, password: string, now = Date.now()): Promise<Response> {
    return this.post('/api/auth/sign-in/email', { email, password }, now)
  }
}

export async function makeFleet(pool: pg.Pool, slug: string): Promise<number> {
  const id = newId()
  await pool.query(`insert into fleets (id, name, slug, time_zone) values ($1, $2, $2, 'America/Chicago')`, [
    id,
    slug,
  ])
  return id
}

/** A provider of a fleet, saved as the settings page saves it. */
export async function addProvider(
  pool: pg.Pool,
  fleetId: number,
  provider:
    | { kind: 'ldap'; name: string; secret: string; settings: DirectorySettings }
    | { kind: 'oidc'; name: string; secret: string; settings: OpenIdSettings },
): Promise<number> {
  const { saveProvider } = await import('./providers.ts')
  return (await saveProvider(pool, fleetId, { enabled: true, ...provider })).id
}
