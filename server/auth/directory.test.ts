import assert from 'node:assert/strict'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { addProvider, Browser, makeFleet, openDoors } from './door.testing.ts'
import { DirectorySettings, type Step } from './provider-schema.ts'
import { SERVICE_PASSWORD, Slapd } from './slapd.testing.ts'

const doors = await openDoors()
const { pool } = doors

const PEOPLE = [
  { uid: 'ada', name: 'Ada Lovelace', email: 'ada@fleet.test', password: 'engine-of-1843' },
  { uid: 'bob(1)', name: 'Bob Bracket', email: 'bob@fleet.test', password: 'brackets-(-)' },
  {
    uid: 'carl',
    cn: 'Crane, Carl',
    name: 'Carl Crane',
    email: 'carl@fleet.test',
    password: 'comma-in-the-dn',
  },
  { uid: 'nora', name: 'Nora Nobody', email: 'nora@fleet.test', password: 'in-no-group-at-all' },
  { uid: 'olga', name: 'Olga Owner', email: 'olga@fleet.test', password: 'by-the-directory' },
]
let slapd: Slapd
let fleetId: number
let provider: number

const settingsOf = (more: Partial<DirectorySettings> = {}): DirectorySettings =>
  DirectorySettings.parse({
    url: slapd.url,
    startTls: false,
    bindDn: slapd.bindDn,
    baseDn: `ou=people,${slapd.baseDn}`,
    groupBaseDn: `ou=groups,${slapd.baseDn}`,
    nameAttribute: 'displayName',
    groups: [
      { group: 'safety', role: 'compliance-officer' },
      { group: `cn=dispatch,ou=groups,${slapd.baseDn}`, role: 'dispatcher' },
    ],
    otherwise: null,
    ...more,
  })

before(async () => {
  slapd = await Slapd.start(PEOPLE, { dispatch: ['ada', 'bob(1)', 'carl'], safety: ['carl'] })
  fleetId = await makeFleet(pool, 'northern')
  provider = await addProvider(pool, fleetId, {
    kind: 'ldap',
    name: 'Head office',
    secret: SERVICE_PASSWORD,
    settings: settingsOf(),
  })
})
after(() => slapd.stop())

const enter = async (user: string, password: string, browser = new Browser(doors)) => ({
  browser,
  answer: await browser.post('/api/sign-in/directory', { fleet: 'northern', provider, user, password }),
})

const listening = async (server: Server) => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  server.unref()
  return `ldap://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** The directory behind a long line: each of its answers comes so much later. */
const slowed = (ms: number) =>
  createServer((near) => {
    const far = connect(Number(new URL(slapd.url).port), '127.0.0.1')
    near.on('data', (chunk) => far.write(chunk)).on('close', () => far.destroy())
    far.on('data', (chunk) => setTimeout(() => near.write(chunk), ms)).on('close', () => near.destroy())
    for (const socket of [near, far]) socket.on('error', () => undefined)
  })

/** Agrees to StartTLS (RFC 4511, 4.14.2) and says nothing more. */
const silentInTls = () =>
  createServer((near) => {
    near.once('data', () => near.write(Buffer.from('300c02010178070a010004000400', 'hex')))
    near.on('error', () => undefined)
  })

describe('sign-in by directory', () => {
  test('the right password opens a session in the role of the group; the second time it is the same person', async () => {
    const { browser, answer } = await enter('ada', 'engine-of-1843')
    assert.equal(answer.status, 200)
    const person = await browser.person()
    assert.deepEqual(
      [person?.name, person?.email, person?.role, person?.fleetId, person?.local],
      ['Ada Lovelace', 'ada@fleet.test', 'dispatcher', fleetId, false],
    )
    const again = await enter('ADA', 'engine-of-1843')
    assert.equal((await again.browser.person())?.userId, person?.userId)
  })

  test('the first group of the list that fits says the role, and a comma in a DN is no hindrance', async () => {
    const { browser, answer } = await enter('carl', 'comma-in-the-dn')
    assert.equal(answer.status, 200)
    assert.equal((await browser.person())?.role, 'compliance-officer')
  })

  test('a wrong password and an unknown name get one answer', async () => {
    const wrong = await enter('ada', 'not-hers')
    const unknown = await enter('nobody', 'not-hers')
    assert.deepEqual([wrong.answer.status, unknown.answer.status], [401, 401])
    assert.deepEqual(await wrong.answer.json(), await unknown.answer.json())
  })

  test('somebody in none of the groups is told so, after their password was found right', async () => {
    assert.equal((await enter('nora', 'in-no-group-at-all')).answer.status, 403)
    assert.equal((await enter('nora', 'wrong')).answer.status, 401)
  })

  test('who was removed from the fleet can’t come back by the directory', async () => {
    const { browser } = await enter('bob(1)', 'brackets-(-)')
    const bob = (await browser.person())!
    await pool.query('delete from fleet_members where user_id = $1', [bob.userId])
    assert.equal((await enter('bob(1)', 'brackets-(-)')).answer.status, 403)
  })

  test('a session of a directory is for its fleet only', async () => {
    const other = await makeFleet(pool, 'elsewhere')
    const { browser } = await enter('ada', 'engine-of-1843')
    const ada = (await browser.person())!
    await pool.query(`insert into fleet_members (fleet_id, user_id, role) values ($1, $2, 'owner')`, [
      other,
      ada.userId,
    ])
    await pool.query('delete from fleet_members where fleet_id = $1 and user_id = $2', [fleetId, ada.userId])
    assert.equal(await browser.person(), null)
    await pool.query(`insert into fleet_members (fleet_id, user_id, role) values ($1, $2, 'dispatcher')`, [
      fleetId,
      ada.userId,
    ])
    assert.equal((await browser.person())?.fleetId, fleetId)
  })

  test('attack 17: wildcards, filters and NUL bytes as a name match nobody; an empty password never binds', async () => {
    const answers = []
    for (const user of [
      '*',
      'a*',
      'ada)(uid=*',
      'ada)(|(uid=*))',
      '\\00',
      'ada\u0000',
      '*)(objectClass=*',
      '(uid=ada)',
      '\\2a',
    ]) {
      const { answer, browser } = await enter(
        user,
        'engine-of-1843',
        new Browser(doors, `198.51.100.${answers.length}`),
      )
      answers.push([user, answer.status, ((await answer.json()) as { detail: string }).detail])
      assert.equal(await browser.person(), null)
    }
    for (const answer of answers)
      assert.deepEqual(
        answer.slice(1),
        [401, 'This name and password don’t belong together.'],
        String(answer[0]),
      )
    const { askDirectory } = await import('./directory.ts')
    const steps: Step[] = []
    await assert.rejects(
      askDirectory(settingsOf(), SERVICE_PASSWORD, { user: 'ada', password: '' }, (step) => steps.push(step)),
      { code: 'unauthenticated' },
    )
    assert.deepEqual(steps, [], 'nothing was asked of the directory')
    assert.equal((await enter('ada', '')).answer.status, 401)
  })

  test('a directory that is away is 503 within its limit, never a wrong password; the owner’s own account works', async () => {
    const { enrolPerson } = await import('./people.ts')
    await enrolPerson(pool, {
      fleetId,
      name: 'Olga',
      email: 'olga@carrier.example',
      password: 'break-the-glass',
    })
    await slapd.down()
    try {
      const { answer } = await enter('ada', 'engine-of-1843')
      assert.equal(answer.status, 503)
      assert.match(((await answer.json()) as { detail: string }).detail, /can’t be reached/)
      const owner = new Browser(doors)
      assert.equal((await owner.signIn('olga@carrier.example', 'break-the-glass')).status, 200)
      assert.equal((await owner.person())?.role, 'owner')
    } finally {
      await slapd.up()
    }
  })

  test('a directory that takes the connection and says nothing is 503 after three seconds', async () => {
    const silent = createServer(() => {})
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const { port } = silent.address() as { port: number }
    const { askDirectory } = await import('./directory.ts')
    const from = performance.now()
    await assert.rejects(
      askDirectory(settingsOf({ url: `ldap://127.0.0.1:${port}` }), 'x', { user: 'ada', password: 'y' }),
      { code: 'busy' },
    )
    assert.ok(performance.now() - from < 5_000)
    silent.close()
  })

  test('a directory that answers each question slowly lets in within its limit, and is 503 beyond it; so is one that stops in StartTLS', async () => {
    const { askDirectory } = await import('./directory.ts')
    const ask = async (through: Server, password: string, more: Partial<DirectorySettings> = {}) => {
      const url = await listening(through)
      const steps: Step[] = []
      const from = performance.now()
      const end = await askDirectory(
        settingsOf({ url, ...more }),
        SERVICE_PASSWORD,
        { user: 'ada', password },
        (step) => steps.push(step),
      ).then(
        ({ name }) => name,
        ({ code }) => code,
      )
      return { end, last: steps.at(-1)!, ms: performance.now() - from }
    }
    const startTls = { startTls: true, authorities: slapd.authorities }
    // Each of these answers every question within 3 s.
    const [borne, slow, wrong, late, halfway] = await Promise.all([
      ask(slowed(400), 'engine-of-1843'),
      ask(slowed(1_100), 'engine-of-1843'),
      ask(slowed(1_100), 'not-hers'),
      ask(slowed(2_000), 'engine-of-1843', startTls),
      ask(silentInTls(), 'engine-of-1843', startTls),
    ])
    assert.equal(borne.end, 'Ada Lovelace')
    for (const [what, { end, last, ms }, title, withinMs] of [
      ['each slow', slow, 'Read their groups', 6_000],
      ['connecting slow', late, 'Connect and start TLS', 4_500],
      ['silent in StartTLS', halfway, 'Connect and start TLS', 4_500],
    ] as const) {
      assert.deepEqual([end, last.title, last.ok], ['busy', title, false], what)
      assert.match(last.detail, /not done within 3 s/, what)
      assert.ok(ms < withinMs, `${what}: ${ms} ms`)
    }
    // Its answer was there in time: what is known to be wrong is said.
    assert.equal(wrong.end, 'unauthenticated')
  })

  test('attack 15: a directory inside that the operator has not opened is never asked, at saving, testing and signing in', async () => {
    const { testProvider } = await import('./providers.ts')
    const { checkReach } = await import('./sign-in-reach.ts')
    const settings = settingsOf({ url: 'ldaps://169.254.169.254' })
    const one = { kind: 'ldap' as const, name: 'Inside', enabled: true, settings }
    const [step, ...more] = await testProvider(pool, fleetId, { ...one, secret: 'x' }, {}, Date.now())
    assert.deepEqual([step?.title, step?.ok, more], ['Find the address', false, []])
    assert.match(step!.detail, /169\.254\.169\.254, which is not an address of the public Internet/)
    await assert.rejects(checkReach(one), { code: 'unacceptable', field: 'url' })
    await checkReach({ ...one, enabled: false })
    const id = await addProvider(pool, fleetId, { ...one, secret: 'x' })
    const answer = await new Browser(doors).post('/api/sign-in/directory', {
      fleet: 'northern',
      provider: id,
      user: 'ada',
      password: 'y',
    })
    assert.equal(answer.status, 503)
    const issuer = {
      kind: 'oidc' as const,
      name: 'Inside too',
      enabled: true,
      settings: {
        issuer: 'https://10.0.0.1',
        clientId: 'c',
        scope: 'openid',
        groupsClaim: 'groups',
        groups: [],
        otherwise: null,
      },
    }
    await assert.rejects(checkReach(issuer), { code: 'unacceptable', field: 'issuer' })
    const [first] = await testProvider(pool, fleetId, { ...issuer, secret: 'x' }, {}, Date.now())
    assert.equal(first?.ok, false)
    assert.match(first!.detail, /not an address of the public Internet/)
  })

  test('TLS: by ldaps and by StartTLS with the directory’s own authority, and not with a stranger’s', async () => {
    const { askDirectory } = await import('./directory.ts')
    const who = { user: 'ada', password: 'engine-of-1843' }
    const authorities = slapd.authorities
    for (const more of [
      { url: slapd.ldapsUrl, authorities },
      { url: slapd.url.replace('127.0.0.1', 'localhost'), startTls: true, authorities },
    ]) {
      assert.equal((await askDirectory(settingsOf(more), SERVICE_PASSWORD, who)).name, 'Ada Lovelace')
    }
    await assert.rejects(askDirectory(settingsOf({ url: slapd.ldapsUrl }), SERVICE_PASSWORD, who), {
      code: 'busy',
    })
  })

  test('without TLS only a directory on this machine can be entered', () => {
    const one = (url: string, startTls: boolean) =>
      DirectorySettings.safeParse({ ...settingsOf(), url, startTls }).success
    assert.deepEqual(
      [
        one('ldap://directory.example', false),
        one('ldap://directory.example', true),
        one('ldaps://directory.example', false),
        one('ldap://localhost:389', false),
        one('ldap://127.0.0.1.evil.example', false),
      ],
      [false, true, true, true, false],
    )
  })

  test('the test of a directory says each step, and the true reason where one fails', async () => {
    const { testProvider } = await import('./providers.ts')
    const saved = {
      kind: 'ldap' as const,
      id: provider,
      name: 'Head office',
      enabled: true,
      settings: settingsOf(),
    }
    const run = (more: object, who = {}) =>
      testProvider(pool, fleetId, { ...saved, ...more }, who, Date.now())
    const titles = (steps: Step[]) => steps.map(({ title, ok }) => `${ok ? '+' : '-'} ${title}`)
    assert.deepEqual(titles(await run({})), ['+ Sign in as the service account', '+ Look for people'])
    assert.deepEqual(titles(await run({}, { user: 'carl', password: 'comma-in-the-dn' })), [
      '+ Sign in as the service account',
      '+ Find the person',
      '+ Check their password',
      '+ Read their groups',
      '+ Name and address',
    ])
    const [refused] = await run({ secret: 'not-it' })
    assert.equal(refused?.ok, false)
    assert.match(refused!.detail, /answers 49/)
    assert.deepEqual(
      titles(await run({}, { user: 'carl', password: 'wrong' })).at(-1),
      '- Check their password',
    )
    // The stored secret goes only to where it was entered for.
    await assert.rejects(run({ settings: settingsOf({ url: 'ldap://localhost:1' }) }), { field: 'secret' })
  })

  test('the test of a directory guesses passwords no faster than the sign-in: they have one count', async () => {
    const { appRouter } = await import('../router.ts')
    const { createCaller } = await import('../trpc.ts')
    const principal = {
      kind: 'person' as const,
      ...{ userId: 'u', name: 'Ada', email: 'ada@x.example', sessionId: 's' },
      ...{ fleetId, role: 'owner' as const, driverId: null, local: true },
    }
    const source = { address: '198.51.100.99', requestId: 'r' }
    const caller = createCaller(appRouter)({ principal, db: pool, now: Date.now(), source })
    const saved = { kind: 'ldap' as const, id: provider, name: 'Head office', enabled: true }
    const guess = () =>
      caller.signIn.test({ provider: { ...saved, settings: settingsOf() }, user: 'carl', password: 'wrong' })
    for (let i = 0; i < 10; i++) assert.equal((await guess()).at(-1)?.title, 'Check their password')
    await assert.rejects(guess(), { code: 'TOO_MANY_REQUESTS' })
    assert.equal((await enter('carl', 'comma-in-the-dn')).answer.status, 429)
    await pool.query('delete from sign_in_attempts')
  })

  test('a local member connects the directory to their account, and then both ways lead to it', async () => {
    const { enrolPerson } = await import('./people.ts')
    const userId = await enrolPerson(pool, {
      fleetId,
      name: 'Olga',
      email: 'olga@fleet.test',
      password: 'her-own-words',
    })
    // The same e-mail links nothing by itself.
    await pool.query(
      `update sign_in_providers set settings = settings || '{"otherwise":"viewer"}' where id = $1`,
      [provider],
    )
    assert.equal((await enter('olga', 'by-the-directory')).answer.status, 409)
    const browser = new Browser(doors)
    await browser.signIn('olga@fleet.test', 'her-own-words')
    const connect = { fleet: 'northern', provider, user: 'olga', password: 'by-the-directory', connect: true }
    assert.equal((await browser.post('/api/sign-in/directory', connect)).status, 200)
    const { browser: other } = await enter('olga', 'by-the-directory')
    assert.equal((await other.person())?.userId, userId)
    assert.equal((await other.person())?.role, 'owner', 'a group does not unmake an owner')
  })
})
