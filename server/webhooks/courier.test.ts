import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { verifyDelivery } from '../../public/webhook-verifier.mjs'
import { keepDriverAlerts } from '../alerts/keep.ts'
import { type Db, withTransaction } from '../db/pool.ts'
import { testDatabase } from '../db/testing.ts'
import { journey, TestFleet } from '../logs/fleet.testing.ts'
import { Reach } from '../reach.ts'
import { DAY, HOUR, MINUTE, SECOND } from '../time/instant.ts'
import { work } from '../work.ts'
import { Courier, forgetOldDeliveries } from './courier.ts'
import { startReceiver } from './receiver.testing.ts'

const { url, pool } = await testDatabase()
process.env.DATABASE_URL ??= url
process.env.AUTH_SECRET ??= 'a secret of the tests alone, 32 characters'
process.env.WEBHOOK_NETWORKS = '127.0.0.0/8'
const START = Date.UTC(2026, 10, 23, 12)
const reach = new Reach(['127.0.0.0/8'])
const newCourier = () => new Courier(pool, reach, () => 0.5)

const webhook = (address: string) => ({
  name: 'TMS',
  url: address,
  kinds: ['limit-passed' as const],
  enabled: true,
})

/** A fleet whose driver has driven for longer than 8 hours without a break at the instant returned. */
async function overtime(addresses: readonly string[]) {
  const fleet = await TestFleet.make(pool, START - DAY)
  const made = []
  for (const address of addresses) made.push(await fleet.person(START).webhooks.save(webhook(address)))
  await fleet.report(journey(START, [8 * HOUR + 10 * MINUTE, 90]), START + 12 * HOUR)
  const at = START + 8 * HOUR + 10 * MINUTE
  await work(pool, () => at)
  return { fleet, made, at }
}

const deliveriesOf = async (fleet: TestFleet, id: number, at: number) =>
  (await fleet.person(at).webhooks.deliveries({ id })).rows

describe('webhooks', () => {
  // A courier serves all fleets.
  afterEach(() => pool.query('delete from webhook_endpoints'))

  test('an alert goes out signed, once, with what it says; the receiver’s check accepts it', async () => {
    const receiver = await startReceiver()
    const { fleet, made, at } = await overtime([receiver.url])
    const [{ id, secret }] = made as [{ id: number; secret: string }]
    const post = newCourier()
    assert.equal(await post.run(() => at), 1)
    await post.idle()
    assert.equal(await post.run(() => at + MINUTE), 0)
    const [delivery] = receiver.received
    assert.equal(receiver.received.length, 1)
    assert.deepEqual(
      await verifyDelivery(
        { ...delivery!, url: receiver.url },
        { secrets: [secret], isNew: () => true, now: at },
      ),
      { ok: true, id: String(delivery!.headers['webhook-id']) },
    )
    const said = JSON.parse(delivery!.body.toString())
    assert.equal(said.event, 'alert.opened')
    assert.equal(said.alert.kind, 'limit-passed')
    assert.match(said.alert.title, /^Driver 1 passed the 8-hour limit of driving without a break/)
    assert.equal(said.alert.driver.employeeNumber, 'E1')
    const [row] = await deliveriesOf(fleet, id, at)
    assert.deepEqual([row!.state, row!.attempts, row!.status], ['delivered', 1, 204])
    // The facts of a person: resolved goes out too.
    await fleet.person(at).alerts.resolve({ id: Number(said.alert.id) })
    await post.run(() => at)
    await post.idle()
    assert.equal(JSON.parse(receiver.received[1]!.body.toString()).event, 'alert.resolved')
  })

  test('a receiver that fails is tried again later and later, with the same bytes and id, till it takes it', async () => {
    const receiver = await startReceiver((_, count) => ({ status: count < 4 ? 500 : 200 }))
    const { fleet, made, at } = await overtime([receiver.url])
    const post = newCourier()
    const waits = []
    let now = at
    for (let tries = 1; tries <= 4; tries++) {
      assert.equal(await post.run(() => now), 1, `try ${tries}`)
      await post.idle()
      const [row] = await deliveriesOf(fleet, made[0]!.id, now)
      assert.equal(row!.state, tries < 4 ? 'waiting' : 'delivered')
      if (tries === 4) break
      assert.equal(row!.problem, 'It answered 500.')
      waits.push(row!.dueAt - now)
      assert.equal(await post.run(() => row!.dueAt - 1), 0)
      now = row!.dueAt
    }
    assert.deepEqual(waits, [10 * SECOND, 20 * SECOND, 40 * SECOND])
    assert.equal(new Set(receiver.received.map(({ body }) => body.toString())).size, 1)
    assert.equal(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size, 1)
  })

  test('a worker that dies in the middle loses nothing: another takes the delivery when the lease ends', async () => {
    const receiver = await startReceiver((_, count) => (count === 1 ? null : { status: 200 }))
    const { fleet, made, at } = await overtime([receiver.url])
    // It is sent, and what became of it is never written down.
    const dying = newCourier()
    await dying.run(() => at)
    await receiver.until(1)
    const other = newCourier()
    assert.equal(await other.run(() => at + 59 * SECOND), 0)
    assert.equal(await other.run(() => at + 61 * SECOND), 1)
    await other.idle()
    const [row] = await deliveriesOf(fleet, made[0]!.id, at)
    assert.equal(row!.state, 'delivered')
    // The first comes back late, and takes nothing back.
    await dying.idle()
    assert.equal((await deliveriesOf(fleet, made[0]!.id, at))[0]!.state, 'delivered')
  })

  test('a slow endpoint holds up its own deliveries only', async () => {
    const [slow, quick] = [await startReceiver(() => null), await startReceiver()]
    const { fleet, made, at } = await overtime([slow.url, quick.url])
    const [slowId, quickId] = made.map(({ id }) => id) as [number, number]
    await pool.query(
      `insert into webhook_deliveries (fleet_id, id, endpoint_id, event, body, due_at, created_at)
       select fleet_id, id - n, endpoint_id, event, body, due_at, created_at from webhook_deliveries, generate_series(1, 9) n
       where fleet_id = $1 and endpoint_id = $2`,
      [fleet.id, slowId],
    )
    const post = newCourier()
    // Four of the ten, and the one of the quick; the next round takes none of the slow while these are under way.
    assert.equal(await post.run(() => at), 5)
    await quick.until(1)
    assert.equal(await post.run(() => at), 0)
    await post.idle()
    assert.equal((await deliveriesOf(fleet, quickId, at))[0]!.state, 'delivered')
    assert.match((await deliveriesOf(fleet, slowId, at)).at(-1)!.problem!, /longer than 5 s/)
  })

  test('a fleet whose endpoints are all slow leaves room for the others, however long it has waited', async () => {
    const [slow, quick] = [await startReceiver(() => null), await startReceiver()]
    const { fleet: busy, at } = await overtime(Array.from({ length: 20 }, () => slow.url))
    await pool.query(
      `insert into webhook_deliveries (fleet_id, id, endpoint_id, event, body, due_at, created_at)
       select fleet_id, id - 100 * n, endpoint_id, event, body, due_at - interval '1 hour', created_at
       from webhook_deliveries, generate_series(1, 9) n where fleet_id = $1`,
      [busy.id],
    )
    const post = newCourier()
    assert.equal(await post.run(() => at), 12)
    const { fleet, made } = await overtime([quick.url])
    assert.equal(await post.run(() => at), 1)
    await quick.until(1)
    await post.idle()
    assert.equal((await deliveriesOf(fleet, made[0]!.id, at))[0]!.state, 'delivered')
  })

  test('an alert that is rolled back is told to nobody: both commit, or neither does', async () => {
    const receiver = await startReceiver()
    const fleet = await TestFleet.make(pool, START - DAY)
    await fleet.person(START).webhooks.save(webhook(receiver.url))
    const { driverId } = fleet.trucks[0]!
    const wanted = {
      kind: 'limit-passed' as const,
      subject: `limit-passed:${driverId}:test`,
      driverId,
      vehicleId: null,
      rule: null,
      dueAt: START,
      title: 'passed',
      detail: '',
    }
    const kept = async () => {
      const { rows } = await pool.query<{ alerts: number; deliveries: number }>(
        `select (select count(*) from alerts where fleet_id = $1) as alerts,
           (select count(*) from webhook_deliveries where fleet_id = $1) as deliveries`,
        [fleet.id],
      )
      return rows[0]
    }
    const keep = (tx: Db) => keepDriverAlerts(tx, [{ fleetId: fleet.id, driverId, wanted: [wanted] }], START)
    const broken = withTransaction(pool, async (tx) => {
      await keep(tx)
      throw new Error('cut off')
    })
    await assert.rejects(broken, /cut off/)
    assert.deepEqual(await kept(), { alerts: 0, deliveries: 0 })
    await withTransaction(pool, keep)
    assert.deepEqual(await kept(), { alerts: 1, deliveries: 1 })
  })

  test('after twenty tries it is given up, and sent again when somebody says so', async () => {
    const receiver = await startReceiver(() => ({ status: 503 }))
    const { fleet, made, at } = await overtime([receiver.url])
    const id = made[0]!.id
    await pool.query('update webhook_deliveries set attempts = 19 where fleet_id = $1', [fleet.id])
    const post = newCourier()
    await post.run(() => at)
    await post.idle()
    const [row] = await deliveriesOf(fleet, id, at)
    assert.deepEqual([row!.state, row!.attempts], ['given-up', 20])
    await fleet.person(at).webhooks.sendAgain({ id: row!.id })
    assert.equal(await post.run(() => at), 1)
    await post.idle()
    assert.equal((await deliveriesOf(fleet, id, at))[0]!.attempts, 1)
  })

  test('while a secret is changed both are good, for a day', async () => {
    const receiver = await startReceiver()
    const { fleet, made, at } = await overtime([receiver.url])
    const before = made[0]!.secret!
    const { secret } = await fleet.person(at).webhooks.rotateSecret({ id: made[0]!.id })
    const accepts = async (one: string, now: number) =>
      (
        await verifyDelivery(
          { ...receiver.received.at(-1)!, url: receiver.url },
          { secrets: [one], isNew: () => true, now },
        )
      ).ok
    const post = newCourier()
    await post.run(() => at)
    await post.idle()
    assert.deepEqual([await accepts(secret, at), await accepts(before, at)], [true, true])
    const later = at + DAY + 1
    const [row] = await deliveriesOf(fleet, made[0]!.id, at)
    await fleet.person(later).webhooks.sendAgain({ id: row!.id })
    await post.run(() => later)
    await post.idle()
    assert.deepEqual([await accepts(secret, later), await accepts(before, later)], [true, false])
  })

  test('a webhook that is off, or asks for other kinds, or of another fleet, is told nothing', async () => {
    const receiver = await startReceiver()
    const fleet = await TestFleet.make(pool, START - DAY)
    const other = await TestFleet.make(pool, START - DAY)
    await fleet.person(START).webhooks.save({ ...webhook(receiver.url), enabled: false })
    await fleet.person(START).webhooks.save({ ...webhook(receiver.url), kinds: ['truck-silent'] })
    await other.person(START).webhooks.save(webhook(receiver.url))
    await fleet.report(journey(START, [8 * HOUR + 10 * MINUTE, 90]), START + 12 * HOUR)
    await work(pool, () => START + 8 * HOUR + 10 * MINUTE)
    const { rows } = await pool.query('select from webhook_deliveries where fleet_id = any($1)', [
      [fleet.id, other.id],
    ])
    assert.equal(rows.length, 0)
  })

  test('what was settled a month ago is forgotten, what waits is not', async () => {
    const receiver = await startReceiver()
    const { fleet, made, at } = await overtime([receiver.url])
    await forgetOldDeliveries(pool, at + 400 * DAY)
    assert.equal((await deliveriesOf(fleet, made[0]!.id, at)).length, 1)
    const post = newCourier()
    await post.run(() => at)
    await post.idle()
    await forgetOldDeliveries(pool, at + 29 * DAY)
    assert.equal((await deliveriesOf(fleet, made[0]!.id, at)).length, 1)
    await forgetOldDeliveries(pool, at + 31 * DAY)
    assert.equal((await deliveriesOf(fleet, made[0]!.id, at)).length, 0)
  })
})
