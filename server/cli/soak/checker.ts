// Compares what was acknowledged with what is stored. It has no code in common with the server or the sender: a list of lines
// `device,fixTime,sequence` on one side, plain SQL on the other:
//   node --import tsx server/cli/soak/checker.ts --acknowledged FILE [--acknowledged FILE]… --database URL [--latest]
// A tracker's protocol has no sequence: its lines leave it empty. A device never sends two of one fix time. With --latest each
// vehicle's latest position must be the newest that is stored.
// Prints one line of JSON; exit code 1 if anything acknowledged is missing or anything at all is there twice.
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'

/** What the checker found. */
export interface Verdict {
  acknowledged: number
  /** Rows of the listed devices, acknowledged or not. */
  stored: number
  /** Stored, and the receipt never reached the device: allowed. */
  unacknowledged: number
  /** Acknowledged, and not stored with this fix time and sequence. */
  missing: number
  /** Heartbeats that are stored more than once. */
  doubled: number
  /** Lines that are on the list twice: the sender acknowledged itself, not the door. */
  listedTwice: number
  /** Devices whose latest position is not their newest; 0 unless asked for. */
  notLatest: number
  /** Some of what is wrong, by device and fix time. */
  examples: string[]
}

const { values } = parseArgs({
  options: {
    acknowledged: { type: 'string', multiple: true },
    database: { type: 'string' },
    latest: { type: 'boolean', default: false },
  },
})
if (!values.acknowledged || !values.database) {
  console.error('usage: checker --acknowledged FILE [--acknowledged FILE]… --database URL [--latest]')
  process.exit(2)
}

const client = new pg.Client({ connectionString: values.database })
await client.connect()
// A list that does not fit the memory goes to the disk, which is small here.
await client.query(`set work_mem = '256MB'; set temp_buffers = '128MB'`)
await client.query('create temp table acknowledged (device text, fix_ms int8, sequence int8)')
for (const file of values.acknowledged)
  await pipeline(
    createReadStream(file),
    client.query(copyFrom('copy acknowledged from stdin with (format csv)')),
  )
await client.query('analyze acknowledged')
// The instant of a fix is kept as seconds since 2000 and milliseconds.
await client.query(`
  create temp table stored as
  select d.name as device, p.sequence,
    (extract(epoch from timestamptz '2000-01-01T00:00:00Z')::int8 + p.fix_second) * 1000 + p.fix_ms as fix_ms
  from positions p join devices d on d.number = p.device_number
  where d.name in (select distinct device from acknowledged)`)
await client.query('analyze stored')

const count = async (sql: string) => {
  const { rows } = await client.query<{ count: string }>(`select count(*) as count from (${sql}) as found`)
  return Number(rows[0]!.count)
}
const MISSING = `
  select a.device, a.fix_ms from acknowledged a
  where not exists (
    select from stored s where s.device = a.device and s.fix_ms = a.fix_ms and s.sequence is not distinct from a.sequence)`
const DOUBLED = `select device, fix_ms from stored group by device, fix_ms having count(*) > 1`
const LISTED_TWICE = `select device, fix_ms from acknowledged group by device, fix_ms having count(*) > 1`
const NOT_LATEST = `
  select s.device, max(s.fix_ms) as fix_ms from stored s group by s.device
  having max(s.fix_ms) is distinct from (
    select (extract(epoch from l.fix_at) * 1000)::int8 from latest_positions l join devices d on d.id = l.device_id
    where d.name = s.device)`
const acknowledged = await count('select from acknowledged')
const stored = await count('select from stored')
const verdict: Verdict = {
  acknowledged,
  stored,
  unacknowledged: await count(`
    select from stored s
    where not exists (select from acknowledged a where a.device = s.device and a.fix_ms = s.fix_ms)`),
  missing: await count(MISSING),
  doubled: await count(DOUBLED),
  listedTwice: await count(LISTED_TWICE),
  notLatest: values.latest ? await count(NOT_LATEST) : 0,
  examples: [],
}
for (const [what, sql] of [
  ['missing', MISSING],
  ['doubled', DOUBLED],
  ...(values.latest ? [['not latest', NOT_LATEST] as const] : []),
] as const) {
  const { rows } = await client.query<{ device: string; fix_ms: string }>(`${sql} limit 5`)
  for (const { device, fix_ms } of rows) verdict.examples.push(`${what}: ${device} ${fix_ms}`)
}
await client.end()
console.log(JSON.stringify(verdict))
const { missing, doubled, listedTwice, notLatest } = verdict
process.exit(missing + doubled + listedTwice + notLatest === 0 ? 0 : 1)
