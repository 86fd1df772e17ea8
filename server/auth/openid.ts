import * as oidc from 'openid-client'
import { AppError } from '../errors.ts'
import { log } from '../log.ts'
import { withoutUnseen } from '../text-schema.ts'
import type { ProvenPerson } from './directory.ts'
import type { OpenIdSettings, Step } from './provider-schema.ts'
import { signInFetch } from './sign-in-reach.ts'

const LIMIT_SECONDS = 3
/** What a provider publishes about itself is read again after this: keys and addresses move. */
const KNOWN_FOR_MS = 5 * 60_000

/** What a browser carries through a sign-in at a provider, sealed: nothing of it can be read or made by others. */
export interface Flow {
  fleetId: number
  providerId: number
  state: string
  nonce: string
  verifier: string
  /** A path of ours. */
  next: string
  /** Somebody signed in who connects the provider to their account, rather than signs in. */
  linkTo: string | null
  startedAt: number
}

const AWAY = () =>
  new AppError(
    'busy',
    'Your company’s sign-in can’t be reached. Try again in a moment; an owner can sign in with e-mail and password.',
  )
export const REFUSED = () =>
  new AppError('unauthenticated', 'This sign-in can’t be trusted and was refused. Start again.')

const known = new Map<string, { config: oidc.Configuration; readAt: number }>()

/**
 * What the provider says of itself (OpenID Connect Discovery), with the signatures of its ID tokens checked against its keys.
 * @throws AppError busy when it can't be reached
 */
async function discover(settings: OpenIdSettings, secret: string, now: number): Promise<oidc.Configuration> {
  const key = JSON.stringify([settings.issuer, settings.clientId, secret])
  const cached = known.get(key)
  if (cached && now - cached.readAt < KNOWN_FOR_MS) return cached.config
  const config = await oidc.discovery(
    new URL(settings.issuer),
    settings.clientId,
    { client_secret: secret },
    secret ? undefined : oidc.None(),
    {
      timeout: LIMIT_SECONDS,
      // Discovery, keys, tokens and userinfo alike: whatever address the provider names is looked at before it is asked.
      [oidc.customFetch]: signInFetch(LIMIT_SECONDS * 1_000),
      // Only a loopback issuer may be http (see OpenIdSettings).
      execute: settings.issuer.startsWith('http:')
        ? [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks]
        : [oidc.enableNonRepudiationChecks],
    },
  )
  if (known.size > 1_000) known.clear()
  known.set(key, { config, readAt: now })
  return config
}

/** Where to send the browser, and what it must bring back. */
export async function beginOpenId(
  settings: OpenIdSettings,
  secret: string,
  callbackUrl: string,
  now: number,
): Promise<{ url: string; state: string; nonce: string; verifier: string }> {
  const config = await discover(settings, secret, now).catch((error: unknown) => {
    log.warn('a provider is away', { issuer: settings.issuer, error: whyOf(error) })
    throw AWAY()
  })
  const [state, nonce, verifier] = [oidc.randomState(), oidc.randomNonce(), oidc.randomPKCECodeVerifier()]
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri: callbackUrl,
    scope: settings.scope,
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
  })
  return { url: url.href, state, nonce, verifier }
}

/**
 * Turns what came back into a person: state, the issuer's name in the answer (RFC 9207), PKCE, then the ID token's signature,
 * issuer, audience, expiry and nonce.
 * @throws AppError unauthenticated for whatever of it does not fit; busy when the provider can't be reached
 */
export async function finishOpenId(
  settings: OpenIdSettings,
  secret: string,
  callback: URL,
  flow: Flow,
  now: number,
): Promise<ProvenPerson> {
  try {
    const config = await discover(settings, secret, now)
    const tokens = await oidc.authorizationCodeGrant(config, callback, {
      expectedState: flow.state,
      expectedNonce: flow.nonce,
      pkceCodeVerifier: flow.verifier,
      idTokenExpected: true,
    })
    const claims = { ...tokens.claims() } as Record<string, unknown> & { sub: string }
    if (
      config.serverMetadata().userinfo_endpoint &&
      !(claims.email && claims.name && claims[settings.groupsClaim])
    ) {
      const more = await oidc.fetchUserInfo(config, tokens.access_token, claims.sub)
      for (const [name, value] of Object.entries(more)) claims[name] ??= value
    }
    return personOfClaims(claims, settings)
  } catch (error) {
    log.warn('a sign-in was refused', { issuer: settings.issuer, error: whyOf(error) })
    throw Object.assign(isAway(error) ? AWAY() : REFUSED(), { cause: new Error(whyOf(error)) })
  }
}

function personOfClaims(
  claims: Record<string, unknown> & { sub: string },
  { groupsClaim }: OpenIdSettings,
): ProvenPerson {
  const text = (value: unknown) => (typeof value === 'string' && withoutUnseen(value).slice(0, 200)) || null
  const groups = claims[groupsClaim]
  const email = text(claims.email)?.toLowerCase() ?? null
  return {
    subject: claims.sub,
    name: text(claims.name) ?? text(claims.preferred_username) ?? email ?? claims.sub,
    // An address that nobody checked is somebody's claim about another.
    email: claims.email_verified === true ? email : null,
    groups: (Array.isArray(groups) ? groups : [groups]).filter(
      (one): one is string => typeof one === 'string',
    ),
  }
}

/** What can be tested of a provider without anybody signing in. */
export async function tryOpenId(
  settings: OpenIdSettings,
  secret: string,
  tell: (step: Step) => void,
  now: number,
): Promise<void> {
  const step = async <T>(
    title: string,
    work: () => Promise<T> | T,
    say: (result: T) => string,
  ): Promise<T> => {
    const from = performance.now()
    const told = (ok: boolean, detail: string) =>
      tell({ title, ok, detail, ms: Math.round(performance.now() - from) })
    try {
      const result = await work()
      told(true, say(result))
      return result
    } catch (error) {
      told(false, whyOf(error))
      throw error
    }
  }
  known.delete(JSON.stringify([settings.issuer, settings.clientId, secret]))
  const config = await step(
    'Read what the provider publishes',
    () => discover(settings, secret, now),
    (found) => found.serverMetadata().issuer,
  )
  const metadata = config.serverMetadata()
  await step(
    'Read its signing keys',
    async () => {
      if (!metadata.jwks_uri) throw new Error('it names no keys (jwks_uri)')
      const answer = await signInFetch(LIMIT_SECONDS * 1_000)(metadata.jwks_uri)
      const { keys } = (await answer.json()) as { keys?: unknown[] }
      if (!keys?.length) throw new Error('it publishes no keys')
      return keys.length
    },
    (count) => `${count} ${count === 1 ? 'key' : 'keys'}`,
  )
  await step(
    'Look for PKCE',
    () => {
      if (metadata.code_challenge_methods_supported && !metadata.supportsPKCE('S256'))
        throw new Error('it does not do S256')
      return metadata.supportsPKCE('S256')
    },
    (said) => (said ? 'S256' : 'it does not say; S256 is sent'),
  )
  await step(
    'Show the client id and secret',
    () => tryClient(config),
    (detail) => detail,
  )
}

/** A code that can't be good: a provider that knows the client says `invalid_grant`, one that does not says `invalid_client`. */
async function tryClient(config: oidc.Configuration): Promise<string> {
  try {
    await oidc.genericGrantRequest(config, 'authorization_code', {
      code: 'a-code-to-try-the-client',
      redirect_uri: 'http://127.0.0.1/',
      code_verifier: oidc.randomPKCECodeVerifier(),
    })
  } catch (error) {
    if (
      error instanceof oidc.ResponseBodyError &&
      error.error !== 'invalid_client' &&
      error.error !== 'unauthorized_client'
    )
      return 'the provider knows this client'
    throw error
  }
  return 'the provider knows this client'
}

/** Could it not be asked, rather than that it said something wrong? */
function isAway(error: unknown): boolean {
  const { name, code, cause } = error as { name?: string; code?: string; cause?: unknown }
  if (error instanceof AppError) return true
  if (name === 'TimeoutError' || name === 'AbortError' || code === 'OAUTH_TIMEOUT') return true
  if (/^(ECONN|ETIMEDOUT|ENOTFOUND|EAI_|EHOST|ENET|UND_ERR_|CERT_|SELF_SIGNED|UNABLE_TO)/.test(code ?? ''))
    return true
  if (cause instanceof Response) return cause.status >= 500
  return cause instanceof Error ? isAway(cause) : false
}

/** The true reason, for the operator. */
function whyOf(error: unknown): string {
  if (error instanceof oidc.ResponseBodyError)
    return `${error.error}${error.error_description ? `: ${error.error_description}` : ''}`
  const { message, cause } = error as Error
  if (cause instanceof AggregateError && cause.errors[0]) return `${message}: ${cause.errors[0].message}`
  return (
    cause instanceof Error && cause.message && cause.message !== message
      ? `${message}: ${cause.message}`
      : message
  ).slice(0, 300)
}
