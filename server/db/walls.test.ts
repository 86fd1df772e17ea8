import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import pg from 'pg'
import { enrolPerson } from '../auth/people.ts'
import { run, TestFleet } from '../logs/fleet.testing.ts'
import { HOUR, MINUTE } from '../time/instant.ts'
import { JUMP } from '../trips/flags.ts'
import { work } from '../work.ts'
import { migrate, pendingMigrations } from './migrate.ts'
import { createPool, withFleet, withTransaction } from './pool.ts'
import { testDatabase, withDatabase } from './testing.ts'

const { url, pool } = await testDatabase()
const AT = Date.UTC(2026, 10, 25, 12)
const [ours, theirs] = [
  await TestFleet.make(pool, AT - 86_400_000),
  await TestFleet.make(pool, AT - 86_400_000),
]
for (const fleet of [ours, theirs]) {
  await fleet.report([{ at: AT, speedKph: 90, km: 0 }], AT)
  await fleet.person(AT).logs.setStatus({
    driverId: fleet.trucks[0]!.driverId,
    status: 'OFF',
    at: AT - 3_600_000,
    annotation: 'Rest',
  })
}
for (const [i, { id: fleetId }] of [ours, theirs].entries())
  await enrolPerson(pool, {
    fleetId,
    name: 'Ada',
    email: `ada@${i}.example`,
    password: 'long enough',
    role: 'owner',
  })
const app = createPool(url, 2, 'restline_app')
const service = createPool(url, 2, 'restline_service')

/** Every table of the product that people's rows live in: those with a fleet, and those that are walled without the column. */
const { rows: tables } = await pool.query<{
  name: string
  hasFleet: boolean
  enabled: boolean
  forced: boolean
  policies: string[]
}>(
  `select c.relname as name, c.relrowsecurity as enabled, c.relforcerowsecurity as forced,
     exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'fleet_id' and not a.attisdropped) as "hasFleet",
     array(select p.polname || ' ' || array_to_string(p.polroles::regrole[], ',') from pg_policy p
           where p.polrelid = c.oid order by 1) as policies
   from pg_class c
   where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
     and c.relname <> '_prisma_migrations'
   order by 1`,
)
const walled = tables.filter(
  ({ name, hasFleet }) => hasFleet || ['fleets', 'positions', 'users'].includes(name),
)

describe('walls between fleets', () => {
  for (const { name, enabled, forced, policies } of walled) {
    test(`${name} has row security that holds for its owner too, and a policy for either role`, () => {
      assert.ok(enabled && forced, `call "select wall('${name}')" in its migration`)
      assert.deepEqual(policies, ['all_fleets restline_service', 'own_fleet restline_app'])
    })
  }

  test('every table is open to the service, and one that belongs to no fleet is closed to the app', async () => {
    for (const { name } of tables) {
      const { rows } = await pool.query<{ service: boolean; app: boolean }>(
        `select has_table_privilege('restline_service', $1, 'select, insert') as service,
           has_table_privilege('restline_app', $1, 'select, insert, update, delete') as app`,
        [`public.${name}`],
      )
      assert.ok(
        rows[0]!.service,
        `call "select wall('${name}')" or "select outside('${name}')" in its migration`,
      )
      if (!walled.some((table) => table.name === name)) assert.equal(rows[0]!.app, false, name)
    }
  })

  test('the roles own nothing, and are neither superusers nor above row security, nor one the other', async () => {
    const { rows } = await pool.query(
      `select rolname from pg_roles where rolname in ('restline_app', 'restline_service')
       and not rolsuper and not rolbypassrls and not rolcreaterole and not rolcanlogin
       and not exists (select from pg_class c where c.relowner = pg_roles.oid)`,
    )
    assert.equal(rows.length, 2)
    const { rows: member } = await pool.query(
      `select pg_has_role('restline_app', 'restline_service', 'member') as up`,
    )
    assert.deepEqual(member, [{ up: false }])
  })

  test('a month of positions can be reached through the whole table only', async () => {
    const { rows } = await pool.query<{ name: string }>(
      `select i.inhrelid::regclass::text as name from pg_inherits i join pg_class c on c.oid = i.inhparent
       where c.relkind = 'p' and c.relnamespace = 'public'::regnamespace`,
    )
    assert.ok(rows.length > 2)
    for (const { name } of rows)
      for (const role of [app, service])
        await assert.rejects(role.query(`select from ${name}`), { code: '42501' }, name)
  })

  test('a round of the worker needs no more than the service may, also where it marks a jump', async () => {
    const fleet = await TestFleet.make(pool, AT - 86_400_000)
    const fixes = run(AT - HOUR, AT, 80)
    const jump = { ...fixes[30]!, at: fixes[30]!.at + 30_000, km: 3_000 }
    await fleet.report([...fixes, jump], AT)
    await work(service, () => AT + MINUTE)
    await work(service, () => AT + 3 * MINUTE)
    const { rows } = await pool.query<{ trips: number; jumps: number }>(
      `select (select count(*)::int from trips where fleet_id = $1) as trips,
         (select count(*)::int from positions p join fleets f on f.number = p.fleet_number
          where f.id = $1 and p.flags & $2 <> 0) as jumps`,
      [fleet.id, JUMP],
    )
    assert.deepEqual(rows, [{ trips: 1, jumps: 1 }])
    await assert.rejects(service.query('update positions set latitude_e7 = 0'), { code: '42501' })
    await assert.rejects(service.query('delete from positions'), { code: '42501' })
  })

  for (const { name } of walled) {
    test(`${name}: a query that forgets the fleet sees one fleet, one without a fleet fails`, async () => {
      const count = 'select count(*)::int as n'
      const key = name === 'fleets' ? 'id' : 'fleet_id'
      const own = {
        positions: `fleet_number = (select number from fleets where id = ${ours.id})`,
        users: `exists (select from fleet_members m where m.user_id = users.id and m.fleet_id = ${ours.id})`,
        sessions: `exists (select from fleet_members m where m.user_id = sessions.user_id and m.fleet_id = ${ours.id})`,
      }[name]
      const total = await pool.query<{ n: number }>(`${count} from ${name}`)
      const all = await pool.query(`${count} from ${name} where ${own ?? `${key} = ${ours.id}`}`)
      const seen = await withFleet(pool, ours.id, (tx) => tx.query(`${count} from ${name}`))
      assert.deepEqual(seen.rows, all.rows)
      // A session that was bound once has an empty setting instead of none.
      for (const setting of ['reset app.fleet_id', `set app.fleet_id = ''`]) {
        const client = await app.connect()
        try {
          await client.query(setting)
          const outcome = await client
            .query(`select ${key === 'id' ? 'id' : '*'} from ${name}`)
            .then(({ rowCount }) => `${rowCount} rows`, String)
          // Where there is no row at all, PostgreSQL may not come to ask for the fleet.
          assert.match(
            outcome,
            total.rows[0]!.n > 0 ? /app\.fleet_id|bigint/ : /app\.fleet_id|bigint|^0 rows/,
          )
        } finally {
          client.release(true)
        }
      }
    })
  }

  test('what both fleets have is there at all, so that seeing one of it says something', async () => {
    for (const name of [
      'fleets',
      'vehicles',
      'drivers',
      'devices',
      'positions',
      'duty_events',
      'audit_log',
    ]) {
      const { rows } = await pool.query<{ n: number }>(`select count(*)::int as n from ${name}`)
      const { rows: seen } = await withFleet(pool, theirs.id, (tx) =>
        tx.query<{ n: number }>(`select count(*)::int as n from ${name}`),
      )
      assert.ok(seen[0]!.n > 0 && seen[0]!.n < rows[0]!.n, name)
    }
  })

  test('the other fleet can be neither written to, nor changed, nor emptied', async () => {
    await assert.rejects(
      withFleet(pool, ours.id, (tx) =>
        tx.query(`insert into vehicles (fleet_id, id, unit_number) values ($1, 1, 'x')`, [theirs.id]),
      ),
      { code: '42501' },
    )
    await assert.rejects(
      withFleet(pool, ours.id, (tx) => tx.query('update vehicles set fleet_id = $1', [theirs.id])),
      { code: '42501' },
    )
    const changed = await withFleet(pool, ours.id, async (tx) => [
      (await tx.query(`update drivers set name = 'Eve' where fleet_id = $1`, [theirs.id])).rowCount,
      (await tx.query('delete from alerts where fleet_id = $1', [theirs.id])).rowCount,
    ])
    assert.deepEqual(changed, [0, 0])
    await assert.rejects(
      withFleet(pool, ours.id, (tx) => tx.query('truncate vehicles cascade')),
      { code: '42501' },
    )
  })

  test('what belongs to no fleet, passwords above all, is closed', async () => {
    for (const name of ['accounts', 'verifications', 'unknown_devices'])
      await assert.rejects(
        withFleet(pool, ours.id, (tx) => tx.query(`select from ${name}`)),
        { code: '42501' },
      )
  })

  test('the service can tell whether the database has every migration', async () => {
    assert.deepEqual(await pendingMigrations(service), [])
  })

  test('a connection goes back to the pool as it came, also when the work failed', async () => {
    const single = createPool(url, 1, 'restline_service')
    await withFleet(single, ours.id, (tx) => tx.query('select 1'))
    await withFleet(single, ours.id, (tx) => tx.query('no sql')).catch(() => undefined)
    const { rows } = await single.query(
      `select current_user as role, coalesce(current_setting('app.fleet_id', true), '') as fleet, (select count(*)::int from fleets) >= 2 as both`,
    )
    assert.deepEqual(rows, [{ role: 'restline_service', fleet: '', both: true }])
    await single.end()
  })

  test('a fleet that is none is refused before the database is asked', async () => {
    for (const id of [0, -1, 1.5, Number.NaN, '1; drop table x' as unknown as number])
      await assert.rejects(
        withFleet(pool, id, async () => undefined),
        /is no fleet/,
      )
  })

  test('attack 22: neither role may touch a row of the audit log, or of the record of duty', async () => {
    for (const role of ['restline_app', 'restline_service'])
      for (const sql of [
        `update audit_log set actor_name = 'x'`,
        'delete from audit_log',
        'truncate audit_log',
        `update duty_events set status = 'OFF'`,
        'delete from duty_events',
        'truncate duty_events',
      ])
        await assert.rejects(
          withTransaction(pool, async (tx) => {
            await tx.query(`set local role ${role}`)
            await tx.query(`set local app.fleet_id = '${ours.id}'`)
            await tx.query(sql)
          }),
          { code: '42501', message: /permission denied/ },
        )
  })
})

describe('a database whose owner is no superuser', () => {
  const admin = async <T>(work: (client: pg.Client) => Promise<T>): Promise<T> => {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    try {
      return await work(client)
    } finally {
      await client.end()
    }
  }
  const name = `test_owner_${process.pid}`
  const ownerUrl = () => {
    const changed = new URL(withDatabase(url, name))
    changed.username = name
    changed.password = 'owner'
    return changed.href
  }

  test('migrates once it has the roles, works behind the walls, and is told what is missing before', async () => {
    await admin(async (client) => {
      await client.query(`create role ${name} login password 'owner'`)
      await client.query(`create database ${name} owner ${name}`)
    })
    try {
      await assert.rejects(migrate(ownerUrl()), /may not make the roles restline_app and restline_service/)
      await admin((client) => client.query(`grant restline_app, restline_service to ${name}`))
      await admin((client) => client.query(`drop database ${name}`))
      await admin((client) => client.query(`create database ${name} owner ${name}`))
      await migrate(ownerUrl())
      const owner = createPool(ownerUrl(), 2)
      const [one, other] = [await TestFleet.make(owner, AT), await TestFleet.make(owner, AT)]
      const { rows } = await withFleet(owner, one.id, (tx) => tx.query('select id from fleets'))
      assert.deepEqual(rows, [{ id: one.id }])
      assert.equal((await owner.query('select id from fleets')).rows.length, 2)
      const worker = createPool(ownerUrl(), 2, 'restline_service')
      const served = new TestFleet(worker, other.id, other.trucks)
      assert.equal((await served.report([{ at: AT, speedKph: 50, km: 0 }], AT)).stored, 1)
      await Promise.all([owner.end(), worker.end()])
    } finally {
      await admin(async (client) => {
        await client.query(`drop database if exists ${name} with (force)`)
        await client.query(`drop role ${name}`)
      })
    }
  })
})

process.once('beforeExit', () => void Promise.all([app.end(), service.end()]))
