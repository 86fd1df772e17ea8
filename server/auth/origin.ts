import { env } from '../env.ts'

/**
 * Why a request that changes something is refused as another site's doing; null if it is ours. Browsers send Origin with every
 * POST; a form can't send JSON; and what carries no cookie acts for nobody.
 */
export function foreignReason(headers: {
  origin?: string | null
  host?: string | null
  cookie?: string | null
  contentType?: string | null
}): string | null {
  const { origin, host, cookie, contentType } = headers
  if (!/^application\/json *(;|$)/i.test(contentType ?? '')) return 'Send application/json.'
  if (!origin) return cookie ? 'Send the Origin header.' : null
  return isOwn(origin, host ?? '') ? null : 'Another site sent this.'
}

/** Is this the console's own origin? Where PUBLIC_URL is not set, the address that the browser used is. */
export function isOwn(origin: string, host: string): boolean {
  const { publicUrl, PUBLIC_URL } = env()
  if (origin === new URL(publicUrl).origin) return true
  return PUBLIC_URL === undefined && URL.canParse(origin) && new URL(origin).host === host
}

/** Where a request came from, as the front door says; what a caller claims there is overwritten (server/main.ts). */
export const addressOf = (headers: Headers) => headers.get('x-restline-address') ?? 'unknown'
