import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { createOTP } from '@better-auth/utils/otp'
import { Browser, makeFleet, openDoors } from './door.testing.ts'
import { nextCode, secretOf, totp } from './totp.testing.ts'

const doors = await openDoors()
const { pool } = doors
const PASSWORD = 'a-few-good-words'
let fleetId: number
before(async () => {
  fleetId = await makeFleet(pool, 'northern')
})

const VERIFY = '/api/auth/two-factor/verify-totp'
const BACKUP = '/api/auth/two-factor/verify-backup-code'
const statusOf = async (answer: Promise<Response>) => (await answer).status

let count = 0
/** Somebody with the second step on: what their app knows, their codes on paper, and the code that turned it on. */
async function someone() {
  const { enrolPerson } = await import('./people.ts')
  const email = `person-${++count}@carrier.example`
  await enrolPerson(pool, { fleetId, name: `Person ${count}`, email, password: PASSWORD, role: 'dispatcher' })
  const browser = new Browser(doors)
  await browser.signIn(email, PASSWORD)
  const before = (await browser.person())!.sessionId
  const begun = await browser.post('/api/auth/two-factor/enable', { password: PASSWORD })
  const { totpURI, backupCodes } = (await begun.json()) as { totpURI: string; backupCodes: string[] }
  const secret = secretOf(totpURI)
  const first = totp(secret, Date.now())
  assert.equal(await statusOf(browser.post(VERIFY, { code: first })), 200)
  assert.notEqual((await browser.person())!.sessionId, before, 'the session before has ended')
  return { email, browser, secret, backupCodes, first, totpURI }
}

/** The password was right; the code is still to come. */
async function halfway(email: string): Promise<Browser> {
  const browser = new Browser(doors)
  const answer = await browser.signIn(email, PASSWORD)
  assert.deepEqual([answer.status, await answer.json()], [200, { twoFactorRedirect: true }])
  assert.equal(await browser.person(), null, 'nobody is signed in by half')
  return browser
}

describe('the second step', () => {
  /** RFC 6238 appendix B, SHA-1: seconds since 1970, eight digits. */
  const VECTORS: [number, string][] = [
    [59, '94287082'],
    [1_111_111_109, '07081804'],
    [1_111_111_111, '14050471'],
    [1_234_567_890, '89005924'],
    [2_000_000_000, '69279037'],
    [20_000_000_000, '65353130'],
  ]
  for (const [seconds, code] of VECTORS)
    test(`RFC 6238 appendix B at ${seconds} s`, async () => {
      const secret = '12345678901234567890'
      const counter = Math.floor(seconds / 30)
      assert.equal(await createOTP(secret, { digits: 8 }).hotp(counter), code, 'the server’s library')
      assert.equal(totp(Buffer.from(secret), seconds * 1_000, 8), code, 'the app of these tests')
    })

  test('an app’s code opens the session, and only after the password', async () => {
    const { email, secret } = await someone()
    const browser = await halfway(email)
    assert.equal(await statusOf(browser.post(VERIFY, { code: nextCode(secret) })), 200)
    assert.equal((await browser.person())?.email, email)
    assert.equal(await statusOf(new Browser(doors).post(VERIFY, { code: nextCode(secret) })), 401)
  })

  test('what the app scans names the account and thirty seconds of six digits', async () => {
    const { totpURI, email } = await someone()
    const { searchParams, pathname } = new URL(totpURI)
    assert.ok(decodeURIComponent(pathname).endsWith(`Restline:${email}`))
    assert.deepEqual(
      ['issuer', 'digits', 'period'].map((name) => searchParams.get(name)),
      ['Restline', '6', '30'],
    )
  })

  test('a code counts once: not again, not the one that turned it on, not at two instances at once', async () => {
    const { email, secret, first } = await someone()
    const code = nextCode(secret)
    const browsers = [await halfway(email), await halfway(email), await halfway(email)]
    const answers = await Promise.all(browsers.map((browser) => statusOf(browser.post(VERIFY, { code }))))
    assert.deepEqual(answers.toSorted(), [200, 401, 401])
    const signedIn = await Promise.all(browsers.map((browser) => browser.person()))
    assert.equal(signedIn.filter(Boolean).length, 1)
    for (const used of [code, first]) {
      const again = await halfway(email)
      const answer = await again.post(VERIFY, { code: used })
      assert.equal(answer.status, 401)
      assert.match(await answer.text(), /was used before/)
      assert.equal(await again.person(), null)
    }
  })

  test('a code on paper signs in once; new ones end the old; they are not stored as they are', async () => {
    const { email, browser, backupCodes } = await someone()
    assert.equal(new Set(backupCodes).size, 10)
    const { rows } = await pool.query<{ row: string }>('select two_factors::text as row from two_factors')
    assert.ok(rows.length > 0 && !rows.some(({ row }) => backupCodes.some((code) => row.includes(code))))
    const [one, two] = backupCodes as [string, string]
    assert.equal(await statusOf((await halfway(email)).post(BACKUP, { code: one })), 200)
    assert.equal(await statusOf((await halfway(email)).post(BACKUP, { code: one })), 401)
    const path = '/api/auth/two-factor/generate-backup-codes'
    assert.equal(await statusOf(browser.post(path, { password: 'not-the-password' })), 400)
    const renewed = (await (await browser.post(path, { password: PASSWORD })).json()) as {
      backupCodes: string[]
    }
    assert.equal(await statusOf((await halfway(email)).post(BACKUP, { code: two })), 401)
    assert.equal(await statusOf((await halfway(email)).post(BACKUP, { code: renewed.backupCodes[0] })), 200)
  })

  test('guessing is delayed on every instance, whatever sign-in it comes from', async () => {
    const { email, secret } = await someone()
    const right = nextCode(secret)
    const answers: number[] = []
    // Five a sign-in, then it has to begin anew; letters are never right by chance.
    for (const start of ['a', 'b']) {
      const browser = await halfway(email)
      for (let i = 0; i < 5; i++)
        answers.push(await statusOf(browser.post(VERIFY, { code: `${start}0000${i}` })))
    }
    assert.deepEqual(answers, Array(10).fill(401))
    assert.equal(await statusOf((await halfway(email)).post(VERIFY, { code: right })), 429)
  })

  test('it goes off by the password alone of who is signed in', async () => {
    const { email, browser } = await someone()
    const disable = '/api/auth/two-factor/disable'
    assert.equal(await statusOf(new Browser(doors).post(disable, { password: PASSWORD })), 401)
    assert.equal(await statusOf(browser.post(disable, { password: 'not-the-password' })), 400)
    assert.equal(await statusOf(browser.post(disable, { password: PASSWORD })), 200)
    const plain = new Browser(doors)
    assert.equal(await statusOf(plain.signIn(email, PASSWORD)), 200)
    assert.equal((await plain.person())?.email, email)
  })

  test('no answer of the door tells scripts the session’s token', async () => {
    const { email, secret } = await someone()
    const browser = await halfway(email)
    const answer = await browser.post(VERIFY, { code: nextCode(secret) })
    assert.equal(await answer.text(), '{}')
    const change = { currentPassword: PASSWORD, newPassword: 'another-few-words' }
    assert.equal(await (await browser.post('/api/auth/change-password', change)).text(), '{}')
  })
})
