import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { judge, readExceptions } from './advisories.mjs'

const NOW = Date.UTC(2026, 10, 25)
const answer = (severity: string) =>
  JSON.stringify({
    vulnerabilities: {
      leaf: {
        name: 'leaf',
        via: [
          {
            severity,
            title: 'Prototype pollution',
            url: 'https://github.com/advisories/GHSA-aaaa-bbbb-cccc',
          },
        ],
      },
      root: { name: 'root', via: ['leaf'] },
    },
  })
const exception = { advisory: 'GHSA-aaaa-bbbb-cccc', until: '2026-12-01', reason: 'not called by us' }

describe('known faults of packages', () => {
  test('a high one fails once, a moderate one does not', () => {
    assert.deepEqual(judge(answer('high'), [], NOW), {
      checked: true,
      faults: ['high: leaf, Prototype pollution, GHSA-aaaa-bbbb-cccc'],
    })
    assert.equal(judge(answer('critical'), [], NOW).faults.length, 1)
    assert.deepEqual(judge(answer('moderate'), [], NOW), { checked: true, faults: [] })
  })

  test('an exception counts until its date', () => {
    assert.deepEqual(judge(answer('high'), [exception], NOW).faults, [])
    assert.deepEqual(judge(answer('high'), [exception], Date.UTC(2026, 11, 2)).faults, [
      'high: leaf, Prototype pollution, GHSA-aaaa-bbbb-cccc (its exception ended on 2026-12-01)',
    ])
  })

  test('no answer is said to be none', () => {
    for (const text of ['', 'not json', '{"error":{"code":"ENOTFOUND"}}', '{"message":"404 Not Found"}'])
      assert.deepEqual(judge(text, [], NOW), { checked: false, faults: [] })
  })

  test('every exception of ours has an advisory, a date and a reason', () => {
    for (const { advisory, until, reason } of readExceptions()) {
      assert.match(advisory, /^GHSA-/)
      assert.ok(!Number.isNaN(Date.parse(until)))
      assert.ok(reason.length > 20)
    }
  })
})
