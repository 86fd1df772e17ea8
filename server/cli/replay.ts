import * as fs from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { DeviceClient, ownSigner } from '../agent/client.ts'
import { createPool } from '../db/pool.ts'
import { AppError } from '../errors.ts'
import { enrolTrace, fleetOf } from './replay/fleet.ts'
import { endDuty, type Replay, sendTrace, type Tally } from './replay/send.ts'
import { readTrace, shiftOf, type Times } from './replay/trace.ts'
import { main, STATE } from './setup.mjs'

const USAGE = `usage: npm run replay -- FILE.csv.gz [--speed 60] [--times day|now|recorded] [--fleet SLUG]
  --speed N|max   recorded seconds a second; max leaves the pauses out
  --times         day: moved by whole days to the last 24 hours (the same file again is all duplicates);
                  now: its last row is now; recorded: as they are`

const PROGRESS_MS = 2_000

/** Posts a recorded trace through the door of the running Restline, as its devices did. */
await main(async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      speed: { type: 'string', default: '60' },
      times: { type: 'string', default: 'day' },
      fleet: { type: 'string' },
    },
  })
  const [file] = positionals
  const speed = values.speed === 'max' ? Number.POSITIVE_INFINITY : Number(values.speed)
  if (!file || positionals.length > 1 || !(speed > 0) || !['day', 'now', 'recorded'].includes(values.times)) {
    console.error(USAGE)
    process.exit(2)
  }
  if (!fs.existsSync(file)) throw new AppError('not-found', `There is no file ${file}.`)
  const { url, databaseUrl } = runningServer()
  const rows = readTrace(file)
  const [first] = rows
  if (!first) throw new AppError('malformed', `${file} has no rows.`)
  const pool = createPool(databaseUrl, 2)
  try {
    const fleet = await fleetOf(pool, values.fleet)
    const devices = [...new Set(rows.map((row) => row.heartbeat.device))]
    const { latitude, longitude } =
      rows.find((row) => row.heartbeat.latitude !== 0)?.heartbeat ?? first.heartbeat
    const keys = await enrolTrace(pool, fleet.id, devices, { latitude, longitude }, Date.now())
    const clients = new Map(
      [...keys].map(([name, key]) => [name, new DeviceClient({ url, signer: ownSigner(key) })]),
    )
    const shiftMs = shiftOf(rows, values.times as Times, Date.now())
    const startsAt = new Date(first.receivedAt + shiftMs).toISOString()
    console.log(`${rows.length} rows of ${devices.length} devices into ${fleet.name}, from ${startsAt}`)
    let toldAt = Date.now()
    const startedAt = toldAt
    const replay: Replay = {
      clients,
      shiftMs,
      speed,
      onProgress: (tally, done) => {
        if (Date.now() - toldAt < PROGRESS_MS) return
        toldAt = Date.now()
        const at = new Date(rows[done - 1]!.receivedAt + shiftMs).toISOString().slice(0, 19)
        console.log(`  ${at}Z  ${Math.floor((done / rows.length) * 100)} %  ${summary(tally)}`)
      },
    }
    const tally = await sendTrace(rows, replay)
    const offDuty = await endDuty(rows, replay, Date.now())
    console.log(
      `\n${rows.length} rows read in ${((Date.now() - startedAt) / 1000).toFixed(0)} s: ${summary(tally)}`,
    )
    for (const [reason, count] of tally.reasons) console.log(`  refused ${count}: ${reason}`)
    console.log(`${devices.length} vehicles, ${offDuty} drivers off duty at the end`)
    const accounted = tally.stored + tally.duplicates + tally.refused
    if (accounted !== rows.length) throw new Error(`${rows.length - accounted} rows are not accounted for`)
  } finally {
    await pool.end()
  }
})

function runningServer(): { url: string; databaseUrl: string } {
  const file = path.join(STATE, 'server.json')
  if (!fs.existsSync(file))
    throw new AppError('not-found', 'Restline is not running: start it with `npm run demo` first.')
  return JSON.parse(fs.readFileSync(file, 'utf8'))
}

function summary({ sent, stored, duplicates, refused, retries }: Tally): string {
  const again = retries ? `, ${retries} sent again` : ''
  return `${sent} sent, ${stored} stored, ${duplicates} duplicate, ${refused} refused${again}`
}
