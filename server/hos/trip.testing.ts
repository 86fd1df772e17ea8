import fc from '../property.testing.ts'
import { DAY, HOUR, type Instant } from '../time/instant.ts'
import { type Course, type Step, whatIf } from './forecast.ts'
import { type DutyEvent, type DutyStatus, isEuropean, type RulesetId } from './types.ts'

/** Monday, 06:00 in Chicago. */
export const START: Instant = Date.UTC(2026, 2, 2, 12)

export function course(ruleset: RulesetId, ...stretches: readonly (readonly [DutyStatus, number])[]): Course {
  let at = START
  const log = stretches.map(([status, hours]): DutyEvent => {
    const event = { at, status }
    at += hours * HOUR
    return event
  })
  return { log, ruleset, options: { timeZone: 'America/Chicago', dayStartMinutes: 0 }, asOf: at }
}
export const step = (status: DutyStatus, hours: number): Step => ({ status, ms: hours * HOUR })

/** Where rests by hand may stand, and how long they may be. */
export interface Grid {
  slotMs: number
  lengths: readonly number[]
  kinds: readonly DutyStatus[]
  mostHours: number
}

const hours = (...list: number[]) => list.map((one) => one * HOUR)
const HOURLY: Grid = {
  slotMs: HOUR,
  lengths: hours(0.5, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12),
  kinds: ['OFF', 'SB'],
  mostHours: 6,
}
const HALVES: Grid = { slotMs: HOUR / 2, lengths: [], kinds: ['REST'], mostHours: 5 }

/** Every family of rules, and how its instances are tried by hand. */
export const GRIDS: Partial<Record<RulesetId, Grid>> = {
  'us-property-70-8': HOURLY,
  'us-passenger-70-8': HOURLY,
  'us-short-haul': HOURLY,
  'us-short-haul-non-cdl': HOURLY,
  'us-alaska-property': HOURLY,
  'us-alaska-passenger': HOURLY,
  'us-texas-intrastate': HOURLY,
  'us-california-intrastate': HOURLY,
  'us-florida-intrastate-70-7': HOURLY,
  'ca-south-70-7': HOURLY,
  'ca-south-120-14': HOURLY,
  'ca-north-80-7': HOURLY,
  'eu-561': { ...HALVES, lengths: hours(0.25, 0.5, 0.75, 1, 3, 7, 8, 8.5, 9, 10, 11) },
  'eu-wtd': { ...HALVES, lengths: hours(0.25, 0.5, 0.75, 1, 3, 8, 9, 10) },
  'gb-domestic': { ...HOURLY, lengths: hours(1, 4, 9, 10, 12, 14), kinds: ['REST'] },
  'gb-domestic-passenger': { ...HALVES, lengths: hours(0.25, 0.5, 0.75, 1, 3, 8.5, 9, 10) },
}

export interface Instance {
  driven: number
  worked: number
  legs: { status: DutyStatus; hours: number }[]
}

/** A morning that breaks nothing, and up to three legs after it. */
export function instancesOf(ruleset: RulesetId): fc.Arbitrary<Instance> {
  const european = isEuropean(ruleset)
  const [drive, work]: DutyStatus[] = european ? ['DRIVE', 'WORK'] : ['D', 'ON']
  return fc.record({
    driven: fc.integer({ min: 0, max: european ? 4 : 8 }),
    worked: fc.integer({ min: 0, max: 3 }),
    legs: fc.array(
      fc.record({
        status: fc.constantFrom(drive!, drive!, work!),
        hours: fc.integer({ min: 1, max: GRIDS[ruleset]!.mostHours }),
      }),
      { minLength: 1, maxLength: 3 },
    ),
  })
}

export function tripOf(
  ruleset: RulesetId,
  { driven, worked, legs }: Instance,
): { now: Course; steps: Step[] } {
  const [drive, work, rest]: DutyStatus[] = isEuropean(ruleset)
    ? ['DRIVE', 'WORK', 'REST']
    : ['D', 'ON', 'OFF']
  return {
    now: course(ruleset, [rest!, 1], [work!, worked], [drive!, driven]),
    steps: legs.map((leg) => step(leg.status, leg.hours)),
  }
}

/**
 * The least rest that makes the legs legal, by trying everything on a grid: up to two rests, anywhere, of the lengths and
 * kinds given. Only what is less than `than` is looked for; what can't be legal however long the second rest is, is not looked at twice.
 */
export function byHand(now: Course, legs: readonly Step[], than: number, grid: Grid): number | null {
  const { slotMs, lengths, kinds } = grid
  const slots = legs.flatMap(({ status, ms }) => Array.from({ length: ms / slotMs }, () => status))
  type Rest = { after: number; step: Step }
  const planOf = (rests: readonly Rest[], until: number): Step[] => {
    const plan: Step[] = []
    const add = (one: Step) => {
      const last = plan.at(-1)
      if (last?.status === one.status) last.ms += one.ms
      else plan.push({ ...one })
    }
    for (let i = 0; i <= until; i++) {
      for (const rest of rests) if (rest.after === i) add(rest.step)
      if (i < until) add({ status: slots[i]!, ms: slotMs })
    }
    return plan
  }
  const options = kinds.flatMap((status) => lengths.map((ms): Step => ({ status, ms })))
  let best: number | null = null
  const bound = () => Math.min(than, best ?? Number.POSITIVE_INFINITY)
  const consider = (...rests: Rest[]) => {
    const ms = rests.reduce((sum, rest) => sum + rest.step.ms, 0)
    if (ms < bound() && whatIf(now, planOf(rests, slots.length)).legal) best = ms
  }
  consider()
  const long: Step = { status: kinds.at(-1)!, ms: DAY }
  for (let first = 0; first < slots.length; first++) {
    if (first > 0 && !whatIf(now, [...planOf([], first), long]).legal) break
    for (const a of options) {
      consider({ after: first, step: a })
      for (let second = first + 1; second < slots.length; second++) {
        const before = planOf([{ after: first, step: a }], second)
        if (a.ms + lengths[0]! >= bound() || !whatIf(now, [...before, long]).legal) break
        for (const b of options) consider({ after: first, step: a }, { after: second, step: b })
      }
    }
  }
  return best
}
