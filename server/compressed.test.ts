import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { packJson } from './compressed.ts'

const LONG = JSON.stringify(Array.from({ length: 10_000 }, (_, id) => ({ id, name: `tracker-${id}` })))
let type = 'application/json'
let text = LONG
const server = createServer((req, res) => {
  packJson(req, res)
  res.setHeader('content-type', type)
  res.write(text)
  if (type === 'application/json') res.end()
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
after(() => {
  server.closeAllConnections()
  server.close()
})

const ask = (encoding: string) =>
  new Promise<IncomingMessage>((resolve, reject) => {
    const { port } = server.address() as AddressInfo
    request({ port, host: '127.0.0.1', headers: { 'accept-encoding': encoding } }, resolve)
      .once('error', reject)
      .end()
  })
const bytesOf = async (answer: IncomingMessage) => Buffer.concat(await answer.toArray())

test('an answer is packed for who takes that', async () => {
  const packed = await ask('gzip')
  const bytes = await bytesOf(packed)
  assert.deepEqual([packed.headers['content-encoding'], packed.headers.vary], ['gzip', 'accept-encoding'])
  assert.ok(bytes.length < LONG.length / 5, `${bytes.length} of ${LONG.length} bytes`)
  assert.equal(gunzipSync(bytes).toString(), LONG)
  const plain = await ask('identity')
  assert.equal(plain.headers['content-encoding'], undefined)
  assert.equal((await bytesOf(plain)).toString(), LONG)
})

test('an event of a stream comes at once', async () => {
  type = 'text/event-stream'
  text = `data: ${LONG}\n\n`
  const answer = await ask('gzip')
  assert.equal(answer.headers['content-encoding'], undefined)
  let heard = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    heard += chunk.length
    if (heard === text.length) break
  }
  assert.equal(heard, text.length)
})
