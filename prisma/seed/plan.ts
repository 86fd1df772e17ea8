import { type Route, routeBetween } from '../../server/geo/route.ts'
import { DAY, HOUR, type Instant, MINUTE, SECOND } from '../../server/time/instant.ts'
import { type Drive, makeDrive, speedKph, travelledMeters } from './drive.ts'
import { between, randomOf, whole } from './random.ts'
import {
  type Driving,
  EXACT_DELAY_MS,
  type Mishap,
  MOTION_AFTER_MS,
  ordinaryShift,
  type Shift,
  STAGED,
  type Staged,
  type Step,
} from './shifts.ts'

/**
 * Everything that decides what a truck and its driver do, for ever: plain JSON, so that the seed and the simulator work from
 * the same plan. Shift 0 is the one around the start of the demonstration; the ones before it are its history.
 */
export interface TruckPlan {
  seed: number
  index: number
  /** Towns of the road net, at least 1,000 km apart: the truck runs between them. */
  route: readonly [from: string, to: string]
  /** Nothing is known of it before. */
  beginsAt: Instant
  shift0At: Instant
  staged?: Staged
  /** Every seventh shift from this one on is a day off: 34 hours and more, so that the week's hours begin again. */
  dayOff: number
  mishap?: { shift: number; kind: Mishap }
  cruiseKph: number
  odometerMeters: number
  /** Nothing is sent from `from` on; at `until` the device delivers what it kept. */
  silence?: { from: Instant; until: Instant }
}

/** What a truck is doing at an instant. */
export interface TruckState {
  latitude: number
  longitude: number
  speedKph: number
  headingDegrees: number
  odometerMeters: number
  ignition: boolean
  status: 'D' | 'ON' | 'OFF' | 'SB'
}

/** A status that the driver sets. */
export interface SetStatus {
  at: Instant
  status: 'ON' | 'OFF' | 'SB'
  note: string
}

/** A stretch of one thing: at the wheel, or standing in a status. */
export interface Stretch {
  from: Instant
  until: Instant
  status: 'D' | 'ON' | 'OFF' | 'SB'
  note: string
  /** When the driver says so; later than `from` after a drive. */
  setAt: Instant
  /** Where on the route it begins, and which way it goes. */
  meters: number
  direction: 1 | -1
  odometerMeters: number
  drive?: Drive
}

const LEAST_REST_MS = 10 * HOUR + 5 * MINUTE
/** A driver stops a little early if there is a town. */
const SNAP_METERS = 35_000

const routes = new Map<string, Route>()
function routeOf([from, to]: TruckPlan['route']): Route {
  const key = `${from}|${to}`
  const known = routes.get(key)
  if (known) return known
  const route = routeBetween(from, to)
  if (!route) throw new RangeError(`no road from ${from} to ${to}`)
  routes.set(key, route)
  return route
}

/** A plan, unrolled as far as it was asked about. */
export class Itinerary {
  readonly plan: TruckPlan
  readonly #route: Route
  readonly #stretches: Stretch[] = []
  #shift: number
  #meters: number
  #direction: 1 | -1
  #odometer: number

  constructor(plan: TruckPlan) {
    this.plan = plan
    this.#route = routeOf(plan.route)
    const random = randomOf(plan.seed, plan.index, 'begin')
    this.#meters = between(random, 0.1, 0.9) * this.#route.line.lengthMeters
    this.#direction = random() < 0.5 ? 1 : -1
    this.#odometer = plan.odometerMeters
    this.#shift = Math.ceil((plan.beginsAt - plan.shift0At) / DAY)
    this.#stand(plan.beginsAt, Math.max(plan.beginsAt + MINUTE, this.#startOf(this.#shift)), 'OFF', '')
  }

  /** The stretches that touch [from, until), in order. */
  stretches(from: Instant, until: Instant): Stretch[] {
    while (this.#stretches.at(-1)!.until < until) this.#addShift()
    let first = this.#indexAt(from)
    const found: Stretch[] = []
    for (; first < this.#stretches.length && this.#stretches[first]!.from < until; first++) {
      found.push(this.#stretches[first]!)
    }
    return found
  }

  /** Position, speed and status at an instant that is not before the plan begins. */
  at(instant: Instant): TruckState {
    if (instant < this.plan.beginsAt) throw new RangeError('the plan begins later')
    while (this.#stretches.at(-1)!.until <= instant) this.#addShift()
    const index = this.#indexAt(instant)
    const stretch = this.#stretches[index]!
    const elapsedS = (instant - stretch.from) / SECOND
    const travelled = stretch.drive ? travelledMeters(stretch.drive, elapsedS) : 0
    const pose = this.#route.line.pointAt(stretch.meters + stretch.direction * travelled)
    // Until the driver says otherwise what was before holds: driving, after a drive.
    const status = instant < stretch.setAt ? this.#stretches[index - 1]!.status : stretch.status
    return {
      latitude: pose.latitude,
      longitude: pose.longitude,
      headingDegrees: (pose.headingDegrees + (stretch.direction === 1 ? 0 : 180)) % 360,
      speedKph: stretch.drive ? speedKph(stretch.drive, elapsedS) : 0,
      odometerMeters: stretch.odometerMeters + travelled,
      ignition: stretch.status === 'D' || stretch.status === 'ON',
      status,
    }
  }

  /** What the driver sets in [from, until), in order. */
  statuses(from: Instant, until: Instant): SetStatus[] {
    return this.stretches(from, until).flatMap(({ status, setAt, note }) =>
      status !== 'D' && setAt >= from && setAt < until ? [{ at: setAt, status, note }] : [],
    )
  }

  #indexAt(instant: Instant): number {
    let low = 0
    let high = this.#stretches.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.#stretches[middle]!.from <= instant) low = middle
      else high = middle - 1
    }
    return low
  }

  #startOf(shift: number): Instant {
    if (shift === 0) return this.plan.shift0At
    const random = randomOf(this.plan.seed, this.plan.index, 'start', shift)
    return Math.round(this.plan.shift0At + shift * DAY + between(random, -0.25, 0.25) * HOUR)
  }

  #isOff(shift: number): boolean {
    return (((shift - this.plan.dayOff) % 7) + 7) % 7 === 0
  }

  /** One working day and the rest after it. */
  #addShift(): void {
    const { seed, index, staged, mishap } = this.plan
    const shift = this.#shift
    const random = randomOf(seed, index, 'shift', shift)
    if (!this.#isOff(shift)) {
      let steps: Shift = ordinaryShift(random, mishap?.shift === shift ? mishap.kind : undefined)
      if (shift === 0 && staged) steps = STAGED[staged]
      for (const step of steps) this.#addStep(step, random)
    }
    this.#shift++
    const from = this.#stretches.at(-1)!.until
    const until = Math.max(this.#startOf(this.#shift), this.#isOff(shift) ? from : from + LEAST_REST_MS)
    const atHome = this.#isOff(shift) || this.#isOff(this.#shift) || (!staged && random() < 0.2)
    this.#stand(from, until, atHome ? 'OFF' : 'SB', '')
  }

  #addStep(step: Step, random: () => number): void {
    const from = this.#stretches.at(-1)!.until
    if ('drive' in step) this.#go(from, step, random)
    else this.#stand(from, from + step.ms, step.status, step.note ?? '', random)
  }

  #stand(
    from: Instant,
    until: Instant,
    status: 'ON' | 'OFF' | 'SB',
    note: string,
    random?: () => number,
  ): void {
    const before = this.#stretches.at(-1)
    if (before?.status === status) {
      before.until = until
      return
    }
    const exact = this.plan.staged !== undefined
    const delay = exact || !random ? EXACT_DELAY_MS : whole(random, 25, 80) * SECOND
    this.#stretches.push({
      from,
      until,
      status,
      note,
      setAt: before?.drive ? from + delay : from,
      meters: this.#meters,
      direction: this.#direction,
      odometerMeters: this.#odometer,
    })
  }

  #go(from: Instant, step: Driving, random: () => number): void {
    const { cruiseKph } = this.plan
    const length = this.#route.line.lengthMeters
    let drive = makeDrive({ durationS: step.drive / SECOND }, cruiseKph, random)
    const room = () => (this.#direction === 1 ? length - this.#meters : this.#meters)
    let meters = drive.meters
    if (meters > room()) {
      // Ahead is the end of the run: to there if it is worth it, else back the way it came.
      if (!step.exact && room() > 0.6 * meters) meters = room()
      else this.#direction = this.#direction === 1 ? -1 : 1
    }
    if (!step.exact && meters < room()) meters = this.#townBefore(meters)
    if (meters > room()) throw new RangeError(`the run ${this.plan.route.join(' – ')} is too short`)
    if (meters !== drive.meters) drive = makeDrive({ meters }, cruiseKph, random)
    this.#stretches.push({
      from,
      until: from + Math.round(drive.durationS * SECOND),
      status: 'D',
      note: '',
      setAt: from + MOTION_AFTER_MS,
      meters: this.#meters,
      direction: this.#direction,
      odometerMeters: this.#odometer,
      drive,
    })
    this.#meters += this.#direction * drive.meters
    this.#odometer += drive.meters
  }

  /** The last town within reach, if it is near enough to stop there. */
  #townBefore(meters: number): number {
    let best = 0
    for (const town of this.#route.towns) {
      const ahead = this.#direction * (town.meters - this.#meters)
      if (ahead <= meters && ahead > best) best = ahead
    }
    return best > meters - SNAP_METERS && best > 30_000 ? best : meters
  }
}

const itineraries = new Map<string, Itinerary>()

/** What the truck of this plan does at an instant; the same answer for ever. */
export function planOf(plan: TruckPlan, instant: Instant): TruckState {
  const key = JSON.stringify(plan)
  let itinerary = itineraries.get(key)
  if (!itinerary) {
    itinerary = new Itinerary(plan)
    itineraries.set(key, itinerary)
  }
  return itinerary.at(instant)
}
