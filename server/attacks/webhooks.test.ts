import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { describe, test } from 'node:test'
import { verifyDelivery } from '../../public/webhook-verifier.mjs'
import { AppError } from '../errors.ts'
import { fromNameServers, type Lookup, Reach, readUrl } from '../reach.ts'
import { startNameServer } from '../webhooks/name-server.testing.ts'
import { startReceiver } from '../webhooks/receiver.testing.ts'
import { post } from '../webhooks/send.ts'
import { newWebhookSecret, signedHeaders } from '../webhooks/sign.ts'
import { call, signIn, startTarget } from './running.testing.ts'

const target = await startTarget()
const owner = await signIn(target, target.a)
await target.pool.query(`update fleet_members set role = 'owner' where fleet_id = $1`, [target.a.id])

const BODY = Buffer.from('{"id":"1"}')
const UNSIGNED = () => []
const names =
  (table: Record<string, string[]>): Lookup =>
  async (host) =>
    (table[host] ?? []).map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))

/** Addresses as an attacker writes them. */
const INWARD = [
  'https://127.0.0.1/',
  'https://[::1]/',
  'https://[::ffff:127.0.0.1]/',
  'https://[::ffff:7f00:1]/',
  'https://[64:ff9b::7f00:1]/',
  'https://[2002:7f00:1::]/',
  'https://[fe80::1]/',
  'https://[fd00::1]/',
  'https://[::]/',
  'https://0.0.0.0/',
  'https://0/',
  'https://169.254.169.254/latest/meta-data/',
  'https://10.1.2.3/',
  'https://172.16.0.1/',
  'https://192.168.1.1/',
  'https://100.64.0.1/',
  'https://224.0.0.1/',
  'https://255.255.255.255/',
  'https://2130706433/',
  'https://0x7f000001/',
  'https://0177.0.0.1/',
  'https://127.1/',
  'https://localhost/',
  'https://LOCALHOST./',
]
const MALFORMED = [
  'file:///etc/passwd',
  'gopher://example.com/',
  'ftp://example.com/',
  'javascript:alert(1)',
  'https://user@8.8.8.8/',
  'https://8.8.8.8:pass@127.0.0.1/',
  'https://8.8.8.8\\@127.0.0.1/',
  'http://8.8.8.8/',
  'https://8.8.8.8:22/',
  'https://8.8.8.8:25/',
  'https://[2606:4700::1111]:465/',
  'not an address',
]

describe('attack 15: a webhook that points inwards', () => {
  const save = (url: string) =>
    call(
      target,
      owner,
      { path: 'webhooks.save', type: 'mutation' },
      {
        name: 'TMS',
        url,
        kinds: ['limit-passed'],
        enabled: true,
      },
    )

  test('attack 15: refused when it is saved, with the field and the reason, and nothing is stored', async () => {
    for (const url of [...INWARD, ...MALFORMED]) {
      const { status, text } = await save(url)
      assert.equal(status, 422, `${url}: ${text}`)
      assert.match(text, /"field":"url"/, url)
    }
    const { rows } = await target.pool.query('select from webhook_endpoints')
    assert.equal(rows.length, 0)
    for (const url of ['https://8.8.8.8/', 'https://8.8.8.8:8443/'])
      assert.equal((await save(url)).status, 200, url)
  })

  test('attack 15: localhost and what is below it is loopback without asking anybody', async () => {
    for (const host of ['localhost', 'localhost.', 'LocalHost', 'tms.localhost'])
      await assert.rejects(
        new Reach([]).addressesOf(readUrl(`https://${host}/`)),
        /leads to 127\.0\.0\.1, which is not/,
        host,
      )
  })

  test('attack 15: refused when it is sent, whatever was stored', async () => {
    for (const url of [...INWARD, ...MALFORMED]) {
      const { status, problem } = await post(url, UNSIGNED, BODY, new Reach([]))
      assert.equal(status, null, url)
      assert.ok(problem, url)
    }
  })

  test('attack 15: a name is judged by every address that it has', async () => {
    const reach = new Reach(
      [],
      names({ 'a.example': ['8.8.8.8', '127.0.0.1'], 'b.example': ['::ffff:10.0.0.1'], 'c.example': [] }),
    )
    for (const host of ['a.example', 'b.example', 'c.example'])
      await assert.rejects(reach.addressesOf(readUrl(`https://${host}/`)), AppError, host)
  })

  test('attack 15: a name that changes between check and use leads where it was checked', async () => {
    const [checked, inside] = [await startReceiver(), await startReceiver()]
    // The first answer is allowed; whoever asks again is led inwards.
    let asked = 0
    const rebinding: Lookup = async () => [{ address: asked++ === 0 ? '127.0.0.1' : '127.0.0.2', family: 4 }]
    const url = `http://rebind.example:${checked.port}/`
    const { status } = await post(url, UNSIGNED, BODY, new Reach(['127.0.0.1'], rebinding))
    assert.deepEqual([status, asked, checked.received.length], [204, 1, 1])
    const second = await post(url, UNSIGNED, BODY, new Reach(['127.0.0.1'], rebinding))
    assert.equal(second.status, null)
    assert.match(second.problem!, /127\.0\.0\.2, which is not/)
    assert.equal(inside.received.length, 0)
  })

  test('attack 15: a real name server that leads inwards, then elsewhere, or never answers, moves nothing', async () => {
    const receiver = await startReceiver()
    const { servers, asked } = await startNameServer({
      'inward.test': ['127.0.0.1'],
      'metadata.test': ['169.254.169.254'],
      'rebind.test': ['127.0.0.1', '127.0.0.2'],
      'mute.test': [],
    })
    const lookup = fromNameServers(servers)
    for (const name of ['inward.test', 'metadata.test']) {
      const { status, problem } = await post(`https://${name}/`, UNSIGNED, BODY, new Reach([], lookup))
      assert.equal(status, null)
      assert.match(problem!, /which is not an address of the public Internet/)
    }
    // Asked once: what it says later leads nowhere.
    const url = `http://rebind.test:${receiver.port}/`
    assert.equal((await post(url, UNSIGNED, BODY, new Reach(['127.0.0.1'], lookup))).status, 204)
    assert.equal(asked.get('rebind.test'), 1)
    assert.match(
      (await post(url, UNSIGNED, BODY, new Reach(['127.0.0.1'], lookup))).problem!,
      /127\.0\.0\.2, which/,
    )
    assert.equal(receiver.received.length, 1)
    // Many that wait for a silent name server hold up none that asks a good one, and all of them end.
    const waiting = Array.from({ length: 16 }, () =>
      post('https://mute.test/', UNSIGNED, BODY, new Reach([], lookup)),
    )
    assert.equal((await post(receiver.url, UNSIGNED, BODY, new Reach(['127.0.0.1'], lookup))).status, 204)
    await assert.rejects(new Reach([], lookup).addressesOf(readUrl('https://inward.test/')), /127\.0\.0\.1/)
    for (const { status, problem } of await Promise.all(waiting)) {
      assert.equal(status, null)
      assert.match(problem!, /can’t be found|longer than 5 s/)
    }
  })

  test('attack 15: a redirect is not followed', async () => {
    const inside = await startReceiver()
    const outside = await startReceiver(() => ({ status: 307, headers: { location: inside.url } }))
    const { status, problem } = await post(outside.url, UNSIGNED, BODY, new Reach(['127.0.0.0/8']))
    assert.equal(status, 307)
    assert.match(problem!, /redirect/)
    assert.equal(inside.received.length, 0)
  })

  test('attack 15: an answer takes 5 s and 64 KiB at most', async () => {
    const reach = new Reach(['127.0.0.0/8'])
    const endless = await startReceiver(() => ({ status: 200, body: Buffer.alloc(65 * 1024) }))
    assert.match((await post(endless.url, UNSIGNED, BODY, reach)).problem!, /64 KiB/)
    const mute = await startReceiver(() => null)
    assert.match((await post(mute.url, UNSIGNED, BODY, reach)).problem!, /longer than 5 s/)
    const never: Lookup = () => new Promise(() => {})
    const lost = await post('https://never.example/', UNSIGNED, BODY, new Reach([], never))
    assert.match(lost.problem!, /longer than 5 s/)
  })

  test('attack 15: an answer that is no answer ends the delivery, and holds nothing', async () => {
    for (const [said, problem] of [
      ['HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n', /101/],
      ['HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(50), /longer than 5 s/],
      ['HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc', /without an answer/],
      ['SSH-2.0-OpenSSH_9.2\r\n', /HPE_/],
      [`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(70_000)}\r\n\r\n`, /HPE_HEADER_OVERFLOW/],
    ] as const) {
      const server = createServer((socket) => {
        socket.on('error', () => {})
        socket.once('data', () => (said.endsWith('abc') ? socket.end(said) : socket.write(said)))
      })
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
      const outcome = await post(url, UNSIGNED, BODY, new Reach(['127.0.0.0/8']))
      assert.equal(outcome.status, null)
      assert.match(outcome.problem!, problem)
      // It closes only when no connection is left open.
      await new Promise((resolve) => server.close(resolve))
    }
  })

  test('attack 15: a network of one’s own is reached only where the operator names it', async () => {
    const receiver = await startReceiver()
    assert.ok((await post(receiver.url, UNSIGNED, BODY, new Reach([]))).problem)
    assert.equal((await post(receiver.url, UNSIGNED, BODY, new Reach(['127.0.0.1/32']))).problem, null)
    assert.equal(receiver.received.length, 1)
  })
})

describe('attack 16: a forged delivery', () => {
  const [secret, before] = [newWebhookSecret(), newWebhookSecret()]
  const url = 'https://tms.example/hooks?fleet=1'
  const now = Date.UTC(2026, 10, 25, 12)
  const delivery = (secrets = [secret]) => ({
    method: 'POST',
    url,
    headers: Object.fromEntries(
      signedHeaders({ id: 7, endpointId: 3, url: new URL(url), body: BODY }, secrets, now).map(
        ([name, value]) => [name.toLowerCase(), value],
      ),
    ),
    body: BODY,
  })
  const once = () => {
    const seen = new Set<string>()
    return (id: string) => !seen.has(id) && Boolean(seen.add(id))
  }
  const check = (request: ReturnType<typeof delivery>, at = now, secrets = [secret]) =>
    verifyDelivery(request, { secrets, isNew: once(), now: at })

  test('attack 16: ours is accepted, by the secret of the endpoint alone', async () => {
    assert.deepEqual(await check(delivery()), { ok: true, id: '7' })
    assert.deepEqual(await check(delivery(), now, [newWebhookSecret()]), { ok: false, reason: 'changed' })
    assert.deepEqual(await check(delivery([secret, before]), now, [before]), { ok: true, id: '7' })
  })

  test('attack 16: a changed one is refused, whatever was changed', async () => {
    const sound = delivery()
    const other = { ...sound.headers, 'webhook-id': '8' }
    const later = sound.headers['signature-input']!.replace(/created=\d+/, `created=${now / 1000 + 60}`)
    for (const request of [
      { ...sound, body: Buffer.from('{"id":"2"}') },
      { ...sound, method: 'PUT' },
      { ...sound, url: 'https://evil.example/hooks?fleet=1' },
      { ...sound, headers: other },
      { ...sound, headers: { ...sound.headers, 'content-type': 'text/plain' } },
      { ...sound, headers: { ...sound.headers, 'signature-input': later } },
      {
        ...sound,
        headers: {
          ...sound.headers,
          'signature-input': sound.headers['signature-input']!.replace(' "content-digest"', ''),
        },
      },
      {
        ...sound,
        headers: { ...sound.headers, signature: sound.headers.signature!.replace(/:.{4}/, ':AAAA') },
      },
    ])
      assert.deepEqual(
        await check(request),
        { ok: false, reason: 'changed' },
        JSON.stringify(request.headers),
      )
    const { signature: _, ...unsigned } = sound.headers
    assert.deepEqual(await check({ ...sound, headers: unsigned }), { ok: false, reason: 'unsigned' })
  })

  test('attack 16: a secret is shown once and stands nowhere in the open: no later answer, log or row has it', async () => {
    const input = {
      name: 'Hidden',
      url: 'https://8.8.8.8/in?key=of-the-receiver',
      kinds: ['limit-60'],
      enabled: true,
    }
    const ask = async (path: string, type: string, about: object) => {
      const { status, text } = await call(target, owner, { path, type }, about)
      assert.equal(status, 200, `${path}: ${text}`)
      return text
    }
    const { id, secret: first } = JSON.parse(await ask('webhooks.save', 'mutation', input)).result.data
    assert.match(first, /^rlwh_[\w-]{43}$/)
    const second = JSON.parse(await ask('webhooks.rotateSecret', 'mutation', { id })).result.data.secret
    assert.notEqual(first, second)
    const changed = await ask('webhooks.save', 'mutation', { ...input, id, enabled: false })
    const later = [
      changed,
      await ask('webhooks.list', 'query', {}),
      await ask('webhooks.deliveries', 'query', { id }),
      await ask('audit.list', 'query', {}),
      fs.readFileSync(target.logFile, 'utf8'),
    ]
    const { rows } = await target.pool.query(
      'select encode(secret, $2) as secret, encode(previous_secret, $2) as previous, e::text as whole from webhook_endpoints e where id = $1',
      [id, 'escape'],
    )
    for (const text of [...later, JSON.stringify(rows)])
      for (const one of [first, second]) assert.ok(!text.includes(one), text.slice(0, 200))
    // The receiver's own key stands in its address: whoever manages webhooks sees it, the audit log does not keep it.
    const audit = await target.pool.query<{ action: string; text: string }>(
      `select action, concat(before, after) as text from audit_log where object_kind = 'webhook' and object_id = $1 order by sequence`,
      [String(id)],
    )
    assert.deepEqual(
      audit.rows.map(({ action }) => action),
      ['webhook.added', 'webhook.secret-changed', 'webhook.changed'],
    )
    for (const { text } of audit.rows) assert.ok(!text.includes('of-the-receiver'), text)
    assert.match(audit.rows[2]!.text, /"enabled": ?true.*"enabled": ?false/)
  })

  test('attack 16: an old one and one from the future are refused', async () => {
    for (const at of [now + 301_000, now - 301_000])
      assert.deepEqual(await check(delivery(), at), { ok: false, reason: 'old' })
    assert.equal((await check(delivery(), now + 299_000)).ok, true)
  })

  test('attack 16: one that was seen is refused', async () => {
    const isNew = once()
    const options = { secrets: [secret], isNew, now }
    assert.equal((await verifyDelivery(delivery(), options)).ok, true)
    assert.deepEqual(await verifyDelivery(delivery(), options), { ok: false, reason: 'replayed' })
  })
})
