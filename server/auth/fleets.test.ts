import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { Browser, makeFleet, openDoors } from './door.testing.ts'
import type { Person } from './principal.ts'
import { secretOf, totp } from './totp.testing.ts'

const doors = await openDoors()
const { pool } = doors
const PASSWORD = 'a-few-good-words'
let first: number
let second: number
let foreign: number
before(async () => {
  first = await makeFleet(pool, 'first')
  second = await makeFleet(pool, 'second')
  foreign = await makeFleet(pool, 'foreign')
})

let count = 0
/** Somebody of the first two fleets, signed in. */
async function someone() {
  const { enrolPerson } = await import('./people.ts')
  const email = `person-${++count}@carrier.example`
  const account = { name: `Person ${count}`, email, password: PASSWORD }
  const userId = await enrolPerson(pool, { fleetId: first, role: 'dispatcher', ...account })
  await enrolPerson(pool, { fleetId: second, role: 'viewer', ...account })
  const browser = new Browser(doors)
  await browser.signIn(email, PASSWORD)
  return { userId, email, browser }
}

/** The procedures of one's own account, asked by this browser's cookie. */
async function account(browser: Browser) {
  const { appRouter } = await import('../router.ts')
  const { createCaller } = await import('../trpc.ts')
  return createCaller(appRouter)({ principal: await browser.person(), db: pool, now: Date.now() }).account
}
const enter = async (browser: Browser, fleetId: number) => (await account(browser)).enterFleet({ fleetId })
const isIn = async (browser: Browser) => (await browser.person())?.fleetId

describe('choosing among one’s fleets', () => {
  test('a session is in the first fleet until it enters another, with the role there; other sessions stay', async () => {
    const { email, browser } = await someone()
    const elsewhere = new Browser(doors)
    await elsewhere.signIn(email, PASSWORD)
    assert.deepEqual(await (await account(browser)).fleets(), [
      { id: first, name: 'first', role: 'dispatcher', current: true },
      { id: second, name: 'second', role: 'viewer', current: false },
    ])
    await enter(browser, second)
    const person = await browser.person()
    assert.deepEqual([person?.fleetId, person?.role], [second, 'viewer'])
    assert.deepEqual(
      (await (await account(browser)).fleets()).map(({ current }) => current),
      [false, true],
    )
    assert.equal(await isIn(elsewhere), first)
    await enter(browser, first)
    assert.equal(await isIn(browser), first)
  })

  test('it stands in the log of the fleet that is entered, and in no other', async () => {
    const { userId, browser } = await someone()
    await enter(browser, second)
    const { rows } = await pool.query(
      `select fleet_id as "fleetId", actor_name as actor, object_kind as kind, object_id as id, before, after from audit_log
       where action = 'session.entered-fleet' and actor_id = $1`,
      [userId],
    )
    assert.deepEqual(rows, [
      { fleetId: second, actor: `Person ${count}`, kind: 'person', id: userId, before: null, after: null },
    ])
  })

  test('a fleet that one is no member of is like one that does not exist', async () => {
    const { browser } = await someone()
    const refusals = await Promise.all(
      [foreign, foreign + 1_000_000].map((fleetId) =>
        enter(browser, fleetId).then(
          () => assert.fail('it was entered'),
          ({ code, message }: { code: string; message: string }) => `${code} ${message}`,
        ),
      ),
    )
    assert.deepEqual(refusals, Array(2).fill('NOT_FOUND There is no such fleet.'))
    assert.equal(await isIn(browser), first)
    const { rows } = await pool.query('select from audit_log where fleet_id = $1', [foreign])
    assert.equal(rows.length, 0)
  })

  test('who is no member of the chosen fleet any more is back in the first', async () => {
    const { userId, browser } = await someone()
    await enter(browser, second)
    await pool.query('delete from fleet_members where fleet_id = $1 and user_id = $2', [second, userId])
    assert.equal(await isIn(browser), first)
    await assert.rejects(enter(browser, second), { code: 'NOT_FOUND' })
    await pool.query('delete from fleet_members where user_id = $1', [userId])
    assert.equal(await browser.person(), null)
  })

  test('a session that a fleet’s provider opened stays there', async () => {
    const { userId, browser } = await someone()
    await pool.query('update sessions set fleet_id = $2 where user_id = $1', [userId, second])
    assert.deepEqual(await (await account(browser)).fleets(), [
      { id: second, name: 'second', role: 'viewer', current: true },
    ])
    for (const fleetId of [first, second])
      await assert.rejects(enter(browser, fleetId), { code: 'NOT_FOUND' })
    // Whatever stands there.
    await pool.query('update sessions set chosen_fleet_id = $2 where user_id = $1', [userId, first])
    assert.equal(await isIn(browser), second)
  })

  test('a new password or second step begins a new session, in the same fleet', async () => {
    const { browser } = await someone()
    await enter(browser, second)
    const change = async (path: string, body: object) => {
      const before = (await browser.person())!
      const answer = await browser.post(`/api/auth/${path}`, body)
      assert.equal(answer.status, 200, path)
      const person = (await browser.person())!
      assert.equal(person.fleetId, second, path)
      return {
        isNew: person.sessionId !== before.sessionId,
        said: (await answer.json()) as { totpURI: string },
      }
    }
    const password = 'quite-other-words'
    const changed = await change('change-password', { currentPassword: PASSWORD, newPassword: password })
    assert.ok(changed.isNew)
    const { said } = await change('two-factor/enable', { password })
    const code = totp(secretOf(said.totpURI), Date.now())
    assert.ok((await change('two-factor/verify-totp', { code })).isNew)
    assert.ok((await change('two-factor/disable', { password })).isNew)
  })

  test('a stream of the fleet before ends when its session enters another, and lives on without a choice', async () => {
    const { isStillIn } = await import('../fleet/live.ts')
    const { userId, browser } = await someone()
    const there = (await browser.person())!
    const isStill = (person: Person) => isStillIn(pool, person, Date.now())
    assert.equal(await isStill(there), true)
    await enter(browser, second)
    const here = (await browser.person())!
    assert.deepEqual([await isStill(there), await isStill(here)], [false, true])
    await pool.query('delete from fleet_members where fleet_id = $1 and user_id = $2', [second, userId])
    assert.deepEqual([await isStill(there), await isStill(here)], [true, false])
  })

  test('an invitation that is accepted leads into its fleet', async () => {
    const { withTransaction } = await import('../db/pool.ts')
    const { invite } = await import('./invitations.ts')
    const { hashOf, newSecret } = await import('./secret-link.ts')
    const { email, browser } = await someone()
    const by: Person = { ...(await browser.person())!, fleetId: foreign, role: 'owner' }
    const id = await withTransaction(pool, (tx) =>
      invite(tx, by, { email, role: 'mechanic', driverId: null }, Date.now()),
    )
    const { secret } = newSecret()
    await pool.query('update invitations set secret_hash = $2 where id = $1', [id, hashOf(secret)])
    const token = [foreign.toString(36), id.toString(36), secret].join('.')
    const answer = await browser.post('/api/sign-in/join', { token })
    assert.deepEqual([answer.status, await answer.json()], [200, { fleetId: foreign }])
    const person = await browser.person()
    assert.deepEqual([person?.fleetId, person?.role], [foreign, 'mechanic'])
  })
})
