import { median } from '../ingest/bench/median.ts'
import { DAY, type Instant, MINUTE } from '../time/instant.ts'
import { evaluate } from './evaluate.ts'
import { LogState } from './incremental.ts'
import { type DutyEvent, type HosOptions, isEuropean, type RulesetId } from './types.ts'
import { minuteByMinute } from './us/minute-by-minute.testing.ts'

const ROUNDS = 5
const ROUND_MS = 1_000
const LOOK_EVERY = 4
const YEARS = 20
const DRIVERS = 2_000
const OPTIONS: HosOptions = { timeZone: 'America/Chicago', dayStartMinutes: 0 }
const RULESET = 'us-property-70-8'
/** One or two of each jurisdiction, for what a heartbeat and what eight-day clocks cost. */
const FAMILIES: readonly RulesetId[] = [
  'us-property-70-8',
  'us-passenger-70-8',
  'ca-south-70-7',
  'ca-south-120-14',
  'ca-north-80-7',
  'eu-561',
  'gb-domestic',
  'eu-wtd',
]
const STEP_DRIVERS = 200
const STEP_ROUNDS = 3
const START = Date.UTC(2025, 0, 6, 12)

/** The same numbers in each run; a generator of its own so that no library's version changes the logs. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 4_294_967_296
  }
}

/** A log of so many days, each as `putDay` puts it: a status and its hours. */
function logBy(
  seed: number,
  days: number,
  putDay: (
    day: number,
    put: (status: DutyEvent['status'], hours: number) => void,
    draw: () => number,
  ) => void,
): Sample {
  const draw = random(seed)
  const log: DutyEvent[] = []
  let at = START + Math.floor(draw() * 6 * 60) * MINUTE
  const put = (status: DutyEvent['status'], hours: number) => {
    log.push({ at, status })
    at += Math.round(hours * 60) * MINUTE
  }
  for (let day = 0; day < days; day++) putDay(day, put, draw)
  return { log, until: at }
}

/** Days as drivers have them: inspection, legs with stops between, now and then a split or a long weekend. */
function logOf(seed: number, days: number): Sample {
  return logBy(seed, days, (day, put, draw) => {
    put('ON', 0.25 + draw() / 2)
    for (let leg = 0; leg < 3; leg++) {
      put('D', 1 + draw() * 2)
      put(draw() < 0.5 ? 'ON' : 'OFF', 0.5 + draw() / 2)
    }
    if (draw() < 0.2) {
      put('SB', 7 + draw())
      put('D', 2 + draw())
      put('OFF', 2.5 + draw())
      put('D', 1 + draw())
    }
    put('D', draw())
    put(day % 6 === 5 ? 'OFF' : 'SB', day % 6 === 5 ? 34 + draw() * 10 : 10 + draw())
  })
}

/** The same in Europe: breaks of 45 minutes, eleven hours of rest, 45 at the end of a week. */
function europeanLogOf(seed: number, days: number): Sample {
  return logBy(seed, days, (day, put, draw) => {
    put('WORK', 0.25 + draw() / 2)
    for (let leg = 0; leg < 3; leg++) {
      put('DRIVE', 1 + draw() * 1.8)
      put(draw() < 0.3 ? 'POA' : 'REST', 0.75 + draw() / 4)
    }
    put('WORK', draw())
    put('REST', day % 5 === 4 ? 45 + draw() * 10 : 11 + draw())
  })
}

/** Events/s over driver-years, and drivers/s for eight-day clocks, each against the law read minute by minute. */
export async function benchHos(print: (line: object) => void): Promise<void> {
  const years = Array.from({ length: YEARS }, (_, i) => logOf(i + 1, 365))
  const weeks = Array.from({ length: DRIVERS }, (_, i) => logOf(1_000 + i, 8))
  // A whole year a minute at a time takes minutes; it is read a fortnight at a time, which flatters it.
  const fortnight = logOf(1, 14)
  const engine = (one: Sample) => evaluate(one.log, RULESET, OPTIONS, one.until)
  const plain = (one: Sample) => minuteByMinute(one.log, RULESET, OPTIONS, one.until)

  const events: number[] = []
  const plainEvents: number[] = []
  const drivers: number[] = []
  const plainDrivers: number[] = []
  for (let round = 1; round <= ROUNDS; round++) {
    events.push(rate((i) => count(engine, years[i % YEARS]!)))
    plainEvents.push(rate(() => count(plain, fortnight)))
    drivers.push(rate((i) => once(engine, weeks[i % DRIVERS]!)))
    plainDrivers.push(rate((i) => once(plain, weeks[i % DRIVERS]!)))
    console.error(
      `hos ${round}/${ROUNDS}: ${events.at(-1)!.toFixed(0)} events/s, ${drivers.at(-1)!.toFixed(0)} drivers/s`,
    )
  }
  print(line('hos', events, 'events/s', plainEvents))
  print(line('hos-clocks', drivers, 'drivers/s', plainDrivers))
  benchFamilies(print)
  benchSteps(print)
}

/** Eight-day clocks of each family, one after the other and round after round: a worker judges mixed fleets. */
function benchFamilies(print: (line: object) => void): void {
  const american = Array.from({ length: DRIVERS }, (_, i) => logOf(1_000 + i, 8))
  const european = Array.from({ length: DRIVERS }, (_, i) => europeanLogOf(1_000 + i, 8))
  const drivers = new Map<RulesetId, number[]>(FAMILIES.map((ruleset) => [ruleset, []]))
  for (let round = 1; round <= STEP_ROUNDS; round++) {
    for (const [ruleset, rates] of drivers) {
      const weeks = isEuropean(ruleset) ? european : american
      const options = optionsOf(ruleset)
      const clocks = (one: Sample) => evaluate(one.log, ruleset, options, one.until)
      rates.push(rate((i) => once(clocks, weeks[i % DRIVERS]!)))
    }
  }
  const first = drivers.get(RULESET)!
  for (const [ruleset, rates] of drivers)
    print(line(`hos-clocks ${ruleset}`, rates, 'drivers/s', first, RULESET))
}

/** What a heartbeat costs, ruleset by ruleset, and the dearest of them last. */
function benchSteps(print: (line: object) => void): void {
  const against = 'the whole log at each heartbeat'
  let worst: { steps: number[]; whole: number[]; ruleset: RulesetId } | null = null
  for (const ruleset of FAMILIES) {
    const make = isEuropean(ruleset) ? europeanLogOf : logOf
    const weeks = Array.from({ length: STEP_DRIVERS }, (_, i) => make(1_000 + i, 8))
    const steps: number[] = []
    const whole: number[] = []
    for (let round = 1; round <= STEP_ROUNDS; round++) {
      steps.push(1e6 / rate((i) => heartbeats(weeks[i % STEP_DRIVERS]!, byState(ruleset))))
      whole.push(1e6 / rate((i) => heartbeats(weeks[i % STEP_DRIVERS]!, byWhole(ruleset))))
    }
    print(line(`hos-step ${ruleset}`, steps, 'µs', whole, against))
    if (worst === null || median(steps) > median(worst.steps)) worst = { steps, whole, ruleset }
  }
  print(line('hos-step', worst!.steps, 'µs', worst!.whole, `${against}; the dearest: ${worst!.ruleset}`))
}

interface Sample {
  log: DutyEvent[]
  until: Instant
}

function count(work: (one: Sample) => unknown, one: Sample): number {
  work(one)
  return one.log.length
}

/** A day of a driver who is a week on: a heartbeat each half minute, each with a whole answer. */
function heartbeats({ log, until }: Sample, answers: (log: readonly DutyEvent[]) => Answers): number {
  const from = until - DAY
  const answer = answers(log.filter(({ at }) => at < from))
  let next = log.findIndex(({ at }) => at >= from)
  let steps = 0
  for (let at = from; at < until; at += HEARTBEAT_MS) {
    const events: DutyEvent[] = []
    while (next < log.length && log[next]!.at <= at) events.push(log[next++]!)
    answer(events, at)
    steps++
  }
  return steps
}

type Answers = (events: readonly DutyEvent[], asOf: Instant) => void
const HEARTBEAT_MS = MINUTE / 2

const EUROPEAN_OPTIONS: HosOptions = { timeZone: 'Europe/Berlin', dayStartMinutes: 0 }
const optionsOf = (ruleset: RulesetId) => (isEuropean(ruleset) ? EUROPEAN_OPTIONS : OPTIONS)

const byState =
  (ruleset: RulesetId) =>
  (past: readonly DutyEvent[]): Answers => {
    const state = new LogState(ruleset, optionsOf(ruleset))
    for (const event of past) state.advance(event)
    return (events, asOf) => {
      for (const event of events) state.advance(event)
      state.answer(asOf)
    }
  }

const byWhole =
  (ruleset: RulesetId) =>
  (past: readonly DutyEvent[]): Answers => {
    const log = [...past]
    return (events, asOf) => {
      log.push(...events)
      evaluate(log, ruleset, optionsOf(ruleset), asOf)
    }
  }

function once(work: (one: Sample) => unknown, one: Sample): number {
  work(one)
  return 1
}

/** How many a second of the core's own time: what else the machine does is not counted. */
function rate(work: (i: number) => number): number {
  const startedAt = process.cpuUsage()
  let done = 0
  let usedMs = 0
  for (let i = 0; usedMs < ROUND_MS; ) {
    for (let n = 0; n < LOOK_EVERY; n++) done += work(i++)
    const { user, system } = process.cpuUsage(startedAt)
    usedMs = (user + system) / 1_000
  }
  return (done / usedMs) * 1_000
}

function line(
  name: string,
  values: readonly number[],
  unit: string,
  baseline: readonly number[],
  against = 'minute by minute',
) {
  const [value, plain] = [median(values), median(baseline)]
  return {
    name,
    value: value < 100 ? Number(value.toFixed(3)) : Math.round(value),
    unit,
    baseline: { name: against, value: Number(plain.toFixed(2)), unit },
    ratio: Number((value / plain).toPrecision(3)),
  }
}
