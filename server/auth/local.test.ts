import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { SMTPServer } from 'smtp-server'
import { Browser, makeFleet, openDoors } from './door.testing.ts'
import type { Person } from './principal.ts'

const doors = await openDoors()
const { pool } = doors
const HOUR = 3_600_000
const PASSWORD = 'a-few-good-words'

/** A real mail server that keeps what it is given. */
const mails: string[] = []
const smtp = new SMTPServer({
  disabledCommands: ['STARTTLS', 'AUTH'],
  onData: (stream, _, done) => {
    const parts: Buffer[] = []
    stream.on('data', (part: Buffer) => parts.push(part))
    stream.on('end', () => {
      // Quoted-printable, undone as far as links need it.
      mails.push(
        Buffer.concat(parts)
          .toString('utf8')
          .replace(/=\r?\n/g, '')
          .replaceAll('=3D', '='),
      )
      done()
    })
  },
})
let fleetId: number
before(async () => {
  await new Promise<void>((resolve) => smtp.listen(0, '127.0.0.1', resolve))
  const { port } = smtp.server.address() as { port: number }
  // The settings are read once, and were: the mail server is told to them as a running process would have it.
  const { env } = await import('../env.ts')
  env().SMTP_URL = `smtp://127.0.0.1:${port}`
  fleetId = await makeFleet(pool, 'northern')
})
after(() => new Promise<void>((resolve) => smtp.close(() => resolve())))

let count = 0
/** Somebody with a password, and their browser signed in. */
async function someone(role: 'owner' | 'dispatcher' = 'dispatcher', now = Date.now()) {
  const { enrolPerson } = await import('./people.ts')
  const email = `person-${++count}@carrier.example`
  const userId = await enrolPerson(pool, {
    fleetId,
    name: `Person ${count}`,
    email,
    password: PASSWORD,
    role,
  })
  const browser = new Browser(doors, `203.0.113.${count}`)
  assert.equal((await browser.signIn(email, PASSWORD, now)).status, 200)
  return { email, userId, browser }
}

/** The link of the newest mail. */
async function mailed(to: string): Promise<string> {
  const { deliverMail } = await import('./mail.ts')
  await deliverMail(pool, Date.now())
  const mail = mails.findLast((one) => one.includes(to))
  assert.ok(mail, `no mail to ${to}`)
  return /http\S+#(\S+)/.exec(mail)![1]!
}
const statusOf = async (answer: Promise<Response>) => (await answer).status
const bodyOf = async (answer: Response) => [answer.status, await answer.text()]

describe('sessions', () => {
  test('attack 19: an id from before the login means nothing after it', async () => {
    const { email, browser } = await someone()
    const before = (await browser.person())!.sessionId
    const planted = new Map(browser.cookies)
    assert.equal(await statusOf(browser.signIn(email, PASSWORD)), 200)
    assert.notEqual((await browser.person())?.sessionId, before)
    const victim = new Browser(doors)
    victim.cookies.set('restline.session_token', `planted-by-somebody.${Buffer.alloc(32).toString('base64')}`)
    assert.equal(await victim.person(), null)
    await victim.signIn(email, PASSWORD)
    assert.ok(await victim.person())
    assert.notEqual(victim.cookies.get('restline.session_token'), planted.get('restline.session_token'))
  })

  test('attack 19: a copied cookie is worth nothing after signing out', async () => {
    const { browser } = await someone()
    const thief = new Browser(doors)
    for (const [name, value] of browser.cookies) thief.cookies.set(name, value)
    assert.ok(await thief.person())
    assert.equal(await statusOf(browser.post('/api/auth/sign-out', {})), 200)
    assert.equal(await thief.person(), null)
    assert.equal(
      await statusOf(
        thief.post('/api/auth/change-password', {
          currentPassword: PASSWORD,
          newPassword: 'another-few-words',
        }),
      ),
      401,
    )
  })

  test('attack 19: a new password ends every session, and begins a new one here', async () => {
    const { email, browser } = await someone()
    const elsewhere = new Browser(doors)
    await elsewhere.signIn(email, PASSWORD)
    const before = (await browser.person())!.sessionId
    const change = { currentPassword: PASSWORD, newPassword: 'quite-other-words', revokeOtherSessions: false }
    assert.equal(await statusOf(browser.post('/api/auth/change-password', change)), 200)
    assert.equal(await elsewhere.person(), null)
    const now = await browser.person()
    assert.ok(now)
    assert.notEqual(now.sessionId, before)
  })

  test('attack 19: a new role ends the sessions of the old one; "sign out everywhere" ends all', async () => {
    const { withTransaction } = await import('../db/pool.ts')
    const { setRole } = await import('./members.ts')
    const { signOutEverywhere } = await import('./account.ts')
    const owner = (await (await someone('owner')).browser.person())!
    const { email, userId, browser } = await someone()
    await withTransaction(pool, (tx) => setRole(tx, owner, { userId, role: 'viewer', driverId: null }))
    assert.equal(await browser.person(), null)
    await browser.signIn(email, PASSWORD)
    assert.equal((await browser.person())?.role, 'viewer')
    const other = new Browser(doors)
    await other.signIn(email, PASSWORD)
    await signOutEverywhere(pool, (await browser.person())!)
    assert.deepEqual([await browser.person(), await other.person()], [null, null])
  })

  test('attack 19: twelve hours without use end a session, thirty days any', async () => {
    const now = Date.now()
    const { browser } = await someone('dispatcher', now)
    for (let at = now; at < now + 4 * 24 * HOUR; at += 11 * HOUR) assert.ok(await browser.person(at))
    const used = now + 96 * HOUR - ((96 * HOUR) % (11 * HOUR))
    assert.equal(await browser.person(used + 12 * HOUR + 60_000), null)
    assert.equal(await browser.person(used), null, 'it has ended on the server')
    const { browser: busy } = await someone('dispatcher', now)
    let at = now
    for (; at < now + 30 * 24 * HOUR - 11 * HOUR; at += 11 * HOUR) assert.ok(await busy.person(at))
    assert.equal(await busy.person(now + 30 * 24 * HOUR + 60_000), null)
  })

  test('the cookie is for this host, out of reach of scripts and of other sites', async () => {
    const { email } = await someone()
    const answer = await new Browser(doors).signIn(email, PASSWORD)
    const [cookie] = answer.headers.getSetCookie().filter((one) => one.includes('session_token'))
    assert.match(cookie!, /HttpOnly/i)
    assert.match(cookie!, /SameSite=Lax/i)
    assert.match(cookie!, /Path=\//i)
    assert.doesNotMatch(cookie!, /Domain/i)
  })

  test('a session of the fleet’s provider can’t change a local account’s keys', async () => {
    const { userId, browser } = await someone()
    await pool.query('update sessions set fleet_id = $1 where user_id = $2', [fleetId, userId])
    for (const path of ['change-password', 'two-factor/enable', 'passkey/verify-registration'])
      assert.equal(await statusOf(browser.post(`/api/auth/${path}`, { password: PASSWORD })), 403, path)
    assert.equal(await statusOf(browser.get('/api/auth/passkey/generate-register-options')), 403)
  })

  test('what better-auth could do besides is closed', async () => {
    const { browser } = await someone()
    for (const path of [
      'sign-up/email',
      'update-user',
      'delete-user',
      'list-sessions',
      'change-email',
      'reset-password',
    ])
      assert.equal(await statusOf(browser.post(`/api/auth/${path}`, {})), 404, path)
  })
})

describe('guessing', () => {
  test('attack 21: an unknown address and a wrong password get one answer', async () => {
    const { email } = await someone()
    const wrong = await bodyOf(await new Browser(doors, '198.51.100.1').signIn(email, 'wrong-words-here'))
    const unknown = await bodyOf(
      await new Browser(doors, '198.51.100.2').signIn('nobody@carrier.example', 'wrong-words-here'),
    )
    const none = await bodyOf(
      await new Browser(doors, '198.51.100.3').signIn('no address', 'wrong-words-here'),
    )
    assert.deepEqual([unknown, none], [wrong, wrong])
  })

  test('attack 21: both take the same time, within 10 %', async () => {
    const { email } = await someone()
    const timed = async (address: string, i: number) => {
      const browser = new Browser(doors, `198.51.101.${i}`)
      const from = process.cpuUsage()
      const at = performance.now()
      await browser.signIn(address, 'wrong-words-here')
      const { user, system } = process.cpuUsage(from)
      return { cpu: (user + system) / 1_000, wall: performance.now() - at }
    }
    const { succeeded } = await import('./attempts.ts')
    const known: number[] = []
    const unknown: number[] = []
    // In turn, so that whatever else the machine does weighs on both; work done rather than time passed, for the same reason.
    for (let i = 0; i < 15; i++) {
      known.push((await timed(email, i)).cpu)
      unknown.push((await timed('nobody-at-all@carrier.example', i)).cpu)
      for (const account of [email, 'nobody-at-all@carrier.example'])
        await succeeded(pool, { account, address: `198.51.101.${i}` })
    }
    // The least of each: what was added to it by others is the least there too.
    const [a, b] = [Math.min(...known), Math.min(...unknown)]
    assert.ok(
      Math.abs(a - b) / Math.max(a, b) < 0.1,
      `known ${a.toFixed(1)} ms, unknown ${b.toFixed(1)} ms of work`,
    )
  })

  test('attack 21: ten failures of an account delay the next, on every instance and from every address; it is no lock-out', async () => {
    const { email } = await someone()
    const { succeeded } = await import('./attempts.ts')
    await succeeded(pool, { account: email, address: 'x' })
    const now = Date.now()
    // At once, as from many instances: counted in the database before the password is looked at.
    const answers = await Promise.all(
      Array.from({ length: 14 }, (_, i) =>
        statusOf(new Browser(doors, `198.51.102.${i}`).signIn(email, `wrong-${i}`, now)),
      ),
    )
    assert.deepEqual(answers.toSorted(), [...Array(10).fill(401), ...Array(4).fill(429)])
    const browser = new Browser(doors, '198.51.102.99')
    assert.equal(await statusOf(browser.signIn(email, PASSWORD, now + 20_000)), 429)
    assert.equal(await statusOf(browser.signIn(email, PASSWORD, now + 31_000)), 200)
    // An account that is none is counted the same.
    const nobody = await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        statusOf(new Browser(doors, `198.51.103.${i}`).signIn('none@x.example', 'w', now)),
      ),
    )
    assert.equal(nobody.filter((status) => status === 429).length, 2)
  })

  test('attack 21: twenty failures from an address in a minute close it for a minute', async () => {
    const now = Date.now()
    const answers = await Promise.all(
      Array.from({ length: 25 }, (_, i) =>
        statusOf(new Browser(doors, '198.51.104.1').signIn(`u${i}@x.example`, 'w', now)),
      ),
    )
    assert.equal(answers.filter((status) => status === 429).length, 5)
  })
})

describe('a forgotten password', () => {
  test('attack 21: the answer is one for everybody; the link works once, for 30 minutes, and is stored as a hash', async () => {
    const { email, userId, browser } = await someone()
    const anyone = new Browser(doors, '198.51.105.1')
    const known = await bodyOf(await anyone.post('/api/sign-in/reset', { email }))
    const unknown = await bodyOf(await anyone.post('/api/sign-in/reset', { email: 'nobody@carrier.example' }))
    assert.deepEqual(known, unknown)
    const queued = await pool.query<{ row: string }>('select mail_outbox::text as row from mail_outbox')
    assert.equal(queued.rows.length, 1, 'one mail waits')
    const secret = await mailed(email)
    assert.ok(
      !queued.rows[0]!.row.includes(Buffer.from(secret).toString('hex')),
      'the mail that waits is sealed',
    )
    const stored = await pool.query<{ row: string }>(
      'select password_resets::text as row from password_resets',
    )
    assert.ok(stored.rows.length > 0 && !stored.rows.some(({ row }) => row.includes(secret)))

    const complete = (password: string, now = Date.now()) =>
      statusOf(anyone.post('/api/sign-in/reset/complete', { secret, password }, now))
    assert.equal(await complete('words-after-it', Date.now() + 31 * 60_000), 422)
    assert.equal(await complete('words-after-it'), 200)
    assert.equal(await complete('words-after-that'), 422)
    assert.equal(await browser.person(), null, 'the sessions before have ended')
    assert.equal(await statusOf(browser.signIn(email, PASSWORD)), 401)
    assert.equal(await statusOf(browser.signIn(email, 'words-after-it')), 200)
    assert.equal((await browser.person())?.userId, userId)
  })

  test('asking again ends the link before', async () => {
    const { email } = await someone()
    const anyone = new Browser(doors, '198.51.105.2')
    await anyone.post('/api/sign-in/reset', { email })
    const first = await mailed(email)
    await anyone.post('/api/sign-in/reset', { email })
    const second = await mailed(email)
    const status = (secret: string) =>
      statusOf(anyone.post('/api/sign-in/reset/complete', { secret, password: 'words-after-it' }))
    assert.deepEqual([await status(first), await status(second)], [422, 200])
  })

  test('attack 21: asking for a new password takes as long for an address that is nobody’s, within 10 %', async () => {
    const { email } = await someone()
    const least = { known: Number.POSITIVE_INFINITY, unknown: Number.POSITIVE_INFINITY }
    const isAlike = () => Math.abs(least.known / least.unknown - 1) < 0.1
    // The least of some, in turn: a machine that does much else makes either longer.
    for (let turn = 1; turn <= 9 && !(turn > 3 && isAlike()); turn++)
      for (const [kind, address] of [
        ['known', email],
        ['unknown', 'nobody-here@carrier.example'],
      ] as const) {
        const from = performance.now()
        assert.equal(await statusOf(new Browser(doors).post('/api/sign-in/reset', { email: address })), 200)
        least[kind] = Math.min(least[kind], performance.now() - from)
      }
    assert.ok(isAlike(), `${least.known.toFixed(1)} and ${least.unknown.toFixed(1)} ms`)
  })
})

test('a fleet asks a hundred people in ten minutes, also the same ones again and again; another is not touched', async () => {
  const { withTransaction } = await import('../db/pool.ts')
  const { invite } = await import('./invitations.ts')
  const owner = (await (await someone('owner')).browser.person())!
  const [one, other] = [await makeFleet(pool, 'asks-many'), await makeFleet(pool, 'asks-one')]
  const now = Date.now()
  const ask = (fleet: number, at = now) =>
    withTransaction(pool, (tx) =>
      invite(tx, { ...owner, fleetId: fleet }, { email: 'z@x.example', role: 'viewer', driverId: null }, at),
    )
  for (let i = 0; i < 100; i++) await ask(one)
  await assert.rejects(ask(one), { code: 'too-often' })
  await ask(other)
  await ask(one, now + 10 * 60_000)
  await pool.query(`delete from mail_outbox where recipient = 'z@x.example'`)
})

describe('an invitation', () => {
  const invited = async (owner: Person, email: string, now = Date.now()) => {
    const { withTransaction } = await import('../db/pool.ts')
    const { invite } = await import('./invitations.ts')
    await withTransaction(pool, (tx) => invite(tx, owner, { email, role: 'dispatcher', driverId: null }, now))
    return await mailed(email)
  }

  test('somebody new joins with a name and a password, once', async () => {
    const owner = (await (await someone('owner')).browser.person())!
    const token = await invited(owner, 'new@carrier.example')
    const browser = new Browser(doors, '198.51.106.1')
    const read = await browser.post('/api/sign-in/invitation', { token })
    assert.equal(((await read.json()) as { role: string }).role, 'dispatcher')
    assert.equal(
      await statusOf(browser.post('/api/sign-in/join', { token, name: 'New', password: PASSWORD })),
      200,
    )
    const person = await browser.person()
    assert.deepEqual([person?.name, person?.role, person?.fleetId], ['New', 'dispatcher', fleetId])
    assert.equal(
      await statusOf(browser.post('/api/sign-in/join', { token, name: 'New', password: PASSWORD })),
      422,
    )
  })

  test('who has an account joins signed in with it, and nobody else by their address', async () => {
    const owner = (await (await someone('owner')).browser.person())!
    const elsewhere = await makeFleet(pool, 'elsewhere')
    const { enrolPerson } = await import('./people.ts')
    const email = 'known@carrier.example'
    await enrolPerson(pool, { fleetId: elsewhere, name: 'Known', email, password: PASSWORD, role: 'viewer' })
    const token = await invited(owner, email)
    const thief = new Browser(doors, '198.51.106.2')
    const join = { token, name: 'Thief', password: 'of-the-thief-now' }
    assert.equal(await statusOf(thief.post('/api/sign-in/join', join)), 409)
    assert.equal(await statusOf(thief.signIn(email, 'of-the-thief-now')), 401)
    const browser = new Browser(doors, '198.51.106.3')
    await browser.signIn(email, PASSWORD)
    assert.equal(await statusOf(browser.post('/api/sign-in/join', { token })), 200)
  })

  test('it ends after seven days, when taken back, and when asked anew', async () => {
    const { withTransaction } = await import('../db/pool.ts')
    const { withdraw, listInvitations } = await import('./invitations.ts')
    const owner = (await (await someone('owner')).browser.person())!
    const read = (token: string, now = Date.now()) =>
      statusOf(new Browser(doors, `198.51.107.${++count}`).post('/api/sign-in/invitation', { token }, now))
    const first = await invited(owner, 'late@carrier.example')
    assert.equal(await read(first, Date.now() + 8 * 24 * HOUR), 422)
    const second = await invited(owner, 'late@carrier.example')
    assert.deepEqual([await read(first), await read(second)], [422, 200])
    const open = (await listInvitations(pool, fleetId, Date.now())).find(
      ({ email }) => email === 'late@carrier.example',
    )!
    await withTransaction(pool, (tx) => withdraw(tx, fleetId, open.id))
    assert.equal(await read(second), 422)
  })

  test('only an owner makes an owner, and the last one stays', async () => {
    const { withTransaction } = await import('../db/pool.ts')
    const { setRole, removeMember } = await import('./members.ts')
    const fleet = await makeFleet(pool, 'alone')
    const { enrolPerson } = await import('./people.ts')
    const boss = await enrolPerson(pool, {
      fleetId: fleet,
      name: 'Boss',
      email: 'boss@x.example',
      password: PASSWORD,
    })
    const owner = { ...(await (await someone('owner')).browser.person())!, fleetId: fleet }
    const admin: Person = { ...owner, role: 'fleet-admin' }
    const role = { userId: boss, role: 'viewer' as const, driverId: null }
    await assert.rejects(
      withTransaction(pool, (tx) => setRole(tx, admin, role)),
      { code: 'forbidden' },
    )
    await assert.rejects(
      withTransaction(pool, (tx) => removeMember(tx, admin, boss)),
      { code: 'forbidden' },
    )
    await assert.rejects(
      withTransaction(pool, (tx) => setRole(tx, owner, role)),
      { code: 'conflict' },
    )
    await assert.rejects(
      withTransaction(pool, (tx) => removeMember(tx, owner, boss)),
      { code: 'conflict' },
    )
    const { invite } = await import('./invitations.ts')
    const asked = { email: 'y@x.example', role: 'owner' as const, driverId: null }
    await assert.rejects(
      withTransaction(pool, (tx) => invite(tx, admin, asked, Date.now())),
      { code: 'forbidden' },
    )
  })
})

describe('another site', () => {
  test('attack 20: what is not JSON of our own pages changes nothing', async () => {
    const { browser, email } = await someone()
    const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const post = async (headers: Record<string, string>, path = '/api/auth/sign-out') => {
      const door = path.startsWith('/api/auth/') ? doors.answerLocal : doors.answerSignIn
      const request = new Request(`http://127.0.0.1:3999${path}`, {
        method: 'POST',
        body: '{}',
        headers: { cookie, ...headers },
      })
      return (await door(request, Date.now())).status
    }
    const json = 'application/json'
    const origin = 'http://127.0.0.1:3999'
    for (const path of [
      '/api/auth/sign-out',
      '/api/sign-in/directory',
      '/api/sign-in/begin',
      '/api/sign-in/join',
    ]) {
      assert.equal(await post({ 'content-type': 'application/x-www-form-urlencoded', origin }, path), 403)
      assert.equal(await post({ 'content-type': 'text/plain', origin }, path), 403)
      assert.equal(await post({ 'content-type': json, origin: 'https://evil.example' }, path), 403)
      assert.equal(await post({ 'content-type': json, origin: 'null' }, path), 403)
      assert.equal(await post({ 'content-type': json }, path), 403)
    }
    assert.ok(await browser.person(), `${email} is still signed in`)
    assert.equal(await post({ 'content-type': json, origin }), 200)
  })
})
