import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { enrolPerson } from '../auth/people.ts'
import { exported } from './exports.testing.ts'
import { call, digestOf, signIn, startTarget } from './running.testing.ts'
import { procedures, sample } from './sample.testing.ts'

const target = await startTarget()
const { pool, a, b } = target
const cookie = await signIn(target, a)

/** Ids of everything that B has, one or two of each kind, and names that only B knows. */
async function thingsOf(fleetId: number): Promise<{ ids: (number | string)[]; names: string[] }> {
  const { rows: tables } = await pool.query<{ name: string }>(
    `select c.relname as name from pg_class c
     join pg_attribute f on f.attrelid = c.oid and f.attname = 'fleet_id'
     join pg_attribute i on i.attrelid = c.oid and i.attname = 'id'
     where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and not c.relispartition order by 1`,
  )
  const ids: (number | string)[] = [fleetId]
  for (const { name } of tables) {
    const { rows } = await pool.query<{ id: number | string }>(
      `select id from ${name} where fleet_id = $1 order by id limit 2`,
      [fleetId],
    )
    ids.push(...rows.map(({ id }) => id))
  }
  const { rows: members } = await pool.query<{ id: string; email: string }>(
    'select u.id, u.email from fleet_members m join users u on u.id = m.user_id where m.fleet_id = $1',
    [fleetId],
  )
  const { rows: sessions } = await pool.query<{ id: string }>(
    'select s.id from sessions s join fleet_members m on m.user_id = s.user_id where m.fleet_id = $1',
    [fleetId],
  )
  const { rows: drivers } = await pool.query<{ name: string }>(
    `select name from drivers where fleet_id = $1 and name not in (select name from drivers where fleet_id <> $1)`,
    [fleetId],
  )
  return {
    ids: [...ids, ...members.map(({ id }) => id), ...sessions.map(({ id }) => id)],
    names: [...drivers.map(({ name }) => name), ...members.map(({ email }) => email), b.name],
  }
}

/** A file of B that is ready to be fetched. */
const theirFile = await exported(target, await signIn(target, b), { kind: 'audit' })
const theirs = await thingsOf(b.id)
/** Looks like an id and is none. */
const NOTHING = 4_503_599_627_370_497

const anonymous = (text: string, id: number | string) => text.replaceAll(String(id), 'ID')

/** The server's clock stands in some answers, and the id of what was made. */
const timeless = (text: string) =>
  text.replaceAll(/\b1[78]\d{11}\b/g, 'TIME').replaceAll(/\b\d{15,16}\b/g, 'NEW')

describe('attack 01: ids of another fleet', () => {
  test('attack 01: B has something to be guessed', () => {
    assert.ok(theirs.ids.length >= 8, `${theirs.ids.length} ids`)
    assert.ok(theirs.names.length >= 2, `${theirs.names}`)
    assert.ok(procedures.filter(({ takesIds }) => takesIds).length > 10)
  })

  for (const procedure of procedures.filter(({ takesIds, type }) => takesIds && type !== 'subscription')) {
    test(`attack 01: ${procedure.path} answers for an id of B as for one that is none, and writes nothing`, async () => {
      const before = await digestOf(pool, b.id)
      for (const id of theirs.ids) {
        const nothing = typeof id === 'number' ? NOTHING : `${id.slice(0, -4)}none`
        const known = await call(target, cookie, procedure, sample(procedure.schema!, { id }))
        const unknown = await call(target, cookie, procedure, sample(procedure.schema!, { id: nothing }))
        assert.equal(known.status, unknown.status, `${procedure.path} of ${id}: ${known.text}`)
        assert.equal(timeless(anonymous(known.text, id)), timeless(anonymous(unknown.text, nothing)))
        assert.ok(known.status < 500, known.text)
        for (const name of theirs.names) assert.ok(!known.text.includes(name), name)
      }
      assert.deepEqual(await digestOf(pool, b.id), before)
    })
  }

  for (const procedure of procedures.filter(({ type }) => type === 'query')) {
    test(`attack 01: ${procedure.path} tells nothing of B`, async () => {
      const { text } = await call(target, cookie, procedure, sample(procedure.schema ?? {}, { id: NOTHING }))
      for (const name of theirs.names) assert.ok(!text.includes(name), `${procedure.path} tells "${name}"`)
      for (const id of theirs.ids) assert.ok(!text.includes(String(id)), `${procedure.path} tells ${id}`)
    })
  }

  test('attack 01: pages and files of B are as those that are not there', async () => {
    const { rows } = await pool.query<{ id: number }>('select id from drivers where fleet_id = $1 limit 1', [
      b.id,
    ])
    const get = async (path: string) => {
      const answer = await fetch(target.url + path, { headers: { cookie }, redirect: 'manual' })
      return { status: answer.status, text: await answer.text() }
    }
    for (const path of [
      '/drivers/ID',
      '/drivers/ID/logs/2026-11-24',
      '/print/driver-days?driver=ID&from=2026-11-20&until=2026-11-24',
    ]) {
      const known = await get(path.replace('ID', String(rows[0]!.id)))
      const unknown = await get(path.replace('ID', String(NOTHING)))
      assert.equal(known.status, unknown.status, path)
      for (const name of theirs.names) assert.ok(!known.text.includes(name), `${path} tells "${name}"`)
    }
  })

  test('attack 01: a device of A can say nothing for one of B', async () => {
    const before = await digestOf(pool, b.id)
    const report = async (device: string) => {
      const answer = await fetch(`${target.url}/v1/heartbeats`, {
        method: 'POST',
        headers: { authorization: `Bearer ${a.devices[0]!.token}`, 'content-type': 'application/json' },
        body: JSON.stringify([{ device, fixTime: new Date().toISOString(), latitude: 41, longitude: -87 }]),
      })
      return anonymous(await answer.text(), device)
    }
    const theirName = `${b.devices[0]!.name}-of-b`
    await pool.query('update devices set name = $3 where fleet_id = $1 and name = $2', [
      b.id,
      b.devices[0]!.name,
      theirName,
    ])
    const after = await digestOf(pool, b.id)
    assert.equal(await report(theirName), await report('nobody'))
    assert.deepEqual(await digestOf(pool, b.id), after)
    assert.notDeepEqual(before, after)
  })
})

describe('attack 02: fields that nobody asked for', () => {
  for (const procedure of procedures.filter(
    ({ schema, type }) => schema?.properties && type !== 'subscription',
  )) {
    test(`attack 02: ${procedure.path} refuses fleetId, role, createdAt and __proto__`, async () => {
      const before = await digestOf(pool, b.id)
      for (const [name, value] of Object.entries({
        fleetId: b.id,
        role: 'owner',
        createdAt: 0,
        certifiedAt: 0,
        // Also as the prototype of what is read: a computed name makes it one like any other.
        ['__proto__']: { role: 'owner' },
      })) {
        if (Object.hasOwn(procedure.schema!.properties!, name)) continue
        const input = { ...(sample(procedure.schema!, { id: NOTHING }) as object), [name]: value }
        // What is for devices refuses a person before it looks.
        assert.ok([400, 403].includes((await call(target, cookie, procedure, input)).status), name)
      }
      assert.deepEqual(await digestOf(pool, b.id), before)
    })
  }
})

const VIOLATIONS = { kind: 'violations', from: '2026-11-20', until: '2026-11-24' } as const

describe('attack 24: streams and files of another fleet', () => {
  /** The stream's text until `enough`, or until it ends. */
  async function stream(
    session: string,
    input: unknown,
    enough: (text: string) => boolean,
    path = 'live.stream',
  ) {
    const leave = new AbortController()
    const answer = await fetch(
      `${target.url}/api/trpc/${path}?input=${encodeURIComponent(JSON.stringify(input))}`,
      { headers: { cookie: session, accept: 'text/event-stream' }, signal: leave.signal },
    )
    let text = ''
    const decoder = new TextDecoder()
    try {
      for await (const part of answer.body!) {
        text += decoder.decode(part, { stream: true })
        if (enough(text)) break
      }
    } finally {
      leave.abort()
    }
    return { status: answer.status, text }
  }

  test('attack 24: the stream shows A alone, and takes no fleet', async () => {
    const { text } = await stream(cookie, {}, (sofar) => sofar.includes('"snapshot":true'))
    assert.ok(text.includes('"snapshot":true'))
    for (const name of theirs.names) assert.ok(!text.includes(name), name)
    for (const id of theirs.ids) assert.ok(!text.includes(String(id)), String(id))
    const refused = await stream(cookie, { fleetId: b.id }, () => false)
    assert.match(refused.text, /BAD_REQUEST/)
  })

  test('attack 24: a stream ends within 5 s of its session, the watch of a device too', async () => {
    const { rows } = await pool.query<{ id: number }>('select id from devices where fleet_id = $1 limit 1', [
      a.id,
    ])
    for (const [path, input, begun] of [
      ['live.stream', {}, '"snapshot":true'],
      ['devices.watch', { id: rows[0]!.id }, 'data: '],
    ] as const) {
      const session = await signIn(target, a)
      let endedAt = 0
      let outAt = Number.POSITIVE_INFINITY
      const isEnough = (sofar: string) => {
        if (sofar.includes(begun) && outAt === Number.POSITIVE_INFINITY) {
          outAt = Date.now()
          void fetch(`${target.url}/api/auth/sign-out`, {
            method: 'POST',
            headers: { cookie: session, origin: target.url, 'content-type': 'application/json' },
            body: '{}',
          })
        }
        // It says so, or another frame would come only if it went on.
        const ended = /UNAUTHORIZED/.test(sofar)
        if (ended) endedAt = Date.now()
        return ended || Date.now() - outAt > 20_000
      }
      const { text } = await stream(session, input, isEnough, path)
      assert.match(text, /UNAUTHORIZED/, path)
      assert.ok(endedAt - outAt < 5_000, `${path} went on for ${endedAt - outAt} ms`)
    }
  })

  test('attack 24: what A was given is kept by no cache', async () => {
    const { path: file } = await exported(target, cookie, VIOLATIONS)
    for (const path of ['/map', '/drivers', file]) {
      const answer = await fetch(target.url + path, { headers: { cookie } })
      assert.equal(answer.status, 200)
      assert.match(answer.headers.get('cache-control') ?? '', /private|no-store/, path)
      await answer.text()
    }
  })

  test('attack 24: without a session there is no file and no stream', async () => {
    const { path } = await exported(target, cookie, VIOLATIONS)
    for (const file of [path, theirFile.path, `/api/exports/${NOTHING}`]) {
      const answer = await fetch(target.url + file)
      assert.equal(answer.status, 401)
      await answer.text()
    }
    const { text } = await stream('', {}, () => false)
    assert.match(text, /UNAUTHORIZED/)
  })

  const fetched = async (session: string, path: string) => {
    const answer = await fetch(target.url + path, { headers: { cookie: session } })
    const { 'content-type': type, 'content-disposition': disposition } = Object.fromEntries(answer.headers)
    return { status: answer.status, type, disposition, text: await answer.text() }
  }
  /** Somebody else of fleet A, signed in. */
  async function colleague(role: 'owner' | 'compliance-officer') {
    const login = { email: `${role}-of-files@carrier.example`, password: 'a-few-good-words' }
    const userId = await enrolPerson(pool, { fleetId: a.id, name: role, role, ...login })
    return { userId, session: await signIn(target, { ...a, login }) }
  }

  test('attack 24: a file of B, a colleague’s and one that was deleted are as one that is none', async () => {
    const { session } = await colleague('owner')
    const theirsOfA = await exported(target, session, { kind: 'audit' })
    const deleted = await exported(target, cookie, VIOLATIONS)
    await call(target, cookie, { path: 'exports.remove', type: 'mutation' }, { id: deleted.id })
    const none = await fetched(cookie, `/api/exports/${NOTHING}`)
    assert.deepEqual([none.status, none.type, none.disposition], [404, 'application/problem+json', undefined])
    for (const { path } of [theirFile, theirsOfA, deleted])
      assert.deepEqual(await fetched(cookie, path), none, path)
    for (const id of ['0', '-1', '1e3', '0x10', '%00', 'x', '9'.repeat(16), `${theirFile.id}.0`])
      assert.deepEqual(await fetched(cookie, `/api/exports/${id}`), none, id)
    assert.equal((await fetched(session, theirsOfA.path)).status, 200)
  })

  test('attack 24: a file after its day is gone, and says what to do', async () => {
    const { id, path } = await exported(target, cookie, VIOLATIONS)
    assert.equal((await fetched(cookie, path)).status, 200)
    await pool.query('update exports set expires_at = now() where fleet_id = $1 and id = $2', [a.id, id])
    const { status, type, text } = await fetched(cookie, path)
    assert.deepEqual([status, type], [410, 'application/problem+json'])
    assert.match(text, /"code":"gone".*Ask for the export again/)
  })

  test('attack 24: a file whose person’s role may no longer have it is refused', async () => {
    const { userId, session } = await colleague('compliance-officer')
    const audit = await exported(target, session, { kind: 'audit' })
    const violations = await exported(target, session, VIOLATIONS)
    const setRole = (role: string) =>
      pool.query('update fleet_members set role = $3 where fleet_id = $1 and user_id = $2', [
        a.id,
        userId,
        role,
      ])
    for (const [role, ofAudit, ofViolations] of [
      ['compliance-officer', 200, 200],
      ['dispatcher', 403, 200],
      ['viewer', 403, 403],
    ] as const) {
      await setRole(role)
      const answers = [await fetched(session, audit.path), await fetched(session, violations.path)]
      assert.deepEqual(
        answers.map(({ status }) => status),
        [ofAudit, ofViolations],
        role,
      )
      for (const { status, text } of answers) if (status === 403) assert.match(text, /This is for/)
    }
  })
})
