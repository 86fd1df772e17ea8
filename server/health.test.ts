import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import { after, test } from 'node:test'
import { createPool } from './db/pool.ts'
import { testDatabase } from './db/testing.ts'
import { healthOf } from './health.ts'

const { pool } = await testDatabase()
const TOKEN = 'a-token-for-prometheus'

async function open(of: { over?: typeof pool; token?: string }): Promise<string> {
  const health = healthOf({
    pool: of.over ?? pool,
    token: of.token,
    now: () => performance.now(),
    detail: () => ({ waiting: 7 }),
  })
  const server = createServer((req, res) => void (health(req, res) || res.writeHead(418).end()))
  await new Promise<void>((resolve) => server.listen(0, resolve))
  after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
const ask = async (url: string, headers: Record<string, string> = {}) => {
  const response = await fetch(url, { headers })
  return [response.status, await response.text()] as const
}

const NAMES = [
  'restline_ingest_received_total',
  'restline_ingest_heartbeats_total',
  'restline_ingest_refusals_total',
  'restline_ingest_late_heartbeats_total',
  'restline_ingest_refused_heartbeats_total',
  'restline_ingest_backlog_heartbeats',
  'restline_ingest_queue_rows',
  'restline_ingest_queue_bytes',
  'restline_ingest_group_rows',
  'restline_ingest_commit_seconds',
  'restline_ingest_acknowledgement_seconds',
  'restline_ingest_connections',
  'restline_process_cpu_seconds_total',
]

test('this machine is given the metrics by name, and what is ready', async () => {
  const { receiverOf } = await import('./ingest/receive.ts')
  receiverOf(pool)
  const url = await open({})
  const [status, text] = await ask(`${url}/metrics`)
  assert.equal(status, 200)
  for (const name of NAMES) assert.match(text, new RegExp(`^# TYPE ${name} `, 'm'))
  assert.deepEqual(await ask(`${url}/healthz`), [200, 'ok\n'])
  const [ready, detail] = await ask(`${url}/readyz`)
  assert.deepEqual([ready, JSON.parse(detail)], [200, { ready: true, fault: null, waiting: 7 }])
  assert.equal((await ask(`${url}/readyzz`))[0], 418)
})

test('who comes through a proxy, or without the token where there is one, gets neither metrics nor detail', async () => {
  const [plain, guarded] = [await open({}), await open({ token: TOKEN })]
  const strangers: [string, Record<string, string>][] = [
    [plain, { 'x-forwarded-for': '203.0.113.9' }],
    [plain, { forwarded: 'for=203.0.113.9' }],
    [guarded, {}],
    [guarded, { authorization: `Bearer ${TOKEN}x` }],
    [guarded, { authorization: TOKEN }],
  ]
  for (const [url, headers] of strangers) {
    assert.deepEqual(await ask(`${url}/metrics`, headers), [404, 'not found\n'])
    assert.deepEqual(await ask(`${url}/readyz`, headers), [200, 'ready\n'])
  }
  const authorization = `Bearer ${TOKEN}`
  assert.equal((await ask(`${guarded}/metrics`, { authorization, via: '1.1 proxy' }))[0], 200)
})

test('a database that is away or lacks a migration makes it unready, and is named to this machine alone', async () => {
  const away = createPool('postgresql://nobody@127.0.0.1:1/none')
  after(() => away.end())
  const url = await open({ over: away })
  const [status, text] = await ask(`${url}/readyz`)
  assert.equal(status, 503)
  assert.match(JSON.parse(text).fault, /^the database is away: /)
  assert.deepEqual(await ask(`${url}/readyz`, { via: '1.1 proxy' }), [503, 'not ready\n'])
  assert.deepEqual(await ask(`${url}/healthz`), [200, 'ok\n'])

  const { rows } = await pool.query<{ name: string }>(
    'delete from _prisma_migrations where started_at = (select max(started_at) from _prisma_migrations) returning migration_name as name',
  )
  const [behind, fault] = await ask(`${await open({})}/readyz`)
  assert.deepEqual([behind, JSON.parse(fault).fault], [503, `migrations are missing: ${rows[0]!.name}`])
})

test('a database that does not answer is away after three seconds', async () => {
  // It takes connections, and that is all.
  const held: Socket[] = []
  const silent = createTcpServer((socket) => void held.push(socket))
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  const { port } = silent.address() as AddressInfo
  const hanging = createPool(`postgresql://nobody@127.0.0.1:${port}/none`)
  const [status, text] = await ask(`${await open({ over: hanging })}/readyz`)
  assert.deepEqual([status, JSON.parse(text).fault], [503, 'the database does not answer'])
  for (const socket of held) socket.destroy()
  silent.close()
  await hanging.end()
})
