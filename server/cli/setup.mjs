// Plain JavaScript without dependencies: it runs before anything is installed.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import * as fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))
export const STATE = path.join(ROOT, '.restline')

/** Ends the command with one sentence that says what to do. */
export class Stop extends Error {}

/** Where steps are told; a benchmark keeps its output for its figures. */
/** @type {{ to: NodeJS.WritableStream }} */
export const progress = { to: process.stdout }

/** Prints what a step does and, when it is done, how long it took. */
export async function step(title, work) {
  const from = Date.now()
  progress.to.write(`  ${title} … `)
  try {
    const note = await work()
    progress.to.write(`${note ?? 'done'} (${((Date.now() - from) / 1000).toFixed(1)} s)\n`)
  } catch (error) {
    progress.to.write('failed\n')
    throw error
  }
}

/** Brings a fresh clone to where everything can start; each part is skipped while what it is made from is unchanged. */
export async function setup({ build = true } = {}) {
  checkNode()
  checkWritable()
  await step('Installing packages', async () => {
    return await onceFor(
      'installed',
      ['package-lock.json', '.npmrc'],
      () => npm('ci', '--no-audit', '--no-fund'),
      'node_modules',
    )
  })
  await step('Generating the database client', async () => {
    return await onceFor(
      'generated',
      ['prisma/schema.prisma', 'package-lock.json'],
      () => bin('prisma', 'generate'),
      'generated',
    )
  })
  const map = () =>
    onceFor(
      'basemap',
      ['server/cli/basemap.ts', 'server/geo', 'package-lock.json'],
      () => script('server/cli/basemap.ts'),
      'public/basemap.pmtiles',
    )
  if (!build) return await step('Building the map', map)
  const made = [
    'app',
    'components',
    'server',
    'prisma/schema.prisma',
    'public',
    'next.config.ts',
    'postcss.config.mjs',
    'tsconfig.json',
    'package-lock.json',
  ]
  const pages = () => onceFor('built', made, () => bin('next', 'build'), '.next/BUILD_ID')
  // Neither looks at the other's files, and each keeps one core busy.
  await step('Building the map and the pages', async () => {
    const done = await Promise.allSettled([map(), pages()])
    const failed = done.find(({ status }) => status === 'rejected')
    if (failed) throw failed.reason
    return done.every(({ value }) => value) ? 'up to date' : undefined
  })
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major < 20 || (major === 20 && minor < 9)) {
    throw new Stop(
      `Restline needs Node 20.9 or later and this is ${process.versions.node}: install a newer one from nodejs.org.`,
    )
  }
}

function checkWritable() {
  try {
    fs.mkdirSync(STATE, { recursive: true })
    fs.accessSync(ROOT, fs.constants.W_OK)
    fs.accessSync(STATE, fs.constants.W_OK)
  } catch {
    throw new Stop(
      `${ROOT} can't be written to: run this in a folder of your own, or give your user the right to write there.`,
    )
  }
}

/** Runs `make` unless it has run on the same inputs before and its result is still there. */
async function onceFor(name, inputs, make, result) {
  const marker = path.join(STATE, `${name}.sha256`)
  const hash = createHash('sha256').update(process.version)
  for (const input of inputs) hashInto(hash, input)
  const digest = hash.digest('hex')
  const known = fs.existsSync(marker) ? fs.readFileSync(marker, 'utf8') : ''
  if (known === digest && fs.existsSync(path.join(ROOT, result))) return 'up to date'
  fs.rmSync(marker, { force: true })
  await make()
  fs.writeFileSync(marker, digest)
}

function hashInto(hash, relative) {
  const full = path.join(ROOT, relative)
  if (!fs.existsSync(full)) return
  if (!fs.statSync(full).isDirectory()) {
    hash.update(relative).update(fs.readFileSync(full))
    return
  }
  for (const entry of fs.readdirSync(full).sort()) {
    if (!/\.(test|bench)\.tsx?$/.test(entry) && entry !== 'cli' && entry !== 'basemap.pmtiles')
      hashInto(hash, path.join(relative, entry))
  }
}

const QUIET = { NEXT_TELEMETRY_DISABLED: '1', CHECKPOINT_DISABLE: '1' }
// Prisma's command line looks for a native engine that `generate` never calls; any file that exists will do.
const OLD_NODE = ['--require', path.join(ROOT, 'server/cli/prisma-on-old-node.cjs')]
const PRISMA = { PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, PRISMA_HIDE_UPDATE_MESSAGE: '1' }

function npm(...args) {
  const cli = process.env.npm_execpath
  return cli
    ? run(process.execPath, [cli, ...args])
    : run(process.platform === 'win32' ? 'npm.cmd' : 'npm', args)
}

function bin(name, ...args) {
  const home = path.join(ROOT, 'node_modules', name)
  const { bin: bins } = JSON.parse(fs.readFileSync(path.join(home, 'package.json'), 'utf8'))
  return run(process.execPath, [
    ...(name === 'prisma' ? OLD_NODE : []),
    path.join(home, typeof bins === 'string' ? bins : bins[name]),
    ...args,
  ])
}

export function script(file, ...args) {
  return run(process.execPath, ['--import', 'tsx', file, ...args])
}

/** Runs a command quietly; what it printed comes with the error when it fails. */
function run(command, args) {
  return new Promise((resolve, reject) => {
    let output = ''
    const child = spawn(command, args, {
      cwd: ROOT,
      env: { ...process.env, ...QUIET, ...PRISMA },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text) => (output = (output + text).slice(-8_000)))
    child.once('error', reject)
    child.once('exit', (code) => {
      if (code === 0) resolve()
      else reject(new Error(`${path.basename(command)} ${args.join(' ')} ended with ${code}:\n${output}`))
    })
  })
}

/** Runs a command of ours: a Stop prints its sentence, anything else its whole error. */
export async function main(work) {
  // Node 20.9 warns of JSON modules in the middle of a step's line; what it warns of has long become standard.
  process.removeAllListeners('warning')
  try {
    await work()
  } catch (error) {
    console.error(error instanceof Stop || error?.name === 'AppError' ? `\n${error.message}` : error)
    process.exit(1)
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(setup)
