import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import * as os from 'node:os'
import path from 'node:path'
import { after, describe, type TestContext, test } from 'node:test'
import { conformHos } from './conform-hos.ts'

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'conform-hos-'))
after(() => fs.rmSync(directory, { recursive: true }))

/** Eleven hours of driving, used up at 18:00. */
const CASE = {
  id: 'eleven',
  title: 'Eleven hours are used up',
  source: '49 CFR 395.3(a)(3)(i)',
  ruleset: 'us-property-70-8',
  timeZone: 'America/Chicago',
  dayStart: '00:00',
  options: {},
  log: [
    { at: '2026-03-02T06:00', status: 'ON' },
    { at: '2026-03-02T06:30', status: 'D' },
    { at: '2026-03-02T14:00', status: 'OFF' },
    { at: '2026-03-02T14:30', status: 'D' },
  ],
  asOf: '2026-03-02T19:00',
  expect: {
    violations: [{ rule: 'us.drive-11', from: '2026-03-02T18:00' }],
    remaining: { drive: 0, window: 60, cycle: 3_450 },
  },
}

function fileOf(cases: unknown): string {
  const file = path.join(directory, 'cases.json')
  fs.writeFileSync(file, typeof cases === 'string' ? cases : JSON.stringify(cases))
  return file
}

/** What is printed, a line each, and the tally. */
function conform(t: TestContext, cases: unknown) {
  const print = t.mock.method(console, 'log', () => {})
  const tally = conformHos([fileOf(cases)])
  return { ...tally, printed: print.mock.calls.map(({ arguments: [line] }) => line as string).join('\n') }
}

describe('conform hos', () => {
  test('passes what is right, and shows what failed: expected, and what came', (t) => {
    const wrong = { ...CASE, id: 'wrong', expect: { violations: [], remaining: { drive: 1, duty: 0 } } }
    const { passed, failed, printed } = conform(t, [CASE, wrong])
    assert.deepEqual([passed, failed], [1, 1])
    assert.deepEqual(printed.split('\n'), [
      'wrong  Eleven hours are used up',
      '  expected violations: none',
      '  came:                us.drive-11 from 2026-03-02T18:00',
      '  drive: expected 1 min, came 0',
      '  duty: expected 0 min, came no such clock',
    ])
  })

  test('skips nothing: what it does not know fails', (t) => {
    const { passed, failed, printed } = conform(t, [
      { ...CASE, id: 'ruleset', ruleset: 'au-standard-solo' },
      { ...CASE, id: 'option', options: { oilField: true } },
      { ...CASE, id: 'expect', expect: { ...CASE.expect, nextChange: '2026-03-02T20:00' } },
      { ...CASE, id: 'status', log: [{ at: '2026-03-02T06:00', status: 'DRIVING' }] },
      { ...CASE, id: 'order', log: [...CASE.log].reverse() },
    ])
    assert.deepEqual([passed, failed], [0, 5])
    assert.match(printed, /^ruleset .*\n {2}expected an answer, came "au-standard-solo" is no ruleset/m)
    assert.match(printed, /^option .*\n {2}options\.oilField: no such option/m)
    assert.match(printed, /^expect .*\n {2}expect\.nextChange: nothing to compare it with/m)
    assert.match(printed, /^status .*\n {2}expected an answer, came event 0: "DRIVING" is no status/m)
    assert.match(printed, /^order .*\n {2}expected an answer, came event 1: it begins before/m)
  })

  test('a file that is none is refused with the field, before any case is judged', (t) => {
    const refused = (cases: unknown) => {
      const file = fileOf(cases)
      try {
        conformHos([file])
      } catch (error) {
        return (error as Error).message.replace(file, 'FILE')
      }
      return 'a tally'
    }
    const changed = (change: object) => refused([CASE, { ...CASE, ...change }])
    const print = t.mock.method(console, 'log', () => {})
    assert.equal(changed({ asOf: '2026-03-02 19:00' }), 'FILE: 1.asOf: a wall-clock time is YYYY-MM-DDThh:mm')
    assert.equal(changed({ asOf: '2026-02-30T19:00' }), 'FILE: 1.asOf: no such day')
    assert.equal(changed({ timeZone: 'America/Nowhere' }), 'FILE: 1.timeZone: no such time zone')
    assert.match(changed({ dayStart: '24:30' }), /^FILE: 1\.dayStart: /)
    assert.match(changed({ log: [{ at: '2026-03-02T06:00' }] }), /^FILE: 1\.log\.0\.status: /)
    assert.match(changed({ options: { team: 'yes' } }), /^FILE: 1\.options\.team: /)
    assert.match(
      changed({ options: { deferral: [{ day1: '2026-03-32' }] } }),
      /^FILE: 1\.options\.deferral\.0/,
    )
    assert.match(changed({ options: { carriedMinutes: [-1] } }), /^FILE: 1\.options\.carriedMinutes\.0: /)
    assert.match(changed({ expect: undefined }), /^FILE: 1\.expect: /)
    assert.match(refused('[{'), /^FILE: .*JSON/)
    assert.match(refused({ cases: [] }), /^FILE: /)
    assert.equal(print.mock.callCount(), 0)
  })

  test('as a command: one closing line, and 0, 1 or 2', () => {
    const run = (cases: unknown) => {
      const argv = ['--import', 'tsx', path.join(import.meta.dirname, 'conform.ts'), 'hos', fileOf(cases)]
      const { status, stdout } = spawnSync(process.execPath, argv, { encoding: 'utf8' })
      return [status, stdout]
    }
    assert.deepEqual(run([CASE]), [0, '1 passed, 0 failed\n'])
    assert.deepEqual(run([CASE, { ...CASE, asOf: '' }]), [2, ''])
    const wrong = { ...CASE, expect: { remaining: { drive: 1 } } }
    assert.match(String(run([CASE, wrong])[1]), /\n1 passed, 1 failed\n$/)
  })
})
