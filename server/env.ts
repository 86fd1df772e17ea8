import * as fs from 'node:fs'
import { z } from 'zod'
import { readRanges } from './auth/ranges.ts'
import { AppError } from './errors.ts'

const port = z.coerce.number().int().min(1).max(65535)

/** Words of examples and of haste: a secret that has one was copied from somewhere. */
const SAMPLE =
  /change.?me|change.?this|example|sample|placeholder|your.?secret|password|0123456789|abcdefgh|(.)\1{7}/i

const Secret = z
  .string({
    error: 'is missing: set it, or NAME_FILE to a file with it; `openssl rand -base64 32` makes one',
  })
  .refine((text) => Buffer.byteLength(text) >= 32, 'must have at least 32 bytes')
  .refine(
    (text) => process.env.NODE_ENV !== 'production' || (!SAMPLE.test(text) && new Set(text).size >= 12),
    'is a sample, not a secret: `openssl rand -base64 32` makes one',
  )
/** These may stand in a file instead, which `NAME_FILE` names. */
const FROM_FILES = [
  'AUTH_SECRET',
  'AUTH_SECRET_PREVIOUS',
  'DATABASE_URL',
  'SMTP_URL',
  'METRICS_TOKEN',
  'MQTT_URL',
]

/** CIDR ranges with commas between them. */
const Ranges = z
  .string()
  .default('')
  .transform((text, context) => {
    try {
      return readRanges(text)
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message })
      return z.NEVER
    }
  })

const schema = z.object({
  /** Any PostgreSQL 15 to 18; the demo and the tests set it to the embedded one. */
  DATABASE_URL: z.string().regex(/^postgres(ql)?:\/\//, 'must begin with postgresql://'),
  PORT: port.default(3000),
  HOST: z.string().default('127.0.0.1'),
  /** Where people open the console, as their browser sees it. */
  PUBLIC_URL: z.url().optional(),
  /** Signs session cookies and seals stored secrets. */
  AUTH_SECRET: Secret,
  /** The one before, while it is being replaced: what it sealed can still be read. */
  AUTH_SECRET_PREVIOUS: Secret.optional(),
  /** The mail server, `smtp://user:password@host:587` or `smtps://…`; without one, mail waits. */
  SMTP_URL: z
    .string()
    .regex(/^smtps?:\/\//, 'must begin with smtp:// or smtps://')
    .optional(),
  MAIL_FROM: z.string().default('Restline <restline@localhost>'),
  /** Where trackers and phones reach the doors of their own; HOST if left out. */
  DEVICE_HOST: z.string().optional(),
  /** Teltonika trackers, TCP and UDP; left out: no such door. */
  TELTONIKA_PORT: port.optional(),
  /** Traccar Client, OsmAnd and OwnTracks on a port of their own; they have /v1/osmand and /v1/owntracks in any case. */
  PHONES_PORT: port.optional(),
  /** The broker that OwnTracks apps publish to. */
  MQTT_URL: z
    .string()
    .regex(/^(mqtts?|wss?):\/\//, 'must begin with mqtt:// or mqtts://')
    .optional(),
  /** Each process its own. */
  MQTT_CLIENT_ID: z.string().min(1).max(128).default('restline'),
  /** Processes that share the messages among them. */
  MQTT_GROUP: z
    .string()
    .regex(/^[^/+#]+$/, 'must be one level of a topic')
    .optional(),
  MQTT_TOPIC: z.string().default('owntracks/+/+'),
  /** Who asks for /metrics must bring it; left out: only this machine may. */
  METRICS_TOKEN: Secret.optional(),
  /** Networks of one's own, as CIDR ranges with commas, in which webhooks may go to; left out: the public Internet only. */
  WEBHOOK_NETWORKS: Ranges,
  /** The same for directories (LDAP), OpenID providers and the issuers of devices' tokens. */
  SIGN_IN_NETWORKS: Ranges,
  /** Proxies in front: X-Forwarded-For and Client-Cert count from them alone. */
  TRUSTED_PROXIES: Ranges,
  /** Requests a second of one device, and how many it may save up; 0: any number. */
  DEVICE_REQUESTS_PER_SECOND: z.coerce.number().min(0).default(10),
  DEVICE_REQUESTS_BURST: z.coerce.number().min(1).default(60),
  /** Requests a second of all devices of a fleet together, at each process; 0: any number. */
  FLEET_REQUESTS_PER_SECOND: z.coerce.number().min(0).default(0),
  /** Failed authentications of devices at one address in a minute; 0: any number. */
  DEVICE_FAILURES_PER_MINUTE: z.coerce.number().min(0).default(20),
  BASEMAP_URL: z.string().default('/basemap.pmtiles'),
  BASEMAP_URL_DARK: z.string().optional(),
  BASEMAP_ATTRIBUTION: z.string().optional(),
  BASEMAP_MAXZOOM: z.coerce.number().int().min(1).max(22).default(12),
})

export type Env = z.infer<typeof schema> & { publicUrl: string; deviceLimits: DeviceLimits }

interface DeviceLimits {
  requestsPerSecond: number
  burst: number
  fleetRequestsPerSecond: number
  failuresPerMinute: number
}

let parsed: Env | undefined

function fromFiles(): Record<string, string> {
  return Object.fromEntries(
    FROM_FILES.flatMap((name) => {
      const file = process.env[`${name}_FILE`]
      return file ? [[name, fs.readFileSync(file, 'utf8').trim()]] : []
    }),
  )
}

/** The process's settings, read once. A missing or malformed one is refused by its name. */
export function env(): Env {
  if (parsed) return parsed
  const result = schema.safeParse({ ...process.env, ...fromFiles() })
  if (!result.success) {
    const issue = result.error.issues[0]!
    throw new AppError('misconfigured', `${issue.path.join('.')} ${issue.message}`, issue.path.join('.'))
  }
  const { PUBLIC_URL, HOST, PORT } = result.data
  const host = HOST === '0.0.0.0' || HOST === '::' ? 'localhost' : HOST
  const deviceLimits = {
    requestsPerSecond: result.data.DEVICE_REQUESTS_PER_SECOND,
    burst: result.data.DEVICE_REQUESTS_BURST,
    fleetRequestsPerSecond: result.data.FLEET_REQUESTS_PER_SECOND,
    failuresPerMinute: result.data.DEVICE_FAILURES_PER_MINUTE,
  }
  parsed = { ...result.data, publicUrl: PUBLIC_URL ?? `http://${host}:${PORT}`, deviceLimits }
  return parsed
}
