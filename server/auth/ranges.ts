import { BlockList, isIP } from 'node:net'

/** CIDR ranges as a list to ask; one that can't be read lets nobody in. */
export function rangesOf(cidrs: readonly string[]): BlockList {
  const list = new BlockList()
  for (const cidr of cidrs) {
    const [, address = '', prefix] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(cidr) ?? []
    const kind = isIP(address)
    if (kind === 0) continue
    const whole = kind === 4 ? 32 : 128
    const bits = prefix === undefined ? whole : Number(prefix)
    if (bits <= whole) list.addSubnet(address, bits, kind === 4 ? 'ipv4' : 'ipv6')
  }
  return list
}

/** Whether an address of a connection is in the ranges; IPv4 inside IPv6 is IPv4. */
export function isWithin(ranges: BlockList, address: string): boolean {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '')
  const kind = isIP(plain)
  return kind !== 0 && ranges.check(plain, kind === 4 ? 'ipv4' : 'ipv6')
}
