import { DAY, HOUR, type Instant, MINUTE } from '../../server/time/instant.ts'
import { DEMO_SEED, demoPlans, HISTORY_MS, plainPlan } from './demo.ts'
import type { TruckPlan } from './plan.ts'
import type { NewFleet } from './write.ts'

export interface Login {
  email: string
  password: string
}

/** A carrier of a scenario and what its trucks do. */
export interface FleetScript extends NewFleet {
  person: string
  login: Login
  /** Names, trucks and licences differ from fleet to fleet. */
  seed: number
  plans(epoch: Instant): TruckPlan[]
  /** How far back positions are written; duty statuses go back as far as the plans. */
  positionsMs: number
}

const fleet = (
  slug: string,
  name: string,
  person: string,
  seed: number,
  plans: FleetScript['plans'],
  positionsMs = HISTORY_MS,
): FleetScript => ({
  slug,
  name,
  person,
  seed,
  plans,
  positionsMs,
  usdotNumber: String(2_400_000 + (seed % 90_000) * 7),
  mainOffice: '1400 Laraway Road, Joliet, IL 60433',
  timeZone: 'America/Chicago',
  login: { email: `dispatcher@${slug}.restline.example`, password: 'restline-demo' },
})

const handful = (seed: number, count: number) => (epoch: Instant) =>
  Array.from({ length: count }, (_, index) => plainPlan(seed, index, epoch, 3 * DAY))

const one = (seed: number, changes: (epoch: Instant) => Partial<TruckPlan>) => (epoch: Instant) => [
  { ...plainPlan(seed, 0, epoch, HISTORY_MS), dayOff: 4, ...changes(epoch) },
]

/** The scenarios that `npm run seed` knows. */
export const SCENARIOS: Readonly<Record<string, { about: string; fleets: readonly FleetScript[] }>> = {
  demo: {
    about:
      '60 trucks and drivers with eight days behind them; one passes 11 hours of driving three minutes later',
    fleets: [fleet('demo', 'Prairie & Lakes Freight', 'Dana Kowalczyk', DEMO_SEED, demoPlans)],
  },
  empty: {
    about: 'a fleet without trucks',
    fleets: [fleet('empty', 'Open Road Start-up', 'Robin Albrecht', 31, () => [])],
  },
  'two-fleets': {
    about: 'two fleets that must not see each other',
    fleets: [
      fleet('north-star', 'North Star Haulage', 'Nora Lindgren', 41, handful(41, 5)),
      fleet('cedar-valley', 'Cedar Valley Lines', 'Cedric Vaughn', 42, handful(42, 4)),
    ],
  },
  neighbour: {
    about: 'one truck of another carrier, as it stands in the database of every test',
    fleets: [
      fleet('neighbour', 'Next Door Carriers', 'Nadia Brandt', 81, (epoch) => [
        plainPlan(81, 0, epoch, 2 * DAY),
      ]),
    ],
  },
  'split-sleeper': {
    about: 'one driver who has completed a 7/3 split of the sleeper berth',
    fleets: [
      fleet(
        'split-sleeper',
        'Two Rivers Transport',
        'Sol Berthold',
        51,
        one(51, (epoch) => ({ staged: 'split-sleeper', shift0At: epoch - 20 * HOUR })),
      ),
    ],
  },
  'one-driver': {
    about: 'one driver in the middle of a run',
    fleets: [
      fleet(
        'one-driver',
        'Owner Operator Hollis',
        'Olive Hollis',
        61,
        one(61, (epoch) => ({ staged: 'mid-run', shift0At: epoch - 7 * HOUR })),
      ),
    ],
  },
  large: {
    about: '10,000 trucks, their latest positions and the last half hour',
    fleets: [
      fleet(
        'large',
        'Continental Consolidated',
        'Lara Gerhardt',
        71,
        (epoch) => Array.from({ length: 10_000 }, (_, index) => plainPlan(71, index, epoch, 2 * DAY)),
        30 * MINUTE,
      ),
    ],
  },
}
