import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'

/**
 * The picture in ARCHITECTURE.md, held true: which room may import which. `app` and `components` come first, the pure
 * rooms last; nothing points back up.
 */
const MAY_IMPORT: Record<string, readonly string[]> = {
  app: [
    'components',
    'server/audit',
    'server/auth',
    'server/exports',
    'server/reports',
    'server/logs',
    'server/fleet',
    'server/alerts',
    'server/db',
    'server/hos',
    'server/time',
    'server/geo',
    'server',
  ],
  components: ['server/hos', 'server/time', 'server/geo'],
  e2e: [
    'server/agent',
    'public',
    'prisma',
    'server/cli',
    'server/db',
    'server/auth',
    'server/ingest',
    'server/time',
    'server',
  ],
  prisma: [
    'server/auth',
    'server/db',
    'server/fleet',
    'server/geo',
    'server/hos',
    'server/logs',
    'server/time',
    'server',
  ],
  server: [
    'server/alerts',
    'server/audit',
    'server/auth',
    'server/db',
    'server/exports',
    'server/fleet',
    'server/ingest',
    'server/logs',
    'server/reports',
    'server/time',
    'server/trips',
    'server/webhooks',
  ],
  'server/cli': [
    'prisma',
    'components',
    'server',
    'server/audit',
    'server/agent',
    'server/auth',
    'server/db',
    'server/geo',
    'server/hos',
    'server/ingest',
    'server/time',
    'server/trips',
  ],
  'server/ingest': [
    'server',
    'server/logs',
    'server/fleet',
    'server/alerts',
    'server/auth',
    'server/audit',
    'server/db',
    'server/time',
  ],
  'server/exports': [
    'server',
    'server/reports',
    'server/logs',
    'server/fleet',
    'server/auth',
    'server/audit',
    'server/db',
    'server/time',
  ],
  'server/reports': [
    'server',
    'server/logs',
    'server/fleet',
    'server/auth',
    'server/audit',
    'server/db',
    'server/hos',
    'server/time',
  ],
  'server/logs': [
    'server',
    'server/trips',
    'server/fleet',
    'server/auth',
    'server/audit',
    'server/db',
    'server/hos',
    'server/geo',
    'server/time',
  ],
  'server/alerts': [
    'server',
    'server/webhooks',
    'server/fleet',
    'server/auth',
    'server/audit',
    'server/db',
    'server/geo',
    'server/hos',
    'server/time',
  ],
  'server/webhooks': ['server', 'server/auth', 'server/audit', 'server/db', 'server/time'],
  'server/trips': ['server', 'server/db', 'server/geo', 'server/time'],
  'server/fleet': ['server', 'server/auth', 'server/audit', 'server/db', 'server/geo', 'server/time'],
  // A truck has no database: it knows how requests are signed, and nothing else of the server.
  'server/agent': ['server/auth', 'server/time'],
  'server/auth': ['server', 'server/audit', 'server/db', 'server/time'],
  'server/audit': ['server', 'server/db', 'server/time'],
  'server/db': ['server', 'server/time'],
  'server/hos': ['server/time'],
  'server/geo': [],
  'server/time': [],
}

/** Of the rooms with data, browsers get types, schemas and the table of who may do what only. */
const isSchema = (file: string) => /(^|[/-])schema\.ts$/.test(file) || file === 'server/auth/can.ts'
/** These are the shared root files that rooms may use; the doors and the worker are not among them. */
const ROOT_FILES = [
  'server/env.ts',
  'server/errors.ts',
  'server/log.ts',
  'server/trpc.ts',
  'server/leash.ts',
  'server/reach.ts',
  'server/text-schema.ts',
  'server/outward.ts',
]

const ROOT = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '..')

interface Import {
  from: string
  to: string
  typeOnly: boolean
}

function sources(directory: string): string[] {
  const full = path.join(ROOT, directory)
  if (!fs.existsSync(full)) return []
  return fs.readdirSync(full, { withFileTypes: true }).flatMap((entry) => {
    const relative = path.join(directory, entry.name)
    if (entry.isDirectory()) return sources(relative)
    return /\.(ts|tsx)$/.test(entry.name) ? [relative] : []
  })
}

function importsOf(file: string): Import[] {
  const text = fs.readFileSync(path.join(ROOT, file), 'utf8')
  const found: Import[] = []
  const pattern =
    /^\s*(?:import|export)\s+(type\s)?[^'"]*?from\s+['"](\.[^'"]+)['"]|import\(\s*['"](\.[^'"]+)['"]\s*\)|^import\s+['"](\.[^'"]+)['"]/gm
  for (const match of text.matchAll(pattern)) {
    const target = match[2] ?? match[3] ?? match[4]!
    const to = path.normalize(path.join(path.dirname(file), target))
    // `typeof import('…')` and `import('…').X` in a type are types too.
    const inType = match[3] !== undefined && !/\bawait\s*$|=>\s*$|\(\s*$/.test(text.slice(0, match.index))
    found.push({ from: file, to, typeOnly: match[1] !== undefined || inType })
  }
  return found
}

function roomOf(file: string): string {
  const [top, second, third] = file.split(path.sep)
  if (top !== 'server') return top!
  return third === undefined ? 'server' : `server/${second}`
}

const files = ['app', 'components', 'e2e', 'prisma', 'server'].flatMap(sources)
const imports = files
  .flatMap(importsOf)
  .filter(({ to }) => !to.startsWith('generated') && !to.endsWith('.css'))
const isTest = (file: string) => /\.(test|bench)\.tsx?$/.test(file) || file.endsWith('testing.ts')

describe('the house', () => {
  test('every room imports only the rooms below it', () => {
    const broken = imports.filter(({ from, to, typeOnly }) => {
      const [here, there] = [roomOf(from), roomOf(to)]
      if (here === there || isTest(from)) return false
      if ((here === 'components' || here === 'app') && (typeOnly || isSchema(to))) return false
      if (isSchema(from) && isSchema(to)) return false
      if (typeOnly && (isSchema(to) || to.endsWith('types.ts') || to === 'server/auth/principal.ts'))
        return false
      if (
        there === 'server' &&
        here !== 'server/cli' &&
        here !== 'app' &&
        !ROOT_FILES.includes(to) &&
        !typeOnly
      )
        return true
      return !MAY_IMPORT[here]?.includes(there)
    })
    assert.deepEqual(
      broken.map(({ from, to }) => `${from} -> ${to}`),
      [],
    )
  })

  test('pages reach the database behind the walls of a fleet only', () => {
    const direct = imports.filter(
      ({ from, to, typeOnly }) => from.startsWith('app') && to.startsWith('server/db/') && !typeOnly,
    )
    assert.deepEqual(
      direct.map(({ from, to }) => `${from} -> ${to}`),
      ['app/in-fleet.ts -> server/db/pool.ts'],
    )
  })

  test('pure rooms know no database, framework, clock or network', () => {
    const impure = files
      .filter((file) => /^server\/(hos|time|geo)\//.test(file) && !isTest(file))
      .filter((file) => {
        const text = fs.readFileSync(path.join(ROOT, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
        return /from '(node:|pg|@prisma|next|react|@trpc)|Date\.now\(|new Date\(\)|\bfetch\(|process\./.test(
          text,
        )
      })
    // Places read their file once, on the server only.
    assert.deepEqual(
      impure.filter((file) => file !== 'server/geo/places.ts'),
      [],
    )
  })

  test('what serves writes its log as lines of JSON, by server/log.ts', () => {
    const speaking = files.filter(
      (file) =>
        /^server\/(?!cli\/|agent\/|geo\/|.*\/bench\/|.*\/conform)/.test(file) &&
        !isTest(file) &&
        /\bconsole\./.test(fs.readFileSync(path.join(ROOT, file), 'utf8')),
    )
    assert.deepEqual(speaking, [])
  })

  test('property tests take their seed from one place', () => {
    const direct = files.filter((file) =>
      /^import .*'fast-check'/m.test(fs.readFileSync(path.join(ROOT, file), 'utf8')),
    )
    assert.deepEqual(direct, ['server/property.testing.ts'])
  })

  test('no file imports itself by a circle', () => {
    const edges = new Map<string, string[]>()
    for (const { from, to, typeOnly } of imports) {
      if (!typeOnly) edges.set(from, [...(edges.get(from) ?? []), to])
    }
    const done = new Set<string>()
    const circle = (file: string, trail: string[]): string[] | undefined => {
      if (trail.includes(file)) return [...trail.slice(trail.indexOf(file)), file]
      if (done.has(file)) return undefined
      for (const next of edges.get(file) ?? []) {
        const found = circle(next, [...trail, file])
        if (found) return found
      }
      done.add(file)
      return undefined
    }
    for (const file of files) assert.equal(circle(file, [])?.join(' -> '), undefined)
  })

  test('the top level holds the fixed rooms, configuration and pages only', () => {
    const allowed = new Set([
      'package.json',
      'package-lock.json',
      'tsconfig.json',
      'app',
      'prisma',
      'server',
      'components',
      'e2e',
      'public',
    ])
    const made = new Set(['node_modules', 'generated', 'next-env.d.ts', 'test-results', 'playwright-report'])
    const other = fs.readdirSync(ROOT).filter((name) => {
      const configuration =
        /\.config\.(ts|mjs)$/.test(name) || name === 'biome.json' || name.endsWith('.tsbuildinfo')
      return (
        !allowed.has(name) &&
        !made.has(name) &&
        !name.startsWith('.') &&
        !name.endsWith('.md') &&
        name !== 'LICENSE' &&
        !configuration
      )
    })
    assert.deepEqual(other, [])
  })
})
