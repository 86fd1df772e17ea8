import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { verifyDelivery } from '../../public/webhook-verifier.mjs'
import { AppError } from '../errors.ts'
import { type Lookup, Reach, readUrl } from '../webhooks/address.ts'
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
    assert.equal((await save('https://8.8.8.8/')).status, 200)
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
