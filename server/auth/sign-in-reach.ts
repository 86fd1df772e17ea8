import { env } from '../env.ts'
import { AppError } from '../errors.ts'
import { type GuardedFetch, guardedFetch } from '../outward.ts'
import { Reach } from '../reach.ts'
import type { SaveProvider } from './provider-schema.ts'

/** Ports of LDAP and of Active Directory's global catalogue, plain (for StartTLS) and with TLS. */
const DIRECTORY_PORTS = ['', '389', '636', '3268', '3269']

let reach: Reach | undefined

/** Where directories, providers and issuers may be: the public Internet, and what SIGN_IN_NETWORKS opens. */
export const signInReach = (): Reach => {
  reach ??= new Reach(env().SIGN_IN_NETWORKS)
  return reach
}

/** A `fetch` that goes there alone. */
export const signInFetch = (withinMs: number): GuardedFetch => guardedFetch(signInReach(), withinMs)

/**
 * The addresses of a directory that may be connected to.
 * @throws AppError unacceptable, field `url`
 */
export const directoryAddresses = (url: string, startTls: boolean, within: Reach = signInReach()) => {
  const encrypted = startTls || url.startsWith('ldaps:')
  return within.addressesOf(new URL(url), { encrypted, ports: DIRECTORY_PORTS })
}

/**
 * Refuses a provider to which the server may not go. One that is switched off is never asked, and may stand as it is.
 * @throws AppError unacceptable, field `url` or `issuer`
 */
export async function checkReach({ enabled, kind, settings }: SaveProvider): Promise<void> {
  if (!enabled) return
  if (kind === 'ldap') {
    await directoryAddresses(settings.url, settings.startTls)
    return
  }
  try {
    await signInReach().addressesOf(new URL(settings.issuer))
  } catch (error) {
    throw error instanceof AppError ? new AppError(error.code, error.message, 'issuer') : error
  }
}
