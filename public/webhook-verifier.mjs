// Is it from Restline, unchanged, new? A receiver's check of a webhook delivery: RFC 9421 with hmac-sha256, RFC 9530 digest.
// Copy this file; it needs Node.js 20 or later and nothing else.
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

const COVERED = ['@method', '@target-uri', 'content-type', 'content-digest', 'webhook-id']
const TAG = 'restline-webhook-v1'

/**
 * @param {{ method: string, url: string, headers: Record<string, string | string[] | undefined>, body: Uint8Array }} request
 *   `url` is the whole address as it was entered in Restline, never what the Host header says; `headers` in lower case as
 *   node:http gives them; `body` the bytes as they came
 * @param {{ secrets: string[], isNew: (id: string) => boolean | Promise<boolean>, now?: number, toleranceMs?: number }} options
 *   `secrets`: the present one, and the one before while it is changed. `isNew` keeps the id and says whether it was not there
 *   yet: an insert into a table with a unique key. Answer a delivery that is not new with 200 and do nothing.
 * @returns {Promise<{ ok: true, id: string } | { ok: false, reason: 'unsigned' | 'changed' | 'old' | 'replayed' }>}
 */
export async function verifyDelivery(request, { secrets, isNew, now = Date.now(), toleranceMs = 300_000 }) {
  const header = (name) => {
    const value = request.headers[name]
    return typeof value === 'string' ? value : undefined
  }
  const [inputs, signatures, digest, id] = [
    'signature-input',
    'signature',
    'content-digest',
    'webhook-id',
  ].map(header)
  if (!inputs || !signatures || !digest || !id) return { ok: false, reason: 'unsigned' }
  const hash = createHash('sha256').update(request.body).digest('base64')
  if (digest !== `sha-256=:${hash}:`) return { ok: false, reason: 'changed' }
  for (const [, label, params, covered, rest] of inputs.matchAll(/([a-z][a-z0-9]*)=(\(([^)]*)\)([^,]*))/g)) {
    if (covered !== COVERED.map((name) => `"${name}"`).join(' ') || !rest.includes(`;tag="${TAG}"`)) continue
    const signature = new RegExp(`(?:^|[ ,])${label}=:([A-Za-z0-9+/=]+):`).exec(signatures)?.[1]
    const created = /;created=(\d{1,12})(?:;|$)/.exec(rest)?.[1]
    if (!signature || !created) continue
    const values = {
      '@method': request.method,
      '@target-uri': request.url,
      'content-type': header('content-type') ?? '',
      'content-digest': digest,
      'webhook-id': id,
    }
    const base = [
      ...COVERED.map((name) => `"${name}": ${values[name]}`),
      `"@signature-params": ${params}`,
    ].join('\n')
    if (!secrets.some((secret) => isMade(secret, base, signature))) continue
    if (Math.abs(now - Number(created) * 1000) > toleranceMs) return { ok: false, reason: 'old' }
    return (await isNew(id)) ? { ok: true, id } : { ok: false, reason: 'replayed' }
  }
  return { ok: false, reason: 'changed' }
}

function isMade(secret, base, signature) {
  const [made, claimed] = [createHmac('sha256', secret).update(base).digest(), Buffer.from(signature, 'base64')]
  return made.length === claimed.length && timingSafeEqual(made, claimed)
}
