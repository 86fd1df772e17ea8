import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, describe, test } from 'node:test'
import { demoPlans } from '../../prisma/seed/demo.ts'
import type { DevicesFile, SimulatedDevice } from '../../prisma/seed/devices.ts'
import { Itinerary } from '../../prisma/seed/plan.ts'
import { deriveSpans, endOf } from '../logs/motion.ts'
import { DAY, HOUR, type Instant, MINUTE, SECOND } from '../time/instant.ts'
import { deliver, type Line } from './simulate/deliver.ts'
import { type Message, messagesDue, nextDue } from './simulate/messages.ts'
import { Progress } from './simulate/progress.ts'

const EPOCH = Date.UTC(2026, 10, 23, 16, 0, 7)
const PLANS = demoPlans(EPOCH)
const deviceOf = (index: number): SimulatedDevice => ({
  fleetId: 1,
  vehicleId: 100 + index,
  unitNumber: String(index),
  name: `ELD-${index}`,
  token: `token-${index}`,
  key: { keyId: `fleet/${index}`, privateKey: '' },
  heardUntil: Math.min(EPOCH, PLANS[index]!.silence?.from ?? EPOCH),
  plan: PLANS[index]!,
})

/** A simulator's day without waiting: everything that the truck says from `from` to `until`, as it becomes due. */
function live(device: SimulatedDevice, from: Instant, until: Instant): { at: Instant; message: Message }[] {
  const itinerary = new Itinerary(device.plan)
  const heard: { at: Instant; message: Message }[] = []
  let said = from
  for (let now = from; now <= until; now = nextDue(device, itinerary, said)) {
    for (const message of messagesDue(device, itinerary, said, now)) {
      heard.push({ at: now, message })
      said = message.through
    }
    said = Math.max(said, now)
  }
  return heard
}

describe('what a truck says', () => {
  test('every five seconds while it drives, every minute while it stands, statuses in between, all in order', () => {
    const said = live(deviceOf(0), EPOCH, EPOCH + 2 * HOUR)
    const fixes = said.flatMap(({ message }) => (message.kind === 'fixes' ? message.heartbeats : []))
    const gaps = fixes.slice(1).map((fix, i) => Number(fix.fixTime) - Number(fixes[i]!.fixTime))
    assert.ok(gaps.every((gap) => gap > 0 && gap <= MINUTE))
    assert.ok(gaps.slice(0, 200).every((gap) => gap <= 5 * SECOND))
    assert.deepEqual(
      said.flatMap(({ message }) => (message.kind === 'status' ? [message.status] : [])),
      ['ON', 'SB'],
    )
    for (const { at, message } of said) assert.ok(message.through <= at && message.through > at - 6 * SECOND)
    for (let i = 1; i < said.length; i++) assert.ok(said[i]!.message.through >= said[i - 1]!.message.through)
  })

  test('nothing while it is silent, and then all that it kept', () => {
    const device = deviceOf(1)
    const said = live(device, device.heardUntil, EPOCH + HOUR)
    const { until } = device.plan.silence!
    assert.ok(said.every(({ at }) => at >= until))
    const first = said[0]!.message
    assert.ok(first.kind === 'fixes' && first.heartbeats.length > 40)
    assert.ok(Number(first.heartbeats[0]!.fixTime) < device.plan.silence!.from + 2 * MINUTE)
  })

  test('after a day without the simulator: the whole day, thinner, and then live again', () => {
    const device = deviceOf(20)
    const messages = messagesDue(device, new Itinerary(device.plan), EPOCH, EPOCH + DAY)
    const fixes = messages.flatMap((message) => (message.kind === 'fixes' ? message.heartbeats : []))
    assert.ok(fixes.length > 300 && fixes.length < 1_000, `${fixes.length} fixes`)
    assert.ok(messages.filter(({ kind }) => kind === 'status').length >= 4)
    assert.ok(messages.every((message) => message.kind === 'status' || message.heartbeats.length <= 500))
  })

  test('after two months: everything still, the old part thinnest, and no gap that reads as a drive', () => {
    const device = deviceOf(20)
    const itinerary = new Itinerary(device.plan)
    const now = EPOCH + 60 * DAY
    const said: Message[] = []
    for (let due = messagesDue(device, itinerary, EPOCH, now); due.length > 0; ) {
      said.push(...due)
      due = messagesDue(device, itinerary, said.at(-1)!.through, now)
    }
    const fixes = said.flatMap((message) => (message.kind === 'fixes' ? message.heartbeats : []))
    assert.ok(fixes.length < 10_000, `${fixes.length} fixes`)
    const spans = deriveSpans({
      fixes: fixes.map((fix) => ({ ...fix, at: Number(fix.fixTime), speedKph: fix.speedKph! })),
      thresholdKph: 8,
      setAt: said.flatMap((message) => (message.kind === 'status' ? [message.through] : [])),
    })
    const drives = itinerary.stretches(EPOCH, now).filter(({ drive }) => drive)
    const driven = drives.reduce(
      (sum, { from, until }) => sum + Math.min(until, now) - Math.max(from, EPOCH),
      0,
    )
    const derived = spans.reduce((sum, span) => sum + endOf(span) - span.from, 0)
    assert.ok(Math.abs(spans.length - drives.length) <= 1)
    assert.ok(Math.abs(derived - driven) < drives.length * 2 * MINUTE + HOUR)
    assert.ok(now - said.at(-1)!.through <= 10 * MINUTE)
  })
})

describe('delivery', () => {
  const fixes: Message = { kind: 'fixes', through: EPOCH, heartbeats: [] }
  const receipt = JSON.stringify({ received: 0, stored: 0, duplicates: 0, refused: [] })
  function lineOf(answers: { status: number; text: string }[]) {
    const requests: { target: string; body: string }[] = []
    const delivered: Message[] = []
    const troubles: string[] = []
    const waits: number[] = []
    const stopping = new AbortController()
    const line: Line = {
      signal: stopping.signal,
      send: async (target, body) => {
        requests.push({ target, body })
        const answer = answers.shift()
        if (!answer) throw new TypeError('asked once more than expected')
        return answer
      },
      pause: async (ms) => void waits.push(ms),
      onTrouble: (sentence) => void troubles.push(sentence),
      onDelivered: (message) => void delivered.push(message),
    }
    return { line, requests, delivered, troubles, waits, stopping }
  }

  test('goes on through outages, waiting longer each time, and drops nothing', async () => {
    const { line, requests, delivered, waits } = lineOf([
      { status: 0, text: 'fetch failed' },
      { status: 503, text: '' },
      { status: 429, text: '' },
      { status: 0, text: 'fetch failed' },
      { status: 200, text: receipt },
    ])
    await deliver(fixes, line)
    assert.equal(requests.length, 5)
    assert.deepEqual(delivered, [fixes])
    assert.ok(waits[3]! > waits[0]!)
    assert.equal(requests[0]!.target, '/v1/heartbeats')
  })

  test('a status that is refused is tried again a few times, then left', async () => {
    const refusals = () => Array.from({ length: 6 }, () => ({ status: 409, text: 'moving' }))
    const status: Message = { kind: 'status', through: EPOCH, status: 'ON', annotation: 'Fuel' }
    const { line, requests, delivered } = lineOf(refusals())
    await deliver(status, line)
    assert.equal(requests.length, 6)
    assert.deepEqual(delivered, [status])
    assert.equal(requests[0]!.body, JSON.stringify({ status: 'ON', at: EPOCH, annotation: 'Fuel' }))
    assert.equal(requests[0]!.target, '/api/trpc/logs.reportStatus')
  })

  test('heartbeats that are refused one by one are told of, and the rest counts as said', async () => {
    const refused = JSON.stringify({
      received: 1,
      stored: 0,
      duplicates: 0,
      refused: [{ index: 0, field: 'latitude', reason: 'is too far north' }],
    })
    const { line, delivered, troubles } = lineOf([{ status: 422, text: refused }])
    await deliver(fixes, line)
    assert.equal(delivered.length, 1)
    assert.deepEqual(troubles, ['1 heartbeats refused: latitude is too far north'])
  })

  test('stops at once when asked, without counting the message as said', async () => {
    const { line, delivered, stopping } = lineOf([{ status: 503, text: '' }])
    line.pause = async () => stopping.abort(new Error('stopping'))
    await assert.rejects(deliver(fixes, line), { message: 'stopping' })
    assert.deepEqual(delivered, [])
  })
})

describe('progress', () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'restline-progress-'))
  after(() => fs.rmSync(directory, { recursive: true, force: true }))
  const file: DevicesFile = { scenario: 'demo', epoch: EPOCH, devices: [deviceOf(0), deviceOf(1)] }
  const at = path.join(directory, 'devices.json')

  test('survives a restart, and never goes back', () => {
    const progress = new Progress(at, file)
    assert.equal(progress.said(101), EPOCH - 12 * MINUTE)
    progress.advance(100, EPOCH + 5_000)
    progress.advance(100, EPOCH + 1_000)
    progress.save()
    assert.equal(new Progress(at, file).said(100), EPOCH + 5_000)
    assert.equal(new Progress(at, { ...file, epoch: EPOCH + 1 }).said(100), EPOCH)
  })

  test('a broken file is as good as none', () => {
    fs.writeFileSync(`${at}.progress`, '{"epo')
    assert.equal(new Progress(at, file).said(100), EPOCH)
  })
})
