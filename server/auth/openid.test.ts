import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { addProvider, Browser, makeFleet, ORIGIN, openDoors } from './door.testing.ts'
import { badTokens, HostileProvider } from './hostile.testing.ts'
import { OpenIdServer, type Subject, signInAt } from './oidc.testing.ts'
import { OpenIdSettings } from './provider-schema.ts'

const doors = await openDoors()
const { pool } = doors

const PEOPLE: Subject[] = [
  { sub: 'u-ada', name: 'Ada', email: 'ada@fleet.test', emailVerified: true, groups: ['dispatch'] },
  { sub: 'u-eve', name: 'Eve', email: 'owner@fleet.test', emailVerified: false, groups: ['dispatch'] },
  { sub: 'u-oscar', name: 'Oscar', email: 'owner@fleet.test', emailVerified: true, groups: ['dispatch'] },
]
const SECRET = 'client-secret-of-the-tests'
let fleetId: number
const servers: OpenIdServer[] = []
const ids: number[] = []

const callbackOf = (id: number) => `${ORIGIN}/api/sign-in/callback/${fleetId.toString(36)}-${id.toString(36)}`
const settingsOf = (issuer: string) =>
  OpenIdSettings.parse({
    issuer,
    clientId: 'restline',
    groups: [{ group: 'dispatch', role: 'dispatcher' }],
    otherwise: null,
  })

before(async () => {
  fleetId = await makeFleet(pool, 'northern')
  for (const name of ['First', 'Second']) {
    // A client that may come back to either: what keeps them apart must be ours.
    const callback = () => ids.map(callbackOf)
    const server = await OpenIdServer.start(PEOPLE, { id: 'restline', secret: SECRET, callback })
    servers.push(server)
    ids.push(
      await addProvider(pool, fleetId, {
        kind: 'oidc',
        name,
        secret: SECRET,
        settings: settingsOf(server.issuer),
      }),
    )
  }
  const { enrolPerson } = await import('./people.ts')
  await enrolPerson(pool, { fleetId, name: 'Owner', email: 'owner@fleet.test', password: 'an-owner-of-it' })
})
after(async () => {
  for (const server of servers) await server.stop()
})

const begin = async (browser: Browser, which = 0, next = '/') => {
  const answer = await browser.post('/api/sign-in/begin', { fleet: 'northern', provider: ids[which], next })
  assert.equal(answer.status, 200)
  return ((await answer.json()) as { url: string }).url
}
const back = async (browser: Browser, url: string) => {
  const { pathname, search } = new URL(url)
  const answer = await browser.get(pathname + search)
  assert.equal(answer.status, 303)
  return answer.headers.get('location')
}
const enter = async (sub: string, { which = 0, next = '/', browser = new Browser(doors) } = {}) => ({
  browser,
  to: await back(browser, await signInAt(await begin(browser, which, next), sub)),
})
const REFUSED = `${ORIGIN}/login?refused=unauthenticated`

describe('sign-in by OpenID Connect', () => {
  test('a person is let in in the role of their group, to where they were going, and known again', async () => {
    const { browser, to } = await enter('u-ada', { next: '/alerts?state=open' })
    assert.equal(to, `${ORIGIN}/alerts?state=open`)
    const person = await browser.person()
    assert.deepEqual(
      [person?.name, person?.email, person?.role, person?.local],
      ['Ada', 'ada@fleet.test', 'dispatcher', false],
    )
    assert.equal((await (await enter('u-ada')).browser.person())?.userId, person?.userId)
  })

  test('the same name at another provider is another person', async () => {
    const first = await (await enter('u-ada')).browser.person()
    await pool.query(`update fleet_members set email = null where user_id = $1`, [first!.userId])
    const second = await (await enter('u-ada', { which: 1 })).browser.person()
    assert.ok(second)
    assert.notEqual(second.userId, first?.userId)
  })

  test('attack 18: a wrong, missing or used state is refused', async () => {
    for (const change of [
      (url: URL) => url.searchParams.set('state', 'another'),
      (url: URL) => url.searchParams.delete('state'),
      (url: URL) => url.searchParams.delete('iss'),
      (url: URL) => url.searchParams.set('iss', 'https://evil.example'),
      (url: URL) => url.searchParams.set('code', 'made-up'),
    ]) {
      const browser = new Browser(doors)
      const url = new URL(await signInAt(await begin(browser), 'u-ada'))
      change(url)
      assert.equal(await back(browser, url.href), REFUSED)
      assert.equal(await browser.person(), null)
    }
    const browser = new Browser(doors)
    const url = await signInAt(await begin(browser), 'u-ada')
    assert.equal(await back(browser, url), `${ORIGIN}/`)
    assert.equal(await back(browser, url), REFUSED, 'the flow was over')
    // A link that somebody else's sign-in ended with signs nobody in as them.
    assert.equal(await back(new Browser(doors), url), REFUSED)
  })

  test('attack 18: a code of the second provider at the first one’s callback is refused, and the reverse', async () => {
    for (const [at, other] of [
      [0, 1],
      [1, 0],
    ] as const) {
      const browser = new Browser(doors)
      await begin(browser, at)
      const stranger = new Browser(doors)
      const url = new URL(await signInAt(await begin(stranger, other), 'u-ada'))
      url.pathname = new URL(callbackOf(ids[at]!)).pathname
      assert.equal(await back(browser, url.href), REFUSED)
      assert.equal(await back(stranger, url.href), REFUSED)
      assert.equal(await browser.person(), null)
    }
  })

  test('attack 18: an e-mail that is a member’s links nothing, checked by the provider or not', async () => {
    const owner = await pool.query<{ id: string }>(`select id from users where email = 'owner@fleet.test'`)
    const eve = await enter('u-eve')
    const person = await eve.browser.person()
    assert.notEqual(person?.userId, owner.rows[0]!.id)
    assert.equal(person?.role, 'dispatcher')
    assert.doesNotMatch(person!.email, /owner@/, 'an address that nobody checked is not shown as theirs')
    const oscar = await enter('u-oscar')
    assert.equal(oscar.to, `${ORIGIN}/login?refused=conflict`)
    assert.equal(await oscar.browser.person(), null)
  })

  test('attack 18: the way back is a path of ours, whatever was asked for', async () => {
    for (const next of [
      'https://evil.example',
      '//evil.example',
      '/\\evil.example',
      'javascript:alert(1)',
      '/\t/evil.example',
    ]) {
      assert.equal((await enter('u-ada', { next })).to, `${ORIGIN}/`, next)
    }
  })

  test('a member connects a provider to their account, and is then known by it', async () => {
    const browser = new Browser(doors)
    await browser.signIn('owner@fleet.test', 'an-owner-of-it')
    const mine = (await browser.person())!
    const answer = await browser.post('/api/sign-in/begin', {
      fleet: 'northern',
      provider: ids[0],
      next: '/account',
      connect: true,
    })
    const { url } = (await answer.json()) as { url: string }
    assert.equal(await back(browser, await signInAt(url, 'u-oscar')), `${ORIGIN}/account`)
    assert.equal((await browser.person())?.sessionId, mine.sessionId)
    assert.equal((await (await enter('u-oscar')).browser.person())?.userId, mine.userId)
  })

  test('the test of a provider says each step; one that is away is 503', async () => {
    const { testProvider } = await import('./providers.ts')
    const saved = {
      kind: 'oidc' as const,
      id: ids[0],
      name: 'First',
      enabled: true,
      settings: settingsOf(servers[0]!.issuer),
    }
    const run = async (more: object) =>
      (await testProvider(pool, fleetId, { ...saved, ...more }, {}, Date.now())).map(
        ({ title, ok }) => `${ok ? '+' : '-'} ${title}`,
      )
    const steps = ['+ Read what the provider publishes', '+ Read its signing keys', '+ Look for PKCE']
    assert.deepEqual(await run({}), [...steps, '+ Show the client id and secret'])
    assert.deepEqual(await run({ secret: 'not-it' }), [...steps, '- Show the client id and secret'])
    const gone = settingsOf('http://127.0.0.1:9')
    assert.deepEqual(await run({ settings: gone, secret: 'x' }), ['- Read what the provider publishes'])
    const id = await addProvider(pool, fleetId, { kind: 'oidc', name: 'Gone', secret: 'x', settings: gone })
    const answer = await new Browser(doors).post('/api/sign-in/begin', { fleet: 'northern', provider: id })
    assert.equal(answer.status, 503)
  })
})

describe('a provider’s ID token', () => {
  const hostile = new HostileProvider()
  let provider: number
  before(async () => {
    await hostile.start()
    provider = await addProvider(pool, fleetId, {
      kind: 'oidc',
      name: 'Hostile',
      secret: SECRET,
      settings: settingsOf(hostile.issuer),
    })
  })
  after(() => void hostile.server.close())

  const tryToken = async (make: HostileProvider['make']) => {
    hostile.make = make
    const browser = new Browser(doors)
    const answer = await browser.post('/api/sign-in/begin', { fleet: 'northern', provider })
    const sent = new URL(((await answer.json()) as { url: string }).url).searchParams
    hostile.nonce = sent.get('nonce')!
    const to = await back(browser, `${callbackOf(provider)}?code=c&state=${sent.get('state')}`)
    return { to, person: await browser.person() }
  }

  test('a good one lets in', async () => {
    const { to, person } = await tryToken((claims) => hostile.signed(claims))
    assert.equal(to, `${ORIGIN}/`)
    assert.equal(person?.role, 'dispatcher')
  })

  for (const [what, make] of Object.entries(badTokens(hostile, SECRET))) {
    test(`attack 18: an ID token with ${what} is refused`, async () => {
      const { to, person } = await tryToken(make)
      assert.equal(to, REFUSED)
      assert.equal(person, null)
    })
  }
})
