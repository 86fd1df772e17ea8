import { BlockList, isIP } from 'node:net'

/** The CIDR ranges of a text, with commas or blanks between them. @throws RangeError naming the one that is none */
export function readRanges(text: string): string[] {
  const cidrs = text.split(/[\s,]+/).filter((cidr) => cidr !== '')
  for (const cidr of cidrs) {
    if (!subnetOf(cidr)) throw new RangeError(`“${cidr.slice(0, 60)}” is no CIDR range, like 10.0.0.0/8`)
  }
  return cidrs
}

/** CIDR ranges as a list to ask; one that can't be read lets nobody in. */
export function rangesOf(cidrs: readonly string[]): BlockList {
  const list = new BlockList()
  for (const cidr of cidrs) {
    const subnet = subnetOf(cidr)
    if (subnet) list.addSubnet(subnet.address, subnet.bits, subnet.kind)
  }
  return list
}

function subnetOf(cidr: string): { address: string; bits: number; kind: 'ipv4' | 'ipv6' } | undefined {
  const [, address = '', prefix] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(cidr) ?? []
  const kind = isIP(address)
  if (kind === 0) return undefined
  const whole = kind === 4 ? 32 : 128
  const bits = prefix === undefined ? whole : Number(prefix)
  return bits <= whole ? { address, bits, kind: kind === 4 ? 'ipv4' : 'ipv6' } : undefined
}

/** Whether an address of a connection is in the ranges; IPv4 inside IPv6 is IPv4. */
export function isWithin(ranges: BlockList, address: string): boolean {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '')
  const kind = isIP(plain)
  return kind !== 0 && ranges.check(plain, kind === 4 ? 'ipv4' : 'ipv6')
}

/**
 * Who really asks: the connection's address, or what proxies of ours say that it is.
 * @param forwarded the header X-Forwarded-For; of anybody who is no proxy of ours it counts for nothing
 */
export function clientAddress(
  proxies: BlockList,
  address: string,
  forwarded: string | string[] | undefined,
): string {
  if (forwarded === undefined || !isWithin(proxies, address)) return address
  // From the right: what is left of the last foreign address anybody could have written.
  for (const hop of String(forwarded).split(',').reverse()) {
    const named = hop.trim()
    if (isIP(named) === 0) return address
    if (!isWithin(proxies, named)) return named
  }
  return address
}
