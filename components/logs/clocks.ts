import type { ClockName, DutyStatus } from '../../server/hos/types.ts'
import type { DriverRow } from '../../server/logs/schema.ts'
import { hoursMinutes } from '../../server/time/duration.ts'
import { type Instant, MINUTE } from '../../server/time/instant.ts'

/** How near a limit is: passed and still going on, within 30 minutes, within 60, further away; or not running down. */
export type Level = 'passed' | 'close' | 'soon' | 'fine' | 'still'

/** The four clocks of the board, in the order of the columns. */
export const BOARD_CLOCKS = ['drive', 'window', 'break', 'cycle'] as const satisfies ClockName[]

export const CLOCK_TITLE: Record<ClockName, string> = {
  drive: 'Drive',
  window: 'Window',
  duty: 'Duty',
  break: 'Break',
  cycle: 'Cycle',
  driveDaily: 'Daily drive',
  driveWeekly: 'Weekly drive',
  driveFortnight: 'Two weeks',
  dutyDaily: 'Daily duty',
  restFortnight: '24 h rest',
  breakDaily: 'Breaks of day',
  workNight: 'Night work',
  workWeekly: 'Weekly work',
  workAverage: 'Average work',
}

/** What stands in each column of the board: the clock of that name, or what other countries have in its place. */
const ALSO: Record<(typeof BOARD_CLOCKS)[number], readonly ClockName[]> = {
  drive: ['driveDaily'],
  window: ['duty', 'dutyDaily', 'workNight'],
  break: ['breakDaily'],
  cycle: ['driveWeekly', 'driveFortnight', 'workWeekly', 'workAverage', 'restFortnight'],
}

/** The clock of a column of the board: of several the tightest. */
export function boardClock(
  readings: readonly ClockReading[],
  column: (typeof BOARD_CLOCKS)[number],
): ClockReading | null {
  const own = readings.find(({ name }) => name === column)
  const others = readings.filter(({ name }) => ALSO[column].includes(name))
  // A duty limit beside a window is told on the driver's page; breaks of a day count beside the one that is due.
  return column === 'break' ? tightestOf(own ? [own, ...others] : others) : (own ?? tightestOf(others))
}

export interface ClockReading {
  name: ClockName
  title: string
  limitMs: number
  remainingMs: number
  running: boolean
  /** When it runs out if the present status goes on; null if it does not, or has. */
  runsOutAt: Instant | null
  /** How long ago the limit was passed by what still goes on; null if it was not. */
  passedMs: number | null
  level: Level
}

const CLOSE_MS = 30 * MINUTE
const SOON_MS = 60 * MINUTE
/** A violation that lasted until the evaluation goes on; a moment of slack for clocks that differ. */
const SLACK_MS = 2_000

type Judged = Pick<DriverRow, 'clocks' | 'violations' | 'evaluatedAt'>

/** A driver's clocks at `now`: they go on by themselves since the evaluation, so no connection is needed for them to tick. */
export function readClocks(row: Judged, now: Instant): ClockReading[] {
  return row.clocks.map((clock) => {
    const { name, rule, limitMs, running, runsOutAt } = clock
    const elapsed = Math.max(0, now - row.evaluatedAt)
    const remainingMs = !running
      ? clock.remainingMs
      : Math.max(0, runsOutAt === null ? clock.remainingMs - elapsed : runsOutAt - now)
    const broken = row.violations.find(
      (violation) => violation.rule === rule && violation.until >= row.evaluatedAt - SLACK_MS,
    )
    const passedMs =
      remainingMs > 0
        ? null
        : broken
          ? now - broken.from
          : running && runsOutAt !== null
            ? now - runsOutAt
            : null
    return {
      name,
      title: CLOCK_TITLE[name],
      limitMs,
      remainingMs,
      running,
      runsOutAt: runsOutAt !== null && runsOutAt > now ? runsOutAt : null,
      passedMs,
      level: levelOf(remainingMs, running, passedMs),
    }
  })
}

function levelOf(remainingMs: number, running: boolean, passedMs: number | null): Level {
  if (passedMs !== null) return 'passed'
  if (!running) return 'still'
  if (remainingMs <= CLOSE_MS) return 'close'
  return remainingMs <= SOON_MS ? 'soon' : 'fine'
}

/** What a clock says: "0:24 left", "passed 0:12 ago". */
export function clockWords(reading: Pick<ClockReading, 'remainingMs' | 'passedMs'>): string {
  return reading.passedMs === null
    ? `${hoursMinutes(reading.remainingMs)} left`
    : reading.passedMs < MINUTE
      ? 'passed just now'
      : `passed ${hoursMinutes(reading.passedMs)} ago`
}

const URGENCY: Record<Level, number> = { passed: 0, close: 1, soon: 2, fine: 3, still: 4 }

/** The clock that stops the driver first: what has passed, then what runs, then the rest, each by what is left. */
export function tightestOf(readings: readonly ClockReading[]): ClockReading | null {
  return readings.reduce<ClockReading | null>(
    (best, reading) => (best === null || compareReadings(reading, best) < 0 ? reading : best),
    null,
  )
}

/** The tighter one first. */
export function compareReadings(a: ClockReading, b: ClockReading): number {
  const rank = (reading: ClockReading) => (reading.level === 'passed' ? 0 : reading.running ? 1 : 2)
  return rank(a) - rank(b) || a.remainingMs - b.remainingMs || (b.passedMs ?? 0) - (a.passedMs ?? 0) || 0
}

/** The most urgent level among a driver's clocks. */
export function driverLevel(row: Judged, now: Instant): Level {
  return readClocks(row, now).reduce<Level>(
    (worst, { level }) => (URGENCY[level] < URGENCY[worst] ? level : worst),
    'still',
  )
}

/** Statuses in words. */
export const STATUS_WORDS: Record<DutyStatus, string> = {
  OFF: 'Off duty',
  SB: 'Sleeper berth',
  D: 'Driving',
  ON: 'On duty',
  PC: 'Personal use',
  YM: 'Yard move',
  REST: 'Rest',
  DRIVE: 'Driving',
  WORK: 'Other work',
  POA: 'Available',
  FERRY: 'Ferry',
}
