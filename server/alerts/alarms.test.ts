import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withTransaction } from '../db/pool.ts'
import { testDatabase } from '../db/testing.ts'
import { ALARM_QUIET_MS, type AlarmKind, TOLD_FROM } from '../fleet/device-alarms.ts'
import { activityOf } from '../ingest/status.ts'
import { TestFleet } from '../logs/fleet.testing.ts'
import { DAY, type Instant, MINUTE } from '../time/instant.ts'
import { keepDeviceAlerts } from './keep.ts'

const { pool } = await testDatabase()
/** 06:00 in Chicago. */
const START = Date.UTC(2026, 10, 23, 12)
const FROM_BOTH = 'From 192.0.2.1 and 192.0.2.2.'

const make = () => TestFleet.make(pool, START - DAY)
async function raise(fleet: TestFleet, at: Instant, kind: AlarmKind = 'two-trackers', times = 1) {
  const activity = activityOf(pool)
  for (let time = 0; time < times; time++) activity.raise(fleet.trucks[0]!.device, kind, FROM_BOTH, at)
  await activity.flush()
}
const keep = (at: Instant) => withTransaction(pool, (tx) => keepDeviceAlerts(tx, at))
async function alertsOf(fleet: TestFleet, at: Instant, state: 'open' | 'resolved' | 'all' = 'open') {
  return (await fleet.person(at).alerts.list({ state })).alerts
}

test('an alarm is one alert for its device, however often it comes, until an hour is quiet', async () => {
  const fleet = await make()
  const [{ device, vehicleId } = { device: null, vehicleId: 0 }] = fleet.trucks
  await raise(fleet, START)
  assert.ok((await keep(START)).has(fleet.id))
  await raise(fleet, START + 40 * MINUTE, 'two-trackers', 5)
  assert.ok(!(await keep(START + 40 * MINUTE)).has(fleet.id))
  const [alert, ...others] = await alertsOf(fleet, START)
  assert.deepEqual(others, [])
  assert.deepEqual(
    [alert!.kind, alert!.severity, alert!.vehicleId, alert!.deviceId, alert!.driverId, alert!.dueAt],
    ['two-trackers', 'warning', vehicleId, device!.deviceId, null, START],
  )
  assert.deepEqual(
    [alert!.title, alert!.detail],
    [`Two trackers report at once as ${device!.name} of truck 1 since 06:00 CST`, FROM_BOTH],
  )
  // It went on at 06:40, so it is over at 07:40.
  await keep(START + 40 * MINUTE + ALARM_QUIET_MS)
  assert.equal((await alertsOf(fleet, START)).length, 1)
  assert.ok((await keep(START + 40 * MINUTE + ALARM_QUIET_MS + 1)).has(fleet.id))
  assert.deepEqual(await alertsOf(fleet, START), [])
  const [resolved] = await alertsOf(fleet, START, 'resolved')
  assert.deepEqual([resolved!.id, resolved!.resolvedBy], [alert!.id, null])
})

test('what comes after a quiet hour is another one; one that a person resolved stays so while it goes on', async () => {
  const fleet = await make()
  await raise(fleet, START)
  await keep(START)
  const [first] = await alertsOf(fleet, START)
  await fleet.person(START).alerts.resolve({ id: first!.id })
  await raise(fleet, START + 30 * MINUTE)
  await keep(START + 30 * MINUTE)
  assert.deepEqual(await alertsOf(fleet, START), [])
  const later = START + 30 * MINUTE + ALARM_QUIET_MS + MINUTE
  await raise(fleet, later)
  await keep(later)
  assert.deepEqual(
    (await alertsOf(fleet, later)).map(({ kind, dueAt }) => [kind, dueAt]),
    [['two-trackers', later]],
  )
  assert.equal((await alertsOf(fleet, later, 'all')).length, 2)
})

test('a frame damaged now and then is no alert, ten within the hour are; kinds and fleets are told apart', async () => {
  const [fleet, other] = [await make(), await make()]
  await raise(fleet, START, 'bad-frames', TOLD_FROM['bad-frames'] - 1)
  await raise(other, START, 'foreign-identity')
  await keep(START)
  assert.deepEqual(await alertsOf(fleet, START), [])
  await raise(fleet, START + MINUTE, 'bad-frames')
  await raise(fleet, START + MINUTE, 'two-trackers')
  await keep(START + MINUTE)
  const kindsOf = async (one: TestFleet) => (await alertsOf(one, START)).map(({ kind }) => kind).sort()
  assert.deepEqual(await kindsOf(fleet), ['bad-frames', 'two-trackers'])
  assert.deepEqual(await kindsOf(other), ['foreign-identity'])
})

test('an endpoint that asked for it is told when it opens and when it is over', async () => {
  const fleet = await make()
  await pool.query(
    `insert into webhook_endpoints (fleet_id, id, name, url, kinds, secret, created_by)
     values ($1, 1, 'TMS', 'https://127.0.0.1:9/', '{two-trackers}', '', 'Ada'),
       ($1, 2, 'Other', 'https://127.0.0.1:9/', '{bad-frames}', '', 'Ada')`,
    [fleet.id],
  )
  await raise(fleet, START)
  await keep(START)
  await keep(START + 1)
  await keep(START + ALARM_QUIET_MS + 1)
  const { rows } = await pool.query<{ endpoint: number; event: string; body: string }>(
    'select endpoint_id as endpoint, event, body from webhook_deliveries where fleet_id = $1 order by id',
    [fleet.id],
  )
  assert.deepEqual(
    rows.map(({ endpoint, event, body }) => [endpoint, event, JSON.parse(body).alert.kind]),
    [
      [1, 'alert.opened', 'two-trackers'],
      [1, 'alert.resolved', 'two-trackers'],
    ],
  )
})

test('a call for help is as severe as anything is', async () => {
  const fleet = await make()
  await raise(fleet, START, 'sos')
  await keep(START)
  const [alert] = await alertsOf(fleet, START)
  assert.deepEqual([alert!.kind, alert!.severity], ['sos', 'violation'])
})
