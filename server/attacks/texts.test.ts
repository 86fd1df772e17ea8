import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, test } from 'node:test'
import { z } from 'zod'
import { keyLine } from '../auth/doors.testing.ts'
import { appRouter } from '../router.ts'
import { call, digestOf, signIn, startTarget } from './running.testing.ts'
import { hostileInputs, procedures, sample } from './sample.testing.ts'
import { Visitor } from './visitor.testing.ts'

const target = await startTarget()
const { pool, a } = target
const cookie = await signIn(target, a)
const NOTHING = 4_503_599_627_370_497
const device = a.devices[0]!

const changing = procedures.filter(({ type, schema }) => type === 'mutation' && schema !== null)
const schemaOf = (path: string) =>
  (appRouter._def.procedures as unknown as Record<string, { _def: { inputs: unknown[] } }>)[
    path
  ]!._def.inputs.find((one): one is z.ZodType => one instanceof z.ZodType)!

/** Texts that nobody reads: secrets, what is only compared, and what a parser of its own takes apart. */
const NOT_SHOWN =
  /(^|\.)(password|secret|userId|id|user|signature|publicKey|algorithm|authorities|sources|device|email|fixTime)$/

const ONLY_COMPARED = new Set(['deviceSignIn.removeIssuer issuer', 'exports.ask report.text'])

async function post(path: string, body: unknown, headers: Record<string, string> = {}) {
  const answer = await fetch(`${target.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  return { status: answer.status, text: await answer.text() }
}

describe('names with characters that deceive', () => {
  const HIDDEN = 'Ada\u202Egnp.exe'

  test('every text that a procedure keeps is refused with a turned or hidden character, its field named, and nothing is written', async () => {
    const before = await digestOf(pool, a.id)
    const seen: string[] = []
    for (const procedure of changing)
      for (const { path, input } of hostileInputs(procedure.schema!, { id: NOTHING, text: HIDDEN })) {
        if (NOT_SHOWN.test(path) || ONLY_COMPARED.has(`${procedure.path} ${path}`)) continue
        seen.push(`${procedure.path} ${path}`)
        const issues = schemaOf(procedure.path).safeParse(input).error?.issues ?? []
        const its = issues.find((issue) => issue.path.join('.') === path)
        assert.ok(its, `${procedure.path} takes it as ${path}`)
        const { status, text } = await call(target, cookie, procedure, input)
        assert.ok([400, 403].includes(status), `${procedure.path} ${path}: ${status} ${text}`)
        if (issues.length === 1 && status === 400) {
          const { error } = JSON.parse(text) as { error: { message: string; data: { field: string } } }
          assert.equal(error.message, its.message)
          assert.equal(error.data.field, path)
        }
      }
    for (const one of [
      'devices.enrol name',
      'keys.revoke why',
      'logs.setStatus annotation',
      'signIn.save name',
      'webhooks.save name',
      'deviceSignIn.addIssuer issuer',
    ])
      assert.ok(seen.includes(one), `${one} was not tried: ${seen}`)
    assert.deepEqual(await digestOf(pool, a.id), before)
  })

  test('what comes by other doors too: a new member, a passkey, the comment of a key', async () => {
    const visitor = new Visitor(target.url)
    const joined = await visitor.post('/api/sign-in/join', {
      token: 'x',
      name: HIDDEN,
      password: 'a-few-good-words',
    })
    assert.deepEqual([joined.status, JSON.parse(joined.text).field], [400, 'name'])
    await visitor.signIn(a.login)
    const passkey = await visitor.post('/api/auth/passkey/verify-registration', {
      response: {},
      name: HIDDEN,
    })
    assert.deepEqual([passkey.status, JSON.parse(passkey.text).field], [400, 'name'])
    const key = await visitor.mutate('keys.enrol', {
      publicKey: `${keyLine(generateKeyPairSync('ed25519').publicKey)} ${HIDDEN}`,
      scopes: ['ingest'],
      reach: { kind: 'fleet' },
    })
    assert.equal(key.status, 422)
    assert.match(key.text, /U\+202E/)
    assert.match(key.text, /"field":"publicKey"/)
  })

  test('a name whose letters are of two alphabets in one word is refused; one of another alphabet is taken', async () => {
    const enrol = async (name: string) =>
      await new Visitor(target.url)
        .copied()
        .post('/api/trpc/devices.enrol', { vehicleId: device.vehicleId, name, protocol: 'json' }, { cookie })
    const mixed = await enrol('Unit-\u0410lfa')
    assert.equal(mixed.status, 400)
    assert.match(mixed.text, /Latin and Cyrillic/)
    for (const name of ['КамАЗ 5490', 'שלום', 'José']) assert.equal((await enrol(name)).status, 200, name)
  })

  test('a NUL is a refusal and no fault of ours, at every procedure, door, page and file', async () => {
    for (const procedure of procedures.filter(({ schema, type }) => schema && type !== 'subscription')) {
      for (const { path, input } of hostileInputs(procedure.schema!, { id: NOTHING, text: 'a\0b' })) {
        const { status, text } = await call(target, cookie, procedure, input)
        assert.ok(status < 500, `${procedure.path} ${path}: ${status} ${text}`)
      }
    }
    const visitor = new Visitor(target.url)
    for (const [path, body] of Object.entries({
      'sign-in/directory': { fleet: 'a\0', provider: 1, user: 'a\0', password: 'a\0' },
      'sign-in/begin': { fleet: 'a\0', provider: 1 },
      'sign-in/reset': { email: 'a\0@x.example' },
      'sign-in/reset/complete': { secret: 'a\0', password: 'a-few-good-words\0' },
      'sign-in/invitation': { token: 'a\0' },
      'sign-in/join': { token: 'a\0', name: 'a\0', password: 'a-few-good-words' },
      'auth/sign-in/email': { email: 'a\0@x.example', password: 'a\0' },
      'auth/two-factor/verify-totp': { code: 'a\0' },
      'auth/passkey/verify-authentication': { response: { id: 'a\0' } },
    })) {
      const { status, text } = await visitor.post(`/api/${path}`, body)
      assert.ok(status < 500, `${path}: ${status} ${text}`)
    }
    await visitor.signIn(a.login)
    for (const path of [
      '/login?fleet=a%00',
      '/api/sign-in/callback/a%00?state=%00&code=%00',
      '/api/exports/%00',
      '/print/driver-days?driver=%00&from=%00&until=%00',
      '/audit?text=%00',
      '/vehicles/%00',
      '/drivers/%00/logs/%00',
      '/devices/%00',
      '/v1/osmand?id=%00&lat=1&lon=1',
    ]) {
      const { status } = await visitor.get(path)
      assert.ok(status < 500, `${path}: ${status}`)
    }
  })
})

/** What makes a pattern that tries too much try for ever: long runs of what it repeats, and then what does not fit. */
const RUNS = [' ', 'a', '0', '.', '-', 'a.', 'a@', '/a', ':', '1,', 'a b', '=', '%00', '\u0301', '\u0430a']
const WITHIN_MS = 10_000

describe('patterns and long texts', () => {
  test('every text of every procedure, 200,000 characters of it, is answered at once', async () => {
    for (const procedure of procedures.filter(({ takesText, type }) => takesText && type === 'mutation'))
      for (const run of RUNS) {
        const text = `${run.repeat(Math.floor(200_000 / run.length))}!`
        const input = sample(procedure.schema!, { id: NOTHING, text })
        const from = performance.now()
        const { status } = await call(target, cookie, procedure, input)
        const took = performance.now() - from
        assert.ok(status < 500, `${procedure.path}: ${status}`)
        assert.ok(took < WITHIN_MS, `${procedure.path} took ${took.toFixed(0)} ms for runs of "${run}"`)
      }
  })

  test('headers, addresses and fields of devices as long as they may be, too', async () => {
    const quick = async (what: string, work: () => Promise<{ status: number }>) => {
      const from = performance.now()
      const { status } = await work()
      const took = performance.now() - from
      assert.ok(status < 500, `${what}: ${status}`)
      assert.ok(took < WITHIN_MS, `${what} took ${took.toFixed(0)} ms`)
    }
    for (const run of RUNS.filter((one) => /^[\x20-\x7e]+$/.test(one))) {
      const text = `x${run.repeat(Math.floor(6_000 / run.length))}!`
      for (const header of [
        'authorization',
        'cookie',
        'content-type',
        'signature-input',
        'signature',
        'content-digest',
        'origin',
        'x-forwarded-for',
        'client-cert',
        'user-agent',
      ])
        for (const path of ['/v1/heartbeats', '/api/trpc/alerts.acknowledge'])
          await quick(`${header} of ${path}, "${run}"`, () => post(path, {}, { [header]: text }))
      const asked = encodeURIComponent(text).slice(0, 6_000).replace(/%.?$/, '')
      for (const path of ['/v1/osmand?id=', '/v1/owntracks/', '/login?next=', '/api/exports/', '/'])
        await quick(`${path}, "${run}"`, () =>
          fetch(`${target.url}${path}${asked}`, { redirect: 'manual', headers: { cookie } }),
        )
      const long = `${run.repeat(Math.floor(600_000 / run.length))}!`
      const beat = { device: device.name, latitude: 1, longitude: 1 }
      for (const body of [{ ...beat, fixTime: long }, { ...beat, device: long, fixTime: 1 }, { [long]: 1 }])
        await quick(`a heartbeat, "${run}"`, () =>
          post('/v1/heartbeats', body, { authorization: `Bearer ${device.token}` }),
        )
    }
  })
})
