import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { PrismaPg } from '@prisma/adapter-pg'
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils'
import pg from 'pg'
import type { Db } from './pool.ts'

const PRISMA = fileURLToPath(new URL('../../prisma', import.meta.url))
const NOTHING_EXTERNAL = { externalTables: [], externalEnums: [] }

type SchemaEngineModule = typeof import('@prisma/schema-engine-wasm')
type SchemaEngine = import('@prisma/schema-engine-wasm').SchemaEngine

let loaded: Promise<SchemaEngineModule> | undefined

/**
 * Prisma's own schema engine as WebAssembly. The native one that the CLI fetches is not to be had where only the
 * package registry is reached; both write the same `_prisma_migrations`.
 */
function loadEngine(): Promise<SchemaEngineModule> {
  loaded ??= (async () => {
    const bg = (await import(
      '@prisma/schema-engine-wasm/schema_engine_bg'
    )) as unknown as SchemaEngineModule & {
      __wbg_set_wasm(exports: WebAssembly.Exports): void
    }
    const home = path.dirname(createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm'))
    const module = new WebAssembly.Module(readFileSync(path.join(home, 'schema_engine_bg.wasm')))
    const instance = new WebAssembly.Instance(module, {
      './schema_engine_bg.js': bg as unknown as WebAssembly.ModuleImports,
    })
    bg.__wbg_set_wasm(instance.exports)
    ;(instance.exports.__wbindgen_start as () => void)()
    return bg
  })()
  return loaded
}

async function withEngine<T>(
  connectionString: string,
  work: (engine: SchemaEngine) => Promise<T>,
): Promise<T> {
  const { SchemaEngine } = await loadEngine()
  // Ours to close: the engine leaves its connection, and with it the lock that it took to migrate, to time out.
  // The engine's shadow connections inherit these settings, so they let go soon.
  const pool = new pg.Pool({ connectionString, max: 1, idleTimeoutMillis: 50, allowExitOnIdle: true })
  const engine = await SchemaEngine.new(
    { datamodels: [['schema.prisma', schemaText()]] },
    () => {},
    bindMigrationAwareSqlAdapterFactory(new PrismaPg(pool)),
  )
  try {
    return await work(engine)
  } finally {
    engine.free()
    await pool.end()
  }
}

const schemaText = () => readFileSync(path.join(PRISMA, 'schema.prisma'), 'utf8')

/** The migrations on disk, oldest first. */
function migrationNames(): string[] {
  const baseDir = path.join(PRISMA, 'migrations')
  const entries = existsSync(baseDir) ? readdirSync(baseDir, { withFileTypes: true }) : []
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort()
}

/**
 * The migrations on disk, oldest first, as the engine wants them. Its WebAssembly build cuts a script at each semicolon,
 * those inside comments too: keep them out of a migration's comments.
 */
function migrationsList() {
  const baseDir = path.join(PRISMA, 'migrations')
  return {
    baseDir,
    lockfile: {
      path: 'migration_lock.toml',
      content: readFileSync(path.join(baseDir, 'migration_lock.toml'), 'utf8'),
    },
    shadowDbInitScript: '',
    migrationDirectories: migrationNames().map((name) => ({
      path: name,
      migrationFile: {
        path: 'migration.sql',
        content: {
          tag: 'ok' as const,
          value: readFileSync(path.join(baseDir, name, 'migration.sql'), 'utf8'),
        },
      },
    })),
  }
}

/**
 * Applies what is pending and returns the names of what it applied. The engine takes an advisory lock, so servers that start
 * together migrate one after the other.
 */
export async function migrate(connectionString: string): Promise<string[]> {
  return await withEngine(connectionString, async (engine) => {
    const { appliedMigrationNames } = await engine.applyMigrations({
      migrationsList: migrationsList(),
      filters: NOTHING_EXTERNAL,
    })
    return appliedMigrationNames
  })
}

/** The SQL from an empty database to `schema.prisma`: where a new migration starts from. */
export async function schemaSql(connectionString: string): Promise<string> {
  return await withEngine(connectionString, async (engine) => {
    const { stdout } = await engine.diff({
      from: { tag: 'empty' },
      to: { tag: 'schemaDatamodel', files: [{ path: 'schema.prisma', content: schemaText() }] },
      script: true,
      exitCode: null,
      filters: NOTHING_EXTERNAL,
    })
    return stdout ?? ''
  })
}

/** The migrations on disk that a database has not applied; all of them if it has none of our tables. A look, no lock. */
export async function pendingMigrations(db: Db): Promise<string[]> {
  const { rows } = await db.query<{ exists: boolean }>(
    "select to_regclass('_prisma_migrations') is not null as exists",
  )
  const applied = new Set<string>()
  if (rows[0]!.exists) {
    const done = await db.query<{ name: string }>(
      'select migration_name as name from _prisma_migrations where finished_at is not null and rolled_back_at is null',
    )
    for (const { name } of done.rows) applied.add(name)
  }
  return migrationNames().filter((name) => !applied.has(name))
}
