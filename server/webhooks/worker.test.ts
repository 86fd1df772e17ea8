import assert from 'node:assert/strict'
import { test } from 'node:test'
import { verifyDelivery } from '../../public/webhook-verifier.mjs'
import { testDatabase } from '../db/testing.ts'
import { TestFleet } from '../logs/fleet.testing.ts'
import { DAY } from '../time/instant.ts'
import { startWorker } from '../worker.testing.ts'
import { startReceiver } from './receiver.testing.ts'

const { url, pool } = await testDatabase()
process.env.DATABASE_URL ??= url
process.env.AUTH_SECRET ??= 'a secret of the tests alone, 32 characters'
process.env.WEBHOOK_NETWORKS = '127.0.0.0/8'

test('a worker killed while a delivery is under way loses nothing: the next brings it, with the same bytes and id', async () => {
  const receiver = await startReceiver((_, count) => (count === 1 ? null : { status: 200 }))
  const now = Date.now()
  const fleet = await TestFleet.make(pool, now - DAY)
  const { id, secret } = await fleet.person(now).webhooks.save({
    name: 'TMS',
    url: receiver.url,
    kinds: ['truck-silent'],
    enabled: true,
  })
  await fleet.report([{ at: now - 3_600_000, speedKph: 90, km: 0 }], now - 3_600_000)
  const first = startWorker(url)
  await receiver.until(1)
  const gone = new Promise<void>((resolve) => first.once('exit', () => resolve()))
  first.kill('SIGKILL')
  await gone
  // Its claim ends after a minute; here the minute is over.
  const { rowCount } = await pool.query(
    `update webhook_deliveries set due_at = now() where fleet_id = $1 and state = 'waiting' and attempts = 1`,
    [fleet.id],
  )
  assert.equal(rowCount, 1)
  startWorker(url)
  await receiver.until(2)
  const [one, other] = receiver.received
  assert.deepEqual([other!.body, other!.headers['webhook-id']], [one!.body, one!.headers['webhook-id']])
  assert.equal(JSON.parse(other!.body.toString()).alert.kind, 'truck-silent')
  for (const delivery of [one!, other!])
    assert.deepEqual(
      await verifyDelivery({ ...delivery, url: receiver.url }, { secrets: [secret!], isNew: () => true }),
      { ok: true, id: String(one!.headers['webhook-id']) },
    )
  const isSettled = async () =>
    (await fleet.person(now).webhooks.deliveries({ id })).rows[0]!.state === 'delivered'
  for (const until = Date.now() + 60_000; !(await isSettled()); )
    assert.ok(Date.now() < until, 'the delivery was not settled')
})
