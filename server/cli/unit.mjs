// Runs test files, each in a process of its own: `node --import tsx server/cli/unit.mjs REPORT FILE…`. Unlike `node --test` it
// takes the files in the order given, and more than one at a time on Node 20.9 too. What was counted and what failed goes to REPORT
// as JSON.
import * as fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { failedTest } from './failures.mjs'

/** A file that hangs is named and ended, rather than the whole run. */
const FILE_WITHIN_MS = 20 * 60_000

const [report, ...files] = process.argv.slice(2)
const counted = { pass: 0, fail: 0, cancelled: 0 }
const failures = []
/** The last words of each file's process. */
const words = new Map()
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
  // What a test left behind went wrong after its end: the failure of its file says no more than that it failed.
  if (nesting === 0 && message.startsWith('Error:')) failures.push({ where: 'unit', error: message })
})
results.on('test:stderr', ({ file, message }) => {
  words.set(file, `${words.get(file) ?? ''}${message}`.slice(-2_000))
})
results.on('test:fail', (told) => {
  const failure = failedTest(told)
  if (!failure) return
  // The process as a whole, not a test in it: why stands in what it printed.
  if (told.name === told.file) failure.error += `\n${words.get(told.file) ?? ''}`
  failures.push(failure)
})
results.on('end', () => {
  fs.writeFileSync(report, JSON.stringify({ ...counted, failures }))
  process.exitCode = counted.fail + counted.cancelled > 0 || counted.pass === 0 ? 1 : 0
})
results.compose(new spec()).pipe(process.stdout)
