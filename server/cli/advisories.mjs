// Known faults of packages: `npm audit` at high severity. Without dependencies, as its neighbours.
import { spawn } from 'node:child_process'
import * as fs from 'node:fs'
import path from 'node:path'
import { ROOT } from './setup.mjs'

const ANSWERS_WITHIN_MS = 60_000
const SEVERE = ['high', 'critical']

/**
 * What npm's answer means.
 * @param {string} text of `npm audit --json`
 * @param {readonly { advisory: string, until: string, reason: string }[]} exceptions
 * @param {number} now epoch milliseconds
 * @returns {{ checked: boolean, faults: string[] }} not checked: the registry gave no answer
 */
export function judge(text, exceptions, now) {
  let answer
  try {
    answer = JSON.parse(text)
  } catch {
    return { checked: false, faults: [] }
  }
  if (!answer.vulnerabilities || answer.error) return { checked: false, faults: [] }
  const faults = new Map()
  for (const { name, via } of Object.values(answer.vulnerabilities)) {
    for (const cause of via) {
      // A name alone points at the package that has the fault, which has its own entry.
      if (typeof cause === 'string' || !SEVERE.includes(cause.severity)) continue
      const advisory = String(cause.url ?? cause.source)
        .split('/')
        .at(-1)
      const excused = exceptions.find((one) => one.advisory === advisory)
      if (excused && Date.parse(excused.until) > now) continue
      const note = excused ? ` (its exception ended on ${excused.until})` : ''
      faults.set(advisory, `${cause.severity}: ${name}, ${cause.title}, ${advisory}${note}`)
    }
  }
  return { checked: true, faults: [...faults.values()] }
}

/** The exceptions, each dated and reasoned. */
export function readExceptions() {
  return JSON.parse(fs.readFileSync(path.join(ROOT, 'server/cli/advisories.json'), 'utf8'))
}

/** Asks the registry; quiet for too long counts as no answer. */
export function askRegistry() {
  return new Promise((resolve) => {
    const cli = process.env.npm_execpath
    const args = ['audit', '--json', '--audit-level=high', '--package-lock-only']
    const [command, all] = cli ? [process.execPath, [cli, ...args]] : ['npm', args]
    const child = spawn(command, all, {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: ANSWERS_WITHIN_MS,
    })
    let text = ''
    child.stdout.on('data', (part) => (text += part))
    child.once('error', () => resolve(''))
    child.once('close', () => resolve(text))
  })
}
