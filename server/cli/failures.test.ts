import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { describe, test } from 'node:test'
import { failedWalks, tellFailures } from './failures.mjs'

describe('what failed, at the end of a run', () => {
  test('unit tests: each by file and name with its error, a process that broke with its last words', (t) => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'failures-'))
    t.after(() => fs.rmSync(directory, { recursive: true }))
    const files = {
      'inner.test.mjs': `import { test } from 'node:test'
        test('outer', async (t) => { await t.test('inner', () => { throw new TypeError('of the inner one') }) })
        test('expected to', { todo: true }, () => { throw new Error('not yet') })
        test('passes', () => undefined)`,
      'broken.test.mjs': `import './is-not-there.mjs'`,
    }
    for (const [name, text] of Object.entries(files)) fs.writeFileSync(path.join(directory, name), text)
    const report = path.join(directory, 'report.json')
    const { NODE_TEST_CONTEXT: _, ...env } = process.env
    const run = spawnSync(
      process.execPath,
      ['server/cli/unit.mjs', report, ...Object.keys(files).map((name) => path.join(directory, name))],
      { env, encoding: 'utf8' },
    )
    assert.equal(run.status, 1, run.stderr)
    const { failures } = JSON.parse(fs.readFileSync(report, 'utf8'))
    const told = tellFailures(failures)
    assert.match(told, /^✖ .*inner\.test\.mjs: inner\n {4}TypeError: of the inner one\n/m)
    assert.match(told, /^✖ .*broken\.test\.mjs\n(.*\n)*.*Cannot find module.*is-not-there/m)
    assert.equal(failures.length, 2, told)
  })

  test('walks: those that failed, those that passed only the second time, and what is of no walk', () => {
    const spec = (title: string, status: string, message?: string) => ({
      file: 'map.e2e.ts',
      title,
      tests: [{ status, results: [{ errors: message ? [{ message }] : [] }, { errors: [] }] }],
    })
    const told = tellFailures(
      failedWalks({
        suites: [
          {
            specs: [spec('passes', 'expected')],
            suites: [{ specs: [spec('fails', 'unexpected', '\u001b[31mError: too late\u001b[39m')] }],
          },
          { specs: [spec('comes round', 'flaky', 'Error: at first')] },
        ],
        errors: [{ message: 'a worker died' }],
      }),
    )
    assert.equal(
      told,
      `✖ map.e2e.ts: fails
    Error: too late
✖ map.e2e.ts: comes round
    Error: at first
✖ browser
    a worker died`,
    )
  })

  test('however many and however long: all are named while there is room, then their number', () => {
    const failures = (count: number) =>
      Array.from({ length: count }, (_, i) => ({
        where: `file-${i}.test.ts: a name`,
        error: `first line\n${'a long line '.repeat(50)}\n`.repeat(40),
      }))
    const one = tellFailures(failures(1))
    assert.equal(one.split('\n').length, 26)
    assert.ok(one.split('\n').every((line) => line.length <= 200))
    const forty = tellFailures(failures(40))
    assert.ok(forty.length <= 6_000)
    for (let i = 0; i < 40; i++) assert.match(forty, new RegExp(`file-${i}\\.test`))
    const many = tellFailures(failures(500))
    assert.ok(many.length <= 6_100)
    assert.match(many, /… and \d+ more$/)
  })
})
