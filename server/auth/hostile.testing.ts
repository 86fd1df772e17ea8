import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

/** A provider that hands out whatever ID token the test makes. */
export class HostileProvider {
  readonly keys = generateKeyPairSync('rsa', { modulusLength: 2048 })
  issuer = ''
  nonce = ''
  make: (claims: Record<string, unknown>) => string = (claims) => this.signed(claims)
  readonly server = createServer((req, res) => this.#answer(req, res))

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve))
    this.issuer = `http://127.0.0.1:${(this.server.address() as { port: number }).port}`
  }

  signed(
    claims: object,
    key: KeyObject = this.keys.privateKey,
    header: object = { alg: 'RS256', kid: 'k' },
  ): string {
    const body = [header, claims]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.')
    return `${body}.${sign('sha256', Buffer.from(body), key).toString('base64url')}`
  }

  #answer(req: IncomingMessage, res: ServerResponse): void {
    const json = (body: object) =>
      res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    const { issuer } = this
    if (req.url?.startsWith('/.well-known'))
      return void json({
        issuer,
        authorization_endpoint: `${issuer}/auth`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/jwks`,
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['RS256', 'none', 'HS256'],
      })
    if (req.url === '/jwks')
      return void json({
        keys: [{ ...this.keys.publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'RS256', use: 'sig' }],
      })
    const now = Math.floor(Date.now() / 1_000)
    const claims = {
      iss: issuer,
      sub: 'u-ada',
      aud: 'restline',
      iat: now,
      exp: now + 300,
      nonce: this.nonce,
      groups: ['dispatch'],
    }
    json({ access_token: 'a', token_type: 'Bearer', id_token: this.make(claims) })
  }
}

/** ID tokens that must open nothing, each by what is wrong with it. */
export function badTokens(
  hostile: HostileProvider,
  clientSecret: string,
): Record<string, HostileProvider['make']> {
  const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  const unsigned = (header: object, claims: object) =>
    [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  return {
    'another audience': (claims) => hostile.signed({ ...claims, aud: 'someone-else' }),
    'another issuer': (claims) => hostile.signed({ ...claims, iss: 'https://evil.example' }),
    'an hour too old': (claims) => hostile.signed({ ...claims, exp: Number(claims.exp) - 3_600 }),
    'another nonce': (claims) => hostile.signed({ ...claims, nonce: 'of-another-sign-in' }),
    'no nonce': ({ nonce: _, ...claims }) => hostile.signed(claims),
    'no subject': ({ sub: _, ...claims }) => hostile.signed(claims),
    'a stranger’s signature': (claims) => hostile.signed(claims, stranger),
    'attack 6: alg none': (claims) => `${unsigned({ alg: 'none' }, claims)}.`,
    'attack 6: HS256 with the public key as the secret': (claims) => {
      const body = unsigned({ alg: 'HS256', kid: 'k' }, claims)
      const pem = hostile.keys.publicKey.export({ type: 'spki', format: 'pem' })
      return `${body}.${createHmac('sha256', pem).update(body).digest('base64url')}`
    },
    'attack 6: HS256 with the client’s secret': (claims) => {
      const body = unsigned({ alg: 'HS256' }, claims)
      return `${body}.${createHmac('sha256', clientSecret).update(body).digest('base64url')}`
    },
  }
}
