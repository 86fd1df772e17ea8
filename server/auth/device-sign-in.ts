import type { Db } from '../db/pool.ts'
import { AppError } from '../errors.ts'
import type { GuardedFetch } from '../outward.ts'
import type { AddIssuer, DeviceSignIn } from './device-sign-in-schema.ts'
import type { AuthMethod } from './principal.ts'
import type { Step } from './provider-schema.ts'
import { readRanges } from './ranges.ts'

const MOST_ISSUERS = 20

/** How a fleet's devices may prove who they are. */
export async function readDeviceSignIn(db: Db, fleetId: number, publicOrigin: string): Promise<DeviceSignIn> {
  const fleet = await db.query<{ slug: string; methods: AuthMethod[] }>(
    'select slug, device_auth as methods from fleets where id = $1',
    [fleetId],
  )
  const issuers = await db.query<{ issuer: string; jwksUrl: string }>(
    'select issuer, jwks_url as "jwksUrl" from device_issuers where fleet_id = $1 order by issuer',
    [fleetId],
  )
  const restricted = await db.query<DeviceSignIn['restricted'][0]>(
    `select id as "deviceId", name, token_sources as sources from devices
     where fleet_id = $1 and token_sources <> '{}' order by name limit 1000`,
    [fleetId],
  )
  const { slug, methods } = fleet.rows[0]!
  return {
    methods,
    issuers: issuers.rows,
    audience: `${publicOrigin}/fleets/${slug}`,
    restricted: restricted.rows,
  }
}

/**
 * What the fleet's devices may prove themselves with from now on; every instance hears of it within a second or two (`auth_epochs`).
 * They are kept in the order given. A request at the doors brings one proof, or is refused; an app of `identity` that brings a token
 * besides is asked for the one that comes first.
 * @returns those before
 */
export async function setMethods(
  db: Db,
  fleetId: number,
  after: AuthMethod[],
): Promise<{ before: AuthMethod[]; after: AuthMethod[] }> {
  const { rows } = await db.query<{ before: AuthMethod[] }>(
    `update fleets f set device_auth = $2
     from (select id, device_auth from fleets where id = $1 for update) before
     where f.id = before.id returning before.device_auth as before`,
    [fleetId, after],
  )
  return { before: rows[0]!.before, after }
}

/** @throws AppError conflict for one that the fleet has, or one too many */
export async function addIssuer(db: Db, fleetId: number, { issuer, jwksUrl }: AddIssuer): Promise<void> {
  const { rows } = await db.query<{ count: number }>(
    'select count(*)::int as count from device_issuers where fleet_id = $1',
    [fleetId],
  )
  if (rows[0]!.count >= MOST_ISSUERS)
    throw new AppError('conflict', `A fleet has at most ${MOST_ISSUERS} issuers.`, 'issuer')
  const added = await db.query(
    'insert into device_issuers (fleet_id, issuer, jwks_url) values ($1, $2, $3) on conflict do nothing',
    [fleetId, issuer, jwksUrl],
  )
  if (!added.rowCount) throw new AppError('conflict', 'The fleet has this issuer already.', 'issuer')
}

/** @throws AppError not-found */
export async function removeIssuer(db: Db, fleetId: number, issuer: string): Promise<{ jwksUrl: string }> {
  const { rows } = await db.query<{ jwksUrl: string }>(
    'delete from device_issuers where fleet_id = $1 and issuer = $2 returning jwks_url as "jwksUrl"',
    [fleetId, issuer],
  )
  if (!rows[0]) throw new AppError('not-found', 'The fleet has no such issuer.', 'issuer')
  return rows[0]
}

/**
 * From where alone a device's token and identity may come; an empty text: from anywhere.
 * @throws AppError unacceptable for a range that is none, not-found
 */
export async function setTokenSources(
  db: Db,
  fleetId: number,
  deviceId: number,
  text: string,
): Promise<{ before: string[]; after: string[] }> {
  let after: string[]
  try {
    after = readRanges(text)
  } catch (error) {
    throw new AppError('unacceptable', `${(error as Error).message}.`, 'sources')
  }
  const { rows } = await db.query<{ before: string[] }>(
    `update devices d set token_sources = $3
     from (select id, token_sources from devices where fleet_id = $1 and id = $2 for update) before
     where d.fleet_id = $1 and d.id = before.id returning before.token_sources as before`,
    [fleetId, deviceId, after],
  )
  if (!rows[0]) throw new AppError('not-found', 'There is no such device in this fleet.', 'deviceId')
  return { before: rows[0].before, after }
}

/** Fetches an issuer's keys as the door for devices does, and tells each step. Nothing of what came is shown but what the keys are. */
export async function testIssuer(jwksUrl: string, ask: GuardedFetch): Promise<Step[]> {
  const steps: Step[] = []
  const step = async <T>(title: string, work: () => Promise<[T, string]>): Promise<T | undefined> => {
    const began = performance.now()
    const ms = () => Math.round(performance.now() - began)
    try {
      const [result, detail] = await work()
      steps.push({ title, ok: true, detail, ms: ms() })
      return result
    } catch (error) {
      steps.push({ title, ok: false, detail: (error as Error).message, ms: ms() })
      return undefined
    }
  }
  const text = await step('Fetch the keys', async () => {
    const response = await ask(jwksUrl, {
      headers: { accept: 'application/json, application/jwk-set+json' },
    }).catch((error: Error) => {
      const { cause } = error
      if (cause instanceof Error && !('code' in cause)) throw cause
      if (cause instanceof AppError) throw cause
      throw new Error(`Nobody answers there (${codeOf(error)}).`)
    })
    if (response.status !== 200)
      throw new Error(`It answered ${response.status}; 200 is needed, without a redirect.`)
    return [await response.text(), 'It answered 200.']
  })
  if (text === undefined) return steps
  const keys = await step('Read the JSON Web Key Set', async () => {
    const found = keysOf(text)
    if (!found) throw new Error('There is no list “keys” in it.')
    return [found, `${found.length} ${found.length === 1 ? 'key' : 'keys'}.`]
  })
  if (keys === undefined) return steps
  await step('Find keys for signatures', async () => {
    const fit = keys.filter(({ kty, use }) => KINDS.includes(String(kty)) && (use ?? 'sig') === 'sig')
    if (fit.length === 0) throw new Error('None of them is an RSA, EC or OKP key for signatures.')
    return [fit, fit.map(({ kty, crv, kid }) => [kty, crv, kid].filter(Boolean).join(' ')).join(', ')]
  })
  return steps
}

const KINDS = ['RSA', 'EC', 'OKP']

const codeOf = (error: Error): string =>
  error.name === 'TimeoutError' ? 'no answer in 5 s' : ((error.cause as { code?: string })?.code ?? 'network')

function keysOf(text: string): Record<string, unknown>[] | undefined {
  try {
    const { keys } = JSON.parse(text) as { keys?: unknown }
    return Array.isArray(keys) ? keys.filter((key) => key !== null && typeof key === 'object') : undefined
  } catch {
    return undefined
  }
}
