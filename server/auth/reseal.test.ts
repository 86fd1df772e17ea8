import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { symmetricDecrypt, symmetricEncrypt } from 'better-auth/crypto'
import { newId } from '../db/id.ts'
import { HOUR, MINUTE } from '../time/instant.ts'
import { addProvider, Browser, makeFleet, openDoors } from './door.testing.ts'
import { DeviceSecrets } from './secrets.ts'
import { secretOf, totp } from './totp.testing.ts'

const doors = await openDoors()
const { pool } = doors
const FORMER = process.env.AUTH_SECRET!
const { Resealing, SEALED_BY_AUTH, versionOf } = await import('./reseal.ts')
const { MAIL_PURPOSE, PROVIDER_PURPOSE, unseal } = await import('./seal.ts')
const { postMail } = await import('./mail.ts')
const { rotateSecret, saveWebhook } = await import('../webhooks/endpoints.ts')
const { SEALED_BY_WEBHOOKS, SECRET_PURPOSE } = await import('../webhooks/courier.ts')
const { enrolPerson } = await import('./people.ts')
const KINDS = [...SEALED_BY_AUTH, SEALED_BY_WEBHOOKS]

const PASSWORD = 'a-few-good-words'
const fleetId = await makeFleet(pool, 'northern')
const newSecret = () => randomBytes(32).toString('base64')

/** Everything that the product seals, under AUTH_SECRET as it is. */
async function sealEverything(): Promise<void> {
  const n = newId()
  await addProvider(pool, fleetId, {
    kind: 'oidc',
    name: `provider ${n}`,
    secret: `client secret ${n}`,
    settings: { issuer: 'https://id.example', clientId: 'restline' } as never,
  })
  await pool.query(
    `insert into sign_in_providers (fleet_id, id, kind, name, settings) values ($1, $2, 'ldap', $3, '{}')`,
    [fleetId, newId(), `without a secret ${n}`],
  )
  const webhook = { name: `hook ${n}`, url: 'https://hook.example', kinds: [], enabled: true }
  const { id } = await saveWebhook(pool, fleetId, 'Kim', webhook)
  await rotateSecret(pool, fleetId, id, Date.now())
  await postMail(pool, { to: 'kim@carrier.example', subject: `mail ${n}`, text: 'a link' })
  const keyId = newId()
  await pool.query(
    `insert into device_keys (fleet_id, id, fingerprint, public_key, type, bits, algorithm, scopes, reach, enrolled_at)
     values ($1, $2, $3, 'a line', 'ssh-ed25519', 256, 'ed25519', '{ingest}', 'fleet', now())`,
    [fleetId, keyId, `SHA256:${n}`],
  )
  await pool.query(
    `insert into device_sessions (fleet_id, session, id, key_id, opened_at, expires_at, secret)
     values ($1, $2, $3, $4, now(), now() + interval '1 day', $5)`,
    [fleetId, `s${n}`, n, keyId, new DeviceSecrets([FORMER]).seal(Buffer.from(`session ${n}`), `s${n}`)],
  )
  const email = `person-${n}@carrier.example`
  await enrolPerson(pool, { fleetId, name: `Person ${n}`, email, password: PASSWORD, role: 'dispatcher' })
  const browser = new Browser(doors)
  await browser.signIn(email, PASSWORD)
  const begun = await browser.post('/api/auth/two-factor/enable', { password: PASSWORD })
  const { totpURI } = (await begun.json()) as { totpURI: string }
  const code = totp(secretOf(totpURI), Date.now())
  assert.equal((await browser.post('/api/auth/two-factor/verify-totp', { code })).status, 200)
}

/** What is sealed, in the clear; fails if one of the secrets can't open it. */
async function opened(...secrets: string[]): Promise<string[]> {
  const read = async <Row>(text: string) => (await pool.query(text)).rows as Row[]
  const key = {
    keys: new Map(secrets.map((secret) => [versionOf(secret), secret])),
    currentVersion: versionOf(secrets[0]!),
  }
  const clear: string[] = []
  const bytes = [
    ['select secret as sealed from sign_in_providers where secret is not null', PROVIDER_PURPOSE],
    ['select sealed from mail_outbox', MAIL_PURPOSE],
    [
      'select secret as sealed from webhook_endpoints union all select previous_secret from webhook_endpoints',
      SECRET_PURPOSE,
    ],
  ] as const
  for (const [text, purpose] of bytes)
    for (const { sealed } of await read<{ sealed: Buffer }>(text))
      clear.push(unseal(sealed, purpose, secrets))
  for (const { session, secret } of await read<{ session: string; secret: Buffer }>(
    'select session, secret from device_sessions',
  ))
    clear.push(new DeviceSecrets(secrets).open(secret, session).toString())
  for (const { secret, codes } of await read<{ secret: string; codes: string }>(
    'select secret, backup_codes as codes from two_factors',
  ))
    for (const data of [secret, codes]) clear.push(await symmetricDecrypt({ key, data }))
  return clear.sort()
}

async function finish(one: InstanceType<typeof Resealing>, now = 0): Promise<number> {
  let steps = 0
  while (await one.run(now)) steps++
  return steps
}

describe('what is sealed under the secret before', () => {
  test('is sealed anew by several processes, one of them killed in the middle; then the former is not needed', async () => {
    for (let i = 0; i < 4; i++) await sealEverything()
    const before = await opened(FORMER)
    assert.equal(before.length, 4 * 7)
    const current = newSecret()
    const child = fork(new URL('reseal-process.testing.ts', import.meta.url), {
      env: { ...process.env, AUTH_SECRET: current, AUTH_SECRET_PREVIOUS: FORMER },
      execArgv: ['--import', 'tsx'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    const gone = new Promise<NodeJS.Signals | null>((resolve) =>
      child.once('exit', (_, signal) => resolve(signal)),
    )
    child.on('message', (steps) => {
      if (steps === 7) child.kill('SIGKILL')
    })
    assert.equal(await gone, 'SIGKILL')
    await assert.rejects(opened(FORMER), 'some are under the current one')
    await assert.rejects(opened(current), 'and others are not yet')
    assert.deepEqual(await opened(current, FORMER), before, 'all of them open meanwhile')

    const secrets = [current, FORMER]
    await Promise.all([1, 3, 200].map((aStep) => finish(new Resealing(pool, secrets, KINDS, aStep))))
    assert.deepEqual(await opened(current), before)
  })

  test('that comes later, of an instance that has the old settings, is found an hour on', async () => {
    const current = newSecret()
    const one = new Resealing(pool, [current, FORMER], SEALED_BY_AUTH)
    await pool.query(
      'delete from sign_in_providers; delete from two_factors; delete from device_sessions; delete from mail_outbox',
    )
    await finish(one)
    await postMail(pool, { to: 'kim@carrier.example', subject: 'late', text: 'a link' })
    assert.equal(await finish(one, HOUR - 1), 0)
    assert.ok((await finish(one, HOUR)) > 0)
    const { rows } = await pool.query<{ sealed: Buffer }>('select sealed from mail_outbox')
    assert.match(unseal(rows[0]!.sealed, MAIL_PURPOSE, [current]), /late/)
  })

  test('is left for the next pass while somebody holds it, and the former is needed so long', async () => {
    const current = newSecret()
    await pool.query('delete from mail_outbox')
    await postMail(pool, { to: 'kim@carrier.example', subject: 'on its way', text: 'a link' })
    const one = new Resealing(pool, [current, FORMER], SEALED_BY_AUTH)
    const sender = await pool.connect()
    await sender.query('begin')
    await sender.query('select from mail_outbox for update')
    await finish(one)
    await sender.query('commit')
    sender.release()
    assert.equal(await finish(one, MINUTE - 1), 0)
    assert.ok((await finish(one, MINUTE)) > 0, 'in a minute, not in an hour')
    const { rows } = await pool.query<{ sealed: Buffer }>('select sealed from mail_outbox')
    assert.match(unseal(rows[0]!.sealed, MAIL_PURPOSE, [current]), /on its way/)
  })

  test('of the second step, from before it said by which secret, is sealed anew too; what no secret opens stays', async () => {
    const current = newSecret()
    const { rows: people } = await pool.query<{ id: string }>('select id from users limit 1')
    const bare = (data: string) => symmetricEncrypt({ key: FORMER, data })
    const add = async (id: string, secret: string, codes: string) =>
      pool.query('insert into two_factors (id, secret, backup_codes, user_id) values ($1, $2, $3, $4)', [
        id,
        secret,
        codes,
        people[0]!.id,
      ])
    await add('bare', await bare('seed'), await bare('[]'))
    await add('lost', '$ba$1$00', '$ba$1$00')
    await finish(new Resealing(pool, [current, FORMER], SEALED_BY_AUTH))
    const key = { keys: new Map([[versionOf(current), current]]), currentVersion: versionOf(current) }
    const { rows } = await pool.query<{ secret: string }>('select secret from two_factors order by id')
    assert.equal(await symmetricDecrypt({ key, data: rows[0]!.secret }), 'seed')
    assert.equal(rows[1]!.secret, '$ba$1$00')
  })

  test('is nothing where one secret alone is set: nothing is asked', async () => {
    const none = new Resealing(undefined as never, [FORMER], KINDS)
    assert.equal(await none.run(0), false)
  })
})
