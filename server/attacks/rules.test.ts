import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs'
import http from 'node:http'
import { describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { DeviceClient, ownSigner } from '../agent/client.ts'
import { MOST_KEYS } from '../auth/device-keys/schema.ts'
import { SIGN_IN_PATHS } from '../auth/door.ts'
import { LOCAL_PATHS } from '../auth/local.ts'
import { enrolPerson } from '../auth/people.ts'
import { nextCode, secretOf, totp } from '../auth/totp.testing.ts'
import { until } from '../ingest/doors.testing.ts'
import { exported, makeExports } from './exports.testing.ts'
import { call, signIn, startTarget } from './running.testing.ts'
import { procedures } from './sample.testing.ts'
import { Visitor } from './visitor.testing.ts'

/** With the limits that a server has of its own. */
const target = await startTarget()
const { pool, a } = target
const [device, second] = a.devices as [(typeof a.devices)[0], (typeof a.devices)[0]]
const unlimited = await target.another({ DEVICE_REQUESTS_PER_SECOND: '0', DEVICE_FAILURES_PER_MINUTE: '0' })
const MIB = 1 << 20
const PASSWORD = 'a-few-good-words'

let beats = 0
const beat = (name = device.name, more: object = {}) => ({
  device: name,
  fixTime: Date.now() - 7_200_000 + ++beats * 100,
  latitude: 41.5,
  longitude: -93.6,
  ...more,
})

async function send(
  body: string | Uint8Array<ArrayBuffer>,
  { url = unlimited, token = device.token, headers = {} as Record<string, string> } = {},
) {
  const answer = await fetch(`${url}/v1/heartbeats`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
    body,
  })
  return { status: answer.status, text: await answer.text() }
}

/** A report of exactly so many bytes: blanks behind it are JSON too. */
const padded = (bytes: number) => Buffer.from(JSON.stringify(beat()).padEnd(bytes, ' '))
const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`

describe('limits, on both sides of each', () => {
  test('a body of 1 MiB is taken, one byte more is 413', async () => {
    assert.equal((await send(padded(MIB))).status, 200)
    assert.equal((await send(padded(MIB + 1))).status, 413)
  })

  test('8 MiB inflated are taken, one byte more is 413', async () => {
    // Of noise between blanks, so that it stays under a hundredfold.
    const noise = (bytes: number) => {
      const text = JSON.stringify(
        Array.from({ length: 1_000 }, () =>
          beat(device.name, { attributes: { n: randomBytes(90).toString('hex') } }),
        ),
      )
      return gzipSync(Buffer.from(text.padEnd(bytes, ' ')))
    }
    const headers = { 'content-encoding': 'gzip' }
    const [most, more] = [noise(8 * MIB), noise(8 * MIB + 1)]
    assert.ok(most.length < MIB && 8 * MIB < most.length * 100, `${most.length} bytes`)
    assert.equal((await send(most, { headers })).status, 200)
    assert.equal((await send(more, { headers })).status, 413)
  })

  test('1,000 points are taken, 1,001 are refused', async () => {
    const points = (count: number) => JSON.stringify(Array.from({ length: count }, () => beat()))
    const taken = await send(points(1_000))
    assert.deepEqual([taken.status, JSON.parse(taken.text).stored], [200, 1_000])
    assert.equal((await send(points(1_001))).status, 413)
  })

  test('JSON 20 deep is taken, 21 deep is refused with its field', async () => {
    const with20 = JSON.stringify(beat()).replace(/}$/, `,"attributes":${nested(19)}}`)
    assert.equal((await send(with20)).status, 200)
    const refused = await send(JSON.stringify(beat()).replace(/}$/, `,"attributes":${nested(20)}}`))
    assert.equal(refused.status, 422)
    assert.match(refused.text, /attributes.*20 deep/)
  })

  test('a header block under 8 KiB is read, one over it is 431 with what to do', async () => {
    const ask = (bytes: number) =>
      new Promise<{ status: number; text: string; type: string }>((resolve, reject) => {
        const { port } = new URL(unlimited)
        const request = http.request(
          { port, path: '/healthz', headers: { 'x-much': 'x'.repeat(bytes) }, agent: false },
          (answer) => {
            let text = ''
            answer.setEncoding('utf8').on('data', (part: string) => (text += part))
            answer.on('end', () =>
              resolve({ status: answer.statusCode!, text, type: String(answer.headers['content-type']) }),
            )
          },
        )
        request.once('error', reject).end()
      })
    assert.equal((await ask(7_900)).status, 200)
    const refused = await ask(8_300)
    assert.deepEqual([refused.status, refused.type], [431, 'application/problem+json'])
    assert.equal(JSON.parse(refused.text).code, 'headers-too-large')
  })

  test('a page of what grows is 1,000 rows at most, whatever is asked for', async () => {
    const visitor = new Visitor(unlimited)
    await visitor.signIn(a.login)
    assert.ok(MOST_KEYS <= 1_000)
    const paged = procedures.filter(({ schema }) => schema?.properties && 'limit' in schema.properties)
    assert.ok(paged.some(({ path }) => path === 'audit.list'))
    for (const { path } of paged) {
      const answer = await visitor.query(path, { limit: 1_001 })
      assert.equal(answer.status, 400, path)
      assert.match(answer.text, /"field":"limit"/)
    }
  })

  test('a file that takes long holds up nobody: others are answered while it is made', async () => {
    // Past the trigger that chains them: it is for one deed at a time, and here it is their number that counts.
    await pool.query(
      `do $$ begin set local session_replication_role = replica;
       insert into audit_log (fleet_id, sequence, at, actor_kind, actor_id, actor_name, action, object_kind, object_id, previous_hash, hash)
       select ${a.id}, 1000000 + n, now(), 'system', 'restline', 'Restline', 'test.done', 'test', n, '', '' from generate_series(1, 40000) n; end $$`,
    )
    const cookie = await signIn(target, a)
    const asked = performance.now()
    const ask = { path: 'exports.ask', type: 'mutation' }
    const { text } = await call(target, cookie, ask, { report: { kind: 'audit' } })
    const answeredIn = performance.now() - asked
    const { id, state } = JSON.parse(text).result.data as { id: number; state: string }
    assert.equal(state, 'queued')
    // Before it is made there is nothing, and the answer says so.
    const early = await fetch(`${target.url}/api/exports/${id}`, { headers: { cookie } })
    assert.equal(early.status, 409)
    assert.match(await early.text(), /still being made/)
    const began = performance.now()
    await makeExports(target)
    const madeIn = performance.now() - began
    assert.ok(answeredIn < madeIn, `asked in ${answeredIn.toFixed(0)} ms, made in ${madeIn.toFixed(0)}`)

    let done = false
    const file = fetch(`${target.url}/api/exports/${id}`, { headers: { cookie } }).then(async (answer) => {
      const lines = (await answer.text()).split('\r\n').length
      done = true
      return lines
    })
    let answered = 0
    while (!done) {
      assert.equal((await fetch(`${target.url}/healthz`)).status, 200)
      answered++
    }
    assert.ok((await file) > 40_000)
    assert.ok(answered > 2, `${answered} were answered`)
    // What a file can hold is bounded; a wider range is refused and says how much to ask for.
    const wide = { kind: 'violations', from: '2026-09-01', until: '2026-11-24' }
    const refused = await call(target, cookie, ask, { report: wide })
    assert.equal(refused.status, 400)
    assert.match(refused.text, /31 days/)
  })

  test('a large file goes out as fast as it is taken: somebody who stops reading fills no memory', async () => {
    const login = { email: 'slow@carrier.example', password: PASSWORD }
    await enrolPerson(pool, { fleetId: a.id, name: 'Slow', role: 'owner', ...login })
    const cookie = await signIn(target, { ...a, login })
    const { id, path } = await exported(target, cookie, { kind: 'audit', text: 'nothing' })
    const pieces = 300
    await pool.query('delete from export_pieces where fleet_id = $1 and export_id = $2', [a.id, id])
    await pool.query(
      `insert into export_pieces (fleet_id, export_id, number, content)
       select $1, $2, n, $3 from generate_series(0, $4 - 1) n`,
      [a.id, id, gzipSync(Buffer.alloc(MIB, 'x')), pieces],
    )
    await pool.query('update exports set bytes = $3 where fleet_id = $1 and id = $2', [
      a.id,
      id,
      pieces * MIB,
    ])
    const memory = () =>
      Number(/VmRSS:\s+(\d+) kB/.exec(fs.readFileSync(`/proc/${target.pid}/status`, 'utf8'))![1]) * 1024
    const before = memory()
    const answer = await new Promise<http.IncomingMessage>((resolve, reject) =>
      http
        .get(`${target.url}${path}`, { agent: false, headers: { cookie, 'accept-encoding': 'identity' } })
        .once('response', resolve)
        .once('error', reject),
    )
    assert.equal(answer.statusCode, 200)
    const reader = answer[Symbol.asyncIterator]() as AsyncIterator<Buffer>
    let bytes = (await reader.next()).value!.length
    // Meanwhile others are answered, a thousand times.
    for (let i = 0; i < 1_000; i++) await (await fetch(`${target.url}/healthz`)).text()
    const grown = memory() - before
    assert.ok(grown < 150 * MIB, `${(grown / MIB).toFixed(0)} MiB while nobody read`)
    for (let next = await reader.next(); !next.done; next = await reader.next()) bytes += next.value.length
    assert.equal(bytes, pieces * MIB)
  })

  test('ten exports of a fleet wait at most, and a person asks for twenty in ten minutes', async () => {
    const cookie = await signIn(target, a)
    const ask = () =>
      call(
        target,
        cookie,
        { path: 'exports.ask', type: 'mutation' },
        { report: { kind: 'audit', text: 'x' } },
      )
    const answers = await Promise.all(Array.from({ length: 12 }, ask))
    assert.equal(answers.filter(({ status }) => status === 200).length, 10)
    const refused = answers.find(({ status }) => status !== 200)!
    assert.equal(refused.status, 429)
    assert.match(refused.text, /Ask again when one is ready/)
    await makeExports(target)
    const more = await Promise.all(Array.from({ length: 10 }, ask))
    await makeExports(target)
    assert.deepEqual(more.map(({ status }) => status).toSorted(), [...Array(9).fill(200), 429])
    assert.match(more.find(({ status }) => status === 429)!.text, /Wait some minutes/)
  })
})

describe('rates, with what a server has of its own', () => {
  test('a device may save up sixty requests, and then has ten a second; another is not touched', async () => {
    const from = performance.now()
    const statuses: number[] = []
    for (let i = 0; i < 200; i++)
      statuses.push(
        (await send(JSON.stringify(beat(second.name)), { url: target.url, token: second.token })).status,
      )
    const seconds = (performance.now() - from) / 1_000
    const taken = statuses.filter((status) => status === 200).length
    assert.ok(taken >= 60 && taken <= 60 + Math.ceil(10 * seconds) + 1, `${taken} in ${seconds.toFixed(1)} s`)
    assert.deepEqual(statuses.slice(0, 60), Array(60).fill(200))
    if (taken < 200) assert.ok(statuses.includes(429))
    assert.equal((await send(JSON.stringify(beat()), { url: target.url })).status, 200)
  })

  test('a fleet has a total of its own where the operator sets one: the other fleet goes on', async () => {
    const url = await target.another({ DEVICE_REQUESTS_PER_SECOND: '0', FLEET_REQUESTS_PER_SECOND: '1' })
    const [first, other] = [a.devices[0]!, a.devices[1]!]
    assert.equal((await send(JSON.stringify(beat()), { url })).status, 200)
    let refused = ''
    // Of any device of the fleet; a slow machine may let one more a second.
    for (let i = 0; i < 20 && !refused; i++) {
      const one = i % 2 ? first : other
      const { status, text } = await send(JSON.stringify(beat(one.name)), { url, token: one.token })
      if (status === 429) refused = text
    }
    assert.match(refused, /"code":"rate_limited".*of this fleet/)
    const theirs = target.b.devices[0]!
    assert.equal((await send(JSON.stringify(beat(theirs.name)), { url, token: theirs.token })).status, 200)
  })

  test('twenty failed authentications of an address in a minute close it to devices, good ones too', async () => {
    const url = await target.another()
    const from = (token: string, address: string) =>
      new Promise<number>((resolve, reject) => {
        const { port } = new URL(url)
        const request = http.request(
          {
            port,
            path: '/v1/heartbeats',
            method: 'POST',
            localAddress: address,
            agent: false,
            headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
          },
          (answer) => resolve(answer.resume().statusCode!),
        )
        request.once('error', reject).end(JSON.stringify(beat()))
      })
    const statuses: number[] = []
    for (let i = 0; i < 20; i++) statuses.push(await from(`fdt_0000ffff_${'x'.repeat(43)}`, '127.9.9.9'))
    assert.deepEqual(statuses, Array(20).fill(401))
    assert.equal(await from(device.token, '127.9.9.9'), 429)
    assert.equal(await from(device.token, '127.9.9.8'), 200)
  })
})

describe('secrets', () => {
  test('two are good at once: while AUTH_SECRET is replaced nobody is signed out, no second step and no session of a device fails', async () => {
    const next = randomBytes(32).toString('base64')
    const limits = { DEVICE_REQUESTS_PER_SECOND: '0', PUBLIC_URL: target.url }
    // First every instance learns of the new one, then it makes with it.
    const learning = await target.another({ ...limits, AUTH_SECRET_PREVIOUS: next })
    const making = await target.another({
      ...limits,
      AUTH_SECRET: next,
      AUTH_SECRET_PREVIOUS: target.authSecret,
    })

    const login = { email: 'rotating@carrier.example', password: PASSWORD }
    await enrolPerson(pool, { fleetId: a.id, name: 'Rotating', role: 'owner', ...login })
    // All of them have one name towards people and devices.
    const OURS = { origin: target.url }
    const signInAt = async (url: string) => {
      const visitor = new Visitor(url)
      const { status, text } = await visitor.post('/api/auth/sign-in/email', login, OURS)
      assert.equal(status, 200, text)
      return { visitor, text }
    }
    const { visitor: before } = await signInAt(learning)
    assert.ok(await before.copied(making).person(), 'a session of before is good after')
    const { visitor: after } = await signInAt(making)
    assert.ok(await after.copied(learning).person(), 'and the reverse')
    assert.equal(
      (await before.copied(making).post('/api/auth/two-factor/enable', { password: 'not it' }, OURS)).status,
      400,
    )

    const mover = before.copied(learning)
    const begun = await mover.post('/api/auth/two-factor/enable', { password: PASSWORD }, OURS)
    assert.equal(begun.status, 200, begun.text)
    const secret = secretOf(JSON.parse(begun.text).totpURI)
    const on = await mover.post('/api/auth/two-factor/verify-totp', { code: totp(secret, Date.now()) }, OURS)
    assert.equal(on.status, 200, on.text)
    const { visitor: half, text: owed } = await signInAt(learning)
    assert.equal(owed, '{"twoFactorRedirect":true}')
    const whole = half.copied(making)
    const done = await whole.post('/api/auth/two-factor/verify-totp', { code: nextCode(secret) }, OURS)
    assert.equal(done.status, 200, done.text)
    assert.ok(await whole.person())

    let url = learning
    let opened = 0
    const client = new DeviceClient({
      url: target.url,
      signer: ownSigner(device.key),
      fetch: (input, init) => {
        const asked = new URL(String(input))
        if (asked.pathname === '/v1/sessions') opened++
        return fetch(`${url}${asked.pathname}${asked.search}`, init)
      },
    })
    for (const next of [learning, making, learning]) {
      url = next
      const { status, text } = await client.send(
        'POST',
        '/v1/heartbeats',
        Buffer.from(JSON.stringify(beat())),
      )
      assert.equal(status, 200, text)
    }
    assert.equal(opened, 1, 'one session did for all')

    // An instance that has neither takes none of it.
    const stranger = await target.another({ ...limits, AUTH_SECRET: randomBytes(32).toString('base64') })
    assert.equal(await whole.copied(stranger).person(), null)
  })
})

describe('what every answer carries', () => {
  test('over https: HSTS, and cookies that are bound to this host', async () => {
    const url = await target.another({ PUBLIC_URL: 'https://console.carrier.example' })
    const visitor = new Visitor(url)
    const { status, headers } = await visitor.send('POST', '/api/auth/sign-in/email', {
      body: JSON.stringify(a.login),
      headers: { origin: 'https://console.carrier.example' },
    })
    assert.equal(status, 200)
    const cookies = headers['set-cookie']!
    assert.ok(cookies.length > 0)
    for (const cookie of cookies) {
      assert.match(cookie, /^__Host-restline\./)
      for (const part of [/; *HttpOnly/i, /; *Secure/i, /; *SameSite=Lax/i, /; *Path=\/(;|$)/i])
        assert.match(cookie, part)
      assert.doesNotMatch(cookie, /domain=/i)
    }
    assert.match(String(headers['strict-transport-security']), /^max-age=31536000/)
  })

  test('pages, procedures, doors, files and refusals: nosniff, no frames, the referrer’s origin alone', async () => {
    const login = { email: 'files@carrier.example', password: PASSWORD }
    await enrolPerson(pool, { fleetId: a.id, name: 'Files', role: 'owner', ...login })
    const cookie = await signIn(target, { ...a, login })
    const { path: file } = await exported(target, cookie, { kind: 'audit', text: 'nothing' })
    const chunk = fs.readdirSync('.next/static/chunks').find((name) => name.endsWith('.js'))!
    for (const path of [
      '/map',
      '/login',
      '/no/such/page',
      '/api/trpc/fleet.me',
      '/api/trpc/no.such',
      '/api/auth/nothing',
      '/api/sign-in/nothing',
      '/api/nothing',
      file,
      '/api/exports/1',
      `/_next/static/chunks/${chunk}`,
    ]) {
      const { headers } = await fetch(`${target.url}${path}`, { headers: { cookie }, redirect: 'manual' })
      assert.equal(headers.get('x-content-type-options'), 'nosniff', path)
      assert.equal(headers.get('referrer-policy'), 'strict-origin-when-cross-origin', path)
      const noFrames =
        headers.get('content-security-policy')?.includes(`frame-ancestors 'none'`) ??
        headers.get('x-frame-options') === 'DENY'
      assert.ok(noFrames, path)
    }
  })
})

describe('refusals', () => {
  const OPEN = new Visitor(target.url)
  const BODIES: [string, string, string][] = [
    ['nothing', '', 'application/json'],
    ['no JSON', '{"a":', 'application/json'],
    ['a number', '7', 'application/json'],
    ['an empty object', '{}', 'application/json'],
    ['fields of a stranger', '{"__proto__":{},"x":1}', 'application/json'],
    ['plain text', '{}', 'text/plain'],
    ['a form', 'a=b', 'application/x-www-form-urlencoded'],
  ]
  const DOORS = [
    '/v1',
    '/v1/',
    '/v1/heartbeats',
    '/v1/sessions',
    '/v1/keys',
    '/v1/owntracks',
    '/v1/osmand',
    '/v1/nothing',
    ...SIGN_IN_PATHS.map((path) => `/api/sign-in/${path}`),
    '/api/sign-in/nothing',
    ...LOCAL_PATHS.map((path) => `/api/auth${path}`),
    '/api/auth/nothing',
    '/api/auth/update-user',
    '/api/auth/sign-up/email',
    '/api/exports',
    '/api/exports/1',
    '/api/exports/nothing',
    '/api',
    '/api/nothing',
  ]

  /** The answer is one that a program understands, tells what to do, and nothing of how we are made. */
  function isProblem(what: string, { status, headers, text }: Awaited<ReturnType<Visitor['send']>>) {
    assert.match(String(headers['content-type']), /^application\/problem\+json/, `${what}: ${status} ${text}`)
    const said = JSON.parse(text) as { status: number; code?: string; detail?: string }
    assert.equal(said.status, status, what)
    assert.match(said.code ?? '', /^[a-z][a-z_-]+$/, `${what}: ${text}`)
    assert.ok((said.detail ?? '').length >= 10, `${what}: ${text}`)
    assert.doesNotMatch(text, /\bat .+:\d+|node_modules|select |PostgreSQL|better-auth|Zod/i, what)
  }

  test('each is application/problem+json with a code and what to do, at every door and by every method', async () => {
    let refused = 0
    for (const door of DOORS) {
      for (const [what, body, type] of BODIES) {
        // What is tried too often is refused for that alone: every try from an address of its own.
        const heard = await new Visitor(target.url).send('POST', door, {
          body,
          headers: { 'content-type': type },
        })
        if (heard.status < 400) continue
        refused++
        isProblem(`POST ${door} with ${what}`, heard)
      }
      for (const method of ['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
        const heard = await new Visitor(target.url).send(method as 'GET', door)
        if (heard.status < 400) continue
        refused++
        isProblem(`${method} ${door}`, heard)
      }
    }
    assert.ok(refused > 250, `${refused}`)
  })

  test('of procedures too, where the front door refuses; within it each has a code, a sentence and the field', async () => {
    const foreign = await OPEN.send('POST', '/api/trpc/people.invite', {
      body: '{}',
      headers: { origin: 'https://evil.example' },
    })
    isProblem('another site', foreign)
    const visitor = new Visitor(target.url)
    await visitor.signIn(a.login)
    const { status, text } = await visitor.mutate('people.invite', { email: 'no address', role: 'viewer' })
    assert.equal(status, 400)
    const { error } = JSON.parse(text) as {
      error: { message: string; data: { code: string; field: string } }
    }
    assert.deepEqual(
      [error.message, error.data.code, error.data.field],
      ['That is no e-mail address', 'BAD_REQUEST', 'email'],
    )
  })

  test('of a token: the device learns that it is not valid, its fleet why', async () => {
    const [, number] = /^fdt_([0-9a-f]{8})_/.exec(second.token)!
    const tokens = {
      wrong_token: `fdt_${number}_${'x'.repeat(43)}`,
      revoked: second.token,
    }
    await pool.query('update devices set revoked_at = now() where fleet_id = $1 and name = $2', [
      a.id,
      second.name,
    ])
    const url = await target.another({ DEVICE_FAILURES_PER_MINUTE: '0' })
    const said = new Set<string>()
    for (const token of Object.values(tokens)) {
      const { status, text } = await send(JSON.stringify(beat(second.name)), { url, token })
      assert.equal(status, 401)
      said.add(text)
    }
    assert.equal(said.size, 1, 'one answer for both')
    for (const reason of Object.keys(tokens))
      await until(`the log says ${reason}`, async () => {
        const { rowCount } = await pool.query(
          `select from audit_log where fleet_id = $1 and action = 'device.refused' and object_kind = 'device' and after->>'reason' = $2`,
          [a.id, reason],
        )
        return rowCount === 1
      })
    const { rows } = await pool.query<{ row: string }>(
      'select a::text as row from audit_log a where fleet_id = $1',
      [a.id],
    )
    for (const token of Object.values(tokens))
      assert.ok(!rows.some(({ row }) => row.includes(token.slice(13))))
  })
})
