import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { clientAddress, rangesOf, readRanges } from './ranges.ts'

describe('CIDR ranges', () => {
  test('are read with commas or blanks, and one that is none is named', () => {
    assert.deepEqual(readRanges(' 10.0.0.0/8, 2001:db8::/32\n127.0.0.1 '), [
      '10.0.0.0/8',
      '2001:db8::/32',
      '127.0.0.1',
    ])
    assert.deepEqual(readRanges(''), [])
    for (const wrong of ['10.0.0.0/33', '10.0.0', 'proxy.example', '::1/129', '1', '10.0.0.0/-1']) {
      assert.throws(() => readRanges(`10.0.0.0/8,${wrong}`), { message: new RegExp(`“${wrong}”`) }, wrong)
    }
  })
})

describe('the address of whoever asks', () => {
  const proxies = rangesOf(['10.0.0.0/8', '::1'])
  const cases: [address: string, forwarded: string | undefined, who: string, what: string][] = [
    ['198.51.100.7', '203.0.113.9', '198.51.100.7', 'no proxy of ours'],
    ['10.0.0.1', '203.0.113.9', '203.0.113.9', 'a proxy of ours'],
    ['::ffff:10.0.0.1', '203.0.113.9', '203.0.113.9', 'IPv4 inside IPv6'],
    ['::1', '2001:db8::9', '2001:db8::9', 'IPv6'],
    ['10.0.0.1', '192.0.2.1, 203.0.113.9', '203.0.113.9', 'what the client wrote counts for nothing'],
    ['10.0.0.1', '203.0.113.9, 10.0.0.2', '203.0.113.9', 'two proxies of ours'],
    ['10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.1', 'nobody from outside'],
    ['10.0.0.1', 'localhost', '10.0.0.1', 'no address'],
    ['10.0.0.1', '', '10.0.0.1', 'nothing said'],
    ['10.0.0.1', undefined, '10.0.0.1', 'no header'],
  ]
  for (const [address, forwarded, who, what] of cases) {
    test(what, () => assert.equal(clientAddress(proxies, address, forwarded), who))
  }
})
