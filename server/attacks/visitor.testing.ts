import http from 'node:http'

export interface Heard {
  status: number
  headers: http.IncomingHttpHeaders
  text: string
}

let visitors = 0

/**
 * Somebody's browser as the server sees it: an address of its own on loopback, cookies that it keeps, and every header as the test wants
 * it.
 */
export class Visitor {
  readonly cookies = new Map<string, string>()
  readonly url: string
  readonly address: string

  constructor(url: string, address = `127.1.${++visitors >> 8}.${visitors & 255}`) {
    this.url = url
    this.address = address
  }

  get cookie(): string {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  /** The same cookies in another browser. */
  copied(url = this.url): Visitor {
    const copy = new Visitor(url)
    for (const [name, value] of this.cookies) copy.cookies.set(name, value)
    return copy
  }

  /** @param headers instead of those of a page of ours; an empty one is left out */
  async send(
    method: 'GET' | 'POST',
    path: string,
    { body, headers = {} }: { body?: string; headers?: Record<string, string> } = {},
  ): Promise<Heard> {
    const { hostname, port, origin } = new URL(this.url)
    const all: Record<string, string> = {
      cookie: this.cookie,
      ...(method === 'POST' && { origin, 'content-type': 'application/json' }),
      ...headers,
    }
    const heard = await new Promise<Heard>((resolve, reject) => {
      const request = http.request(
        {
          hostname,
          port,
          path,
          method,
          localAddress: this.address,
          agent: false,
          headers: Object.fromEntries(Object.entries(all).filter(([, value]) => value !== '')),
        },
        (answer) => {
          let text = ''
          answer.setEncoding('utf8').on('data', (part: string) => (text += part))
          answer.on('end', () => resolve({ status: answer.statusCode!, headers: answer.headers, text }))
        },
      )
      request.once('error', reject).end(body)
    })
    for (const line of heard.headers['set-cookie'] ?? []) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!
      if (!value || /max-age=0/i.test(line)) this.cookies.delete(name!)
      else this.cookies.set(name!, value)
    }
    return heard
  }

  get = (path: string, headers?: Record<string, string>) => this.send('GET', path, { headers })

  post = (path: string, body: unknown = {}, headers?: Record<string, string>) =>
    this.send('POST', path, { body: JSON.stringify(body), headers })

  signIn = (login: { email: string; password: string }) => this.post('/api/auth/sign-in/email', login)

  mutate = (procedure: string, input: unknown = {}) => this.post(`/api/trpc/${procedure}`, input)

  query(procedure: string, input?: unknown): Promise<Heard> {
    const asked = input === undefined ? '' : `?input=${encodeURIComponent(JSON.stringify(input))}`
    return this.get(`/api/trpc/${procedure}${asked}`)
  }

  /** Who the server takes this for; null for nobody. */
  async person(): Promise<{
    name: string
    email: string
    local: boolean
    sessions: { id: string; current: boolean }[]
  } | null> {
    const { status, text } = await this.query('account.view')
    if (status === 401) return null
    if (status !== 200) throw new Error(`account.view: ${status} ${text}`)
    return (JSON.parse(text) as { result: { data: Awaited<ReturnType<Visitor['person']>> } }).result.data
  }
}
