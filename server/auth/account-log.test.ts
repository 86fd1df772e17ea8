import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { Browser, makeFleet, openDoors } from './door.testing.ts'
import { nextCode, secretOf, totp } from './totp.testing.ts'

const doors = await openDoors()
const { pool } = doors
const HOUR = 3_600_000
const PASSWORD = 'a-few-good-words'
const NEW_PASSWORD = 'quite-other-words'
let northern: number
let southern: number
before(async () => {
  northern = await makeFleet(pool, 'northern')
  southern = await makeFleet(pool, 'southern')
})

let count = 0
/** Somebody who is a member of the fleets, and what is theirs alone. */
async function someone(...fleets: number[]) {
  const { enrolPerson } = await import('./people.ts')
  const email = `person-${++count}@carrier.example`
  let userId = ''
  for (const fleetId of fleets)
    userId = await enrolPerson(pool, {
      fleetId,
      name: `Person ${count}`,
      email,
      password: PASSWORD,
      role: 'dispatcher',
    })
  return { userId, email, browser: new Browser(doors) }
}

interface Row {
  action: string
  actor: string
  after: Record<string, unknown> | null
}
/** What a fleet's log says of a person, in its order. */
async function logOf(fleetId: number, userId: string): Promise<Row[]> {
  const { rows } = await pool.query<Row>(
    `select action, actor_kind || ' ' || actor_name as actor, after::jsonb as after from audit_log
     where fleet_id = $1 and (object_id = $2 or actor_id = $2) order by sequence`,
    [fleetId, userId],
  )
  return rows
}
const said = (rows: Row[]) => rows.map(({ action, after }) => [action, after?.reason ?? after?.by ?? null])
/** Every secret that a test has handled: none may stand in any log. */
const secrets = new Set<string>([PASSWORD, NEW_PASSWORD])
const keep = (browser: Browser) => {
  for (const value of browser.cookies.values()) secrets.add(decodeURIComponent(value).split('.')[0]!)
}

describe('the audit log of accounts', () => {
  test('sign-ins, good and bad, stand in the log of every fleet of the person, with the true reason', async () => {
    const { userId, email, browser } = await someone(northern, southern)
    await new Browser(doors).signIn(email, 'not-the-password')
    await browser.signIn(email, PASSWORD)
    keep(browser)
    await browser.post('/api/auth/sign-out', {})
    await pool.query('delete from accounts where user_id = $1', [userId])
    await new Browser(doors).signIn(email, PASSWORD)
    for (const fleet of [northern, southern])
      assert.deepEqual(said(await logOf(fleet, userId)), [
        ['session.refused', 'wrong password'],
        ['session.opened', 'password'],
        ['session.ended', 'signing out'],
        ['session.refused', 'the account has no password'],
      ])
    const [refused, opened] = await logOf(northern, userId)
    assert.equal(refused!.actor, `stranger ${email}`)
    assert.equal(opened!.actor, 'person Person 1')
    const { rows } = await pool.query(
      `select address from audit_log where fleet_id = $1 and action = 'session.opened' and actor_id = $2`,
      [northern, userId],
    )
    assert.deepEqual(rows, [{ address: browser.address }])
  })

  test('too many tries are told once a minute; the tries until then one by one', async () => {
    const { userId, email } = await someone(northern)
    const now = Date.now()
    for (let i = 0; i < 13; i++) await new Browser(doors).signIn(email, 'not-the-password', now)
    assert.deepEqual(said(await logOf(northern, userId)), [
      ...Array(10).fill(['session.refused', 'wrong password']),
      ['session.refused', 'too many attempts'],
    ])
  })

  test('an address of nobody is told to the only fleet there is, and to none of several', async () => {
    const typed = 'nobody@carrier.example'
    const told = async () => {
      await new Browser(doors).signIn(typed, PASSWORD)
      const { rows } = await pool.query('select fleet_id as fleet from audit_log where actor_name = $1', [
        typed,
      ])
      return rows.length
    }
    assert.equal(await told(), 0)
    const { tellRefused } = await import('./deeds.ts')
    // A password in the field of the address is nothing that a log may keep.
    await tellRefused(
      { userId: null, email: PASSWORD, code: 'unauthenticated', reason: 'no account has this e-mail' },
      new Headers(),
      Date.now(),
    )
    const { rows } = await pool.query('select from audit_log where actor_name = $1', [PASSWORD])
    assert.equal(rows.length, 0)
  })

  test('passwords, second steps and passkeys: what was changed, and what was tried', async () => {
    const { userId, email, browser } = await someone(northern)
    await browser.signIn(email, PASSWORD)
    const post = (path: string, body: object) => browser.post(`/api/auth/${path}`, body)
    await post('change-password', { currentPassword: 'not-the-password', newPassword: NEW_PASSWORD })
    await post('change-password', { currentPassword: PASSWORD, newPassword: NEW_PASSWORD })
    keep(browser)
    const begun = await post('two-factor/enable', { password: NEW_PASSWORD })
    const { totpURI, backupCodes } = (await begun.json()) as { totpURI: string; backupCodes: string[] }
    const secret = secretOf(totpURI)
    for (const one of [...backupCodes, new URL(totpURI).searchParams.get('secret')!, secret.toString()])
      secrets.add(one)
    await post('two-factor/verify-totp', { code: 'no code' })
    const code = totp(secret, Date.now())
    await post('two-factor/verify-totp', { code })
    keep(browser)
    const halfway = async (path: string, code: string) => {
      const other = new Browser(doors)
      await other.signIn(email, NEW_PASSWORD)
      await other.post(`/api/auth/two-factor/${path}`, { code })
      keep(other)
    }
    await halfway('verify-totp', nextCode(secret))
    await halfway('verify-totp', code)
    await halfway('verify-totp', 'no such')
    await halfway('verify-backup-code', backupCodes[0]!)
    await halfway('verify-backup-code', backupCodes[0]!)
    await post('two-factor/generate-backup-codes', { password: NEW_PASSWORD })
    await post('passkey/delete-passkey', { id: 'no-such-passkey' })
    await post('two-factor/disable', { password: NEW_PASSWORD })
    assert.deepEqual(said(await logOf(northern, userId)), [
      ['session.opened', 'password'],
      ['password.refused', 'wrong password'],
      ['password.changed', null],
      ['second-step.begun', null],
      ['second-step.refused', 'wrong code'],
      ['second-step.on', null],
      ['session.opened', 'password and code'],
      ['session.refused', 'the code was tried before'],
      ['session.refused', 'wrong code'],
      ['session.opened', 'password and backup code'],
      ['session.refused', 'wrong backup code'],
      ['second-step.codes-renewed', null],
      ['passkey.refused', 'the passkey’s answer was not right'],
      ['second-step.off', null],
    ])
  })

  test('a reset: asked for, done, and tried too late', async () => {
    const { userId, email, browser } = await someone(northern)
    const { hashOf, newSecret } = await import('./secret-link.ts')
    await browser.post('/api/sign-in/reset', { email })
    const complete = (secret: string, now?: number) =>
      browser.post('/api/sign-in/reset/complete', { secret, password: NEW_PASSWORD }, now)
    // The mail is sealed; a link of our own takes its place.
    const { secret } = newSecret()
    secrets.add(secret)
    await pool.query('update password_resets set secret_hash = $2 where user_id = $1', [
      userId,
      hashOf(secret),
    ])
    assert.equal((await complete(secret, Date.now() + 31 * 60_000)).status, 422)
    assert.equal((await complete(secret)).status, 200)
    assert.equal((await complete(secret)).status, 422)
    assert.deepEqual(said(await logOf(northern, userId)), [
      ['password.reset-asked', null],
      ['password.reset-refused', 'the link was older than 30 minutes'],
      ['password.reset', null],
    ])
  })

  test('an accepted invitation stands in the log of the fleet that asked', async () => {
    const { withTransaction } = await import('../db/pool.ts')
    const { invite } = await import('./invitations.ts')
    const { hashOf, newSecret } = await import('./secret-link.ts')
    const boss = await someone(southern)
    await pool.query(`update fleet_members set role = 'owner' where user_id = $1`, [boss.userId])
    await boss.browser.signIn(boss.email, PASSWORD)
    const owner = (await boss.browser.person())!
    const asked = { email: 'new@carrier.example', role: 'viewer' as const, driverId: null }
    const id = await withTransaction(pool, (tx) => invite(tx, owner, asked, Date.now()))
    const { secret } = newSecret()
    secrets.add(secret)
    await pool.query('update invitations set secret_hash = $2 where id = $1', [id, hashOf(secret)])
    const token = [southern.toString(36), id.toString(36), secret].join('.')
    const browser = new Browser(doors)
    assert.equal(
      (await browser.post('/api/sign-in/join', { token, name: 'New', password: PASSWORD })).status,
      200,
    )
    keep(browser)
    const person = (await browser.person())!
    assert.deepEqual(await logOf(southern, person.userId), [
      {
        action: 'invitation.accepted',
        actor: 'person New',
        after: { email: 'new@carrier.example', role: 'viewer', driverId: null },
      },
    ])
  })

  test('sessions that end by themselves are told, by the next look or by the worker', async () => {
    const { endExpired } = await import('./session.ts')
    const { userId, email, browser } = await someone(northern)
    const now = Date.now()
    await browser.signIn(email, PASSWORD, now)
    assert.equal(await browser.person(now + 12 * HOUR + 60_000), null)
    await browser.signIn(email, PASSWORD, now)
    await pool.query('update sessions set updated_at = $2 where user_id = $1', [
      userId,
      new Date(now + 30 * 24 * HOUR),
    ])
    assert.ok((await endExpired(now + 30 * 24 * HOUR + 60_000)) >= 1)
    assert.deepEqual(said(await logOf(northern, userId)), [
      ['session.opened', 'password'],
      ['session.expired', 'not used for 12 hours'],
      ['session.opened', 'password'],
      ['session.expired', 'older than 30 days'],
    ])
  })

  test('somebody who is a member of no fleet is told so and not let in', async () => {
    const { userId, email, browser } = await someone(northern)
    await pool.query('delete from fleet_members where user_id = $1', [userId])
    const answer = await browser.signIn(email, PASSWORD)
    assert.equal(answer.status, 403)
    assert.match(await answer.text(), /member of no fleet/)
    const { rows } = await pool.query('select from sessions where user_id = $1', [userId])
    assert.equal(rows.length, 0)
  })

  test('no row of any fleet holds a password, a code, a link’s secret or a session’s token; the chain holds', async () => {
    const { verifyAuditChain } = await import('../audit/verify.ts')
    const { rows } = await pool.query<{ row: string }>('select audit_log::text as row from audit_log')
    const { rows: sessions } = await pool.query<{ id: string; token: string }>(
      'select id, token from sessions',
    )
    for (const { id, token } of sessions) secrets.add(id).add(token)
    assert.ok(rows.length > 30 && secrets.size > 20, `${rows.length} rows, ${secrets.size} secrets`)
    for (const secret of secrets) assert.ok(!rows.some(({ row }) => row.includes(secret)), secret)
    for (const fleet of [northern, southern]) assert.equal((await verifyAuditChain(pool, fleet)).broken, null)
  })
})
