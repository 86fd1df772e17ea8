import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import { recordAudit } from '../audit/record.ts'
import { db, withTransaction } from '../db/pool.ts'
import { env } from '../env.ts'
import { AppError } from '../errors.ts'
import { faultOf, log } from '../log.ts'
import { name } from '../text-schema.ts'
import type { Instant } from '../time/instant.ts'
import { countAttempt, noteOnce, succeeded } from './attempts.ts'
import { personActor, sourceOf, strangerActor } from './deeds.ts'
import { askDirectory, type ProvenPerson } from './directory.ts'
import { connect, enter } from './enter.ts'
import { acceptInvitation, readInvitation } from './invitations.ts'
import { NewPassword } from './members-schema.ts'
import { beginOpenId, type Flow, finishOpenId, REFUSED } from './openid.ts'
import { addressOf, foreignReason } from './origin.ts'
import type { Person } from './principal.ts'
import { problem, refusal } from './problem.ts'
import { callbackOf, getProvider, offerOf, type Provider } from './providers.ts'
import { completeReset, requestReset } from './reset.ts'
import { seal, unseal } from './seal.ts'
import { cookieOf, openSession, personOf, setCookie } from './session.ts'

const FLOW = 'sign_in_flow'
const FLOW_GOOD_FOR_MS = 10 * 60_000
const RESET_TAKES_MS = 250

/** Only a path of our own: a link must not lead a person who just signed in elsewhere. */
export const pathOf = (next: unknown): string =>
  typeof next === 'string' && /^\/(?![/\\])[^\\\s]*$/.test(next) ? next : '/'

/** The ways in that the sign-in page offers, before anybody is known: names only. */
export const offerFor = (slug: string | null) => offerOf(db(), slug)

const ByProvider = {
  fleet: z.string().max(100),
  provider: z.number().int().positive(),
  connect: z.boolean().default(false),
}
const Directory = z.strictObject({
  ...ByProvider,
  user: z.string().max(200),
  password: z.string().max(1_000),
})
const Begin = z.strictObject({ ...ByProvider, next: z.string().max(2_000).default('/') })
const Reset = z.strictObject({ email: z.string().max(200) })
const Complete = z.strictObject({ secret: z.string().max(100), password: NewPassword })
const Read = z.strictObject({ token: z.string().max(100) })
const Join = z.strictObject({
  token: z.string().max(100),
  name: name(100, 'Your name').optional(),
  password: NewPassword.optional(),
})

type Answer = { cookie?: string; body?: unknown }
type Handler = (body: unknown, request: Request, now: Instant) => Promise<Answer>

const HANDLERS: Record<string, Handler> = {
  directory: (body, request, now) => byDirectory(parse(Directory, body), request, now),
  begin: (body, request, now) => begin(parse(Begin, body), request, now),
  reset: async (body, request, now) => {
    const { email } = parse(Reset, body)
    await countAttempt(db(), { account: `reset ${email}`, address: addressOf(request.headers) }, now)
    // Only who has an account makes work: the answer comes when a time is over that is longer than that.
    await Promise.all([requestReset(db(), email, sourceOf(request.headers), now), pause(RESET_TAKES_MS)])
    return {}
  },
  'reset/complete': async (body, request, now) => {
    const input = parse(Complete, body)
    await countAttempt(
      db(),
      { account: `reset link ${input.secret}`, address: addressOf(request.headers) },
      now,
    )
    await completeReset(db(), input, sourceOf(request.headers), now)
    return {}
  },
  invitation: async (body, request, now) => {
    const { token } = parse(Read, body)
    await countAttempt(db(), { account: `invitation ${token}`, address: addressOf(request.headers) }, now)
    return { body: await withTransaction(db(), (tx) => readInvitation(tx, token, now)) }
  },
  join: async (body, request, now) => {
    const input = parse(Join, body)
    await countAttempt(
      db(),
      { account: `invitation ${input.token}`, address: addressOf(request.headers) },
      now,
    )
    const { headers } = request
    const signedIn = await personOf(headers, now)
    const { userId, fleetId: chosenFleetId } = await acceptInvitation(
      db(),
      input,
      { signedIn, source: sourceOf(headers) },
      now,
    )
    const session = { userId, fleetId: null, chosenFleetId, headers }
    return { cookie: await openSession(db(), session, now), body: { fleetId: chosenFleetId } }
  },
}

/** What answers a POST below `/api/sign-in/`. */
export const SIGN_IN_PATHS = Object.keys(HANDLERS)

/** The door of everything about signing in that is not a local account's own, `/api/sign-in/…`. */
export async function answerSignIn(request: Request, now: Instant): Promise<Response> {
  const url = new URL(request.url)
  const path = url.pathname.replace(/^\/api\/sign-in\//, '')
  try {
    if (request.method === 'GET' && path.startsWith('callback/'))
      return await callback(request, url, path.slice('callback/'.length), now)
    const handler = Object.hasOwn(HANDLERS, path) ? HANDLERS[path] : undefined
    if (!handler) return problem(404, 'not-found', 'There is nothing at this address.')
    if (request.method !== 'POST') return problem(405, 'malformed', 'POST only.')
    const { headers } = request
    const foreign = foreignReason({
      origin: headers.get('origin'),
      host: headers.get('host'),
      cookie: headers.get('cookie'),
      contentType: headers.get('content-type'),
    })
    if (foreign) return problem(403, 'forbidden', foreign)
    const { cookie, body } = await handler(await request.json().catch(() => undefined), request, now)
    return Response.json(body ?? {}, {
      headers: { 'cache-control': 'no-store', ...(cookie && { 'set-cookie': cookie }) },
    })
  } catch (error) {
    return refusal(error)
  }
}

function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body)
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw new AppError('malformed', issue!.message, issue!.path.join('.'))
}

async function providerOf(fleet: string, id: number): Promise<Provider> {
  const { rows } = await db().query<{ id: number }>('select id from fleets where slug = $1', [fleet])
  return await getProvider(db(), rows[0]?.id ?? 0, id)
}

/** The person who connects a provider to their own account rather than signs in; null for a sign-in. */
async function connecting(
  connects: boolean,
  provider: Provider,
  request: Request,
  now: Instant,
): Promise<Person | null> {
  if (!connects) return null
  const person = await personOf(request.headers, now)
  if (!person?.local || person.fleetId !== provider.fleetId)
    throw new AppError('forbidden', 'Sign in with your own account first.')
  return person
}

async function byDirectory(
  input: z.infer<typeof Directory>,
  request: Request,
  now: Instant,
): Promise<Answer> {
  const provider = await providerOf(input.fleet, input.provider)
  if (provider.kind !== 'ldap') throw new AppError('not-found', 'There is no such directory.', 'provider')
  const person = await connecting(input.connect, provider, request, now)
  const attempt = {
    account: `${provider.fleetId} ${provider.id} ${input.user.trim()}`,
    address: addressOf(request.headers),
  }
  await countAttempt(db(), attempt, now).catch(async (error: unknown) => {
    if (await noteOnce(db(), `too often ${attempt.account}`, 60_000, now))
      await recordRefusal(provider, input.user, error, request.headers, now)
    throw error
  })
  try {
    const proven = await askDirectory(provider.settings, provider.secret, input)
    await succeeded(db(), attempt)
    return await letIn(provider, proven, person, request.headers, now)
  } catch (error) {
    await recordRefusal(provider, input.user, error, request.headers, now)
    // A directory that is away is nobody's failed attempt.
    if (error instanceof AppError && error.code === 'busy') await succeeded(db(), attempt)
    throw error
  }
}

/** A session for the fleet that vouches, or a connection to the account of who is signed in. */
async function letIn(
  provider: Provider,
  proven: ProvenPerson,
  person: Person | null,
  headers: Headers,
  now: Instant,
): Promise<Answer> {
  return await withTransaction(db(), async (tx) => {
    if (person) {
      await connect(tx, provider, proven, person.userId)
      await recordAudit(tx, {
        fleetId: provider.fleetId,
        actor: personActor(person.userId, person.name),
        action: 'sign-in-provider.connected',
        object: { kind: 'sign-in-provider', id: provider.id },
        after: { by: provider.name, as: proven.name },
        source: sourceOf(headers),
        at: now,
      })
      return {}
    }
    const userId = await enter(tx, provider, proven, { source: sourceOf(headers), at: now })
    const cookie = await openSession(tx, { userId, fleetId: provider.fleetId, headers }, now)
    await recordAudit(tx, {
      fleetId: provider.fleetId,
      actor: personActor(userId, proven.name),
      action: 'session.opened',
      object: { kind: 'sign-in-provider', id: provider.id },
      after: { by: provider.name },
      source: sourceOf(headers),
      at: now,
    })
    return { cookie }
  })
}

/** A stranger is told little; the fleet's audit log keeps who was tried, and why they were not let in. */
async function recordRefusal(
  provider: Provider,
  name: string,
  error: unknown,
  headers: Headers,
  now: Instant,
) {
  if (!(error instanceof AppError)) return
  await withTransaction(db(), (tx) =>
    recordAudit(tx, {
      fleetId: provider.fleetId,
      actor: strangerActor(name),
      action: 'session.refused',
      object: { kind: 'sign-in-provider', id: provider.id },
      after: { by: provider.name, code: error.code, reason: trueReasonOf(error) },
      source: sourceOf(headers),
      at: now,
    }),
  )
}

/** What lies behind a refusal, where the provider said it. */
const trueReasonOf = (error: AppError) => (error.cause instanceof Error ? error.cause.message : error.message)

async function begin(input: z.infer<typeof Begin>, request: Request, now: Instant): Promise<Answer> {
  const provider = await providerOf(input.fleet, input.provider)
  if (provider.kind !== 'oidc') throw new AppError('not-found', 'There is no such provider.', 'provider')
  const person = await connecting(input.connect, provider, request, now)
  const { fleetId, id: providerId } = provider
  const { url, ...secrets } = await beginOpenId(
    provider.settings,
    provider.secret,
    callbackOf(fleetId, providerId),
    now,
  )
  const flow: Flow = {
    fleetId,
    providerId,
    ...secrets,
    next: pathOf(input.next),
    linkTo: person?.userId ?? null,
    startedAt: now,
  }
  const sealed = seal(JSON.stringify(flow), FLOW).toString('base64url')
  return { cookie: setCookie(FLOW, sealed, FLOW_GOOD_FOR_MS / 1_000), body: { url } }
}

/** The provider whose callback this is; null if it is none's. */
async function providerOfKey(key: string): Promise<Provider | null> {
  const [fleetId, id] = key.split('-').map((part) => Number.parseInt(part, 36))
  if (!Number.isSafeInteger(fleetId) || !Number.isSafeInteger(id)) return null
  return await getProvider(db(), fleetId!, id!).catch((error: unknown) => {
    if (error instanceof AppError && error.code === 'not-found') return null
    throw error
  })
}

/** Refused, with the true reason behind it for the audit log. */
const because = (reason: string) => Object.assign(REFUSED(), { cause: new Error(reason) })

/** The flow that this browser began at this provider, not too long ago. @throws AppError unauthenticated */
function flowOf(headers: Headers, key: string, now: Instant): Flow {
  const sealed = cookieOf(headers, FLOW)
  if (!sealed) throw because('this browser began no sign-in, or it was over')
  let flow: Flow
  try {
    flow = JSON.parse(unseal(Buffer.from(sealed, 'base64url'), FLOW)) as Flow
  } catch {
    throw because('what the browser carried was not made here')
  }
  const expected = `${flow.fleetId.toString(36)}-${flow.providerId.toString(36)}`
  if (expected !== key) throw because('the sign-in began at another provider')
  if (now - flow.startedAt > FLOW_GOOD_FOR_MS) throw because('the sign-in began more than 10 minutes ago')
  return flow
}

/** What a provider sends the browser back with. Whatever became of it, the flow is over. */
async function callback(request: Request, url: URL, key: string, now: Instant): Promise<Response> {
  const headers = new Headers({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' })
  headers.append('set-cookie', setCookie(FLOW, '', 0))
  let to = '/login'
  // The answer is a link that anybody can follow as often as they like: what they try is counted like any sign-in.
  const attempt = {
    account: `callback ${url.searchParams.get('state') ?? ''}`,
    address: addressOf(request.headers),
  }
  let who = 'unknown'
  let provider: Provider | null = null
  try {
    await countAttempt(db(), attempt, now)
    provider = await providerOfKey(key)
    const flow = flowOf(request.headers, key, now)
    if (provider?.kind !== 'oidc') throw REFUSED()
    const back = new URL(callbackOf(flow.fleetId, flow.providerId))
    back.search = url.search
    const proven = await finishOpenId(provider.settings, provider.secret, back, flow, now)
    who = proven.name
    const person = flow.linkTo === null ? null : await connecting(true, provider, request, now)
    if (flow.linkTo !== null && person?.userId !== flow.linkTo) throw REFUSED()
    const { cookie } = await letIn(provider, proven, person, request.headers, now)
    if (cookie) headers.append('set-cookie', cookie)
    await succeeded(db(), attempt)
    to = flow.next
  } catch (error) {
    if (error instanceof AppError && error.code === 'busy') await succeeded(db(), attempt)
    if (provider) await recordRefusal(provider, who, error, request.headers, now)
    if (!(error instanceof AppError)) log.error('a sign-in broke', faultOf(error))
    const code = error instanceof AppError ? error.code : 'misconfigured'
    to = `/login?refused=${code}`
  }
  headers.set('location', new URL(to, env().publicUrl).href)
  return new Response(null, { status: 303, headers })
}
