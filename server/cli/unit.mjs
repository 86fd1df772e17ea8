// Runs test files, each in a process of its own: `node --import tsx server/cli/unit.mjs REPORT FILE…`. Unlike `node --test` it
// takes the files in the order given, and more than one at a time on Node 20.9 too. What was counted goes to REPORT as JSON.
import * as fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'

/** A file that hangs is named and ended, rather than the whole run. */
const FILE_WITHIN_MS = 20 * 60_000

const [report, ...files] = process.argv.slice(2)
const counted = { pass: 0, fail: 0, cancelled: 0 }
const results = run({
  files: files.map((file) => path.resolve(file)),
  // Many files wait for a database or a server most of their time; more than four would want more connections than it has.
  concurrency: Math.min(4, os.availableParallelism() + 1),
  timeout: FILE_WITHIN_MS,
})
// The run tells its totals as remarks at its end, and its exit code by none.
results.on('test:diagnostic', ({ nesting, message }) => {
  const [, word, count] = /^(\w+) (\d+)$/.exec(message) ?? []
  if (nesting === 0 && word in counted) counted[word] += Number(count)
})
results.on('end', () => {
  fs.writeFileSync(report, JSON.stringify(counted))
  process.exitCode = counted.fail + counted.cancelled > 0 || counted.pass === 0 ? 1 : 0
})
results.compose(new spec()).pipe(process.stdout)
