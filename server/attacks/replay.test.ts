import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DeviceClient, ownSigner } from '../agent/client.ts'
import { killableDatabase } from '../db/killable.testing.ts'
import { startTarget } from './running.testing.ts'

const LIMITS = { DEVICE_FAILURES_PER_MINUTE: '0', DEVICE_REQUESTS_PER_SECOND: '0' }
const database = await killableDatabase()
const target = await startTarget(LIMITS, Promise.resolve(database))
// Both instances have one name towards devices.
const other = await target.another({ ...LIMITS, PUBLIC_URL: target.url })
const truck = target.a.devices[0]!
const ANSWERS_WITHIN_MS = 60_000

/** A request as somebody on the path holds it in his hands. */
type Captured = Pick<RequestInit, 'method' | 'headers' | 'body'>

/** What the truck's own client sends for one heartbeat, held back before it arrives. */
async function capture(kind: 'signed' | 'in a session', longitude: number): Promise<Captured> {
  let captured: Captured | undefined
  const client = new DeviceClient({
    url: target.url,
    signer: ownSigner(truck.key),
    sessions: kind === 'in a session',
    fetch: async (url, init) => {
      if (new URL(String(url)).pathname !== '/v1/heartbeats') return await fetch(url, init)
      captured = { method: init?.method, headers: init?.headers, body: init?.body }
      return new Response('{}')
    },
  })
  const beat = { device: truck.name, fixTime: Date.now(), latitude: 41.5, longitude }
  await client.send('POST', '/v1/heartbeats', Buffer.from(JSON.stringify(beat)))
  const input = new Headers(captured?.headers).get('signature-input')
  assert.match(input ?? 'nothing was sent', kind === 'signed' ? /"fleet-device-v1"$/ : /"fleet-session-v1"$/)
  return captured!
}

async function send(at: string, captured: Captured): Promise<string> {
  const answer = await fetch(`${at}/v1/heartbeats`, captured)
  const { code } = (await answer.json()) as { code?: string }
  return answer.ok ? 'taken' : `${answer.status} ${code}`
}

/** What both instances say once neither says that its database is away. */
async function judged(captured: Captured): Promise<string[]> {
  const until = performance.now() + ANSWERS_WITHIN_MS
  const ask = async (at: string) => {
    for (;;) {
      const answer = await send(at, captured)
      if (!answer.startsWith('503') || performance.now() > until) return answer
    }
  }
  return (await Promise.all([ask(target.url), ask(other)])).sort()
}

async function storedAt(longitude: number): Promise<number> {
  const { rows } = await database.pool.query<{ count: number }>(
    `select count(*)::int as count from positions where longitude_e7 = $1 and device_number =
       (select number from devices where fleet_id = $2 and name = $3)`,
    [longitude * 1e7, target.a.id, truck.name],
  )
  return rows[0]!.count
}

test('attack 04: a captured request has one effect, at two instances at once and through a kill -9 of the database', async () => {
  const kinds = ['signed', 'in a session'] as const
  const sent = await Promise.all(kinds.map((kind, index) => capture(kind, -93.5 - index / 4)))
  const kept = await Promise.all(kinds.map((kind, index) => capture(kind, -95.5 - index / 4)))
  for (const [index, request] of sent.entries()) {
    const at = [target.url, other, target.url, other]
    const answers = await Promise.all(at.map((instance) => send(instance, request)))
    assert.deepEqual(
      answers.sort(),
      ['409 replayed', '409 replayed', '409 replayed', 'taken'],
      `at once, ${kinds[index]}`,
    )
    for (const instance of [target.url, other]) assert.equal(await send(instance, request), '409 replayed')
  }

  database.kill()
  // These knock while it is down.
  const knocking = sent.flatMap((request) => [send(target.url, request), send(other, request)])
  await database.recover()
  for (const answer of await Promise.all(knocking)) assert.match(answer, /^(409 replayed|503 .*)$/)
  for (const [index, request] of sent.entries())
    assert.deepEqual(await judged(request), ['409 replayed', '409 replayed'], `afterwards, ${kinds[index]}`)
  // What was held back until now is taken: they refuse for the replay, and not for the fall.
  for (const [index, request] of kept.entries())
    assert.deepEqual(await judged(request), ['409 replayed', 'taken'], `new, ${kinds[index]}`)
  for (const longitude of [-93.5, -93.75, -95.5, -95.75]) assert.equal(await storedAt(longitude), 1)
})
