import path from 'node:path'
import { parseArgs } from 'node:util'
import { main, STATE } from './setup.mjs'
import { linesOf, soak } from './soak/rounds.ts'

const USAGE = `usage: npm run soak -- [--rounds 100] [--seed N] [--devices 500] [--trackers 20] [--stopped 60]
  --seed N      the order of the faults and their instants; printed, so that a run can be had again
  --stopped S   PostgreSQL is stopped for so many seconds once, and for up to five each other time`

/** Faults at random instants while devices send; afterwards everything acknowledged must be there exactly once. */
await main(async () => {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '100' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      devices: { type: 'string', default: '500' },
      trackers: { type: 'string', default: '20' },
      stopped: { type: 'string', default: '60' },
    },
  })
  const [rounds, seed, devices, trackers, stopped] = [
    values.rounds,
    values.seed,
    values.devices,
    values.trackers,
    values.stopped,
  ].map(Number)
  if (![rounds, seed, devices, trackers, stopped].every((value) => Number.isInteger(value) && value! >= 0)) {
    console.error(USAGE)
    process.exit(2)
  }
  const report = await soak({
    directory: path.join(STATE, 'soak'),
    rounds: rounds!,
    seed: seed!,
    devices: devices!,
    trackers: trackers!,
    paceMs: 2_000,
    firstStopMs: stopped! * 1_000,
    stoppedMs: [1_000, 5_000],
    print: (line) => console.log(line),
  })
  for (const line of linesOf(report)) console.log(line)
  process.exit(report.wrong.length > 0 ? 1 : 0)
})
