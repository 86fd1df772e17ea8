// `npm test`: sets up what it needs, then types, lint, then unit and integration on a real PostgreSQL beside the browser walks.
import { spawn } from 'node:child_process'
import * as fs from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { askRegistry, judge, readExceptions } from './advisories.mjs'
import { findChromium } from './chromium.mjs'
import { failedWalks, tellFailures } from './failures.mjs'
import { findMosquitto } from './mosquitto.mjs'
import { main, ROOT, STATE, setup } from './setup.mjs'
import { findSlapd } from './slapd.mjs'
import { findSshKeygen } from './ssh-keygen.mjs'

const only = process.argv.slice(2)
const wanted = (part) => only.length === 0 || only.includes(part)
const results = []

await main(async () => {
  process.chdir(ROOT)
  console.log('Setting up')
  await setup({ build: wanted('browser') || wanted('unit') })
  process.env.NEXT_TELEMETRY_DISABLED = '1'
  if (wanted('unit') || wanted('browser')) await findSlapd()
  if (wanted('unit') || wanted('browser')) findSshKeygen()
  const mosquitto = wanted('unit') && findMosquitto()
  const chromium = wanted('browser') && (await findChromium())
  await Promise.all([
    wanted('types') && check('types', 'node_modules/typescript/lib/tsc.js', '--noEmit'),
    wanted('lint') && check('lint', 'node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings'),
    wanted('advisories') && advisories(),
  ])
  const { register } = await import('tsx/esm/api')
  register()
  const { prepareTestDatabase } = await import('./test-database.ts')
  const database = await prepareTestDatabase(path.join(STATE, 'test'))
  try {
    const env = { TEST_DATABASE_URL: database.url }
    // Side by side: each waits much of its time for what the other leaves idle.
    await Promise.all([
      wanted('unit') && unit({ ...env, MOSQUITTO_PATH: mosquitto }),
      wanted('browser') && browser({ ...env, CHROMIUM_PATH: chromium }),
    ])
  } finally {
    await database.stop()
  }
  const sum = (key) => results.reduce((total, result) => total + result[key], 0)
  const failures = results.flatMap((result) => result.failures)
  // Above the table and below all else: many keep only the end of a log.
  if (failures.length > 0) console.log(`\n== failed\n${tellFailures(failures)}`)
  console.log()
  for (const { name, passed, failed, seconds } of results) {
    console.log(
      `${name.padEnd(10)} ${String(passed).padStart(5)} passed ${String(failed).padStart(3)} failed ${seconds.toFixed(0).padStart(5)} s`,
    )
  }
  console.log(`\n${sum('passed')} passed, ${sum('failed')} failed`)
  process.exit(sum('failed') ? 1 : 0)
})

/** One check that passes or fails as a whole. */
async function check(name, file, ...args) {
  await timed(name, async () => {
    const { code, end } = await run([path.join(ROOT, file), ...args], { beside: true })
    return code === 0
      ? { passed: 1, failed: 0 }
      : { passed: 0, failed: 1, failures: [{ where: name, error: end }] }
  })
}

/** Known faults of packages. A registry that gives no answer is said, and fails nothing. */
async function advisories() {
  await timed('advisories', async () => {
    const { checked, faults } = judge(await askRegistry(), readExceptions(), Date.now())
    for (const fault of faults) console.log(fault)
    if (!checked) console.log('not checked: the registry gave no answer about known faults')
    const failures = faults.map((fault) => ({ where: 'advisories', error: fault }))
    return { passed: checked && faults.length === 0 ? 1 : 0, failed: faults.length, failures }
  })
}

/** Every *.test.ts beside the code, each file in a process of its own. */
async function unit(env) {
  await timed('unit', async () => {
    const report = path.join(STATE, 'unit.json')
    fs.rmSync(report, { force: true })
    const { code } = await run(['--import', 'tsx', 'server/cli/unit.mjs', report, ...testFiles()], { env })
    if (!fs.existsSync(report)) return noReport('unit', code)
    const { pass, fail, cancelled, failures } = JSON.parse(fs.readFileSync(report, 'utf8'))
    return { passed: pass, failed: fail + cancelled || (code === 0 ? 0 : 1), failures }
  })
}

function testFiles() {
  const found = []
  const walk = (directory) => {
    for (const entry of fs.readdirSync(path.join(ROOT, directory), { withFileTypes: true })) {
      const relative = path.join(directory, entry.name)
      if (entry.isDirectory()) walk(relative)
      else if (/\.test\.tsx?$/.test(entry.name)) found.push(relative)
    }
  }
  for (const room of ['app', 'components', 'prisma', 'server']) walk(room)
  // The longest, and it mostly waits: whatever starts last would be waited for alone.
  const first = path.normalize('server/cli/soak/soak.test.ts')
  return found.sort((a, b) => Number(b === first) - Number(a === first) || (a < b ? -1 : 1))
}

async function browser(env) {
  await timed('browser', async () => {
    const report = path.join(STATE, 'browser.json')
    fs.rmSync(report, { force: true })
    const { code, end } = await run([path.join(ROOT, 'node_modules/@playwright/test/cli.js'), 'test'], {
      env: { ...env, PLAYWRIGHT_JSON_OUTPUT_NAME: report },
      beside: wanted('unit'),
    })
    if (!fs.existsSync(report)) return noReport('browser', code, end)
    const told = JSON.parse(fs.readFileSync(report, 'utf8'))
    const { expected, unexpected, flaky } = told.stats
    // A walk that passes only the second time has a fault of its own.
    return {
      passed: expected,
      failed: unexpected + flaky || (code === 0 ? 0 : 1),
      failures: failedWalks(told),
    }
  })
}

/** It died before it could say what failed. */
function noReport(name, code, end = '') {
  const error = `It ended by ${code} without a report.\n${end}`
  return { passed: 0, failed: 1, failures: [{ where: name, error }] }
}

async function timed(name, work) {
  console.log(`\n== ${name}`)
  const from = Date.now()
  const { passed, failed, failures = [] } = await work()
  if (failed && failures.length === 0)
    failures.push({ where: name, error: 'It ended as failed, and named nothing.' })
  results.push({ name, passed, failed, failures, seconds: (Date.now() - from) / 1000 })
}

/**
 * @param {{ env?: object, beside?: boolean }} [how] beside: others print too, so it does by whole lines, and the last are kept
 * @returns {Promise<{ code: number, end: string }>}
 */
function run(args, { env = {}, beside = false } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: beside ? ['inherit', 'pipe', 'pipe'] : 'inherit',
    })
    const last = []
    for (const input of beside ? [child.stdout, child.stderr] : [])
      createInterface({ input }).on('line', (line) => {
        console.log(line)
        if (last.push(line) > 25) last.shift()
      })
    child.once('error', reject)
    child.once('close', (code) => resolve({ code: code ?? 1, end: last.join('\n') }))
  })
}
