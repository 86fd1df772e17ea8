import { Resolver } from 'node:dns/promises'
import { type BlockList, isIP } from 'node:net'
import { isWithin, rangesOf } from './auth/ranges.ts'
import { AppError } from './errors.ts'

/** What is not the public Internet (IANA's special-purpose registries, RFC 6890), and so is never ours to knock at. */
const NOT_PUBLIC = rangesOf([
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
  // Tunnels and documentation inside IPv6's public space: the first two carry an IPv4 address of anybody's choosing.
  '2002::/16',
  '2001::/23',
  '2001:db8::/32',
  '3fff::/20',
])
/** All of IPv6 that is given out to the public; whatever is outside (loopback, IPv4 in disguise, local) is refused. */
const IPV6_PUBLIC = rangesOf(['2000::/3'])

export interface Address {
  address: string
  family: 4 | 6
}

/** What goes over a connection. */
export interface Wire {
  encrypted: boolean
  /** Below 1024, and allowed all the same. */
  ports: readonly string[]
}

const wireOf = ({ protocol }: URL): Wire => ({ encrypted: protocol === 'https:', ports: [] })

/** All addresses of a name. */
export type Lookup = (host: string) => Promise<readonly { address: string; family: number }[]>

const NAME_SERVER_MS = 1_500

/**
 * Asks name servers, the machine's unless others are given, each time anew. Not by `getaddrinfo`, which holds one of the process's few
 * threads while it waits: a name whose server never answers would hold up everybody's.
 */
export const fromNameServers =
  (servers?: readonly string[]): Lookup =>
  async (host) => {
    // RFC 6761 section 6.3: these are loopback, and no name server is asked.
    if (/(^|\.)localhost\.?$/i.test(host)) return [{ address: '127.0.0.1', family: 4 }]
    const resolver = new Resolver({ timeout: NAME_SERVER_MS, tries: 2 })
    if (servers) resolver.setServers(servers)
    const [four, six] = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)])
    if (four.status === 'rejected' && six.status === 'rejected') throw four.reason
    const found = (answer: PromiseSettledResult<string[]>, family: 4 | 6) =>
      answer.status === 'fulfilled' ? answer.value.map((address) => ({ address, family })) : []
    return [...found(four, 4), ...found(six, 6)]
  }

/** Where the server may go when a fleet's settings say so: the public Internet, encrypted, and what the operator has named of its own network. */
export class Reach {
  readonly #own: BlockList
  readonly #lookup: Lookup

  /**
   * @param ownNetworks CIDR ranges that are allowed too, on any port and unencrypted as well
   * @param lookup asks the name servers, but for a test that plays one
   */
  constructor(ownNetworks: readonly string[], lookup: Lookup = fromNameServers()) {
    this.#own = rangesOf(ownNetworks)
    this.#lookup = lookup
  }

  /**
   * The addresses of a URL's host, each of which may be connected to. What is connected to must be one of these and not looked up
   * again: a name may lead elsewhere a moment later.
   * @throws AppError unacceptable, field `url`, in words that name the reason
   */
  async addressesOf(url: URL, { encrypted, ports }: Wire = wireOf(url)): Promise<Address[]> {
    const host = url.hostname.replace(/^\[|\]$/g, '')
    const found = isIP(host) ? [{ address: host, family: isIP(host) }] : await this.#find(host)
    for (const { address } of found) {
      if (isWithin(this.#own, address)) continue
      if (!isPublic(address))
        throw refused(`“${host}” leads to ${address}, which is not an address of the public Internet.`)
      if (!encrypted) throw refused('Over the Internet it needs https://.')
      if (!ports.includes(url.port) && isSystemPort(url.port))
        throw refused(
          `Port ${url.port} belongs to another service: over the Internet use 443, or one from 1024.`,
        )
    }
    return found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }))
  }

  async #find(host: string) {
    const found = await this.#lookup(host).catch((error: NodeJS.ErrnoException) => {
      throw refused(`The name “${host}” can’t be found (${error.code ?? error.message}).`)
    })
    if (found.length === 0) throw refused(`The name “${host}” has no address.`)
    return found
  }
}

const refused = (message: string) => new AppError('unacceptable', message, 'url')

/** RFC 6335 section 6: below 1024 live mail, remote shells and the like. `URL` leaves https's own 443 out. */
const isSystemPort = (port: string) => port !== '' && Number(port) < 1024

/** Is it an address that anybody on the Internet could reach? */
export function isPublic(address: string): boolean {
  if (isIP(address) === 6 && !isWithin(IPV6_PUBLIC, address)) return false
  return isIP(address) !== 0 && !isWithin(NOT_PUBLIC, address)
}

/**
 * A URL that deliveries may be sent to, as far as its text says.
 * @throws AppError unacceptable, field `url`: not a URL, another scheme, or a name and password in it
 */
export function readUrl(text: string): URL {
  // Programs read a backslash in different ways: the host would be another one for some of them.
  if (/[\\\s]/.test(text)) throw refused('A backslash or blank does not belong into a web address.')
  let url: URL
  try {
    url = new URL(text)
  } catch {
    throw refused('This is not a web address: https://… is wanted.')
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw refused(`“${url.protocol}//” is not possible: https://… is wanted.`)
  if (url.username || url.password)
    throw refused(
      'An address with a user name or password in it is refused: each delivery is signed instead.',
    )
  url.hash = ''
  return url
}
