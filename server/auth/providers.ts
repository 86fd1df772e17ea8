import { newId } from '../db/id.ts'
import type { Db } from '../db/pool.ts'
import { env } from '../env.ts'
import { AppError } from '../errors.ts'
import type { Instant } from '../time/instant.ts'
import { askDirectory, tryDirectory } from './directory.ts'
import { tryOpenId } from './openid.ts'
import type { DirectorySettings, OpenIdSettings, ProviderRow, SaveProvider, Step } from './provider-schema.ts'
import { PROVIDER_PURPOSE, seal, unseal } from './seal.ts'

export type Provider = { fleetId: number; id: number; name: string; enabled: boolean; secret: string } & (
  | { kind: 'ldap'; settings: DirectorySettings }
  | { kind: 'oidc'; settings: OpenIdSettings }
)

/** The path that a provider sends browsers back to: one of its own for each, so that answers can't be mixed up. */
export const callbackOf = (fleetId: number, id: number) =>
  `${env().publicUrl}/api/sign-in/callback/${fleetId.toString(36)}-${id.toString(36)}`

const NO_PROVIDER = () => new AppError('not-found', 'There is no such provider in this fleet.', 'id')

type Stored = Omit<Provider, 'secret'> & { sealed: Buffer | null }

async function read(db: Db, fleetId: number, id: number | null): Promise<Stored[]> {
  const { rows } = await db.query<Stored>(
    `select fleet_id as "fleetId", id, kind, name, enabled, settings, secret as sealed from sign_in_providers
     where fleet_id = $1 and ($2::bigint is null or id = $2) order by name`,
    [fleetId, id],
  )
  return rows
}

const opened = ({ sealed, ...row }: Stored): Provider =>
  ({ ...row, secret: sealed ? unseal(sealed, PROVIDER_PURPOSE) : '' }) as Provider

/**
 * A provider with its secret.
 * @throws AppError not-found, also for one that is switched off
 */
export async function getProvider(db: Db, fleetId: number, id: number): Promise<Provider> {
  const [row] = await read(db, fleetId, id)
  if (!row?.enabled) throw NO_PROVIDER()
  return opened(row)
}

/** For settings: without secrets. */
export async function listProviders(db: Db, fleetId: number): Promise<ProviderRow[]> {
  const { rows } = await db.query<{ id: number; people: number }>(
    `select provider_id as id, count(distinct user_id)::int as people from sign_in_identities where fleet_id = $1 group by 1`,
    [fleetId],
  )
  const people = new Map(rows.map((row) => [row.id, row.people]))
  return (await read(db, fleetId, null)).map(
    ({ sealed, fleetId: _, ...row }) =>
      ({
        ...row,
        people: people.get(row.id) ?? 0,
        hasSecret: sealed !== null,
        callbackUrl: row.kind === 'oidc' ? callbackOf(fleetId, row.id) : null,
      }) as ProviderRow,
  )
}

/** What the sign-in page offers: names only. */
export interface Offer {
  fleet: string
  fleetName: string
  providers: { id: number; kind: 'ldap' | 'oidc'; name: string }[]
}

/** The ways into a fleet by its short name; without one, of the only fleet there is. Null if that says no fleet. */
export async function offerOf(db: Db, slug: string | null): Promise<Offer | null> {
  const { rows } = await db.query<{ id: number; slug: string; name: string }>(
    'select id, slug, name from fleets where $1::text is null or slug = $1 limit 2',
    [slug],
  )
  const [fleet, another] = rows
  if (!fleet || another) return null
  const providers = (await read(db, fleet.id, null)).filter(({ enabled }) => enabled)
  return {
    fleet: fleet.slug,
    fleetName: fleet.name,
    providers: providers.map(({ id, kind, name }) => ({ id, kind, name })),
  }
}

/**
 * Makes or changes a provider; without a `secret` the stored one stays, unless the address changed that it would be sent to.
 * @returns with `before`, what it was, for one that was changed
 * @throws AppError not-found, conflict for a name twice
 */
export async function saveProvider(
  db: Db,
  fleetId: number,
  input: SaveProvider,
): Promise<{ id: number; before?: Pick<Provider, 'kind' | 'name' | 'enabled' | 'settings'> }> {
  const sealed = input.secret === undefined ? null : seal(input.secret, PROVIDER_PURPOSE)
  const values = [fleetId, input.id ?? newId(), input.kind, input.name, input.enabled, input.settings, sealed]
  if (input.id !== undefined) {
    const [row] = await read(db, fleetId, input.id)
    if (!row || row.kind !== input.kind) throw NO_PROVIDER()
    if (!sealed && addressOf(row) !== addressOf(input))
      throw new AppError('unacceptable', 'The address is another: enter the secret again.', 'secret')
    const { rowCount } = await db
      .query(
        `update sign_in_providers set name = $4, enabled = $5, settings = $6, secret = coalesce($7, secret), updated_at = now()
         where fleet_id = $1 and id = $2 and kind = $3`,
        values,
      )
      .catch(nameTaken)
    if (!rowCount) throw NO_PROVIDER()
    const { kind, name, enabled, settings } = row
    return { id: input.id, before: { kind, name, enabled, settings } }
  }
  await db
    .query(
      'insert into sign_in_providers (fleet_id, id, kind, name, enabled, settings, secret) values ($1, $2, $3, $4, $5, $6, $7)',
      values,
    )
    .catch(nameTaken)
  return { id: values[1] as number }
}

/** Where a secret would go: whoever may change it must know the secret, or they could have it sent to themselves. */
const addressOf = (one: Pick<SaveProvider, 'kind' | 'settings'>) =>
  'url' in one.settings
    ? JSON.stringify([one.settings.url, one.settings.startTls, one.settings.authorities])
    : one.settings.issuer

function nameTaken(error: unknown): never {
  if ((error as { code?: string }).code === '23505')
    throw new AppError('conflict', 'Another provider of the fleet has this name.', 'name')
  throw error
}

/**
 * Takes a provider away, and with it the ways in that people had by it; sessions that it opened end.
 * @returns what it was
 * @throws AppError not-found
 */
export async function removeProvider(
  tx: Db,
  fleetId: number,
  id: number,
): Promise<{ kind: string; name: string }> {
  await tx.query(
    `delete from sessions s using sign_in_identities i
     where i.fleet_id = $1 and i.provider_id = $2 and s.user_id = i.user_id and s.fleet_id = $1`,
    [fleetId, id],
  )
  const { rows } = await tx.query<{ kind: string; name: string }>(
    'delete from sign_in_providers where fleet_id = $1 and id = $2 returning kind, name',
    [fleetId, id],
  )
  if (!rows[0]) throw NO_PROVIDER()
  return rows[0]
}

/** Tries a provider, saved or not, and says how each step went; the last step that failed says why. */
export async function testProvider(
  db: Db,
  fleetId: number,
  input: SaveProvider,
  who: { user?: string; password?: string },
  now: Instant,
): Promise<Step[]> {
  const secret = await secretFor(db, fleetId, input)
  const steps: Step[] = []
  const tell = (step: Step) => void steps.push(step)
  try {
    if (input.kind === 'oidc') await tryOpenId(input.settings, secret, tell, now)
    else if (who.user && who.password) {
      const { groups, ...person } = await askDirectory(
        input.settings,
        secret,
        { user: who.user, password: who.password },
        tell,
      )
      tell({
        title: 'Name and address',
        ok: true,
        detail: [person.name, person.email].filter(Boolean).join(', '),
        ms: 0,
      })
    } else await tryDirectory(input.settings, secret, tell)
  } catch {
    // The step that failed has said why.
  }
  return steps
}

async function secretFor(db: Db, fleetId: number, input: SaveProvider): Promise<string> {
  if (input.secret !== undefined) return input.secret
  if (input.id === undefined) return ''
  const [row] = await read(db, fleetId, input.id)
  if (!row) throw NO_PROVIDER()
  if (addressOf(row) !== addressOf(input))
    throw new AppError('unacceptable', 'The address is another: enter the secret again.', 'secret')
  return opened(row).secret
}
