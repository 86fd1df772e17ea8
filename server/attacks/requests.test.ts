import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import { can, ROLES, ROUTES, type Role, type Route } from '../auth/can.ts'
import { SIGN_IN_PATHS } from '../auth/door.ts'
import { LOCAL_PATHS } from '../auth/local.ts'
import { enrolPerson } from '../auth/people.ts'
import { freePort } from '../db/embedded.ts'
import { exported } from './exports.testing.ts'
import { digestOf, startTarget } from './running.testing.ts'
import { procedures, sample } from './sample.testing.ts'
import { type Heard, Visitor } from './visitor.testing.ts'

const target = await startTarget()
const { pool, a, b } = target
const owner = new Visitor(target.url)
assert.equal((await owner.signIn(a.login)).status, 200)

/** Every page and door of app/, from the tree itself. */
const files = (fs.readdirSync('app', { recursive: true }) as string[]).filter((file) =>
  /(^|\/)(page\.tsx|route\.ts)$/.test(file),
)
const routeOf = (file: string) =>
  `/${path.dirname(file)}`.replace(/\/\([^)]*\)/g, '').replace(/\/\.$/, '') || '/'

describe('attack 20: requests of another site', () => {
  /** What a form, a script of another site or a link can make a browser send. */
  const FOREIGN: Record<string, Record<string, string>> = {
    'a form': { 'content-type': 'application/x-www-form-urlencoded' },
    'a form with files': { 'content-type': 'multipart/form-data; boundary=x' },
    'JSON as text': { 'content-type': 'text/plain' },
    'JSON without a type': { 'content-type': '' },
    'a form of another site': {
      'content-type': 'application/x-www-form-urlencoded',
      origin: 'https://evil.example',
    },
    'JSON as text of another site': { 'content-type': 'text/plain', origin: 'https://evil.example' },
    'JSON of another site': { origin: 'https://evil.example' },
    'JSON of a sandboxed frame': { origin: 'null' },
    'JSON of a neighbour’s port': { origin: 'http://127.0.0.1:1' },
    'JSON of a name that begins like ours': { origin: `${target.url}.evil.example` },
    'JSON without an Origin': { origin: '' },
  }
  const mutations = procedures.filter(({ type, path }) => type === 'mutation' && path !== 'heartbeat.report')
  const input = ({ schema }: (typeof procedures)[number]) =>
    JSON.stringify(schema ? sample(schema, { id: 4_503_599_627_370_497 }) : {})

  test('attack 20: no procedure that changes something hears them, one by one or in a batch', async () => {
    assert.ok(mutations.length > 20)
    const before = await digestOf(pool, a.id)
    for (const mutation of mutations)
      for (const [what, headers] of Object.entries(FOREIGN)) {
        const at = `/api/trpc/${mutation.path}`
        const { status } = await owner.send('POST', at, { body: input(mutation), headers })
        assert.equal(status, 403, `${mutation.path} by ${what}`)
      }
    for (const headers of Object.values(FOREIGN))
      for (const batch of ['fleet.me,account.signOutEverywhere', 'account.signOutEverywhere,fleet.me']) {
        const heard = await owner.send('POST', `/api/trpc/${batch}?batch=1`, {
          body: '{"0":{},"1":{}}',
          headers,
        })
        assert.equal(heard.status, 403, batch)
      }
    assert.ok(await owner.person(), 'still signed in')
    assert.deepEqual(await digestOf(pool, a.id), before)
  })

  test('attack 20: a link changes nothing: GET of a procedure, of a batch with one, under any spelling', async () => {
    const before = await digestOf(pool, a.id)
    for (const mutation of mutations) {
      const asked = encodeURIComponent(input(mutation))
      const { status } = await owner.get(`/api/trpc/${mutation.path}?input=${asked}`)
      assert.equal(status, 403, mutation.path)
    }
    for (const spelling of [
      'fleet.me,account.signOutEverywhere?batch=1&input={}',
      'account.signOutEverywhere,fleet.me?batch=1&input={}',
      'fleet.me%2Caccount.signOutEverywhere?batch=1&input={}',
      'account%2EsignOutEverywhere',
      'account%252EsignOutEverywhere',
      'fleet.me/../account.signOutEverywhere',
      'account.signOutEverywhere?_method=POST',
    ]) {
      const { status } = await owner.get(`/api/trpc/${spelling}`)
      assert.ok(status >= 400 && status < 500, `${spelling}: ${status}`)
    }
    assert.ok(await owner.person(), 'still signed in')
    assert.deepEqual(await digestOf(pool, a.id), before)
  })

  const doors = [
    ...LOCAL_PATHS.map((one) => `/api/auth${one}`),
    ...SIGN_IN_PATHS.map((one) => `/api/sign-in/${one}`),
  ]
  test('attack 20: every other door that takes a POST refuses them too', async () => {
    const posting = files.filter(
      (file) => file.endsWith('route.ts') && /\bPOST\b/.test(fs.readFileSync(path.join('app', file), 'utf8')),
    )
    assert.deepEqual(posting.map(routeOf).toSorted(), ['/api/auth/[...all]', '/api/sign-in/[...step]'])
    const before = await digestOf(pool, a.id)
    for (const door of doors) {
      for (const [what, headers] of Object.entries(FOREIGN)) {
        const { status } = await owner.send('POST', door, { body: '{}', headers })
        assert.equal(status, 403, `${door} by ${what}`)
      }
      if (!door.includes('/passkey/generate-')) {
        const { status } = await owner.get(door)
        assert.ok([404, 405].includes(status), `GET ${door}: ${status}`)
      }
    }
    assert.ok(await owner.person(), 'still signed in')
    assert.deepEqual(await digestOf(pool, a.id), before)
  })

  test('a method that a door has not is refused with those that it has (RFC 9110, 15.5.6)', async () => {
    for (const [door, allow] of [
      ['/api/exports/1', 'GET'],
      ['/api/sign-in/begin', 'GET, HEAD, POST'],
    ] as const) {
      const answer = await fetch(target.url + door, { method: 'DELETE' })
      assert.deepEqual([answer.status, answer.headers.get('allow')], [405, allow])
      await answer.text()
    }
  })

  test('attack 20: pages have no actions that a form could post to', async () => {
    const sources = ['app', 'components'].flatMap((room) =>
      (fs.readdirSync(room, { recursive: true }) as string[])
        .filter((file) => /\.tsx?$/.test(file))
        .map((file) => path.join(room, file)),
    )
    for (const file of sources)
      assert.doesNotMatch(fs.readFileSync(file, 'utf8'), /^\s*['"]use server['"]/m, file)
  })
})

describe('attack 03: every page and door, by every role, of one’s own fleet and of another', () => {
  interface Things {
    vehicle: number
    driver: number
    device: number
    /** Of the person who asks, if they may have any. */
    file: number
  }
  const first = async (table: 'vehicles' | 'drivers' | 'devices', fleetId: number) =>
    (
      await pool.query<{ id: number }>(`select id from ${table} where fleet_id = $1 order by id limit 1`, [
        fleetId,
      ])
    ).rows[0]!.id
  const thingsOf = async ({ id }: { id: number }): Promise<Things> => ({
    vehicle: await first('vehicles', id),
    driver: await first('drivers', id),
    device: await first('devices', id),
    file: 0,
  })
  const DAYS = 'from=2026-11-20&until=2026-11-24'
  /** How to ask for each; a page or door that is not here fails the test. */
  const ASK: Record<Route, (things: Things) => string> = {
    '/': () => '/',
    '/login': () => '/login',
    '/reset': () => '/reset',
    '/join': () => '/join',
    '/account': () => '/account',
    '/settings/people': () => '/settings/people',
    '/settings/sign-in': () => '/settings/sign-in',
    '/settings/webhooks': () => '/settings/webhooks',
    '/map': () => '/map',
    '/vehicles': () => '/vehicles',
    '/vehicles/[id]': ({ vehicle }) => `/vehicles/${vehicle}`,
    '/drivers': () => '/drivers',
    '/drivers/[id]': ({ driver }) => `/drivers/${driver}`,
    '/drivers/[id]/logs/[day]': ({ driver }) => `/drivers/${driver}/logs/2026-11-24`,
    '/alerts': () => '/alerts',
    '/devices': () => '/devices',
    '/devices/[id]': ({ device }) => `/devices/${device}`,
    '/devices/keys': () => '/devices/keys',
    '/settings/device-sign-in': () => '/settings/device-sign-in',
    '/export': () => '/export',
    '/audit': () => '/audit',
    '/lab': () => '/lab',
    '/print/driver-days': ({ driver }) => `/print/driver-days?driver=${driver}&${DAYS}`,
    '/print/violations': () => `/print/violations?${DAYS}`,
    '/api/auth/[...all]': () => '/api/auth/get-session',
    '/api/sign-in/[...step]': () => '/api/sign-in/directory',
    '/api/exports/[id]': ({ file }) => `/api/exports/${file}`,
  }
  const people = new Map<Role, Visitor>()

  test('attack 03: every page and door of app/ has a way to be asked for here, and none is left over', () => {
    assert.deepEqual(files.map(routeOf).toSorted(), Object.keys(ASK).toSorted())
  })

  const opens = ({ status, headers }: Heard) =>
    status === 200 || (status >= 300 && status < 400 && !/^\/login/.test(headers.location ?? ''))

  test('attack 03: a stranger is led to the sign-in or gets 401, and so does a device with its token', async () => {
    const ours = await thingsOf(a)
    for (const [route, ask] of Object.entries(ASK)) {
      if (ROUTES[route as Route] === 'anyone') continue
      for (const authorization of ['', `Bearer ${a.devices[0]!.token}`]) {
        const { status, headers: said } = await new Visitor(target.url).get(ask(ours), { authorization })
        if (route.startsWith('/api/')) assert.equal(status, 401, route)
        else assert.match(`${status} ${said.location}`, /^307 \/login/, route)
      }
    }
  })

  test('attack 03: a role sees what the table says; the others get 403, and the reason', async () => {
    const ours = await thingsOf(a)
    for (const role of ROLES) {
      const login = { email: `${role}@roles.example`, password: 'a-few-good-words' }
      const userId = await enrolPerson(pool, { fleetId: a.id, name: `The ${role}`, role, ...login })
      if (role === 'driver')
        await pool.query('update fleet_members set driver_id = $2 where user_id = $1', [userId, ours.driver])
      const visitor = new Visitor(target.url)
      assert.equal((await visitor.signIn(login)).status, 200)
      people.set(role, visitor)
      const { id: file } = can(role, 'reports.export')
        ? await exported(target, visitor.cookie, {
            kind: 'violations',
            from: '2026-11-20',
            until: '2026-11-24',
          })
        : { id: 0 }
      for (const [route, ask] of Object.entries(ASK)) {
        const action = ROUTES[route as Route]
        if (action === 'anyone') continue
        const heard = await visitor.get(ask({ ...ours, file }))
        if (can(role, action)) assert.ok(opens(heard), `${route} by ${role}: ${heard.status}`)
        else {
          assert.equal(heard.status, 403, `${route} by ${role}`)
          assert.match(heard.text, route.startsWith('/api/') ? /This is for/ : /not for your role/, route)
        }
      }
    }
  })

  test('attack 03: the same with ids of another fleet: nothing of it, and the answer of an id that is none', async () => {
    const theirOwner = new Visitor(target.url)
    await theirOwner.signIn(b.login)
    const theirFile = await exported(target, theirOwner.cookie, { kind: 'audit' })
    const [theirs, ours] = [{ ...(await thingsOf(b)), file: theirFile.id }, await thingsOf(a)]
    const nothing = {
      vehicle: 4_503_599_627_370_497,
      driver: 4_503_599_627_370_497,
      device: 4_503_599_627_370_497,
      file: 4_503_599_627_370_497,
    }
    const { rows } = await pool.query<{ name: string }>(
      `select name from drivers where fleet_id = $1 and name not in (select name from drivers where fleet_id <> $1)
       union select name from fleets where id = $1`,
      [b.id],
    )
    assert.ok(rows.length > 0)
    const before = await digestOf(pool, b.id)
    for (const [role, visitor] of people)
      for (const ask of Object.values(ASK)) {
        if (ask(theirs) === ask(ours)) continue
        const [foreign, unknown] = [await visitor.get(ask(theirs)), await visitor.get(ask(nothing))]
        assert.equal(foreign.status, unknown.status, `${ask(theirs)} by ${role}`)
        for (const { name } of rows) assert.ok(!foreign.text.includes(name), `${ask(theirs)} tells "${name}"`)
      }
    assert.deepEqual(await digestOf(pool, b.id), before)
  })

  test('every file and sheet that was taken away stands in the audit log, with who asked for what', async () => {
    const { rows } = await pool.query<{ actor: string; id: string; after: object }>(
      `select actor_name as actor, object_id as id, after::jsonb as after from audit_log
       where fleet_id = $1 and action = 'report.exported' and actor_name = 'The compliance-officer' order by sequence`,
      [a.id],
    )
    assert.deepEqual(
      rows.map(({ id }) => id),
      ['driver-days on paper', 'violations on paper', 'violations-2026-11-20-2026-11-24.csv'],
    )
    assert.deepEqual(rows[1]!.after, { from: '2026-11-20', until: '2026-11-24' })
    const { export: file, sha256, ...report } = rows[2]!.after as Record<string, unknown>
    assert.deepEqual(report, { kind: 'violations', from: '2026-11-20', until: '2026-11-24' })
    assert.match(String(sha256), /^[0-9a-f]{64}$/)
    const asked = await pool.query<{ after: object }>(
      `select after::jsonb as after from audit_log
       where fleet_id = $1 and action = 'export.asked' and object_id = $2 and actor_name = 'The compliance-officer'`,
      [a.id, String(file)],
    )
    assert.deepEqual(asked.rows, [{ after: { name: 'violations-2026-11-20-2026-11-24.csv', report } }])
  })
})

describe('attack 25: secrets that are none', () => {
  const good = randomBytes(32).toString('base64')
  const SECRETS: Record<string, [Record<string, string>, RegExp]> = {
    'no secret': [{}, /AUTH_SECRET is missing/],
    'an empty one': [{ AUTH_SECRET: '' }, /AUTH_SECRET must have at least 32 bytes/],
    'a short one': [{ AUTH_SECRET: good.slice(0, 31) }, /AUTH_SECRET must have at least 32 bytes/],
    'a sample': [{ AUTH_SECRET: 'change-me-change-me-change-me-change-me' }, /AUTH_SECRET is a sample/],
    'one letter': [{ AUTH_SECRET: 'a'.repeat(40) }, /AUTH_SECRET is a sample/],
    'a sample as the one before': [
      { AUTH_SECRET: good, AUTH_SECRET_PREVIOUS: 'example-secret-of-the-documentation-123' },
      /AUTH_SECRET_PREVIOUS is a sample/,
    ],
    'a short one for the metrics': [
      { AUTH_SECRET: good, METRICS_TOKEN: good.slice(0, 31) },
      /METRICS_TOKEN must have at least 32 bytes/,
    ],
    'a sample for the metrics': [
      { AUTH_SECRET: good, METRICS_TOKEN: 'change-me-change-me-change-me-change-me' },
      /METRICS_TOKEN is a sample/,
    ],
  }
  for (const program of ['main', 'worker'])
    for (const [what, [settings, expected]] of Object.entries(SECRETS).filter(
      ([what]) => program === 'main' || what === 'a sample',
    ))
      test(`attack 25: server/${program}.ts does not start in production with ${what}`, async () => {
        const { AUTH_SECRET: _, AUTH_SECRET_FILE: __, ...rest } = process.env
        const port = await freePort()
        const child = spawn(process.execPath, ['--import', 'tsx', `server/${program}.ts`], {
          env: {
            ...rest,
            NODE_ENV: 'production',
            DATABASE_URL: target.databaseUrl,
            PORT: String(port),
            ...settings,
          },
          stdio: ['ignore', 'pipe', 'pipe'],
        })
        let said = ''
        for (const stream of [child.stdout, child.stderr])
          stream.setEncoding('utf8').on('data', (part: string) => {
            said += part
            if (/listening on|has started/.test(said)) child.kill('SIGKILL')
          })
        const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
        assert.ok(code !== null && code !== 0, `it ended with ${code}: ${said}`)
        assert.match(said, expected)
        for (const value of Object.values(settings))
          assert.ok(value.length < 8 || !said.includes(value), 'the secret is not printed')
      })
})
