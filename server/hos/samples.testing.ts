import assert from 'node:assert/strict'
import fc from '../property.testing.ts'
import { DAY, type Instant, MINUTE } from '../time/instant.ts'
import { addDays } from '../time/zone.ts'
import type { DutyEvent, DutyStatus, HosOptions, RulesetId } from './types.ts'

export interface Sample {
  log: DutyEvent[]
  ruleset: RulesetId
  options: HosOptions
  /** Past the last event. */
  asOf: Instant
}

export interface Jurisdiction {
  rulesets: readonly RulesetId[]
  statuses: readonly DutyStatus[]
  /** The first has summer time; the second has the same time without it. */
  zones: readonly [string, string]
  /** A few days before people change their clocks, in spring and in autumn. */
  starts: readonly Instant[]
  /** Lengths in minutes where its rules look. */
  minutes: readonly number[]
}

const NORTH_AMERICAN: readonly DutyStatus[] = ['OFF', 'OFF', 'SB', 'SB', 'D', 'D', 'D', 'ON', 'PC', 'YM']
const EUROPEAN: readonly DutyStatus[] = ['REST', 'REST', 'REST', 'DRIVE', 'DRIVE', 'WORK', 'POA', 'FERRY']
const IN_AMERICA = [Date.UTC(2026, 2, 5, 11), Date.UTC(2026, 9, 29, 11)]
const IN_EUROPE = [Date.UTC(2026, 2, 27, 5), Date.UTC(2026, 9, 23, 5)]
const RESTS_IN_AMERICA = [30, 120, 180, 240, 420, 479, 480, 600, 601, 660, 840, 1_440, 2_040, 2_160, 4_320]
const LENGTHS_IN_EUROPE = [15, 30, 44, 45, 180, 270, 271, 360, 510, 540, 600, 660, 1_440, 2_700, 2_880]

/** The families of rules, each with all its rulesets. */
export const JURISDICTIONS: Record<string, Jurisdiction> = {
  'United States': {
    rulesets: [
      'us-property-60-7',
      'us-property-70-8',
      'us-passenger-60-7',
      'us-passenger-70-8',
      'us-short-haul',
      'us-short-haul-non-cdl',
      'us-alaska-property',
      'us-alaska-property-70-7',
      'us-alaska-passenger',
      'us-alaska-passenger-70-7',
      'us-texas-intrastate',
      'us-california-intrastate',
      'us-florida-intrastate-70-7',
      'us-florida-intrastate-80-8',
    ],
    statuses: NORTH_AMERICAN,
    zones: ['America/Denver', 'America/Phoenix'],
    starts: IN_AMERICA,
    minutes: RESTS_IN_AMERICA,
  },
  Canada: {
    rulesets: ['ca-south-70-7', 'ca-south-120-14', 'ca-north-80-7', 'ca-north-120-14'],
    statuses: NORTH_AMERICAN,
    zones: ['America/Winnipeg', 'America/Regina'],
    starts: IN_AMERICA,
    minutes: RESTS_IN_AMERICA,
  },
  'European Union': {
    rulesets: ['eu-561'],
    statuses: EUROPEAN,
    zones: ['Europe/Berlin', 'Africa/Lagos'],
    starts: IN_EUROPE,
    minutes: LENGTHS_IN_EUROPE,
  },
  'Great Britain': {
    rulesets: ['gb-domestic', 'gb-domestic-passenger'],
    statuses: EUROPEAN,
    zones: ['Europe/London', 'UTC'],
    starts: IN_EUROPE,
    minutes: LENGTHS_IN_EUROPE,
  },
  'working time': {
    rulesets: ['eu-wtd'],
    statuses: EUROPEAN,
    zones: ['Europe/Berlin', 'Africa/Lagos'],
    starts: IN_EUROPE,
    minutes: LENGTHS_IN_EUROPE,
  },
}

/**
 * Random logs of at most so many events, by any of the rulesets and with any of the options. One number draws a whole log: built
 * of fast-check's parts it would cost many times what it is to test.
 */
export const samplesOf = (jurisdiction: Jurisdiction, most: number): fc.Arbitrary<Sample> =>
  fc.nat().map((seed) => sampleOf(jurisdiction, most, seed))

function sampleOf(from: Jurisdiction, most: number, seed: number): Sample {
  const draw = drawing(seed)
  const below = (count: number) => Math.floor(draw() * count)
  const oneOf = <T>(values: readonly T[]): T => values[below(values.length)]!
  const maybe = <T>(value: () => T): T | undefined => (draw() < ONE_IN_FOUR ? value() : undefined)
  const some = <T>(upTo: number, value: () => T): T[] => Array.from({ length: below(upTo + 1) }, value)

  const start = oneOf(from.starts) + below(DAY / MINUTE) * MINUTE
  let at = start
  const log = Array.from({ length: 1 + below(most) }, (): DutyEvent => {
    const event = { at, status: oneOf(from.statuses) }
    at += (draw() < ONE_IN_FOUR * 2 ? oneOf(from.minutes) : 1 + below(400)) * MINUTE
    return event
  })
  const first = new Date(start).toISOString().slice(0, 10)
  const circumstance = () => start + below(6_000) * MINUTE
  const options: HosOptions = {
    timeZone: oneOf(from.zones),
    dayStartMinutes: oneOf([0, 0, 150, 720]),
    carriedMinutes: maybe(() => some(14, () => below(840))),
    adverseConditions: maybe(() => some(2, circumstance)),
    shortHaul: maybe(() => true),
    shortHaul16: maybe(() => some(3, circumstance)),
    driverSalesperson: maybe(() => true),
    team: maybe(() => true),
    deferral: maybe(() => some(2, () => ({ day1: addDays(first, below(8) - 1) }))),
    multiManning: maybe(() => true),
    internationalTwoReduced: maybe(() => true),
    crewReducedRestCounts: maybe(() => draw() < ONE_IN_FOUR * 2),
    nightStartMinutes: maybe(() => below(60)),
    averageOver26Weeks: maybe(() => true),
  }
  return { log, ruleset: oneOf(from.rulesets), options, asOf: at }
}

const ONE_IN_FOUR = 1 / 4

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function drawing(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** The same values in an order that a seed draws. */
export function shuffled<T>(values: readonly T[], seed: number): T[] {
  const draw = drawing(seed)
  return values
    .map((value) => ({ value, key: draw() }))
    .sort((a, b) => a.key - b.key)
    .map(({ value }) => value)
}

/** The same to the last digit: as text, which is several times faster to compare; what differs is then shown. */
export function assertSame(found: unknown, expected: unknown): void {
  if (JSON.stringify(found) !== JSON.stringify(expected)) assert.deepEqual(found, expected)
}
