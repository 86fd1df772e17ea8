import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newId } from '../db/id.ts'
import { withTransaction } from '../db/pool.ts'
import { testDatabase } from '../db/testing.ts'
import { TestFleet } from '../logs/fleet.testing.ts'
import { type AuditEntry, recordAudit, SYSTEM, withheld } from './record.ts'
import { listAudit } from './search.ts'
import { verifyAuditChain } from './verify.ts'

const { url, pool } = await testDatabase()
process.env.DATABASE_URL ??= url
process.env.AUTH_SECRET ??= 'a secret of the tests alone, 32 characters'
const AT = Date.UTC(2026, 10, 25, 15, 0, 0, 123)

const deed = (fleetId: number, more: Partial<AuditEntry> = {}): AuditEntry => ({
  fleetId,
  actor: { kind: 'person', id: 'u1', name: 'Ada "Ä" 😀' },
  action: 'alert.acknowledged',
  object: { kind: 'alert', id: 7 },
  before: { state: 'open' },
  after: { state: 'acknowledged', by: 'Ada' },
  source: { address: '127.0.0.1', requestId: 'r1' },
  at: AT,
  ...more,
})

/** A fleet's log of `count` rows. */
async function logOf(count: number): Promise<number> {
  const fleetId = newId()
  for (let i = 0; i < count; i++) await recordAudit(pool, deed(fleetId, { object: { kind: 'alert', id: i } }))
  return fleetId
}

/** As somebody would who rules over the whole database: the triggers are off. */
async function tamper(sql: string, values: unknown[]): Promise<void> {
  await withTransaction(pool, async (tx) => {
    await tx.query(`set local session_replication_role = replica`)
    const { rowCount } = await tx.query(sql, values)
    assert.ok(rowCount)
  })
}

describe('the audit log', () => {
  test('numbers and chains the rows of each fleet, and the check agrees with the database', async () => {
    const [one, other] = [await logOf(3), await logOf(1)]
    await recordAudit(
      pool,
      deed(one, { actor: SYSTEM, before: undefined, after: undefined, source: undefined }),
    )
    const report = await verifyAuditChain(pool, one)
    assert.equal(report.broken, null)
    assert.equal(report.rows, 4)
    const { rows } = await pool.query<{ hash: string }>(
      `select encode(hash, 'hex') as hash from audit_log where fleet_id = $1 and sequence = 4`,
      [one],
    )
    assert.deepEqual(report.end, { sequence: 4, hash: rows[0]!.hash })
    assert.equal((await verifyAuditChain(pool, other)).rows, 1)
    assert.deepEqual(await verifyAuditChain(pool, newId()), { rows: 0, end: null, broken: null })
  })

  test('deeds of many transactions at once have no hole and no fork', async () => {
    const fleetId = newId()
    await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        withTransaction(pool, async (tx) => {
          await recordAudit(tx, deed(fleetId, { object: { kind: 'alert', id: i } }))
          if (i % 4 === 0) throw new Error('changed my mind')
        }).catch(() => undefined),
      ),
    )
    assert.deepEqual((await verifyAuditChain(pool, fleetId)).broken, null)
    assert.equal((await verifyAuditChain(pool, fleetId)).rows, 30)
  })

  test('a caller who brings a number and hashes of their own does not get them', async () => {
    const fleetId = await logOf(1)
    await pool.query(
      `insert into audit_log (fleet_id, sequence, at, actor_kind, actor_id, actor_name, action, object_kind, object_id,
         previous_hash, hash) values ($1, 99, now(), 'person', 'u', 'U', 'x.y', 'x', '1', '\\x00', '\\x00')`,
      [fleetId],
    )
    assert.deepEqual((await verifyAuditChain(pool, fleetId)).broken, null)
    assert.equal((await verifyAuditChain(pool, fleetId)).rows, 2)
  })

  test('the database refuses to change, delete or empty it, for the owner too', async () => {
    const fleetId = await logOf(2)
    for (const sql of [
      `update audit_log set actor_name = 'Nobody' where fleet_id = ${fleetId}`,
      `delete from audit_log where fleet_id = ${fleetId}`,
      'truncate audit_log',
    ])
      await assert.rejects(pool.query(sql), { code: '42501', message: 'the audit log is append only' })
    assert.equal((await verifyAuditChain(pool, fleetId)).rows, 2)
  })

  for (const [column, value] of Object.entries({
    at: "at + interval '1 ms'",
    actor_kind: `'device'`,
    actor_id: `'u2'`,
    actor_name: `'Eve'`,
    action: `'alert.resolved'`,
    object_kind: `'driver'`,
    object_id: `'8'`,
    before: 'null',
    after: `'{"state":"acknowledged","by":"Eve"}'`,
    address: `'10.0.0.1'`,
    request_id: 'null',
    hash: `'\\x00'`,
  })) {
    test(`a superuser who changes ${column} is found`, async () => {
      const fleetId = await logOf(4)
      await tamper(`update audit_log set ${column} = ${value} where fleet_id = $1 and sequence = 2`, [
        fleetId,
      ])
      assert.equal((await verifyAuditChain(pool, fleetId)).broken?.sequence, 2)
    })
  }

  test('a superuser who also makes the hash of the changed row anew is found in the next one', async () => {
    const fleetId = await logOf(4)
    await tamper(`update audit_log set actor_name = 'Eve' where fleet_id = $1 and sequence = 2`, [fleetId])
    await tamper(
      `update audit_log a set hash = audit_hash(previous_hash, a) where fleet_id = $1 and sequence = 2`,
      [fleetId],
    )
    assert.deepEqual((await verifyAuditChain(pool, fleetId)).broken, {
      sequence: 3,
      reason: 'it does not follow from the row before',
    })
  })

  test('a row taken out is missed, and a cut-off end by whoever noted it', async () => {
    const fleetId = await logOf(4)
    const { end } = await verifyAuditChain(pool, fleetId)
    await tamper('delete from audit_log where fleet_id = $1 and sequence = 4', [fleetId])
    assert.equal((await verifyAuditChain(pool, fleetId)).broken, null)
    assert.equal(
      (await verifyAuditChain(pool, fleetId, end!)).broken?.reason,
      'the end of the log was cut off',
    )
    await tamper('delete from audit_log where fleet_id = $1 and sequence = 2', [fleetId])
    assert.deepEqual((await verifyAuditChain(pool, fleetId)).broken, {
      sequence: 2,
      reason: 'the row is missing',
    })
  })

  test('a log written anew from the first row on is found by an end that was noted', async () => {
    const fleetId = await logOf(3)
    const { end } = await verifyAuditChain(pool, fleetId)
    await tamper('delete from audit_log where fleet_id = $1', [fleetId])
    for (let i = 0; i < 3; i++) await recordAudit(pool, deed(fleetId, { action: 'nothing.happened' }))
    assert.equal((await verifyAuditChain(pool, fleetId)).broken, null)
    assert.deepEqual((await verifyAuditChain(pool, fleetId, end!)).broken, {
      sequence: 3,
      reason: 'it is not the row that was noted',
    })
  })
})

describe('what the audit log never holds', () => {
  test('secrets by their name and by their look, at any depth', async () => {
    const token = `rl_abc_def_${'x'.repeat(32)}`
    assert.deepEqual(
      withheld({
        name: 'Ada',
        password: 'p',
        newPassphrase: 'p',
        smtp: { clientSecret: 's', host: 'h' },
        list: [{ sessionId: 'x', accessToken: null, hasPassword: true }],
        note: `use ${token}`,
        key: '-----BEGIN OPENSSH PRIVATE KEY-----',
        fingerprint: 'SHA256:abc',
        raw: Buffer.from('x'),
        at: new Date(0),
      }),
      {
        name: 'Ada',
        password: '[withheld]',
        newPassphrase: '[withheld]',
        smtp: { clientSecret: '[withheld]', host: 'h' },
        list: [{ sessionId: '[withheld]', accessToken: null, hasPassword: true }],
        note: '[withheld]',
        key: '[withheld]',
        fingerprint: 'SHA256:abc',
        raw: '[withheld]',
        at: new Date(0),
      },
    )
    const fleetId = newId()
    await recordAudit(pool, deed(fleetId, { after: { token } }))
    const { rows } = await pool.query<{ text: string }>(
      'select a::text as text from audit_log a where fleet_id = $1',
      [fleetId],
    )
    assert.ok(!rows[0]!.text.includes(token))
  })
})

describe('what a fleet does is written down', () => {
  test('a status that is set, once, with what was before', async () => {
    const fleet = await TestFleet.make(pool, AT)
    const { driverId } = fleet.trucks[0]!
    for (const status of ['ON', 'ON', 'SB'] as const)
      await fleet.person(AT).logs.setStatus({ driverId, status, annotation: 'said so' })
    const { rows } = await pool.query(
      `select actor_kind as who, action, object_id as id, before, after from audit_log where fleet_id = $1 order by sequence`,
      [fleet.id],
    )
    const at = new Date(AT).toISOString()
    const row = { who: 'person', action: 'duty-status.set', id: String(driverId) }
    assert.deepEqual(rows, [
      { ...row, before: { status: 'OFF' }, after: { status: 'ON', at, annotation: 'said so' } },
      { ...row, before: { status: 'ON' }, after: { status: 'SB', at, annotation: 'said so' } },
    ])
  })
})

test('many deeds in one statement cost no more each than few, also where no statistics say how many there are', async () => {
  const fresh = await testDatabase()
  const { rows } = await fresh.pool.query<{ 'QUERY PLAN': [{ Plan: { 'Shared Hit Blocks': number } }] }>(
    `explain (analyze, buffers, format json)
     insert into audit_log (fleet_id, at, actor_kind, actor_id, actor_name, action, object_kind, object_id)
     select $1, now(), 'person', 'kim', 'Kim', 'x', 'vehicle', n::text from generate_series(1, 2000) n`,
    [newId()],
  )
  const blocks = rows[0]!['QUERY PLAN'][0].Plan['Shared Hit Blocks']
  assert.ok(blocks < 2_000 * 20, `${blocks} blocks for 2,000 rows`)
})

describe('what was before a change', () => {
  const deeds = async (fleetId: number) =>
    (await listAudit(pool, fleetId, { limit: 10 }, pool)).map(({ action, before, after }) => ({
      action,
      before: JSON.parse(before ?? 'null'),
      after: JSON.parse(after ?? 'null'),
    }))

  test('a way to sign in stands with its settings before and after, and without its secret', async () => {
    const fleet = await TestFleet.make(pool, AT - 86_400_000)
    const { signIn } = fleet.person(AT)
    const settings = { issuer: 'http://127.0.0.1:9', clientId: 'one', groups: [], otherwise: null }
    const provider = { kind: 'oidc' as const, name: 'Company', enabled: false, secret: 'not to be read' }
    const { id } = await signIn.save({ ...provider, settings })
    await signIn.save({ ...provider, id, settings: { ...settings, clientId: 'two' } })
    const [changed, added] = await deeds(fleet.id)
    assert.deepEqual(
      [added!.action, added!.before, added!.after.settings.clientId],
      ['sign-in-provider.added', null, 'one'],
    )
    assert.equal(changed!.action, 'sign-in-provider.changed')
    assert.deepEqual(changed!.before, added!.after)
    assert.deepEqual(changed!.after, {
      ...added!.after,
      settings: { ...added!.after.settings, clientId: 'two' },
    })
    assert.ok(!JSON.stringify([added, changed]).includes('not to be read'))
  })

  test('an alert stands with the state before and after', async () => {
    const fleet = await TestFleet.make(pool, AT - 86_400_000)
    const id = newId()
    await pool.query(
      `insert into alerts (fleet_id, id, kind, subject, vehicle_id, due_at, opened_at, facts)
       values ($1, $2, 'truck-silent', 'silent:1', $3, $4, $4, '{"title":"Silent","detail":"For an hour"}')`,
      [fleet.id, id, fleet.trucks[0]!.vehicleId, new Date(AT)],
    )
    const { alerts } = fleet.person(AT)
    await alerts.acknowledge({ id })
    await alerts.resolve({ id })
    assert.deepEqual(
      (await deeds(fleet.id)).map(({ before, after }) => [before.state, after.state]),
      [
        ['acknowledged', 'resolved'],
        ['open', 'acknowledged'],
      ],
    )
  })
})

describe('looking into the audit log', () => {
  test('newest first, by text, by day and page by page; wildcards mean themselves', async () => {
    const fleetId = newId()
    for (let i = 1; i <= 5; i++)
      await recordAudit(
        pool,
        deed(fleetId, { object: { kind: 'alert', id: `a${i}%` }, at: AT + i * 86_400_000 }),
      )
    const find = async (filter: object) =>
      (await listAudit(pool, fleetId, { limit: 100, ...filter }, pool)).map(({ sequence }) => sequence)
    assert.deepEqual(await find({}), [5, 4, 3, 2, 1])
    assert.deepEqual(await find({ limit: 2, before: 4 }), [3, 2])
    assert.deepEqual(await find({ text: 'ALERT A3%' }), [3])
    assert.deepEqual(await find({ text: 'a_%' }), [])
    assert.deepEqual(await find({ from: '2026-11-27', until: '2026-11-28' }), [3, 2])
    assert.deepEqual(await listAudit(pool, newId(), { limit: 100 }, pool), [])
  })

  test('days are those of the fleet, by its own clock', async () => {
    const fleet = await TestFleet.make(pool, AT, { timeZone: 'America/Chicago' })
    // The last and the first second of a day, and of the one of 2026 on which Chicago has 23 hours.
    const seconds = ['11-28T05:59:59', '11-28T06:00:00', '03-08T06:00:00', '03-09T04:59:59', '03-09T05:00:00']
    for (const id of seconds)
      await recordAudit(
        pool,
        deed(fleet.id, { object: { kind: 'alert', id }, at: Date.parse(`2026-${id}Z`) }),
      )
    const on = async (from: string, until = from) =>
      (await listAudit(pool, fleet.id, { from, until, limit: 100 }, pool)).map(({ objectId }) => objectId)
    assert.deepEqual(await on('2026-11-27'), [seconds[0]])
    assert.deepEqual(await on('2026-11-28'), [seconds[1]])
    assert.deepEqual(await on('2026-03-08'), [seconds[3], seconds[2]])
    assert.deepEqual(await on('2026-03-09', '2026-11-27'), [seconds[4], seconds[0]])
  })

  test('what deeds are on is told and found by its name, in this fleet alone; what is gone by what the deed said', async () => {
    const [fleet, other] = [await TestFleet.make(pool, AT), await TestFleet.make(pool, AT)]
    const { driverId, vehicleId } = fleet.trucks[0]!
    await pool.query('update vehicles set unit_number = $3 where fleet_id = $1 and id = $2', [
      fleet.id,
      vehicleId,
      'Kenworth 17',
    ])
    const things = [
      { kind: 'vehicle', id: vehicleId },
      { kind: 'driver', id: driverId },
      { kind: 'device-key', id: 'SHA256:nobody' },
      { kind: 'webhook', id: newId() },
      { kind: 'driver', id: other.trucks[0]!.driverId },
    ]
    for (const object of things)
      await recordAudit(
        pool,
        deed(fleet.id, {
          object,
          before: undefined,
          after: object.kind === 'webhook' ? { name: 'The old TMS' } : { x: 1 },
        }),
      )
    const list = (filter: object = {}) => listAudit(pool, fleet.id, { limit: 100, ...filter }, pool)
    const { rows } = await pool.query<{ name: string; number: string }>(
      'select name, employee_number as number from drivers where fleet_id = $1 and id = $2',
      [fleet.id, driverId],
    )
    assert.deepEqual((await list()).map(({ objectName }) => objectName).reverse(), [
      'Kenworth 17',
      `${rows[0]!.name} (${rows[0]!.number})`,
      null,
      'The old TMS',
      null,
    ])
    for (const [text, kind] of [
      ['kenworth 17', 'vehicle'],
      [rows[0]!.name, 'driver'],
    ] as const)
      assert.deepEqual(
        (await list({ text })).map(({ objectKind, objectId }) => [objectKind, objectId]),
        [[kind, String(kind === 'vehicle' ? vehicleId : driverId)]],
      )
  })

  test('ids in the fields of a deed have names beside them, of the fleet alone; what is gone has none', async () => {
    const [fleet, other] = [await TestFleet.make(pool, AT, { trucks: 2 }), await TestFleet.make(pool, AT)]
    const [first, second] = fleet.trucks
    const theirs = other.trucks[0]!
    for (const [at, { vehicleId }] of fleet.trucks.entries())
      await pool.query('update vehicles set unit_number = $3 where fleet_id = $1 and id = $2', [
        fleet.id,
        vehicleId,
        `Unit ${at}`,
      ])
    const gone = newId()
    await recordAudit(
      pool,
      deed(fleet.id, {
        before: { vehicleId: first!.vehicleId, driverId: theirs.driverId },
        after: {
          vehicleId: second!.vehicleId,
          driverId: gone,
          reach: { vehicleIds: [first!.vehicleId, theirs.vehicleId] },
          vehicle: second!.vehicleId,
        },
      }),
    )
    const [row] = await listAudit(pool, fleet.id, { limit: 1 }, pool)
    assert.deepEqual(row!.fieldNames, {
      [`vehicleId ${first!.vehicleId}`]: 'Unit 0',
      [`vehicleId ${second!.vehicleId}`]: 'Unit 1',
      [`vehicleIds ${first!.vehicleId}`]: 'Unit 0',
    })
  })
})
