import assert from 'node:assert/strict'
import { afterEach, beforeEach, mock, test } from 'node:test'
import { StoreTrouble, sparing } from './trouble.ts'

const lines: string[] = []
const [out, err] = [process.stdout, process.stderr]
let now = 0

/** Hears what is logged, and is the clock. */
beforeEach(() => {
  lines.length = 0
  now = 1_000_000
  mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
  mock.method(performance, 'now', () => now)
  for (const stream of [out, err]) {
    const write = stream.write.bind(stream) as (text: string | Uint8Array) => boolean
    mock.method(stream, 'write', (text: string | Uint8Array) => {
      if (typeof text !== 'string' || !text.startsWith('{"time"')) return write(text)
      const { time, ...line } = JSON.parse(text) as Record<string, unknown>
      assert.ok(time)
      lines.push(JSON.stringify(line))
      return true
    })
  }
})
afterEach(() => {
  mock.timers.reset()
  mock.restoreAll()
})
const pass = (ms: number) => {
  for (let left = ms; left > 0; left -= 250) {
    now += Math.min(left, 250)
    mock.timers.tick(Math.min(left, 250))
  }
}
const AWAY = new Error('the database is away')

test('a thousand groups that fail in a minute are a line at first, one each ten seconds and one at the end', () => {
  const trouble = new StoreTrouble()
  for (let i = 0; i < 1_000; i++) {
    trouble.failed(trouble.begin(3), AWAY)
    pass(60)
  }
  trouble.stored(trouble.begin(5))
  assert.equal(lines.length, 1 + 5 + 1)
  assert.equal(
    lines[0],
    '{"level":"error","message":"a group was not stored; its devices send it again","reports":3,"forMs":0,"error":"the database is away"}',
  )
  assert.match(
    lines[1]!,
    /^\{"level":"error","message":"storing is still in trouble","groups":\d+,"reports":\d+/,
  )
  assert.equal(
    lines.at(-1),
    '{"level":"info","message":"reports are stored at once again","afterMs":60000,"groups":1000,"reports":3000}',
  )
  trouble.stored(trouble.begin(5))
  assert.equal(lines.length, 7)
})

test('a group that waits is told of while it waits, and what fails after it is news', () => {
  const trouble = new StoreTrouble()
  const silent = trouble.begin(7)
  pass(1_000)
  assert.deepEqual(lines, [])
  pass(250)
  assert.deepEqual(lines, [
    '{"level":"warn","message":"storing reports takes long","reports":7,"forMs":1250}',
  ])
  pass(18_750)
  assert.equal(lines.length, 2)
  trouble.failed(silent, AWAY)
  assert.match(lines[2]!, /not stored.*"forMs":20000/)
  // One that was begun before the failure says nothing about how things are now.
  const slow = trouble.begin(1)
  pass(2_000)
  trouble.stored(slow)
  trouble.failed(trouble.begin(1), AWAY)
  assert.match(lines[3]!, /not stored/)
})

test('what fails many times a second is a line at once and then one each interval, with the number', () => {
  const say = sparing('error', 'a request failed', 10_000)
  for (let i = 0; i < 500; i++) {
    say({ i })
    pass(50)
  }
  pass(60_000)
  say({ i: 'later' })
  assert.deepEqual(
    lines.map((line) => JSON.parse(line) as unknown),
    [
      { level: 'error', message: 'a request failed', i: 0 },
      { level: 'error', message: 'a request failed', i: 199, times: 199 },
      { level: 'error', message: 'a request failed', i: 399, times: 200 },
      { level: 'error', message: 'a request failed', i: 499, times: 100 },
      { level: 'error', message: 'a request failed', i: 'later' },
    ],
  )
})
