import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import v8 from 'node:v8'
import vm from 'node:vm'
import { gunzipSync } from 'node:zlib'
import { TRPCError } from '@trpc/server'
import { parse } from 'csv-parse/sync'
import { listAudit } from '../audit/search.ts'
import type { Role } from '../auth/can.ts'
import type { Person } from '../auth/principal.ts'
import { ensurePartitions } from '../db/partitions.ts'
import { testDatabase } from '../db/testing.ts'
import { AppError } from '../errors.ts'
import { until } from '../ingest/doors.testing.ts'
import { loadDays } from '../logs/day.ts'
import { journey, TestFleet } from '../logs/fleet.testing.ts'
import { auditCsv, daysCsv, eventsCsv, violationsCsv } from '../reports/csv.ts'
import type { ReportAsked } from '../reports/schema.ts'
import { fleetViolations } from '../reports/violations.ts'
import { appRouter } from '../router.ts'
import { DAY, HOUR, type Instant, MINUTE } from '../time/instant.ts'
import { createCaller } from '../trpc.ts'
import { work } from '../work.ts'
import { startWorker } from '../worker.testing.ts'
import { expireExports, getFile, pieceOf } from './exports.ts'
import { ExportMaker } from './maker.ts'

const { url, pool } = await testDatabase()
process.env.DATABASE_URL ??= url
process.env.AUTH_SECRET ??= 'a secret of the tests alone, 32 characters'
/** 06:00 in Chicago. */
const START = Date.UTC(2026, 10, 23, 12)
const NOW = START + 30 * HOUR
await ensurePartitions(pool, START)

const AUDIT = { kind: 'audit' } as const
const DAYS = { from: '2026-11-20', until: '2026-11-24' }

const personOf = (fleet: TestFleet, userId = 'u', role: Role = 'owner'): Person => ({
  kind: 'person',
  userId,
  name: 'Pat',
  email: 'p@x.example',
  fleetId: fleet.id,
  role,
  driverId: null,
  sessionId: 's',
  local: true,
})
const as = (person: Person, now: Instant = NOW) =>
  createCaller(appRouter)({ principal: person, db: pool, now }).exports

/** Makes all that is due. */
async function makeAll(now: Instant = NOW, maker = new ExportMaker(pool)): Promise<void> {
  while ((await maker.run(() => now)) > 0) await maker.idle()
}

async function contentOf(fleetId: number, id: number): Promise<Buffer> {
  const parts: Buffer[] = []
  for (let number = 0; ; number++) {
    const piece = await pieceOf(pool, fleetId, id, number)
    if (!piece) return Buffer.concat(parts)
    parts.push(gunzipSync(piece))
  }
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work
    return 'none'
  } catch (error) {
    if (error instanceof TRPCError) return `${error.code} ${error.message}`
    if (error instanceof AppError) return `${error.code} ${error.message}`
    throw error
  }
}

/** Deeds by the thousand: past the trigger that chains them, for which it is one at a time. */
async function addDeeds(fleetId: number, count: number, text = 'x'): Promise<void> {
  await pool.query(
    `do $$ begin set local session_replication_role = replica;
     insert into audit_log (fleet_id, sequence, at, actor_kind, actor_id, actor_name, action, object_kind, object_id, after,
       previous_hash, hash)
     select ${fleetId}, n, now(), 'system', 'restline', 'Restline', 'test.done', 'driver', d.id, to_json('${text}'::text), '', ''
     from generate_series(1, ${count}) n cross join lateral (select min(id) as id from drivers where fleet_id = ${fleetId}) d; end $$`,
  )
}

const stateOf = async (fleetId: number, id: number) =>
  (
    await pool.query<{ state: string; rows: number; attempts: number; bytes: number; sha256: string }>(
      'select state, rows, attempts, bytes, sha256 from exports where fleet_id = $1 and id = $2',
      [fleetId, id],
    )
  ).rows[0]!
const piecesOf = async (fleetId: number, id: number) =>
  (
    await pool.query<{ pieces: number }>(
      'select count(*) as pieces from export_pieces where fleet_id = $1 and export_id = $2',
      [fleetId, id],
    )
  ).rows[0]!.pieces

/** Each deed once, and as many as there were. */
function assertWhole(content: Buffer, count: number): void {
  const sequences = (parse(content, { bom: true, columns: true }) as { sequence: string }[])
    .map(({ sequence }) => Number(sequence))
    .filter((sequence) => sequence <= count)
  assert.equal(sequences.length, count)
  assert.equal(new Set(sequences).size, count)
}

describe('a file', () => {
  test('is byte for byte what its report is, with its rows, bytes and hash', async () => {
    const fleet = await TestFleet.make(pool, START - 10 * DAY, { trucks: 2 })
    await fleet.report(journey(START, [8.5 * HOUR, 90], [20 * MINUTE, 0]), NOW)
    await work(pool, () => NOW)
    const { driverId } = fleet.trucks[0]!
    const person = personOf(fleet)
    const days = await loadDays(pool, fleet.id, driverId, DAYS.from, DAYS.until, NOW)
    const found = await fleetViolations(pool, fleet.id, DAYS.from, DAYS.until, NOW)
    assert.ok(found.violations.length > 0)
    const wanted: [ReportAsked, string, string, number][] = [
      [
        { kind: 'driver-days', driverId, rows: 'days', ...DAYS },
        'driver-1-days-2026-11-20-2026-11-24.csv',
        daysCsv(days),
        5,
      ],
      [
        { kind: 'driver-days', driverId, rows: 'events', ...DAYS },
        'driver-1-events-2026-11-20-2026-11-24.csv',
        eventsCsv(days),
        days.reduce((sum, { events }) => sum + events.length, 0),
      ],
      [
        { kind: 'violations', ...DAYS },
        'violations-2026-11-20-2026-11-24.csv',
        violationsCsv(found, true),
        1,
      ],
    ]
    for (const [report, fileName, csv, rows] of wanted) {
      const asked = await as(person).ask({ report })
      assert.deepEqual([asked.state, asked.fileName, asked.report], ['queued', fileName, report])
      await makeAll()
      const [row] = await as(person).list()
      assert.deepEqual(
        [row!.id, row!.state, row!.rows, row!.bytes, row!.expiresAt],
        [asked.id, 'ready', rows, Buffer.byteLength(csv), NOW + DAY],
      )
      assert.equal((await contentOf(fleet.id, asked.id)).toString(), csv)
      const file = await getFile(pool, person, asked.id, NOW)
      assert.equal(file.sha256, createHash('sha256').update(csv).digest('hex'))
    }
    const asked = await as(person).ask({ report: { kind: 'audit', text: 'export', from: '2026-11-01' } })
    const deeds = await listAudit(pool, fleet.id, { text: 'export', from: '2026-11-01', limit: 100 }, pool)
    await makeAll()
    assert.equal(asked.fileName, 'audit-2026-11-01.csv')
    assert.equal((await contentOf(fleet.id, asked.id)).toString(), auditCsv(deeds, true))
    assert.deepEqual(
      deeds.map(({ action, objectName }) => [action, objectName]),
      [asked, ...(await as(person).list()).slice(1)].map(({ fileName }) => ['export.asked', fileName]),
    )
  })

  test('200,000 rows: in bounded memory, in pieces of bounded size, each row once', async () => {
    const fleet = await TestFleet.make(pool, START)
    await addDeeds(fleet.id, 200_000, 'some words of what was changed, '.repeat(16))
    const person = personOf(fleet)
    const { id } = await as(person).ask({ report: AUDIT })
    v8.setFlagsFromString('--expose-gc')
    const collect = vm.runInNewContext('gc') as () => void
    /** What is held, not what waits to be collected. */
    const memory = () => {
      collect()
      const { heapUsed, external } = process.memoryUsage()
      return heapUsed + external
    }
    const before = memory()
    let most = 0
    const watching = setInterval(() => {
      most = Math.max(most, memory() - before)
    }, 500)
    await makeAll()
    clearInterval(watching)
    const { state, rows, bytes } = await stateOf(fleet.id, id)
    assert.deepEqual([state, rows], ['ready', 200_001])
    assert.ok(bytes > 100 << 20, `${bytes} bytes`)
    assert.ok(most < 20 << 20, `${most >> 20} MB for a file of ${bytes >> 20}`)
    const hash = createHash('sha256')
    let newest = Number.POSITIVE_INFINITY
    for (let number = 0, left = bytes; left > 0; number++) {
      const content = gunzipSync((await pieceOf(pool, fleet.id, id, number))!)
      assert.ok(content.length <= 1 << 20)
      left -= content.length
      hash.update(content)
      for (const [, sequence] of content.toString('latin1').matchAll(/^(\d+),2/gm)) {
        assert.ok(Number(sequence) < newest)
        newest = Number(sequence)
      }
    }
    assert.equal(newest, 1)
    assert.equal(hash.digest('hex'), (await stateOf(fleet.id, id)).sha256)
  })

  test('is of one instant: what changes while it is made is not in it', async () => {
    const fleet = await TestFleet.make(pool, START)
    await addDeeds(fleet.id, 20_000)
    const { id } = await as(personOf(fleet)).ask({ report: AUDIT })
    const maker = new ExportMaker(pool)
    await maker.run(() => NOW)
    await until('its first rows', async () => (await stateOf(fleet.id, id)).rows > 0)
    await pool.query(`update drivers set name = 'Renamed' where fleet_id = $1`, [fleet.id])
    assert.equal((await stateOf(fleet.id, id)).state, 'running', 'it was made before anything changed')
    await maker.idle()
    const content = await contentOf(fleet.id, id)
    assertWhole(content, 20_000)
    assert.doesNotMatch(content.toString(), /Renamed/)
  })

  test('that would become too large fails, says so and leaves nothing', async () => {
    const fleet = await TestFleet.make(pool, START)
    await addDeeds(fleet.id, 3_000)
    const { id } = await as(personOf(fleet)).ask({ report: AUDIT })
    await makeAll(NOW, new ExportMaker(pool, 2_000))
    const [row] = await as(personOf(fleet)).list()
    assert.deepEqual([row!.state, row!.expiresAt], ['failed', null])
    assert.match(row!.problem!, /too large.*fewer days/)
    assert.equal(await piecesOf(fleet.id, id), 0)
    assert.match(await codeOf(getFile(pool, personOf(fleet), id, NOW)), /^conflict .*too large/)
  })
})

describe('who makes it', () => {
  test('a worker that is killed in the middle: the next makes it, with no row twice and none missing', async () => {
    const fleet = await TestFleet.make(pool, START)
    await addDeeds(fleet.id, 100_000)
    const { id } = await as(personOf(fleet), Date.now()).ask({ report: AUDIT })
    const first = startWorker(url)
    await until('its first rows', async () => (await stateOf(fleet.id, id)).rows > 0)
    const gone = new Promise<void>((resolve) => first.once('exit', () => resolve()))
    first.kill('SIGKILL')
    await gone
    const left = await stateOf(fleet.id, id)
    assert.equal(left.state, 'running')
    assert.ok(left.rows < 100_000 && (await piecesOf(fleet.id, id)) > 0)
    // Until its claim ends nobody else takes it.
    const next = new ExportMaker(pool)
    assert.equal(await next.run(Date.now), 0)
    // What the killed one was writing may end a moment after it.
    await until('the next one makes it', async () => {
      await makeAll(Date.now() + 61_000, next)
      return (await stateOf(fleet.id, id)).state === 'ready'
    })
    const { state, rows, attempts } = await stateOf(fleet.id, id)
    assert.deepEqual([state, rows, attempts], ['ready', 100_001, 2])
    assertWhole(await contentOf(fleet.id, id), 100_000)
  })

  test('one who is overtaken writes no more', async () => {
    const fleet = await TestFleet.make(pool, START)
    await addDeeds(fleet.id, 20_000)
    const { id } = await as(personOf(fleet)).ask({ report: AUDIT })
    const slow = new ExportMaker(pool)
    await slow.run(() => NOW)
    await until('its first rows', async () => (await stateOf(fleet.id, id)).rows > 0)
    const other = new ExportMaker(pool)
    // Not in the instant in which the slow one writes down how far it is.
    await until('it is overtaken', async () => (await other.run(() => NOW + 61_000)) === 1)
    await Promise.all([slow.idle(), other.idle()])
    const { state, rows, attempts } = await stateOf(fleet.id, id)
    assert.deepEqual([state, rows, attempts], ['ready', 20_001, 2])
    assertWhole(await contentOf(fleet.id, id), 20_000)
  })

  test('a worker that is stopped gives it back at once, and it is no try that failed', async () => {
    const fleet = await TestFleet.make(pool, START)
    await addDeeds(fleet.id, 20_000)
    const { id } = await as(personOf(fleet)).ask({ report: AUDIT })
    const stopping = new ExportMaker(pool)
    await stopping.run(() => NOW)
    await stopping.stop()
    assert.deepEqual(
      [(await stateOf(fleet.id, id)).state, (await stateOf(fleet.id, id)).attempts],
      ['queued', 0],
    )
    await makeAll()
    assertWhole(await contentOf(fleet.id, id), 20_000)
  })

  test('what breaks is tried again, later each time, and then has failed', async () => {
    const fleet = await TestFleet.make(pool, START)
    const { id } = await as(personOf(fleet)).ask({ report: AUDIT })
    await pool.query(`update exports set report = '{"kind":"nothing"}' where fleet_id = $1`, [fleet.id])
    const tries: number[] = []
    for (let now = NOW; (await stateOf(fleet.id, id)).state !== 'failed'; now += 1_000) {
      assert.ok(now < NOW + HOUR)
      const maker = new ExportMaker(pool)
      if ((await maker.run(() => now)) > 0) tries.push((now - NOW) / 1_000)
      await maker.idle()
    }
    assert.deepEqual(tries, [0, 5, 15, 35])
    assert.equal(await piecesOf(fleet.id, id), 0)
  })

  test('a file that kills whoever makes it has failed after some of them', async () => {
    const fleet = await TestFleet.make(pool, START)
    const { id } = await as(personOf(fleet)).ask({ report: AUDIT })
    await pool.query(`update exports set state = 'running', attempts = 4 where fleet_id = $1`, [fleet.id])
    await makeAll()
    assert.equal((await stateOf(fleet.id, id)).state, 'failed')
  })

  test('two of a fleet are made at once; the third is another fleet’s', async () => {
    const [busy, other] = [await TestFleet.make(pool, START), await TestFleet.make(pool, START)]
    await addDeeds(busy.id, 20_000)
    for (let i = 0; i < 4; i++) await as(personOf(busy)).ask({ report: AUDIT })
    const { id } = await as(personOf(other)).ask({ report: AUDIT })
    const maker = new ExportMaker(pool)
    assert.equal(await maker.run(() => NOW), 3)
    assert.notEqual((await stateOf(other.id, id)).state, 'queued')
    await maker.idle()
    await makeAll()
    assert.ok((await as(personOf(busy)).list()).every(({ state }) => state === 'ready'))
  })

  test('one that is cancelled is stopped, and nothing of it stays', async () => {
    const fleet = await TestFleet.make(pool, START)
    await addDeeds(fleet.id, 20_000)
    const person = personOf(fleet)
    const { id } = await as(person).ask({ report: AUDIT })
    const maker = new ExportMaker(pool)
    await maker.run(() => NOW)
    await until('its first rows', async () => (await stateOf(fleet.id, id)).rows > 0)
    await as(person).remove({ id })
    await maker.idle()
    assert.equal(await piecesOf(fleet.id, id), 0)
    assert.deepEqual(await as(person).list(), [])
    assert.match(await codeOf(getFile(pool, person, id, NOW)), /^not-found/)
    assert.match(await codeOf(as(person).remove({ id })), /^NOT_FOUND/)
  })
})

describe('whose it is', () => {
  test('another’s, another fleet’s and one that is none are all not there', async () => {
    const [ours, theirs] = [await TestFleet.make(pool, START), await TestFleet.make(pool, START)]
    const [asker, colleague, stranger] = [personOf(ours), personOf(ours, 'v'), personOf(theirs)]
    const { id } = await as(asker).ask({ report: AUDIT })
    await makeAll()
    for (const person of [colleague, stranger]) {
      assert.deepEqual(await as(person).list(), [])
      for (const one of [id, id + 1]) {
        assert.equal(
          await codeOf(as(person).remove({ id: one })),
          'NOT_FOUND You have no such export in this fleet.',
        )
        assert.equal(
          await codeOf(getFile(pool, person, one, NOW)),
          'not-found You have no such export in this fleet.',
        )
      }
    }
    assert.equal((await getFile(pool, asker, id, NOW)).fileName, 'audit.csv')
    const driverId = theirs.trucks[0]!.driverId
    assert.match(
      await codeOf(as(asker).ask({ report: { kind: 'driver-days', rows: 'days', driverId, ...DAYS } })),
      /^NOT_FOUND/,
    )
  })

  test('a role that may no longer: the list, the file and asking again are refused', async () => {
    const fleet = await TestFleet.make(pool, START)
    const officer = personOf(fleet, 'u', 'compliance-officer')
    const { id } = await as(officer).ask({ report: AUDIT })
    await as(officer).ask({ report: { kind: 'violations', ...DAYS } })
    await makeAll()
    const dispatcher = personOf(fleet, 'u', 'dispatcher')
    assert.deepEqual(
      (await as(dispatcher).list()).map(({ report }) => report.kind),
      ['violations'],
    )
    assert.match(await codeOf(getFile(pool, dispatcher, id, NOW)), /^forbidden This is for/)
    assert.match(await codeOf(as(dispatcher).ask({ report: AUDIT })), /^FORBIDDEN This is for/)
    const viewer = personOf(fleet, 'u', 'viewer')
    for (const call of [as(viewer).list(), as(viewer).remove({ id }), as(viewer).ask({ report: AUDIT })])
      assert.match(await codeOf(call), /^FORBIDDEN This is for/)
    assert.equal((await getFile(pool, officer, id, NOW)).fileName, 'audit.csv')
  })

  test('after a day it is gone, deleted within the hour, and forgotten after three', async () => {
    const fleet = await TestFleet.make(pool, START)
    const person = personOf(fleet)
    const { id } = await as(person).ask({ report: AUDIT })
    await makeAll()
    await getFile(pool, person, id, NOW + DAY - 1)
    assert.match(await codeOf(getFile(pool, person, id, NOW + DAY)), /^gone .*Ask for the export again/)
    assert.equal((await as(person, NOW + DAY).list())[0]!.state, 'expired')
    await expireExports(pool, NOW + DAY - 1)
    assert.ok((await piecesOf(fleet.id, id)) > 0)
    await expireExports(pool, NOW + DAY)
    assert.equal(await piecesOf(fleet.id, id), 0)
    assert.match(await codeOf(getFile(pool, person, id, NOW + DAY)), /^gone/)
    await expireExports(pool, NOW + 3 * DAY + 1)
    assert.match(await codeOf(getFile(pool, person, id, NOW + 3 * DAY)), /^not-found/)
  })
})

describe('how much may be asked for', () => {
  test('ten of a fleet are unfinished at most, however many ask at once; the other fleet goes on', async () => {
    const [fleet, other] = [await TestFleet.make(pool, START), await TestFleet.make(pool, START)]
    const answers = await Promise.all(
      Array.from({ length: 15 }, (_, i) => codeOf(as(personOf(fleet, `u${i}`)).ask({ report: AUDIT }))),
    )
    assert.equal(answers.filter((code) => code === 'none').length, 10)
    assert.match(answers.find((code) => code !== 'none')!, /^TOO_MANY_REQUESTS 10 exports of this fleet/)
    assert.equal(await codeOf(as(personOf(other)).ask({ report: AUDIT })), 'none')
    await makeAll()
    assert.equal(await codeOf(as(personOf(fleet)).ask({ report: AUDIT })), 'none')
    await makeAll()
  })

  test('a person twenty in ten minutes, those that were removed too', async () => {
    const fleet = await TestFleet.make(pool, START)
    const person = personOf(fleet)
    for (let i = 0; i < 20; i++) {
      const { id } = await as(person).ask({ report: AUDIT })
      await as(person).remove({ id })
    }
    assert.match(await codeOf(as(person).ask({ report: AUDIT })), /^TOO_MANY_REQUESTS You asked for 20/)
    assert.equal(await codeOf(as(personOf(fleet, 'v')).ask({ report: AUDIT })), 'none')
    assert.equal(await codeOf(as(person, NOW + 10 * MINUTE).ask({ report: AUDIT })), 'none')
  })

  test('all files of a fleet together are bounded', async () => {
    const fleet = await TestFleet.make(pool, START)
    const person = personOf(fleet)
    const { id } = await as(person).ask({ report: AUDIT })
    await makeAll()
    await pool.query('update exports set packed_bytes = $2 where fleet_id = $1', [fleet.id, 512 << 20])
    assert.match(
      await codeOf(as(person).ask({ report: AUDIT })),
      /^TOO_MANY_REQUESTS The files of this fleet/,
    )
    await as(person).remove({ id })
    assert.equal(await codeOf(as(person).ask({ report: AUDIT })), 'none')
  })
})
