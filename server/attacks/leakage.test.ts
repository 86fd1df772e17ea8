import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import { describe, test } from 'node:test'
import { recordAudit, SYSTEM } from '../audit/record.ts'
import { verifyAuditChain } from '../audit/verify.ts'
import { withFleet } from '../db/pool.ts'
import { call, digestOf, signIn, startTarget } from './running.testing.ts'

const target = await startTarget()
const { pool, a } = target
const cookie = await signIn(target, a)

/** A request as it is, without a client that tidies its path or refuses its headers. */
function raw(at: string, headers: Record<string, string> = {}, method = 'GET') {
  return new Promise<{ status: number; headers: http.IncomingHttpHeaders; text: string }>(
    (resolve, reject) => {
      const { hostname, port } = new URL(target.url)
      const request = http.request({ hostname, port, path: at, headers, method }, (answer) => {
        let text = ''
        answer.setEncoding('utf8').on('data', (part: string) => (text += part))
        answer.on('end', () => resolve({ status: answer.statusCode!, headers: answer.headers, text }))
      })
      request.once('error', reject).end()
    },
  )
}

describe('attack 22: the audit log', () => {
  test('attack 22: the app may not update, delete or empty it, and a superuser who does is found', async () => {
    const entry = {
      fleetId: a.id,
      actor: SYSTEM,
      action: 'test.done',
      object: { kind: 'test', id: 1 },
      at: Date.now(),
    }
    await withFleet(pool, a.id, (tx) => recordAudit(tx, entry))
    await withFleet(pool, a.id, (tx) => recordAudit(tx, entry))
    for (const sql of [`update audit_log set action = 'x'`, 'delete from audit_log', 'truncate audit_log'])
      await assert.rejects(
        withFleet(pool, a.id, (tx) => tx.query(sql)),
        { code: '42501' },
      )
    assert.equal((await verifyAuditChain(pool, a.id)).broken, null)
    await pool.query(
      `do $$ begin set local session_replication_role = replica;
       update audit_log set action = 'test.undone' where fleet_id = ${a.id} and sequence = 1; end $$`,
    )
    assert.equal((await verifyAuditChain(pool, a.id)).broken?.sequence, 1)
  })

  test('attack 22: nor may it change or delete what stands in a driver’s record of duty', async () => {
    const { rows } = await pool.query('select from duty_events where fleet_id = $1', [a.id])
    assert.ok(rows.length > 0)
    for (const sql of [
      `update duty_events set annotation = 'x'`,
      'delete from duty_events',
      'truncate duty_events',
    ])
      await assert.rejects(
        withFleet(pool, a.id, (tx) => tx.query(sql)),
        { code: '42501' },
      )
  })
})

describe('attack 22: the record of duty', () => {
  test('attack 22: nobody writes into it for a driver without saying why, nor does the database let them', async () => {
    const { rows: drivers } = await pool.query<{ id: number }>(
      'select id from drivers where fleet_id = $1 limit 1',
      [a.id],
    )
    const driverId = drivers[0]!.id
    const at = Date.now() - 6 * 86_400_000
    const before = await digestOf(pool, a.id)
    for (const annotation of [undefined, '', 'why', '  no  ']) {
      const { status, text } = await call(
        target,
        cookie,
        { path: 'logs.setStatus', type: 'mutation' },
        { driverId, status: 'SB', at, annotation },
      )
      const { error } = JSON.parse(text) as { error: { data: { field: string } } }
      assert.deepEqual([status, error.data.field], [400, 'annotation'])
    }
    assert.deepEqual(await digestOf(pool, a.id), before)
    await assert.rejects(
      withFleet(pool, a.id, (tx) =>
        tx.query(
          `insert into duty_events (fleet_id, driver_id, id, at, status, origin, annotation)
           values ($1, $2, 1, now(), 'OFF', 'dispatcher', ' no  ')`,
          [a.id, driverId],
        ),
      ),
      { code: '23514' },
    )
  })
})

describe('attack 25: what leaks, and what is believed', () => {
  test('attack 25: pages run scripts of their own only, and say so', async () => {
    const [one, other] = [await raw('/map', { cookie }), await raw('/map', { cookie })]
    const policy = String(one.headers['content-security-policy'])
    assert.match(policy, /script-src 'self' 'nonce-[\w+/=]{24}' 'strict-dynamic'/)
    assert.doesNotMatch(policy.match(/script-src[^;]*/)![0], /unsafe/)
    assert.notEqual(policy, other.headers['content-security-policy'])
    const nonce = /'nonce-([^']+)'/.exec(policy)![1]!
    const scripts = [...one.text.matchAll(/<script\b[^>]*>/g)].map(([tag]) => tag)
    assert.ok(scripts.length > 3)
    for (const tag of scripts) assert.ok(tag.includes(`nonce="${nonce}"`), tag)
    for (const [name, value] of Object.entries({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'strict-origin-when-cross-origin',
    }))
      assert.equal(one.headers[name], value)
    for (const directive of [`frame-ancestors 'none'`, `object-src 'none'`, `base-uri 'none'`])
      assert.ok(policy.includes(directive), directive)
    assert.equal(one.headers['x-powered-by'], undefined)
    assert.equal(one.headers.server, undefined)
  })

  test('attack 25: neither settings nor sources nor maps are served', async () => {
    const chunk = fs.readdirSync('.next/static/chunks').find((name) => name.endsWith('.js'))!
    assert.equal((await raw(`/_next/static/chunks/${chunk}`)).status, 200)
    for (const at of [
      '/.env',
      '/.env.production',
      '/.git/config',
      '/package.json',
      '/server/main.ts',
      '/prisma/schema.prisma',
      '/.restline/auth-secret',
      '/../package.json',
      '/%2e%2e/package.json',
      '/_next/../../package.json',
      '/_next/static/../../../package.json',
      `/_next/static/chunks/${chunk}.map`,
      '/.next/BUILD_ID',
    ]) {
      const { status, text } = await raw(at)
      assert.ok(status >= 300, `${at}: ${status}`)
      assert.doesNotMatch(
        text,
        /"dependencies"|DATABASE_URL|createServer|datasource db|repositoryformatversion/,
      )
    }
  })

  test('attack 25: what breaks says nothing of how', async () => {
    for (const [at, headers] of [
      ['/api/trpc/logs.day?input=%7Bnot-json', { cookie }],
      ['/api/trpc/no.such', { cookie }],
      ['/api/trpc/logs.day', {}],
      ['/v1/heartbeats', {}],
      ['/v1/nothing', {}],
      ['/drivers/%FF', { cookie }],
      ['/api/exports/x', { cookie }],
      ['/no/such/page', { cookie }],
    ] as const) {
      const { text } = await raw(at, headers)
      assert.doesNotMatch(
        text,
        /\bat .+\.(ts|js|mjs):\d+|node_modules|\/server\/|select .+ from |PostgreSQL|node:internal|Next\.js \d/i,
        at,
      )
    }
  })

  test('attack 25: a page is not opened by claiming that it was checked', async () => {
    const claims: Record<string, string>[] = [
      { 'x-middleware-subrequest': 'middleware:middleware:middleware:middleware:middleware' },
      { 'x-middleware-subrequest': 'src/middleware' },
      { 'x-middleware-prefetch': '1' },
      { 'x-forwarded-host': 'evil.example' },
      { 'x-original-url': '/login' },
      { 'x-rewrite-url': '/login' },
      { 'x-invoke-path': '/login' },
    ]
    for (const headers of claims) {
      const { status, headers: said, text } = await raw('/drivers', headers)
      assert.ok(
        status === 307 && /^\/login/.test(String(said.location)),
        `${Object.keys(headers)}: ${status}`,
      )
      assert.doesNotMatch(text + String(said.location), /evil\.example/)
    }
  })

  test('attack 25: a GET that claims to be a POST changes nothing', async () => {
    const input = encodeURIComponent(JSON.stringify({ id: 1 }))
    for (const name of ['x-http-method-override', 'x-http-method', 'x-method-override']) {
      const { status } = await raw(`/api/trpc/alerts.acknowledge?input=${input}`, { cookie, [name]: 'POST' })
      assert.ok([403, 405].includes(status), `${name}: ${status}`)
    }
  })

  /** Sets a status with an address forged in every field that names one, and gives what was written down. */
  async function writtenAddress(at: string, forwarded: string): Promise<string> {
    const { rows: drivers } = await pool.query<{ id: number }>(
      'select id from drivers where fleet_id = $1 limit 1',
      [a.id],
    )
    const answer = await fetch(`${at}/api/trpc/logs.setStatus`, {
      method: 'POST',
      headers: {
        cookie,
        origin: at,
        'content-type': 'application/json',
        'x-forwarded-for': forwarded,
        'x-real-ip': '203.0.113.66',
        forwarded: 'for=203.0.113.66',
      },
      body: JSON.stringify({
        driverId: drivers[0]!.id,
        status: 'SB',
        at: Date.now() - 7 * 86_400_000,
        annotation: 'Rest',
      }),
    })
    assert.equal(answer.status, 200, await answer.text())
    const { rows } = await pool.query<{ address: string }>(
      `select address from audit_log where fleet_id = $1 and action = 'duty-status.set' order by sequence desc limit 1`,
      [a.id],
    )
    return rows[0]!.address.replace('::ffff:', '')
  }

  test('attack 25: a forged address is not written down', async () => {
    assert.equal(await writtenAddress(target.url, '203.0.113.66'), '127.0.0.1')
  })

  test('attack 25: behind a proxy that is trusted, the address that it saw is, and not what its caller wrote', async () => {
    const behind = await target.another({ TRUSTED_PROXIES: '127.0.0.0/8, ::1' })
    assert.equal(await writtenAddress(behind, '203.0.113.66, 198.51.100.7'), '198.51.100.7')
  })

  test('attack 25: metrics and the detail of health are not for those from outside', async () => {
    assert.equal((await raw('/metrics', { 'x-forwarded-for': '203.0.113.66' })).status, 404)
    const ready = await raw('/readyz', { 'x-forwarded-for': '203.0.113.66' })
    assert.equal(ready.text, 'ready\n')
  })

  test('attack 25: what browsers fetch holds no secret and no name of one', () => {
    const SECRETS =
      /AUTH_SECRET|DATABASE_URL|SMTP_URL|METRICS_TOKEN|postgres(ql)?:\/\/\w|BEGIN [A-Z ]*PRIVATE KEY|\brl_[0-9a-z]+_[0-9a-z]+_[\w-]{32}|\bfdt_[0-9a-f]{8}_[\w-]{43}|\brlwh_[\w-]{43}|token_hash/
    let files = 0
    const walk = (directory: string) => {
      for (const entry of fs.readdirSync(directory, { withFileTypes: true })) {
        const file = path.join(directory, entry.name)
        if (entry.isDirectory()) walk(file)
        else {
          files++
          assert.ok(!entry.name.endsWith('.map'), `${file} is a source map`)
          if (/\.(js|css|json|html|txt)$/.test(entry.name))
            assert.doesNotMatch(fs.readFileSync(file, 'utf8'), SECRETS, file)
        }
      }
    }
    walk('.next/static')
    walk('public')
    assert.ok(files > 10)
  })

  test('attack 25: the log of the server holds no secret', () => {
    const written = fs.readFileSync(target.logFile, 'utf8')
    const token = /session_token=([^;]+)/.exec(cookie)![1]!
    for (const secret of [token, decodeURIComponent(token), a.login.password, a.devices[0]!.token])
      assert.ok(!written.includes(secret))
  })
})
