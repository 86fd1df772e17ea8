import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import {
  Client,
  EqualityFilter,
  InvalidCredentialsError,
  PresenceFilter,
  ResultCodeError,
  SizeLimitExceededError,
} from 'ldapts'
import { AppError } from '../errors.ts'
import { log } from '../log.ts'
import { pinnedTo } from '../outward.ts'
import type { Address } from '../reach.ts'
import { withoutUnseen } from '../text-schema.ts'
import type { DirectorySettings, Step } from './provider-schema.ts'
import { directoryAddresses } from './sign-in-reach.ts'

/**
 * So long a directory has to let the service account in, and as long again to say who somebody is; what is not done then is a
 * directory that is away. A limit for each operation alone let one that answers slowly keep somebody waiting for 18 s. One limit of
 * 3 s over all, with two connections and their TLS in it, would lock out for good whose directory is far away; and longer than six
 * seconds nobody believes that a page is still at it.
 */
const LIMIT_MS = 3_000
const MOST_GROUPS = 200

/** Somebody who proved to a directory or provider who they are. */
export interface ProvenPerson {
  /** The provider's own, lasting name for them. */
  subject: string
  name: string
  /** Lower case; null where there is none that the provider vouches for. */
  email: string | null
  groups: string[]
}

export const WRONG_PASSWORD = () =>
  new AppError('unauthenticated', 'This name and password don’t belong together.')
const AWAY = () =>
  new AppError(
    'busy',
    'Your company’s directory can’t be reached, so it can’t check the password. Try again in a moment; an owner can sign in with e-mail and password.',
  )

/**
 * Asks a directory (LDAP) whether the password is this person's: looks them up as the service account, binds as the entry that was
 * found, and reads their groups. Filters are objects, never text. `tell` hears each step and its true reason; the error that a
 * stranger gets says less.
 * @throws AppError unauthenticated for an unknown name, a wrong or an empty password alike
 * @throws AppError busy when the directory is down, slow, or refuses the service account: never "wrong password"
 */
export async function askDirectory(
  settings: DirectorySettings,
  servicePassword: string,
  { user, password }: { user: string; password: string },
  tell: (step: Step) => void = () => {},
): Promise<ProvenPerson> {
  // A bind without a password is anonymous and succeeds on many servers (RFC 4513, 5.1.2).
  if (!user || !password) throw WRONG_PASSWORD()
  return await withClient(settings, servicePassword, tell, async (client, step, open) => {
    const entry = await step('Find the person', () => findEntry(client, settings, user))
    await step('Check their password', () => checkPassword(settings, open(), entry?.dn, password))
    if (!entry) throw WRONG_PASSWORD()
    const groups = await step('Read their groups', () => groupsOf(client, settings, entry.dn))
    return { subject: entry.subject, name: entry.name, email: entry.email, groups }
  })
}

/** Connects and signs in as the service account only: what can be tested without anybody's password. */
export async function tryDirectory(
  settings: DirectorySettings,
  servicePassword: string,
  tell: (step: Step) => void,
): Promise<void> {
  await withClient(settings, servicePassword, tell, async (client, step) => {
    await step('Look for people', async () => {
      const { searchEntries } = await client
        .search(settings.baseDn, {
          filter: new PresenceFilter({ attribute: settings.userAttribute }),
          attributes: ['1.1'],
          sizeLimit: 1,
        })
        .catch((error: unknown) => {
          if (error instanceof SizeLimitExceededError) return { searchEntries: [{}] }
          throw error
        })
      if (searchEntries.length === 0)
        throw new Error(`nobody below ${settings.baseDn} has the attribute ${settings.userAttribute}`)
    })
  })
}

type Stepper = <T>(title: string, work: () => Promise<T>) => Promise<T>

async function withClient<T>(
  settings: DirectorySettings,
  servicePassword: string,
  tell: (step: Step) => void,
  /** `open` makes another client to the same addresses, under the same limit. */
  work: (client: Client, step: Stepper, open: () => Client) => Promise<T>,
): Promise<T> {
  let client: Client | undefined
  const limit = new AbortController()
  const timer = setTimeout(() => limit.abort(new Error(`not done within ${LIMIT_MS / 1_000} s`)), LIMIT_MS)
  // Not the end of the connections alone: looking up a name and a handshake of StartTLS know nothing of it.
  const over = new Promise<never>((_, reject) =>
    limit.signal.addEventListener('abort', () => reject(limit.signal.reason)),
  )
  const step: Stepper = async (title, doIt) => {
    const from = performance.now()
    const told = (ok: boolean, detail: string) =>
      tell({ title, ok, detail, ms: Math.round(performance.now() - from) })
    try {
      const result = await Promise.race([doIt(), over])
      told(true, detailOf(result))
      return result
    } catch (error) {
      told(false, reasonOf(error))
      throw error
    }
  }
  try {
    const addresses = await addressesOf(settings, tell, over)
    const open = () => createClient(settings, addresses, limit.signal)
    const opened = open()
    client = opened
    if (settings.startTls && !settings.url.startsWith('ldaps:'))
      await step('Connect and start TLS', () => opened.startTLS(tlsOf(settings)))
    await step('Sign in as the service account', () => opened.bind(settings.bindDn, servicePassword))
    timer.refresh()
    return await work(opened, step, open)
  } catch (error) {
    if (error instanceof AppError) throw error
    log.warn('a directory is away', { url: settings.url, error: reasonOf(error) })
    throw Object.assign(AWAY(), { cause: new Error(reasonOf(error)) })
  } finally {
    clearTimeout(timer)
    await client?.unbind().catch(() => undefined)
  }
}

/** Once for all connections of a sign-in: a name that changes in between leads nowhere. What is no business of ours counts as away. */
async function addressesOf(
  { url, startTls }: DirectorySettings,
  tell: (step: Step) => void,
  over: Promise<never>,
): Promise<Address[]> {
  const from = performance.now()
  try {
    return await Promise.race([directoryAddresses(url, startTls), over])
  } catch (error) {
    const detail = (error as Error).message
    tell({ title: 'Find the address', ok: false, detail, ms: Math.round(performance.now() - from) })
    throw new Error(detail)
  }
}

const tlsOf = ({ url, authorities }: DirectorySettings) => ({
  minVersion: 'TLSv1.2' as const,
  servername: new URL(url).hostname,
  ...(authorities && { ca: authorities }),
})

/** ldapts gives port and host, then options of its own. */
const hostOf = ([port, host]: unknown[]) => ({ port: Number(port), host: String(host) })

/** @param limit ends its connections */
function createClient(
  settings: DirectorySettings,
  addresses: readonly Address[],
  limit: AbortSignal,
): Client {
  const lookup = pinnedTo(addresses)
  // Without an error: ldapts does not listen for one in every state of a connection.
  const ended = <S extends Socket>(socket: S): S => {
    limit.addEventListener('abort', () => socket.destroy())
    return socket
  }
  return new Client({
    url: settings.url,
    timeout: LIMIT_MS,
    connectTimeout: LIMIT_MS,
    createConnection: (...to: unknown[]) => ended(connect({ ...hostOf(to), lookup })),
    // StartTLS hands over the connection that there is already; ldaps gives port and host.
    createSecureConnection: (...to: unknown[]) =>
      ended(
        connectTls(
          to[0] !== null && typeof to[0] === 'object' ? to[0] : { ...tlsOf(settings), ...hostOf(to), lookup },
        ),
      ),
    ...(settings.url.startsWith('ldaps:') && { tlsOptions: tlsOf(settings) }),
  })
}

/** The one entry of that name; null for none, and for more than one. */
async function findEntry(client: Client, settings: DirectorySettings, user: string) {
  const { idAttribute, nameAttribute, emailAttribute } = settings
  const { searchEntries } = await client
    .search(settings.baseDn, {
      scope: 'sub',
      filter: new EqualityFilter({ attribute: settings.userAttribute, value: user }),
      attributes: [idAttribute, nameAttribute, emailAttribute],
      // Active Directory's is sixteen bytes.
      explicitBufferAttributes: ['objectGUID'],
      sizeLimit: 2,
      timeLimit: LIMIT_MS / 1_000,
    })
    .catch((error: unknown) => {
      if (error instanceof SizeLimitExceededError) return { searchEntries: [] }
      throw error
    })
  const [entry] = searchEntries
  if (!entry || searchEntries.length !== 1) return null
  const id = first(entry[idAttribute])
  if (!id) throw new Error(`${entry.dn} has no attribute ${idAttribute}`)
  return {
    dn: entry.dn,
    subject: Buffer.isBuffer(id) ? id.toString('hex') : id,
    name: withoutUnseen(String(first(entry[nameAttribute]) ?? '')).slice(0, 200) || user,
    email: withoutUnseen(first(entry[emailAttribute])?.toString() ?? '').toLowerCase() || null,
  }
}

type Value = string | Buffer
const first = (value: Value | Value[] | undefined): Value | undefined =>
  Array.isArray(value) ? value[0] : value

/** Binds as the entry on a connection of its own; for nobody as one that is not there, so that it takes the same time. */
async function checkPassword(
  settings: DirectorySettings,
  client: Client,
  dn: string | undefined,
  password: string,
): Promise<void> {
  try {
    if (settings.startTls && !settings.url.startsWith('ldaps:')) await client.startTLS(tlsOf(settings))
    await client.bind(dn ?? `cn=nobody-${crypto.randomUUID()},${settings.baseDn}`, password)
  } catch (error) {
    // 49 wrong password, or locked, or expired; 53 and 19: the directory's policy. 51 and 52 say that it is busy or away.
    if (error instanceof InvalidCredentialsError) throw WRONG_PASSWORD()
    if (error instanceof ResultCodeError && ![51, 52].includes(error.code)) throw WRONG_PASSWORD()
    throw error
  } finally {
    await client.unbind().catch(() => undefined)
  }
}

/** The groups that have this entry as a member, by DN and by common name. */
async function groupsOf(client: Client, settings: DirectorySettings, dn: string): Promise<string[]> {
  if (settings.groups.length === 0) return []
  const { searchEntries } = await client.search(settings.groupBaseDn || settings.baseDn, {
    scope: 'sub',
    filter: new EqualityFilter({ attribute: settings.memberAttribute, value: dn }),
    attributes: ['cn'],
    sizeLimit: MOST_GROUPS,
    timeLimit: LIMIT_MS / 1_000,
  })
  return searchEntries.flatMap((entry) => [entry.dn, String(first(entry.cn) ?? '')]).filter(Boolean)
}

/** What an operator is told of a failed step; a stranger is not. */
export function reasonOf(error: unknown): string {
  if (error instanceof ResultCodeError)
    return `the directory answers ${error.code}: ${error.message}`.slice(0, 300)
  if (error instanceof AggregateError && error.errors[0]) return reasonOf(error.errors[0])
  const { message, cause } = error as Error
  return (cause instanceof Error && cause.message ? `${message}: ${cause.message}` : message).slice(0, 300)
}

function detailOf(result: unknown): string {
  if (result === null) return 'nobody, or more than one entry, has this name'
  if (Array.isArray(result)) return result.length ? result.join('; ').slice(0, 300) : 'none'
  return result && typeof result === 'object' && 'dn' in result ? String(result.dn) : ''
}
