import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, test } from 'node:test'
import { FAULTS } from './faults.ts'
import { linesOf, soak } from './rounds.ts'

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'restline-soak-'))
fs.chmodSync(directory, 0o755) // for root's database, which runs as somebody else
after(() => fs.rmSync(directory, { recursive: true, force: true }))

// `npm run soak -- --rounds 100` is the long one.
test('20 faults at random instants, 500 devices sending: everything acknowledged is there exactly once', async () => {
  const seed = Number(process.env.SOAK_SEED ?? Date.now() % 1_000_000)
  const report = await soak({
    directory: path.join(directory, 'stage'),
    rounds: 20,
    seed,
    devices: 500,
    trackers: 20,
    paceMs: 4_000,
    firstStopMs: 60_000,
    stoppedMs: [1_500, 2_500],
    print: (line) => console.log(line),
  })
  for (const line of linesOf(report)) console.log(line)
  assert.deepEqual(report.wrong, [])
  assert.equal(report.rounds.length, 20)
  for (const { name } of FAULTS)
    assert.ok(report.rounds.some(({ fault }) => fault === name) || name === 'disk full')
  for (const { fault, verdict } of report.rounds)
    assert.deepEqual([fault, verdict.missing, verdict.doubled, verdict.listedTwice], [fault, 0, 0, 0])
  assert.deepEqual([report.last.missing, report.last.doubled, report.last.notLatest], [0, 0, 0])
  // Enough was going on for all that to mean something.
  assert.ok(report.last.acknowledged > 5_000, `${report.last.acknowledged} acknowledged`)
  assert.ok(report.repeated > 500 && report.cuts > 50, `${report.repeated} repeated, ${report.cuts} cut`)
})
