import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { badTokens, HostileProvider } from '../auth/hostile.testing.ts'
import { OpenIdServer, type Subject, signInAt } from '../auth/oidc.testing.ts'
import { SERVICE_PASSWORD, Slapd } from '../auth/slapd.testing.ts'
import { startTarget } from './running.testing.ts'
import { type Heard, Visitor } from './visitor.testing.ts'

const target = await startTarget()
const { pool, a } = target
const owner = new Visitor(target.url)

/** Saves a provider as the settings page does. */
async function addProvider(kind: 'ldap' | 'oidc', name: string, secret: string, settings: object) {
  const saved = await owner.mutate('signIn.save', { kind, name, enabled: true, secret, settings })
  assert.equal(saved.status, 200, saved.text)
  return (JSON.parse(saved.text) as { result: { data: { id: number } } }).result.data.id
}

before(async () => {
  assert.equal((await owner.signIn(a.login)).status, 200)
})

describe('attack 17: LDAP injection and the empty bind', () => {
  const COMMA = {
    uid: 'comma',
    name: 'Lovelace, Ada',
    cn: 'Lovelace, Ada',
    email: 'l@fleet.test',
    password: 'of-l',
  }
  const ADA = { uid: 'ada', name: 'Ada King', email: 'ada@fleet.test', password: 'engine-of-1843' }
  let slapd: Slapd
  let provider: number
  before(async () => {
    slapd = await Slapd.start([ADA, COMMA], { dispatch: ['ada', 'comma'] })
    provider = await addProvider('ldap', 'Directory', SERVICE_PASSWORD, {
      url: slapd.url,
      startTls: false,
      baseDn: slapd.baseDn,
      bindDn: slapd.bindDn,
      nameAttribute: 'displayName',
      groupBaseDn: `ou=groups,${slapd.baseDn}`,
      groups: [{ group: 'dispatch', role: 'dispatcher' }],
      otherwise: null,
    })
  })
  after(() => slapd.stop())

  const enter = async (user: string, password: string) => {
    const visitor = new Visitor(target.url)
    const heard = await visitor.post('/api/sign-in/directory', { fleet: a.slug, provider, user, password })
    return { visitor, heard, person: await visitor.person() }
  }
  const refusal = ({ status, text }: Heard) => [status, text]

  test('attack 17: the right password enters, also under a DN with a comma in it', async () => {
    for (const { uid, name, password } of [ADA, COMMA])
      assert.equal((await enter(uid, password)).person?.name, name)
  })

  test('attack 17: no wildcard, filter, DN or NUL byte matches anybody, and all get the answer of a wrong password', async () => {
    const wrong = refusal((await enter('ada', 'not-the-password')).heard)
    assert.deepEqual([wrong[0], JSON.parse(String(wrong[1])).code], [401, 'unauthenticated'])
    for (const user of [
      '*',
      'ad*',
      'ada)(uid=*',
      '*)(|(uid=*',
      'ada)(|(uid=*))',
      '(uid=ada)',
      '\\00',
      '\\2a',
      'ada\u0000',
      `uid=ada,ou=people,${slapd.baseDn}`,
      'Lovelace, Ada',
      'Lovelace\\, Ada',
      'nobody',
    ]) {
      const { heard, person } = await enter(user, ADA.password)
      assert.deepEqual(refusal(heard), wrong, user)
      assert.equal(heard.headers['set-cookie'], undefined)
      assert.equal(person, null, user)
    }
  })

  test('attack 17: an empty password is refused before any bind', async () => {
    const wrong = refusal((await enter('ada', 'not-the-password')).heard)
    assert.deepEqual(refusal((await enter('ada', '')).heard), wrong)
    // With the directory away everything that asks it is 503: so this one does not ask.
    await slapd.down()
    try {
      assert.equal((await enter('ada', ADA.password)).heard.status, 503)
      for (const user of ['ada', '*', ''])
        assert.deepEqual(refusal((await enter(user, '')).heard), wrong, user)
    } finally {
      await slapd.up()
    }
  })
})

describe('attack 18: OpenID Connect', () => {
  const SECRET = 'client-secret-of-the-tests'
  const PEOPLE: Subject[] = [
    { sub: 'u-ada', name: 'Ada', email: 'ada@openid.test', emailVerified: true, groups: ['dispatch'] },
    { sub: 'u-eve', name: 'Eve', email: a.login.email, emailVerified: false, groups: ['dispatch'] },
    { sub: 'u-oscar', name: 'Oscar', email: a.login.email, emailVerified: true, groups: ['dispatch'] },
    { sub: 'u-none', name: 'Nobody', email: 'n@openid.test', emailVerified: true, groups: ['cleaners'] },
  ]
  const servers: OpenIdServer[] = []
  const hostile = new HostileProvider()
  const ids: number[] = []
  const settingsOf = (issuer: string) => ({
    issuer,
    clientId: 'restline',
    groups: [{ group: 'dispatch', role: 'dispatcher' }],
    otherwise: null,
  })
  const callbackOf = (id: number) => `/api/sign-in/callback/${a.id.toString(36)}-${id.toString(36)}`
  before(async () => {
    for (const name of ['First', 'Second']) {
      // A client that may come back to either: what keeps them apart must be ours.
      const callback = () => ids.map((id) => target.url + callbackOf(id))
      const server = await OpenIdServer.start(PEOPLE, { id: 'restline', secret: SECRET, callback })
      servers.push(server)
      ids.push(await addProvider('oidc', name, SECRET, settingsOf(server.issuer)))
    }
    await hostile.start()
    ids.push(await addProvider('oidc', 'Hostile', SECRET, settingsOf(hostile.issuer)))
  })
  after(async () => {
    hostile.server.close()
    for (const server of servers) await server.stop()
  })

  const begin = async (visitor: Visitor, which = 0, next = '/') => {
    const begun = await visitor.post('/api/sign-in/begin', { fleet: a.slug, provider: ids[which], next })
    assert.equal(begun.status, 200, begun.text)
    return (JSON.parse(begun.text) as { url: string }).url
  }
  /** Where the browser lands, and as whom. */
  const back = async (visitor: Visitor, url: string) => {
    const { pathname, search } = new URL(url, target.url)
    const { status, headers } = await visitor.get(pathname + search)
    assert.equal(status, 303)
    const { origin, pathname: path, search: query } = new URL(headers.location!)
    assert.equal(origin, target.url, 'never to another site')
    return { to: path + query, person: await visitor.person() }
  }
  const REFUSED = { to: '/login?refused=unauthenticated', person: null }

  test('attack 18: an honest sign-in works, and its answer works once', async () => {
    const visitor = new Visitor(target.url)
    const url = await signInAt(await begin(visitor, 0, '/alerts'), 'u-ada')
    const { to, person } = await back(visitor, url)
    assert.deepEqual([to, person?.name, person?.local], ['/alerts', 'Ada', false])
    const again = new Visitor(target.url)
    assert.deepEqual(await back(again, url), REFUSED, 'in another browser: nobody is signed in by a link')
  })

  const CHANGES: Record<string, (url: URL) => void> = {
    'another state': (url) => url.searchParams.set('state', 'another'),
    'no state': (url) => url.searchParams.delete('state'),
    'two states': (url) => url.searchParams.append('state', 'another'),
    'no issuer (RFC 9207)': (url) => url.searchParams.delete('iss'),
    'another issuer': (url) => url.searchParams.set('iss', 'https://evil.example'),
    'a code that was made up': (url) => url.searchParams.set('code', 'made-up'),
    'no code': (url) => url.searchParams.delete('code'),
    'an error of the provider': (url) => {
      url.searchParams.delete('code')
      url.searchParams.set('error', 'access_denied')
    },
  }
  for (const [what, change] of Object.entries(CHANGES))
    test(`attack 18: an answer with ${what} is refused`, async () => {
      const visitor = new Visitor(target.url)
      const url = new URL(await signInAt(await begin(visitor), 'u-ada'))
      change(url)
      assert.deepEqual(await back(visitor, url.href), REFUSED)
    })

  test('attack 18: a sign-in’s cookie that was changed, or is another browser’s, is refused', async () => {
    const [mine, theirs] = [new Visitor(target.url), new Visitor(target.url)]
    const url = await signInAt(await begin(mine), 'u-ada')
    await begin(theirs)
    assert.deepEqual(await back(theirs, url), REFUSED, 'login by somebody else’s answer')
    const [name, value] = [...mine.cookies].find(([one]) => one.endsWith('sign_in_flow'))!
    mine.cookies.set(name, `${value.slice(0, -4)}AAAA`)
    assert.deepEqual(await back(mine, url), REFUSED)
  })

  test('attack 18: a code of the second provider at the first one’s callback is refused, and the reverse', async () => {
    for (const [at, other] of [
      [0, 1],
      [1, 0],
    ] as const) {
      const visitor = new Visitor(target.url)
      await begin(visitor, at)
      const stranger = new Visitor(target.url)
      const url = new URL(await signInAt(await begin(stranger, other), 'u-ada'))
      url.pathname = callbackOf(ids[at]!)
      assert.deepEqual(await back(visitor, url.href), REFUSED)
      assert.deepEqual(await back(stranger, url.href), REFUSED)
      // Also with the state that this browser expects: the issuer and the code are still the other's.
      const own = new Visitor(target.url)
      const state = new URL(await begin(own, at)).searchParams.get('state')!
      url.searchParams.set('state', state)
      assert.deepEqual(await back(own, url.href), REFUSED)
    }
  })

  const tryToken = async (make: HostileProvider['make']) => {
    hostile.make = make
    const visitor = new Visitor(target.url)
    const sent = new URL(await begin(visitor, 2)).searchParams
    hostile.nonce = sent.get('nonce')!
    return await back(visitor, `${callbackOf(ids[2]!)}?code=c&state=${sent.get('state')}`)
  }
  test('attack 18: a good ID token enters', async () => {
    assert.equal((await tryToken((claims) => hostile.signed(claims))).to, '/')
  })
  for (const [what, make] of Object.entries(badTokens(hostile, SECRET)))
    test(`attack 18: an ID token with ${what} is refused`, async () => {
      assert.deepEqual(await tryToken(make), REFUSED)
    })

  test('attack 18: an e-mail that is a member’s links nothing, unverified or verified', async () => {
    const enter = async (sub: string) => {
      const visitor = new Visitor(target.url)
      return await back(visitor, await signInAt(await begin(visitor), sub))
    }
    const eve = await enter('u-eve')
    assert.equal(eve.person?.name, 'Eve')
    assert.notEqual(eve.person?.email, a.login.email)
    assert.deepEqual(await enter('u-oscar'), { to: '/login?refused=conflict', person: null })
    const { rows } = await pool.query(
      `select count(*)::int as linked from sign_in_identities i join users u on u.id = i.user_id where u.email = $1`,
      [a.login.email],
    )
    assert.deepEqual(rows, [{ linked: 0 }])
  })

  test('attack 18: the way back is a path of ours, whatever was asked for', async () => {
    for (const next of [
      'https://evil.example',
      '//evil.example',
      '/\\evil.example',
      '/\t/evil.example',
      '\\\\evil.example',
      'javascript:alert(1)',
      'https:evil.example',
    ]) {
      const visitor = new Visitor(target.url)
      const { to } = await back(visitor, await signInAt(await begin(visitor, 0, next), 'u-ada'))
      assert.equal(to, '/', next)
      const page = await visitor.get(`/login?next=${encodeURIComponent(next)}`)
      assert.deepEqual([page.status, page.headers.location], [307, '/'], next)
    }
  })

  test('attack 18: the audit log has the true reason of each refusal, and no code, state or token', async () => {
    const { rows } = await pool.query<{ row: string; reason: string | null }>(
      `select l::text as row, after::jsonb->>'reason' as reason from audit_log l
       where fleet_id = $1 and action = 'session.refused' and object_kind = 'sign-in-provider'`,
      [a.id],
    )
    const reasons = rows.map(({ reason }) => reason).join('\n')
    for (const one of [
      /state/,
      /"iss"/,
      /audience|"aud"/,
      /nonce/,
      /signature/,
      /another provider/,
      /e-mail/,
    ])
      assert.match(reasons, one)
    for (const { row } of rows) assert.doesNotMatch(row, /eyJ|made-up/)
  })

  test('attack 18: somebody whose groups have no role is told so by the page', async () => {
    const visitor = new Visitor(target.url)
    const { to } = await back(visitor, await signInAt(await begin(visitor), 'u-none'))
    assert.equal(to, '/login?refused=forbidden')
    assert.match((await visitor.get(to)).text, /groups have no role/)
  })
})
