import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { contentSecurityPolicy, dropClaims, originsElsewhere, securityHeaders } from './headers.ts'

describe('headers of the front door', () => {
  test('HSTS comes with https only', () => {
    assert.equal(securityHeaders('http://127.0.0.1:3000')['strict-transport-security'], undefined)
    assert.match(securityHeaders('https://x.example')['strict-transport-security']!, /^max-age=31536000/)
  })

  test('a map from elsewhere may be fetched and shown, and nothing else of that place', () => {
    const elsewhere = originsElsewhere(
      ['/basemap.pmtiles', 'https://tiles.example/{z}/{x}/{y}.png', undefined, 'https://tiles.example/dark'],
      'https://x.example',
    )
    assert.deepEqual(elsewhere, ['https://tiles.example'])
    const policy = contentSecurityPolicy('bm9uY2U=', elsewhere)
    assert.match(policy, /img-src 'self' data: blob: https:\/\/tiles\.example;/)
    assert.match(policy, /script-src 'self' 'nonce-bm9uY2U=' 'strict-dynamic';/)
    assert.doesNotMatch(policy, /unsafe-eval/)
  })

  test('what a caller claims is taken out, what it needs stays', () => {
    const headers = {
      host: 'x',
      cookie: 'c',
      rsc: '1',
      'next-router-state-tree': 't',
      'x-middleware-subrequest': 'm',
      'x-restline-address': '1.2.3.4',
      'x-http-method-override': 'POST',
      'x-forwarded-host': 'evil',
    }
    dropClaims(headers)
    assert.deepEqual(Object.keys(headers), ['host', 'cookie', 'rsc', 'next-router-state-tree'])
  })
})
