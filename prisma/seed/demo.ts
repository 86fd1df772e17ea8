import { HOUR, type Instant, MINUTE } from '../../server/time/instant.ts'
import { TERMINALS } from './carrier.ts'
import type { TruckPlan } from './plan.ts'
import { between, randomOf, whole } from './random.ts'
import { type Mishap, shiftStart } from './shifts.ts'

export const DEMO_SEED = 20_260
export const DEMO_TRUCKS = 60
/** The cycle of 70 hours in 8 days, and a little before it. */
export const HISTORY_MS = 8 * 24 * HOUR

/** What a visitor sees happen, by number of the truck. */
const STAGE: readonly ((epoch: Instant) => Pick<TruckPlan, 'staged' | 'shift0At'> & Partial<TruckPlan>)[] = [
  (epoch) => ({
    staged: 'passes-11-hours',
    shift0At: shiftStart('passes-11-hours', 11 * HOUR, epoch + 3 * MINUTE),
  }),
  (epoch) => ({
    staged: 'mid-run',
    shift0At: shiftStart('mid-run', 5.5 * HOUR, epoch),
    silence: { from: epoch - 12 * MINUTE, until: epoch + 38 * MINUTE },
  }),
  (epoch) => ({ staged: 'mid-run', shift0At: epoch - 13 * HOUR }),
  (epoch) => ({ staged: 'near-11-hours', shift0At: shiftStart('near-11-hours', 10.6 * HOUR, epoch) }),
  (epoch) => ({ staged: 'near-11-hours', shift0At: shiftStart('near-11-hours', 10.2 * HOUR, epoch) }),
  (epoch) => ({ staged: 'near-break', shift0At: shiftStart('near-break', 7.35 * HOUR, epoch) }),
  (epoch) => ({ staged: 'near-14-hours', shift0At: epoch - 13.2 * HOUR }),
  (epoch) => ({ staged: 'mid-run', shift0At: shiftStart('mid-run', 2 * HOUR, epoch) }),
]

/** The week was not without faults. */
const MISHAPS: Readonly<Record<number, TruckPlan['mishap']>> = {
  11: { shift: -2, kind: 'over-driving' satisfies Mishap },
  19: { shift: -3, kind: 'late-break' satisfies Mishap },
  27: { shift: -4, kind: 'over-window' satisfies Mishap },
  38: { shift: -2, kind: 'late-break' satisfies Mishap },
  46: { shift: -5, kind: 'over-driving' satisfies Mishap },
}

const fraction = (value: number) => value - Math.floor(value)

/** Truck `index` of a carrier with these terminals: its yard and its run. */
export function yardOf(index: number): { terminal: number; route: TruckPlan['route'] } {
  const terminal = index % TERMINALS.length
  const { routes } = TERMINALS[terminal]!
  return { terminal, route: routes[Math.floor(index / TERMINALS.length) % routes.length]! }
}

/**
 * The plan of truck `index` when nothing is staged: three of four drivers are in their working hours at `epoch`, the
 * others at rest, every seventh on a day off.
 */
export function plainPlan(seed: number, index: number, epoch: Instant, historyMs: number): TruckPlan {
  const random = randomOf(seed, 'plan', index)
  const spread = fraction((index + 1) * 0.618_034)
  const working = fraction((index + 1) * 0.754_878) < 0.75
  return {
    seed,
    index,
    route: yardOf(index).route,
    beginsAt: epoch - historyMs,
    shift0At: Math.round(epoch - (working ? spread * 12 : 12.3 + spread * 11.5) * HOUR),
    // Evenly spread: as many work on any day.
    dayOff: (index * 3 + 2) % 7,
    cruiseKph: Math.round(between(random, 94, 104) * 10) / 10,
    odometerMeters: whole(random, 120_000, 780_000) * 1_000,
  }
}

/** The plans of the demonstration that starts at `epoch`: the same ones whenever it is asked. */
export function demoPlans(epoch: Instant): TruckPlan[] {
  return Array.from({ length: DEMO_TRUCKS }, (_, index) => {
    const plan = plainPlan(DEMO_SEED, index, epoch, HISTORY_MS)
    const stage = STAGE[index]
    // Those on stage had their days off three shifts ago: no other limit comes first.
    if (stage) return { ...plan, dayOff: 4, ...stage(epoch) }
    const mishap = MISHAPS[index]
    if (!mishap) return plan
    const dayOff = (mishap.shift + 7 - plan.dayOff) % 7 === 0 ? (plan.dayOff + 1) % 7 : plan.dayOff
    return { ...plan, mishap, dayOff }
  })
}
