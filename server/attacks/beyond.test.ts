import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs'
import { describe, test } from 'node:test'
import { verifyAuditChain } from '../audit/verify.ts'
import { SIGN_IN_PATHS } from '../auth/door.ts'
import { LOCAL_PATHS } from '../auth/local.ts'
import { enrolPerson } from '../auth/people.ts'
import { dropExpired } from '../db/retention.ts'
import { until } from '../ingest/doors.testing.ts'
import { DAY } from '../time/instant.ts'
import { call, signIn, startTarget } from './running.testing.ts'
import { procedures } from './sample.testing.ts'
import { Visitor } from './visitor.testing.ts'

/** Asked by a signal, the server says what its objects inherit beyond what they should. */
const WATCH = `process.on('SIGUSR2',()=>{const o=[];for(const k in {})o.push(k);console.log('inherited:['+o+'] '+({}).polluted)})`
const target = await startTarget({
  NODE_OPTIONS: `--import "data:text/javascript,${encodeURIComponent(WATCH)}"`,
  DEVICE_REQUESTS_PER_SECOND: '0',
  DEVICE_FAILURES_PER_MINUTE: '0',
})
const { pool, a } = target
const cookie = await signIn(target, a)
const device = a.devices[0]!

async function post(path: string, body: string, headers: Record<string, string> = {}) {
  const answer = await fetch(`${target.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  })
  return { status: answer.status, text: await answer.text() }
}
const DEVICE = { authorization: `Bearer ${device.token}` }
const OWN = { cookie, origin: target.url }

describe('prototype pollution', () => {
  const EVIL = '"polluted":"yes","role":"owner","fleetId":1,"isAdmin":true'
  const BODIES = [
    `{"__proto__":{${EVIL}}}`,
    `{"constructor":{"prototype":{${EVIL}}}}`,
    `{"device":"${device.name}","fixTime":${Date.now()},"latitude":1,"longitude":1,"attributes":{"__proto__":{${EVIL}},"constructor":{"prototype":{${EVIL}}}}}`,
    `[{"__proto__":{${EVIL}}}]`,
    `{"0":{"__proto__":{${EVIL}}}}`,
    `{"_type":"location","tid":"aa","lat":1,"lon":1,"tst":1764000000,"__proto__":{${EVIL}}}`,
  ]

  test('no body of any door gives the server’s objects anything to inherit', async () => {
    const doors: [string, Record<string, string>][] = [
      ...['heartbeats', 'sessions', 'keys', 'owntracks', 'osmand'].map(
        (door): [string, Record<string, string>] => [`/v1/${door}`, DEVICE],
      ),
      ...SIGN_IN_PATHS.map((path): [string, Record<string, string>] => [
        `/api/sign-in/${path}`,
        { origin: target.url },
      ]),
      // Without those that end the session that the rest needs.
      ...LOCAL_PATHS.filter((path) => path !== '/sign-out').map((path): [string, Record<string, string>] => [
        `/api/auth${path}`,
        OWN,
      ]),
      ...procedures
        .filter(({ path, type }) => type === 'mutation' && !/signOut|endOthers/.test(path))
        .flatMap(({ path }): [string, Record<string, string>][] => [
          [`/api/trpc/${path}`, OWN],
          [`/api/trpc/${path}?batch=1`, OWN],
        ]),
    ]
    for (const [path, headers] of doors)
      for (const body of BODIES) {
        const { status } = await post(path, body, headers)
        assert.ok(status < 500, `${path}: ${status}`)
      }
    for (const query of [
      '__proto__[polluted]=yes',
      '__proto__.polluted=yes',
      'constructor[prototype][polluted]=yes',
    ])
      for (const path of ['/api/exports/1', '/audit', '/map', '/login', '/v1/osmand', '/api/trpc/audit.list'])
        assert.ok((await fetch(`${target.url}${path}?${query}`, { headers: { cookie } })).status < 500)
    process.kill(target.pid, 'SIGUSR2')
    let said: string | undefined
    await until('the server says what is inherited', () => {
      said = /inherited:.*/.exec(fs.readFileSync(target.logFile, 'utf8'))?.[0]
      return said !== undefined
    })
    assert.equal(said, 'inherited:[] undefined')
  })
})

describe('counters', () => {
  test('whatever counts up is a number of eight bytes, or ends long before four', async () => {
    /** Bounded by what they are of: one message, one trip, twenty tries, ten failures. */
    const SMALL = new Set([
      'device_messages.received',
      'device_messages.stored',
      'device_messages.duplicates',
      'trips.points',
      'stops.points',
      'webhook_deliveries.attempts',
      'mail_outbox.attempts',
      'exports.attempts',
      'sign_in_attempts.failures',
      // An authenticator's own, kept as it says it (WebAuthn, 6.1.1), and better-auth's.
      'passkeys.counter',
      'two_factors.failed_verification_count',
    ])
    const { rows } = await pool.query<{ column: string; type: string }>(
      `select c.table_name || '.' || c.column_name as column, c.data_type as type
       from information_schema.columns c join pg_class t on t.relname = c.table_name and not t.relispartition
       where c.table_schema = 'public' and c.table_name !~ '^_' and c.data_type in ('smallint', 'integer', 'bigint')
         and c.column_name ~ '(count|counter|attempts|failures|received|stored|duplicates|refused|doubtful|sequence|epoch|revision|version|points)$'
       order by 1`,
    )
    assert.ok(rows.length > 12, `${rows.length}`)
    assert.deepEqual(
      rows.filter(({ column, type }) => type !== 'bigint' && !SMALL.has(column)),
      [],
    )
  })

  test('what has counted to 2^31 goes on counting', async () => {
    const edge = 2 ** 31 - 1
    await post(
      '/v1/heartbeats',
      JSON.stringify({ device: device.name, fixTime: Date.now(), latitude: 1, longitude: 1 }),
      DEVICE,
    )
    const received = async () =>
      (
        await pool.query<{ received: number }>(
          'select received from device_status where fleet_id = $1 and device_id = (select id from devices where fleet_id = $1 and name = $2)',
          [a.id, device.name],
        )
      ).rows[0]?.received ?? 0
    const counted = (least: number) => until(`${least} are counted`, async () => (await received()) >= least)
    await counted(1)
    await pool.query(
      'update device_status set received = $3, stored = $3, duplicates = $3, refused = $3, doubtful = $3 where fleet_id = $1 and device_id = (select id from devices where fleet_id = $1 and name = $2)',
      [a.id, device.name, edge],
    )
    const { status } = await post(
      '/v1/heartbeats',
      JSON.stringify(
        [1, 2].map((n) => ({ device: device.name, fixTime: Date.now() - n, latitude: 1, longitude: 1 })),
      ),
      DEVICE,
    )
    assert.equal(status, 200)
    await counted(edge + 2)
  })
})

describe('what is said again with other content', () => {
  test('a heartbeat of the same instant and number is another heartbeat: neither is lost or overwritten', async () => {
    const fixTime = Date.now() - 60_000
    const one = { device: device.name, fixTime, sequence: 77, latitude: 41, longitude: -93 }
    const told = async (body: object) =>
      JSON.parse(
        (await post('/v1/heartbeats', JSON.stringify(body), { ...DEVICE, 'idempotency-key': 'the-same' }))
          .text,
      ) as {
        stored: number
        duplicates: number
      }
    assert.equal((await told(one)).stored, 1)
    assert.equal((await told({ ...one, latitude: 42 })).stored, 1)
    assert.deepEqual(await told(one).then(({ stored, duplicates }) => [stored, duplicates]), [0, 1])
    const { rows } = await pool.query<{ latitude: number }>(
      `select latitude_e7 as latitude from positions where sequence = 77
         and device_number = (select number from devices where fleet_id = $1 and name = $2) order by 1`,
      [a.id, device.name],
    )
    assert.deepEqual(
      rows.map(({ latitude }) => latitude),
      [410_000_000, 420_000_000],
    )
  })

  test('a status of the same instant changes nothing of the record that stands', async () => {
    const { rows: drivers } = await pool.query<{ id: number }>(
      'select id from drivers where fleet_id = $1 limit 1',
      [a.id],
    )
    const driverId = drivers[0]!.id
    const at = Date.now() - 9 * DAY
    const set = (annotation: string) =>
      call(
        target,
        cookie,
        { path: 'logs.setStatus', type: 'mutation' },
        { driverId, status: 'SB', at, annotation },
      )
    assert.equal((await set('as it was')).status, 200)
    assert.equal((await set('as somebody would like it')).status, 200)
    const { rows } = await pool.query<{ annotation: string }>(
      'select annotation from duty_events where fleet_id = $1 and driver_id = $2 and at = $3',
      [a.id, driverId, new Date(at)],
    )
    assert.deepEqual(rows, [{ annotation: 'as it was' }])
  })
})

describe('what goes', () => {
  test('positions that expire, a person who is removed and a provider that goes leave the audit log whole, and who did what in it', async () => {
    const owner = new Visitor(target.url)
    await owner.signIn(a.login)
    const login = { email: 'going@carrier.example', password: 'a-few-good-words' }
    const userId = await enrolPerson(pool, { fleetId: a.id, name: 'Going Person', role: 'owner', ...login })
    const person = new Visitor(target.url)
    await person.signIn(login)
    const settings = { issuer: 'http://127.0.0.1:9', clientId: 'x', groups: [], otherwise: null }
    const saved = await person.mutate('signIn.save', {
      kind: 'oidc',
      name: 'Passing',
      enabled: false,
      settings,
    })
    assert.equal(saved.status, 200, saved.text)
    const { id } = JSON.parse(saved.text).result.data as { id: number }
    assert.equal((await person.mutate('signIn.remove', { id })).status, 200)
    const { end } = await verifyAuditChain(pool, a.id)
    assert.equal((await owner.mutate('people.remove', { userId })).status, 200)
    await dropExpired(pool, Date.now() + 500 * DAY, { log: () => undefined })
    const { rows: left } = await pool.query(
      'select from positions p join fleets f on f.number = p.fleet_number where f.id = $1',
      [a.id],
    )
    assert.equal(left.length, 0, 'the positions are gone')
    const report = await verifyAuditChain(pool, a.id, end!)
    assert.equal(report.broken, null)
    const log = JSON.parse((await owner.query('audit.list', { text: 'Going Person' })).text).result.data as {
      action: string
      objectName: string | null
    }[]
    const actions = log.map(({ action, objectName }) => `${action} ${objectName}`)
    assert.ok(actions.includes('person.removed Going Person'), `${actions}`)
    assert.ok(actions.includes('sign-in-provider.removed Passing'), `${actions}`)
  })
})

describe('a copy of the database without the key', () => {
  test('opens nothing: no session, no secret of a provider or a webhook, no mail that waits', async () => {
    const owner = new Visitor(target.url)
    await owner.signIn(a.login)
    const settings = {
      url: 'ldap://127.0.0.1:9',
      startTls: false,
      bindDn: 'cn=service',
      baseDn: 'dc=fleet',
      groups: [],
      otherwise: 'viewer',
    }
    const secret = 'the-service-account-of-1843'
    const saved = await owner.mutate('signIn.save', {
      kind: 'ldap',
      name: 'Kept',
      enabled: true,
      secret,
      settings,
    })
    assert.equal(saved.status, 200, saved.text)
    const { id: provider } = JSON.parse(saved.text).result.data as { id: number }
    await owner.mutate('people.invite', { email: 'invited@x.example', role: 'viewer', driverId: null })
    const hook = await owner.mutate('webhooks.save', {
      name: 'TMS',
      url: 'https://8.8.8.8/',
      kinds: ['limit-passed'],
      enabled: true,
    })
    assert.equal(hook.status, 200, hook.text)
    const hookSecret = String(JSON.parse(hook.text).result.data.secret)
    const { rows: tables } = await pool.query<{ name: string }>(
      `select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition`,
    )
    const hidden = [secret, hookSecret, owner.cookies.get('restline.session_token')!.split('.')[1]!]
    for (const { name } of tables) {
      const { rows } = await pool.query<{ row: string }>(`select t::text as row from ${name} t`)
      for (const one of hidden)
        for (const form of [one, Buffer.from(one).toString('hex'), Buffer.from(one).toString('base64')])
          assert.ok(!rows.some(({ row }) => row.includes(form)), `${name} holds it`)
    }
    const restored = await target.another({ AUTH_SECRET: randomBytes(32).toString('base64') })
    assert.equal(await owner.copied(restored).person(), null)
    const thief = new Visitor(restored)
    const tried = await thief.post('/api/sign-in/directory', {
      fleet: a.slug,
      provider,
      user: 'ada',
      password: 'x',
    })
    assert.equal(tried.status, 500)
    assert.deepEqual(JSON.parse(tried.text).code, 'misconfigured')
    assert.doesNotMatch(tried.text, /1843/)
  })
})

describe('uploads', () => {
  test('there are none: no door of any kind takes a form or a file', async () => {
    const boundary = 'x'.repeat(20)
    const body = `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="../../x.svg"\r\nContent-Type: image/svg+xml\r\n\r\n<svg onload=alert(1)>\r\n--${boundary}--\r\n`
    const doors = [
      '/v1/heartbeats',
      '/v1/sessions',
      '/v1/keys',
      '/v1/nothing',
      ...SIGN_IN_PATHS.map((path) => `/api/sign-in/${path}`),
      ...LOCAL_PATHS.map((path) => `/api/auth${path}`),
      ...procedures.map(({ path }) => `/api/trpc/${path}`),
      '/api/exports/1',
      '/map',
      '/account',
      '/login',
    ]
    for (const type of [
      `multipart/form-data; boundary=${boundary}`,
      'image/svg+xml',
      'application/zip',
      'image/jpeg',
    ])
      for (const door of doors) {
        const { status } = await post(door, body, {
          ...(door.startsWith('/v1') ? DEVICE : OWN),
          'content-type': type,
        })
        // A page drawn by a POST is the page, and nothing was done with what came.
        const isPage = !/^\/(v1|api)/.test(door)
        assert.ok(isPage ? status < 500 : status >= 400 && status < 500, `${door} as ${type}: ${status}`)
      }
    const { dependencies } = JSON.parse(fs.readFileSync('package.json', 'utf8')) as { dependencies: object }
    assert.deepEqual(
      Object.keys(dependencies).filter((name) =>
        /multer|busboy|formidable|unzip|adm-zip|jszip|exif|sharp/.test(name),
      ),
      [],
    )
  })
})
