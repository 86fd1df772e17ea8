import { HOUR, type Instant, MINUTE, SECOND } from '../../server/time/instant.ts'
import { between, whole } from './random.ts'

export interface Driving {
  drive: number
  /** The whole time: neither a town nor the end of the run cuts it short. */
  exact?: true
}

/** What a driver does next: drives for so long, or holds a status for so long. */
export type Step = Driving | { status: 'ON' | 'OFF' | 'SB'; ms: number; note?: string }

/** A day's work in order, without the rest after it. Durations in milliseconds. */
export type Shift = readonly Step[]

/** The first fix above 8 km/h comes so long after the wheels begin to turn. */
export const MOTION_AFTER_MS = 12 * SECOND
/** After an exact drive the driver sets the next status so long after the stop. */
export const EXACT_DELAY_MS = 30 * SECOND

const drive = (hours: number, exact?: true): Step => ({
  drive: Math.round(hours * HOUR),
  ...(exact && { exact }),
})
const on = (minutes: number, note?: string): Step => ({
  status: 'ON',
  ms: Math.round(minutes * MINUTE),
  note,
})
const off = (minutes: number, note?: string): Step => ({
  status: 'OFF',
  ms: Math.round(minutes * MINUTE),
  note,
})

const INSPECTION = 'Pre-trip inspection'
const CLOSING = 'Post-trip inspection'

/** What goes wrong on a day: nothing is lawful about these three. */
export type Mishap = 'late-break' | 'over-driving' | 'over-window'

/** A lawful working day of 8 to 10 hours at the wheel within 13, different every day; or one with a mishap. */
export function ordinaryShift(random: () => number, mishap?: Mishap): Shift {
  if (mishap === 'late-break') {
    return [
      on(18, INSPECTION),
      drive(4.6, true),
      on(14, 'Fuel'),
      drive(3.9, true),
      off(34, 'Break'),
      drive(1.4),
      on(15, CLOSING),
    ]
  }
  if (mishap === 'over-driving') {
    return [
      on(17, INSPECTION),
      drive(4.5, true),
      off(33, 'Break'),
      drive(4.2, true),
      on(16, 'Fuel'),
      drive(2.7, true),
      on(12, CLOSING),
    ]
  }
  if (mishap === 'over-window') {
    return [
      on(25, INSPECTION),
      drive(4.2, true),
      on(225, 'Waiting at the dock'),
      drive(3.6, true),
      on(35, 'Unloading'),
      drive(1.7, true),
      on(10, CLOSING),
    ]
  }
  const hours = between(random, 7.9, 9.9)
  const first = hours * between(random, 0.4, 0.46)
  const second = hours * between(random, 0.28, 0.34)
  const work = ['Loading', 'Unloading', 'Drop and hook', 'Unloading']
  return [
    on(whole(random, 15, 24), INSPECTION),
    drive(first),
    off(whole(random, 32, 48), 'Break'),
    drive(second),
    on(whole(random, 20, 50), work[whole(random, 0, 3)]),
    drive(hours - first - second),
    on(whole(random, 10, 18), CLOSING),
  ]
}

/** Days that are under way when the demonstration starts, each with the driving (or time) that must be behind it then. */
export const STAGED = {
  /** Passes 11 hours of driving and goes on for 20 minutes. */
  'passes-11-hours': [
    on(20, INSPECTION),
    drive(4.5, true),
    off(35, 'Break'),
    drive(4, true),
    on(15, 'Fuel'),
    drive(2.84, true),
    on(10, CLOSING),
  ],
  /** Stops ten minutes before 11 hours. */
  'near-11-hours': [
    on(18, INSPECTION),
    drive(4.6, true),
    off(38, 'Break'),
    drive(4.1, true),
    on(12, 'Fuel'),
    drive(2.13, true),
    on(12, CLOSING),
  ],
  /** Drives eight hours with no more than a fuel stop, then takes the break in time. */
  'near-break': [
    on(20, INSPECTION),
    drive(4.2, true),
    on(12, 'Fuel'),
    drive(3.65, true),
    off(36, 'Break'),
    drive(1.8),
    on(12, CLOSING),
  ],
  /** A long wait at a dock has eaten the 14 hours. */
  'near-14-hours': [
    on(30, INSPECTION),
    drive(3.6, true),
    on(190, 'Waiting at the dock'),
    drive(3.9, true),
    on(42, 'Unloading'),
    drive(1.7, true),
    on(12, CLOSING),
  ],
  /** Seven hours in the berth and three off, with driving between them and after them. */
  'split-sleeper': [
    on(20, INSPECTION),
    drive(4.5, true),
    { status: 'SB', ms: 7.1 * HOUR },
    drive(4, true),
    off(185),
    drive(2.5, true),
    on(12, CLOSING),
  ],
  /** In the middle of a long run. */
  'mid-run': [on(20, INSPECTION), drive(4.2, true), off(35, 'Break'), drive(4.4, true), on(15, CLOSING)],
} as const satisfies Record<string, Shift>
export type Staged = keyof typeof STAGED

/** When in a shift a driver has driven so much, by the record: driving counts from the first moving fix to the next set status. */
export function offsetOfDriving(shift: Shift, drivenMs: number): number {
  let offset = 0
  let driven = 0
  for (const step of shift) {
    if (!('drive' in step)) {
      offset += step.ms
      continue
    }
    const counted = step.drive - MOTION_AFTER_MS + EXACT_DELAY_MS
    if (driven + counted >= drivenMs) return offset + MOTION_AFTER_MS + drivenMs - driven
    driven += counted
    offset += step.drive
  }
  throw new RangeError(`the shift drives ${driven} ms, not ${drivenMs}`)
}

/** So that at `at` the driver of this staged day has driven for `drivenMs`. */
export const shiftStart = (staged: Staged, drivenMs: number, at: Instant): Instant =>
  Math.round(at - offsetOfDriving(STAGED[staged], drivenMs))
