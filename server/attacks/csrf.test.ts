import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SIGN_IN_PATHS } from '../auth/door.ts'
import { LOCAL_PATHS } from '../auth/local.ts'
import { digestOf, startTarget } from './running.testing.ts'
import { procedures, sample } from './sample.testing.ts'
import { Visitor } from './visitor.testing.ts'

const target = await startTarget()
const { pool, a } = target
const owner = new Visitor(target.url)
await pool.query(`update fleet_members set role = 'owner' where fleet_id = $1`, [a.id])
assert.equal((await owner.signIn(a.login)).status, 200)

const EVIL = 'https://evil.example'
/** What a page of another site can make a browser send with our cookie. */
const FOREIGN: [string, Record<string, string>][] = [
  ['a foreign Origin', { origin: EVIL }],
  ['no Origin', { origin: '' }],
  ['the Origin "null"', { origin: 'null' }],
  ['our Origin with another port', { origin: target.url.replace(/:\d+$/, ':1') }],
  ['text/plain', { 'content-type': 'text/plain' }],
  ['a form', { 'content-type': 'application/x-www-form-urlencoded' }],
  ['a form of parts', { 'content-type': 'multipart/form-data; boundary=x' }],
  ['no type', { 'content-type': '' }],
]
const mutations = procedures.filter(({ type }) => type === 'mutation')

describe('attack 20: a page of another site', () => {
  test('attack 20: no mutation is done for it, whatever it sends', async () => {
    const before = await digestOf(pool, a.id)
    assert.ok(mutations.length > 20)
    for (const { path, schema } of mutations) {
      const input = JSON.stringify(sample(schema ?? {}, { id: 7_777_777 }) ?? {})
      for (const [what, headers] of FOREIGN) {
        const { status } = await owner.send('POST', `/api/trpc/${path}`, { body: input, headers })
        assert.equal(status, 403, `${path} with ${what}`)
      }
    }
    assert.deepEqual(await digestOf(pool, a.id), before)
  })

  test('attack 20: a link does nothing: no mutation by GET, alone or in a batch', async () => {
    const before = await digestOf(pool, a.id)
    for (const { path, schema } of mutations) {
      const input = encodeURIComponent(JSON.stringify(sample(schema ?? {}, { id: 7_777_777 }) ?? {}))
      const alone = await owner.get(`/api/trpc/${path}?input=${input}`)
      assert.ok([403, 405].includes(alone.status), `${path}: ${alone.status}`)
      const batch = encodeURIComponent(JSON.stringify({ 0: {}, 1: JSON.parse(decodeURIComponent(input)) }))
      const batched = await owner.get(`/api/trpc/fleet.me,${path}?batch=1&input=${batch}`)
      assert.ok([400, 403, 405, 207].includes(batched.status), `${path} in a batch: ${batched.status}`)
      assert.doesNotMatch(batched.text.slice(batched.text.indexOf('}},{') + 1), /"result"/, path)
    }
    assert.deepEqual(await digestOf(pool, a.id), before)
  })

  test('attack 20: a batch of mutations needs our Origin as well', async () => {
    const [one, two] = ['account.endOthers', 'account.signOutEverywhere']
    for (const [what, headers] of FOREIGN) {
      const { status } = await owner.send('POST', `/api/trpc/${one},${two}?batch=1`, {
        body: '{"0":{},"1":{}}',
        headers,
      })
      assert.equal(status, 403, what)
    }
    assert.ok(await owner.person())
  })

  test('attack 20: every other door that changes something asks for our Origin and for JSON', async () => {
    assert.ok(LOCAL_PATHS.length > 8 && SIGN_IN_PATHS.length > 4)
    const paths = [
      ...LOCAL_PATHS.map((path) => `/api/auth${path}`),
      ...SIGN_IN_PATHS.map((path) => `/api/sign-in/${path}`),
    ]
    for (const path of paths)
      for (const [what, headers] of FOREIGN) {
        const { status, headers: answered } = await owner.send('POST', path, { body: '{}', headers })
        assert.ok([403, 404, 405, 415].includes(status), `${path} with ${what}: ${status}`)
        assert.equal(answered['set-cookie'], undefined, `${path} with ${what}`)
      }
    assert.ok(await owner.person(), 'still signed in')
  })

  test('attack 20: from a page of ours the same are heard', async () => {
    const { status } = await owner.mutate('account.endOthers')
    assert.equal(status, 200)
  })
})
