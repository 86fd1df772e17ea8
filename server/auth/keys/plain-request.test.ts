import assert from 'node:assert/strict'
import { generateKeyPairSync, randomInt } from 'node:crypto'
import { describe, test } from 'node:test'
import { signData } from './algorithm.ts'
import { contentOf } from './content-digest.ts'
import type { HeaderFields } from './http-message.ts'
import { readPlainRequest } from './plain-request.ts'
import { draftRequest, newNonce } from './sign-request.ts'
import { type DeviceRequest, readAnyRequest } from './signed-request.ts'

const ORIGIN = 'https://ingest.example.com'
const { privateKey } = generateKeyPairSync('ed25519')
const body = Buffer.from('{"device":"unit-1"}')

function made(headers: HeaderFields = [['Content-Type', 'application/json']]): DeviceRequest {
  const draft = draftRequest(
    { method: 'POST', target: '/v1/heartbeats', headers, body },
    { kind: 'device', keyId: `acme/SHA256:${'k'.repeat(43)}`, algorithm: 'ed25519' },
    ORIGIN,
    1_764_000_000_000,
    newNonce(),
  )
  return {
    method: 'POST',
    target: '/v1/heartbeats',
    headers: draft.headers(signData('ed25519', privateKey, draft.base)),
    content: contentOf(body),
  }
}

describe('the short way to read a request', () => {
  test('takes what our client writes, and reads the same in it as the long way', () => {
    for (const headers of [
      [['content-type', 'application/json; charset=utf-8']],
      [
        ['HOST', 'x'],
        ['Content-Type', 'text/plain'],
      ],
    ] as HeaderFields[]) {
      const request = made(headers)
      const plain = readPlainRequest(request, ORIGIN)
      assert.ok(plain)
      assert.deepEqual(plain, readAnyRequest(request, ORIGIN))
    }
  })

  test('never knows better: 20,000 damaged requests are read the same, or left to the long way', () => {
    let taken = 0
    for (let round = 0; round < 20_000; round++) {
      const request = made()
      const at = randomInt(request.headers.length)
      const headers = request.headers.map(([name, value], index): [string, string] => {
        if (index !== at) return [name, value]
        const place = randomInt(value.length)
        const character = round % 3 === 0 ? '' : String.fromCharCode(randomInt(256))
        return [name, value.slice(0, place) + character + value.slice(place + (round % 2))]
      })
      if (round % 10 === 0) headers.push(headers[randomInt(headers.length)]!)
      const damaged = { ...request, headers }
      const plain = readPlainRequest(damaged, ORIGIN)
      if (!plain) continue
      taken++
      assert.deepEqual(plain, readAnyRequest(damaged, ORIGIN), JSON.stringify(headers))
    }
    assert.ok(taken > 100, `${taken} of them still had the form`)
  })
})
