import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, describe, test } from 'node:test'
import { directoryAddresses } from './auth/sign-in-reach.ts'
import { guardedFetch } from './outward.ts'
import { fromNameServers, Reach } from './reach.ts'
import { startNameServer } from './webhooks/name-server.testing.ts'

/** A server on an address of this machine, and how often it was asked. */
async function listening(host: string, answer: RequestListener, port = 0) {
  const heard = { count: 0, port: 0 }
  const server = createServer((req, res) => {
    heard.count++
    answer(req, res)
  })
  await new Promise<void>((resolve) => server.listen(port, host, resolve))
  after(() => {
    server.closeAllConnections()
    server.close()
  })
  heard.port = (server.address() as AddressInfo).port
  return heard
}

const names = await startNameServer({
  'inside.test': ['127.0.0.1'],
  'moves.test': ['127.0.0.1', '127.0.0.2'],
  'public.test': ['93.184.216.34'],
})
const lookup = fromNameServers(names.servers)
const nowhere = new Reach([], lookup)
const own = new Reach(['127.0.0.1/32'], lookup)
const ok: RequestListener = (_, res) => void res.end('{"keys":[]}')

describe('what a fleet’s settings make the server ask', () => {
  test('attack 15: a name that leads inwards is refused, and nobody is asked', async () => {
    const inside = await listening('127.0.0.1', ok)
    for (const host of [
      'inside.test',
      '127.0.0.1',
      'localhost',
      '2130706433',
      '0x7f.1',
      '[::ffff:127.0.0.1]',
    ])
      await assert.rejects(
        guardedFetch(nowhere, 5_000)(`https://${host}:${inside.port}/jwks`),
        /not an address of the public Internet/,
        host,
      )
    assert.equal(inside.count, 0)
    const response = await guardedFetch(own, 5_000)(`http://inside.test:${inside.port}/jwks`)
    assert.deepEqual([response.status, await response.json(), inside.count], [200, { keys: [] }, 1])
  })

  test('attack 15: a name is looked up once: what was judged is what is connected to', async () => {
    const first = await listening('127.0.0.1', ok)
    const second = await listening('127.0.0.2', ok, first.port)
    const url = `http://moves.test:${first.port}/`
    assert.equal((await guardedFetch(own, 5_000)(url)).status, 200)
    assert.equal(names.asked.get('moves.test'), 1)
    // Since then it leads elsewhere; it was good when it was saved, and is not when it is used.
    await assert.rejects(guardedFetch(own, 5_000)(url), /leads to 127\.0\.0\.2/)
    assert.deepEqual([first.count, second.count], [1, 0])
  })

  test('attack 15: a redirect is an answer and no way', async () => {
    const target = await listening('127.0.0.1', ok)
    const sends = await listening('127.0.0.1', (_, res) => {
      res.writeHead(302, { location: `http://127.0.0.1:${target.port}/` }).end()
    })
    const response = await guardedFetch(own, 5_000)(`http://inside.test:${sends.port}/`)
    assert.deepEqual([response.status, target.count], [302, 0])
  })

  test('attack 15: an answer has a size and a time', async () => {
    const long = await listening('127.0.0.1', (_, res) => void res.end(Buffer.alloc(70_000)))
    await assert.rejects(guardedFetch(own, 5_000)(`http://inside.test:${long.port}/`), (error: Error) => {
      assert.match((error.cause as Error).message, /more than 64 KiB/)
      return true
    })
    const silent = await listening('127.0.0.1', () => {})
    await assert.rejects(guardedFetch(own, 200)(`http://inside.test:${silent.port}/`), {
      name: 'TimeoutError',
    })
  })

  test('what is sent arrives: method, headers, a form', async () => {
    const got: unknown[] = []
    const form = await listening('127.0.0.1', async (req, res) => {
      let body = ''
      for await (const part of req) body += part
      got.push(req.method, req.headers['content-type'], req.headers.authorization, body)
      res.writeHead(204).end()
    })
    const response = await guardedFetch(own, 5_000)(`http://inside.test:${form.port}/token`, {
      method: 'POST',
      headers: { authorization: 'Basic x' },
      body: new URLSearchParams({ code: 'a b' }),
    })
    assert.equal(response.status, 204)
    assert.deepEqual(got, ['POST', 'application/x-www-form-urlencoded;charset=UTF-8', 'Basic x', 'code=a+b'])
  })
})

describe('where a directory may be', () => {
  const found = (url: string, startTls: boolean, reach: Reach) => directoryAddresses(url, startTls, reach)

  test('on the public Internet with TLS, at the ports of LDAP; inside only where the operator opens it', async () => {
    assert.deepEqual(await found('ldaps://public.test', false, nowhere), [
      { address: '93.184.216.34', family: 4 },
    ])
    assert.equal((await found('ldap://public.test:389', true, nowhere)).length, 1)
    await assert.rejects(found('ldap://public.test', false, nowhere), /needs/)
    await assert.rejects(found('ldaps://public.test:25', false, nowhere), /Port 25/)
    for (const host of ['inside.test', '10.1.2.3', '169.254.169.254', '[::1]'])
      await assert.rejects(found(`ldaps://${host}`, false, nowhere), /not an address of the public/, host)
    assert.equal((await found('ldap://inside.test:1389', false, own)).length, 1)
  })
})
