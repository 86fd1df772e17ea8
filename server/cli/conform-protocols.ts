import * as fs from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type pg from 'pg'
import { z } from 'zod'
import { type DeviceProtocol, enrolDevices } from '../auth/device.ts'
import { startEmbedded } from '../db/embedded.ts'
import { newId } from '../db/id.ts'
import { migrate } from '../db/migrate.ts'
import { ensurePartitions } from '../db/partitions.ts'
import { createPool } from '../db/pool.ts'
import { createPhoneDoor } from '../ingest/http.ts'
import { NO_FIX, REPAIRED_ROLLOVER } from '../ingest/judge.ts'
import { type Intake, intakeOf } from '../ingest/take.ts'
import { listenTeltonika } from '../ingest/teltonika/listener.ts'

const ROLLOVER_MS = 1024 * 7 * 24 * 3_600_000
/** A device that never ends what it has begun gets no answer; so long is waited to say that there is none. */
const SILENCE_MS = 150
const ANSWER_WITHIN_MS = 5_000

const Position = z.object({
  time: z.string().nullable(),
  lat: z.number().nullable(),
  lon: z.number().nullable(),
  speedKph: z.number().nullable(),
  headingDeg: z.number().nullable(),
  altitudeM: z.number().nullable(),
  valid: z.boolean(),
  attributes: z.record(z.string(), z.unknown()).default({}),
})
type Position = z.infer<typeof Position>
/** A position as it is kept, its time as the device said it, in epoch milliseconds. */
type Taken = Omit<Position, 'time'> & { at: number }
/** What is left out may be null as well. */
const textOrNone = z
  .string()
  .nullish()
  .transform((text) => text ?? '')
const common = { id: z.string(), note: textOrNone, source: z.string().nullish() }

const HttpCase = z.object({
  ...common,
  input: z.object({
    method: z.string(),
    path: z.string(),
    headers: z.record(z.string(), z.string()).default({}),
    contentType: z.string().nullish(),
    body: z.string().nullish(),
  }),
  expect: z.object({
    status: z.union([z.number(), z.array(z.number())]),
    deviceId: z.string().nullish(),
    replyBody: z.string().nullish(),
    positions: z.array(Position).nullable().default([]),
  }),
})

const Hex = z.string().regex(/^([0-9a-fA-F]{2})*$/)
const TeltonikaCase = z.object({
  ...common,
  kind: z.enum(['login', 'avl', 'reject', 'other', 'stream']),
  input: z.object({
    transport: z.enum(['tcp', 'udp']).default('tcp'),
    imei: z.string().optional(),
    hex: Hex.optional(),
    chunks: z.array(Hex).optional(),
  }),
  expect: z.object({
    imei: z.string().nullish(),
    replyKnownHex: Hex.nullish(),
    replyUnknownHex: Hex.nullish(),
    ackHex: Hex.nullish(),
    replyHex: Hex.nullish(),
    replyHexInOrder: z.array(Hex).optional(),
    positions: z.array(Position).nullable().default([]),
  }),
})
type TeltonikaCase = z.infer<typeof TeltonikaCase>

/** How a vector says that its device is not to be registered first. */
const STRANGER =
  /\bunknown[ -][`'"]?(?:device|id|identity|imei|phone|tracker|user)(?:\b|_)|\b(?:device|id|identity|imei|phone|tracker|user)[`'"]? (?:is |was )?(?:unknown|not known)\b|\b(?:not|never|un)[ -]?(?:registered|enrolled)\b/i

interface Tally {
  passed: number
  failed: number
}

/** A door with a database of its own, and one fleet to enrol devices in. */
class Bench {
  readonly pool: pg.Pool
  readonly intake: Intake
  readonly #fleetId = newId()
  readonly #vehicleId = newId()
  readonly #enrolled = new Set<string>()
  readonly #stop: () => Promise<void>

  private constructor(pool: pg.Pool, stop: () => Promise<void>) {
    this.pool = pool
    this.#stop = stop
    this.intake = intakeOf(pool, Date.now)
  }

  static async open(): Promise<Bench> {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'restline-conform-'))
    const embedded = await startEmbedded(directory, { database: 'conform', settings: ['fsync=off'] })
    await migrate(embedded.url)
    const pool = createPool(embedded.url)
    await ensurePartitions(pool, Date.now())
    const bench = new Bench(pool, async () => {
      await pool.end()
      await embedded.stop()
      fs.rmSync(directory, { recursive: true, force: true })
    })
    await pool.query(
      "insert into fleets (id, name, slug, time_zone) values ($1, 'Conformance', 'conformance', 'UTC')",
      [bench.#fleetId],
    )
    await pool.query("insert into vehicles (fleet_id, id, unit_number) values ($1, $2, '1')", [
      bench.#fleetId,
      bench.#vehicleId,
    ])
    return bench
  }

  /** A device that may report by its identity alone. */
  async enrol(protocol: DeviceProtocol, identity: string): Promise<void> {
    if (this.#enrolled.has(identity)) return
    this.#enrolled.add(identity)
    const device = {
      vehicleId: this.#vehicleId,
      name: `${protocol} ${identity}`,
      protocol,
      identity,
      open: true,
    }
    await enrolDevices(this.pool, this.#fleetId, [device])
    // Who is there is read again within four seconds; who has just been refused would wait as long.
    this.intake.directory.forget()
  }

  /** Nobody may report as this, though an earlier case of the same run did. */
  async expel(protocol: DeviceProtocol, identity: string): Promise<void> {
    if (!this.#enrolled.delete(identity)) return
    await this.pool.query('delete from devices where protocol = $1 and identity = $2', [protocol, identity])
    this.intake.directory.forget()
  }

  /** What is stored, in the words of the vectors; then nothing is. */
  async taken(): Promise<Taken[]> {
    const { rows } = await this.pool.query<{
      at: number
      latitudeE7: number | null
      longitudeE7: number | null
      speedCkph: number | null
      headingDeg: number | null
      altitudeM: number | null
      accuracyDm: number | null
      odometerM: number | null
      engineSeconds: number | null
      flags: number
      sentAt: number | null
      attributes: Record<string, unknown> | null
    }>(
      `select fix_at(fix_second, fix_ms) as at, latitude_e7 as "latitudeE7", longitude_e7 as "longitudeE7",
         speed_ckph as "speedCkph", heading_deg as "headingDeg", altitude_m as "altitudeM", accuracy_dm as "accuracyDm",
         odometer_m as "odometerM", engine_seconds as "engineSeconds", flags, sent_at as "sentAt", attributes
       from positions order by fix_second, fix_ms, digest`,
    )
    await this.pool.query('delete from positions')
    const over = (value: number | null, by: number) => (value === null ? null : value / by)
    // What the table has no place for is kept as it was said.
    const beyond = ({ attributes }: { attributes: Record<string, unknown> | null }) =>
      (attributes?.outOfRange ?? {}) as { fixAt?: number; speedKph?: number; altitudeMeters?: number }
    return rows.map((row) => ({
      at: beyond(row).fixAt ?? row.at - (row.flags & REPAIRED_ROLLOVER ? ROLLOVER_MS : 0),
      lat: over(row.latitudeE7, 1e7),
      lon: over(row.longitudeE7, 1e7),
      speedKph: beyond(row).speedKph ?? over(row.speedCkph, 100),
      headingDeg: row.headingDeg,
      altitudeM: beyond(row).altitudeMeters ?? row.altitudeM,
      valid: (row.flags & NO_FIX) === 0,
      attributes: {
        ...row.attributes,
        accuracyM: over(row.accuracyDm, 10),
        odometerM: row.odometerM,
        engineHours: over(row.engineSeconds, 3_600),
        ignition: row.flags & 1 ? (row.flags & 2) !== 0 : null,
        sentAt: row.sentAt === null ? null : new Date(row.sentAt).toISOString(),
      },
    }))
  }

  async close(): Promise<void> {
    await this.intake.receiver.drained()
    await this.intake.activity.flush()
    await this.#stop()
  }
}

/** Half of the last digit that the table keeps. */
const TOLERANCE: Record<string, number> = {
  lat: 1e-6,
  lon: 1e-6,
  speedKph: 0.01,
  headingDeg: 0.5,
  altitudeM: 0.5,
  accuracyM: 0.05,
  odometerM: 0.5,
  engineHours: 0.5 / 3_600,
}

function isSame(name: string, expected: unknown, came: unknown): boolean {
  if (typeof expected === 'number' && typeof came === 'number') {
    const apart = Math.abs(expected - came)
    // North is 0 and 360.
    return (name === 'headingDeg' ? Math.min(apart, 360 - apart) : apart) <= (TOLERANCE[name] ?? 1e-9) + 1e-12
  }
  return isDeepStrictEqual(expected, came)
}

/** What of an expected position a stored one lacks. */
function differences(expected: Position, came: Taken): string[] {
  const found: string[] = []
  const compare = (name: string, wanted: unknown, got: unknown) => {
    if (!isSame(name, wanted, got))
      found.push(`${name}: expected ${JSON.stringify(wanted)}, came ${JSON.stringify(got)}`)
  }
  for (const name of ['lat', 'lon', 'speedKph', 'headingDeg', 'altitudeM', 'valid'] as const)
    compare(name, expected[name], came[name])
  // Without a time of its own a message has that of its arrival.
  if (expected.time !== null) compare('time', Date.parse(expected.time), came.at)
  else if (Math.abs(Date.now() - came.at) > 60_000)
    found.push(`time: expected now, came ${new Date(came.at).toISOString()}`)
  for (const [name, value] of Object.entries(expected.attributes)) compare(name, value, came.attributes[name])
  return found
}

/** Each expected position must have been stored, and nothing else. */
function positionFaults(expected: readonly Position[] | null, came: readonly Taken[]): string[] {
  if (expected === null) return []
  const faults: string[] = []
  const left = [...came]
  for (const position of expected) {
    const all = left.map((one) => differences(position, one))
    const match = all.findIndex((one) => one.length === 0)
    if (match >= 0) left.splice(match, 1)
    else {
      const nearest = all.sort((a, b) => a.length - b.length)[0]
      faults.push(`position of ${position.time}: ${nearest ? nearest.join('; ') : 'not stored'}`)
    }
  }
  if (came.length !== expected.length)
    faults.push(`expected ${expected.length} positions, stored ${came.length}`)
  return faults
}

function readCases<T>(file: string, schema: z.ZodType<T>): T[] {
  try {
    return z.array(schema).parse(JSON.parse(fs.readFileSync(file, 'utf8')))
  } catch (error) {
    const [issue] = error instanceof z.ZodError ? error.issues : []
    throw new Error(
      issue ? `${file}: ${issue.path.join('.')}: ${issue.message}` : `${file}: ${(error as Error).message}`,
    )
  }
}

async function runAll<T extends { id: string; note: string }>(
  cases: readonly T[],
  faultsOf: (one: T) => Promise<string[]>,
): Promise<Tally> {
  const tally = { passed: 0, failed: 0 }
  for (const one of cases) {
    const faults = await faultsOf(one).catch((error: Error) => [`expected an answer, came ${error.message}`])
    if (faults.length === 0) tally.passed++
    else {
      tally.failed++
      console.log(
        [`${one.id}${one.note ? `  ${one.note}` : ''}`, ...faults.map((fault) => `  ${fault}`)].join('\n'),
      )
    }
  }
  return tally
}

/** Vectors of the phone apps, sent to the real HTTP door. */
export async function conformPhones(
  protocol: 'osmand' | 'owntracks',
  files: readonly string[],
): Promise<Tally> {
  const cases = files.flatMap((file) => readCases(file, HttpCase))
  const bench = await Bench.open()
  const door = createPhoneDoor(bench.intake)
  const server = createServer((req, res) => void door.handle(req, res))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  try {
    return await runAll(cases, async ({ note, input, expect }) => {
      const unknown = STRANGER.test(note) || STRANGER.test(expect.deviceId ?? '')
      if (expect.deviceId) await bench[unknown ? 'expel' : 'enrol'](protocol, expect.deviceId)
      const response = await fetch(`http://127.0.0.1:${port}${input.path}`, {
        method: input.method,
        headers: { ...input.headers, ...(input.contentType ? { 'content-type': input.contentType } : {}) },
        ...(input.body != null && input.method !== 'GET' ? { body: input.body } : {}),
      })
      const body = await response.text()
      const allowed = [expect.status].flat()
      const faults: string[] = []
      if (!allowed.includes(response.status))
        faults.push(`status: expected ${allowed.join(' or ')}, came ${response.status} ${body}`)
      if (expect.replyBody != null && body !== expect.replyBody)
        faults.push(`reply: expected ${expect.replyBody}, came ${body}`)
      return [...faults, ...positionFaults(expect.positions, await bench.taken())]
    })
  } finally {
    server.closeAllConnections()
    server.close()
    await bench.close()
  }
}

/** Vectors of Teltonika trackers, sent to the real listener. */
export async function conformTeltonika(files: readonly string[]): Promise<Tally> {
  const cases = files.flatMap((file) => readCases(file, TeltonikaCase))
  const bench = await Bench.open()
  const listener = await listenTeltonika(bench.intake, 0, '127.0.0.1')
  try {
    return await runAll(cases, async (one) => {
      const faults = await exchangeFaults(bench, listener.port, one)
      return [...faults, ...positionFaults(one.expect.positions, await bench.taken())]
    })
  } finally {
    await listener.close()
    await bench.close()
  }
}

const IMEI = '123456789012345'
/** Of whom one is not the IMEI of a login, and is refused beside it. */
const OTHERS = ['999999999999999', '888888888888888']
const login = (imei: string) => Buffer.concat([Buffer.from([0, imei.length]), Buffer.from(imei, 'latin1')])

async function exchangeFaults(
  bench: Bench,
  port: number,
  { kind, note, input, expect }: TeltonikaCase,
): Promise<string[]> {
  const bytes = Buffer.from(input.hex ?? '', 'hex')
  const asNoted = STRANGER.test(note) ? 'expel' : 'enrol'
  if (input.transport === 'udp')
    return await datagramFaults(bench, port, bytes, asNoted, expect.ackHex ?? expect.replyHex ?? null)
  const imei = expect.imei ?? input.imei ?? IMEI
  if (kind === 'login') {
    const other = OTHERS.find((one) => one !== imei)!
    for (const one of [imei, other]) await bench.expel('teltonika', one)
    const stranger = await said(port, [bytes], expect.replyUnknownHex ?? '00')
    await bench.enrol('teltonika', imei)
    const faults = mismatch('reply to an unknown IMEI', expect.replyUnknownHex ?? '00', stranger)
    const known = await said(port, [bytes], expect.replyKnownHex ?? '01')
    const refused = await said(port, [login(other)], '00')
    return [
      ...faults,
      ...mismatch('reply to a known IMEI', expect.replyKnownHex ?? '01', known),
      ...mismatch('reply to another IMEI', '00', refused),
    ]
  }
  await bench[asNoted]('teltonika', imei)
  if (kind === 'stream') {
    const wanted = (expect.replyHexInOrder ?? []).join('')
    const chunks = (input.chunks ?? []).map((chunk) => Buffer.from(chunk, 'hex'))
    return mismatch('replies', wanted, await said(port, chunks, wanted))
  }
  const wanted = `01${expect.ackHex ?? ''}`
  return mismatch('replies to login and frame', wanted, await said(port, [login(imei), bytes], wanted))
}

const mismatch = (of: string, expected: string, came: string) =>
  expected.toLowerCase() === came
    ? []
    : [`${of}: expected ${expected || 'nothing'}, came ${came || 'nothing'}`]

/** What the listener says to these pieces, in hexadecimal: waited for until it is what is wanted, and a moment longer. */
function said(port: number, chunks: readonly Buffer[], wanted: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    let came = ''
    let timer = setTimeout(() => done(), ANSWER_WITHIN_MS)
    const done = () => {
      clearTimeout(timer)
      socket.destroy()
      resolve(came)
    }
    socket.once('error', reject)
    socket.once('close', done)
    const settle = () => {
      if (came.length < wanted.length) return
      clearTimeout(timer)
      timer = setTimeout(done, SILENCE_MS)
    }
    socket.on('data', (bytes) => {
      came += bytes.toString('hex')
      settle()
    })
    socket.once('connect', async () => {
      socket.setNoDelay(true)
      for (const chunk of chunks) {
        socket.write(chunk)
        await new Promise((resolve) => setImmediate(resolve))
      }
      settle()
    })
  })
}

async function datagramFaults(
  bench: Bench,
  port: number,
  bytes: Buffer,
  asNoted: 'enrol' | 'expel',
  wanted: string | null,
): Promise<string[]> {
  const { createSocket } = await import('node:dgram')
  const imei = bytes.toString('latin1', 8, 23)
  if (/^\d{15}$/.test(imei)) await bench[asNoted]('teltonika', imei)
  const socket = createSocket('udp4')
  try {
    const came = await new Promise<string>((resolve, reject) => {
      const timer = setTimeout(() => resolve(''), wanted === null ? SILENCE_MS * 4 : ANSWER_WITHIN_MS)
      socket.once('error', reject)
      socket.once('message', (reply) => {
        clearTimeout(timer)
        resolve(reply.toString('hex'))
      })
      socket.send(bytes, port, '127.0.0.1')
    })
    return mismatch('reply', wanted ?? '', came)
  } finally {
    socket.close()
  }
}
