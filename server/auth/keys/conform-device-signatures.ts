import { z } from 'zod'
import { Algorithm, differing, Headers, reading, type Verdict } from './conform-case.ts'
import { contentOf } from './content-digest.ts'
import { MemoryNonces } from './memory-nonces.ts'
import { checkRequest, type KnownKey, type NonceStore, type ProfileEnvironment } from './profile.ts'
import { keyIdOf, verifyingKeyOf } from './ssh-key.ts'
import { parseSshKeyLine } from './ssh-key-line.ts'

/** Seconds since 1970, as the cases have them. */
const Seconds = z.number().nonnegative()
const Surroundings = z.object({
  now: Seconds,
  publicOrigin: z.string().regex(/^https?:\/\/[^/?#]+$/, 'is not an origin'),
  enrolled: z.array(
    z.object({
      fleet: z.string(),
      publicKey: z.string(),
      fingerprint: z.string().optional(),
      algorithm: Algorithm.optional(),
      keyid: z.string().optional(),
      status: z.enum(['pending', 'active', 'revoked']),
      enrolledAt: Seconds.optional(),
      expiresAt: Seconds.nullish(),
    }),
  ),
})
const Requests = Surroundings.extend({
  cases: z.array(
    // A case may have surroundings of its own.
    Surroundings.partial().extend({
      id: z.string(),
      expect: z.string(),
      request: z.object({
        method: z.string(),
        path: z.string(),
        headers: Headers,
        body: z.string(),
      }),
      signatureBase: z.string().optional(),
    }),
  ),
})
type RequestCase = z.infer<typeof Requests>['cases'][number]
type EnrolledCase = z.infer<typeof Surroundings>['enrolled'][number]
type Environment = Pick<ProfileEnvironment<KnownKey>, 'publicOrigin' | 'now' | 'findKey'>

/**
 * Cases in the form of device-signature-cases.json, sent one after the other to the whole profile at the file's `now` (or the
 * case's own), with one nonce store; what is accepted is sent a second time and must be `replayed`.
 * @throws z.ZodError or Error naming the field
 */
export async function checkRequests(content: unknown): Promise<Verdict[]> {
  const file = Requests.parse(content)
  const environments = [file, ...file.cases].map((own, index) =>
    environmentOf({ ...file, ...own }, index > 0 && own.enrolled ? `cases.${index - 1}.` : ''),
  )
  const nonces = new MemoryNonces()
  const verdicts: Verdict[] = []
  for (const [index, one] of file.cases.entries()) {
    const send = () => sendCase(one, environments[index + 1]!, nonces)
    const first = await send()
    const faults: string[] = []
    if (first.code !== one.expect) faults.push(`expected ${one.expect}, came ${first.code}${first.why}`)
    else if (first.code === 'accept') {
      if (one.signatureBase !== undefined) {
        faults.push(...differing('signature base', one.signatureBase, first.base))
      }
      const second = await send()
      if (second.code !== 'replayed') faults.push(`sent again: expected replayed, came ${second.code}`)
    }
    verdicts.push({ id: one.id, faults })
  }
  return verdicts
}

function environmentOf(
  { now, publicOrigin, enrolled }: z.infer<typeof Surroundings>,
  field: string,
): Environment {
  const keys = new Map(enrolled.map((one, index) => enrol(one, `${field}enrolled.${index}`, now * 1000)))
  return {
    publicOrigin,
    now: now * 1000,
    findKey: (kind, keyId) => (kind === 'device' ? keys.get(keyId) : undefined),
  }
}

function enrol(one: EnrolledCase, field: string, now: number): [string, KnownKey] {
  const line = parseSshKeyLine(one.publicKey)
  if (!line.ok) throw new Error(`${field}.publicKey: ${line.reason}: ${line.detail}`)
  const { key } = line
  const keyId = keyIdOf(one.fleet, key.fingerprint)
  if (one.fingerprint !== undefined && one.fingerprint !== key.fingerprint) {
    throw new Error(`${field}.fingerprint: the key has ${key.fingerprint}`)
  }
  if (one.keyid !== undefined && one.keyid !== keyId) throw new Error(`${field}.keyid: the key has ${keyId}`)
  const verifying = reading(`${field}.algorithm`, () => verifyingKeyOf(key, one.algorithm))
  return [
    keyId,
    {
      ref: keyId,
      verifying,
      state: one.status,
      enrolledAt: one.enrolledAt === undefined ? now : one.enrolledAt * 1000,
      expiresAt: one.expiresAt == null ? null : one.expiresAt * 1000,
    },
  ]
}

async function sendCase(
  { request }: RequestCase,
  environment: Environment,
  nonces: NonceStore,
): Promise<{ code: string; why: string; base?: string }> {
  const { method, path, headers, body } = request
  const answer = await checkRequest(
    { method, target: path, headers, content: contentOf(Buffer.from(body, 'utf8')) },
    { ...environment, nonceKeys: [], nonces },
  )
  if (answer.ok) return { code: 'accept', why: '', base: answer.base.toString('latin1') }
  return { code: answer.code, why: ` (${answer.hidden ?? answer.detail})` }
}
