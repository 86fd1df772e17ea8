import type { IncomingHttpHeaders } from 'node:http'

/** What every answer carries, whoever gives it. HSTS only where people come by https: on http it means nothing. */
export const securityHeaders = (publicUrl: string): Record<string, string> => ({
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'strict-origin-when-cross-origin',
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=(), payment=(), usb=()',
  ...(publicUrl.startsWith('https://')
    ? { 'strict-transport-security': 'max-age=31536000; includeSubDomains' }
    : {}),
})

/** The origins of these URLs that are not the console's own; a path alone is. */
export const originsElsewhere = (urls: readonly (string | undefined)[], publicUrl: string): string[] => [
  ...new Set(
    urls
      .flatMap((url) => (url ? [new URL(url.replaceAll(/[{}]/g, ''), publicUrl).origin] : []))
      .filter((origin) => origin !== new URL(publicUrl).origin),
  ),
]

/**
 * A page's policy: scripts run by this answer's nonce only, or loaded by such a one. Styles may stand in attributes, which React,
 * Leaflet and the menus write; without scripts they reach nothing.
 * @param nonce of this answer alone, base64
 * @param elsewhere origins that the map is fetched from
 * @param development Next's own development server evaluates text
 */
export const contentSecurityPolicy = (
  nonce: string,
  elsewhere: readonly string[],
  development = false,
): string =>
  [
    `default-src 'self'`,
    `script-src 'self' 'nonce-${nonce}' 'strict-dynamic'${development ? " 'unsafe-eval'" : ''}`,
    `style-src 'self' 'unsafe-inline'`,
    ['img-src', `'self'`, 'data:', 'blob:', ...elsewhere].join(' '),
    ['connect-src', `'self'`, ...elsewhere].join(' '),
    `font-src 'self' data:`,
    `worker-src 'self' blob:`,
    `object-src 'none'`,
    `base-uri 'none'`,
    `form-action 'self'`,
    `frame-ancestors 'none'`,
  ].join('; ')

/** Next believes these of whoever sends them: where it was called, what has been checked already, which method was meant. */
const CLAIMS =
  /^(x-middleware-|x-nextjs-|x-matched-path$|x-invoke-|x-now-|x-http-method|x-method-override$|x-restline-|x-forwarded-(host|proto|port|server)$|forwarded$|x-original-url$|x-rewrite-url$)/

/** Takes out what a caller claims and only the front door may say. */
export function dropClaims(headers: IncomingHttpHeaders): void {
  for (const name of Object.keys(headers)) if (CLAIMS.test(name)) delete headers[name]
}
