import { createServer, type Server } from 'node:http'
import Provider from 'oidc-provider'

/** Somebody whom the provider knows. */
export interface Subject {
  sub: string
  name: string
  email: string
  emailVerified: boolean
  groups: string[]
}

/** A real OpenID provider on loopback; who signs in there is what its development form is told. */
export class OpenIdServer {
  readonly issuer: string
  readonly #server: Server

  private constructor(issuer: string, server: Server) {
    this.issuer = issuer
    this.#server = server
  }

  static async start(
    people: readonly Subject[],
    client: { id: string; secret: string; callback: () => string[] },
  ): Promise<OpenIdServer> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const issuer = `http://127.0.0.1:${(server.address() as { port: number }).port}`
    const provider = new Provider(issuer, {
      clients: [
        {
          client_id: client.id,
          client_secret: client.secret,
          // Known when the fleet's provider has been saved.
          redirect_uris: ['http://127.0.0.1/later'],
          token_endpoint_auth_method: 'client_secret_post',
        },
      ],
      claims: { openid: ['sub'], profile: ['name', 'groups'], email: ['email', 'email_verified'] },
      pkce: { required: () => true },
      features: { devInteractions: { enabled: true } },
      findAccount: (_, sub) => {
        const known = people.find((one) => one.sub === sub)
        if (!known) return undefined
        const { emailVerified, ...rest } = known
        return { accountId: sub, claims: () => ({ ...rest, email_verified: emailVerified }) }
      },
      cookies: { keys: ['of-this-test'] },
    })
    const { Client } = provider
    const find = Client.find.bind(Client)
    Client.find = async (id) => {
      const found = await find(id)
      if (found) Object.assign(found, { redirectUris: client.callback() })
      return found
    }
    server.on('request', provider.callback())
    return new OpenIdServer(issuer, server)
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

/** What a person does in a browser at the provider: logs in as `sub`, agrees, and is sent back. @returns where to */
export async function signInAt(url: string, sub: string): Promise<string> {
  const cookies = new Map<string, string>()
  const { origin } = new URL(url)
  let next = url
  let body: URLSearchParams | undefined
  for (let hops = 0; hops < 12; hops++) {
    const answer: Response = await fetch(next, {
      method: body ? 'POST' : 'GET',
      body,
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
    })
    body = undefined
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!
      cookies.set(name!, value!)
    }
    const location = answer.headers.get('location')
    if (location) {
      next = new URL(location, next).href
      if (!next.startsWith(origin)) return next
      continue
    }
    const page = await answer.text()
    const action = /action="([^"]+)"/.exec(page)?.[1]
    const prompt = /name="prompt" value="([^"]+)"/.exec(page)?.[1]
    if (!action || !prompt) throw new Error(`the provider shows ${answer.status}: ${page.slice(0, 300)}`)
    next = new URL(action, next).href
    body = new URLSearchParams({ prompt, ...(prompt === 'login' && { login: sub, password: 'any' }) })
  }
  throw new Error('the provider sends in circles')
}
