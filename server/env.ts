import { z } from 'zod'
import { AppError } from './errors.ts'

const schema = z.object({
  /** Any PostgreSQL 15 to 18; the demo and the tests set it to the embedded one. */
  DATABASE_URL: z.string().regex(/^postgres(ql)?:\/\//, 'must begin with postgresql://'),
  PORT: z.coerce.number().int().min(1).max(65535).default(3000),
  HOST: z.string().default('127.0.0.1'),
  /** Where people open the console, as their browser sees it. */
  PUBLIC_URL: z.url().optional(),
  /** Signs session cookies; at least 32 characters. */
  AUTH_SECRET: z.string().min(32, 'must have at least 32 characters'),
  BASEMAP_URL: z.string().default('/basemap.pmtiles'),
  BASEMAP_URL_DARK: z.string().optional(),
  BASEMAP_ATTRIBUTION: z.string().optional(),
  BASEMAP_MAXZOOM: z.coerce.number().int().min(1).max(22).default(12),
})

export type Env = z.infer<typeof schema> & { publicUrl: string }

let parsed: Env | undefined

/** The process's settings, read once. A missing or malformed one is refused by its name. */
export function env(): Env {
  if (parsed) return parsed
  const result = schema.safeParse(process.env)
  if (!result.success) {
    const issue = result.error.issues[0]!
    throw new AppError('misconfigured', `${issue.path.join('.')} ${issue.message}`, issue.path.join('.'))
  }
  const { PUBLIC_URL, HOST, PORT } = result.data
  const host = HOST === '0.0.0.0' || HOST === '::' ? 'localhost' : HOST
  parsed = { ...result.data, publicUrl: PUBLIC_URL ?? `http://${host}:${PORT}` }
  return parsed
}
