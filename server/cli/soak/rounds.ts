import { setTimeout as wait } from 'node:timers/promises'
import { median } from '../../ingest/bench/median.ts'
import type { Verdict } from './checker.ts'
import { FAULTS, type Fault, type Limits, stopDatabase } from './faults.ts'
import { Random } from './random.ts'
import { openStage, type Stage, type StageOptions } from './stage.ts'
import { VOLUME_KINDS } from './volume.ts'

export interface SoakOptions extends Omit<StageOptions, 'directory'>, Limits {
  directory: string
  rounds: number
  /** The first time PostgreSQL is stopped for so long. */
  firstStopMs: number
  /** Gets a line for each round. */
  print: (line: string) => void
}

/** One round: a fault at an instant, and what was found after it. */
export interface Round {
  fault: string
  /** From when the cause was gone to the first receipt. */
  recoveryMs: number
  verdict: Verdict
  /** What the logs should have said, and did not. */
  unsaid: string[]
}

export interface SoakReport {
  seed: number
  /** How the disk was made full. */
  disk: string
  rounds: Round[]
  /** Receipts that can't be true, and what was wrong beside that; empty when all is well. */
  wrong: string[]
  /** Counted by the checker at the end, after the worker has had its turn. */
  last: Verdict
  repeated: number
  cuts: number
  refusals: Record<string, number>
  serverStarts: number
  databaseStarts: number
}

const RECOVERED_WITHIN_MS = 180_000
/** What is said sparingly (server/ingest/trouble.ts) is said within ten seconds. */
const SAID_WITHIN_MS = 15_000
/** Nothing is struck before so much has gone well, and not at the same instant each time. */
const BEFORE_MS = [200, 1_500] as const

/**
 * Devices send without pause while one fault after another strikes; after each, everything acknowledged must be there exactly once.
 * The order of the faults and the instants follow the seed.
 */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const { rounds, seed, print } = options
  const random = new Random(seed)
  const stage = await openStage(options)
  try {
    const disk = stage.volume ? VOLUME_KINDS[stage.volume.kind] : 'not at all: nothing here limits a disk'
    print(`seed ${seed}, ${options.devices} devices and ${options.trackers} trackers, the disk: ${disk}`)
    const faults = stage.volume ? FAULTS : FAULTS.filter(({ name }) => name !== 'disk full')
    const done: Round[] = []
    const wrong: string[] = stage.volume ? [] : ['no way to make a disk full works here']
    let order: Fault[] = []
    let stopped = false
    let tally = await stage.pause()
    for (let number = 1; number <= rounds; number++) {
      if (order.length === 0) order = random.shuffled(faults)
      stage.resume()
      const fault = order.pop()!
      // Once for long, otherwise for less, or a long run would be mostly waiting.
      const { firstStopMs } = options
      const stoppedMs = stopped ? options.stoppedMs : ([firstStopMs, firstStopMs] as const)
      const struck = await strike(stage, fault, random, { stoppedMs })
      stopped ||= fault === stopDatabase
      tally = await stage.pause()
      const round = { ...struck, verdict: await stage.check() }
      done.push(round)
      wrong.push(...faultsOf(round, number), ...tally.contradictions)
      tally.contradictions = []
      print(lineOf(round, number, rounds))
    }
    const last = await stage.settle()
    if (last.notLatest > 0) wrong.push(`${last.notLatest} latest positions are not the newest`)
    const { repeated, cuts, refusals } = tally
    return {
      ...{ seed, disk, rounds: done, wrong: [...new Set(wrong)], last, repeated, cuts, refusals },
      serverStarts: stage.server.starts,
      databaseStarts: stage.database.starts,
    }
  } finally {
    await stage.close()
  }
}

async function strike(
  stage: Stage,
  fault: Fault,
  random: Random,
  limits: Limits,
): Promise<Omit<Round, 'verdict'>> {
  await wait(random.between(...BEFORE_MS))
  const mark = stage.journal.lines.length
  stage.journal.note('keeper', `round: ${fault.name}`)
  await fault.strike(stage, random, limits)
  const recoveryMs = await stage.probe.answered(RECOVERED_WITHIN_MS)
  const unsaid = await stage.journal.missing(mark, fault.said, SAID_WITHIN_MS)
  return { fault: fault.name, recoveryMs, unsaid: unsaid.map(({ source, text }) => `${source}: ${text}`) }
}

function faultsOf({ fault, verdict, unsaid }: Round, number: number): string[] {
  const { missing, doubled, listedTwice, examples } = verdict
  return [
    ...(missing + doubled + listedTwice > 0
      ? [`round ${number}, ${fault}: ${missing} missing, ${doubled} doubled (${examples.join('; ')})`]
      : []),
    ...unsaid.map((line) => `round ${number}, ${fault}: the log does not say ${line}`),
  ]
}

function lineOf({ fault, recoveryMs, verdict }: Round, number: number, of: number): string {
  const { acknowledged, missing, doubled } = verdict
  return `${`${number}/${of}`.padEnd(8)}${fault.padEnd(31)} answers after ${String(Math.round(recoveryMs)).padStart(5)} ms; ${acknowledged} acknowledged, ${missing} missing, ${doubled} doubled`
}

/** The report as people read it. */
export function linesOf(report: SoakReport): string[] {
  const { rounds, last, wrong } = report
  const lines = ['', `${'fault'.padEnd(31)} rounds   recovery median    max (ms)`]
  for (const name of new Set(rounds.map(({ fault }) => fault))) {
    const times = rounds.filter(({ fault }) => fault === name).map(({ recoveryMs }) => recoveryMs)
    lines.push(
      `${name.padEnd(31)} ${String(times.length).padStart(6)} ${median(times).toFixed(0).padStart(17)} ${Math.max(
        ...times,
      )
        .toFixed(0)
        .padStart(6)}`,
    )
  }
  const refusals = Object.entries(report.refusals)
    .sort(([, a], [, b]) => b - a)
    .map(([answer, times]) => `${answer} ${times}`)
  lines.push(
    '',
    `seed ${report.seed}; the disk: ${report.disk}`,
    `acknowledged ${last.acknowledged}, missing ${last.missing}, doubled ${last.doubled}; stored without a receipt that arrived ${last.unacknowledged}`,
    `sent again though acknowledged ${report.repeated}; connections cut ${report.cuts}; not acknowledged: ${refusals.join(', ') || 'none'}`,
    `the server was started ${report.serverStarts} times, PostgreSQL ${report.databaseStarts} times`,
    ...wrong.map((one) => `WRONG: ${one}`),
  )
  return lines
}
